package edgetest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// one returns the booth's only session of a plate, once it is so.
func one(t *testing.T, b *Booth, text string, ok func(session.Session) bool) session.Session {
	t.Helper()
	Until(t, 15*time.Second, b.ID+" knows the session of "+text, func() bool {
		of := b.Sessions(text)
		return len(of) == 1 && ok(of[0])
	})
	return b.Sessions(text)[0]
}

func left(s session.Session) bool   { return s.State == session.Left && s.Bill != nil }
func inside(s session.Session) bool { return s.State == session.Inside }

func TestEntersAtOneBoothAndLeavesAtAnotherWhileTheFirstIsDead(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	one(t, b, "粤B12345", inside)
	a.Stop()
	l.Arrive("exit-1", Car(t, "粤B12345"))
	l.Cross("exit-1")
	s := one(t, b, "粤B12345", left)
	if s.Entry == nil || s.Entry.Lane != "entry-1" || s.Exit.Lane != "exit-1" || slices.Contains(s.Flags, session.TwoBills) {
		t.Errorf("session %+v", s)
	}
	if got := l.Lanes["exit-1"].Display.Spoken(); !slices.Contains(got, "一路顺风") {
		t.Errorf("the exit said %q", got)
	}
	a.Start()
	one(t, a, "粤B12345", left)
	Until(t, 15*time.Second, "both booths hold the same", func() bool {
		x, dx := a.Lot().Digest()
		y, dy := b.Lot().Digest()
		return len(x) == 2 && len(y) == 2 && dx == dy
	})
	if x, y := l.Lanes["entry-1"].Board.Crushed(), l.Lanes["exit-1"].Board.Crushed(); x+y > 0 {
		t.Errorf("an arm came down on a car: %d, %d", x, y)
	}
}

func TestCashOpensTheExit(t *testing.T) {
	l := Start(t, Plan{})
	b := l.Booths["booth-b"]
	l.Inside("booth-a", "entry-1", "粤B12345", 3*time.Hour-time.Minute)
	one(t, b, "粤B12345", inside)
	l.Arrive("exit-1", Car(t, "粤B12345"))
	Until(t, 5*time.Second, "the exit asks for money", func() bool { return b.Live("exit-1").Due == 1500 })
	Until(t, 5*time.Second, "the display says so", func() bool {
		return slices.Contains(l.Lanes["exit-1"].Display.Screen().Rows, "请缴费15元")
	})
	token := b.SignIn()
	body := map[string]any{"token": b.Live("exit-1").Token, "amount": 1500, "action": "c-1"}
	if code, out := b.Do("POST", "/api/lanes/exit-1/cash", token, body); code != 200 {
		t.Fatalf("cash: %d %s", code, out)
	}
	if code, out := b.Do("POST", "/api/lanes/exit-1/cash", token, body); code != 200 {
		t.Errorf("the same taking again: %d %s", code, out)
	}
	l.Cross("exit-1")
	s := one(t, b, "粤B12345", left)
	if s.Money.Paid != 1500 || s.Money.Debt != 0 || len(s.Pays) != 1 || s.Pays[0].Operator != Operator {
		t.Errorf("money %+v, pays %+v", s.Money, s.Pays)
	}
}

func TestPhonePaymentHeardByAnotherBoothOpensTheExit(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	l.Inside("booth-a", "entry-1", "粤B12345", 50*time.Minute)
	other := l.Inside("booth-a", "entry-1", "京C88888", 50*time.Minute)
	s := one(t, b, "粤B12345", inside)
	l.Arrive("exit-1", Car(t, "粤B12345"))
	Until(t, 5*time.Second, "the exit asks for money", func() bool { return b.Live("exit-1").Due == 500 })
	l.Cloud.Paid(a, other.ID, 500) // somebody else's money opens nothing
	one(t, b, "京C88888", func(s session.Session) bool { return len(s.Pays) == 1 })
	if arm := l.Lanes["exit-1"].Board.Arm(); arm != "down" {
		t.Errorf("the arm is %s although this car is not paid", arm)
	}
	l.Cloud.Paid(a, s.ID, 500)
	l.Cross("exit-1")
	if s := one(t, b, "粤B12345", left); s.Money.Paid != 500 {
		t.Errorf("money %+v", s.Money)
	}
}

func TestUnlicensedCarAndCorrectedPlate(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	l.Arrive("entry-1", Car(t, ""))
	l.Cross("entry-1")
	count := func(x *Booth) (n int) {
		x.Lot().View(func(k *session.Book) { n = len(k.Inside()) })
		return n
	}
	Until(t, 10*time.Second, "the ticket session is known at the exit", func() bool { return count(b) == 1 })
	l.Arrive("exit-1", Car(t, ""))
	Until(t, 5*time.Second, "the exit offers the session", func() bool { return len(b.Live("exit-1").Similar) == 1 })
	token := b.SignIn()
	v := b.Live("exit-1")
	if v.Reason != "no_plate" {
		t.Errorf("reason %q", v.Reason)
	}
	if code, out := b.Do("POST", "/api/lanes/exit-1/match", token, map[string]any{"token": v.Token, "session": v.Similar[0].Session}); code != 200 {
		t.Fatalf("match: %d %s", code, out)
	}
	l.Cross("exit-1")
	Until(t, 10*time.Second, "it has left at both", func() bool { return count(a)+count(b) == 0 })

	l.Inside("booth-a", "entry-1", "粤B12345", 10*time.Minute)
	one(t, b, "粤B12345", inside)
	misread := Car(t, "粤B12345")
	misread.Read = Car(t, "川A00000").Read
	l.Arrive("exit-1", misread)
	Until(t, 5*time.Second, "the exit finds no entry", func() bool { return b.Live("exit-1").Reason == "no_entry" })
	body := map[string]any{"token": b.Live("exit-1").Token, "plate": "粤B·12345", "colour": "blue"}
	if code, out := b.Do("POST", "/api/lanes/exit-1/correct", token, body); code != 200 {
		t.Fatalf("correct: %d %s", code, out)
	}
	l.Cross("exit-1")
	one(t, b, "粤B12345", left)
}

