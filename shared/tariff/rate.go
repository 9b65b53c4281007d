package tariff

import (
	"fmt"
	"slices"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff/strict"
)

// maxStay bounds what is believed to be one stay.
const maxStay = 10 * 366 * day

// Quote is what a stay costs, without how that came about. Amounts are in minor units.
type Quote struct {
	Gross, Free, Paid, Due money.Amount
	// RatedTo and LeaveBy are as of a [Bill], in Unix seconds; LeaveBy is 0 where there is none.
	RatedTo, LeaveBy int64
	OverMaxStay      bool
	InFreeTime       bool // it costs nothing because it was within the free time
}

// Rate prices a stay. It is pure: no clock, no network, no state; equal arguments give equal bills everywhere.
//
// Fractions of a second are not charged: a stay begins at the first whole second and ends at the last. An exit that
// is the present moment makes the bill a quote.
//
// It fails on a tariff that Validate refuses, on a stay that ends before it begins, lacks a time or is longer than ten
// years, on one that has hundreds of thousands of pieces, and on a context with a value that makes no sense; never on a
// combination of sensible ones. Whoever prices many stays by one tariff compiles it once: see [Compile].
func Rate(t Tariff, cal calendar.Calendar, stay Stay, c Context) (Bill, error) {
	r, err := Compile(t, cal)
	if err != nil {
		return Bill{}, err
	}
	return r.Rate(stay, c)
}

// Rate prices a stay, with the bill's lines.
func (r *Rater) Rate(stay Stay, c Context) (Bill, error) {
	var lines []Line
	q, p, err := r.rate(stay, c, &lines)
	if err != nil {
		return Bill{}, fmt.Errorf("price a stay by tariff %s: %w", r.t.ID, err)
	}
	bill := Bill{
		Tariff: r.t.ID, Version: r.t.Version, Calendar: r.cal.ID, CalendarVersion: r.cal.Version,
		Plan: p.src.ID, Currency: r.t.Currency, Class: stay.Class, Entitlements: stay.Entitlements,
		// Without their monotonic readings, which mean nothing on another machine.
		Entry: stay.Entry.Round(0).In(r.loc), Exit: stay.Exit.Round(0).In(r.loc), RatedTo: stay.Exit.Round(0).In(r.loc),
		Lines: lines, Gross: q.Gross, Free: q.Free, Paid: q.Paid, Due: q.Due, Monotone: r.monotone(p),
	}
	if q.LeaveBy != 0 {
		bill.RatedTo, bill.LeaveBy = time.Unix(q.RatedTo, 0).In(r.loc), time.Unix(q.LeaveBy, 0).In(r.loc)
	}
	if q.OverMaxStay {
		bill.Flags = append(bill.Flags, FlagMaxStay)
	}
	if q.InFreeTime {
		bill.Flags = append(bill.Flags, FlagFreeTime)
	}
	return bill, nil
}

// Quote prices a stay as Rate does, but makes no lines: for whoever needs the amounts of many stays.
func (r *Rater) Quote(stay Stay, c Context) (Quote, error) {
	q, _, err := r.rate(stay, c, nil)
	if err != nil {
		return Quote{}, fmt.Errorf("price a stay by tariff %s: %w", r.t.ID, err)
	}
	return q, nil
}

func (r *Rater) rate(stay Stay, c Context, lines *[]Line) (Quote, *plan, error) {
	if err := stay.check(); err != nil {
		return Quote{}, nil, err
	}
	if err := c.check(); err != nil {
		return Quote{}, nil, err
	}
	w, _ := r.walkers.Get().(*walker)
	defer r.walkers.Put(w)
	return w.rate(stay, c, lines)
}

// rate prices a stay that was checked.
func (w *walker) rate(stay Stay, c Context, lines *[]Line) (Quote, *plan, error) {
	w.failed = nil
	s := &w.settlement
	s.w, s.ctx, s.stay = w, c, stay
	defer s.forget() // it also begins the next stay
	s.begin()
	if s.plan = w.planOf(&s.stay, s.entry); s.plan == nil {
		return Quote{}, nil, strict.Wrong(noPlanFits, stay.Class)
	}
	p, q := s.plan, s.settle(lines)
	if w.failed != nil {
		return Quote{}, nil, w.failed
	}
	return q, p, nil
}

// planOf is the first plan that fits.
func (w *walker) planOf(stay *Stay, entry int64) *plan {
	number, _, _ := w.line.at(entry)
	for i := range w.r.plans {
		p := &w.r.plans[i]
		if p.src.takes(stay) && (p.days == 0 || w.line.days(number)&p.days != 0) {
			return p
		}
	}
	return nil
}

// takes says whether the plan is for the vehicle.
func (p *Plan) takes(stay *Stay) bool {
	return (len(p.Classes) == 0 || slices.Contains(p.Classes, stay.Class)) &&
		(len(p.Entitlements) == 0 || slices.ContainsFunc(p.Entitlements, func(e string) bool { return slices.Contains(stay.Entitlements, e) }))
}

func (s *Stay) check() error {
	switch {
	case s.Entry.IsZero() || s.Exit.IsZero():
		return strict.Wrong(stayOpen)
	case s.Exit.Before(s.Entry):
		return strict.Wrong(stayBack, strict.Words(Seconds((s.Entry.Sub(s.Exit)+time.Second-1)/time.Second).text()))
	case s.Exit.Unix()-s.Entry.Unix() > maxStay:
		return strict.Wrong(stayTooLong)
	}
	return nil
}

func firstSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
