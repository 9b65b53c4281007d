// Package right says who may enter a lot and what is free there: month cards and bookings, free and black lists, special
// classes of vehicle, and what is owed from earlier stays.
//
// Invariants:
//   - a [Set] is immutable; whoever asks the same set the same thing gets the same answer;
//   - two sets with equal digests hold the same rights, byte for byte, changed at the same numbers;
//   - a right that this release does not understand has no effect, and is kept and handed on as it came;
//   - what needs other vehicles (is a shared permit's place taken?) is asked once, at the lane, and recorded; prices are
//     made from the record.
//
// DESIGN.md beside this file says how sets travel, and why so.
package right

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// Kind is what a right does for its vehicles, or against them.
type Kind string

// The kinds of right.
const (
	Permit   Kind = "permit"   // a month card or booking: its time is free (月卡、预约)
	Free     Kind = "free"     // the free list (免费名单)
	Special  Kind = "special"  // a class or pattern of plates: police, embassies, … (特殊车牌)
	Black    Kind = "black"    // the black list: entry is refused, or only reported (黑名单、布控)
	Arrears  Kind = "arrears"  // what is owed from earlier stays (欠费)
	Entitled Kind = "entitled" // tariffs have prices of their own for it
)

// Kinds lists the kinds in the order in which they are shown.
func Kinds() []Kind { return []Kind{Permit, Free, Special, Black, Arrears, Entitled} }

// Limits of one right.
const (
	MaxPlates   = 200
	MaxPeriods  = 100
	MaxWindows  = 50
	MaxPatterns = 200
	MaxDocument = 16 << 10 // bytes of its JSON
)

// Right is one document of a lot's rights. Which lots hold it is the publisher's business and not written in it.
type Right struct {
	ID      string `json:"id"`      // 1 to 64 letters, digits and ._-
	Version uint64 `json:"version"` // counts its changes: 1, 2, 3, …
	Kind    Kind   `json:"kind"`
	// Plates are its vehicles. A special right, and any other without plates, goes by Match.
	Plates []Plate `json:"plates,omitempty"`
	Match  *Match  `json:"match,omitempty"`
	// Places is how many vehicles of a permit may be inside on it at once; 0 is all of them. One more is priced as if it
	// had none.
	Places int `json:"places,omitempty"`
	// Periods are when it holds, half-open; none is always.
	Periods []Period `json:"periods,omitempty"`
	// Hours are the daily hours in those periods, in the lot's zone and calendar; none is all day.
	Hours []tariff.ClockWindow `json:"hours,omitempty"`
	// Pass names a pass of tariffs that says which hours are covered and how the rest of a stay is priced.
	Pass string `json:"pass,omitempty"`
	// Entitlements choose among the plans of tariffs.
	Entitlements []string    `json:"entitlements,omitempty"`
	Name         tariff.Text `json:"name,omitzero"` // for drivers: "Month card, block 3"
	Why          string      `json:"why,omitempty"` // for staff: why it is on the list
	// Watch makes a black list's right only report the vehicle, and let it in.
	Watch bool  `json:"watch,omitempty"`
	Owes  *Debt `json:"owes,omitempty"` // of arrears
}

// Plate is a vehicle of a right. Without a colour it is any vehicle with the text.
type Plate struct {
	Text   string       `json:"text"` // normalised, as package plate writes it
	Colour plate.Colour `json:"colour,omitempty"`
}

// Match is vehicles by their plates' class or text.
type Match struct {
	Classes []plate.Class `json:"classes,omitempty"`
	// Patterns fit the whole text: * is any run of characters, ? any one.
	Patterns []string `json:"patterns,omitempty"`
}

// Period is a time, half-open; a zero end is open.
type Period struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Debt is what a vehicle owes from earlier stays.
type Debt struct {
	Amount   money.Amount   `json:"amount"`
	Currency money.Currency `json:"currency"`
	Stays    int            `json:"stays"`
}

// Decode reads a right. Unknown fields are passed over: a newer release may have added them.
func Decode(doc []byte) (Right, error) {
	var r Right
	if len(doc) > MaxDocument {
		return r, fmt.Errorf("right of %d bytes, at most %d", len(doc), MaxDocument)
	}
	if err := json.Unmarshal(doc, &r); err != nil {
		return r, fmt.Errorf("decode right: %w", err)
	}
	return r, r.Validate()
}

