package shift_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/shift"
	"lotkeeper/shared/tariff"
)

// booth writes one booth's log.
type booth struct {
	author fact.Author
	head   fact.Head
	at     time.Time
	log    []fact.Fact
}

func newBooth(n int) *booth {
	return &booth{author: fact.Author(fmt.Sprintf("booth%c2222222222", 'a'+n)), at: time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)}
}

func (b *booth) write(k fact.Kind, body, hidden any, refs ...fact.ID) fact.ID {
	b.at = b.at.Add(time.Second)
	_, f, head, err := fact.Seal(b.head, ed25519.NewKeyFromSeed(make([]byte, 32)), fact.Stamp{Lot: "riverside", Author: b.author, Boot: "b", Now: b.at},
		fact.Draft{At: b.at, Source: "booth", Kind: k, Body: body, Hidden: hidden, Refs: refs})
	if err != nil {
		panic(err)
	}
	b.head, b.log = head, append(b.log, f)
	return f.ID()
}

func (b *booth) read(lane string, dir fact.Dir, text string) fact.ID {
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		panic(err)
	}
	return b.write(fact.KindRead, fact.Read{Lane: lane, Dir: dir, Device: "cam-" + string(b.author), Event: fmt.Sprint(b.head.Seq)}, fact.Vehicle{Plate: p})
}

func (b *booth) in(text string) fact.ID {
	r := b.read("entry", fact.Entry, text)
	b.write(fact.KindDecision, fact.Decision{Lane: "entry", Dir: fact.Entry, Action: fact.Open, Reason: "entry"}, nil, r)
	b.write(fact.KindPassage, fact.Passage{Lane: "entry", Dir: fact.Entry, Outcome: fact.Passed}, nil, r)
	return r
}

// release writes the decision and the bill of an exit, and returns the exit's observation.
func (b *booth) release(session fact.ID, text, by string, gross, free money.Amount, lines ...tariff.Line) fact.ID {
	x := b.read("exit", fact.Exit, text)
	b.write(fact.KindDecision, fact.Decision{Lane: "exit", Dir: fact.Exit, Action: fact.Open, Reason: "paid", By: by}, nil, x)
	b.write(fact.KindBill, fact.Bill{Session: session, Bill: tariff.Bill{Gross: gross, Free: free, Lines: lines}}, nil, session, x)
	return x
}

func (b *booth) pass(x fact.ID, o fact.Outcome) {
	b.write(fact.KindPassage, fact.Passage{Lane: "exit", Dir: fact.Exit, Outcome: o}, nil, x)
}

func (b *booth) cash(session fact.ID, n money.Amount, action string) {
	b.write(fact.KindCash, fact.Cash{Session: session, Amount: n, Curr: "CNY", By: "zhang", Action: action}, nil, session)
}

