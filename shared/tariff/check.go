package tariff

import (
	"fmt"
	"slices"

	"lotkeeper/shared/tariff/strict"
)

// check lists the faults of a plan. inner is one that a guard brings: it has no vehicles to choose and no guards.
func (p *Plan) check(inner bool) (f strict.Faults) {
	if p.ID == "" && !inner {
		f.Add("id", strict.Missing)
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
			f.Add(x.key, outerOnly)
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
		f.Add("cycle.full_price", notInRange, 0, int64(maxPrice), int64(*c.FullPrice))
	}
}

// checkEdges checks the keys that blocks and days have.
func checkEdges(f *strict.Faults, place string, block, days bool, length Seconds, clock ClockKind, at Clock, starts []Start) {
	if block {
		inRange(f, place+"length", length, 1)
	} else if length != 0 {
		f.Add(place+"length", blockOnly)
	}
	if !block && clock != "" {
		f.Add(place+"clock", blockOnly)
	}
	if at < 0 || at >= day {
		f.Add(place+"at", notTimeOfDay, at)
	}
	if !days && (at != 0 || len(starts) > 0) {
		f.Add(place+"at", dayOnly)
	}
	if at != 0 && len(starts) > 0 {
		f.Add(place+"starts", startsInstead)
	}
	startsIn(f, place+"starts", starts)
}

