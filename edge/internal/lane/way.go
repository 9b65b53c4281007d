package lane

import (
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
)

// A shared lane is driven through in both directions, one vehicle at a time. Its arm stands between two loops: the arrive
// loop on the outside, the safety loop on the inside. Whichever is touched first while nobody is at the lane, or the camera
// that reads first, says which way the vehicle goes; until it is gone the lane works like a lane of that way.

// other is the opposite way.
func other(d fact.Dir) fact.Dir {
	if d == fact.Entry {
		return fact.Exit
	}
	return fact.Entry
}

// empty reports whether nobody is at the lane or on its loops.
func (t *step) empty() bool {
	return t.Car.Phase == Nobody && len(t.Behind) == 0 && !t.Arrive && !t.Safety
}

// turn makes the lane one of the other way: its loops change their parts.
func (t *step) turn() {
	t.Dir = other(t.Dir)
	t.Arrive, t.Safety = t.Safety, t.Arrive
	t.ArriveKnown, t.SafetyKnown = t.SafetyKnown, t.ArriveKnown
}

// loop says which part a loop plays for the way that the lane is driven now.
func (t *step) loop(in Sensed) driver.Input {
	if !t.Shared {
		return in.Input
	}
	first := driver.LoopArrive
	if t.Dir == fact.Exit {
		first = driver.LoopSafety
	}
	if in.On && in.Input != first && t.empty() {
		t.turn()
		return driver.LoopArrive
	}
	if in.Input == first {
		return driver.LoopArrive
	}
	return driver.LoopSafety
}

// zones are where a vehicle of a way comes from and goes to.
func (t *step) zones(way fact.Dir) (from, to string) {
	if t.Shared && way == fact.Exit {
		return t.To, ""
	}
	return t.From, t.To
}

// passage is a vehicle's way through the lane.
func (t *step) passage(o fact.Outcome, opened bool) fact.Passage {
	p := fact.Passage{Lane: t.Lane, Dir: t.Dir, Outcome: o, Opened: opened}
	p.From, p.To = t.zones(t.Dir)
	return p
}

// wayOf is which way a vehicle goes that a device reads.
func (t *step) wayOf(device string) fact.Dir {
	if way := t.Faces[device]; way != "" {
		return way
	}
	return t.Dir
}

// against reports whether a read of now is of a vehicle that goes the other way than the lane is driven: the rear of one
// that comes, or somebody who waits on the other side. It is evidence, and moves nothing. With nobody there it says
// instead which way a shared lane is driven, unless it is of whoever has just gone through.
func (t *step) against(r Read) bool {
	if r.ByHand || t.wayOf(r.Device) == t.Dir {
		return false
	}
	if t.Shared && t.empty() && t.Pending == nil && !t.echoes(r) {
		t.turn()
		return false
	}
	return true
}

// echoes reports whether a read is of the vehicle that left the lane a moment ago.
func (t *step) echoes(r Read) bool {
	return t.Last.N != 0 && t.at.Mono-t.Last.Left <= echo && sameCar(t.Last.Plate, r.Plate)
}
