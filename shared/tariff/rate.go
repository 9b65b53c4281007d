package tariff

import (
	"errors"
	"fmt"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// maxStay bounds what is believed to be one stay.
const maxStay = 10 * 366 * day

// Rate prices a stay. It is pure: no clock, no network, no state; equal arguments give equal bills everywhere.
//
// Fractions of a second are not charged: a stay begins at the first whole second and ends at the last. An exit that
// is the present moment makes the bill a quote.
//
// It fails on a tariff that Validate refuses, on a stay that ends before it begins, lacks a time or is longer than ten
// years, and on a context with a value that makes no sense; never on a combination of sensible ones.
func Rate(t Tariff, cal calendar.Calendar, stay Stay, c Context) (Bill, error) {
	if err := t.Validate(); err != nil {
		return Bill{}, err
	}
	if err := errors.Join(stay.check(), c.check()); err != nil {
		return Bill{}, fmt.Errorf("tariff %s: %w", t.ID, err)
	}
	plan := t.plan(stay.Class)
	if plan == nil {
		return Bill{}, fmt.Errorf("tariff %s has no plan for class %q", t.ID, stay.Class)
	}
	loc := t.TZ.Location()
	// Without their monotonic readings, which mean nothing on another machine.
	stay.Entry, stay.Exit = stay.Entry.Round(0), stay.Exit.Round(0)
	bill := Bill{
		Tariff: t.ID, Version: t.Version, Calendar: cal.ID, CalendarVersion: cal.Version,
		Plan: plan.ID, Currency: t.Currency, Class: stay.Class,
		Entry: stay.Entry.In(loc), Exit: stay.Exit.In(loc), RatedTo: stay.Exit.In(loc),
		Monotone: plan.monotone(),
	}
	s := settlement{t: &t, ctx: &c, walker: newWalker(&t, plan, cal), entry: firstSecond(stay.Entry)}
	paid, err := s.graceFrom(stay.Exit)
	if err != nil {
		return Bill{}, fmt.Errorf("price a stay by tariff %s: %w", t.ID, err)
	}
	if !paid.IsZero() {
		bill.RatedTo, bill.LeaveBy = paid.In(loc), paid.Add(t.GraceAfterPayment.duration()).In(loc)
	}
	if err := s.settle(&bill); err != nil {
		return Bill{}, fmt.Errorf("price a stay by tariff %s: %w", t.ID, err)
	}
	return bill, nil
}

// plan is the one for a class of vehicle.
func (t *Tariff) plan(class string) *Plan {
	for i := range t.Plans {
		if t.Plans[i].takes(class) {
			return &t.Plans[i]
		}
	}
	return nil
}

func (p *Plan) takes(class string) bool {
	for _, c := range p.Classes {
		if c == class {
			return true
		}
	}
	return len(p.Classes) == 0
}

// monotone holds for every plan that this model can state: prices are not negative, a later exit only adds units, and
// a cap takes no more than was added. A setting that breaks it (an exit-clock guard, a price for a full cycle) must
// answer here.
func (p *Plan) monotone() bool { return true }

func (s Stay) check() error {
	switch {
	case s.Entry.IsZero() || s.Exit.IsZero():
		return errors.New("the stay lacks its entry or exit time")
	case s.Exit.Before(s.Entry):
		return fmt.Errorf("the stay ends %s before it begins", s.Entry.Sub(s.Exit))
	case s.Exit.Unix()-s.Entry.Unix() > maxStay:
		return errors.New("the stay is longer than ten years")
	}
	return nil
}

func firstSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func (s Seconds) duration() time.Duration { return time.Duration(s) * time.Second }

// fee is what the tariff asks for a stay without what is covered.
func (w *walker) fee(stay span, covered []span) (money.Amount, error) {
	if stay.from >= stay.to {
		return 0, nil
	}
	atoms, err := w.walk(stay, covered)
	if err != nil {
		return 0, err
	}
	if atoms, _, err = w.applyCaps(atoms); err != nil {
		return 0, err
	}
	var sum money.Rat
	for _, a := range atoms {
		if sum, err = sum.Add(a.left); err != nil {
			return 0, err
		}
	}
	return sum.Round(), nil
}
