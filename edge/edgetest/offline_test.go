package edgetest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/console"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// M32.03: the phone paid, no line to the cloud: the signed receipt opens the exit once, and for its own car only.
func TestReceiptAtABoothWithNoNetwork(t *testing.T) {
	l := Start(t, Plan{})
	c := &till{t, l, l.Booths["booth-b"], "exit-1", l.Booths["booth-b"].SignIn()}
	x := c.held("粤B10001", 2*time.Hour)
	now := time.Now()
	text := l.Authority.Receipt(receipt.Receipt{
		Lot: Name, Session: x.Session, Vehicle: receipt.VehicleOf(Name, *x.Plate), Amount: x.Due, Curr: "CNY", Provider: "wechat", Order: "order-7",
		Quoted: now, Issued: now, Expires: now.Add(time.Hour),
	})
	scan := func(text string) (int, console.Problem) {
		var p console.Problem
		status := c.do("POST", "/api/lanes/exit-1/scan", map[string]any{"token": c.b.Live("exit-1").Token, "text": text}, &p)
		return status, p
	}
	if status, p := scan(strings.Replace(text, "LKR1B", "LKR1C", 1)); status != http.StatusConflict || !strings.Contains(p.DetailEN, "genuine") {
		t.Fatalf("a forged receipt: %d %+v", status, p)
	}
	if status, p := scan(" " + text + "\r\n"); status != http.StatusOK {
		t.Fatalf("the receipt: %d %+v", status, p)
	}
	l.Cross("exit-1")
	Until(t, 5*time.Second, "it has left", func() bool { return c.b.Sessions("粤B10001")[0].State == session.Left })
	c.held("粤B10002", 2*time.Hour)
	if status, p := scan(text); status != http.StatusConflict || !strings.Contains(p.DetailEN, "used before") {
		t.Fatalf("the receipt of a car that has left: %d %+v", status, p)
	}
	// The uplink is back: the cloud's own fact of the order counts nothing twice, at either booth.
	l.Cloud.PaidOrder(l.Booths["booth-a"], x.Session, x.Due, "order-7")
	for id, b := range l.Booths {
		Until(t, 10*time.Second, id+" knows both facts", func() bool {
			s := b.Sessions("粤B10001")
			return len(s) == 1 && len(s[0].Facts) >= 7 && s[0].Bill != nil
		})
		if s := b.Sessions("粤B10001")[0]; s.Money.Paid != x.Due || s.Money.Excess != 0 || len(s.Pays) != 1 {
			t.Errorf("%s: money %+v, payments %+v", id, s.Money, s.Pays)
		}
	}
}

// M32.04: nothing can be collected: the car leaves on a promise, and the limit holds after the booth restarted, at the other
// booth too.
func TestPromiseAtABoothWithNoNetwork(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{
		{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-a"}, {ID: "exit-2", Dir: fact.Exit, Booth: "booth-b"},
	}, Edit: func(c *wire.Config) { c.Policy.Promises = wire.PromisePolicy{Count: 1, Sum: 100000} }})
	a := &till{t, l, l.Booths["booth-a"], "exit-1", l.Booths["booth-a"].SignIn()}
	x := a.held("粤B10001", 2*time.Hour)
	if !x.Promise {
		t.Fatalf("no promise is offered: %+v", x)
	}
	if status := a.do("POST", "/api/lanes/exit-1/promise", map[string]any{"token": x.Token, "reason": "no cash"}, nil); status != http.StatusOK {
		t.Fatalf("promise: %d", status)
	}
	l.Cross("exit-1")
	a.b.Stop()
	a.b.Start()
	b := &till{t, l, l.Booths["booth-b"], "exit-2", l.Booths["booth-b"].SignIn()}
	Until(t, 10*time.Second, "booth-b knows of the debt", func() bool {
		s := b.b.Sessions("粤B10001")
		return len(s) == 1 && s[0].Money.Debt == x.Due
	})
	a.token = a.b.SignIn()
	if m := a.shift().Totals; m.Promises != 1 || m.Debt != x.Due || m.Cash != 0 {
		t.Errorf("the shift has %+v after a promise of %d", m, x.Due)
	}
	for id, k := range l.Booths {
		var n int
		var owed money.Amount
		k.Lot().View(func(b *session.Book) { n, owed = b.Promises(*x.Plate, time.Now().Add(-time.Hour)) })
		if n != 1 || owed != x.Due {
			t.Errorf("%s knows of %d promises of %d, want one of %d", id, n, owed, x.Due)
		}
	}
}

// M4.06: a car without a plate takes a ticket; the exit's booth has no facts of its entry, for the entry's booth and the cloud
// are away. The ticket alone prices the stay, once, and when the booths hear each other again it is one session.
func TestTicketAtABoothThatHearsNobody(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	author := a.Lot().Author()
	Until(t, 10*time.Second, "booth-b has heard of booth-a", func() bool { return b.Lot().KeyOf(author) != nil })
	b.Stop()
	l.Arrive("entry-1", Car(t, ""))
	l.Cross("entry-1")
	token := a.SignIn()
	var list struct{ Items []console.Passage }
	_, out := a.Do("GET", "/api/passages", token, nil)
	must(t, json.Unmarshal(out, &list))
	path := "/api/tickets/" + list.Items[0].ID.String()
	var k, again console.Ticket
	for _, into := range []*console.Ticket{&k, &again} {
		status, out := a.Do("GET", path, token, nil)
		if status != http.StatusOK {
			t.Fatalf("ticket: %d %s", status, out)
		}
		must(t, json.Unmarshal(out, into))
	}
	if k != again || k.Text == "" || k.Lane != "entry-1" {
		t.Errorf("the ticket is %+v, and then %+v", k, again)
	}
	if status, out := a.Do("GET", path+"/qr.png", token, nil); status != http.StatusOK || !strings.HasPrefix(string(out), "\x89PNG") {
		t.Errorf("its code: %d", status)
	}
	if status, _ := a.Do("GET", path, "", nil); status != http.StatusUnauthorized {
		t.Errorf("for nobody: %d", status)
	}
	a.Stop()
	b.Start()
	token = b.SignIn()
	scan := func(text string) (int, string) {
		status, out := b.Do("POST", "/api/lanes/exit-1/scan", token, map[string]any{"token": b.Live("exit-1").Token, "text": text})
		return status, string(out)
	}
	l.Arrive("exit-1", Car(t, ""))
	Until(t, 10*time.Second, "it is held", func() bool { return b.Live("exit-1").Reason == "no_plate" })
	if status, out := b.Do("GET", path, token, nil); status != http.StatusNotFound {
		t.Errorf("another booth gives the ticket too: %d %s", status, out)
	}
	if status, out := scan(k.Text); status != http.StatusOK {
		t.Fatalf("the ticket at the exit: %d %s", status, out)
	}
	l.Cross("exit-1")
	l.Arrive("exit-1", Car(t, ""))
	Until(t, 10*time.Second, "the next is held", func() bool { return b.Live("exit-1").Reason == "no_plate" })
	if status, out := scan(k.Text); status != http.StatusConflict || !strings.Contains(out, "used before") {
		t.Errorf("the ticket once more: %d %s", status, out)
	}
	a.Start()
	for id, x := range l.Booths {
		Until(t, 20*time.Second, id+" has one session of it", func() bool {
			var s session.Session
			var ok bool
			x.Lot().View(func(k *session.Book) { s, ok = k.Session(list.Items[0].ID) })
			return ok && s.State == session.Left && s.Entry != nil && s.Exit != nil && s.Exit.Lane == "exit-1" && s.Bill != nil
		})
	}
}
