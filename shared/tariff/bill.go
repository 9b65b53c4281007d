package tariff

import (
	"time"

	"lotkeeper/shared/money"
)

// Stay is what is priced: the half-open time from Entry to Exit of a vehicle of a class.
type Stay struct {
	Entry time.Time `json:"entry"`
	Exit  time.Time `json:"exit"`
	// Class is the word by which tariffs tell vehicles apart, such as "small"; empty is a vehicle of no known class.
	Class string `json:"class,omitempty"`
	// Entitlements are what the vehicle or its driver is entitled to, such as "outpatient".
	Entitlements []string `json:"entitlements,omitempty"`
}

// Context is what else is known about the stay. The order of rights and bookings, and of coupons of one kind, is the
// order in which each takes off its part; the order of visits and payments does not matter.
type Context struct {
	Rights   []Right   `json:"rights,omitempty"`
	Visits   []Visit   `json:"visits,omitempty"`
	Coupons  []Coupon  `json:"coupons,omitempty"`
	Payments []Payment `json:"payments,omitempty"`
	Bookings []Booking `json:"bookings,omitempty"`
}

// RightKind says what a right takes off.
type RightKind string

const (
	// RightFree makes the whole stay free: a free list, a waiver.
	RightFree RightKind = "free"
	// RightCover makes the time between From and Until free: a month card. How the rest is priced, its Pass says.
	RightCover RightKind = "cover"
)

// Right is why a vehicle need not pay, or not for all the time.
type Right struct {
	ID   string    `json:"id"`
	Kind RightKind `json:"kind"`
	Name Text      `json:"name,omitzero"`
	// Pass is the id of the tariff's pass that says which hours a cover covers; empty, or one that the tariff does not
	// know, covers all.
	Pass string `json:"pass,omitempty"`
	// From and Until bound a cover half-open; zero is open on that side. An hour window of a pass is covered whole when it
	// begins between them.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Visit is an earlier stay of the same vehicle and what was charged for it, free parts taken off. Only settings that
// reach over several visits look at these; a tariff without such a setting prices every visit alone.
type Visit struct {
	ID    string       `json:"id"`
	Entry time.Time    `json:"entry"`
	Exit  time.Time    `json:"exit"`
	Gross money.Amount `json:"gross"`
}

// CouponKind says what a coupon takes off.
type CouponKind string

const (
	// CouponFull takes off all that is left.
	CouponFull CouponKind = "full"
	// CouponAmount takes off Amount.
	CouponAmount CouponKind = "amount"
	// CouponPercent takes off Percent of what is left: 20 is 八折.
	CouponPercent CouponKind = "percent"
	// CouponMinutes takes off time; the tariff says from which end, "trim_end" by default.
	CouponMinutes CouponKind = "minutes"
)

// Coupon is a merchant's or operator's gift.
type Coupon struct {
	ID      string       `json:"id"`
	Kind    CouponKind   `json:"kind"`
	Name    Text         `json:"name,omitzero"`
	Amount  money.Amount `json:"amount,omitempty"`
	Percent int          `json:"percent,omitempty"`
	Minutes int64        `json:"minutes,omitempty"`
}

// Payment is money received for the stay, net of refunds.
type Payment struct {
	ID     string       `json:"id"`
	At     time.Time    `json:"at"`
	Amount money.Amount `json:"amount"`
}

// Booking is time that was reserved beforehand: half-open, taken off like a cover.
type Booking struct {
	ID    string    `json:"id"`
	Name  Text      `json:"name,omitzero"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Price is what is asked for the booking itself, used or not; 0 where that is billed elsewhere.
	Price money.Amount `json:"price,omitempty"`
}

// Kind is what a line of a bill is.
type Kind string

const (
	// KindCharge is a price for time or for a booking; its amount is positive.
	KindCharge Kind = "charge"
	// KindAdjust is a minimum, a multiplier or a rounding; its amount may have either sign.
	KindAdjust Kind = "adjust"
	// KindVisit takes off what merged earlier visits were charged.
	KindVisit Kind = "visit"
	// KindCap takes off what is above a cap.
	KindCap Kind = "cap"
	// KindFree takes off for a right, a booking or a coupon.
	KindFree Kind = "free"
	// KindPaid takes off what was paid.
	KindPaid Kind = "paid"
)

// Line is one part of a bill.
type Line struct {
	Kind Kind `json:"kind"`
	Text Text `json:"text"`
	// From and To are the time the line is about, in the tariff's time zone; a payment's are both its time.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Band is the id of a charge's band, Ref of the right, booking, coupon or payment.
	Band   string       `json:"band,omitempty"`
	Ref    string       `json:"ref,omitempty"`
	Amount money.Amount `json:"amount"`
}

// Bill is what a stay costs and how that came about. Amounts are in minor units of Currency.
type Bill struct {
	Tariff          string         `json:"tariff"`
	Version         int            `json:"version"`
	Calendar        string         `json:"calendar,omitempty"`
	CalendarVersion int            `json:"calendar_version,omitempty"`
	Plan            string         `json:"plan"`
	Currency        money.Currency `json:"currency"`
	Class           string         `json:"class,omitempty"`
	Entitlements    []string       `json:"entitlements,omitempty"`
	Entry           time.Time      `json:"entry"`
	Exit            time.Time      `json:"exit"`
	// EntryErrorMS and ExitErrorMS are how many milliseconds Entry and Exit may be off by, either way, when their clocks
	// are in doubt. The lines are then those of the cheapest stay between them, never a dearer one.
	EntryErrorMS int64 `json:"entry_error_ms,omitempty"`
	ExitErrorMS  int64 `json:"exit_error_ms,omitempty"`
	// RatedTo is the time up to which the stay was priced: Exit, or the time of the payment in whose grace Exit falls.
	RatedTo time.Time `json:"rated_to"`
	// LeaveBy is until when a vehicle that has paid may leave without owing more; zero if it has no such time.
	LeaveBy time.Time `json:"leave_by,omitzero"`
	Lines   []Line    `json:"lines"`
	// Gross is what the tariff asks after its caps, and for bookings.
	Gross money.Amount `json:"gross"`
	// Free is what rights, bookings and coupons took off; at most Gross.
	Free money.Amount `json:"free"`
	// Paid is what was credited of the payments; at most Gross-Free. The rest is the cloud's to give back.
	Paid money.Amount `json:"paid"`
	// Due is Gross-Free-Paid.
	Due money.Amount `json:"due"`
	// Monotone says that under this plan a later exit never costs less, so that a quote may be shown as "at least".
	Monotone bool `json:"monotone"`
	// Flags say what else somebody may act upon.
	Flags []Flag `json:"flags,omitempty"`
}

// Flag is something about a stay that is no money.
type Flag string

const (
	// FlagMaxStay says that the vehicle stayed longer than is allowed.
	FlagMaxStay Flag = "max_stay_exceeded"
	// FlagFreeTime says that the stay cost nothing because it was within the free time.
	FlagFreeTime Flag = "free_time"
	// FlagClock says that the clocks at the stay's ends may be off by so much that the reader is told; the lower fee is
	// asked.
	FlagClock Flag = "clock_error"
)
