package tariff

import (
	"fmt"
	"slices"

	"lotkeeper/shared/tariff/strict"
)

// check lists the faults of a plan. inner is one that a guard brings: it has no vehicles to choose and no guards.
func (p *Plan) check(inner bool) (f strict.Faults) {
	if p.ID == "" && !inner {
		f.Addf("id", "is missing")
	}
	wordsIn(&f, "classes", p.Classes)
	wordsIn(&f, "entitlements", p.Entitlements)
	wordsIn(&f, "day_types", p.DayTypes)
	if inner {
		p.checkInner(&f)
	}
	oneOf(&f, "position", p.Position, "", ScopeRun, ScopeCycle, ScopeStay)
	oneOf(&f, "counted", p.Counted, "", CountChargeable, CountBand, CountElapsed)
	oneOf(&f, "boundary", p.Boundary, "", BoundaryCut, BoundaryThrough, BoundaryPause, BoundaryShare)
	checkEnd(&f, p.End, p.Tail, maxSeconds)
	p.checkCycle(&f)
	p.checkBands(&f)
	if p.Free != nil {
		if found := p.Free.check(p); len(found) > 0 {
			f.Under("free", found)
		}
	}
	for i := range p.Caps {
		if found := p.Caps[i].check(p); len(found) > 0 {
			f.Under(fmt.Sprintf("caps[%d]", i), found)
		}
	}
	for i := range p.Guards {
		if found := p.Guards[i].check(p, i); len(found) > 0 {
			f.Under(fmt.Sprintf("guards[%d]", i), found)
		}
	}
	p.checkSums(&f)
	return f
}

// checkInner lists what a plan within a guard must not have.
func (p *Plan) checkInner(f *strict.Faults) {
	for _, x := range []struct {
		key string
		has bool
	}{
		{"classes", len(p.Classes) > 0},
		{"entitlements", len(p.Entitlements) > 0},
		{"day_types", len(p.DayTypes) > 0},
		{"entry_rounding", p.EntryRounding != nil},
		{"guards", len(p.Guards) > 0},
		{"shared_caps", len(p.SharedCaps) > 0},
		{"minimum", p.Minimum != 0},
		{"multiplier", p.Multiplier != nil},
		{"max_stay", p.MaxStay != nil},
	} {
		if x.has {
			f.Addf(x.key, "belongs to the plan around the guard")
		}
	}
}

func (p *Plan) checkCycle(f *strict.Faults) {
	c := p.Cycle
	if c == nil {
		return
	}
	oneOf(f, "cycle.kind", c.Kind, CycleBlock, CycleDay)
	oneOf(f, "cycle.clock", c.Clock, "", ClockElapsed, ClockWall)
	checkEdges(f, "cycle.", c.Kind == CycleBlock, c.Kind == CycleDay, c.Length, c.Clock, c.At, c.Starts)
	if c.FullPrice != nil && (*c.FullPrice < 0 || *c.FullPrice > maxPrice) {
		f.Addf("cycle.full_price", "want 0 to %d, got %d", int64(maxPrice), int64(*c.FullPrice))
	}
}

// checkEdges checks the keys that blocks and days have.
func checkEdges(f *strict.Faults, place string, block, days bool, length Seconds, clock ClockKind, at Clock, starts []Start) {
	if block {
		inRange(f, place+"length", length, 1)
	} else if length != 0 {
		f.Addf(place+"length", "belongs to a block only")
	}
	if !block && clock != "" {
		f.Addf(place+"clock", "belongs to a block only")
	}
	if at < 0 || at >= day {
		f.Addf(place+"at", "want 00:00 to 23:59:59, got %s", at)
	}
	if !days && (at != 0 || len(starts) > 0) {
		f.Addf(place+"at", "at and starts belong to a day only")
	}
	if at != 0 && len(starts) > 0 {
		f.Addf(place+"starts", "stands instead of at, not beside it")
	}
	startsIn(f, place+"starts", starts)
}

func (p *Plan) checkBands(f *strict.Faults) {
	if len(p.Bands) > maxBands {
		f.Addf("bands", "want at most %d, got %d", maxBands, len(p.Bands))
		return
	}
	var of DayOf
	for i := range p.Bands {
		b := &p.Bands[i]
		found := b.check()
		if slices.ContainsFunc(p.Bands[:i], func(q Band) bool { return q.ID == b.ID }) {
			found.Addf("id", "%q is the id of an earlier band", b.ID)
		}
		if x := or(b.DayOf, DayOfMoment); x != DayOfMoment && len(b.DayTypes) > 0 {
			if of != "" && of != x {
				found.Addf("day_of", "bands of one plan look at the day of the cycle or at that of the stay, not at both")
			}
			of = x
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("bands[%d]", i), found)
		}
	}
}

