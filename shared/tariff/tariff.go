// Package tariff turns a tariff, a stay and what is known about it into a bill whose lines sum to what is due.
//
// The model is data: whatever a city publishes is written as a [Tariff], never as code; FORMAT.md is its documentation.
// [Rate] is a pure function of its arguments: the same tariff version, calendar version, stay and context give the same
// bill on every machine, in every process time zone. DESIGN.md beside this file says how a stay is priced and why so.
//
// Invariants of a bill, held by construction and by property tests:
//   - Due = Gross - Free - Paid, none of the four below zero;
//   - the lines sum to Due; every cap, right, coupon and payment is a negative line of its own;
//   - nothing is charged for a fraction of a second, and zero seconds cost nothing;
//   - prices are exact; what is rounded is the sum, unless the tariff says otherwise.
package tariff

import "lotkeeper/shared/money"

// Tariff is one version of a set of price rules. A published version never changes.
type Tariff struct {
	ID       string         `json:"id"`
	Version  int            `json:"version"`
	Name     Text           `json:"name"`
	TZ       Zone           `json:"tz"`
	Currency money.Currency `json:"currency"`
	// Precision is what is cut off a stay before it is priced; "second" by default.
	Precision Precision `json:"precision,omitempty"`
	// Plans are tried in order; the first that fits the stay prices it. The last fits every stay.
	Plans []Plan `json:"plans"`
	// Rounding is of the money; half up to the minor unit, once on the total, by default.
	Rounding *Rounding `json:"rounding,omitempty"`
	// GraceAfterPayment is how long a vehicle whose fee has been paid may take to leave without owing more.
	GraceAfterPayment Seconds `json:"grace_after_payment,omitempty"`
	// AfterPayment is what becomes of a vehicle that leaves later; "rerate" by default.
	AfterPayment AfterPayment `json:"after_payment,omitempty"`
	// Reentry merges a visit with the one that ended shortly before.
	Reentry *Reentry `json:"reentry,omitempty"`
	// Passes are kinds of month card that cover parts of the day.
	Passes []Pass `json:"passes,omitempty"`
	// Booking says how booked time covers.
	Booking *BookingRule `json:"booking,omitempty"`
	// Coupons says how coupons of several kinds are taken off.
	Coupons *CouponRule `json:"coupons,omitempty"`
}

// Precision is what of the times is believed.
type Precision string

const (
	// PrecisionSecond prices whole seconds.
	PrecisionSecond Precision = "second"
	// PrecisionMinute cuts the length of a stay down to whole minutes.
	PrecisionMinute Precision = "minute"
	// PrecisionClock cuts entry and exit down to the minute that the clock showed.
	PrecisionClock Precision = "clock_minute"
)

// AfterPayment says how a stay goes on that outlasted the grace after its payment.
type AfterPayment string

const (
	// AfterRerate prices the whole stay again and credits what was paid.
	AfterRerate AfterPayment = "rerate"
	// AfterNewStay prices the time since the payment as a stay of its own.
	AfterNewStay AfterPayment = "new_stay"
)

// Rounding says to what amount of money, which way and how often is rounded.
type Rounding struct {
	Unit money.Amount `json:"unit,omitempty"` // minor units; 1 by default
	Mode RoundMode    `json:"mode,omitempty"` // half_up by default
	Per  RoundPer     `json:"per,omitempty"`  // total by default
}

// RoundMode is which way is rounded.
type RoundMode string

// The ways to round.
const (
	RoundHalfUp RoundMode = "half_up"
	RoundUp     RoundMode = "up"
	RoundDown   RoundMode = "down"
)

// RoundPer is what is rounded.
type RoundPer string

// What can be rounded: the fee of the stay, of each cycle, or the price of each unit.
const (
	RoundTotal RoundPer = "total"
	RoundCycle RoundPer = "cycle"
	RoundUnit  RoundPer = "unit"
)

