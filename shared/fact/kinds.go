package fact

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// The kinds of fact, each with its body's type. Every fact that speaks about a vehicle names in Refs at least one
// observation of it (a plate read, or a passage without one): that is how the fold knows where it belongs.
const (
	KindOpened    Kind = "author.opened"    // [Opened]: the first fact of every log
	KindClock     Kind = "clock.offset"     // [Clock]
	KindRead      Kind = "plate.read"       // [Read], hidden [Vehicle]: an observation
	KindDecision  Kind = "lane.decided"     // [Decision], refs the observation
	KindBarrier   Kind = "barrier.moved"    // [Barrier], refs the decision's observation
	KindPassage   Kind = "passage"          // [Passage], refs the read; an observation when there is none
	KindBill      Kind = "bill"             // [Bill], refs entry and exit observations
	KindCash      Kind = "cash.taken"       // [Cash], refs the session's observation
	KindPayment   Kind = "payment.received" // [Payment], by the cloud, refs the session's observation
	KindCorrected Kind = "plate.corrected"  // [Corrected], hidden [Vehicle], refs the observation
	KindMatched   Kind = "session.matched"  // [Matched], refs exit observation, then entry observation
	KindCommand   Kind = "command.judged"   // [Command], refs the observation at the lane, if any

	KindShiftOpened Kind = "shift.opened" // [ShiftOpened]
	KindShiftClosed Kind = "shift.closed" // [ShiftClosed], refs the fact that opened it

	KindProved    Kind = "payment.proved"  // [Proved], refs the session's observation
	KindPromised  Kind = "promise.made"    // [Promised], hidden [Vehicle], refs the session's observation, then the exit's
	KindAdded     Kind = "visit.added"     // [Added], hidden [Vehicle] or refs an observation of the vehicle: an observation
	KindMerged    Kind = "session.merged"  // [Merged], refs an observation of the later session, then one of the earlier
	KindSplit     Kind = "session.split"   // [Split], refs the observation with which another session begins
	KindVoided    Kind = "session.voided"  // [Voided], refs an observation of the session
	KindMode      Kind = "mode.set"        // [Mode] of a lane
	KindModeEnded Kind = "mode.ended"      // [ModeEnded], refs the fact that set it
	KindFire      Kind = "fire.changed"    // [Fire] at a lane
	KindRetold    Kind = "fact.retold"     // [Retold], refs the fact it carries, then that fact's refs
	KindReplaced  Kind = "booth.replaced"  // [Replaced]
	KindRebuilt   Kind = "booth.rebuilt"   // [Rebuilt]
	KindRecovered Kind = "group.recovered" // [Recovered]

	KindAlarmRaised  Kind = "alarm.raised"  // [Alarm]
	KindAlarmCleared Kind = "alarm.cleared" // [Alarm]
)

// Money reports whether facts of a kind say that money moved or is owed. Of these a booth keeps a second copy.
func (k Kind) Money() bool {
	switch k {
	case KindBill, KindCash, KindPayment, KindProved, KindPromised, KindShiftOpened, KindShiftClosed:
		return true
	}
	return false
}

// Dir is which way a lane leads.
type Dir string

// The directions of a lane.
const (
	Entry Dir = "entry"
	Exit  Dir = "exit"
	// Inner leads from one zone of a lot into another.
	Inner Dir = "inner"
	// Both is of lanes that are driven in both directions, one vehicle at a time. No fact says it: a vehicle goes one way.
	Both Dir = "both"
)

// Opened binds an author to a booth (or to the cloud) and to the key that signs its log.
type Opened struct {
	Booth    string            `json:"booth"`          // booth id; "cloud" for the cloud
	Key      ed25519.PublicKey `json:"key"`            // signs every fact of this author
	Cert     []byte            `json:"cert,omitempty"` // DER of the certificate that carries Key, issued by the cloud
	Software string            `json:"software"`
	Why      string            `json:"why"`                // "new", or why the incarnation before ended
	Replaces Author            `json:"replaces,omitempty"` // that incarnation
}

// Clock gives the offset to add to times of Source in run Boot.
type Clock struct {
	Source   string `json:"source"`
	Boot     string `json:"boot"`
	OffsetMS int64  `json:"offset_ms"`
	ErrorMS  int64  `json:"error_ms"` // half-width of what the offset may be wrong by
	Basis    string `json:"basis"`    // "receipt", "peer", "cloud"
}

// Vehicle is the hidden part of a read or a correction.
type Vehicle struct {
	Plate plate.Plate `json:"plate"`
}

