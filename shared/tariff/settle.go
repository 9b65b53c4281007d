package tariff

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff/strict"
)

// settlement puts together what the tariff asks and what the context takes off.
type settlement struct {
	w    *walker
	ctx  Context
	stay Stay
	plan *plan

	actual int64 // the visit's own entry
	entry  int64 // the entry that is rated from: of the first of merged visits
	exit   int64
	closed []span // stays that were paid and are done with, of a tariff that begins anew after a payment
	from   int64  // where the present stay begins
	late   int64  // by how much later the whole is priced as if it began
	gaps   []span // time outside between merged visits
	merged []Visit
	credit money.Amount // what they were charged
	others []Visit      // earlier visits that this one does not go on with
	now    int          // which of the stays is being priced
	over   bool         // the longest stay was exceeded, by time that nothing covers
	paid   []Payment    // in the order of their times
	lines  *[]Line
	exact  int64 // of lines: the running total, and what of it is written
	wrote  money.Amount
}

// maxShared is how many shared caps a plan may have.
const maxShared = 4

// begin finds the seconds to price and the visits to look at.
func (s *settlement) begin() {
	s.actual, s.exit = firstSecond(s.stay.Entry), s.stay.Exit.Unix()
	s.entry, s.others = s.believed(span{s.actual, s.exit}).from, s.ctx.Visits
	if rule := s.w.r.t.Reentry; rule != nil {
		s.merge(rule)
	}
	s.from = s.entry
	s.sortPayments()
}

// believed is what the tariff's precision leaves of a stay.
func (s *settlement) believed(x span) span {
	switch s.w.r.t.Precision {
	case PrecisionMinute:
		x.to = x.from + (x.to-x.from)/60*60
	case PrecisionClock:
		x.from, x.to = x.from-floorMod(x.from, 60), x.to-floorMod(x.to, 60)
	}
	return x
}

// merge goes back through the visits that this one goes on with.
func (s *settlement) merge(rule *Reentry) {
	visits := slices.Clone(s.ctx.Visits)
	slices.SortFunc(visits, func(a, b Visit) int { return cmp.Or(b.Exit.Compare(a.Exit), b.Entry.Compare(a.Entry)) })
	entry := s.actual
	s.others = nil
	for _, v := range visits { // the latest first
		out, in := v.Exit.Unix(), firstSecond(v.Entry)
		if out > entry || in > entry || entry-out > int64(rule.Within) {
			s.others = append(s.others, v)
			continue
		}
		x := s.believed(span{in, out})
		if rule.Outside == OutsideSkipped {
			s.gaps = append(s.gaps, span{x.to, s.entry})
		}
		entry, s.entry, s.merged = in, x.from, append(s.merged, v)
		s.credit += v.Gross
	}
	s.gaps = union(s.gaps)
}

// settle prices the stay up to its exit, or to the payment in whose grace the exit falls.
func (s *settlement) settle(lines *[]Line) Quote {
	var q Quote
	to := s.exit
	if paid := s.grace(); paid != 0 {
		to, q.LeaveBy = paid, paid+int64(s.w.r.t.GraceAfterPayment)
	}
	q.RatedTo = to
	s.lines, s.w.over, s.w.spared = lines, false, false
	gross := s.gross(to)
	s.over, q.InFreeTime = s.w.over, s.w.spared && gross == 0
	left := s.reduce(gross, to)
	q.OverMaxStay = s.over
	q.Gross, q.Free = gross, gross-left
	for _, p := range s.paid {
		if take := min(p.Amount, left); take > 0 {
			at := p.At.In(s.w.r.loc)
			s.line(Line{Kind: KindPaid, Text: Text{"已付", "Paid"}, From: at, To: at, Ref: p.ID, Amount: -take})
			q.Paid, left = q.Paid+take, left-take
		}
	}
	q.Due = left
	if lines != nil && *lines == nil {
		*lines = []Line{}
	}
	return q
}

func (s *settlement) line(l Line) {
	if s.lines != nil {
		*s.lines = append(*s.lines, l)
	}
}

// visited says whether an earlier visit, or an earlier stay of this one, had the free time that is given once. Visits that
// this one goes on with are this one.
func (s *settlement) visited(x *VisitWindow) bool {
	if x == nil {
		return false
	}
	entry := s.from
	if s.now < len(s.closed) {
		entry = s.closed[s.now].from
	}
	for _, c := range s.closed[:s.now] {
		if s.w.inWindow(x.Window, x.At, x.Length, entry, c.from) {
			return true
		}
	}
	return slices.ContainsFunc(s.others, func(v Visit) bool {
		return s.w.inWindow(x.Window, x.At, x.Length, entry, firstSecond(v.Entry))
	})
}

