package lane

import (
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// age is what is known of how old a read is.
type age int

const (
	live    age = iota
	stale       // from a memory, old, or from the future
	unknown     // the device's clock is not learnt and nobody stands on the loop
)

// judge says how old a read is, by the learnt offset of its device's clock. Until that is learnt, a read is of now only
// if a vehicle stands on the loop, or stood there a moment ago.
func (t *step) judge(r Read) age {
	if r.ByHand {
		return live
	}
	if r.Memory {
		return stale
	}
	limit := LiveFor
	if t.Policy.LiveFor > 0 {
		limit = time.Duration(t.Policy.LiveFor) * time.Second
	}
	if old, known := t.Clocks[r.Device].Age(r.Stamp, t.at.Wall); known {
		if old > limit || old < -future {
			return stale
		}
		return live
	}
	if t.at.Wall.Sub(r.Received) > limit {
		return stale // it waited here
	}
	if t.ArriveKnown && (t.Arrive || t.ArriveAt > 0 && t.at.Mono-t.ArriveAt <= limit) {
		return live
	}
	return unknown
}

func (t *step) read(r Read) {
	r = t.rebased(r)
	if t.wayOf(r.Device) == t.Dir {
		t.learn(r)
	}
	age := t.judge(r)
	if age != stale && t.against(r) {
		t.keep(r)
		return
	}
	switch age {
	case stale:
		t.late(r)
	case live:
		t.take(r)
	case unknown:
		if old := t.Pending; old != nil {
			t.Pending = nil
			t.late(*old)
		}
		t.Pending, t.PendTo = &r, t.at.Mono+pendFor
	}
}

// learn takes a sample of the device's clock from a read for which a vehicle stands on the loop.
func (t *step) learn(r Read) {
	if r.Memory || r.ByHand || r.Stamp.IsZero() || !t.Arrive || t.Car.N == 0 {
		return
	}
	if t.Clocks == nil {
		t.Clocks, t.Told = map[string]device.Clock{}, map[string]time.Duration{}
	}
	c := t.Clocks[r.Device].Learn(r.Stamp, r.Received, t.Car.N)
	t.Clocks[r.Device] = c
	t.tellClocks(r.Device)
}

// tellClocks tells the lot what has been learnt of devices' clocks, where it is news.
func (t *step) tellClocks(devices ...string) {
	for _, d := range devices {
		c := t.Clocks[d]
		off, ok := c.Offset()
		if told := t.Told[d]; !ok || (off-told).Abs() <= time.Second {
			continue
		}
		t.Told[d] = off
		t.record(Then{Read: -1}, t.draft(fact.KindClock, fact.Clock{
			Source: d, Boot: t.Boot, OffsetMS: off.Milliseconds(), ErrorMS: c.Error().Milliseconds(), Basis: "receipt",
		}))
	}
}

// late records a read that moves nothing.
func (t *step) late(r Read) {
	t.record(Then{Read: -1}, t.draftRead(r, true))
}

func (t *step) draftRead(r Read, late bool) fact.Draft {
	way := t.wayOf(r.Device)
	from, to := t.zones(way)
	d := fact.Draft{
		At: r.Received, Source: "booth", Boot: t.at.Boot, Kind: fact.KindRead,
		Body: fact.Read{
			Lane: t.Lane, Dir: way, From: from, To: to, Device: r.Device, Event: r.Event, Confidence: r.Confidence,
			Trigger: r.Trigger, Late: late, Photos: r.Photos,
		},
		Hidden: fact.Vehicle{Plate: r.Plate},
	}
	if late && !r.Stamp.IsZero() {
		d.At, d.Source = r.Stamp, r.Device
	}
	return d
}

// take gives a read of now to the vehicle that it is of.
func (t *step) take(r Read) {
	t.Blind = false
	c := &t.Car
	if c.Earlier && c.Phase == Released {
		t.forget()
	}
	switch {
	case c.Phase == Nobody && t.justCrossed(r):
		t.keep(r)
	case t.tail():
		t.takeAfterTail(r)
	case c.Phase == Nobody && len(t.Behind) > 0:
		t.keepWaiting(r)
	case c.Phase == Nobody:
		t.Car = t.newCar(Judging)
		t.Car.Loop = t.Arrive
		t.attach(c, r)
	case c.Phase == Arrived:
		t.attach(c, r)
	case sameCar(c.Plate, r.Plate):
		t.keep(r) // the vehicle is read again
	case c.ByHand && c.Plate.None() && c.Left == 0 && !c.Read.IsZero():
		t.identify(r)
	case c.Phase == Held && c.Left == 0 && c.Loop && t.betterRead(r):
		c.Seen, c.Read = nil, fact.ID{}
		t.attach(c, r)
	case c.Phase == Held && !t.ArriveKnown:
		t.leave() // without loops, another plate is the next vehicle
		t.take(r)
	case c.Phase == Released && c.Left == 0 && plate.Similar(c.Plate, r.Plate):
		t.keep(r) // the same vehicle, read worse
	default:
		t.queue(r)
	}
}

// keepWaiting takes a read while a vehicle that was read before has yet to come onto the loop: it is that one, or that one
// has gone away.
func (t *step) keepWaiting(r Read) {
	if sameCar(t.Behind[0].Plate, r.Plate) {
		t.keep(r)
		return
	}
	t.Behind = nil
	t.take(r)
}

// takeAfterTail takes a read while it is not known where somebody is who was right behind another: it is that one, who
// has stopped on the loop, or that one is through and this is the next.
func (t *step) takeAfterTail(r Read) {
	if !sameCar(t.Behind[0].Plate, r.Plate) {
		t.followed()
		t.queue(r)
		return
	}
	t.keep(r)
	if t.Car.Phase == Arrived {
		t.Car, t.Behind = t.Behind[0], t.Behind[1:]
		t.Car.Tail, t.Car.Loop = false, true
		t.look()
	}
}

// identify names a vehicle that a person let pass before any camera had read it.
func (t *step) identify(r Read) {
	c := &t.Car
	c.Plate = r.Plate
	named := t.draft(fact.KindCorrected, fact.Corrected{By: r.Device, Note: "read after it was let pass"}, c.Read)
	named.Hidden = fact.Vehicle{Plate: r.Plate}
	t.record(Then{Read: -1}, t.draftRead(r, false), named)
}

// justCrossed reports whether a read is of the vehicle that left the lane a moment ago, still in the camera's view.
func (t *step) justCrossed(r Read) bool {
	return !t.Arrive && t.echoes(r)
}

// betterRead reports whether another reading may replace that of a vehicle that stands on the loop all the time. Only a
// vehicle that nobody could place takes a new reading: else one that waits to pay would leave on its follower's plate.
func (t *step) betterRead(r Read) bool {
	c := &t.Car
	return c.Found.Basis == Unfound && (c.Plate.None() || plate.Similar(c.Plate, r.Plate))
}

// sameCar reports whether two readings at one lane are of one vehicle. Two without a plate are: while somebody stands
// there, the camera has nothing else to see.
func sameCar(a, b plate.Plate) bool {
	return plate.SameVehicle(a, b) || a.None() && b.None()
}

// keep records a read that decides nothing: every capture is kept.
func (t *step) keep(r Read) { t.record(Then{Read: -1}, t.draftRead(r, false)) }

// attach makes a read that of the vehicle at the lane, and asks what the lot knows of it.
func (t *step) attach(c *Car, r Read) {
	c.take(r)
	t.look()
}

func (c *Car) take(r Read) {
	c.Seen, c.Plate, c.At, c.Phase, c.Photo = &r, r.Plate, r.Received, Judging, scene(r.Photos)
}

// queue takes a read of a vehicle that stands behind the one at the lane: recorded now, judged when its turn comes.
func (t *step) queue(r Read) {
	for i := range t.Behind {
		b := &t.Behind[i]
		if b.Phase == Arrived {
			b.take(r)
			t.record(Then{Do: DoKeep, Car: b.N}, t.draftRead(r, false))
			return
		}
		if sameCar(b.Plate, r.Plate) {
			t.keep(r)
			return
		}
	}
	if len(t.Behind) >= maxBehind {
		t.keep(r)
		return
	}
	b := t.newCar(Judging)
	b.take(r)
	b.Tail = t.Car.Phase == Crossing && t.Safety && t.Arrive && t.Car.Left == 0
	t.Behind = append(t.Behind, b)
	t.record(Then{Do: DoKeep, Car: b.N}, t.draftRead(r, false))
}

// maxBehind bounds how many vehicles are told apart behind the one at the lane.
const maxBehind = 4