func TestReversesOut(t *testing.T) {
	l := Start(t, Plan{})
	a := l.Booths["booth-a"]
	l.Arrive("entry-1", Car(t, "粤B12345"))
	ctx := t.Context()
	must(t, l.Lanes["entry-1"].AwaitUp(ctx))
	must(t, l.Lanes["entry-1"].BackOut(ctx, func() {}))
	Until(t, 15*time.Second, "the arm is down again", func() bool { return l.Lanes["entry-1"].Board.Arm() == "down" })
	Until(t, 5*time.Second, "the passage is told", func() bool {
		p, err := a.Agent.Passages(10)
		must(t, err)
		return len(p) == 1 && p[0].Outcome == fact.Reversed
	})
	if got := a.Sessions("粤B12345"); len(got) != 0 {
		t.Errorf("sessions %+v", got)
	}
}

func TestStoredReadsMoveNothingAndTornFramesAreReadAgain(t *testing.T) {
	l := Start(t, Plan{})
	a := l.Booths["booth-a"]
	lane := l.Lanes["entry-1"]
	l.Inside("booth-a", "entry-1", "粤B00004", 6*time.Hour)
	lane.Camera.Read(sim.Reading{Plate: Car(t, "粤B77777").Read, At: time.Now().Add(-6 * time.Hour), Confidence: 90}) // "live", and six hours old
	Until(t, 10*time.Second, "it is recorded as late", func() bool {
		p, err := a.Agent.Passages(10)
		must(t, err)
		return len(p) == 2 && p[0].Late
	})
	if got := lane.Board.Commands(); len(got) > 0 {
		t.Errorf("the barrier was moved: %v", got)
	}
	lane.Camera.TearNext(1)
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	one(t, a, "粤B12345", inside)
	if lane.Camera.Stats().Torn != 1 {
		t.Error("no frame was torn")
	}
	opened := 0
	for _, c := range lane.Board.Commands() {
		if c == "open" {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("the barrier was asked to open %d times: %v", opened, lane.Board.Commands())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A stay is priced with the tariff of its entry, whatever is published before it leaves; the next stay gets the new one.
// Where nothing is asked, the stay is recorded and billed all the same.
func TestATariffPublishedMidStayIsForTheNextStay(t *testing.T) {
	version := func(n int, price string) tariff.Tariff {
		tf, err := tariff.Decode(fmt.Appendf(nil, `{"id": "flat", "version": %d, "name": "flat", "tz": "Asia/Shanghai", "currency": "CNY",
			"plans": [{"id": "all", "bands": [{"id": "always", "steps": [%s]}]}]}`, n, price))
		if err != nil {
			t.Fatal(err)
		}
		return tf
	}
	rule := func(n int) []wire.TariffRule {
		return []wire.TariffRule{{Tariff: fact.TariffRef{ID: "flat", Version: n}}}
	}
	versions := []tariff.Tariff{version(1, `{"unit": "1h", "price": 500}`), version(2, `{"unit": "1h", "price": 900}`), version(3, `{"price": 0}`)}
	l := Start(t, Plan{Edit: func(c *wire.Config) { c.Tariffs, c.Rules = versions[:1], rule(1) }})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	enter := func(text string) {
		l.Arrive("entry-1", Car(t, text))
		l.Cross("entry-1")
		one(t, b, text, inside)
	}
	publish := func(n int) {
		a.Configure(func(c *wire.Config) { c.Tariffs, c.Rules = versions[:n], rule(n) })
		Until(t, 10*time.Second, "the other booth has it", func() bool { c, _ := b.Lot().Config(); return c.Rules[0].Tariff.Version == n })
	}
	enter("粤B10001")
	publish(2)
	enter("粤B10002")
	publish(3)
	enter("粤B10003")
	for text, due := range map[string]money.Amount{"粤B10001": 500, "粤B10002": 900, "粤B10003": 0} {
		l.Arrive("exit-1", Car(t, text))
		if due > 0 {
			Until(t, 10*time.Second, text+" is asked for its own tariff's fee", func() bool { return b.Live("exit-1").Due == due })
			l.Cloud.Paid(b, one(t, b, text, inside).ID, due)
		}
		l.Cross("exit-1")
		if s := one(t, b, text, left); s.Bill.Gross != due {
			t.Errorf("%s: billed %d, want %d", text, s.Bill.Gross, due)
		}
	}
}
