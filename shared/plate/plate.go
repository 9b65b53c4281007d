// Package plate reads, normalises and classifies the number plates of vehicles: those of GA 36 (mainland China)
// by their form, every other as opaque text.
//
// Invariants:
//   - no plate is refused for its form: what is not GA 36 is [ClassForeign], no plate at all is [ClassNone];
//   - [Normalise] is idempotent, and Text of a parsed Plate is normalised;
//   - colour separates two vehicles only when both readings know it ([SameVehicle]).
//
// A plate is personal data: logs get [Mask], never the text.
package plate

import (
	"fmt"
	"unicode/utf8"
)

// maxRunes bounds what is taken for a plate; the longest real ones, with every mark spelled out, have about ten.
const maxRunes = 24

// Plate is one reading of a number plate.
type Plate struct {
	// Text is normalised ("粤B12345"); empty if and only if the vehicle carries no plate.
	Text   string `json:"text"`
	Colour Colour `json:"colour"`
	// Class follows from text and colour; it is stored with them so that an old reading keeps the class it was
	// given when a later version classifies otherwise.
	Class Class `json:"class"`
}

// Parse normalises and classifies a reading. It fails only on text that cannot be a plate at all (longer than 24
// characters once normalised) and on a colour that is no Colour.
//
// An unknown colour is no obstacle: an ordinary seven-character plate is then taken as small (blue), the commonest.
func Parse(text string, colour Colour) (Plate, error) {
	if colour >= colours {
		return Plate{}, fmt.Errorf("plate: colour %d is not known", colour)
	}
	text = Normalise(text)
	if n := utf8.RuneCountInString(text); n > maxRunes {
		return Plate{}, fmt.Errorf("plate: text of %d characters is too long, at most %d", n, maxRunes)
	}
	if unlicensed(text) {
		return Plate{Colour: colour, Class: ClassNone}, nil
	}
	return Plate{Text: text, Colour: colour, Class: classify([]rune(text), colour)}, nil
}

// None says whether the vehicle carries no plate.
func (p Plate) None() bool { return p.Text == "" }

// String is the masked text, so that a plate printed or logged by accident gives nobody away.
func (p Plate) String() string {
	if p.None() {
		return "-"
	}
	return Mask(p.Text)
}

// SameVehicle says whether two readings are of one vehicle: equal text, and colours that are equal or not both known.
// Two vehicles without a plate are never the same one.
func SameVehicle(a, b Plate) bool {
	if a.Text != b.Text || a.None() {
		return false
	}
	return a.Colour == b.Colour || !a.Colour.Known() || !b.Colour.Known()
}

// unlicensed lists what readers and forms write for a vehicle without a plate; text is normalised.
func unlicensed(text string) bool {
	switch text {
	case "", "无牌车", "无牌", "_无_", "无", "无车牌", "UNLICENSED", "NOPLATE":
		return true
	}
	return false
}
