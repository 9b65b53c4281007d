package oracle

import (
	"math/big"
	"slices"

	"lotkeeper/shared/tariff"
)

// cap applies the plan's caps, in order, each to what the one before left.
func (j *job) cap(units []unit, pieces []piece) {
	for i := range j.plan.Caps {
		c := capWork{job: j, cap: &j.plan.Caps[i], edges: j.windowEdges(&j.plan.Caps[i], pieces)}
		c.apply(units)
	}
}

type capWork struct {
	job   *job
	cap   *tariff.Cap
	edges []int64 // the seconds after the entry at which a window ends and the next begins
}

// windowKey names a window of a cap.
type windowKey struct{ number, cycle int }

// apply takes what is too much in each window from the latest units of it.
func (c *capWork) apply(units []unit) {
	windows := map[windowKey][]int{}
	for i, u := range units {
		if key, ok := c.window(u); ok && c.concerns(u) {
			windows[key] = append(windows[key], i)
		}
	}
	for _, own := range windows {
		over := new(big.Rat).Neg(whole(c.cap.Amount))
		for _, i := range own {
			over.Add(over, units[i].price)
		}
		for k := len(own) - 1; k >= 0 && over.Sign() > 0; k-- {
			u := &units[own[k]]
			taken := over
			if taken.Cmp(u.price) > 0 {
				taken = u.price
			}
			u.price, over = new(big.Rat).Sub(u.price, taken), new(big.Rat).Sub(over, taken)
		}
	}
}

func (c *capWork) concerns(u unit) bool {
	return len(c.cap.Bands) == 0 || slices.Contains(c.cap.Bands, u.band)
}

// window is the window in which a unit begins, unless the cap does not hold there.
func (c *capWork) window(u unit) (windowKey, bool) {
	if c.cap.Window == tariff.WindowClock {
		return c.occurrence(u)
	}
	number := 0
	switch c.cap.Window {
	case tariff.WindowRun:
		number = u.run
	case tariff.WindowCycle:
		number = u.cycle
	default:
		for _, e := range c.edges {
			if e <= u.begin {
				number++
			}
		}
	}
	last := c.cap.Skip + c.cap.Times
	capped := number >= c.cap.Skip && (c.cap.Times == 0 || number < last)
	return windowKey{number: number}, capped
}

// occurrence is the clock window in which a unit begins.
func (c *capWork) occurrence(u unit) (windowKey, bool) {
	p := c.job.rate.place
	today := p.day(u.begin)
	for day := today - 2; day <= today+2; day++ {
		if p.fits(c.cap.DayTypes, day) && p.clockWindow(day, c.cap.From, c.cap.To).has(u.begin) {
			key := windowKey{number: int(day)}
			if c.cap.PerCycle {
				key.cycle = u.cycle
			}
			return key, true
		}
	}
	return windowKey{}, false
}

// windowEdges lists the seconds in (begin, end] at which a window ends. With per_cycle those are a cycle's edges too.
func (j *job) windowEdges(c *tariff.Cap, pieces []piece) []int64 {
	var edges []int64
	switch c.Window {
	case tariff.WindowBlock:
		edges = j.rate.place.blockEdges(c.Clock, int64(c.Length), j.begin, j.end)
	case tariff.WindowDay:
		edges = j.rate.place.dayEdges(c.At, c.Starts, j.begin+1, j.end)
	}
	if c.PerCycle {
		for _, p := range pieces[1:] {
			edges = append(edges, p.begin)
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}
