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

// overlapBoth is how many seconds of s are in either of two lists, of which the second is mostly empty.
func overlapBoth(s span, holes, zeros []span) int64 {
	if len(zeros) == 0 {
		return overlap(s, holes)
	}
	return overlap(s, union(slices.Concat(holes, zeros)))
}

func within(spans []span, u int64) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= u && u < s.to })
}

// deducted adds to the holes the free time at the beginning of s: so many seconds that are not in taken, or what lies
// before until if that is set.
func (c *course) deducted(s span, until int64, taken []span) {
	open := without(s, taken)
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

// cover is time that need not be paid, and how the rest of a stay is priced of which it covers a part.
type cover struct {
	spans []span
	rest  Rest
	free  FreeTest
}

// covers are all that cover something of a stay, and what of it was outside.
type covers struct {
	items []cover
	gaps  []span // time outside between merged visits
}

// of puts those together that cover a second of a stay. Where their rules meet, the stricter one wins.
func (c covers) of(stay span) (all cover) {
	if len(c.items) == 0 {
		return all
	}
	rests := []Rest{RestOne, RestThrough, RestSeparate}
	tests := []FreeTest{FreeTestRest, FreeTestStay, FreeTestNone}
	rest, test := 0, 0
	for _, x := range c.items {
		touched := overlap(stay, union(slices.Concat(x.spans, c.gaps))) - overlap(stay, c.gaps)
		if touched == 0 {
			continue
		}
		all.spans = append(all.spans, x.spans...)
		rest = max(rest, slices.Index(rests, or(x.rest, RestOne)))
		test = max(test, slices.Index(tests, or(x.free, FreeTestRest)))
	}
	all.spans, all.rest, all.free = union(all.spans), rests[rest], tests[test]
	return all
}

// price is what the plan asks for a stay without what is covered, before rounding of the total.
func (w *walker) price(p *plan, stay span, all covers) (sum int64) {
	gaps := all.gaps
	w.gaps = gaps
	c := all.of(stay)
	if len(c.spans) == 0 {
		return w.fee(p, w.freed(p, part{span: stay, holes: gaps}, stay, FreeTestRest))
	}
	holes := union(slices.Concat(c.spans, gaps))
	if overlap(stay, holes) == stay.length() {
		return 0 // all of it is covered
	}
	switch c.rest {
	case RestSeparate:
		for _, s := range without(stay, c.spans) {
			if s = trimmed(s, gaps); s.from < s.to {
				sum = w.add(sum, w.fee(p, w.freed(p, part{span: s, holes: gaps}, stay, c.free)))
			}
		}
		return sum
	case RestThrough:
		return w.fee(p, w.freed(p, part{span: stay, zeros: c.spans, holes: gaps}, stay, c.free))
	}
	return w.fee(p, w.freed(p, part{span: trimmed(stay, holes), holes: holes}, stay, c.free))
}

// trimmed is s from its first second that is not in the spans to its last.
func trimmed(s span, spans []span) span {
	open := without(s, spans)
	if len(open) == 0 {
		return span{}
	}
	return span{open[0].from, open[len(open)-1].to}
}

// freed rounds a part's entry, though not that of a covered one, nor back into covered time, and says what its free time
// is compared with.
func (w *walker) freed(p *plan, s part, stay span, free FreeTest) part {
	if from := w.rounded(p, s.from); !within(s.zeros, s.from) && (s.from == stay.from || from > s.from) {
		if s.from == stay.from {
			stay.from = from
		}
		s.from = from
	}
	switch free {
	case FreeTestNone:
		s.freeLength = -1
	case FreeTestStay:
		s.freeLength = stay.length() - overlap(stay, w.gaps)
		s.freeFrom = stay.from
	default:
		s.freeLength = s.length() - overlapBoth(s.span, s.holes, s.zeros)
	}
	return s
}

// after is when so many seconds have passed since from that are not in the spans.
func after(from, seconds int64, spans []span) int64 {
	for _, x := range spans {
		if x.from >= from+seconds {
			break
		}
		if x.to > from {
			seconds -= max(x.from-from, 0)
			from = x.to
		}
	}
	return from + seconds
}

// rounded is the entry moved to a multiple of a unit on the local clock.
func (w *walker) rounded(p *plan, u int64) int64 {
	x := p.src.EntryRounding
	if x == nil {
		return u
	}
	number, clock, _ := w.line.at(u)
	to := clock - clock%int64(x.Unit)
	if to != clock && x.Mode == RoundUp {
		to += int64(x.Unit)
	}
	moved := u + to - clock
	if day2, at, _ := w.line.at(moved); day2*day+at == number*day+to {
		return moved
	}
	return w.line.instant(number+floorDiv(to, day), to-floorDiv(to, day)*day) // the clock was changed in between
}

// fits says whether a stay or a cycle begins and ends when the guard asks.
func (w *walker) fits(g *guard, s span) bool {
	if g.src.AtMost > 0 && s.length() > int64(g.src.AtMost) {
		return false
	}
	number, _, _ := w.line.at(s.from)
	if g.src.Entry == nil {
		return w.leaves(g, number, s.to)
	}
	// The window may have begun the day before. Where an inclusive one of a whole day ends, the entry is in both.
	return w.enters(g, number, s.from) && w.leaves(g, number, s.to) || w.enters(g, number-1, s.from) && w.leaves(g, number-1, s.to)
}

// leaves says whether a stay ends in a guard's exit window, counted from a day.
func (w *walker) leaves(g *guard, number, u int64) bool {
	x := g.src.Exit
	if x == nil {
		return true
	}
	if x.From != nil && u < w.line.instant(number+int64(x.FromDay), int64(*x.From)) {
		return false
	}
	if x.To == nil {
		return true
	}
	to := w.line.instant(number+int64(x.ToDay), int64(*x.To))
	return u < to || (g.src.Inclusive && u == to)
}

// enters says whether a stay begins in a guard's entry window that began on a day.
func (w *walker) enters(g *guard, number, u int64) bool {
	e := g.src.Entry
	if g.days != 0 && w.line.days(number)&g.days == 0 {
		return false
	}
	last := number
	if e.To <= e.From {
		last++
	}
	to := w.line.instant(last, int64(e.To))
	return u >= w.line.instant(number, int64(e.From)) && (u < to || (g.src.Inclusive && u == to))
}
