package lane

import (
	"slices"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
)

// sensed follows the board's inputs.
func (t *step) sensed(in Sensed) {
	switch in.Input {
	case driver.LoopArrive, driver.LoopSafety:
		if t.loop(in) == driver.LoopArrive {
			t.arrive(in.On)
		} else {
			t.safety(in.On)
		}
	case driver.FireAlarm:
		t.fire(in.On)
	case driver.ManualOpen:
		if in.On {
			t.force(Forced{Reason: ReasonButton, By: "cabinet"})
		}
	}
}

func (t *step) arrive(on bool) {
	rose, fell := on && !t.Arrive, !on && t.Arrive
	t.Arrive, t.ArriveKnown = on, true
	if on || fell {
		t.ArriveAt = max(t.at.Mono, 1)
	}
	switch {
	case rose:
		t.stepOn()
	case fell:
		t.stepOff()
	}
}

// stepOn says who has come onto the arrive loop.
func (t *step) stepOn() {
	c := &t.Car
	switch {
	case c.Phase == Nobody && len(t.Behind) > 0 && !t.tail():
		t.next(false)
	case c.Phase == Nobody:
		t.Car = t.newCar(Arrived)
	case c.Phase == Crossing || c.Phase == Released && c.Left > 0:
		t.stepOnBehind()
	default:
		c.Loop, c.Left = true, 0
		if c.Earlier && !c.Asked {
			c.Asked = true
			t.do(Shoot{}) // is it that vehicle, or the next one?
		}
	}
	if p := t.Pending; p != nil {
		t.Pending = nil
		t.learn(*p)
		if t.judge(*p) == live {
			t.take(*p)
		} else {
			t.late(*p)
		}
	}
}

func (t *step) stepOnBehind() {
	for i := range t.Behind {
		if b := &t.Behind[i]; !b.Loop || b.Left > 0 {
			b.Loop, b.Left = true, 0
			return
		}
	}
	if len(t.Behind) < maxBehind {
		t.Behind = append(t.Behind, t.newCar(Arrived))
	}
}

// stepOff says who has left the arrive loop.
func (t *step) stepOff() {
	now := max(t.at.Mono, 1)
	c := &t.Car
	switch {
	case c.Phase == Arrived && (!t.Safety || t.Shared && t.Arm == driver.ArmDown):
		t.gone(false) // it was never read, and it went away again
	case c.Phase == Crossing || c.Phase == Released && c.Left > 0:
		if len(t.Behind) > 0 && t.Behind[0].Loop {
			t.Behind[0].Left = now
			return
		}
		c.Left = now
	case c.Phase != Nobody:
		c.Left = now
		if c.Phase == Released && !t.SafetyKnown {
			t.passed() // there is no loop behind the arm to wait for
		}
	}
}

func (t *step) safety(on bool) {
	rose, fell := on && !t.Safety, !on && t.Safety
	t.Safety, t.SafetyKnown = on, true
	c := &t.Car
	raised := t.Arm == driver.ArmUp || t.Arm == driver.ArmMoving
	// Under a lowered arm it is a pedestrian, or somebody on the other side.
	if rose && (c.Phase == Released || raised && (c.Phase == Held || c.Phase == Arrived)) {
		c.Phase = Crossing
	}
	if fell && c.Phase == Crossing {
		t.passed()
	}
	if fell && c.Phase == Nobody && raised {
		t.WantDown = true
	}
}

// passed ends the stay of the vehicle that has crossed. Whoever held it or not: it is through.
func (t *step) passed() {
	c := t.Car
	p := t.passage(fact.Passed, c.Opened)
	switch {
	case !c.Read.IsZero():
		drafts := []fact.Draft{t.draft(fact.KindPassage, p, c.Read)}
		if !c.Opened {
			drafts = append(drafts, t.bill(c.Read)...) // it drove through unpaid: what it owes is known
		}
		t.record(Then{Read: -1}, drafts...)
	case t.owePassage(p):
	case c.Seen == nil && c.Reason != ReasonJournal:
		t.record(Then{Read: -1}, t.draft(fact.KindPassage, p)) // nobody read it
	}
	t.gone(true)
}

