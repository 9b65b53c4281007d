// Package watchdog looks at what a booth's parts do, not at whether they are connected: a camera whose stream is kept
// alive by heartbeats may long be blind, and a disk may answer so slowly that it might as well not.
//
// A watch is told what happens and says what it finds, as values with a code and a subject that are on or off. It reads no
// clock and starts nothing: times are this run's monotonic clock.
package watchdog

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// The patience of a lane's watch.
const (
	// blindAfter is how many vehicles in a row may pass without a read of a camera.
	blindAfter = 3
	// blindStand is how long a vehicle may stand on the loop without a read, although the camera was triggered.
	blindStand = 45 * time.Second
	// silentFor is how long a device may be away. Links that break and come back at once are not worth a person's walk.
	silentFor = 30 * time.Second
	// loopFor is how long the loop may be occupied without anybody being dealt with, and heldFor by one who is held.
	loopFor = 10 * time.Minute
	heldFor = time.Hour
	// clockFar is how far a camera's clock may be off before a person should set it. It is learnt all the same.
	clockFar = time.Minute
	// laneQuiet is how long a lane may not say how it stands; it does so every two seconds.
	laneQuiet = 30 * time.Second
)

// Finding says whether something is wrong.
type Finding struct {
	Code, Subject string
	On            bool
	Detail        string
}

// Sight is how a camera sees.
type Sight struct {
	Camera string
	Missed uint64        // vehicles that passed without a read of it, in this run
	Blind  time.Duration // how long it was blind in this run, up to now
}

// Lane watches one lane. It is safe for concurrent use.
type Lane struct {
	lane    string
	cameras []string

	mu      sync.Mutex
	eyes    map[string]*eye
	live    wire.Live
	told    time.Duration // when live was said; 0: never
	loopAt  time.Duration // since when the loop is occupied; 0: it is not
	standAt time.Duration // since when somebody stands there unread
	stand   uint64        // that vehicle
	away    map[string]time.Duration
	health  map[string]device.Health
	clocks  map[string]time.Duration
}

// eye is what is known of one camera.
type eye struct {
	missed  int           // vehicles in a row
	since   time.Duration // when the first of them passed, or the one who stands there came
	blind   bool
	known   bool // it was found blind, or seeing
	total   uint64
	blindly time.Duration // of the times that are over
	saw     bool          // it has read since the last vehicle passed
}

// NewLane makes the watch of a lane that begins at a moment.
func NewLane(lane string, cameras []string, at time.Duration) *Lane {
	w := &Lane{
		lane: lane, cameras: cameras, told: at, eyes: map[string]*eye{}, away: map[string]time.Duration{},
		health: map[string]device.Health{}, clocks: map[string]time.Duration{},
	}
	for _, c := range cameras {
		w.eyes[c] = &eye{}
	}
	return w
}

// Facts takes what the lane has recorded.
func (w *Lane) Facts(facts []fact.Fact, at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range facts {
		switch f := &facts[i]; f.Kind {
		case fact.KindRead:
			if r, err := fact.Decode[fact.Read](f); err == nil && !r.Late {
				w.read(r.Device, at)
			}
		case fact.KindPassage:
			if p, err := fact.Decode[fact.Passage](f); err == nil && p.Outcome == fact.Passed {
				w.passed(at)
			}
		case fact.KindClock:
			if c, err := fact.Decode[fact.Clock](f); err == nil {
				w.clocks[c.Source] = time.Duration(c.OffsetMS) * time.Millisecond
			}
		}
	}
}

func (w *Lane) read(camera string, at time.Duration) {
	w.standAt = 0
	e := w.eyes[camera]
	if e == nil {
		return // typed by a person
	}
	if e.since > 0 && e.blind {
		e.blindly += at - e.since
	}
	e.missed, e.since, e.blind, e.known, e.saw = 0, 0, false, true, true
}

func (w *Lane) passed(at time.Duration) {
	for _, e := range w.eyes {
		if e.saw {
			e.saw = false
			continue
		}
		if e.missed++; e.since == 0 {
			e.since = at
		}
		e.total++
		if e.missed >= blindAfter {
			e.blind, e.known = true, true
		}
	}
}

