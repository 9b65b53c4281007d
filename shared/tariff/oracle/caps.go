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

// share applies the caps that visits share. The window that the job begins in has what earlier visits left of it, as their
// charges were before this plan's multiplier.
func (j *job) share(units []unit) {
	if m := j.plan.Multiplier; m != nil && m.Num == 0 { // all is free
		return
	}
	for _, shared := range j.plan.SharedCaps {
		c := tariff.Cap{Amount: shared.Amount, Window: tariff.WindowDay, At: shared.At}
		if shared.Window == tariff.WindowRolling {
			c.Window, c.Length = tariff.WindowBlock, shared.Length
		}
		room := whole(shared.Amount)
		for _, v := range j.rate.used {
			if j.rate.sharesWindow(shared.Window, shared.At, shared.Length, v.entry, j.begin) {
				room.Sub(room, v.charged(j.plan))
			}
		}
		if room.Sign() < 0 {
			room = new(big.Rat)
		}
		work := capWork{job: j, cap: &c, edges: j.windowEdges(&c, nil), room: room}
		work.apply(units)
	}
}

type capWork struct {
	job   *job
	cap   *tariff.Cap
	edges []int64  // the seconds after the entry at which a window ends and the next begins
	room  *big.Rat // what the first window may have, where that is not the amount
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
	for key, own := range windows {
		over := new(big.Rat).Neg(whole(c.cap.Amount))
		if c.room != nil && key.number == 0 {
			over.Neg(c.room)
		}
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
	number, cycle := 0, 0
	switch c.cap.Window {
	case tariff.WindowClock:
		if number = c.occurrence(u); number == none {
			return windowKey{}, false
		}
		if c.cap.PerCycle {
			cycle = u.cycle
		}
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
	return windowKey{number, cycle}, capped
}

// occurrence is the number of the clock window in which a unit begins, of those that had not ended when the job began;
// none outside them.
func (c *capWork) occurrence(u unit) int {
	p := c.job.rate.place
	number := 0
	for day := p.day(c.job.begin) - 2; day <= p.day(u.begin)+2; day++ {
		window := p.clockWindow(day, c.cap.From, c.cap.To)
		if !p.fits(c.cap.DayTypes, day) || window.length() <= 0 || window.end <= c.job.begin {
			continue
		}
		if window.has(u.begin) {
			return number
		}
		number++
	}
	return none
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
	if c.PerCycle && c.Window != tariff.WindowClock {
		for _, p := range pieces[1:] {
			edges = append(edges, p.begin)
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}
