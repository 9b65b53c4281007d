package edgetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/shift"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// till is a booth's page as a cashier uses it.
type till struct {
	t     *testing.T
	l     *Lot
	b     *Booth
	lane  string
	token string
}

func (c *till) do(method, path string, body any, v any) int {
	c.t.Helper()
	status, out := c.b.Do(method, path, c.token, body)
	if v != nil {
		if err := json.Unmarshal(out, v); err != nil {
			c.t.Fatalf("%s %s: %d %s", method, path, status, out)
		}
	}
	return status
}

// shift is the booth's open shift.
func (c *till) shift() shift.Shift {
	c.t.Helper()
	var v struct{ Open *shift.Shift }
	if status := c.do("GET", "/api/shift", nil, &v); status != http.StatusOK || v.Open == nil {
		c.t.Fatalf("%s: no open shift: %d", c.b.ID, status)
	}
	return *v.Open
}

// held brings a vehicle that parked to the exit and waits until it is held.
func (c *till) held(text string, ago time.Duration) console.Lane {
	c.t.Helper()
	c.l.Inside("booth-a", "entry-1", text, ago)
	Until(c.t, 10*time.Second, "the exit's booth knows "+text, func() bool { return len(c.b.Sessions(text)) == 1 })
	c.l.Arrive(c.lane, Car(c.t, text))
	Until(c.t, 10*time.Second, text+" is held", func() bool { return c.b.Live(c.lane).Waiting != nil })
	return c.b.Live(c.lane)
}

// cash takes what is due and lets the vehicle go.
func (c *till) cash(text string, ago time.Duration) money.Amount {
	c.t.Helper()
	x := c.held(text, ago)
	var p console.Problem
	if status := c.do("POST", "/api/lanes/"+c.lane+"/cash", map[string]any{"token": x.Token, "amount": x.Due, "action": text}, &p); status != http.StatusOK {
		c.t.Fatalf("cash of %s: %d %s", text, status, p.Detail)
	}
	c.l.Cross(c.lane)
	return x.Due
}

// free lets a vehicle go for nothing.
func (c *till) free(text string, ago time.Duration) money.Amount {
	c.t.Helper()
	x := c.held(text, ago)
	var p console.Problem
	if status := c.do("POST", "/api/lanes/"+c.lane+"/open", map[string]any{"token": x.Token, "reason": "a guest", "waive": true}, &p); status != http.StatusOK {
		c.t.Fatalf("free release of %s: %d %s", text, status, p.Detail)
	}
	c.l.Cross(c.lane)
	return x.Due
}