// lookBack makes ready what earlier visits were charged.
func (s *settlement) lookBack() {
	s.w.used = s.w.used[:0]
	if len(s.plan.shared) == 0 {
		return
	}
	for _, v := range s.others {
		s.w.used = append(s.w.used, usage{firstSecond(v.Entry), s.w.times(int64(v.Gross), s.w.r.den)})
	}
}

// ask is what the tariff asks for the stays up to a time without what is covered, before booking prices.
func (s *settlement) ask(to int64, c []cover) money.Amount {
	if s.empty(to) { // no time costs nothing, whatever it goes on with
		return 0
	}
	s.lookBack()
	sum := max(s.rounded(s.priced(0, to, c))-s.credit, 0)
	for i := 1; i <= len(s.closed); i++ {
		sum += s.rounded(s.priced(i, to, c))
	}
	return sum
}

// empty says whether this visit has no time up to to.
func (s *settlement) empty(to int64) bool {
	x := s.believed(span{s.actual, to})
	return x.to <= x.from
}

// span is the stay of that number, of those that the present one and payments made, as far as it is believed.
func (s *settlement) span(i int, to int64) span {
	x := span{s.from, to}
	if i < len(s.closed) {
		x = span{s.closed[i].from, min(s.closed[i].to, to)}
	}
	if x = s.cut(i, x); s.late > 0 {
		x.from = max(x.from, s.entry+s.late)
	}
	return x
}

func (s *settlement) cut(i int, x span) span {
	if i > 0 || len(s.merged) == 0 {
		return s.believed(x)
	}
	// What earlier visits add is as it was believed then.
	return span{x.from, s.believed(span{s.actual, x.to}).to}
}

// priced is what the stay of that number costs, before rounding.
func (s *settlement) priced(i int, to int64, c []cover) int64 {
	stay := s.span(i, to)
	s.now = i
	s.w.atoms, s.w.trims, s.w.lines, s.w.pieces = s.w.atoms[:0], s.w.trims[:0], s.lines != nil, 0
	if stay.from >= stay.to {
		return 0
	}
	return s.w.price(s.plan, stay, covers{c, s.gaps})
}

// rounded is an exact sum in minor units.
func (s *settlement) rounded(sum int64) money.Amount {
	round := s.w.r.round
	if round.per != RoundTotal {
		round = rounding{unit: s.w.r.den, mode: RoundHalfUp}
	}
	return money.Amount(round.of(sum) / s.w.r.den)
}

// gross is what is asked before anything is taken off, with its lines.
func (s *settlement) gross(to int64) money.Amount {
	if s.lines != nil {
		return s.chargeLines(to) + s.bookings()
	}
	return s.ask(to, nil) + s.bookings()
}

// bookings is what is asked for bookings, used or not.
func (s *settlement) bookings() (sum money.Amount) {
	for _, b := range s.ctx.Bookings {
		sum += b.Price
		if b.Price > 0 {
			s.line(Line{
				Kind: KindCharge, Text: b.Name.or(Text{"预约", "Booking"}), Ref: b.ID, Amount: b.Price,
				From: b.From.In(s.w.r.loc), To: b.Until.In(s.w.r.loc),
			})
		}
	}
	return sum
}

// reduce takes off rights, bookings and coupons, each as a line. None ever adds: where the rest of a stay would cost
// more alone (a unit cut in two costs twice), the fee stays as it was.
func (s *settlement) reduce(gross money.Amount, to int64) money.Amount {
	if len(s.ctx.Rights)+len(s.ctx.Bookings)+len(s.ctx.Coupons) == 0 {
		return gross
	}
	r := reduction{settlement: s, left: gross, to: to, whole: span{s.span(0, to).from, to}}
	for _, b := range s.ctx.Bookings {
		r.fixed += b.Price
	}
	for _, x := range s.ctx.Rights {
		if x.Kind == RightFree {
			r.waived = true
			r.lower(r.fixed, x.ID, x.Name, Text{"免费车辆", "Free vehicle"}, r.whole)
		} else {
			r.pass(x)
		}
	}
	for _, b := range s.ctx.Bookings {
		r.booking(b)
	}
	for _, kind := range s.w.r.t.Coupons.order() {
		for _, c := range s.ctx.Coupons {
			if c.Kind == kind {
				r.coupon(c)
			}
		}
	}
	return r.left
}

