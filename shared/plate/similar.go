package plate

import "strings"

// The cost of a difference between two readings. Two readings are similar up to costLimit: one edit of any kind, or
// two confusions that readers are known for.
const (
	costConfusion = 1
	costEdit      = 2
	costLimit     = 2
)

// leastShared is how many characters a cut-off reading must still have to be compared with a whole one; mostLost how
// many it may lack.
const (
	leastShared = 4
	mostLost    = 3
)

// Similar says whether two readings could be of one vehicle, to find candidates when no reading is equal: characters
// that readers confuse (0 D O Q, 8 B, 1 I, 2 Z, 5 S, one province for another), one edit, or a reading cut off at
// either end. It is symmetric, holds for equal texts, ignores colour (which readers confuse too), and is never true of
// a vehicle without a plate. It is no proof: whoever uses it accepts only a single candidate or asks a person.
func Similar(a, b Plate) bool {
	if a.None() || b.None() {
		return false
	}
	x, y := []rune(a.Text), []rune(b.Text)
	if len(x) > len(y) {
		x, y = y, x
	}
	if lost := len(y) - len(x); lost > 0 && lost <= mostLost && len(x) >= leastShared {
		long, short := string(y), string(x)
		if strings.HasPrefix(long, short) || strings.HasSuffix(long, short) {
			return true
		}
	}
	return len(y)-len(x) <= 1 && distance(x, y) <= costLimit
}

// distance is the cheapest way from one text to the other (weighted Levenshtein).
func distance(x, y []rune) int {
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j * costEdit
	}
	for i, c := range x {
		diagonal := row[0]
		row[0] = (i + 1) * costEdit
		for j, d := range y {
			cost := min(diagonal+substitution(c, d), row[j]+costEdit, row[j+1]+costEdit)
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(y)]
}

func substitution(c, d rune) int {
	switch {
	case c == d:
		return 0
	case province(c) && province(d), lookAlike(c) != 0 && lookAlike(c) == lookAlike(d):
		return costConfusion
	}
	return costEdit
}

// lookAlike names the group of characters that readers take for each other, 0 for a character in no group.
func lookAlike(c rune) rune {
	switch c {
	case '0', 'D', 'O', 'Q':
		return '0'
	case '8', 'B':
		return '8'
	case '1', 'I':
		return '1'
	case '2', 'Z':
		return '2'
	case '5', 'S':
		return '5'
	}
	return 0
}
