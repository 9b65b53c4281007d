package session

import (
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// Ticketed returns the session of an entry that the book has no facts of, as a ticket tells it, with what was paid for it
// here: facts name the entry although it is not known.
func (b *Book) Ticketed(of fact.ID, at time.Time, tariff fact.TariffRef) Session {
	s := Session{ID: of, State: Inside, Entry: &Visit{Fact: of, At: at}, Tariff: &tariff}
	var pays []*entry
	for _, id := range b.byRef[of] {
		e := b.facts[id]
		switch e.body.(type) {
		case fact.Cash, fact.Payment, fact.Proved:
			if e.poor == nil {
				pays = append(pays, e)
			}
		}
	}
	b.credit(&s, pays)
	return s
}

// Matched reports whether an observation other than one was matched to an entry and has left by it.
func (b *Book) Matched(to, but fact.ID) bool {
	for _, id := range b.byRef[to] {
		m := b.facts[id]
		if m.poor != nil || m.Kind != fact.KindMatched || m.Refs[1] != to || m.Refs[0] == but {
			continue
		}
		if e, ok := b.facts[m.Refs[0]]; ok && e.observes() {
			if _, moved := b.sighting(e); moved {
				return true
			}
		}
	}
	return false
}

// Promises returns how many promises to pay a vehicle made since a time that are not kept, as far as the book knows, and
// what they owe together.
func (b *Book) Promises(p plate.Plate, since time.Time) (n int, owed money.Amount) {
	v := b.vehicles[Key(p.Text)]
	if v == nil || p.None() {
		return 0, 0
	}
	for _, s := range v.sessions {
		if s.Money.Debt <= 0 || clash(s.Plate, p) {
			continue
		}
		for _, id := range s.Facts {
			if e := b.facts[id]; e.Kind == fact.KindPromised && e.poor == nil && !e.At.Before(since) {
				n++
				owed += s.Money.Debt
				break
			}
		}
	}
	return n, owed
}