// ValidID reports whether s may be a right's id.
func ValidID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}

// Validate lists everything wrong with a right.
func (r *Right) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !ValidID(r.ID) {
		fault("id %.80q is not 1 to 64 letters, digits and ._-", r.ID)
	}
	if r.Version == 0 {
		fault("version is missing")
	}
	if !slices.Contains(Kinds(), r.Kind) {
		fault("kind %.40q is not known", string(r.Kind))
	}
	if len(r.Plates) > MaxPlates || len(r.Periods) > MaxPeriods || len(r.Hours) > MaxWindows {
		fault("more than %d plates, %d periods or %d windows of hours", MaxPlates, MaxPeriods, MaxWindows)
	}
	if len(r.Plates) == 0 && r.Match == nil {
		fault("it names no vehicle: plates or match is required")
	}
	for i, p := range r.Plates {
		if n, err := plate.Parse(p.Text, p.Colour); err != nil || n.None() || n.Text != p.Text {
			fault("plates[%d] is not a normalised plate", i)
		}
	}
	r.checkMatch(fault)
	if r.Places < 0 || r.Places > 0 && r.Kind != Permit {
		fault("places %d: only a permit has places, and not fewer than none", r.Places)
	}
	for i, p := range r.Periods {
		if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
			fault("periods[%d] ends before it begins", i)
		}
	}
	r.checkKind(fault)
	return errors.Join(faults...)
}

func (r *Right) checkMatch(fault func(string, ...any)) {
	m := r.Match
	if m == nil {
		return
	}
	if r.Kind != Special && r.Kind != Black {
		fault("match is for special classes and black lists, not for %s", r.Kind)
	}
	if len(m.Classes)+len(m.Patterns) == 0 || len(m.Classes)+len(m.Patterns) > MaxPatterns {
		fault("match has %d classes and patterns, want 1 to %d", len(m.Classes)+len(m.Patterns), MaxPatterns)
	}
	for i, p := range m.Patterns {
		if n := len([]rune(p)); n == 0 || n > 24 || strings.Trim(p, "*?") == "" {
			fault("match.patterns[%d] fits every plate, or is longer than one", i)
		}
	}
}

func (r *Right) checkKind(fault func(string, ...any)) {
	switch {
	case r.Kind == Arrears && (r.Owes == nil || r.Owes.Amount <= 0 || r.Owes.Stays < 1 || r.Owes.Currency.Valid() != nil):
		fault("arrears need an amount above zero, its currency and the number of stays")
	case r.Kind != Arrears && r.Owes != nil:
		fault("only arrears owe")
	case r.Kind == Entitled && len(r.Entitlements) == 0:
		fault("entitlements are missing")
	}
}

// holdsFor reports whether a vehicle is one of the right's.
func (r *Right) holdsFor(p plate.Plate) bool {
	if p.None() {
		return r.Match != nil && slices.Contains(r.Match.Classes, p.Class)
	}
	for _, x := range r.Plates {
		if plate.SameVehicle(p, plate.Plate{Text: x.Text, Colour: x.Colour}) {
			return true
		}
	}
	return r.Match != nil && (slices.Contains(r.Match.Classes, p.Class) || slices.ContainsFunc(r.Match.Patterns, func(pattern string) bool {
		return fits([]rune(pattern), []rune(p.Text))
	}))
}

// fits reports whether a pattern of * and ? is the whole text. It looks back to the last star only, so it takes at most
// the product of the lengths.
func fits(pattern, text []rune) bool {
	star, mark, i := -1, 0, 0
	for j := 0; j < len(text); {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == text[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// shared reports whether not all vehicles of a permit may be inside at once.
func (r *Right) shared() bool { return r.Kind == Permit && r.Places > 0 && r.Places < len(r.Plates) }

// bounded reports whether it holds at some times only.
func (r *Right) bounded() bool { return len(r.Periods)+len(r.Hours) > 0 || r.Pass != "" }
