package lane

import (
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
)

// unfinishedFor is how long ago a release may be that a new run of the lane still expects to cross.
const unfinishedFor = time.Minute

// Unfinished is the vehicle that the run before had released and of which nobody knows whether it has crossed.
type Unfinished struct {
	Read  fact.ID
	Plate plate.Plate
	At    time.Time
}

func (Unfinished) input() {}

// UnfinishedAt looks for a lane's unfinished release: its last observation, if the vehicle was let pass, lately, and was
// not seen to cross.
func UnfinishedAt(book *session.Book, lane string, now time.Time) (u Unfinished, ok bool) {
	s, last, ok := book.LastAt(lane)
	if !ok {
		return u, false
	}
	ago := now.Sub(last.At)
	return Unfinished{last.Fact, s.Plate, last.At}, last.Basis == session.Assumed && ago >= 0 && ago <= unfinishedFor
}

// unfinished expects the vehicle that the run before released: what crosses first is it, though nobody reads it again.
// Else one vehicle would count as two, one that was let pass and one that nobody read.
func (t *step) unfinished(in Unfinished) {
	if t.Car.Phase != Nobody || t.Arm == driver.ArmDown {
		return
	}
	t.Car = t.newCar(Released)
	c := &t.Car
	c.Read, c.Plate, c.At, c.Action = in.Read, in.Plate, in.At, fact.Open
	c.Billed, c.Opened, c.Earlier = true, true, true
}

// forget gives up expecting the vehicle of the run before: whether it crossed stays as the fold assumes it.
func (t *step) forget() {
	t.Car = Car{}
	if t.Arrive {
		t.Car = t.newCar(Arrived)
	}
}