func (c *CouponRule) order() []CouponKind {
	if c == nil || len(c.Order) == 0 {
		return []CouponKind{CouponFull, CouponMinutes, CouponPercent, CouponAmount}
	}
	return c.Order
}

// grace is the time of the payment that settled the fee of its moment and in whose grace the exit falls; 0 if there is
// none. Of several it is the latest. Only a payment when something was owed counts. Where a payment ends a stay and
// another begins, the stays before are closed.
func (s *settlement) grace() (found int64) {
	t := &s.w.r.t
	var sum, settled money.Amount
	for i, p := range s.paid {
		sum += p.Amount
		at := p.At.Unix()
		if (i+1 < len(s.paid) && s.paid[i+1].At.Equal(p.At)) || p.At.After(s.stay.Exit) || at < max(s.from, s.actual) {
			continue
		}
		inside := !s.stay.Exit.After(p.At.Add(time.Duration(t.GraceAfterPayment) * time.Second))
		if !inside && t.AfterPayment != AfterNewStay {
			continue
		}
		gross := s.gross(at)
		owed := s.reduce(gross, at)
		if owed <= settled || sum < owed {
			continue
		}
		if found = at; !inside {
			found = 0
			if s.empty(at) { // nothing of this visit has passed that could be done with
				continue
			}
			s.closed = append(s.closed, span{s.from, at})
			s.from, settled = at, owed
		}
	}
	return found
}

// sortPayments puts the payments in the order of their times.
func (s *settlement) sortPayments() {
	s.paid = append(s.paid[:0], s.ctx.Payments...)
	for i := range s.paid {
		s.paid[i].At = s.paid[i].At.Round(0) // without the monotonic reading
	}
	slices.SortFunc(s.paid, func(a, b Payment) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Amount, b.Amount))
	})
}

// forget keeps nobody's data, and the room that payments were sorted in.
func (s *settlement) forget() {
	clear(s.paid)
	*s = settlement{paid: s.paid[:0]}
}

// check refuses what could only be a slip. The bounds of the sums keep all that follows inside 64 bits.
func (c *Context) check() error {
	var paid money.Amount
	for _, p := range c.Payments {
		var err error
		if paid, err = paid.Add(p.Amount); err != nil || p.Amount < 0 {
			return strict.Wrong(badAmount, strict.Words{ZH: "付款 " + p.ID, EN: "payment " + p.ID}, int64(p.Amount))
		}
	}
	for _, v := range c.Visits {
		if v.Gross < 0 || v.Gross > maxPrice || v.Entry.IsZero() || v.Exit.Before(v.Entry) {
			return strict.Wrong(badVisit, v.ID)
		}
	}
	for _, b := range c.Bookings {
		if b.Price < 0 || b.Price > maxPrice {
			return strict.Wrong(badAmount, strict.Words{ZH: "预约 " + b.ID, EN: "booking " + b.ID}, int64(b.Price))
		}
	}
	for _, r := range c.Rights {
		if r.Kind != RightFree && r.Kind != RightCover {
			return strict.Wrong(badKind, strict.Words{ZH: "权益 " + r.ID, EN: "right " + r.ID}, string(r.Kind))
		}
	}
	for _, k := range c.Coupons {
		switch {
		case k.Kind == CouponAmount && k.Amount <= 0:
			return strict.Wrong(badValue, k.ID, int64(k.Amount))
		case k.Kind == CouponPercent && (k.Percent < 1 || k.Percent > 100):
			return strict.Wrong(badPercent, k.ID, k.Percent)
		case k.Kind == CouponMinutes && (k.Minutes < 1 || k.Minutes > maxStay/60):
			return strict.Wrong(badMinutes, k.ID, k.Minutes)
		case k.Kind != CouponFull && k.Kind != CouponAmount && k.Kind != CouponPercent && k.Kind != CouponMinutes:
			return strict.Wrong(badKind, strict.Words{ZH: "优惠券 " + k.ID, EN: "coupon " + k.ID}, string(k.Kind))
		}
	}
	return nil
}

func (s *settlement) local(u int64) time.Time { return time.Unix(u, 0).In(s.w.r.loc) }

// or is t, or what stands for it where it is empty.
func (t Text) or(fallback Text) Text {
	return Text{cmp.Or(t.ZH, fallback.ZH), cmp.Or(t.EN, fallback.EN)}
}

func minutesText(n int64) Text {
	return Text{strconv.FormatInt(n, 10) + "分钟", plural(n, "minute")}
}
