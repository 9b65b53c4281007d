package tariff

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lotkeeper/shared/money"
)

// settlement puts together what the tariff asks and what the context takes off.
type settlement struct {
	t      *Tariff
	ctx    *Context
	walker *walker
	entry  int64
}

// settle fills the bill's lines and sums, for the stay up to RatedTo.
func (s *settlement) settle(b *Bill) error {
	lines, gross, err := s.grossLines(span{s.entry, b.RatedTo.Unix()})
	if err != nil {
		return err
	}
	reductions, left, err := s.reduce(gross, b.RatedTo.Unix())
	if err != nil {
		return err
	}
	b.Lines = append(lines, reductions...)
	b.Gross, b.Free = gross, gross-left
	for _, p := range s.ctx.payments() {
		if take := min(p.Amount, left); take > 0 {
			at := p.At.In(s.t.TZ.Location())
			b.Lines = append(b.Lines, Line{Kind: KindPaid, Text: Text{"已付", "Paid"}, From: at, To: at, Ref: p.ID, Amount: -take})
			b.Paid, left = b.Paid+take, left-take
		}
	}
	b.Due = left
	return nil
}

// reduce takes off rights, bookings and coupons, in this order, each as a line. None ever adds: where the rest of a
// stay would cost more alone (a unit cut in two costs twice), the fee stays as it was.
func (s *settlement) reduce(gross money.Amount, to int64) (lines []Line, left money.Amount, err error) {
	left = gross
	lower := func(target money.Amount, ref string, name, fallback Text, during span) {
		if target = max(target, 0); target < left {
			lines = append(lines, Line{Kind: KindFree, Text: name.or(fallback), Ref: ref, Amount: target - left,
				From: s.local(during.from), To: s.local(during.to)})
			left = target
		}
	}
	whole := span{s.entry, to}
	var covered []span
	cover := func(during span, ref string, name, fallback Text) error {
		during = span{max(during.from, whole.from), min(during.to, whole.to)}
		if left == 0 || during.from >= during.to {
			return nil
		}
		more := union(append(slices.Clone(covered), during))
		fee, err := s.walker.fee(whole, more)
		if err == nil && fee <= left {
			covered = more // kept also when it saves nothing yet: with the next it may
			lower(fee, ref, name, fallback, during)
		}
		return err
	}
	for _, r := range s.ctx.Rights {
		if r.Kind == RightFree {
			lower(0, r.ID, r.Name, Text{"免费车辆", "Free vehicle"}, whole)
		} else if err := cover(openSpan(r.From, r.Until), r.ID, r.Name, Text{"月卡", "Month card"}); err != nil {
			return nil, 0, err
		}
	}
	for _, b := range s.ctx.Bookings {
		if err := cover(openSpan(b.From, b.Until), b.ID, b.Name, Text{"预约时段", "Booked time"}); err != nil {
			return nil, 0, err
		}
	}
	early := whole
	for _, c := range s.ctx.Coupons {
		if c.Kind != CouponMinutes || left == 0 {
			continue
		}
		before := early.to
		early.to = max(early.from, early.to-c.Minutes*60)
		fee, err := s.walker.fee(early, covered)
		if err != nil {
			return nil, 0, err
		}
		n := strconv.FormatInt(c.Minutes, 10)
		lower(fee, c.ID, c.Name, Text{"优惠券：减免" + n + "分钟", "Coupon: " + plural(c.Minutes, "minute")}, span{early.to, before})
	}
	for _, c := range s.ctx.Coupons {
		switch c.Kind {
		case CouponFull:
			lower(0, c.ID, c.Name, Text{"优惠券：全免", "Coupon: free of charge"}, whole)
		case CouponAmount:
			face := c.Amount.Format(s.t.Currency)
			lower(left-c.Amount, c.ID, c.Name, Text{"优惠券：减" + face, "Coupon: " + face + " off"}, whole)
		case CouponPercent:
			rest, err := money.NewRat(100-int64(c.Percent), 100)
			if err != nil {
				return nil, 0, err
			}
			if rest, err = rest.Times(int64(left)); err != nil {
				return nil, 0, err
			}
			n := strconv.Itoa(c.Percent)
			lower(rest.Round(), c.ID, c.Name, Text{"优惠券：减" + n + "%", "Coupon: " + n + "% off"}, whole)
		}
	}
	return lines, left, nil
}

