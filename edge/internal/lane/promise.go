package lane

import (
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// promiseLook is how often a vehicle that waits to go on a promise by itself is judged again: the cloud may be away by now.
const promiseLook = 5 * time.Second

// promiseDays is how far back promises are looked for when the policy does not say.
const promiseDays = 30

// mayPromise reports whether a vehicle may leave on a promise to pay: nothing else can be collected (the cloud is away, so
// no phone can pay), its plate is known, and what it promised before lies within the lot's limits, by the facts that this
// booth has.
func mayPromise(book *session.Book, c *wire.Config, q Query, due money.Amount) bool {
	p := c.Policy.Promises
	if q.Away <= 0 || p.Count <= 0 || due <= 0 || q.Plate.None() {
		return false
	}
	days := p.Days
	if days <= 0 {
		days = promiseDays
	}
	n, owed := book.Promises(q.Plate, q.At.AddDate(0, 0, -days))
	return n < p.Count && owed+due <= p.Sum
}

// goesOnPromise reports whether the lot's policy lets the vehicle go with nobody's word.
func (f *Finding) goesOnPromise() bool {
	after := time.Duration(f.Policy.Promises.After) * time.Second
	return f.Promise && after > 0 && f.Away >= after
}

// waitsForPromise reports whether it would go by itself once the cloud is away for long enough.
func (c *Car) waitsForPromise() bool {
	p := c.Found.Policy.Promises
	return c.Phase == Held && c.Reason == ReasonUnpaid && p.Count > 0 && p.After > 0
}

// askPromise lets the vehicle at the lane go on its driver's promise.
func (t *step) askPromise(a Ask) {
	c := &t.Car
	switch {
	case c.Phase != Held || c.Found.Bill == nil || c.Found.Bill.Due <= 0:
		t.refuse(a, Invalid, textNothingDue)
	case !c.Found.Promise:
		t.refuse(a, Refused, textNoPromise)
	default:
		t.force(Forced{Reason: ReasonPromised, By: a.By, Note: a.Note})
		t.Asks = append(t.Asks, Waiting{a.ID, WantOpen, c.N, a.Command})
	}
}

// promise records that what is due was promised.
func (t *step) promise(read fact.ID) []fact.Draft {
	c := &t.Car
	f := &c.Found
	if c.Reason != ReasonPromised || f.Bill == nil || f.Bill.Due <= 0 {
		return nil
	}
	body := fact.Promised{
		Session: f.Session, Amount: f.Bill.Due, Curr: f.Currency, Lane: t.Lane,
		Tariff: fact.TariffRef{ID: f.Bill.Tariff, Version: f.Bill.Version},
	}
	if c.Forced != nil {
		body.By, body.Note = c.Forced.By, c.Forced.Note
	}
	d := t.draft(fact.KindPromised, body, f.Entry, read)
	d.Hidden = fact.Vehicle{Plate: c.Plate}
	return []fact.Draft{d}
}
