// Package shift totals what a booth did while one person had it.
//
// A shift is a piece of the booth's own log: from the number that its opening fact names up to the number that its closing
// fact names. So nothing at a lane knows of shifts, a shift goes on after a restart and without a network, and shifts of
// one booth or of several never share a fact.
//
// Invariants:
//   - gross = free + waived + debt + paid, and each stay is counted in one shift only: in that of the booth that wrote the
//     bill which stands, once its vehicle has left the lane;
//   - cash is counted in the shift in which it was taken, once per taking;
//   - the totals of a closed shift are frozen in its closing fact.
package shift

import (
	"cmp"
	"slices"
	"strings"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
)

// Book is what is known of sessions: *session.Book.
type Book interface {
	Fact(fact.ID) (fact.Fact, bool)
	Session(fact.ID) (session.Session, bool)
}

// Tally totals a shift from the facts that the booth wrote in it. carried are the bills of vehicles that may still stand in
// their lane: such a bill may lapse (the vehicle backs out), so it is the next shift's to count. A vehicle has left when its
// passage is recorded, or when another was judged at the lane since. So is one that was priced from a ticket, until the
// facts of its entry come.
func Tally(opened fact.ShiftOpened, facts []fact.Fact, book Book) (t fact.ShiftTotals, carried []fact.ID) {
	y := tally{book: book, last: map[string]judged{}, paid: map[string]*fact.PaidBy{}, taken: map[string]bool{}}
	var bills []*fact.Fact
	for _, id := range opened.Carried {
		if f, ok := book.Fact(id); ok {
			bills = append(bills, &f)
		}
	}
	for i := range facts {
		if f := &facts[i]; f.Kind == fact.KindBill {
			bills = append(bills, f)
		} else if session.Judge(f) == nil { // else it has no effect on sessions, so none here
			y.add(f)
		}
	}
	for _, f := range bills {
		if !y.bill(f) {
			carried = append(carried, f.ID())
		}
	}
	for _, p := range y.paid {
		y.Paid = append(y.Paid, *p)
	}
	slices.SortFunc(y.Paid, func(a, b fact.PaidBy) int { return cmp.Compare(a.Method, b.Method) })
	return y.ShiftTotals, carried
}

type tally struct {
	fact.ShiftTotals
	book  Book
	last  map[string]judged // by lane
	paid  map[string]*fact.PaidBy
	taken map[string]bool // ids of takings
}

// judged is the last decision at a lane.
type judged struct {
	hlc fact.HLC
	of  fact.ID // the observation
}

func (y *tally) add(f *fact.Fact) {
	switch f.Kind {
	case fact.KindCash:
		c, err := fact.Decode[fact.Cash](f)
		if err != nil || y.taken[c.Action] {
			return
		}
		y.taken[c.Action] = true
		y.Cash += c.Amount
		y.Takings++
	case fact.KindPromised:
		y.Promises++
	case fact.KindDecision:
		d, err := fact.Decode[fact.Decision](f)
		if err != nil {
			return
		}
		y.last[d.Lane] = judged{f.HLC, f.Refs[0]}
		if d.Action == fact.Open && d.By != "" {
			y.Releases++
		}
	}
}

// bill counts a stay if this is the bill of it that stands. It reports false when that is not certain yet.
func (y *tally) bill(f *fact.Fact) (certain bool) {
	b, err := fact.Decode[fact.Bill](f)
	if err != nil {
		return true
	}
	s, ok := y.book.Session(b.Session)
	if !ok {
		return false // priced from a ticket: the entry's facts have yet to come
	}
	if s.Billed != f.ID() || s.Bill == nil {
		return true // it lapsed, or another came first
	}
	if x := s.Exit; x != nil && x.Basis == session.Assumed {
		if l := y.last[x.Lane]; l.hlc < f.HLC || l.of == x.Fact {
			return false
		}
	}
	y.Stays++
	y.Gross += s.Bill.Gross
	waived := waived(&s)
	y.Waived += waived
	y.Free += s.Bill.Free - waived
	left := s.Bill.Gross - s.Bill.Free
	for _, p := range s.Pays {
		take := min(p.Amount, left)
		if take <= 0 {
			continue
		}
		left -= take
		by := y.paid[p.Method]
		if by == nil {
			by = &fact.PaidBy{Method: p.Method}
			y.paid[p.Method] = by
		}
		by.Count++
		by.Amount += take
	}
	y.Debt += left
	return true
}

// waived is what a person took off a bill.
func waived(s *session.Session) (sum money.Amount) {
	for _, l := range s.Bill.Lines {
		if l.Kind == tariff.KindFree && strings.HasPrefix(l.Ref, session.WaiverRef) {
			sum -= l.Amount
		}
	}
	return sum
}