// Reentry merges visits: one that begins at most Within after the last one ended goes on with it.
type Reentry struct {
	Within  Seconds `json:"within"`
	Outside Outside `json:"outside,omitempty"` // counted by default
}

// Outside says whether the time between merged visits counts.
type Outside string

// The two ways.
const (
	OutsideCounted Outside = "counted"
	OutsideSkipped Outside = "skipped"
)

// Rest says how time is priced that nothing covers, in a stay of which a part is covered.
type Rest string

const (
	// RestOne prices it as one stay that begins at its first second; covered time between is uncharged.
	RestOne Rest = "one"
	// RestSeparate prices each stretch as a stay of its own.
	RestSeparate Rest = "separate"
	// RestThrough counts units from the entry through covered time; those that begin in it are free.
	RestThrough Rest = "through"
)

// FreeTest says what free time of scope stay is compared with where a part of the stay is covered.
type FreeTest string

// What can be compared: the time not covered (the default), the whole stay, or nothing: there is no free time then.
const (
	FreeTestRest FreeTest = "rest"
	FreeTestStay FreeTest = "stay"
	FreeTestNone FreeTest = "none"
)

// Pass is a kind of month card: the hours that it covers, and how the others are priced.
type Pass struct {
	ID   string `json:"id"`
	Name Text   `json:"name,omitzero"`
	// Windows are what it covers on each day of its validity, by the day on which they begin; none covers all time.
	Windows []ClockWindow `json:"windows,omitempty"`
	Rest    Rest          `json:"rest,omitempty"`
	Free    FreeTest      `json:"free,omitempty"`
}

// ClockWindow is a time of some days. To at or before From is on the next day.
type ClockWindow struct {
	From     Clock    `json:"from"`
	To       Clock    `json:"to"`
	DayTypes []string `json:"day_types,omitempty"`
}

// BookingRule says how booked time covers.
type BookingRule struct {
	Early Seconds  `json:"early,omitempty"` // who comes at most so much early is inside the booking
	Rest  Rest     `json:"rest,omitempty"`
	Free  FreeTest `json:"free,omitempty"`
}

// CouponRule says in which order kinds of coupon act, and what minutes are worth.
type CouponRule struct {
	Order   []CouponKind `json:"order,omitempty"`   // all kinds; full, minutes, percent, amount by default
	Minutes MinutesMode  `json:"minutes,omitempty"` // trim_end by default
}

// MinutesMode is what a coupon of minutes takes off.
type MinutesMode string

const (
	// MinutesTrimEnd prices the stay as if it had ended earlier.
	MinutesTrimEnd MinutesMode = "trim_end"
	// MinutesTrimStart prices it as if it had begun later.
	MinutesTrimStart MinutesMode = "trim_start"
	// MinutesValue takes off what the first minutes cost.
	MinutesValue MinutesMode = "value"
)

