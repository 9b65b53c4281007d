package session

import (
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

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
