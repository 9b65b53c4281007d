package session

import (
	"cmp"
	"slices"

	"lotkeeper/shared/fact"
)

// settle applies the bills and payments among a session's facts.
func (b *Book) settle(s *Session) {
	var bills, pays []*entry
	for _, id := range s.Facts {
		switch e := b.facts[id]; body := e.body.(type) {
		case fact.Bill:
			if s.stands(e, body) {
				bills = append(bills, e)
			}
		case fact.Cash, fact.Payment, fact.Proved:
			pays = append(pays, e)
		case fact.Voided:
			s.void(e, body)
		}
	}
	order := func(x, y *entry) int { return cmp.Or(cmp.Compare(x.HLC, y.HLC), x.id.Compare(y.id)) }
	slices.SortFunc(bills, order)
	slices.SortFunc(pays, order)
	if len(bills) > 0 {
		first := bills[0].body.(fact.Bill).Bill
		s.Bill, s.Billed = &first, bills[0].id
		for _, f := range first.Flags {
			s.flag(Flag(f))
		}
	}
	if len(bills) > 1 {
		s.flag(TwoBills)
	}
	b.credit(s, pays)
	b.grade(s)
}

// stands reports whether a bill is this session's and the release that it was written for happened. A vehicle that
// backed out of the exit was not released: what it paid stays with the session, and its next release writes the bill.
// One whose exit turned out to be another vehicle's, or false, never left either.
func (s *Session) stands(e *entry, bill fact.Bill) bool {
	exit := e.Refs[len(e.Refs)-1]
	return s.holds(exit) && s.Has(bill.Session) && !s.lapsed(exit)
}

// credit sums the payments. The same order or action counts once, however many facts speak of it.
func (b *Book) credit(s *Session, pays []*entry) {
	once := map[string]bool{}
	for _, e := range pays {
		p := Payment{Fact: e.id, At: b.at(e)}
		switch c := e.body.(type) {
		case fact.Cash:
			p.Amount, p.Method, p.Order, p.Operator = c.Amount, "cash", c.Action, c.By
		case fact.Payment:
			p.Amount, p.Method, p.Order = c.Amount, c.Provider, c.Order
			if !c.Quoted.IsZero() {
				p.At = c.Quoted
			}
		case fact.Proved:
			p.Amount, p.Method, p.Order = c.Amount, c.Provider, c.Order
			if !c.Quoted.IsZero() {
				p.At = c.Quoted
			}
		}
		if k := p.Method + "\n" + p.Order; !once[k] {
			once[k] = true
			s.Pays = append(s.Pays, p)
		}
	}
	if s.Void != nil {
		for _, p := range s.Pays {
			s.Money.Excess += p.Amount
		}
		if s.Money.Excess > 0 {
			s.flag(Overpaid)
		}
		return
	}
	if s.Bill == nil {
		return
	}
	m := Money{Gross: s.Bill.Gross, Free: s.Bill.Free}
	payable := m.Gross - m.Free
	for _, p := range s.Pays {
		take := min(p.Amount, payable-m.Paid)
		m.Paid += take
		m.Excess += p.Amount - take
	}
	m.Debt = payable - m.Paid
	if m.Excess > 0 {
		s.flag(Overpaid)
	}
	s.Money = m
}

// grade says what evidence there is of the session's ends.
func (b *Book) grade(s *Session) {
	read, told := 0, 0
	for _, v := range []*Visit{s.Entry, s.Exit} {
		switch {
		case v == nil || v.Basis == Unread:
		case b.version >= 2 && b.told(v):
			told++
		default:
			read++
		}
	}
	switch {
	case read == 2:
		s.Grade = BothEnds
	case read == 1:
		s.Grade = OneEnd
	case told > 0:
		s.Grade = Entered
	default:
		s.Grade = NoPhoto
	}
}

// told reports whether a person said that a visit was, be it after the fact or in place of a camera that read nothing.
func (b *Book) told(v *Visit) bool {
	r, ok := b.facts[v.Fact].body.(fact.Read)
	return !ok || r.Trigger == fact.TriggerPerson
}
