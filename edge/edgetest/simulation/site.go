package simulation

import (
	"fmt"
	"slices"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// site is a lane as it truly is: an arm, two loops, a camera, and the cars that stand there.
type site struct {
	w         *World
	n         int
	plan      LanePlan
	k         *control // who drives it; nil while nobody does
	arm       driver.Arm
	move      int // counts the arm's movements
	arrive    bool
	safety    bool
	waiting   []*visit // before the lane, in order
	front     *visit   // before the barrier
	under     *visit   // crossing
	empty     time.Duration
	memory    []lane.Read // what the camera could not tell
	reads     int
	off       time.Duration // of the camera's clock
	darkUntil time.Duration // no power until then
	inAt      time.Duration // when the last of the board's words comes to the process
}

func newSite(w *World, n int) *site {
	s := &site{w: w, n: n, plan: w.plan.Lanes[n], arm: driver.ArmDown}
	s.off = between(rng(w.plan.Seed, "camera", n), -90*time.Minute, 90*time.Minute)
	return s
}

func (w *World) siteOf(laneID string) *site {
	return w.lanes[slices.IndexFunc(w.lanes, func(s *site) bool { return s.plan.ID == laneID })]
}

// booth is who drives the lane by the newest configuration.
func (s *site) booth() *booth {
	for _, l := range s.w.config.Lanes {
		if l.ID == s.plan.ID {
			return s.w.boothOf(l.Booth)
		}
	}
	return nil
}

func (w *World) boothOf(id string) *booth {
	return w.booths[slices.IndexFunc(w.booths, func(b *booth) bool { return b.id == id })]
}

func (s *site) camera() string { return "cam-" + s.plan.ID }

// plugged connects a process to the devices: they say where they stand, and what they remember.
func (s *site) plugged(k *control) {
	s.k = k
	if s.w.now < s.darkUntil {
		s.w.after(s.darkUntil-s.w.now+time.Second, func() {
			if s.k == k && k.alive() {
				s.plugged(k)
			}
		})
		return
	}
	s.tell(lane.Linked{Device: s.camera(), Up: true})
	s.tell(lane.Linked{Device: "gate-" + s.plan.ID, Barrier: true, Up: true})
	s.tell(lane.Arm{Arm: s.arm})
	s.tell(lane.Sensed{Input: driver.LoopArrive, On: s.arrive})
	s.tell(lane.Sensed{Input: driver.LoopSafety, On: s.safety})
	memory := s.memory
	s.memory = nil
	for _, r := range memory {
		r.Memory = true
		s.w.report.Situations["camera memory"]++
		s.deliver(r, between(s.w.luck, time.Second, 5*time.Second))
	}
}

func (s *site) unplugged(k *control) {
	if s.k == k {
		s.k = nil
		for _, v := range []*visit{s.front, s.under} {
			v.taint("crash")
		}
	}
}

// tell brings what the board says to the process. A slow process hears late, never in another order.
func (s *site) tell(in lane.Input) {
	k := s.k
	if k == nil || s.w.now < s.darkUntil {
		return
	}
	s.inAt = max(s.inAt, s.w.now+30*time.Millisecond)
	k.soon(s.inAt-s.w.now, func() lane.Input { return in })
}

func (s *site) loop(input driver.Input, on bool) {
	if input == driver.LoopArrive {
		s.arrive = on
	} else {
		s.safety = on
	}
	s.tell(lane.Sensed{Input: input, On: on})
}

// see lets the camera see a plate.
func (s *site) see(v *visit, trigger string) {
	w := s.w
	s.reads++
	unseen, text := v.stay.UnseenIn, v.stay.MisreadIn
	if s.plan.Dir == fact.Exit {
		unseen, text = v.stay.UnseenOut, v.stay.MisreadOut
	}
	if w.struck(CameraSilent, s.n, len(w.lanes)) || unseen && (trigger == "video" || v.car.plan.N%2 == 0) {
		v.taint("unseen")
		w.report.Situations["not read"]++
		return
	}
	p := v.car.plan.Plate
	if text != "" {
		v.taint("misread")
		w.report.Situations["misread"]++
		p, _ = plate.Parse(text, p.Colour)
		w.truth.misread(p)
	}
	r := lane.Read{
		Device: s.camera(), Event: fmt.Sprintf("e%d", s.reads), Plate: p, Confidence: 95, Trigger: trigger,
		Stamp: w.wall().Add(-s.off).Truncate(time.Second),
	}
	if w.now < s.darkUntil {
		return
	}
	if s.k == nil {
		s.memory = append(s.memory, r)
		return
	}
	s.deliver(r, 0)
	if v.stay.Doubled {
		w.report.Situations["read twice"]++
		again := r
		if chance(w.luck, 0.5) {
			s.reads++
			again.Event = fmt.Sprintf("e%d", s.reads)
		}
		s.deliver(again, between(w.luck, 200*time.Millisecond, 3*time.Second))
	}
}

func (s *site) deliver(r lane.Read, d time.Duration) {
	k := s.k
	if k == nil {
		return
	}
	k.soon(d+40*time.Millisecond, func() lane.Input {
		r.Received = k.p.clock.Now()
		return r
	})
}

// shoot triggers the camera.
func (s *site) shoot() {
	if v := s.front; v != nil {
		s.w.after(300*time.Millisecond, func() {
			if s.front == v {
				s.see(v, "soft")
			}
		})
	}
}

func (s *site) shown(m lane.Message) {
	if len(m.Lines) > 0 {
		s.w.note("display", s.plan.ID, " ", m.Voice)
	}
}

// raise is a command to open, lower one to close; both are answered.
func (s *site) raise(k *control, e lane.Raise) {
	out, moves := s.obeys()
	if moves {
		s.w.after(150*time.Millisecond, func() { s.swing(driver.ArmUp, 1200*time.Millisecond) })
	}
	k.soon(between(s.w.luck, 60*time.Millisecond, 200*time.Millisecond), k.moved("open", out, e.Car, e.Read, e.ByHand))
}

func (s *site) lower(k *control, e lane.Lower) {
	out, moves := s.obeys()
	if s.safety {
		out, moves = driver.Refused, false
	}
	if moves {
		s.w.after(150*time.Millisecond, func() { s.swing(driver.ArmDown, 1500*time.Millisecond) })
	}
	k.soon(between(s.w.luck, 60*time.Millisecond, 200*time.Millisecond), k.moved("close", out, e.Car, e.Read, e.ByHand))
}

// obeys says what the board answers and whether the arm moves.
func (s *site) obeys() (driver.Outcome, bool) {
	switch {
	case s.w.now < s.darkUntil, s.w.struck(Stuck, s.n, len(s.w.lanes)):
		return driver.Unknown, false
	case s.w.struck(AckLost, s.n, len(s.w.lanes)):
		return driver.Unknown, true
	}
	return driver.Done, true
}

// swing moves the arm. One that comes down on an occupied loop goes up again, as every board sees to.
func (s *site) swing(to driver.Arm, takes time.Duration) {
	if s.arm == to || to == driver.ArmDown && s.safety {
		return
	}
	s.move++
	n := s.move
	s.arm = driver.ArmMoving
	s.tell(lane.Arm{Arm: s.arm})
	s.w.after(takes, func() {
		if s.move != n {
			return
		}
		if to == driver.ArmDown && s.safety {
			to = driver.ArmUp
		}
		s.arm = to
		s.tell(lane.Arm{Arm: to})
		if to == driver.ArmUp {
			s.up()
		}
	})
}

// come puts a car at the end of the lane's queue.
func (s *site) come(v *visit) {
	s.waiting = append(s.waiting, v)
	s.next(0)
}

// next lets the next car drive up to the barrier.
func (s *site) next(d time.Duration) {
	if s.front != nil || len(s.waiting) == 0 {
		return
	}
	s.w.after(d, func() {
		switch {
		case s.front != nil || len(s.waiting) == 0:
		case s.under != nil:
			s.next(time.Second)
		default:
			s.stand(s.waiting[0])
		}
	})
}

// stand brings the first who waits before the barrier.
func (s *site) stand(v *visit) {
	w := s.w
	s.waiting = s.waiting[1:]
	s.front = v
	v.stoodAt = w.now
	if s.k != nil && s.k.p.off().Abs() > 2*time.Second {
		v.taint("clock")
	}
	w.note("stands", s.plan.ID, " ", v.car.plan.N)
	s.loop(driver.LoopArrive, true)
	w.after(between(w.luck, 200*time.Millisecond, 900*time.Millisecond), func() {
		if s.front == v || s.under == v {
			s.see(v, "video")
		}
	})
	w.after(3*time.Second, func() { s.up() })
	v.wait()
}

// up lets whoever stands before a raised arm drive on.
func (s *site) up() {
	v := s.front
	if v == nil || s.arm != driver.ArmUp || s.under != nil || v.moving {
		return
	}
	v.moving = true
	s.w.after(between(s.w.luck, time.Second, 2500*time.Millisecond), func() {
		v.moving = false
		if s.front != v || s.arm != driver.ArmUp {
			return
		}
		if v.backsOut() {
			s.back(v)
			return
		}
		s.cross(v)
	})
}

// back takes a car off the lane the way it came.
func (s *site) back(v *visit) {
	s.w.report.Situations["backs out"]++
	s.front = nil
	s.empty = s.w.now
	s.loop(driver.LoopArrive, false)
	v.backed()
	s.next(12 * time.Second)
}

// cross drives a car under the arm, and right behind it who will not wait.
func (s *site) cross(v *visit) {
	w := s.w
	if s.front != v || s.under != nil {
		return
	}
	s.front, s.under = nil, v
	s.loop(driver.LoopSafety, true)
	tail := len(s.waiting) > 0 && s.waiting[0].stay.Tail && s.plan.Dir == fact.Exit && !s.waiting[0].backsOut()
	if tail {
		w.report.Situations["tailgates"]++
		s.waiting[0].taint("tail")
		v.taint("tail")
		w.after(700*time.Millisecond, func() {
			if s.front == nil {
				s.stand(s.waiting[0])
			}
		})
	} else {
		w.after(800*time.Millisecond, func() { s.loop(driver.LoopArrive, false) })
	}
	w.after(2*time.Second, func() {
		s.under, s.empty = nil, w.now
		if tail && s.front != nil {
			f := s.front
			v.passed()
			s.loop(driver.LoopSafety, false)
			w.after(150*time.Millisecond, func() {
				if s.front == f {
					s.cross(f)
				}
			})
			return
		}
		s.loop(driver.LoopSafety, false)
		v.passed()
		s.next(between(w.luck, 3*time.Second, 6*time.Second))
	})
}

// crank lifts the arm by hand: the last resort of people when nothing works for long.
func (s *site) crank() {
	s.w.report.Situations["cranked by hand"]++
	v := s.front
	v.taint("cranked")
	s.swing(driver.ArmUp, time.Second)
	s.w.after(1500*time.Millisecond, func() { s.cross(v) }) // whatever the board does about it
}
