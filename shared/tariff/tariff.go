// Package tariff turns a tariff, a stay and what is known about it into a bill whose lines sum to what is due.
//
// The model is data: whatever a city publishes is written as a [Tariff], never as code. [Rate] is a pure function of
// its arguments: the same tariff version, calendar version, stay and context give the same bill on every machine, in
// every process time zone. DESIGN.md beside this file says how a stay is priced and why so.
//
// Invariants of a bill, held by construction and by property tests:
//   - Due = Gross - Free - Paid, none of the four below zero;
//   - the lines sum to Due; charges are positive, every cap, right, coupon and payment is a negative line of its own;
//   - nothing is charged for a fraction of a second, and zero seconds cost nothing;
//   - prices are exact; rounding (half up) happens on running totals, so what is rounded is the sum.
package tariff

import "lotkeeper/shared/money"

// Text is something for customers to read, in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Tariff is one version of a set of price rules. A published version never changes.
type Tariff struct {
	ID       string         `json:"id"`
	Version  int            `json:"version"`
	Name     Text           `json:"name"`
	TZ       Zone           `json:"tz"`
	Currency money.Currency `json:"currency"`
	// Plans are tried in order; the first that takes the vehicle's class prices the stay. The last takes every class.
	Plans []Plan `json:"plans"`
	// GraceAfterPayment is how long a vehicle whose fee has been paid may take to leave without owing more.
	GraceAfterPayment Seconds `json:"grace_after_payment,omitempty"`
}

// Plan prices the stays of some vehicles. A plan without bands charges nothing.
type Plan struct {
	ID   string `json:"id"`
	Name Text   `json:"name,omitzero"`
	// Classes of vehicle that this plan is for; empty means every class. They are compared with [Stay].Class.
	Classes []string `json:"classes,omitempty"`
	// Cycle cuts a stay into pieces in each of which "everything starts again"; without one the stay is one piece.
	Cycle *Cycle `json:"cycle,omitempty"`
	// Position is what the steps' up_to is counted over, in chargeable time.
	Position Scope `json:"position,omitempty"`
	// Free is the free time, if any.
	Free *Free `json:"free,omitempty"`
	// Bands are tried in order at each moment; the first that fits prices it. No fit is no charge.
	Bands []Band `json:"bands,omitempty"`
	// Caps apply in order, each to what the one before left.
	Caps []Cap `json:"caps,omitempty"`
}

// CycleKind says what a cycle is cut by.
type CycleKind string

const (
	// CycleBlock cuts every Length seconds after entry, elapsed (24 h of a day with a clock change are still 24 h).
	CycleBlock CycleKind = "block"
	// CycleDay cuts at local midnight.
	CycleDay CycleKind = "day"
)

// Cycle is when everything starts again.
type Cycle struct {
	Kind   CycleKind `json:"kind"`
	Length Seconds   `json:"length,omitempty"` // of a block
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
	Then      FreeThen `json:"then"`
	// Scope is "stay" (the default) or "cycle".
	Scope Scope `json:"scope,omitempty"`
}

// Band prices the time between two local clock times on some days. A band without steps charges nothing.
type Band struct {
	ID   string `json:"id"`
	Name Text   `json:"name,omitzero"`
	// DayTypes are words of the calendar, for the date that the local clock shows at each moment; empty is every day.
	DayTypes []string `json:"day_types,omitempty"`
	// From and To bound the band half-open; To before From runs over midnight; both equal is the whole day.
	From  Clock  `json:"from,omitempty"`
	To    Clock  `json:"to,omitempty"`
	Steps []Step `json:"steps,omitempty"`
}

// End says what an unfinished unit costs.
type End string

const (
	// EndCeil charges the whole unit ("or part thereof", 不足一个单位按一个单位计).
	EndCeil End = "ceil"
	// EndFloor charges nothing (不足一个单位不计费).
	EndFloor End = "floor"
	// EndStarted charges the unit's share by started minutes: 61 s of an hour cost 2/60 of it.
	EndStarted End = "started"
)

// Step prices the positions from the end of the step before to UpTo.
type Step struct {
	// UpTo is where the next step begins; only the last step has none. A unit that began before it runs to its end.
	UpTo Seconds `json:"up_to,omitempty"`
	// Unit is what Price buys. A step without one is flat: Price buys all of it, once per scope of the position, also
	// when other bands or free hours come between.
	Unit Seconds `json:"unit,omitempty"`
	// Price is in minor units, exact. It may be zero.
	Price money.Rat `json:"price"`
	// End is for a step with a unit; "ceil" by default.
	End End `json:"end,omitempty"`
}

// Window is a stretch of time whose charges a cap bounds. A unit belongs to the window in which it begins.
type Window string

const (
	// WindowStay is the whole stay.
	WindowStay Window = "stay"
	// WindowBlock is each Length seconds after entry, elapsed.
	WindowBlock Window = "block"
	// WindowDay is each local calendar date.
	WindowDay Window = "day"
)

// Cap bounds what is charged in each of its windows. Money above it is taken from the latest units.
type Cap struct {
	Amount money.Amount `json:"amount"`
	Window Window       `json:"window"`
	Length Seconds      `json:"length,omitempty"` // of a block
}
