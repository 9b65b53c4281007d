package oracle

import (
	"fmt"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// special is a plan for some vehicles only.
func (d *drawer) special() tariff.Plan {
	p := d.outerPlan()
	switch d.next(3) {
	case 0:
		p.Classes = []string{"large"}
	case 1:
		p.Entitlements = []string{"outpatient", "staff"}
	default:
		p.DayTypes = d.dayTypes()
	}
	return p
}

// outerPlan is a plan with all that only a plan of the tariff itself may have.
func (d *drawer) outerPlan() tariff.Plan {
	p := d.innerPlan()
	if d.in(12) {
		p.Minimum = money.Amount(100 + 50*d.next(30))
	}
	if d.in(12) {
		p.Multiplier = &money.Rat{Num: int64(1 + d.next(4)), Den: int64(pick(d, 1, 2, 3))}
		*p.Multiplier, _ = money.NewRat(p.Multiplier.Num, p.Multiplier.Den)
	}
	if d.in(12) {
		length := tariff.Seconds(pick(d, 1800, 3600, 2*3600, 5*3600, 12*3600))
		if p.Free != nil {
			length += p.Free.UpTo // free for longer than may be parked is no tariff
		}
		p.MaxStay = &tariff.MaxStay{Length: length, Counted: pick(d, "", tariff.CountChargeable, tariff.CountElapsed)}
	}
	if d.in(12) {
		unit := tariff.Seconds(pick(d, 60, 300, 900, 1800, 3600))
		p.EntryRounding = &tariff.EntryRounding{Unit: unit, Mode: pick(d, tariff.RoundUp, tariff.RoundDown)}
	}
	if d.in(12) {
		amount := d.bound()
		p.SharedCaps = append(p.SharedCaps, tariff.SharedCap{Amount: amount, Window: tariff.WindowDay, At: d.dayBegin()})
	}
	if d.in(8) {
		length := tariff.Seconds(pick(d, 12*3600, 24*3600))
		p.SharedCaps = append(p.SharedCaps, tariff.SharedCap{Amount: d.bound(), Window: tariff.WindowRolling, Length: length})
	}
	for d.in(25) && len(p.Guards) < 3 {
		p.Guards = append(p.Guards, d.guard(p.Cycle != nil, len(p.Guards)))
	}
	return p
}

// innerPlan is one that the plan of a guard may be too.
func (d *drawer) innerPlan() tariff.Plan {
	p := tariff.Plan{ID: fmt.Sprintf("plan%d", d.plan)}
	d.plan++
	bands := 1 + d.next(4)
	for i := range bands {
		p.Bands = append(p.Bands, d.band(i, i == bands-1))
	}
	if d.in(40) {
		p.Cycle = d.cycle()
	}
	p.Position = pick(d, "", tariff.ScopeRun, tariff.ScopeStay, tariff.ScopeStay)
	if p.Cycle != nil {
		p.Position = pick(d, "", tariff.ScopeRun, tariff.ScopeCycle, tariff.ScopeCycle, tariff.ScopeStay)
	}
	d.bandDays(&p)
	p.Counted = pick(d, "", tariff.CountChargeable, tariff.CountBand, tariff.CountElapsed)
	p.Boundary = d.boundary()
	if d.in(20) {
		if p.End = d.end(); p.End == tariff.EndTail {
			p.Tail = tariff.Seconds(pick(d, 30, 59)) // less than any unit
		}
	}
	if d.in(50) {
		p.Free = d.free(&p)
	}
	for i := range pick(d, 0, 0, 1, 1, 2, 3) {
		p.Caps = append(p.Caps, d.cap(&p, i))
	}
	return p
}

// bound is an amount for a cap: at times low, at times so high that it seldom matters.
func (d *drawer) bound() money.Amount { return d.money() * money.Amount(pick(d, 1, 3, 6, 20)) }

func (d *drawer) money() money.Amount { return money.Amount(50 * (1 + d.next(120))) }

// price is up to 5000, at times a fraction.
func (d *drawer) price() money.Rat {
	whole := int64(pick(d, 0, 100, 250, 300, 500, 777, 1000, 5000))
	if d.in(50) {
		whole = int64(d.next(5001))
	}
	den := int64(1)
	if d.in(20) {
		den = int64(pick(d, 2, 3, 4, 6, 60))
	}
	r, err := money.NewRat(whole, den)
	if err != nil {
		panic(err) // the denominators above are good
	}
	return r
}

func (d *drawer) boundary() tariff.Boundary {
	return pick(d, "", tariff.BoundaryCut, tariff.BoundaryThrough, tariff.BoundaryPause, tariff.BoundaryShare)
}

func (d *drawer) band(i int, last bool) tariff.Band {
	b := tariff.Band{ID: fmt.Sprintf("band%d", i)}
	rest := last && d.in(75) // it prices whatever the others leave
	if !rest && !d.in(15) {
		b.From, b.To = d.clock(), d.clock()
	}
	if !rest && d.in(30) {
		b.DayTypes = d.dayTypes()
	}
	if !rest && d.in(15) {
		return b
	}
	b.Steps = d.steps()
	return b
}

// bandDays says for bands of some days what their day is: the moment's, for some from another time on, or the same other
// one for all.
func (d *drawer) bandDays(p *tariff.Plan) {
	other := tariff.DayOfStay
	if p.Cycle != nil && d.in(60) {
		other = tariff.DayOfCycle
	}
	for i := range p.Bands {
		b := &p.Bands[i]
		switch {
		case len(b.DayTypes) == 0:
		case d.in(25):
			b.DayOf = other
		case d.in(35):
			b.DayOf, b.DayBegins = pick(d, "", tariff.DayOfMoment), d.dayBegin()
		}
	}
}

func (d *drawer) dayBegin() tariff.Clock { return pick(d, 0, 0, 2*3600, 5*3600, 7*3600, d.clock()) }

func (d *drawer) steps() []tariff.Step {
	var steps []tariff.Step
	upTo := tariff.Seconds(0)
	count := pick(d, 1, 2, 2, 3, 3, 4)
	for i := range count {
		s := tariff.Step{Price: d.price()}
		if i < count-1 {
			upTo += tariff.Seconds(pick(d, 900, 1800, 3600, 3600, 7200, 4*3600, 5400, 600))
			s.UpTo = upTo
		}
		if d.in(75) {
			d.unit(&s)
		}
		steps = append(steps, s)
	}
	return steps
}

func (d *drawer) end() tariff.End {
	return pick(d, "", tariff.EndCeil, tariff.EndFloor, tariff.EndTail, tariff.EndStarted, tariff.EndExact)
}

func (d *drawer) unit(s *tariff.Step) {
	s.Unit = tariff.Seconds(pick(d, 60, 600, 900, 1800, 1800, 3600, 3600, 3600, 7200, 4*3600, 8*3600, 24*3600, 61, 420))
	s.End = d.end()
	if s.End == tariff.EndTail {
		s.Tail = s.Unit / tariff.Seconds(pick(d, 2, 3, 4))
	}
	if d.in(25) {
		s.Cross = pick(d, tariff.BoundaryCut, tariff.BoundaryThrough, tariff.BoundaryPause, tariff.BoundaryShare)
	}
}

func (d *drawer) starts() []tariff.Start {
	var list []tariff.Start
	for range 1 + d.next(2) {
		s := tariff.Start{At: tariff.Clock(1800 * d.next(48))}
		if d.in(40) {
			s.DayTypes = d.dayTypes()
		}
		list = append(list, s)
	}
	if len(list) == 2 && list[0].At == list[1].At {
		return list[:1]
	}
	return list
}

func (d *drawer) cycle() *tariff.Cycle {
	c := &tariff.Cycle{Kind: tariff.CycleDay}
	switch d.next(4) {
	case 0:
		c.At = d.dayBegin()
	case 1:
		c.Starts = d.starts()
	default:
		c.Kind, c.Length = tariff.CycleBlock, tariff.Seconds(pick(d, 24, 24, 24, 12, 5, 48)*3600)
		c.Clock = pick(d, "", tariff.ClockElapsed, tariff.ClockWall)
	}
	if d.in(25) {
		price := d.bound()
		c.FullPrice = &price
	}
	return c
}
