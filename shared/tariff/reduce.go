package tariff

import (
	"slices"
	"strconv"
	"time"

	"lotkeeper/shared/money"
)

// reduction is what rights, bookings and coupons leave of a fee.
type reduction struct {
	*settlement
	left   money.Amount
	fixed  money.Amount // booking prices: covers do not touch them
	whole  span
	to     int64
	cover  []cover // kept so far
	waived bool    // all but booking prices is free
	early  int64   // seconds that coupons took from one end, or that they paid for
}

// lower brings the fee down to target, with a line, and never up.
func (r *reduction) lower(target money.Amount, ref string, name, fallback Text, during span) {
	if target = max(target, 0); target < r.left {
		r.line(Line{
			Kind: KindFree, Text: name.or(fallback), Ref: ref, Amount: target - r.left, From: r.local(during.from), To: r.local(during.to),
		})
		r.left = target
	}
}

// quiet is what the tariff asks when more is covered.
func (r *reduction) quiet(to int64, c []cover) money.Amount {
	lines := r.lines
	r.lines = nil
	fee := r.ask(to, c)
	r.lines = lines
	return fee
}

// covers takes off covered time. It is kept also when it saves nothing yet: with the next it may.
func (r *reduction) covers(spans []span, rest Rest, free FreeTest, ref string, name, fallback Text) {
	inside := spans[:0]
	for _, s := range spans {
		if s = (span{max(s.from, r.whole.from), min(s.to, r.whole.to)}); s.from < s.to {
			inside = append(inside, s)
		}
	}
	if len(inside) == 0 || (r.left == r.fixed && !r.watched()) {
		return
	}
	during := span{inside[0].from, inside[len(inside)-1].to}
	more := append(slices.Clone(r.cover), cover{inside, rest, free})
	r.w.over = false
	if fee := r.quiet(r.to, more) + r.fixed; fee <= r.left {
		r.cover, r.over = more, r.w.over
		r.lower(fee, ref, name, fallback, during)
	}
}

// watched reports whether a cover matters that saves nothing: to the flag of the longest stay, and to coupons of time,
// which may be worth less where time is covered.
func (r *reduction) watched() bool {
	return r.plan.src.MaxStay != nil || slices.ContainsFunc(r.ctx.Coupons, func(c Coupon) bool { return c.Kind == CouponMinutes })
}

// pass takes off what a month card covers.
func (r *reduction) pass(x Right) {
	during := openSpan(x.From, x.Until)
	t := &r.w.r.t
	for i := range t.Passes {
		if p := &t.Passes[i]; p.ID == x.Pass && x.Pass != "" {
			spans := []span{during}
			if len(p.Windows) > 0 {
				spans = r.windows(p, during)
			}
			r.covers(spans, p.Rest, p.Free, x.ID, x.Name.or(p.Name), Text{"月卡", "Month card"})
			return
		}
	}
	r.covers([]span{during}, RestOne, FreeTestRest, x.ID, x.Name, Text{"月卡", "Month card"})
}

// windows are the hours of a pass that begin while it is valid and touch the stay.
func (r *reduction) windows(p *Pass, valid span) []span {
	line := &r.w.line
	first, _, _ := line.at(r.whole.from)
	last, _, _ := line.at(r.whole.to)
	var out []span
	for n := first - 1; n <= last; n++ {
		for i := range p.Windows {
			x := &p.Windows[i]
			if days := r.w.r.mask(x.DayTypes); days != 0 && line.days(n)&days == 0 {
				continue
			}
			end := n
			if x.To <= x.From {
				end++
			}
			from := line.instant(n, int64(x.From))
			if from >= valid.from && from < valid.to {
				out = append(out, span{from, line.instant(end, int64(x.To))})
			}
		}
	}
	return union(out)
}

// booking takes off booked time.
func (r *reduction) booking(b Booking) {
	rule := r.w.r.t.Booking
	if rule == nil {
		rule = &BookingRule{}
	}
	s := openSpan(b.From, b.Until)
	if r.actual < s.from && s.from-r.actual <= int64(rule.Early) {
		s.from = min(r.actual, r.believed(span{r.actual, r.to}).from)
	}
	r.covers([]span{s}, rule.Rest, rule.Free, b.ID, b.Name, Text{"预约时段", "Booked time"})
}

// coupon takes off one coupon.
func (r *reduction) coupon(c Coupon) {
	switch c.Kind {
	case CouponFull:
		r.lower(0, c.ID, c.Name, Text{"优惠券：全免", "Coupon: free of charge"}, r.whole)
	case CouponAmount:
		face := c.Amount.Format(r.w.r.t.Currency)
		r.lower(r.left-c.Amount, c.ID, c.Name, Text{"优惠券：减" + face, "Coupon: " + face + " off"}, r.whole)
	case CouponPercent:
		n := strconv.Itoa(c.Percent)
		r.lower(percent(r.left, 100-c.Percent), c.ID, c.Name, Text{"优惠券：减" + n + "%", "Coupon: " + n + "% off"}, r.whole)
	case CouponMinutes:
		r.minutes(c)
	}
}

// percent of an amount, half up; in two parts so that nothing overflows.
func percent(a money.Amount, n int) money.Amount {
	return a/100*money.Amount(n) + (a%100*money.Amount(n)+50)/100
}

// minutes takes off a coupon of time. What is left may already be less than such a stay costs, by an earlier coupon of
// another kind: then the saving is taken off.
func (r *reduction) minutes(c Coupon) {
	if r.left == 0 || r.waived {
		return
	}
	fallback := Text{"优惠券：减免" + minutesText(c.Minutes).ZH, "Coupon: " + minutesText(c.Minutes).EN}
	before := r.feeWithout(r.early)
	from := r.early
	r.early += c.Minutes * 60
	saved := before - r.feeWithout(r.early)
	during := span{max(r.to-r.early, r.entry), max(r.to-from, r.entry)}
	if rule := r.w.r.t.Coupons; rule != nil && rule.Minutes != "" && rule.Minutes != MinutesTrimEnd {
		during = span{min(r.entry+from, r.to), min(r.entry+r.early, r.to)}
	}
	r.lower(r.left-saved, c.ID, c.Name, fallback, during)
}

// feeWithout is the fee when coupons took so many seconds.
func (r *reduction) feeWithout(seconds int64) money.Amount {
	mode := MinutesTrimEnd
	if rule := r.w.r.t.Coupons; rule != nil {
		mode = or(rule.Minutes, MinutesTrimEnd)
	}
	switch mode {
	case MinutesTrimStart:
		r.late = seconds
		fee := r.quiet(r.to, r.cover)
		r.late = 0
		return fee
	case MinutesValue:
		return r.quiet(r.to, r.cover) - r.quiet(min(r.actual+seconds, r.to), r.cover)
	}
	return r.quiet(max(r.to-seconds, r.entry), r.cover)
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