// M27.39, M11.16: several handovers at two booths with no cloud. Each closes with its own totals; together they are the
// lot's bills, and no stay is counted twice.
func TestShiftHandovers(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{
		{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-a"}, {ID: "exit-2", Dir: fact.Exit, Booth: "booth-b"},
	}, Edit: func(c *wire.Config) {
		for _, name := range []string{"wang", "zhao"} {
			c.Staff = append(c.Staff, wire.Staff{Name: name, Hash: Hash(t), Rights: []wire.StaffRight{wire.MayOpen, wire.MayCash, wire.MayWaive}})
		}
		c.Staff = append(c.Staff, wire.Staff{Name: Operator, Hash: Hash(t), Rights: wire.StaffRights()}, wire.Staff{Name: "guard", Hash: Hash(t), Rights: []wire.StaffRight{wire.MayOpen}})
	}})
	a := &till{t, l, l.Booths["booth-a"], "exit-1", l.Booths["booth-a"].SignInAs("wang")}
	b := &till{t, l, l.Booths["booth-b"], "exit-2", l.Booths["booth-b"].SignInAs("zhao")}
	if s := a.shift(); s.By != "wang" || s.Totals.Stays != 0 {
		t.Fatalf("signing in opens %+v", s)
	}

	taken := a.cash("粤B10001", 2*time.Hour)
	waived := a.free("粤B10002", 3*time.Hour)
	other := b.cash("粤B10003", 2*time.Hour)

	first := a.shift()
	if m := first.Totals; m.Stays != 2 || m.Cash != taken || m.Takings != 1 || m.Waived != waived || m.Gross != taken+waived || m.Releases != 1 {
		t.Errorf("wang's shift is %+v after %d in cash and %d waived", m, taken, waived)
	}
	if m := b.shift().Totals; m.Stays != 1 || m.Cash != other || m.Gross != other {
		t.Errorf("zhao's shift is %+v after %d in cash", m, other)
	}

	// The booth restarts within the shift.
	a.b.Stop()
	a.b.Start()
	a.token = a.b.SignInAs("wang")
	if s := a.shift(); s.ID != first.ID || s.Totals.Cash != taken {
		t.Errorf("after a restart the shift is %s with %+v, was %s", s.ID, s.Totals, first.ID)
	}

	// Somebody else signs in: the shift stays wang's, and the other may not take cash into its drawer.
	guest := &till{t, l, a.b, "exit-1", a.b.SignIn()}
	if s := guest.shift(); s.By != "wang" {
		t.Errorf("a second sign-in gives the shift to %s", s.By)
	}
	guard := &till{t, l, a.b, "exit-1", a.b.SignInAs("guard")}
	x := a.held("粤B10004", 2*time.Hour)
	for _, c := range []struct {
		name   string
		who    *till
		path   string
		body   map[string]any
		status int
		code   string
	}{
		{"cash by who is not on duty", guest, "/api/lanes/exit-1/cash", map[string]any{"token": x.Token, "amount": x.Due, "action": "x"}, 409, "not_on_duty"},
		{"cash by who may not", guard, "/api/lanes/exit-1/cash", map[string]any{"token": x.Token, "amount": x.Due, "action": "x"}, 403, "no_right"},
		{"a free release by who may only open", guard, "/api/lanes/exit-1/open", map[string]any{"token": x.Token, "reason": "x", "waive": true}, 403, "no_right"},
		{"a plate by who may not", guard, "/api/lanes/exit-1/correct", map[string]any{"token": x.Token, "plate": "粤B10005", "colour": "blue"}, 403, "no_right"},
		{"closing another's shift without the right", guard, "/api/shift/close", map[string]any{"shift": first.ID, "counted": taken}, 403, "no_right"},
		{"a difference without a word", a, "/api/shift/close", map[string]any{"shift": first.ID, "counted": taken - 100}, 422, "difference"},
		{"a count below zero", a, "/api/shift/close", map[string]any{"shift": first.ID, "counted": -1}, 422, "bad_handover"},
		{"handing over to a wrong code", a, "/api/shift/close", map[string]any{"shift": first.ID, "counted": taken, "to": map[string]string{"name": "zhao", "code": "wrong-code"}}, 422, "wrong_code"},
		{"handing over to who may take no cash", a, "/api/shift/close", map[string]any{"shift": first.ID, "counted": taken, "to": map[string]string{"name": "guard", "code": Code}}, 403, "no_right"},
		{"another shift than the open one", a, "/api/shift/close", map[string]any{"shift": b.shift().ID, "counted": 0}, 409, "shift_changed"},
	} {
		var p console.Problem
		if status := c.who.do("POST", c.path, c.body, &p); status != c.status || p.Code != c.code || p.DetailZH == "" || p.DetailEN == "" {
			t.Errorf("%s: %d %+v, want %d %s", c.name, status, p, c.status, c.code)
		}
	}
	if s := a.shift(); s.ID != first.ID || s.Totals.Cash != taken {
		t.Fatalf("refusals changed the shift: %+v", s)
	}

	// The handover: counted, one note short, to zhao, while a vehicle waits at the exit.
	var closed console.Closed
	if status := a.do("POST", "/api/shift/close", map[string]any{
		"shift": first.ID, "counted": taken - 100, "note": "one note short", "to": map[string]string{"name": "zhao", "code": Code},
	}, &closed); status != http.StatusOK {
		t.Fatalf("handover: %d", status)
	}
	if c := closed.Shift.Closed; c == nil || c.Counted != taken-100 || c.Totals.Cash != taken || c.Totals.Stays != 2 || c.Note == "" || c.To != "zhao" || closed.Me == nil || closed.Me.Name != "zhao" {
		t.Fatalf("closed with %+v, %+v", closed.Shift, closed.Me)
	}
	if status, _ := a.b.Do("GET", "/api/me", a.token, nil); status != http.StatusUnauthorized {
		t.Errorf("who handed over is still in: %d", status)
	}
	a.token = closed.Me.Token
	second := a.shift()
	if second.By != "zhao" || second.Totals.Stays != 0 || second.Totals.Cash != 0 {
		t.Errorf("the next shift begins with %+v", second)
	}
	// Sent once more (the answer was lost), it closes nothing.
	if status, body := a.b.Do("POST", "/api/shift/close", guest.token, map[string]any{"shift": first.ID, "counted": 0}); status != http.StatusOK || !strings.Contains(string(body), fmt.Sprint(`"counted":`, int64(taken-100))) {
		t.Errorf("closing once more: %d %s", status, body)
	}
	if s := a.shift(); s.ID != second.ID {
		t.Fatalf("closing once more closed %s", second.ID)
	}

	// The waiting vehicle pays in the second shift.
	x = a.b.Live("exit-1")
	if status := a.do("POST", "/api/lanes/exit-1/cash", map[string]any{"token": x.Token, "amount": x.Due, "action": "y"}, nil); status != http.StatusOK {
		t.Fatalf("cash in the second shift: %d", status)
	}
	l.Cross("exit-1")
	late := x.Due

	var end, endB console.Closed
	second, third := a.shift(), b.shift()
	if status := a.do("POST", "/api/shift/close", map[string]any{"shift": second.ID, "counted": second.Totals.Cash}, &end); status != http.StatusOK || end.Me != nil {
		t.Fatalf("closing with nobody after: %d %+v", status, end)
	}
	if status := b.do("POST", "/api/shift/close", map[string]any{"shift": third.ID, "counted": third.Totals.Cash}, &endB); status != http.StatusOK {
		t.Fatalf("closing at the other booth: %d", status)
	}
	sum := func(of func(fact.ShiftTotals) money.Amount) money.Amount {
		return of(closed.Shift.Totals) + of(end.Shift.Totals) + of(endB.Shift.Totals)
	}
	var lot session.Sums
	b.b.Lot().View(func(k *session.Book) { lot = k.Sums() })
	Until(t, 10*time.Second, "the booths have each other's facts", func() bool {
		b.b.Lot().View(func(k *session.Book) { lot = k.Sums() })
		return lot.Exits == 4
	})
	gross := sum(func(m fact.ShiftTotals) money.Amount { return m.Gross })
	cash := sum(func(m fact.ShiftTotals) money.Amount { return m.Cash })
	stays := closed.Shift.Totals.Stays + end.Shift.Totals.Stays + endB.Shift.Totals.Stays
	if gross != lot.Billed || cash != taken+other+late || cash != lot.Paid || stays != 4 {
		t.Errorf("the shifts have %d stays, %d gross, %d cash; the lot %+v", stays, gross, cash, lot)
	}
	var list struct{ Items []shift.Shift }
	guest.do("GET", "/api/shifts", nil, &list)
	if len(list.Items) != 2 || list.Items[0].ID != second.ID || list.Items[1].Closed == nil || list.Items[1].Totals.Cash != taken {
		t.Errorf("booth-a lists %+v", list.Items)
	}
}
