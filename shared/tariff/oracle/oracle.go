// Package oracle prices stays a second time, in another way than package tariff, for tests to compare both.
//
// It was written from FORMAT.md alone. It looks at the local clock at every second of a stay, keeps every unit that was
// bought in a list, finds caps by going back through that list, and computes with big.Rat. It is slow, and means to be
// obviously right. It shares nothing with the engine but the types of a tariff, the calendar and amounts of money.
//
// The tariff is taken to be valid.
package oracle

import (
	"fmt"
	"slices"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// Result is what the oracle says of a stay.
type Result struct {
	Gross, Free, Paid, Due money.Amount
	MaxStay                bool
}

// Rate prices a stay.
func Rate(t tariff.Tariff, cal calendar.Calendar, stay tariff.Stay, c tariff.Context) (Result, error) {
	t = spelledOut(t)
	r := &rate{tariff: t, place: newPlace(t.TZ.Location(), cal), stay: stay, context: c, arrived: ceilSecond(stay.Entry)}
	exit := floorSecond(stay.Exit)
	r.entry, _ = r.precise(r.arrived, exit)
	r.merge()
	if err := r.choosePlan(); err != nil {
		return Result{}, err
	}
	r.reach = span{r.first.begin, max(exit, r.first.begin)}
	ratedTo := r.settle(exit)
	b := r.bill(ratedTo)
	paid := money.Amount(0)
	for _, p := range c.Payments {
		paid += p.Amount
	}
	paid = min(paid, b.left)
	return Result{Gross: b.gross, Free: b.gross - b.left, Paid: paid, Due: b.left - paid, MaxStay: b.flag}, nil
}

// spelledOut gives each step the end rule that its plan has for all.
func spelledOut(t tariff.Tariff) tariff.Tariff {
	t.Plans = slices.Clone(t.Plans)
	for i := range t.Plans {
		spellOut(&t.Plans[i])
	}
	return t
}

func spellOut(p *tariff.Plan) {
	p.Bands = slices.Clone(p.Bands)
	for i := range p.Bands {
		p.Bands[i].Steps = slices.Clone(p.Bands[i].Steps)
		for j := range p.Bands[i].Steps {
			if s := &p.Bands[i].Steps[j]; s.Unit != 0 && s.End == "" {
				s.End, s.Tail = p.End, p.Tail
			}
		}
	}
	p.Guards = slices.Clone(p.Guards)
	for i := range p.Guards {
		if inner := p.Guards[i].Plan; inner != nil {
			spelled := *inner
			spellOut(&spelled)
			p.Guards[i].Plan = &spelled
		}
	}
}

// choosePlan takes the first plan that fits.
func (r *rate) choosePlan() error {
	for i := range r.tariff.Plans {
		p := &r.tariff.Plans[i]
		class := len(p.Classes) == 0 || slices.Contains(p.Classes, r.stay.Class)
		entitled := len(p.Entitlements) == 0 || slices.ContainsFunc(p.Entitlements, func(e string) bool {
			return slices.Contains(r.stay.Entitlements, e)
		})
		if class && entitled && r.place.fits(p.DayTypes, r.place.day(r.first.begin)) {
			r.plan = p
			return nil
		}
	}
	return fmt.Errorf("oracle: no plan of tariff %s fits the stay", r.tariff.ID)
}

// settle goes through the payments during the stay, finds which of them settled what was owed at their time, and says up
// to when the stay is rated: the last of those within whose grace the exit lies, else the exit.
func (r *rate) settle(exit int64) int64 {
	var times []int64
	for _, p := range r.context.Payments {
		if at := floorSecond(p.At); r.arrived <= at && at <= exit {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	ratedTo, settled := exit, money.Amount(0)
	for _, at := range slices.Compact(times) {
		paid := money.Amount(0)
		for _, p := range r.context.Payments {
			if floorSecond(p.At) <= at {
				paid += p.Amount
			}
		}
		owed := r.bill(at).left
		if owed <= settled || paid < owed {
			continue
		}
		if exit <= at+int64(r.tariff.GraceAfterPayment) {
			ratedTo = at
		} else if begin, to := r.precise(r.arrived, at); r.tariff.AfterPayment == tariff.AfterNewStay && begin < to {
			r.splits, settled = append(r.splits, at), owed
		}
	}
	return ratedTo
}

// bill is what the stay up to some time costs, and what is left of it after rights, covers and coupons.
type bill struct {
	gross, left money.Amount
	flag        bool
}

// bill rates the stay up to exit; payments are not looked at.
func (r *rate) bill(exit int64) bill {
	fee, flag := r.fee(exit, 0, nil)
	booking := money.Amount(0)
	for _, b := range r.context.Bookings {
		booking += b.Price
	}
	left, free := fee, false
	var kept []cover
	for _, c := range r.covers() {
		if c.all {
			left, free = 0, true
			continue
		}
		with := append(slices.Clone(kept), c)
		if lower, f := r.fee(exit, 0, with); lower <= left {
			left, flag, kept = lower, f, with
		}
	}
	coupons := couponWork{rate: r, exit: exit, covers: kept, free: free, booking: booking, left: left + booking}
	return bill{gross: fee + booking, left: coupons.apply(), flag: flag}
}

// couponWork takes coupons off.
type couponWork struct {
	rate    *rate
	exit    int64
	covers  []cover
	free    bool // a right makes the time free
	booking money.Amount
	left    money.Amount
	minutes int64 // of the coupons that acted so far
}

// apply takes them off kind by kind, those of a kind in the order given.
func (w *couponWork) apply() money.Amount {
	order := []tariff.CouponKind{tariff.CouponFull, tariff.CouponMinutes, tariff.CouponPercent, tariff.CouponAmount}
	if rule := w.rate.tariff.Coupons; rule != nil && len(rule.Order) > 0 {
		order = rule.Order
	}
	for _, kind := range order {
		for _, c := range w.rate.context.Coupons {
			if c.Kind == kind {
				w.take(c)
			}
		}
	}
	return w.left
}

func (w *couponWork) take(c tariff.Coupon) {
	switch c.Kind {
	case tariff.CouponFull:
		w.left = 0
	case tariff.CouponAmount:
		w.left = max(0, w.left-c.Amount)
	case tariff.CouponPercent:
		w.left = minor(share(whole(w.left), int64(100-c.Percent), 100))
	case tariff.CouponMinutes:
		w.takeMinutes(c.Minutes)
	}
}

func (w *couponWork) takeMinutes(minutes int64) {
	before := w.minutes
	w.minutes += minutes
	mode := tariff.MinutesTrimEnd
	if rule := w.rate.tariff.Coupons; rule != nil && rule.Minutes != "" {
		mode = rule.Minutes
	}
	w.left = max(0, w.left-max(0, w.saving(mode, w.minutes)-w.saving(mode, before)))
}

// saving is what so many minutes are worth.
func (w *couponWork) saving(mode tariff.MinutesMode, minutes int64) money.Amount {
	if w.free || minutes == 0 {
		return 0
	}
	all, _ := w.rate.fee(w.exit, 0, w.covers)
	less := all
	switch mode {
	case tariff.MinutesTrimEnd:
		less, _ = w.rate.fee(w.exit-minutes*60, 0, w.covers)
	case tariff.MinutesTrimStart:
		less, _ = w.rate.fee(w.exit, minutes*60, w.covers)
	case tariff.MinutesValue:
		return w.value(minutes)
	}
	return all - less
}

// value is what the first so many minutes of the stay cost.
func (w *couponWork) value(minutes int64) money.Amount {
	if w.free {
		return 0
	}
	fee, _ := w.rate.fee(min(w.exit, w.rate.arrived+minutes*60), 0, w.covers)
	return fee
}
