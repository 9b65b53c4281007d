package oracle

import (
	"fmt"

	"lotkeeper/shared/tariff"
)

func (d *drawer) free(p *tariff.Plan) *tariff.Free {
	f := &tariff.Free{
		UpTo:  tariff.Seconds(pick(d, 300, 900, 900, 1800, 1800, 3600, 7200)),
		Then:  pick(d, "", tariff.FreeWhole, tariff.FreeDeduct),
		Scope: pick(d, "", tariff.ScopeStay, tariff.ScopeStay, tariff.ScopeRun, tariff.ScopeRun, tariff.ScopeChargeable),
	}
	if p.Cycle != nil && d.in(40) {
		f.Scope = tariff.ScopeCycle
	}
	if f.Then != tariff.FreeDeduct {
		f.Inclusive = d.in(50)
	}
	if f.Scope == tariff.ScopeRun && d.in(40) {
		f.Bands = d.someBands(p)
	}
	if (f.Scope == tariff.ScopeRun || f.Scope == tariff.ScopeCycle) && d.in(45) {
		f.Times = 1 + d.next(2)
	}
	if d.in(25) {
		f.OncePer = &tariff.VisitWindow{Window: tariff.WindowDay, At: d.dayBegin()}
		if d.in(50) {
			f.OncePer = &tariff.VisitWindow{Window: tariff.WindowRolling, Length: tariff.Seconds(pick(d, 6, 24) * 3600)}
		}
	}
	return f
}

// someBands names one or two bands that price something, else the first.
func (d *drawer) someBands(p *tariff.Plan) []string {
	var ids []string
	for _, b := range p.Bands {
		if len(b.Steps) > 0 && len(ids) < 2 && d.in(60) {
			ids = append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return []string{p.Bands[0].ID}
	}
	return ids
}

// cap is the wider the later it comes, so that caps nest.
func (d *drawer) cap(p *tariff.Plan, i int) tariff.Cap {
	c := tariff.Cap{Amount: d.bound(), Window: pick(d, tariff.WindowStay, tariff.WindowBlock, tariff.WindowBlock, tariff.WindowDay,
		tariff.WindowDay, tariff.WindowRun, tariff.WindowClock)}
	for range i {
		c.Amount += d.bound() / 2
	}
	if p.Cycle != nil && d.in(30) {
		c.Window = tariff.WindowCycle
	}
	switch c.Window {
	case tariff.WindowBlock:
		c.Length = tariff.Seconds(pick(d, 24, 24, 24, 12, 3)) * 3600
		c.Clock = pick(d, "", tariff.ClockElapsed, tariff.ClockWall)
	case tariff.WindowDay:
		c.At = d.dayBegin()
		if d.in(30) {
			c.At, c.Starts = 0, d.starts()
		}
	case tariff.WindowClock:
		w := d.clockWindow()
		c.From, c.To, c.DayTypes = w.From, w.To, w.DayTypes
	}
	if d.in(25) {
		c.Bands = d.someBands(p)
	}
	if c.Window != tariff.WindowStay && d.in(30) {
		c.Times, c.Skip = d.next(2), d.next(2)
	}
	c.PerCycle = p.Cycle != nil && c.Times+c.Skip == 0 && c.Window != tariff.WindowCycle && d.in(40)
	return c
}

func (d *drawer) guard(cycle bool, i int) tariff.Guard {
	g := tariff.Guard{ID: fmt.Sprintf("guard%d", i)}
	if cycle && d.in(70) {
		g.Scope = tariff.ScopeCycle
	}
	if d.in(60) {
		w := d.clockWindow()
		g.Entry = &w
	}
	if d.in(60) {
		g.Exit = d.exit()
	}
	if d.in(25) || g.Entry == nil && g.Exit == nil {
		g.AtMost = tariff.Seconds(pick(d, 1, 3, 12, 24, 36) * 3600)
	}
	g.Inclusive = (g.Entry != nil || g.Exit != nil && g.Exit.To != nil) && d.in(40)
	g.Cheaper = d.in(40)
	if d.in(60) {
		price := d.money() - 50
		g.Price = &price
		return g
	}
	plan := d.innerPlan()
	if g.Scope == tariff.ScopeCycle {
		plan.Cycle = nil
	}
	g.Plan = &plan
	return g
}

// exit is a window that ends after it begins.
func (d *drawer) exit() *tariff.ExitWindow {
	from, to := d.clock(), d.clock()
	x := &tariff.ExitWindow{From: &from, FromDay: d.next(2), To: &to}
	x.ToDay = x.FromDay
	if to <= from {
		x.ToDay++
	}
	switch d.next(4) {
	case 0:
		x.From, x.FromDay = nil, 0
	case 1:
		x.To, x.ToDay = nil, 0
	}
	return x
}