func (p *Plan) checkBands(f *strict.Faults) {
	if len(p.Bands) > maxBands {
		f.Add("bands", tooMany, maxBands, len(p.Bands))
		return
	}
	var of DayOf
	for i := range p.Bands {
		b := &p.Bands[i]
		found := b.check()
		if slices.ContainsFunc(p.Bands[:i], func(q Band) bool { return q.ID == b.ID }) {
			found.Add("id", idTaken, b.ID, "band")
		}
		if x := or(b.DayOf, DayOfMoment); x != DayOfMoment && len(b.DayTypes) > 0 {
			if of != "" && of != x {
				found.Add("day_of", oneDayOf)
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
		f.Add("id", strict.Missing)
	}
	if b.From < 0 || b.From >= day {
		f.Add("from", notTimeOfDay, b.From)
	}
	clockIn(&f, "to", b.To)
	wordsIn(&f, "day_types", b.DayTypes)
	oneOf(&f, "day_of", b.DayOf, "", DayOfMoment, DayOfCycle, DayOfStay)
	if b.DayBegins < 0 || b.DayBegins >= day {
		f.Add("day_begins", notTimeOfDay, b.DayBegins)
	}
	if b.DayBegins != 0 && or(b.DayOf, DayOfMoment) != DayOfMoment {
		f.Add("day_begins", goesWith, "day_of: moment")
	}
	if len(b.Steps) > maxSteps {
		f.Add("steps", tooMany, maxSteps, len(b.Steps))
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
		f.Add("up_to", lastStepEnds)
	case !last && s.UpTo == 0:
		f.Add("up_to", stepEndless)
	case s.UpTo != 0 && (s.UpTo <= from || s.UpTo > maxSeconds):
		f.Add("up_to", stepBack, from, maxSeconds, s.UpTo)
	}
	if s.Unit < 0 || s.Unit > maxSeconds {
		f.Add("unit", notUnit, maxSeconds, s.Unit)
	}
	switch {
	case s.Price.Den == 0: // only a price left out: what was decoded or made by package money has a denominator
		f.Add("price", noPrice)
	case s.Price.Den < 0 || s.Price.Den > maxDenominator || s.Price.Num < 0 || s.Price.Num > maxPrice:
		f.Add("price", notExact, int64(maxPrice), int64(maxDenominator), s.Price.Num, s.Price.Den)
	}
	checkEnd(&f, s.End, s.Tail, s.Unit)
	if s.End != "" && s.Unit == 0 {
		f.Add("end", unitOnly)
	}
	oneOf(&f, "cross", s.Cross, "", BoundaryCut, BoundaryThrough, BoundaryPause, BoundaryShare)
	return f
}

func checkEnd(f *strict.Faults, end End, tail, unit Seconds) {
	oneOf(f, "end", end, "", EndCeil, EndFloor, EndTail, EndStarted, EndExact)
	if (end == EndTail) != (tail != 0) {
		f.Add("tail", tailAlone)
	}
	if tail < 0 || (tail > 0 && tail >= unit) {
		f.Add("tail", tailTooLong, unit, tail)
	}
}

func (x *Free) check(p *Plan) (f strict.Faults) {
	inRange(&f, "up_to", x.UpTo, 1)
	oneOf(&f, "then", x.Then, "", FreeWhole, FreeDeduct)
	oneOf(&f, "scope", x.Scope, "", ScopeStay, ScopeCycle, ScopeRun, ScopeChargeable)
	if len(x.Bands) > 0 && x.Scope != ScopeRun {
		f.Add("bands", goesWith, "scope: run")
	}
	bandsIn(&f, x.Bands, p)
	if x.Times < 0 || (x.Times > 0 && x.Scope != ScopeRun && x.Scope != ScopeCycle) {
		f.Add("times", timesOfScope)
	}
	if o := x.OncePer; o != nil {
		checkVisits(&f, "once_per.", o.Window, o.At, o.Length)
	}
	return f
}

func checkVisits(f *strict.Faults, place string, window Window, at Clock, length Seconds) {
	oneOf(f, place+"window", window, WindowDay, WindowRolling)
	if at < 0 || at >= day || (at != 0 && window != WindowDay) {
		f.Add(place+"at", clockOfDay)
	}
	if window == WindowRolling {
		inRange(f, place+"length", length, 1)
	} else if length != 0 {
		f.Add(place+"length", goesWith, "window: rolling")
	}
}

func bandsIn(f *strict.Faults, ids []string, p *Plan) {
	for i, id := range ids {
		if !slices.ContainsFunc(p.Bands, func(b Band) bool { return b.ID == id }) {
			f.Add(fmt.Sprintf("bands[%d]", i), noBand, id)
		}
	}
}

func (c *Cap) check(p *Plan) (f strict.Faults) {
	oneOf(&f, "window", c.Window, WindowStay, WindowRun, WindowCycle, WindowBlock, WindowDay, WindowClock)
	if c.Amount <= 0 || c.Amount > maxPrice {
		f.Add("amount", notInRange, 1, int64(maxPrice), int64(c.Amount))
	}
	oneOf(&f, "clock", c.Clock, "", ClockElapsed, ClockWall)
	checkEdges(&f, "", c.Window == WindowBlock, c.Window == WindowDay, c.Length, c.Clock, c.At, c.Starts)
	if c.From < 0 || c.From >= day {
		f.Add("from", notTimeOfDay, c.From)
	}
	clockIn(&f, "to", c.To)
	if c.Window != WindowClock && (c.From != 0 || c.To != 0 || len(c.DayTypes) > 0) {
		f.Add("from", goesWith, "window: clock")
	}
	wordsIn(&f, "day_types", c.DayTypes)
	bandsIn(&f, c.Bands, p)
	if c.Times < 0 || c.Skip < 0 || (c.Times+c.Skip > 0 && c.Window == WindowStay) {
		f.Add("times", timesOfWindows)
	}
	if c.PerCycle && c.Times+c.Skip > 0 {
		f.Add("per_cycle", noCounts)
	}
	return f
}

func (g *Guard) check(p *Plan, index int) (f strict.Faults) {
	if g.ID == "" {
		f.Add("id", strict.Missing)
	}
	if slices.ContainsFunc(p.Guards[:index], func(q Guard) bool { return q.ID == g.ID }) {
		f.Add("id", idTaken, g.ID, "guard")
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
			f.Add("exit", dayRange)
		}
		if x.From == nil && x.To == nil {
			f.Add("exit", exitOpen)
		}
	}
	if g.Entry == nil && g.Exit == nil && g.AtMost == 0 {
		f.Add("", alwaysFits)
	}
	inRange(&f, "at_most", g.AtMost, 0)
	switch {
	case (g.Price == nil) == (g.Plan == nil):
		f.Add("price", priceOrPlan)
	case g.Price != nil && (*g.Price < 0 || *g.Price > maxPrice):
		f.Add("price", notInRange, 0, int64(maxPrice), int64(*g.Price))
	case g.Plan != nil:
		found := g.Plan.check(true)
		if g.Scope == ScopeCycle && g.Plan.Cycle != nil {
			found.Add("cycle", cycleInCycle)
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
		f.Add("minimum", notInRange, 0, int64(maxPrice), int64(p.Minimum))
	}
	if m := p.Multiplier; m != nil && (m.Num < 0 || m.Num > 1000 || m.Den < 1 || m.Den > 1000) {
		f.Add("multiplier", notMultiplier)
	}
	if x := p.EntryRounding; x != nil {
		if x.Unit < 1 || x.Unit > day || day%x.Unit != 0 {
			f.Add("entry_rounding.unit", notPartOfDay, x.Unit)
		}
		oneOf(f, "entry_rounding.mode", x.Mode, RoundUp, RoundDown)
	}
	if x := p.MaxStay; x != nil {
		inRange(f, "max_stay.length", x.Length, 1)
		oneOf(f, "max_stay.counted", x.Counted, "", CountChargeable, CountElapsed)
		if p.Free != nil && p.Free.UpTo >= x.Length {
			f.Add("max_stay.length", notPastFree)
		}
	}
	if len(p.SharedCaps) > maxShared {
		f.Add("shared_caps", tooMany, maxShared, len(p.SharedCaps))
	}
	for i := range p.SharedCaps {
		c, place := &p.SharedCaps[i], fmt.Sprintf("shared_caps[%d].", i)
		checkVisits(f, place, c.Window, c.At, c.Length)
		if c.Amount <= 0 || c.Amount > maxPrice {
			f.Add(place+"amount", notInRange, 1, int64(maxPrice), int64(c.Amount))
		}
	}
}