// Plan prices the stays of some vehicles. A plan without bands charges nothing.
type Plan struct {
	ID   string `json:"id"`
	Name Text   `json:"name,omitzero"`
	// Classes of vehicle that this plan is for; empty means every class. They are compared with [Stay].Class.
	Classes []string `json:"classes,omitempty"`
	// Entitlements of which a stay must have one; empty asks for none.
	Entitlements []string `json:"entitlements,omitempty"`
	// DayTypes of which the date of entry must be one; empty is every day.
	DayTypes []string `json:"day_types,omitempty"`
	// EntryRounding moves the entry to a multiple of a unit on the local clock.
	EntryRounding *EntryRounding `json:"entry_rounding,omitempty"`
	// Cycle cuts a stay into pieces in each of which "everything starts again"; without one the stay is one piece.
	Cycle *Cycle `json:"cycle,omitempty"`
	// Position is the stretch over which the steps' up_to is counted, Counted what counts in it.
	Position Scope   `json:"position,omitempty"`
	Counted  Counted `json:"counted,omitempty"`
	// Boundary is what becomes of a unit that the end of its band cuts; "cut" by default.
	Boundary Boundary `json:"boundary,omitempty"`
	// End and Tail are what an unfinished unit costs in steps that do not say.
	End  End     `json:"end,omitempty"`
	Tail Seconds `json:"tail,omitempty"`
	// Free is the free time, if any.
	Free *Free `json:"free,omitempty"`
	// Bands are tried in order at each moment; the first that fits prices it. No fit is no charge.
	Bands []Band `json:"bands,omitempty"`
	// Caps apply in order, each to what the one before left.
	Caps []Cap `json:"caps,omitempty"`
	// SharedCaps bound the visit together with earlier ones, after all else.
	SharedCaps []SharedCap `json:"shared_caps,omitempty"`
	// Guards are tried in order; the first that fits replaces the pricing of the stay or of a cycle.
	Guards []Guard `json:"guards,omitempty"`
	// Minimum is the least that a stay pays that is charged anything.
	Minimum money.Amount `json:"minimum,omitempty"`
	// Multiplier changes the whole fee, exactly; MultiplierName is its text on the bill.
	Multiplier     *money.Rat `json:"multiplier,omitempty"`
	MultiplierName Text       `json:"multiplier_name,omitzero"`
	// MaxStay is how long may be parked at most: past it the fee stays as it is, and the bill is flagged.
	MaxStay *MaxStay `json:"max_stay,omitempty"`
}

// EntryRounding moves an entry.
type EntryRounding struct {
	Unit Seconds   `json:"unit"`
	Mode RoundMode `json:"mode"` // up or down
}

// MaxStay is the longest stay.
type MaxStay struct {
	Length  Seconds `json:"length"`
	Counted Counted `json:"counted,omitempty"` // chargeable, the default, or elapsed
}

// CycleKind says what a cycle is cut by.
type CycleKind string

const (
	// CycleBlock cuts every Length seconds after entry.
	CycleBlock CycleKind = "block"
	// CycleDay cuts at a time of day.
	CycleDay CycleKind = "day"
)

// ClockKind says whether a block's length is elapsed time or read off the local clock.
type ClockKind string

const (
	// ClockElapsed makes 24 h of a day with a clock change 24 h.
	ClockElapsed ClockKind = "elapsed"
	// ClockWall ends a block of 24 h at the same time on the local clock.
	ClockWall ClockKind = "wall"
)

// Cycle is when everything starts again.
type Cycle struct {
	Kind   CycleKind `json:"kind"`
	Length Seconds   `json:"length,omitempty"` // of a block
	Clock  ClockKind `json:"clock,omitempty"`  // of a block
	At     Clock     `json:"at,omitempty"`     // of a day
	Starts []Start   `json:"starts,omitempty"` // of a day, instead of At
	// FullPrice is what a cycle costs that the stay covers from edge to edge.
	FullPrice *money.Amount `json:"full_price,omitempty"`
}

// Start is a time at which cycles or windows begin, on some days.
type Start struct {
	At       Clock    `json:"at"`
	DayTypes []string `json:"day_types,omitempty"`
}

// Scope is a stretch of a stay that something is counted over.
type Scope string

const (
	// ScopeRun is one unbroken stretch in one band; the default of [Plan].Position.
	ScopeRun Scope = "run"
	// ScopeCycle is one piece of the plan's cycle.
	ScopeCycle Scope = "cycle"
	// ScopeStay is the whole stay; the default of [Free].Scope.
	ScopeStay Scope = "stay"
	// ScopeChargeable is the charged time of the whole stay; for [Free] only.
	ScopeChargeable Scope = "chargeable"
)

// Counted is what a position or a longest stay counts.
type Counted string

const (
	// CountChargeable counts time bought in any band.
	CountChargeable Counted = "chargeable"
	// CountBand counts time bought in the same band.
	CountBand Counted = "band"
	// CountElapsed counts all time.
	CountElapsed Counted = "elapsed"
)

