package tariff

import "slices"

// without takes the sorted, disjoint spans cut out of s.
func without(s span, cut []span) []span {
	var out []span
	for _, c := range cut {
		if c.to <= s.from {
			continue
		}
		if c.from >= s.to {
			break
		}
		if c.from > s.from {
			out = append(out, span{s.from, c.from})
		}
		s.from = c.to
		if s.from >= s.to {
			return out
		}
	}
	return append(out, s)
}

// union sorts spans in place and joins those that touch. Empty spans vanish.
func union(spans []span) []span {
	sorted := slices.DeleteFunc(spans, func(s span) bool { return s.from >= s.to })
	slices.SortFunc(sorted, func(a, b span) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	out := sorted[:0]
	for _, s := range sorted {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// overlap is how many seconds of s are in the sorted, disjoint spans.
func overlap(s span, spans []span) (n int64) {
	for _, c := range spans {
		n += span{max(s.from, c.from), min(s.to, c.to)}.length()
	}
	return n
}

func within(spans []span, u int64) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= u && u < s.to })
}

// deducted adds to the holes the free time at the beginning of s: so many seconds that nothing covers, or what lies
// before until if that is set.
func (c *course) deducted(s span, until int64) {
	open := without(s, union(append(slices.Clone(c.holes), c.zeros...)))
	left := int64(c.free.UpTo)
	holes := slices.Clone(c.holes)
	for _, o := range open {
		if until != 0 {
			o.to = min(o.to, until)
		} else {
			o.to = min(o.to, o.from+left)
			left -= o.length()
		}
		holes = append(holes, o)
	}
	c.holes, c.next = union(holes), 0
}

// cover is time that need not be paid, and how the rest of the stay is priced.
type cover struct {
	spans []span
	rest  Rest
	free  FreeTest
}

// with adds more covered time. Where rules meet, the stricter one wins.
func (c cover) with(spans []span, rest Rest, free FreeTest) cover {
	strict := []Rest{RestOne, RestThrough, RestSeparate}
	tests := []FreeTest{FreeTestRest, FreeTestStay, FreeTestNone}
	return cover{
		spans: union(append(slices.Clone(c.spans), spans...)),
		rest:  strict[max(slices.Index(strict, or(c.rest, RestOne)), slices.Index(strict, or(rest, RestOne)))],
		free:  tests[max(slices.Index(tests, or(c.free, FreeTestRest)), slices.Index(tests, or(free, FreeTestRest)))],
	}
}

// price is what the plan asks for a stay without what is covered, before rounding of the total.
func (w *walker) price(p *plan, stay span, c cover) (sum int64) {
	switch {
	case len(c.spans) == 0:
		stay.from = w.rounded(p, stay.from)
		return w.fee(p, part{span: stay, freeLength: stay.length()})
	case c.rest == RestSeparate:
		for _, s := range without(stay, c.spans) {
			sum = w.add(sum, w.fee(p, w.freed(p, part{span: s}, stay, c)))
		}
		return sum
	case c.rest == RestThrough:
		return w.fee(p, w.freed(p, part{span: stay, zeros: c.spans}, stay, c))
	}
	open := without(stay, c.spans)
	if len(open) == 0 {
		return 0
	}
	return w.fee(p, w.freed(p, part{span: span{open[0].from, open[len(open)-1].to}, holes: c.spans}, stay, c))
}

// freed rounds a part's entry and says what its free time is compared with.
func (w *walker) freed(p *plan, s part, stay span, c cover) part {
	s.from = w.rounded(p, s.from)
	switch c.free {
	case FreeTestNone:
		s.freeLength = -1
	case FreeTestStay:
		s.freeLength = stay.length()
		if p.src.Free != nil {
			s.freeUntil = stay.from + int64(p.src.Free.UpTo)
		}
	default:
		s.freeLength = s.length() - overlap(s.span, c.spans)
	}
	return s
}

// rounded is the entry moved to a multiple of a unit on the local clock.
func (w *walker) rounded(p *plan, u int64) int64 {
	x := p.src.EntryRounding
	if x == nil {
		return u
	}
	_, clock, _ := w.line.at(u)
	past := clock % int64(x.Unit)
	if past > 0 && x.Mode == RoundUp {
		return u + int64(x.Unit) - past
	}
	return u - past
}

// fits says whether a stay or a cycle begins and ends when the guard asks.
func (w *walker) fits(g *guard, s span) bool {
	if g.src.AtMost > 0 && s.length() > int64(g.src.AtMost) {
		return false
	}
	number, clock, _ := w.line.at(s.from)
	if e := g.src.Entry; e != nil {
		from, to := int64(e.From), int64(e.To)
		overnight := to <= from
		before := clock < to || (g.src.Inclusive && clock == to)
		switch {
		case !overnight && (clock < from || !before), overnight && clock < from && !before:
			return false
		case overnight && clock < from:
			number-- // the window began the day before
		}
		if g.days != 0 && w.line.days(number)&g.days == 0 {
			return false
		}
	}
	x := g.src.Exit
	if x == nil {
		return true
	}
	if x.From != nil && s.to < w.line.instant(number+int64(x.FromDay), int64(*x.From)) {
		return false
	}
	if x.To != nil {
		to := w.line.instant(number+int64(x.ToDay), int64(*x.To))
		return s.to < to || (g.src.Inclusive && s.to == to)
	}
	return true
}
