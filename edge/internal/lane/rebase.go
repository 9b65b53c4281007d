package lane

import (
	"maps"
	"slices"
	"time"

	"lotkeeper/shared/session"
)

// clock names the clock that the lane's own times are on.
func (t *step) clock() session.Clock {
	return session.Clock{Author: t.at.Author, Source: "booth", Boot: t.Boot}
}

// rebase follows the booth's clock when it was set. What the lane remembers moves along, so that nobody at the lane
// becomes older or younger by it; tokens given out before are void, like after a restart.
func (t *step) rebase() {
	by := t.at.Shift - t.Shift
	t.Boot, t.Shift, t.ShiftBy, t.ShiftAt = t.at.Boot, t.at.Shift, by, t.at.Mono
	for d, c := range t.Clocks {
		t.Clocks[d] = c.Shift(by)
	}
	clear(t.Told) // each run of the clock has facts of its own
	if t.Pending != nil {
		t.Pending = t.Pending.shift(by)
	}
	t.Car.shift(by)
	t.Last.shift(by)
	for i := range t.Behind {
		t.Behind[i].shift(by)
	}
	t.tellClocks(slices.Sorted(maps.Keys(t.Clocks))...)
}

// rebased is a read as of the clock that runs now: one that was on its way here while the clock was set came with the time
// of the clock before.
func (t *step) rebased(r Read) Read {
	if t.ShiftAt == 0 || t.at.Mono-t.ShiftAt > LiveFor || t.ShiftBy.Abs() <= LiveFor {
		return r
	}
	if (t.at.Wall.Sub(r.Received) - t.ShiftBy).Abs() <= LiveFor {
		return *r.shift(t.ShiftBy)
	}
	return r
}

func (r *Read) shift(by time.Duration) *Read {
	moved := *r
	moved.Received = moved.Received.Add(by)
	return &moved
}

func (c *Car) shift(by time.Duration) {
	if c.N == 0 {
		return
	}
	c.At = c.At.Add(by)
	if !c.HeldAt.IsZero() {
		c.HeldAt = c.HeldAt.Add(by)
	}
	if c.Seen != nil {
		c.Seen = c.Seen.shift(by)
	}
}