func (b *booth) paid(session fact.ID, n money.Amount, order string) {
	b.write(fact.KindPayment, fact.Payment{Session: session, Amount: n, Curr: "CNY", Provider: "wechat", Order: order}, nil, session)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// since returns the log after a number.
func (b *booth) since(seq uint64) []fact.Fact { return b.log[seq:] }

func TestTally(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(b *booth)
		want  fact.ShiftTotals
	}{
		{"cash, phone and nothing", func(b *booth) {
			s := b.in("粤B11111")
			b.cash(s, 1500, "a")
			b.pass(b.release(s, "粤B11111", "", 1500, 0), fact.Passed)
			s = b.in("粤B22222")
			b.paid(s, 700, "o")
			b.pass(b.release(s, "粤B22222", "", 1000, 0), fact.Passed)
			s = b.in("粤B33333")
			b.pass(b.release(s, "粤B33333", "", 500, 500), fact.Passed)
		}, fact.ShiftTotals{
			Stays: 3, Gross: 3000, Free: 500, Debt: 300, Cash: 1500, Takings: 1,
			Paid: []fact.PaidBy{{Method: "cash", Count: 1, Amount: 1500}, {Method: "wechat", Count: 1, Amount: 700}},
		}},
		{"part by phone, the rest in cash: one stay", func(b *booth) {
			s := b.in("粤B11111")
			b.paid(s, 700, "o")
			b.cash(s, 300, "a")
			b.pass(b.release(s, "粤B11111", "", 1000, 0), fact.Passed)
		}, fact.ShiftTotals{
			Stays: 1, Gross: 1000, Cash: 300, Takings: 1,
			Paid: []fact.PaidBy{{Method: "cash", Count: 1, Amount: 300}, {Method: "wechat", Count: 1, Amount: 700}},
		}},
		{"a taking that was sent twice", func(b *booth) {
			s := b.in("粤B11111")
			b.cash(s, 1000, "a")
			b.cash(s, 1000, "a")
			b.pass(b.release(s, "粤B11111", "", 1000, 0), fact.Passed)
		}, fact.ShiftTotals{Stays: 1, Gross: 1000, Cash: 1000, Takings: 1, Paid: []fact.PaidBy{{Method: "cash", Count: 1, Amount: 1000}}}},
		{"waived by a person, beside what was free", func(b *booth) {
			s := b.in("粤B11111")
			b.pass(b.release(s, "粤B11111", "zhang", 1000, 1000,
				tariff.Line{Kind: tariff.KindFree, Ref: "free:x", Amount: -400}, tariff.Line{Kind: tariff.KindFree, Ref: "waiver:zhang", Amount: -600}), fact.Passed)
		}, fact.ShiftTotals{Stays: 1, Gross: 1000, Free: 400, Waived: 600, Releases: 1}},
		{"paid too much is no income of the stay, but lies in the drawer", func(b *booth) {
			s := b.in("粤B11111")
			b.paid(s, 1000, "o")
			b.cash(s, 1000, "a")
			b.pass(b.release(s, "粤B11111", "", 1000, 0), fact.Passed)
		}, fact.ShiftTotals{Stays: 1, Gross: 1000, Cash: 1000, Takings: 1, Paid: []fact.PaidBy{{Method: "wechat", Count: 1, Amount: 1000}}}},
		{"backed out of the exit and released again: one stay", func(b *booth) {
			s := b.in("粤B11111")
			b.cash(s, 1000, "a")
			b.pass(b.release(s, "粤B11111", "", 1000, 0), fact.Reversed)
			b.pass(b.release(s, "粤B11111", "", 1200, 0), fact.Passed)
		}, fact.ShiftTotals{Stays: 1, Gross: 1200, Debt: 200, Cash: 1000, Takings: 1, Paid: []fact.PaidBy{{Method: "cash", Count: 1, Amount: 1000}}}},
		{"the booth died before the passage, and went on with another vehicle", func(b *booth) {
			b.release(b.in("粤B11111"), "粤B11111", "", 1000, 0)
			b.pass(b.release(b.in("粤B22222"), "粤B22222", "", 500, 0), fact.Passed)
		}, fact.ShiftTotals{Stays: 2, Gross: 1500, Debt: 1500}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBooth(0)
			c.write(b)
			got, carried := shift.Tally(fact.ShiftOpened{}, b.log, session.Fold(b.log))
			if d := cmp.Diff(c.want, got); d != "" || len(carried) > 0 {
				t.Errorf("carried %v, totals (-want +got):\n%s", carried, d)
			}
		})
	}
}

// A vehicle stands released under the arm while the shift is handed over: whether it leaves or backs out, its stay is
// counted once.
func TestHandoverWhileAVehicleStandsInTheLane(t *testing.T) {
	for _, backs := range []bool{false, true} {
		b := newBooth(0)
		s := b.in("粤B11111")
		b.cash(s, 1000, "a")
		x := b.release(s, "粤B11111", "", 1000, 0)
		first, carried := shift.Tally(fact.ShiftOpened{}, b.log, session.Fold(b.log))
		if first.Stays != 0 || first.Cash != 1000 || len(carried) != 1 {
			t.Fatalf("first shift: %+v, carried %v", first, carried)
		}
		upto := b.head.Seq
		if backs {
			b.pass(x, fact.Reversed)
			x = b.release(s, "粤B11111", "", 1000, 0)
		}
		b.pass(x, fact.Passed)
		second, rest := shift.Tally(fact.ShiftOpened{After: upto, Carried: carried}, b.since(upto), session.Fold(b.log))
		if second.Stays != 1 || second.Gross != 1000 || second.Cash != 0 || len(rest) != 0 || len(second.Paid) != 1 || second.Paid[0].Amount != 1000 {
			t.Errorf("backs out %v: second shift: %+v, carried %v", backs, second, rest)
		}
	}
}