// Boundary is what becomes of a unit at the end of its band.
type Boundary string

const (
	// BoundaryCut ends the unit; its end rule says what it costs.
	BoundaryCut Boundary = "cut"
	// BoundaryThrough lets it run on by the clock, at the price of the band in which it began.
	BoundaryThrough Boundary = "through"
	// BoundaryPause is through, but the unit's clock stops in uncharged time.
	BoundaryPause Boundary = "pause"
	// BoundaryShare charges its exact share; the end rule holds only for the last unit of the stay.
	BoundaryShare Boundary = "share"
)

// FreeThen says what becomes of the free time once a stay is longer.
type FreeThen string

const (
	// FreeWhole charges a longer stay from its first second.
	FreeWhole FreeThen = "whole"
	// FreeDeduct never charges the free time.
	FreeDeduct FreeThen = "deduct"
)

// Free is the time that costs nothing at the beginning of its scope.
type Free struct {
	UpTo Seconds `json:"up_to"`
	// Inclusive makes a stay of exactly UpTo free (15分钟内含); without it such a stay is charged (不足15分钟). It matters
	// with "whole" only: to deduct UpTo makes such a stay free anyhow.
	Inclusive bool     `json:"inclusive,omitempty"`
	Then      FreeThen `json:"then,omitempty"`  // whole by default
	Scope     Scope    `json:"scope,omitempty"` // stay by default
	Bands     []string `json:"bands,omitempty"` // of scope run: which bands; none is all
	Times     int      `json:"times,omitempty"` // of scope cycle or run: how many of them; 0 is all
	// OncePer gives the free time to the first visit only.
	OncePer *VisitWindow `json:"once_per,omitempty"`
}

// VisitWindow says which earlier visits are looked at, by their entries.
type VisitWindow struct {
	Window Window  `json:"window"`           // day or rolling
	At     Clock   `json:"at,omitempty"`     // when a day begins
	Length Seconds `json:"length,omitempty"` // of rolling, back from the entry
}

// Band prices the time between two local clock times on some days. A band without steps charges nothing.
type Band struct {
	ID   string `json:"id"`
	Name Text   `json:"name,omitzero"`
	// DayTypes are words of the calendar or names of weekdays; empty is every day.
	DayTypes []string `json:"day_types,omitempty"`
	// DayBegins is the clock at which a day begins for DayTypes, DayOf whose day it is.
	DayBegins Clock `json:"day_begins,omitempty"`
	DayOf     DayOf `json:"day_of,omitempty"`
	// From and To bound the band half-open; To before From runs over midnight; both equal is the whole day.
	From  Clock  `json:"from,omitempty"`
	To    Clock  `json:"to,omitempty"`
	Steps []Step `json:"steps,omitempty"`
}

// DayOf says whose day a band's day types look at.
type DayOf string

// Whose day: that of each moment (the default), of the begin of its cycle, or of the entry.
const (
	DayOfMoment DayOf = "moment"
	DayOfCycle  DayOf = "cycle"
	DayOfStay   DayOf = "stay"
)

// End says what an unfinished unit costs.
type End string

const (
	// EndCeil charges the whole unit ("or part thereof", 不足一个单位按一个单位计).
	EndCeil End = "ceil"
	// EndFloor charges nothing (不足一个单位不计费).
	EndFloor End = "floor"
	// EndTail charges nothing up to a length, and the whole unit above it.
	EndTail End = "tail"
	// EndStarted charges the unit's share by started minutes: 61 s of an hour cost 2/60 of it.
	EndStarted End = "started"
	// EndExact charges the unit's share by seconds.
	EndExact End = "exact"
)

