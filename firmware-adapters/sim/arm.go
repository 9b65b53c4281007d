package sim

import (
	"sync"
	"time"

	"lotkeeper/firmware-adapters/driver"
)

// Arm is the barrier's arm as it physically moves. Travel is the time from one limit to the other.
type Arm struct {
	travel time.Duration
	moved  func(from, to driver.Arm) // called in order, outside the lock of the arm

	mu     sync.Mutex
	height time.Duration // how far up at since, 0 to travel
	since  time.Time
	going  int // +1 up, -1 down, 0 at rest
	timer  *time.Timer
	turn   int // counts changes of direction, so that an old timer does nothing

	order sync.Mutex // keeps calls of moved in order
}

func newArm(travel time.Duration, moved func(from, to driver.Arm)) *Arm {
	return &Arm{travel: travel, moved: moved}
}

// At says where the arm is, and how far up from 0 to 100.
func (a *Arm) At() (driver.Arm, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.now()
	return a.place(h), int(100 * h / a.travel)
}

func (a *Arm) now() time.Duration {
	h := a.height + time.Duration(a.going)*time.Since(a.since)
	return min(max(h, 0), a.travel)
}

func (a *Arm) place(h time.Duration) driver.Arm {
	switch {
	case a.going != 0:
		return driver.ArmMoving
	case h <= 0:
		return driver.ArmDown
	case h >= a.travel:
		return driver.ArmUp
	}
	return driver.ArmMoving
}

// move sends the arm up (+1), down (-1) or stops it (0).
func (a *Arm) move(direction int) {
	a.order.Lock()
	defer a.order.Unlock()
	a.mu.Lock()
	h := a.now()
	before := a.place(h)
	if direction > 0 && h >= a.travel || direction < 0 && h <= 0 {
		direction = 0 // it is there
	}
	a.turn++
	turn := a.turn
	if a.timer != nil {
		a.timer.Stop()
	}
	a.height, a.since, a.going = h, time.Now(), direction
	left := h
	if direction > 0 {
		left = a.travel - h
	}
	if direction != 0 {
		a.timer = time.AfterFunc(left, func() { a.arrive(turn) })
	}
	after := a.place(h)
	a.mu.Unlock()
	a.tell(before, after)
}

func (a *Arm) arrive(turn int) {
	a.order.Lock()
	defer a.order.Unlock()
	a.mu.Lock()
	if turn != a.turn {
		a.mu.Unlock()
		return
	}
	if a.going > 0 {
		a.height = a.travel
	} else {
		a.height = 0
	}
	a.going = 0
	after := a.place(a.height)
	a.mu.Unlock()
	a.tell(driver.ArmMoving, after)
}

func (a *Arm) tell(before, after driver.Arm) {
	if before != after && a.moved != nil {
		a.moved(before, after)
	}
}

func (a *Arm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn++
	if a.timer != nil {
		a.timer.Stop()
	}
}
