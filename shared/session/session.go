// Package session folds a lot's facts into its parking sessions.
//
// Fold is a pure function of the set of facts: total (any set has sessions), commutative (their order of arrival does
// not matter), idempotent (a fact that comes again changes nothing). Two booths, or a booth and the cloud, that hold
// the same facts hold the same sessions and bills. DESIGN.md beside this file says how, and why so.
//
// Nothing here reads a clock, a configuration or another vehicle's facts. What needed them (a fuzzy match, a tariff in
// force) was decided once, where it happened, and is itself a fact.
package session

import (
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// Version names these fold semantics. Digests carry it: nodes of different versions do not compare. Version 2 brought
// people's corrections (ends added, sessions merged, split and voided), exits that turn out false, and their grade.
const Version = 2

// DuplicateGap is how long after an observation another of the same vehicle in the same direction is the same passage
// read twice.
const DuplicateGap = 180 * time.Second

// ID is a session's id: the id of the observation that began it, so its entry's author made it. Merged ids are kept as
// aliases of the earliest and never die.
type ID = fact.ID

// State is where a session stands.
type State string

// The states of a session.
const (
	Inside State = "inside" // entered, not left
	Left   State = "left"   // its exit is known; closed
	Lost   State = "lost"   // the vehicle entered again, so it must have left unseen; closed, never billed by itself
)

// Basis says how an end of a session is known.
type Basis string

// The bases, from best to worst.
const (
	Crossed Basis = "crossed" // read, and crossed the loop behind the barrier
	Assumed Basis = "assumed" // read and let through, the crossing not recorded
	Stored  Basis = "stored"  // from a camera's memory, after the fact
	Unread  Basis = "unread"  // crossed without a plate being read
	Told    Basis = "told"    // a person says so
)

// Visit is one end of a session.
type Visit struct {
	Fact   fact.ID      `json:"fact"` // the observation
	At     time.Time    `json:"at"`   // corrected time
	Lane   string       `json:"lane"`
	Zone   string       `json:"zone,omitempty"` // where it leads; "" outside, or a lot without zones
	Basis  Basis        `json:"basis"`
	Photos []fact.Photo `json:"photos,omitempty"`
	// ErrorMS is how many milliseconds At may be off by, either way, and Clock where it was read from; nothing when nothing
	// says that it is off.
	ErrorMS int64 `json:"error_ms,omitempty"`
	Clock   Clock `json:"clock,omitzero"`
}

// Grade says what evidence there is for a session. Only evidenced money is demanded.
type Grade string

// The grades, from best to worst.
const (
	BothEnds Grade = "both" // both ends read by a camera
	OneEnd   Grade = "one"
	NoPhoto  Grade = "sensor" // sensors only
	Entered  Grade = "person" // no camera read an end, and a person entered one
)

// Flag is something a person should know about a session.
type Flag string

// The flags.
const (
	NoEntry  Flag = "no_entry"  // the exit minted the session
	NoExit   Flag = "no_exit"   // entered again without an exit
	Doubled  Flag = "doubled"   // an end was read more than once
	Paired   Flag = "paired"    // matched by a person or by similarity
	Renamed  Flag = "renamed"   // its plate was corrected
	Overpaid Flag = "overpaid"  // more was paid than billed: refund due
	TwoBills Flag = "two_bills" // a second bill was written; the first stands
	FreeTime Flag = "free_time" // the bill is nothing because the stay was within the free time
	Overstay Flag = "max_stay_exceeded"
	Joined   Flag = "merged"      // a person made one of two
	Cut      Flag = "split"       // a person made two of one
	Voided   Flag = "voided"      // a person voided it: nothing is demanded
	ZoneGap  Flag = "zone_gap"    // a passage between zones was missed
	Revived  Flag = "revived"     // an exit turned out false: it was still here afterwards
	Skewed   Flag = "clock_error" // the clocks at its ends were in doubt; the lower fee was asked
)

// Payment is money that came in for a session.
type Payment struct {
	Fact     fact.ID      `json:"fact"`
	At       time.Time    `json:"at"`
	Amount   money.Amount `json:"amount"`
	Method   string       `json:"method"` // "cash" or the provider
	Order    string       `json:"order"`  // what makes it one payment: order number or action id
	Operator string       `json:"operator,omitempty"`
}

// Session is one parking of one vehicle in one lot.
type Session struct {
	ID      ID              `json:"id"`
	Aliases []ID            `json:"aliases,omitempty"` // sorted
	Plate   plate.Plate     `json:"plate"`
	State   State           `json:"state"`
	Entry   *Visit          `json:"entry,omitempty"` // nil when the exit minted the session
	Held    *Visit          `json:"held,omitempty"`  // stands at an exit, not released yet: the stay is priced up to then
	Exit    *Visit          `json:"exit,omitempty"`
	Moves   []Move          `json:"moves,omitempty"`  // between zones, in the order of time
	Tariff  *fact.TariffRef `json:"tariff,omitempty"` // pinned at entry
	Bill    *tariff.Bill    `json:"bill,omitempty"`   // frozen at release
	Billed  fact.ID         `json:"billed,omitzero"`  // the fact that froze it
	Pays    []Payment       `json:"pays,omitempty"`   // in the order of time
	Before  []tariff.Visit  `json:"before,omitempty"` // the vehicle's billed visits of the days before, latest last
	Money   Money           `json:"money"`
	Lapsed  []Visit         `json:"lapsed,omitempty"` // exits that turned out false, in the order of time; their bills lapse
	Void    *Void           `json:"void,omitempty"`   // a person voided it
	Grade   Grade           `json:"grade"`
	Flags   []Flag          `json:"flags,omitempty"` // sorted
	Facts   []fact.ID       `json:"facts"`           // every fact that speaks about it; sorted
	Uses    []fact.RightUse `json:"uses,omitempty"`  // of rights, as the entry's decision recorded them
	Current *fact.Decision  `json:"-"`               // the last decision about it, for screens; not part of the digest
}

// Void is a person's word that nothing is demanded for a session.
type Void struct {
	Fact fact.ID   `json:"fact"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
}

// Money is how a session's bill was settled. For a billed session Gross = Paid + Free + Debt. Of a voided one there is
// only Excess: all that was paid.
type Money struct {
	Gross  money.Amount `json:"gross"`  // what the tariff asked
	Free   money.Amount `json:"free"`   // taken off by rights, coupons and waivers
	Paid   money.Amount `json:"paid"`   // of the bill, paid
	Debt   money.Amount `json:"debt"`   // of the bill, not paid
	Excess money.Amount `json:"excess"` // paid beyond the bill: refund due
}

// Closed reports whether the vehicle has left.
func (s *Session) Closed() bool { return s.State != Inside }

// Has reports whether id is the session's id or an alias.
func (s *Session) Has(id ID) bool {
	if s.ID == id {
		return true
	}
	for _, a := range s.Aliases {
		if a == id {
			return true
		}
	}
	return false
}