// leave ends the stay of a vehicle that went away without crossing.
func (t *step) leave() {
	c := t.Car
	if c.Phase == Released && t.Arrive && len(t.Behind) > 0 && t.Behind[0].Phase == Arrived {
		// Somebody stands on the loop and nobody read another plate: it is the same vehicle, come back.
		t.Behind = t.Behind[1:]
		t.Car.Left = 0
		return
	}
	if c.Earlier {
		t.gone(false) // nobody saw it in this run: it may have crossed before
		return
	}
	outcome := fact.Reversed
	if !c.Loop {
		outcome = fact.Gone
	}
	// Without loops nobody knows whether it went: the decision stands for itself.
	if p := t.passage(outcome, c.Opened); t.ArriveKnown && !t.owePassage(p) && !c.Read.IsZero() {
		t.record(Then{Read: -1}, t.draft(fact.KindPassage, p, c.Read))
	}
	t.gone(false)
}

// gone takes the vehicle off the lane and calls the next one up.
func (t *step) gone(through bool) {
	if through {
		t.Last = t.Car
		t.Last.Left = t.at.Mono
		t.Mode.Passed++
		t.counted()
	}
	if t.Car.Opened {
		t.WantDown = true
	}
	t.Car, t.Blind, t.Lowered, t.Lowers = Car{}, false, 0, 0
	t.IdleAt = t.at.Mono + idleAfter
	switch {
	case len(t.Behind) > 0:
		t.next(through)
	case t.Shared && t.Safety && !t.Arrive && !through:
		t.turn() // who waited on the other side may come now
		t.Car = t.newCar(Arrived)
	case t.Arrive:
		t.Car = t.newCar(Arrived) // bumper to bumper: the loop never fell between the two
	}
}

// next calls up the vehicle behind. through says that the one before it has just crossed.
func (t *step) next(through bool) {
	next := t.Behind[0]
	switch {
	case t.Arrive:
		next.Loop, next.Left = true, 0
	case next.Left > 0 && through:
		next.Through = true // it left the loop while the one before it crossed: it followed closely
	case next.Left > 0:
		t.Behind = t.Behind[1:] // it went away too
		if len(t.Behind) > 0 {
			t.next(through)
		}
		return
	case t.ArriveKnown:
		return // read, and still on its way to the loop
	}
	t.Behind = t.Behind[1:]
	t.Car = next
	switch {
	case next.Phase == Judging:
		t.WantDown = false // the arm stays until it is judged: to open for it, nothing need move
		t.look()
	case next.Through:
		t.passed() // not read, and already through
	}
}

// followed says that the vehicle which was read on another's heels went through with it.
func (t *step) followed() {
	tail := t.Behind[0]
	t.Behind = t.Behind[1:]
	if t.Car.Phase == Arrived {
		t.Behind = slices.Insert(t.Behind, 0, t.Car)
	}
	tail.Tail, tail.Through = false, true
	t.Car = tail
	t.look()
}

// fire follows the fire input. It opens and keeps open.
func (t *step) fire(on bool) {
	if on == t.Fire {
		return
	}
	t.Fire = on
	t.UpTries, t.UpTried = 0, t.at.Mono // it is recorded first
	t.record(Then{Do: DoFire, Read: -1}, t.draft(fact.KindFire, fact.Fire{Lane: t.Lane, On: on}))
}

// burns does what a fire asks for, recorded or not: nobody is kept in by a disk. Whoever has been read is decided about;
// whoever has not may still be, on its way out.
func (t *step) burns() {
	if !t.Fire {
		t.mayClose()
		return
	}
	t.WantDown = false
	switch t.Car.Phase {
	case Held, Judging:
		t.look()
		return
	case Arrived:
		t.Car.Opened = true
	}
	t.holdUp()
}
