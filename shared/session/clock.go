package session

import (
	"time"

	"lotkeeper/shared/fact"
)

// Clock names one run of one clock: an author's own ("booth", "cloud") or a device's, as that author's run saw it. Within
// a run times of one clock differ by exactly what passed between them, however wrong they all are.
type Clock struct {
	Author fact.Author `json:"author"`
	Source string      `json:"source"`
	Boot   string      `json:"boot"`
}

// offset is what the last clock fact makes of a clock.
type offset struct {
	by    fact.ID // the clock fact
	move  time.Duration
	error time.Duration // half-width of what move may be wrong by
}

func (e *entry) clock() Clock { return Clock{e.Author, e.Source, e.Boot} }

// setClock takes a clock fact and marks the vehicles whose times it moves.
func (b *Book) setClock(e *entry, dirty map[Key]struct{}) {
	c := e.body.(fact.Clock)
	ck := Clock{e.Author, c.Source, c.Boot}
	if old, had := b.clocks[ck]; had && before(e, b.facts[old.by]) {
		return
	}
	err := time.Duration(min(max(c.ErrorMS, 0), maxError.Milliseconds())) * time.Millisecond
	b.clocks[ck] = offset{e.id, time.Duration(c.OffsetMS) * time.Millisecond, err}
	for _, id := range b.timed[ck] {
		b.touch(b.facts[id], dirty)
	}
}

// at is when an observation happened, by the clock that the last clock fact makes of its source's.
func (b *Book) at(e *entry) time.Time { return e.At.Add(b.clocks[e.clock()].move) }

// End returns a moment on a clock as the end of a stay: corrected, and with what it may be wrong by.
func (b *Book) End(c Clock, at time.Time) Visit {
	off := b.clocks[c]
	v := Visit{At: at.Add(off.move)}
	if off.error > 0 && b.version > 1 {
		v.ErrorMS, v.Clock = off.error.Milliseconds(), c
	}
	return v
}

// Offset returns what the last clock fact says of a clock: what to add to its times, and what that may be wrong by.
func (b *Book) Offset(c Clock) (move, err time.Duration, known bool) {
	off, known := b.clocks[c]
	return off.move, off.error, known
}

// maxError bounds what a clock fact may say that a clock is wrong by: beyond it nothing is told but that nobody knows.
const maxError = 31 * 24 * time.Hour

// clockTrust is what a clock may be wrong by without anybody being owed anything: stamps are whole seconds in the field.
const clockTrust = time.Second

// doubt is by how much each end of a stay may be wrong. Two ends on one run of one clock are exactly as far apart as they
// say.
func doubt(entry, exit Visit) (in, out time.Duration) {
	if entry.Clock == exit.Clock && entry.Clock != (Clock{}) {
		return 0, 0
	}
	in, out = time.Duration(entry.ErrorMS)*time.Millisecond, time.Duration(exit.ErrorMS)*time.Millisecond
	if in < clockTrust {
		in = 0
	}
	if out < clockTrust {
		out = 0
	}
	return in, out
}

// doubtSteps is into how many steps each half of an error is cut when the cheapest stay within it is looked for: prices
// that fall when somebody leaves later, or comes earlier, are rare and fall at the edges of bands.
const doubtSteps = 4

// within lists the times that a moment may have been, the one that was recorded first.
func within(at time.Time, err time.Duration) []time.Time {
	out := []time.Time{at}
	if err == 0 {
		return out
	}
	for i := 1; i <= doubtSteps; i++ {
		step := err * time.Duration(i) / doubtSteps
		out = append(out, at.Add(-step), at.Add(step))
	}
	return out
}