// However two booths' logs are cut into shifts, all shifts together are the lot: each stay once, each note once.
func TestShiftsTogetherAreTheLot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		booths := []*booth{newBooth(0), newBooth(1)}
		opened := make([]fact.ShiftOpened, 2)
		var all []fact.ShiftTotals
		book := func() *session.Book {
			return session.Fold(append(append([]fact.Fact{}, booths[0].log...), booths[1].log...))
		}
		handover := func(i int) {
			b := booths[i]
			t, carried := shift.Tally(opened[i], b.since(opened[i].After), book())
			all = append(all, t)
			opened[i] = fact.ShiftOpened{After: b.head.Seq, Carried: carried}
		}
		for n := range rapid.IntRange(1, 12).Draw(rt, "stays") {
			i := rapid.IntRange(0, 1).Draw(rt, "booth")
			b := booths[i]
			b.at = b.at.Add(time.Duration(rapid.IntRange(0, 7200).Draw(rt, "pause")) * time.Second)
			text := fmt.Sprintf("粤B%05d", n)
			entry := booths[rapid.IntRange(0, 1).Draw(rt, "entry booth")]
			entry.at = later(entry.at, b.at)
			s := entry.in(text)
			b.at = later(entry.at, b.at)
			gross := money.Amount(rapid.IntRange(0, 30).Draw(rt, "gross") * 100)
			if rapid.Bool().Draw(rt, "cash") {
				b.cash(s, 100+gross/2, text)
			}
			if rapid.Bool().Draw(rt, "phone") {
				b.paid(s, 100+gross/2, text)
			}
			if rapid.IntRange(0, 3).Draw(rt, "hand over while it waits") == 0 {
				handover(i)
			}
			x := b.release(s, text, "", gross, 0)
			if rapid.IntRange(0, 2).Draw(rt, "hand over under the arm") == 0 {
				handover(i)
			}
			if rapid.IntRange(0, 4).Draw(rt, "backs out") == 0 {
				b.pass(x, fact.Reversed)
				x = b.release(s, text, "", gross, 0)
			}
			if rapid.IntRange(0, 5).Draw(rt, "the booth dies") > 0 {
				b.pass(x, fact.Passed)
			}
		}
		for i, b := range booths {
			r := b.read("exit", fact.Exit, "粤B99999") // somebody comes, so that the last one has gone
			b.write(fact.KindDecision, fact.Decision{Lane: "exit", Dir: fact.Exit, Action: fact.Hold, Reason: "no_entry"}, nil, r)
			handover(i)
		}
		var got, want session.Sums
		var cash money.Amount
		for _, t := range all {
			paid := money.Amount(0)
			for _, p := range t.Paid {
				paid += p.Amount
			}
			if t.Gross != t.Free+t.Waived+t.Debt+paid {
				rt.Fatalf("a shift does not add up: %+v", t)
			}
			got.Closed += t.Stays
			got.Billed += t.Gross
			got.Paid += paid
			got.Debt += t.Debt
			cash += t.Cash
		}
		k := book()
		for _, s := range k.Sessions() {
			if s.Bill != nil {
				want.Closed++
				want.Billed += s.Money.Gross
				want.Paid += s.Money.Paid
				want.Debt += s.Money.Debt
			}
			for _, p := range s.Pays {
				if p.Method == "cash" {
					cash -= p.Amount
				}
			}
		}
		if got != want || cash != 0 {
			rt.Fatalf("shifts %+v, the lot %+v, cash off by %d", got, want, cash)
		}
	})
}