func (b *Band) check() (f strict.Faults) {
	if b.ID == "" {
		f.Addf("id", "is missing")
	}
	if b.From < 0 || b.From >= day {
		f.Addf("from", "want 00:00 to 23:59:59, got %s", b.From)
	}
	clockIn(&f, "to", b.To)
	wordsIn(&f, "day_types", b.DayTypes)
	oneOf(&f, "day_of", b.DayOf, "", DayOfMoment, DayOfCycle, DayOfStay)
	if b.DayBegins < 0 || b.DayBegins >= day {
		f.Addf("day_begins", "want 00:00 to 23:59:59, got %s", b.DayBegins)
	}
	if b.DayBegins != 0 && or(b.DayOf, DayOfMoment) != DayOfMoment {
		f.Addf("day_begins", "goes with day_of: moment only")
	}
	if len(b.Steps) > maxSteps {
		f.Addf("steps", "want at most %d, got %d", maxSteps, len(b.Steps))
	}
	var from Seconds
	for i := range b.Steps {
		s := &b.Steps[i]
		if found := s.check(from, i == len(b.Steps)-1); len(found) > 0 {
			f.Under(fmt.Sprintf("steps[%d]", i), found)
		}
		from = s.UpTo
	}
	return f
}

func (s *Step) check(from Seconds, last bool) (f strict.Faults) {
	switch {
	case last && s.UpTo != 0:
		f.Addf("up_to", "the last step has none: what comes after it would have no price (write a step with price 0 for no charge)")
	case !last && s.UpTo == 0:
		f.Addf("up_to", "is missing: only the last step goes on for ever")
	case s.UpTo != 0 && (s.UpTo <= from || s.UpTo > maxSeconds):
		f.Addf("up_to", "want more than the %d of the step before, and at most %d, got %d", from, maxSeconds, s.UpTo)
	}
	if s.Unit < 0 || s.Unit > maxSeconds {
		f.Addf("unit", "want 1 to %d seconds, or none for a flat price, got %d", maxSeconds, s.Unit)
	}
	switch {
	case s.Price.Den == 0: // only a price left out: what was decoded or made by package money has a denominator
		f.Addf("price", "is missing; write 0 for no charge")
	case s.Price.Den < 0 || s.Price.Den > maxDenominator || s.Price.Num < 0 || s.Price.Num > maxPrice:
		f.Addf("price", "want 0 to %d with a denominator up to %d, got %d/%d", int64(maxPrice), int64(maxDenominator), s.Price.Num, s.Price.Den)
	}
	checkEnd(&f, s.End, s.Tail, s.Unit)
	if s.End != "" && s.Unit == 0 {
		f.Addf("end", "belongs to a step with a unit only")
	}
	oneOf(&f, "cross", s.Cross, "", BoundaryCut, BoundaryThrough, BoundaryPause, BoundaryShare)
	return f
}

func checkEnd(f *strict.Faults, end End, tail, unit Seconds) {
	oneOf(f, "end", end, "", EndCeil, EndFloor, EndTail, EndStarted, EndExact)
	if (end == EndTail) != (tail != 0) {
		f.Addf("tail", "goes with end: tail, and only with it")
	}
	if tail < 0 || (tail > 0 && tail >= unit) {
		f.Addf("tail", "want less than the unit of %d seconds, got %d", unit, tail)
	}
}

func (x *Free) check(p *Plan) (f strict.Faults) {
	inRange(&f, "up_to", x.UpTo, 1)
	oneOf(&f, "then", x.Then, "", FreeWhole, FreeDeduct)
	oneOf(&f, "scope", x.Scope, "", ScopeStay, ScopeCycle, ScopeRun, ScopeChargeable)
	if len(x.Bands) > 0 && x.Scope != ScopeRun {
		f.Addf("bands", "goes with scope: run only")
	}
	bandsIn(&f, x.Bands, p)
	if x.Times < 0 || (x.Times > 0 && x.Scope != ScopeRun && x.Scope != ScopeCycle) {
		f.Addf("times", "goes with scope: run or cycle, and is not below 0")
	}
	if o := x.OncePer; o != nil {
		checkVisits(&f, "once_per.", o.Window, o.At, o.Length)
	}
	return f
}

func checkVisits(f *strict.Faults, place string, window Window, at Clock, length Seconds) {
	oneOf(f, place+"window", window, WindowDay, WindowRolling)
	if at < 0 || at >= day || (at != 0 && window != WindowDay) {
		f.Addf(place+"at", "is a clock time, and goes with window: day only")
	}
	if window == WindowRolling {
		inRange(f, place+"length", length, 1)
	} else if length != 0 {
		f.Addf(place+"length", "goes with window: rolling only")
	}
}

func bandsIn(f *strict.Faults, ids []string, p *Plan) {
	for i, id := range ids {
		if !slices.ContainsFunc(p.Bands, func(b Band) bool { return b.ID == id }) {
			f.Addf(fmt.Sprintf("bands[%d]", i), "%q is no band of this plan", id)
		}
	}
}

