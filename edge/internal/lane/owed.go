package lane

import (
	"slices"
	"time"

	"lotkeeper/shared/fact"
)

// maxOwed bounds what a lane remembers for a journal that cannot be written. A device's own memory holds the reads too.
const maxOwed = 500

// Owed is what happened while the journal could not be written: it is recorded once it can, with its true times.
type Owed struct {
	Car   uint64       // whose it is; 0: nobody's that is still here
	Read  int          // index of its read in Facts, -1: none
	Facts []fact.Draft // may name each other by [Own]
	// Write is a write that is still under way and may yet store what Facts begin with; 0 is none. Stored is then what is
	// left to record if it does, in terms of its facts.
	Write  uint64
	Stored []fact.Draft
}

// owe remembers what could not be recorded.
func (t *step) owe(o Owed) {
	if len(t.Owed) >= maxOwed || len(o.Facts) == 0 {
		return
	}
	t.Owed = append(slices.Clone(t.Owed), o)
	t.OweAt = t.at.Mono + askJournal
}

// oweFailed remembers the facts of a failed write that nobody will try again.
func (t *step) oweFailed(in Failed) {
	t.owe(Owed{Read: -1, Facts: markLate(in.Facts), Write: in.Write})
}

// oweFree remembers a vehicle that is let pass, or is through, although its decision is not recorded: what would have been
// recorded, with the decision that was made in its place. kept says that a write under way is of its read alone. The answer
// is false for one that was let pass already.
func (t *step) oweFree(in Failed, kept bool) bool {
	c := &t.Car
	if i := slices.IndexFunc(t.Owed, func(o Owed) bool { return o.Car == c.N && o.Read >= 0 }); i >= 0 {
		// It was let pass already. If this write stores its read, the rest is about that.
		if in.Write != 0 && in.Then.Read >= 0 {
			t.Owed = slices.Clone(t.Owed)
			t.Owed[i].Write, t.Owed[i].Stored = in.Write, t.Owed[i].without(Own(in.Then.Read))
		}
		return false
	}
	o := Owed{Car: c.N, Read: in.Then.Read, Write: in.Write, Facts: markLate(in.Facts)}
	decided := c.Was.Action == fact.Open || c.Through // the write has the decision that stands, and its bill
	if !c.Through {
		for i, d := range o.Facts {
			if b, ok := d.Body.(fact.Decision); ok {
				b.Action, b.Reason, b.By, b.Note = fact.Open, ReasonJournal, "", ""
				o.Facts[i].Body = b
				if !decided && !kept {
					o.Stored = append(o.Stored, o.Facts[i])
				}
			}
		}
	}
	if !decided { // a release has its bill; it becomes a debt
		read := c.Read
		if o.Read >= 0 {
			read = Own(o.Read)
		}
		bill := t.bill(read)
		o.Facts, o.Stored = append(o.Facts, bill...), append(o.Stored, bill...)
	}
	if kept {
		o.Stored = o.Facts[1:]
	}
	c.Billed = true
	t.owe(o)
	return true
}

// owePassage adds how the passage of a vehicle ended to what is owed of it. ok is false when nothing is.
func (t *step) owePassage(p fact.Passage) (ok bool) {
	for i := range t.Owed {
		o := &t.Owed[i]
		if o.Car != t.Car.N || o.Car == 0 || o.Read < 0 {
			continue
		}
		t.Owed = slices.Clone(t.Owed)
		o = &t.Owed[i]
		d := t.draft(fact.KindPassage, p, Own(o.Read))
		o.Facts, o.Stored = append(slices.Clone(o.Facts), d), append(slices.Clone(o.Stored), d)
		return true
	}
	return false
}

// markLate copies facts and marks their reads: nothing was opened on their strength by the time they are recorded.
func markLate(facts []fact.Draft) []fact.Draft {
	out := slices.Clone(facts)
	for i, d := range out {
		if b, ok := d.Body.(fact.Read); ok {
			b.Late = true
			out[i].Body = b
		}
	}
	return out
}

// payEvery paces the recording of what is owed, so that whoever comes to the lane meanwhile does not wait for it.
const payEvery = 100 * time.Millisecond