// graceFrom is the time of the payment that settled the fee of its moment and in whose grace the exit falls; zero if
// there is none. Of several it is the latest. Only a payment when something was owed counts.
func (s *settlement) graceFrom(exit time.Time) (time.Time, error) {
	var sum money.Amount
	var found time.Time
	payments := s.ctx.payments()
	for i, p := range payments {
		sum += p.Amount
		if i+1 < len(payments) && payments[i+1].At.Equal(p.At) {
			continue
		}
		if p.At.After(exit) || exit.After(p.At.Add(s.t.GraceAfterPayment.duration())) || p.At.Unix() < s.entry {
			continue
		}
		gross, err := s.walker.fee(span{s.entry, p.At.Unix()}, nil)
		if err != nil {
			return time.Time{}, err
		}
		_, owed, err := s.reduce(gross, p.At.Unix())
		if err != nil {
			return time.Time{}, err
		}
		if owed > 0 && sum >= owed {
			found = p.At
		}
	}
	return found, nil
}

// payments in the order of their times.
func (c *Context) payments() []Payment {
	sorted := slices.Clone(c.Payments)
	for i := range sorted {
		sorted[i].At = sorted[i].At.Round(0) // without the monotonic reading
	}
	slices.SortFunc(sorted, func(a, b Payment) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Amount, b.Amount))
	})
	return sorted
}

// check refuses what could only be a slip. The bound of the sums keeps all that follows inside 64 bits.
func (c *Context) check() error {
	var paid money.Amount
	for _, p := range c.Payments {
		var err error
		if paid, err = paid.Add(p.Amount); err != nil || p.Amount < 0 {
			return fmt.Errorf("payment %s: amount %d is out of range", p.ID, int64(p.Amount))
		}
	}
	for _, r := range c.Rights {
		if r.Kind != RightFree && r.Kind != RightCover {
			return fmt.Errorf("right %s: kind %q is not known", r.ID, string(r.Kind))
		}
	}
	for _, k := range c.Coupons {
		switch {
		case k.Kind == CouponAmount && k.Amount <= 0:
			return fmt.Errorf("coupon %s: amount %d is not above zero", k.ID, int64(k.Amount))
		case k.Kind == CouponPercent && (k.Percent < 1 || k.Percent > 100):
			return fmt.Errorf("coupon %s: %d percent is not from 1 to 100", k.ID, k.Percent)
		case k.Kind == CouponMinutes && (k.Minutes < 1 || k.Minutes > maxStay/60):
			return fmt.Errorf("coupon %s: %d minutes is out of range", k.ID, k.Minutes)
		case k.Kind != CouponFull && k.Kind != CouponAmount && k.Kind != CouponPercent && k.Kind != CouponMinutes:
			return fmt.Errorf("coupon %s: kind %q is not known", k.ID, string(k.Kind))
		}
	}
	return nil
}

// openSpan is the whole seconds from from until until, where zero is open.
func openSpan(from, until time.Time) span {
	s := span{-forever, forever}
	if !from.IsZero() {
		s.from = from.Unix()
	}
	if !until.IsZero() {
		s.to = firstSecond(until)
	}
	return s
}

func (s *settlement) local(u int64) time.Time { return time.Unix(u, 0).In(s.t.TZ.Location()) }

// or is t, or what stands for it where it is empty.
func (t Text) or(fallback Text) Text {
	return Text{cmp.Or(t.ZH, fallback.ZH), cmp.Or(t.EN, fallback.EN)}
}