func (c *Cap) check(p *Plan) (f strict.Faults) {
	oneOf(&f, "window", c.Window, WindowStay, WindowRun, WindowCycle, WindowBlock, WindowDay, WindowClock)
	if c.Amount <= 0 || c.Amount > maxPrice {
		f.Addf("amount", "want 1 to %d, got %d", int64(maxPrice), int64(c.Amount))
	}
	oneOf(&f, "clock", c.Clock, "", ClockElapsed, ClockWall)
	checkEdges(&f, "", c.Window == WindowBlock, c.Window == WindowDay, c.Length, c.Clock, c.At, c.Starts)
	if c.From < 0 || c.From >= day {
		f.Addf("from", "want 00:00 to 23:59:59, got %s", c.From)
	}
	clockIn(&f, "to", c.To)
	if c.Window != WindowClock && (c.From != 0 || c.To != 0 || len(c.DayTypes) > 0) {
		f.Addf("from", "from, to and day_types go with window: clock only")
	}
	wordsIn(&f, "day_types", c.DayTypes)
	bandsIn(&f, c.Bands, p)
	if c.Times < 0 || c.Skip < 0 || (c.Times+c.Skip > 0 && c.Window == WindowStay) {
		f.Addf("times", "times and skip count windows: not with stay, and not below 0")
	}
	if c.PerCycle && c.Times+c.Skip > 0 {
		f.Addf("per_cycle", "goes without times and skip")
	}
	return f
}

func (g *Guard) check(p *Plan, index int) (f strict.Faults) {
	if g.ID == "" {
		f.Addf("id", "is missing")
	}
	if slices.ContainsFunc(p.Guards[:index], func(q Guard) bool { return q.ID == g.ID }) {
		f.Addf("id", "%q is the id of an earlier guard", g.ID)
	}
	oneOf(&f, "scope", g.Scope, "", ScopeStay, ScopeCycle)
	if g.Entry != nil {
		g.Entry.check(&f, "entry")
	}
	if x := g.Exit; x != nil {
		for _, c := range []*Clock{x.From, x.To} {
			if c != nil {
				clockIn(&f, "exit", *c)
			}
		}
		if x.FromDay < 0 || x.FromDay > 31 || x.ToDay < 0 || x.ToDay > 31 {
			f.Addf("exit", "want days from 0 to 31")
		}
		if x.From == nil && x.To == nil {
			f.Addf("exit", "want from, to or both")
		}
	}
	if g.Entry == nil && g.Exit == nil && g.AtMost == 0 {
		f.Addf("", "a guard without entry, exit or at_most always fits: write a plan instead")
	}
	inRange(&f, "at_most", g.AtMost, 0)
	switch {
	case (g.Price == nil) == (g.Plan == nil):
		f.Addf("price", "want either price or plan")
	case g.Price != nil && (*g.Price < 0 || *g.Price > maxPrice):
		f.Addf("price", "want 0 to %d, got %d", int64(maxPrice), int64(*g.Price))
	case g.Plan != nil:
		found := g.Plan.check(true)
		if g.Scope == ScopeCycle && g.Plan.Cycle != nil {
			found.Addf("cycle", "a guard of one cycle has no cycles of its own")
		}
		if len(found) > 0 {
			f.Under("plan", found)
		}
	}
	return f
}

// checkSums checks what is about the fee as a whole.
func (p *Plan) checkSums(f *strict.Faults) {
	if p.Minimum < 0 || p.Minimum > maxPrice {
		f.Addf("minimum", "want 0 to %d, got %d", int64(maxPrice), int64(p.Minimum))
	}
	if m := p.Multiplier; m != nil && (m.Num < 0 || m.Num > 1000 || m.Den < 1 || m.Den > 1000) {
		f.Addf("multiplier", "want 0 to 1000, such as \"3/2\"")
	}
	if x := p.EntryRounding; x != nil {
		if x.Unit < 1 || x.Unit > day || day%x.Unit != 0 {
			f.Addf("entry_rounding.unit", "want a length that divides a day, got %d seconds", x.Unit)
		}
		oneOf(f, "entry_rounding.mode", x.Mode, RoundUp, RoundDown)
	}
	if x := p.MaxStay; x != nil {
		inRange(f, "max_stay.length", x.Length, 1)
		oneOf(f, "max_stay.counted", x.Counted, "", CountChargeable, CountElapsed)
		if p.Free != nil && p.Free.UpTo >= x.Length {
			f.Addf("max_stay.length", "want more than the free time")
		}
	}
	if len(p.SharedCaps) > maxShared {
		f.Addf("shared_caps", "want at most %d", maxShared)
	}
	for i := range p.SharedCaps {
		c, place := &p.SharedCaps[i], fmt.Sprintf("shared_caps[%d].", i)
		checkVisits(f, place, c.Window, c.At, c.Length)
		if c.Amount <= 0 || c.Amount > maxPrice {
			f.Addf(place+"amount", "want 1 to %d, got %d", int64(maxPrice), int64(c.Amount))
		}
	}
}