// paySoon goes on with what is owed, now that the journal can be written.
func (t *step) paySoon() {
	t.OweAt = 0
	if len(t.Owed) > 0 {
		t.OweAt = t.at.Mono + payEvery
	}
}

// pay records the first of what is owed.
func (t *step) pay() {
	t.OweAt = 0
	for _, o := range t.Owed {
		if o.Write == 0 {
			t.OweAt = t.at.Mono + askJournal
			t.record(Then{Do: DoPay, Car: o.Car, Read: o.Read}, o.Facts...)
			return
		}
	}
}

// readKnown takes a vehicle's read out of what is owed of it: it was recorded with a later decision.
func (t *step) readKnown(c *Car) {
	for i, o := range t.Owed {
		if o.Car != c.N || o.Read < 0 {
			continue
		}
		t.Owed = slices.Clone(t.Owed)
		t.Owed[i].Read, t.Owed[i].Facts = -1, o.without(c.Read)
	}
}

// without returns the facts that are owed but for the read, which has an id now. Facts of one vehicle name none of each
// other but its read.
func (o *Owed) without(read fact.ID) []fact.Draft {
	rest := slices.Delete(slices.Clone(o.Facts), o.Read, o.Read+1)
	return Resolve(rest, func(int) fact.ID { return read })
}

// unpaid notes that the first of what is owed is not recorded, or not yet: it stays owed.
func (t *step) unpaid(in Failed) {
	i := slices.IndexFunc(t.Owed, func(o Owed) bool { return o.Write == 0 })
	if i >= 0 && in.Write != 0 {
		t.Owed = slices.Clone(t.Owed)
		t.Owed[i].Write, t.Owed[i].Stored = in.Write, nil
	}
}

// paid takes off what was recorded.
func (t *step) paid(in Recorded) {
	i := slices.IndexFunc(t.Owed, func(o Owed) bool { return o.Write == 0 })
	if i < 0 {
		return
	}
	t.Owed = slices.Delete(slices.Clone(t.Owed), i, i+1)
	if car := t.car(in.Then.Car); car != nil && in.Then.Read >= 0 && in.Then.Read < len(in.IDs) {
		car.Read, car.Seen = in.IDs[in.Then.Read], nil
	}
}

// written takes what became of a write that the lane did not wait for.
func (t *step) written(in Written) {
	for i := range t.Owed {
		if t.Owed[i].Write != in.Write {
			continue
		}
		t.Owed = slices.Clone(t.Owed)
		o := &t.Owed[i]
		o.Write = 0
		if in.IDs != nil {
			o.Facts, o.Read = Resolve(o.Stored, func(k int) fact.ID { return in.IDs[min(k, len(in.IDs)-1)] }), -1
		}
	}
	t.Owed = slices.DeleteFunc(slices.Clone(t.Owed), func(o Owed) bool { return len(o.Facts) == 0 })
	car, then := t.car(in.Then.Car), in.Then
	if car != nil && car.Write == in.Write {
		car.Write = 0
	}
	if in.IDs == nil {
		if len(t.Owed) > 0 && t.OweAt == 0 {
			t.OweAt = t.at.Mono + askJournal
		}
		return
	}
	t.NoJournal = false
	if car != nil && then.Read >= 0 && then.Read < len(in.IDs) && (then.Do == DoAct || then.Do == DoKeep || then.Do == DoPay) {
		car.Read, car.Seen = in.IDs[then.Read], nil
	}
	if car == &t.Car && car != nil && car.Phase == Held && car.Reason == ReasonJournal {
		t.resume(then)
	}
	t.paySoon()
}

// resume goes on with a vehicle whose decision was recorded after all. What a person asked for was refused meanwhile, so it
// is taken back.
func (t *step) resume(then Then) {
	c := &t.Car
	switch {
	case then.Do != DoAct || c.Was.Action == "":
		t.look()
	case c.Was.Forced:
		back := fact.Decision{Lane: t.Lane, Dir: t.Dir, Action: fact.Hold, Reason: ReasonJournal, Session: c.Found.Session, Config: c.Found.Config}
		t.record(Then{Do: DoLook, Car: c.N, Read: -1}, t.draft(fact.KindDecision, back, c.Read))
	default:
		c.Action, c.Reason = c.Was.Action, c.Was.Reason
		t.act()
	}
}
