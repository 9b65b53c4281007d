package wire

import (
	"fmt"
	"strconv"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
)

// Facts carries a batch.
type Facts struct {
	Batch exchange.Batch `json:"batch"`
}

// Cursor states how far the sender's copies of the logs reach.
type Cursor struct {
	At      time.Time        `json:"at"`            // the sender's clock, for the other's offset
	Echo    time.Time        `json:"echo,omitzero"` // from the cloud: At of the booth's statement that this answers, for the round trip
	Cursors exchange.Cursors `json:"cursors"`
	Closed  []fact.Author    `json:"closed,omitempty"` // authors of which nothing more is taken
	Config  uint64           `json:"config"`           // from a booth: the configuration in force; from the cloud: the newest
	Digest  *fact.Hash       `json:"digest,omitempty"` // of the sessions folded at these cursors
	Rights  uint64           `json:"rights,omitempty"` // from a booth: number of the rights in force
	// RightsWant is the place after which the booth wants entries of rights. None: after the number in force.
	RightsWant *right.Cursor `json:"rights_want,omitempty"`
}

// Mono is nanoseconds of one run's monotonic clock. It is text in JSON: a browser would round the number after a hundred
// days.
type Mono int64

// MarshalText writes decimal digits.
func (m Mono) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(m), 10), nil }

// UnmarshalText reads decimal digits.
func (m *Mono) UnmarshalText(b []byte) error {
	v, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return fmt.Errorf("%.20q is not a number of nanoseconds", b)
	}
	*m = Mono(v)
	return nil
}

// Token names one vehicle's stay at one lane of one run of the agent. A command that does not echo the present token
// does nothing.
type Token struct {
	Boot string `json:"boot"`
	Mono Mono   `json:"mono"` // when the lane took this vehicle up, ns of that run's monotonic clock
	Car  uint64 `json:"car"`  // counts vehicles at the lane in that run
}

// Command asks a booth to do something now. It is not a fact: what happened comes back as one.
type Command struct {
	ID     string        `json:"id"` // unique; the same id acts at most once
	Lane   string        `json:"lane"`
	Action CommandAction `json:"action"`
	Token  Token         `json:"token"`
	Reason string        `json:"reason"`
	By     string        `json:"by"` // one operator
	Plate  *plate.Plate  `json:"plate,omitempty"`
	TTL    time.Duration `json:"ttl_ns"` // judged on the booth's monotonic clock from Token.Seen
	Seen   Mono          `json:"seen"`   // Live.Mono of the view the operator acted on
	Mode   *ModeOrder    `json:"mode,omitempty"`
}

// CommandAction is what a command asks for.
type CommandAction string

// The actions of a command.
const (
	OpenBarrier  CommandAction = "open"
	CloseBarrier CommandAction = "close"
	CorrectPlate CommandAction = "correct" // give the vehicle at the lane Command.Plate
)

// CommandTTL is how long after the view it was given on a command may act.
const CommandTTL = 10 * time.Second

// Result tells what became of a command.
type Result struct {
	Command string  `json:"command"`
	Lane    string  `json:"lane"`
	Verdict string  `json:"verdict"` // as in fact.Command
	Fact    fact.ID `json:"fact,omitzero"`
	Text    string  `json:"text,omitempty"`
}

// Live is a lane's state as it is now. It is a picture for people, never a reason to act by itself.
type Live struct {
	Lane     string         `json:"lane"`
	Dir      fact.Dir       `json:"dir"`
	At       time.Time      `json:"at"`
	Mono     Mono           `json:"mono"`            // ns of the run in Token.Boot, when this was said
	Token    Token          `json:"token"`           // Car 0: nobody at the lane
	Plate    *plate.Plate   `json:"plate,omitempty"` // of the vehicle at the lane
	Read     fact.ID        `json:"read,omitzero"`   // its observation
	Photo    string         `json:"photo,omitempty"` // SHA-256 of the scene
	Action   fact.Action    `json:"action,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Session  fact.ID        `json:"session,omitzero"`
	Entered  *time.Time     `json:"entered,omitempty"`
	Due      money.Amount   `json:"due"`
	Currency money.Currency `json:"currency,omitempty"`
	Similar  []Candidate    `json:"similar,omitempty"` // sessions the vehicle may belong to
	Arm      string         `json:"arm"`
	Loop     bool           `json:"loop"`              // somebody stands before the barrier
	Faults   []string       `json:"faults,omitempty"`  // devices that do not answer
	Waiting  *time.Time     `json:"waiting,omitempty"` // since when somebody is held
	Pay      string         `json:"pay,omitempty"`     // where the driver pays what is due, for a code on a screen
	Promise  bool           `json:"promise,omitempty"` // it may leave on a promise to pay
	// EntryPhoto is the SHA-256 of the scene at the entry. The picture lies with the booth that took it.
	EntryPhoto string    `json:"entry_photo,omitempty"`
	Mode       *ModeView `json:"mode,omitempty"` // the lane is not worked as usual
}

// Candidate is a session that the vehicle at an exit may belong to.
type Candidate struct {
	Session fact.ID     `json:"session"`
	Plate   plate.Plate `json:"plate"`
	Entered time.Time   `json:"entered"`
	Photo   string      `json:"photo,omitempty"` // SHA-256 of the scene at the entry
	Left    *time.Time  `json:"left,omitempty"`  // it has left: picking it says that it had not
}

// Presence says whether a booth is connected. The last will says it is not.
type Presence struct {
	Online   bool      `json:"online"`
	At       time.Time `json:"at"`
	Software string    `json:"software,omitempty"`
	Boot     string    `json:"boot,omitempty"`
}
