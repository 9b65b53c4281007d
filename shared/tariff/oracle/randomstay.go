package oracle

import (
	"fmt"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// near moves a second to one at which something is just over, or just not yet, or leaves it anywhere.
func (d *drawer) near(u int64) int64 {
	switch {
	case d.in(25):
		return u
	case d.in(50):
		return floorDiv(u, 1800)*1800 + int64(pick(d, -1, 0, 0, 0, 1, 59, 60))
	}
	return floorDiv(u, 300) * 300
}

// stay is mostly under two days and at times one of five.
func (d *drawer) stay(t *tariff.Tariff) tariff.Stay {
	entry := d.near(d.base + int64(d.next(daySeconds)))
	most := pick(d, 1200, 7200, 7200, 5*3600, 5*3600, 12*3600, daySeconds, daySeconds, 2*daySeconds, 5*daySeconds)
	length := int64(1 + d.next(most))
	exit := entry + length
	switch d.next(5) {
	case 0:
		exit = d.near(exit)
	case 1:
		exit = entry + length/900*900 + int64(d.next(3))
	case 2: // at an edge of the day
		p := newPlace(d.loc, calendar.Calendar{})
		exit = p.edge(floorDiv(exit, daySeconds), int64(d.edgeClock(t))) + int64(d.next(2))
	}
	if free := t.Plans[len(t.Plans)-1].Free; free != nil && d.in(15) {
		exit = entry + int64(free.UpTo) + int64(d.next(3)-1)
	}
	if e := d.guardEdge(t, entry); d.in(25) && e > entry {
		exit = e + int64(d.next(3)-1)
	}
	if exit <= entry {
		exit = entry + length
	}
	if d.in(2) {
		exit = entry
	}
	exit = min(exit, entry+5*daySeconds)
	s := tariff.Stay{Entry: time.Unix(entry, 0), Exit: time.Unix(exit, 0)}
	s.Class = pick(d, "", "small", "small", "large")
	if d.in(20) {
		s.Entitlements = []string{pick(d, "outpatient", "staff", "other")}
	}
	return s
}

// guardEdge is when a guard's exit ends, for an entry; 0 if there is no such guard.
func (d *drawer) guardEdge(t *tariff.Tariff, entry int64) int64 {
	for _, g := range t.Plans[len(t.Plans)-1].Guards {
		if g.Exit != nil && g.Exit.To != nil {
			p := newPlace(d.loc, calendar.Calendar{})
			return p.edge(p.day(entry)+int64(g.Exit.ToDay), int64(*g.Exit.To))
		}
	}
	return 0
}

// edgeClock is a clock at which some band begins.
func (d *drawer) edgeClock(t *tariff.Tariff) tariff.Clock {
	bands := t.Plans[len(t.Plans)-1].Bands
	return bands[d.next(len(bands))].From
}

func (d *drawer) context(t *tariff.Tariff, s tariff.Stay) tariff.Context {
	var c tariff.Context
	length := int(s.Exit.Sub(s.Entry)/time.Second) + 1
	at := func() time.Time { return time.Unix(d.near(s.Entry.Unix()+int64(d.next(length))), 0) }
	for i := 0; i < 2 && d.in(25); i++ {
		c.Rights = append(c.Rights, d.right(t, i, s, at))
	}
	for i := 0; i < 2 && d.in(12); i++ {
		from := at().Add(time.Duration(d.next(3)-1) * 15 * time.Minute)
		if d.in(40) { // a little after the entry
			from = s.Entry.Add(time.Duration(pick(d, 600, 899, 900, 901, 3600)) * time.Second)
		}
		price := money.Amount(100 * d.next(10))
		until := from.Add(time.Duration(1+d.next(24)) * 30 * time.Minute)
		c.Bookings = append(c.Bookings, tariff.Booking{ID: fmt.Sprintf("booking%d", i), From: from, Until: until, Price: price})
	}
	for i := 0; i < 3 && d.in(likely(t.Coupons != nil, 40, 15)); i++ {
		c.Coupons = append(c.Coupons, d.coupon(i))
	}
	for i := 0; i < 3 && d.in(likely(t.GraceAfterPayment > 0, 60, 12)); i++ {
		amount := money.Amount(pick(d, 100, 1000, 5000, 100000, 1000000, 1000000))
		c.Payments = append(c.Payments, tariff.Payment{ID: fmt.Sprintf("payment%d", i), At: d.paidAt(s, at), Amount: amount})
	}
	c.Visits = d.visits(s, likely(t.Reentry != nil, 70, 25))
	return c
}

// likely is a percentage: higher where the tariff has a setting that needs what is drawn.
func likely(needed bool, high, low int) int {
	if needed {
		return high
	}
	return low
}

// paidAt is any time of the stay, or one shortly before the exit, so that a grace is near its end.
func (d *drawer) paidAt(s tariff.Stay, at func() time.Time) time.Time {
	before := s.Exit.Add(-time.Duration(pick(d, 0, 299, 300, 301, 900, 901, 1800)) * time.Second)
	if d.in(50) && !before.Before(s.Entry) {
		return before
	}
	return at()
}

func (d *drawer) right(t *tariff.Tariff, i int, s tariff.Stay, at func() time.Time) tariff.Right {
	r := tariff.Right{ID: fmt.Sprintf("right%d", i), Kind: tariff.RightCover}
	if d.in(12) {
		r.Kind = tariff.RightFree
		return r
	}
	if n := len(t.Passes); n > 0 && d.in(80) {
		r.Pass = t.Passes[d.next(n)].ID
	}
	if d.in(30) { // all but a little at both ends
		r.From = s.Entry.Add(time.Duration(pick(d, 0, 600, 900, 1800, 3600)) * time.Second)
		r.Until = s.Exit.Add(-time.Duration(pick(d, 0, 60, 300, 900, 3600)) * time.Second)
		if r.From.Before(r.Until) {
			return r
		}
		r.From, r.Until = time.Time{}, time.Time{}
	}
	if d.in(35) {
		r.From = at()
	}
	if d.in(35) {
		r.Until = at()
		if !r.From.IsZero() && !r.From.Before(r.Until) {
			r.Until = r.From.Add(2 * time.Hour)
		}
	}
	return r
}

func (d *drawer) coupon(i int) tariff.Coupon {
	c := tariff.Coupon{ID: fmt.Sprintf("coupon%d", i), Kind: pick(d, tariff.CouponMinutes, tariff.CouponMinutes, tariff.CouponPercent,
		tariff.CouponAmount)}
	if d.in(5) {
		c.Kind = tariff.CouponFull
	}
	switch c.Kind {
	case tariff.CouponMinutes:
		c.Minutes = int64(pick(d, 10, 15, 30, 60, 60, 120, 600))
	case tariff.CouponPercent:
		c.Percent = pick(d, 10, 20, 33, 50, 100)
	case tariff.CouponAmount:
		c.Amount = d.money()
	}
	return c
}

// visits lists earlier visits that do not overlap, each before the one drawn before it.
func (d *drawer) visits(s tariff.Stay, often int) []tariff.Visit {
	var list []tariff.Visit
	before := s.Entry
	for i := 0; i < 3 && d.in(often); i++ {
		gap := time.Duration(pick(d, 5, 15, 15, 60, 61, 240, 600)) * time.Minute
		exit := before.Add(-gap + time.Duration(d.next(3)-1)*time.Second)
		entry := exit.Add(-time.Duration(1+d.next(20)) * 17 * time.Minute)
		v := tariff.Visit{ID: fmt.Sprintf("visit%d", i), Entry: entry, Exit: exit, Gross: money.Amount(100 * d.next(pick(d, 1, 10, 40)))}
		list = append(list, v)
		before = entry
	}
	return list
}

// fractions adds fractions of a second to the entry and the exit of some stays. Only where nothing else is known beside
// the stay: how fractions of several times compare, no price should hang on.
func (d *drawer) fractions(s *tariff.Stay, c tariff.Context) {
	if len(c.Rights)+len(c.Bookings)+len(c.Payments)+len(c.Visits) > 0 || !d.in(15) {
		return
	}
	s.Entry = s.Entry.Add(time.Duration(d.next(1000)) * time.Millisecond)
	s.Exit = s.Exit.Add(time.Duration(1000+d.next(1000)) * time.Millisecond)
}