// Live takes how the lane stands.
func (w *Lane) Live(l wire.Live, at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live, w.told = l, at
	switch {
	case !l.Loop:
		w.loopAt = 0
	case w.loopAt == 0:
		w.loopAt = at
	}
	if unread := l.Loop && l.Token.Car != 0 && l.Plate == nil && l.Read.IsZero(); !unread {
		w.standAt = 0
	} else if w.standAt == 0 || w.stand != l.Token.Car {
		w.standAt, w.stand = at, l.Token.Car
		for _, e := range w.eyes {
			e.saw = false // what was read before is of somebody who backed out
		}
	}
}

// Devices takes the health of the lane's devices.
func (w *Lane) Devices(list []device.Health, at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range list {
		w.health[h.Device] = h
		if h.State == device.Up {
			delete(w.away, h.Device)
		} else if _, noted := w.away[h.Device]; !noted {
			w.away[h.Device] = at
		}
	}
}

// Find says what is wrong, and what no longer is.
func (w *Lane) Find(at time.Duration) []Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stare(at)
	out := w.findLane(at)
	for _, d := range w.devices() {
		h, since, down := w.health[d], w.away[d], false
		if _, away := w.away[d]; away {
			down = at-since >= silentFor
		}
		if down || h.State == device.Up {
			out = append(out, Finding{silentCode[h.Role], d, down, h.Error})
		}
	}
	for _, c := range w.cameras {
		e := w.eyes[c]
		// One that is known to be away has its own alarm.
		if _, away := w.away[c]; e.known && !away {
			out = append(out, Finding{alarm.CameraBlind, c, e.blind, fmt.Sprintf("%d vehicles in a row were not read", e.missed)})
		}
		if off, learnt := w.clocks[c]; learnt {
			out = append(out, Finding{alarm.CameraClock, c, off.Abs() > clockFar, fmt.Sprintf("its clock must be moved by %v", off.Round(time.Second))})
		}
	}
	return out
}

var silentCode = map[device.Role]string{
	device.Camera: alarm.CameraDown, device.Barrier: alarm.BarrierSilent, device.Display: alarm.DisplayDown,
}

// stare finds the cameras blind that do not read a vehicle which stands before them.
func (w *Lane) stare(at time.Duration) {
	if w.standAt == 0 || at-w.standAt < blindStand {
		return
	}
	for _, e := range w.eyes {
		if !e.saw && !e.blind {
			e.blind, e.known = true, true
			if e.since == 0 {
				e.since = w.standAt
			}
		}
	}
}

func (w *Lane) findLane(at time.Duration) []Finding {
	patience := loopFor
	if w.live.Waiting != nil && w.live.Plate != nil {
		patience = heldFor
	}
	quiet := at - w.told
	return []Finding{
		{alarm.BarrierStuck, w.lane, slices.Contains(w.live.Faults, "arm"), "asked several times, and the limit switches say that it has not moved"},
		{alarm.LoopStuck, w.lane, w.loopAt > 0 && at-w.loopAt >= patience, fmt.Sprintf("occupied for %v", (at - w.loopAt).Round(time.Minute))},
		{alarm.LaneStuck, w.lane, quiet >= laneQuiet, fmt.Sprintf("it has said nothing for %v", quiet.Round(time.Second))},
	}
}

// Over says that nothing is wrong any more with a lane that was taken away.
func (w *Lane) Over() []Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	const gone = "the lane was taken away or set up anew"
	out := []Finding{{alarm.BarrierStuck, w.lane, false, gone}, {alarm.LoopStuck, w.lane, false, gone}, {alarm.LaneStuck, w.lane, false, gone}}
	for _, d := range w.devices() {
		out = append(out, Finding{silentCode[w.health[d].Role], d, false, gone})
	}
	for _, c := range w.cameras {
		out = append(out, Finding{alarm.CameraBlind, c, false, gone}, Finding{alarm.CameraClock, c, false, gone})
	}
	return out
}

func (w *Lane) devices() []string {
	out := make([]string, 0, len(w.health))
	for d := range w.health {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// Quiet is how long the lane has not said how it stands.
func (w *Lane) Quiet(at time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return at - w.told
}

// Sights says how the lane's cameras see.
func (w *Lane) Sights(at time.Duration) []Sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Sight
	for _, c := range w.cameras {
		e := w.eyes[c]
		s := Sight{Camera: c, Missed: e.total, Blind: e.blindly}
		if e.blind {
			s.Blind += at - e.since
		}
		out = append(out, s)
	}
	return out
}
