// Package lane controls one lane: it reads plates, decides, records, and moves the barrier, in that order.
//
// The rules are a pure function, [Step]: a state and an input give the next state and what is to be done. It does no
// I/O and reads no clock, so tables and properties test it. [Controller] owns a state and does what Step says.
//
// Invariants:
//   - the barrier is asked to open only after the decision that allows it is on the disk (or, when the journal cannot be
//     written, under the lot's policy "open", and then the lane says so, and records it later);
//   - a read that is old, from the future, or from a camera's memory is recorded as late and moves nothing;
//   - what a person or the cloud asks for acts only on the vehicle that they saw: the token must be the present one;
//   - a command of the cloud acts at most once, and only within its seconds on this run's monotonic clock;
//   - the arm is not sent down while the safety loop is occupied, nor while the fire input is on;
//   - vehicles leave a lane in the order in which they came: what crosses first is who came first.
package lane

import (
	"slices"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/wire"
)

// The times of a lane.
const (
	LiveFor    = 12 * time.Second        // a read older than this moves nothing, unless the policy says otherwise
	future     = 2 * time.Second         // a read further ahead than this is from the future
	pendFor    = 1500 * time.Millisecond // how long a read of unknown age waits for its loop
	askCamera  = 2 * time.Second         // a vehicle stands unread: trigger the camera …
	blindAfter = 10 * time.Second        // … and then say that it cannot be read
	backOut    = 3 * time.Second         // a held vehicle has left the loop for so long: it went away
	crossIn    = 6 * time.Second         // a released vehicle has left the loop for so long without crossing
	followIn   = 3 * time.Second         // somebody on another's heels who has not shown up on the loop by then is through
	neverCame  = 30 * time.Second        // a read whose vehicle never came onto a loop
	forgotten  = 60 * time.Second        // a vehicle of a lane without loops
	openAgain  = 3 * time.Second         // the arm has not moved: it is asked again
	closeAgain = 2 * time.Second
	moveTries  = 3 // how often, before it is a fault
	askJournal = 5 * time.Second
	echo       = 10 * time.Second // reads of a vehicle that just crossed are of that crossing
	idleAfter  = 4 * time.Second  // then the display shows its idle text
)

// Moment is a time on both clocks: the wall's for facts, this run's monotonic one for durations.
type Moment struct {
	Wall time.Time
	Mono time.Duration
	// Boot names this run of the agent and of its clock, and Shift is by how much the wall time of this run of the agent
	// was set so far. An empty Boot is the setting's, for ever.
	Boot   string
	Shift  time.Duration
	Author fact.Author // who writes the booth's facts now
}

// Setting is what does not change while a lane runs.
type Setting struct {
	Lane    string
	Dir     fact.Dir
	Boot    string // names this run of the agent and of its clock
	Devices []string
	Faces   map[string]fact.Dir // cameras that see vehicles of one way only
	From    string              // zones that the lane leads between; "" outside, or a lot without zones
	To      string
}

// Phase is where a vehicle stands.
type Phase string

// The phases of a vehicle.
const (
	Nobody   Phase = ""
	Arrived  Phase = "arrived"  // on the loop, not read yet
	Judging  Phase = "judging"  // read; the decision is being made and recorded
	Held     Phase = "held"     // waits for money or a person
	Released Phase = "released" // the barrier was asked to open for it
	Crossing Phase = "crossing" // on the safety loop
)

// Car is one vehicle at the lane.
type Car struct {
	N       uint64 // counts vehicles at the lane in this run; 0: nobody
	Since   time.Duration
	Phase   Phase
	Plate   plate.Plate
	Seen    *Read   // its read, until it is recorded
	Read    fact.ID // its read, once it is recorded
	At      time.Time
	Photo   string
	Loop    bool          // it has been on the arrive loop
	Left    time.Duration // when it left that loop; 0 while on it
	Asked   bool          // the camera was triggered for it
	Action  fact.Action
	Reason  string
	Found   Finding
	Forced  *Forced
	Ticket  *receipt.Ticket // that its driver showed
	Billed  bool            // its release, and with it its bill, is recorded
	Opened  bool            // the arm was raised for it
	ByHand  bool            // no camera read it: a person let it pass
	Tail    bool            // read while the one before it was still on both loops: it may be right on its heels
	Through bool            // it followed another closely and is through already
	Earlier bool            // the run before this one released it, and it was not read since
	Tries   int
	Tried   time.Duration
	Looked  time.Duration // when it was last judged anew because the cloud may be away
	HeldAt  time.Time
	Was     Decided // what was decided and not recorded, while it is held for that
	Write   uint64  // the write of that decision, while it is under way; 0: none
}

// Decided is a decision that waits for its record.
type Decided struct {
	Action fact.Action
	Reason string
	Forced bool // by a person
}

// Forced is a person's word that a vehicle may pass.
type Forced struct {
	Reason string // "manual", "command", "button"
	By     string
	Note   string
	Waive  bool // what is still due is waived
}

