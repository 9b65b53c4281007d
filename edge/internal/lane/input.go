package lane

import (
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Input is something that happened to a lane: one of the types below.
type Input interface{ input() }

// Read is a camera's recognition, or a plate that a person typed for a vehicle that no camera read.
type Read struct {
	Device     string
	Event      string // the device's stable id of it
	Plate      plate.Plate
	Confidence int
	Trigger    string
	Stamp      time.Time // by the device's clock; zero when it has none
	Received   time.Time // by the booth's
	Memory     bool      // the device says that it is not of now
	Photos     []fact.Photo
	ByHand     bool
}

type (
	// Sensed is an input of the board.
	Sensed struct {
		Input driver.Input
		On    bool
	}
	// Arm is where the arm is.
	Arm struct{ Arm driver.Arm }
	// Linked says that a device became reachable or unreachable.
	Linked struct {
		Device  string
		Barrier bool
		Up      bool
	}
	// Moved is what became of a barrier command.
	Moved struct {
		Command string // "open" or "close"
		Outcome driver.Outcome
		Err     string
		Car     uint64
		Read    fact.ID
		ByHand  bool
	}
	// Found answers a [Look].
	Found struct {
		Car     uint64
		Finding Finding
	}
	// Recorded says that the facts of a [Record] are on the disk.
	Recorded struct {
		IDs  []fact.ID
		Then Then
	}
	// Failed says that they are not, or not yet: Write then names the write that is still under way.
	Failed struct {
		Err   error
		Then  Then
		Facts []fact.Draft
		Write uint64
	}
	// Written says what became of a write under way. IDs is nil when it failed.
	Written struct {
		Write uint64
		IDs   []fact.ID
		Then  Then
	}
	// Resumed says which mode the facts say the lane is in, when it starts.
	Resumed struct {
		Fact   fact.ID
		Mode   fact.Mode
		Left   time.Duration // until it runs out
		Passed int
	}
	// Changed says that the lot's facts or configuration changed.
	Changed struct{}
	// Tick says that time has passed.
	Tick struct{}
	// Ask is what a person at the booth or the cloud wants.
	Ask struct {
		ID      uint64 // for the answer; 0: nobody listens
		Want    Want
		Token   wire.Token
		By      string
		Note    string // the person's reason
		Waive   bool   // with WantOpen: what is due is waived
		Plate   plate.Plate
		Session fact.ID
		Amount  money.Amount
		Action  string        // of cash: the taking's unique id
		Text    string        // what was scanned or typed: a receipt, a ticket
		Command *wire.Command // when the cloud asks
		Mode    wire.ModeOrder
	}
)

// Want is what somebody wants of a lane.
type Want string

// The wants.
const (
	WantOpen    Want = "open"
	WantClose   Want = "close"
	WantCash    Want = "cash"
	WantCorrect Want = "correct"
	WantMatch   Want = "match"
	WantScan    Want = "scan"
	WantPromise Want = "promise"
	WantMode    Want = "mode"
)

func (Read) input()     {}
func (Sensed) input()   {}
func (Arm) input()      {}
func (Linked) input()   {}
func (Moved) input()    {}
func (Found) input()    {}
func (Recorded) input() {}
func (Failed) input()   {}
func (Written) input()  {}
func (Changed) input()  {}
func (Tick) input()     {}
func (Ask) input()      {}
func (Resumed) input()  {}

// Effect is something to be done: one of the types below. They are done in order.
type Effect interface{ effect() }

type (
	// Look asks what the lot knows of a vehicle; the answer is [Found].
	Look struct{ Query Query }
	// Record appends facts in one write; the answer is [Recorded] or [Failed].
	Record struct {
		Facts []fact.Draft // may name each other by [Own]
		Then  Then
	}
	// Raise opens the barrier; Lower closes it. The answer is [Moved].
	Raise struct {
		Car    uint64
		Read   fact.ID
		ByHand bool
	}
	Lower struct {
		Car    uint64
		Read   fact.ID
		ByHand bool
	}
	// Show puts a text on the display and says it.
	Show struct{ Message Message }
	// Shoot makes the camera take a read.
	Shoot struct{}
	// Answer tells who asked what became of it.
	Answer struct {
		Ask   uint64
		Reply Reply
	}
)

// Reply is what became of an [Ask].
type Reply struct {
	Verdict Verdict
	Text    tariff.Text
	Fact    fact.ID
}

// Verdict is what became of an [Ask].
type Verdict string

// The verdicts. Those of the cloud's commands are the words of fact.Command.
const (
	Done       Verdict = "done"
	Unknown    Verdict = "unknown" // the barrier did not answer
	Refused    Verdict = "refused"
	Expired    Verdict = "expired"
	Replayed   Verdict = "replayed"
	Mismatched Verdict = "mismatched" // another vehicle is at the lane now
	Invalid    Verdict = "invalid"    // the request makes no sense
)

func (Look) effect()   {}
func (Record) effect() {}
func (Raise) effect()  {}
func (Lower) effect()  {}
func (Show) effect()   {}
func (Shoot) effect()  {}
func (Answer) effect() {}

// Then says what a [Record] was for.
type Then struct {
	Do    Do
	Car   uint64
	Ask   uint64
	Read  int         // index of the vehicle's read among the facts, -1: none
	Tell  int         // index of the fact that the answer names
	Plate plate.Plate // of a correction
	Mode  Mode        // that was asked for
}

// Do is what is to be done once facts are recorded.
type Do string

// The things to do.
const (
	DoNothing Do = ""
	DoAct     Do = "act"    // on the decision
	DoKeep    Do = "keep"   // the read's id
	DoLook    Do = "look"   // again, and answer
	DoRename  Do = "rename" // the vehicle, then look again, and answer
	DoFire    Do = "fire"   // opens and keeps open
	DoMode    Do = "mode"   // is set from now on; answer
	DoPay     Do = "pay"    // the next of what is owed
)

// Own names the i-th fact of a [Record] before it has an id.
func Own(i int) fact.ID { return fact.ID{Seq: uint64(i) + 1} }

// Resolve gives facts that name each other by [Own] their ids.
func Resolve(drafts []fact.Draft, id func(int) fact.ID) []fact.Draft {
	own := func(x fact.ID) fact.ID {
		if x.Author == "" && x.Seq > 0 {
			return id(int(x.Seq) - 1)
		}
		return x
	}
	out := make([]fact.Draft, len(drafts))
	for i, d := range drafts {
		refs := make([]fact.ID, len(d.Refs))
		for k, r := range d.Refs {
			refs[k] = own(r)
		}
		d.Refs = refs
		switch b := d.Body.(type) {
		case fact.Decision:
			b.Session = own(b.Session)
			d.Body = b
		case fact.Bill:
			b.Session = own(b.Session)
			d.Body = b
		}
		out[i] = d
	}
	return out
}