// Step prices the positions from the end of the step before to UpTo.
type Step struct {
	// UpTo is where the next step begins; only the last step has none. A unit that began before it runs to its end.
	UpTo Seconds `json:"up_to,omitempty"`
	// Unit is what Price buys. A step without one is flat: Price buys all of it, once per stretch of the position, also
	// when other bands or free hours come between.
	Unit Seconds `json:"unit,omitempty"`
	// Price is in minor units, exact. It may be zero.
	Price money.Rat `json:"price"`
	// End is for a step with a unit; the plan's, or "ceil", by default. Tail goes with "tail".
	End  End     `json:"end,omitempty"`
	Tail Seconds `json:"tail,omitempty"`
	// Cross is the boundary rule of this step's units where it differs from the plan's.
	Cross Boundary `json:"cross,omitempty"`
}

// Window is a stretch of time whose charges a cap bounds. A unit belongs to the window in which it begins.
type Window string

const (
	// WindowStay is the whole stay.
	WindowStay Window = "stay"
	// WindowBlock is each Length seconds after entry.
	WindowBlock Window = "block"
	// WindowDay is each local day.
	WindowDay Window = "day"
	// WindowRun is each unbroken stretch in one band.
	WindowRun Window = "run"
	// WindowCycle is each piece of the plan's cycle.
	WindowCycle Window = "cycle"
	// WindowClock is each time between two clock times.
	WindowClock Window = "clock"
	// WindowRolling is a length of time back from the entry; for visits only.
	WindowRolling Window = "rolling"
)

// Cap bounds what is charged in each of its windows. Money above it is taken from the latest units.
type Cap struct {
	Amount   money.Amount `json:"amount"`
	Window   Window       `json:"window"`
	Length   Seconds      `json:"length,omitempty"`    // of a block
	Clock    ClockKind    `json:"clock,omitempty"`     // of a block
	At       Clock        `json:"at,omitempty"`        // of a day
	Starts   []Start      `json:"starts,omitempty"`    // of a day, instead of At
	From     Clock        `json:"from,omitempty"`      // of a clock window
	To       Clock        `json:"to,omitempty"`        // of a clock window
	DayTypes []string     `json:"day_types,omitempty"` // of a clock window, by the date on which it begins
	Bands    []string     `json:"bands,omitempty"`     // only units of these; none is all
	Times    int          `json:"times,omitempty"`     // how many windows are capped, from the entry on; 0 is all
	Skip     int          `json:"skip,omitempty"`      // how many windows are not, before those
	PerCycle bool         `json:"per_cycle,omitempty"` // a cycle's edge ends a window too
}

// SharedCap bounds a visit's fee together with what earlier visits in the window were charged.
type SharedCap struct {
	Amount money.Amount `json:"amount"`
	Window Window       `json:"window"`           // day or rolling
	At     Clock        `json:"at,omitempty"`     // when a day begins
	Length Seconds      `json:"length,omitempty"` // of rolling, back from the entry
}

// Guard is another price for stays, or cycles, that begin or end at certain times.
type Guard struct {
	ID        string       `json:"id"`
	Name      Text         `json:"name,omitzero"`
	Scope     Scope        `json:"scope,omitempty"` // stay, the default, or cycle
	Entry     *ClockWindow `json:"entry,omitempty"`
	Exit      *ExitWindow  `json:"exit,omitempty"`
	Inclusive bool         `json:"inclusive,omitempty"` // exactly To fits too, of entry and exit
	AtMost    Seconds      `json:"at_most,omitempty"`
	Cheaper   bool         `json:"cheaper,omitempty"` // only where it costs less than the ordinary price
	// Price is flat. Without it Plan prices.
	Price *money.Amount `json:"price,omitempty"`
	Plan  *Plan         `json:"plan,omitempty"`
}

// ExitWindow is a time on the day of entry, or so many days later. Without From it begins at the entry.
type ExitWindow struct {
	From    *Clock `json:"from,omitempty"`
	FromDay int    `json:"from_day,omitempty"`
	To      *Clock `json:"to,omitempty"`
	ToDay   int    `json:"to_day,omitempty"`
}