// State is a lane at one moment. It is a value: Step never changes what it was given. The zero State of a Setting is a
// lane that knows nothing yet and learns its loops from the board.
type State struct {
	Setting        // of a shared lane Dir is the way that it is driven now
	Shared  bool   // in both directions, by turns
	Cars    uint64 // how many vehicles this run has counted
	Car     Car
	Behind  []Car // who came after it, in order
	Last    Car   // who crossed last, and when (Last.Left)
	Clocks  map[string]device.Clock
	Told    map[string]time.Duration // clock offsets that facts have told, by device
	Pending *Read                    // a read of unknown age that waits for its loop
	PendTo  time.Duration

	Arrive, Safety           bool
	ArriveKnown, SafetyKnown bool
	ArriveAt                 time.Duration // when the arrive loop was last known occupied
	Fire                     bool
	Arm                      driver.Arm
	WantDown                 bool
	Lowered                  time.Duration   // when the arm was last sent down for the present want
	Lowers                   int             // how often
	Downs                    map[string]bool // devices that do not answer
	NoJournal                bool
	Blind                    bool // a vehicle stood unread for long
	IdleAt                   time.Duration
	Policy                   wire.Policy
	Asks                     []Waiting // who waits for the barrier
	Shift                    time.Duration
	ShiftBy, ShiftAt         time.Duration // the last time the clock was set: by how much, and when
	Done                     []string      // ids of commands and cash takings that were judged
	Mode                     Mode          // not worked as usual, for a while
	Owed                     []Owed        // what happened and is not recorded yet, in order
	OweAt                    time.Duration // when its recording is tried again; 0: nothing is owed
	UpTries                  int           // how often the barrier was asked to stay up
	UpTried                  time.Duration
}

// Waiting is somebody who waits for a barrier's answer.
type Waiting struct {
	Ask     uint64
	Want    Want
	Car     uint64
	Command *wire.Command // when the cloud asked
}

// New returns the state of a lane that knows nothing yet.
func New(s Setting) State {
	st := State{Setting: s, Arm: driver.ArmUnknown, IdleAt: 1}
	if s.Dir == fact.Both {
		st.Shared, st.Dir = true, fact.Entry
	}
	return st
}

// Token names the vehicle that is at the lane.
func (s *State) Token() wire.Token {
	if s.Car.N == 0 {
		return wire.Token{Boot: s.Boot}
	}
	return wire.Token{Boot: s.Boot, Mono: wire.Mono(s.Car.Since), Car: s.Car.N}
}

// Faults names what does not work, for screens: device ids, and "journal", "arm", "unread".
func (s *State) Faults() []string {
	var out []string
	for d, down := range s.Downs {
		if down {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	if s.NoJournal {
		out = append(out, "journal")
	}
	if s.Arm == driver.ArmDown && s.Car.Tries >= moveTries || s.Lowers >= 2*moveTries {
		out = append(out, "arm")
	}
	if s.UpTries >= moveTries && s.Arm == driver.ArmDown && !slices.Contains(out, "arm") {
		out = append(out, "arm")
	}
	if s.Blind {
		out = append(out, "unread")
	}
	return out
}

// Wake is when Step wants a [Tick] at the latest; 0 means no need.
func (s *State) Wake() time.Duration {
	var first time.Duration
	at := func(t time.Duration) {
		if t > 0 && (first == 0 || t < first) {
			first = t
		}
	}
	at(s.IdleAt)
	at(s.Mode.Until)
	at(s.OweAt)
	at(s.upAgain())
	if s.Pending != nil {
		at(s.PendTo)
	}
	if s.mayLower() {
		at(s.Lowered + closeAgain)
	}
	c := &s.Car
	if s.tail() {
		at(s.Last.Left + followIn)
	}
	switch c.Phase {
	case Nobody:
		if len(s.Behind) > 0 {
			at(s.Behind[0].Since + neverCame)
		}
	case Arrived:
		if !c.Asked {
			at(c.Since + askCamera)
		} else if !s.Blind {
			at(c.Since + blindAfter)
		}
	case Held, Released:
		at(s.leaves(c))
		if s.mayRaise() {
			at(c.Tried + openAgain)
		}
		if c.Phase == Held && c.Reason == ReasonJournal && c.Write == 0 {
			at(c.Tried + askJournal)
		}
		if c.waitsForPromise() {
			at(c.Looked + promiseLook)
		}
	}
	return first
}

// tail reports whether the one who was read on another's heels has yet to show where it is.
func (s *State) tail() bool {
	return (s.Car.Phase == Nobody || s.Car.Phase == Arrived) && len(s.Behind) > 0 && s.Behind[0].Tail
}

// mayLower reports whether the arm should go down and may.
func (s *State) mayLower() bool {
	if s.Shared && s.Arrive {
		return false // either loop may be the one under the arm
	}
	return s.WantDown && s.SafetyKnown && !s.Safety && !s.staysUp() && s.Lowers < 2*moveTries
}

// mayRaise reports whether a barrier that was asked to open is known to be still down.
func (s *State) mayRaise() bool {
	return s.Car.Phase == Released && s.Arm == driver.ArmDown && s.Car.Tries < moveTries
}

// leaves is when a vehicle counts as gone if nothing more is seen of it; 0 is never.
func (s *State) leaves(c *Car) time.Duration {
	switch {
	case c.Earlier && !c.Loop:
		return c.Since + crossIn
	case !s.ArriveKnown:
		return c.Since + forgotten
	case !c.Loop:
		return c.Since + neverCame
	case c.Left == 0:
		return 0
	case c.Phase == Held:
		return c.Left + backOut
	}
	return c.Left + crossIn
}
