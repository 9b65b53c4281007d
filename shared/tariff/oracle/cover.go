package oracle

import (
	"cmp"
	"slices"
	"time"

	"lotkeeper/shared/tariff"
)

// cover is a month card or a booking: the time it covers, and how the other time is priced.
type cover struct {
	all   bool // a right that makes everything free, and covers nothing
	times spans
	rest  tariff.Rest
	test  tariff.FreeTest
}

// covers lists the rights that cover, then the bookings, in their order.
func (r *rate) covers() []cover {
	var list []cover
	for _, right := range r.context.Rights {
		if right.Kind == tariff.RightCover {
			list = append(list, r.card(right))
		} else {
			list = append(list, cover{all: true})
		}
	}
	for _, b := range r.context.Bookings {
		c := cover{times: spans{r.booked(b)}}
		if rule := r.tariff.Booking; rule != nil {
			c.rest, c.test = rule.Rest, rule.Free
		}
		list = append(list, c)
	}
	return list
}

// card is the time that a month card covers. An hour window is covered whole when it begins while the card is valid.
func (r *rate) card(right tariff.Right) cover {
	valid := r.validity(right.From, right.Until)
	i := slices.IndexFunc(r.tariff.Passes, func(p tariff.Pass) bool { return p.ID == right.Pass })
	if i < 0 {
		return cover{times: spans{valid}}
	}
	pass := r.tariff.Passes[i]
	c := cover{rest: pass.Rest, test: pass.Free}
	if len(pass.Windows) == 0 {
		c.times = spans{valid}
		return c
	}
	for day := r.place.day(r.reach.begin) - 3; day <= r.place.day(r.reach.end)+3; day++ {
		for _, w := range pass.Windows {
			window := r.place.clockWindow(day, w.From, w.To)
			if r.place.fits(w.DayTypes, day) && valid.has(window.begin) {
				c.times = append(c.times, window)
			}
		}
	}
	return c
}

// validity bounds [from, until), where zero is open.
func (r *rate) validity(from, until time.Time) span {
	valid := span{r.reach.begin - 10*daySeconds, r.reach.end + 10*daySeconds}
	if !from.IsZero() {
		valid.begin = floorSecond(from)
	}
	if !until.IsZero() {
		valid.end = ceilSecond(until)
	}
	return valid
}

// booked is the time that a booking covers; who comes a little early is inside it.
func (r *rate) booked(b tariff.Booking) span {
	s := span{floorSecond(b.From), ceilSecond(b.Until)}
	rule := r.tariff.Booking
	if rule != nil && r.arrived < s.begin && s.begin-r.arrived <= int64(rule.Early) {
		s.begin = r.entry
	}
	return s
}

// coverage is what several covers come to in one stay.
type coverage struct {
	times spans
	rest  tariff.Rest
	test  tariff.FreeTest
}

// meet puts the covers together that cover anything of the stay.
func meet(list []cover, stay span, outside spans) coverage {
	c := coverage{rest: tariff.RestOne, test: tariff.FreeTestRest}
	for _, one := range list {
		touches := false
		for u := stay.begin; u < stay.end && !touches; u++ {
			touches = one.times.has(u) && !outside.has(u)
		}
		if !touches {
			continue
		}
		c.times = append(c.times, one.times...)
		c.rest = stronger(c.rest, one.rest, tariff.RestOne, tariff.RestThrough, tariff.RestSeparate)
		c.test = stronger(c.test, one.test, tariff.FreeTestRest, tariff.FreeTestStay, tariff.FreeTestNone)
	}
	return c
}

// stronger is the one of a and b that comes later in the order; what is not in it is weakest.
func stronger[T ~string](a, b T, order ...T) T {
	return slices.MaxFunc([]T{a, b}, func(x, y T) int {
		return cmp.Compare(slices.Index(order, x), slices.Index(order, y))
	})
}

// jobs lists the stays that a plan prices of a visit of which some time is covered.
func (r *rate) jobs(v visit, list []cover) []job {
	c := meet(list, v.span, v.outside)
	free := func(u int64) bool { return !c.times.has(u) && !v.outside.has(u) }
	first, last := v.begin, v.end-1
	for first < v.end && !free(first) {
		first++
	}
	for last >= first && !free(last) {
		last--
	}
	if first > last {
		return nil
	}
	base := job{rate: r, plan: r.plan, test: c.test, whole: v.span, outside: v.outside, visit: v}
	entry := r.roundEntry(v.begin)
	if c.times.has(v.begin) { // the begin of what is covered is not rounded
		entry = v.begin
	}
	if first == v.begin {
		base.whole.begin = entry
	}
	switch c.rest {
	case tariff.RestThrough:
		base.begin, base.end, base.holes, base.gifts = entry, v.end, v.outside, c.times
		return []job{base}
	case tariff.RestSeparate:
		return r.separate(base, v, c)
	}
	return []job{r.single(base, span{first, last + 1}, v, c)}
}

// roundPart rounds the begin of a part of a stay, but not back into time that is covered.
func (r *rate) roundPart(part span, v visit) int64 {
	begin := r.roundEntry(part.begin)
	if part.begin > v.begin {
		begin = max(begin, part.begin)
	}
	return begin
}

// single is one stay from the first to the last second that is not covered.
func (r *rate) single(base job, part span, v visit, c coverage) job {
	base.begin, base.end = r.roundPart(part, v), part.end
	base.holes = append(slices.Clone(v.outside), c.times...)
	return base
}

// separate is a stay for each stretch that is not covered. Time outside between visits does not part a stretch.
func (r *rate) separate(base job, v visit, c coverage) []job {
	var list []job
	part := span{none, none}
	add := func() {
		if part.begin != none {
			list = append(list, r.single(base, part, v, c))
		}
		part = span{none, none}
	}
	for u := v.begin; u < v.end; u++ {
		if c.times.has(u) {
			add()
			continue
		}
		if v.outside.has(u) {
			continue
		}
		if part.begin == none {
			part.begin = u
		}
		part.end = u + 1
	}
	add()
	return list
}
