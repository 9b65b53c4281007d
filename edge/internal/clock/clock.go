// Package clock is a booth's time.
//
// Invariants:
//   - the booth's time runs with the machine's monotonic clock: somebody who sets the system's clock, or a time server that
//     does, moves nothing here;
//   - it is set only by [Clock.Move], and then a new run of the clock begins, with a name of its own: within one run two
//     times differ by exactly what passed between them;
//   - it is set only when something better than this machine says so ([Watch]); what was stamped by the run before is
//     corrected by a fact, which the fold applies.
//
// DESIGN.md beside this file says why.
package clock

import (
	"strconv"
	"sync"
	"time"
)

// Reading is one moment on the booth's clock.
type Reading struct {
	Wall  time.Time
	Mono  time.Duration // of this run of the agent; above 0
	Boot  string        // this run of the agent and of its clock
	Shift time.Duration // by how much the clock was set in this run of the agent
}

// Clock is safe for concurrent use.
type Clock struct {
	run    string
	system func() time.Time
	mono   func() time.Duration
	anchor time.Time // the system's clock when this run's monotonic clock stood at 0

	mu    sync.RWMutex
	shift time.Duration
	sets  int
	floor time.Duration // by how much it was moved at its start
}

// New makes the clock of a run of the agent. system is the machine's clock, which may jump; mono is its monotonic clock
// since the run began, which may not.
func New(run string, system func() time.Time, mono func() time.Duration) *Clock {
	return &Clock{run: run, system: system, mono: mono, anchor: system().Round(0).Add(-mono())}
}

// Read returns the moment.
func (c *Clock) Read() Reading {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m := c.mono()
	return Reading{Wall: c.anchor.Add(c.shift + m), Mono: m + 1, Boot: c.boot(), Shift: c.shift}
}

// Now returns the booth's time.
func (c *Clock) Now() time.Time { return c.Read().Wall }

// Mono returns this run's monotonic clock in nanoseconds; it begins at one, so that zero can mean never.
func (c *Clock) Mono() int64 { return int64(c.Read().Mono) }

// Boot names this run of the agent and of its clock.
func (c *Clock) Boot() string { return c.Read().Boot }

func (c *Clock) boot() string {
	if c.sets == 0 {
		return c.run
	}
	return c.run + "-" + strconv.Itoa(c.sets)
}

// Move sets the clock and so begins a new run of it.
func (c *Clock) Move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += by
	c.sets++
}

// Floor makes the clock begin no earlier than a time that is past for sure, and returns by how much it had to be moved; 0
// when it was later. It is for the start, before anything was stamped: no new run begins.
func (c *Clock) Floor(past time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	behind := past.Sub(c.anchor.Add(c.shift + c.mono()))
	if behind <= 0 {
		return 0
	}
	c.anchor, c.floor = c.anchor.Add(behind), behind
	return behind
}

// Floored is by how much the clock was moved at its start, as long as it was not set since.
func (c *Clock) Floored() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.sets > 0 {
		return 0
	}
	return c.floor
}

// System is by how much somebody has set the machine's clock since the run began, less what the booth's was set by. Once
// both are right it is nothing.
func (c *Clock) System() time.Duration {
	return c.system().Round(0).Sub(c.Read().Wall) + c.Floored()
}