// Photo names a picture by its content.
type Photo struct {
	Kind   string `json:"kind"` // "scene" or "plate"
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// TriggerPerson is the trigger of a read that a person at the booth made, with the name of the plate or without.
const TriggerPerson = "manual"

// Read says that a camera saw a vehicle in a lane.
type Read struct {
	Lane       string  `json:"lane"`
	Dir        Dir     `json:"dir"`
	Device     string  `json:"device"`
	Event      string  `json:"event"` // the device's stable id of it
	Confidence int     `json:"confidence"`
	Trigger    string  `json:"trigger,omitempty"`
	Late       bool    `json:"late,omitempty"` // from the device's memory: evidence, never a reason to move a barrier
	Photos     []Photo `json:"photos,omitempty"`
	From       string  `json:"from,omitempty"` // the zone it comes from; "" outside, or a lot without zones
	To         string  `json:"to,omitempty"`   // the zone that the lane leads into
}

// Action is what a lane decided to do with a vehicle.
type Action string

// The actions of a decision.
const (
	Open Action = "open"
	Hold Action = "hold" // until somebody pays or decides
)

// Decision is a lane's decision with its reason: a code that people's texts are made from.
type Decision struct {
	Lane    string       `json:"lane"`
	Dir     Dir          `json:"dir"`
	Action  Action       `json:"action"`
	Reason  string       `json:"reason"` // "entry", "paid", "free", "permit", "unpaid", "no_entry", "manual", "command", …
	Session ID           `json:"session,omitzero"`
	Due     money.Amount `json:"due,omitempty"`    // what was owed when it was decided
	By      string       `json:"by,omitempty"`     // the person, when one decided
	Note    string       `json:"note,omitempty"`   // the person's reason
	Tariff  *TariffRef   `json:"tariff,omitempty"` // at an entry: what the stay will be priced with
	Config  uint64       `json:"config"`           // number of the configuration that was in force
	Rights  uint64       `json:"rights,omitempty"` // number of the rights that were in force
	Uses    []RightUse   `json:"uses,omitempty"`   // the rights that it rests on, and who holds a place of which permit
}

// TariffRef names one immutable version of a tariff.
type TariffRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// Barrier says what became of a command to a barrier.
type Barrier struct {
	Lane    string `json:"lane"`
	Command string `json:"command"` // "open" or "close"
	Outcome string `json:"outcome"` // "done", "refused", "unknown"
	Error   string `json:"error,omitempty"`
}

// Outcome is how a passage ended.
type Outcome string

// The outcomes of a passage.
const (
	Passed   Outcome = "passed"
	Reversed Outcome = "reversed" // came onto the loop and backed out
	Gone     Outcome = "gone"     // was let in or out but never crossed
)

// Passage is one vehicle through one lane.
type Passage struct {
	Lane    string  `json:"lane"`
	Dir     Dir     `json:"dir"`
	Outcome Outcome `json:"outcome"`
	Opened  bool    `json:"opened"` // the arm had been raised for it
	From    string  `json:"from,omitempty"`
	To      string  `json:"to,omitempty"`
}

// Bill is the price of a stay, frozen by the booth that released the vehicle.
type Bill struct {
	Session ID          `json:"session"`
	Config  uint64      `json:"config"`
	Bill    tariff.Bill `json:"bill"`
	// Rights are those that it was priced with, as they were, so that anybody can price it again.
	Rights []tariff.Right `json:"rights,omitempty"`
}

// Cash says that a person at a booth took money.
type Cash struct {
	Session ID             `json:"session"`
	Amount  money.Amount   `json:"amount"`
	Curr    money.Currency `json:"currency"`
	Lane    string         `json:"lane"`
	By      string         `json:"by"`
	Action  string         `json:"action"` // unique id of the taking, so that a repeated request takes once
}

// Payment says that the cloud received money.
type Payment struct {
	Session  ID             `json:"session"`
	Amount   money.Amount   `json:"amount"`
	Curr     money.Currency `json:"currency"`
	Provider string         `json:"provider"`
	Order    string         `json:"order"` // our order number; one payment per order
	// Quoted is when the fee that it pays was told: the stay is paid up to then, however long the phone took.
	Quoted time.Time `json:"quoted,omitzero"`
}

// Corrected gives an observation another plate.
type Corrected struct {
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
}

// Matched says that an exit observation belongs to the vehicle of an entry observation.
type Matched struct {
	Basis string `json:"basis"` // "fuzzy", "person" or "ticket"
	By    string `json:"by,omitempty"`
}

// Command says what a booth made of a command from the cloud.
type Command struct {
	Command string `json:"command"` // the command's id
	Lane    string `json:"lane"`
	Action  string `json:"action"`
	By      string `json:"by"`
	Note    string `json:"note"`
	Verdict string `json:"verdict"` // "done", "unknown", "refused", "expired", "replayed", "mismatched"
}

// Decode reads a fact's body as T. Unknown fields are passed over: a newer release may have added them.
func Decode[T any](f *Fact) (T, error) {
	var v T
	if err := json.Unmarshal(f.Body, &v); err != nil {
		return v, fmt.Errorf("body of %s %s: %w", f.Kind, f.ID(), err)
	}
	return v, nil
}

// Reveal reads a fact's hidden vehicle. ok is false when it was erased.
func Reveal(f *Fact) (v Vehicle, ok bool, err error) {
	if len(f.Private) == 0 {
		return v, false, nil
	}
	if err := json.Unmarshal(f.Private, &v); err != nil {
		return v, false, fmt.Errorf("hidden part of %s %s: %w", f.Kind, f.ID(), err)
	}
	return v, true, nil
}
