package money

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Rat is an exact price in minor units: {5, 3} is five fen in three units. The zero value is zero.
// Every Rat that this package returns is in lowest terms with Den > 0, so such values compare with ==.
//
// JSON: an integer when whole (1500), else a string ("5/3"). Both forms are read, and "1500" too.
type Rat struct{ Num, Den int64 }

// Whole is the price of exactly a minor units.
func Whole(a Amount) Rat { return Rat{int64(a), 1} }

// NewRat returns num/den in lowest terms. den must be above zero.
func NewRat(num, den int64) (Rat, error) {
	if den <= 0 {
		return Rat{}, fmt.Errorf("money: %d/%d: the denominator must be above zero", num, den)
	}
	g := gcd(magnitude(num), uint64(den))
	return Rat{num / int64(g), den / int64(g)}, nil
}

// ParseRat reads "5", "-5" or "5/3".
func ParseRat(text string) (Rat, error) {
	num, den, divided := strings.Cut(text, "/")
	if !divided {
		den = "1"
	}
	if !allDigits(strings.TrimPrefix(num, "-")) || !allDigits(den) {
		return Rat{}, fmt.Errorf("money: %q is not a price: want minor units like 150 or \"5/3\"", text)
	}
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil {
		return Rat{}, fmt.Errorf("money: price %q: %w", text, ErrOverflow)
	}
	d, err := strconv.ParseInt(den, 10, 64)
	if err != nil {
		return Rat{}, fmt.Errorf("money: price %q: %w", text, ErrOverflow)
	}
	return NewRat(n, d)
}

// String is "5" or "5/3".
func (r Rat) String() string {
	r = r.norm()
	if r.Den == 1 {
		return strconv.FormatInt(r.Num, 10)
	}
	return strconv.FormatInt(r.Num, 10) + "/" + strconv.FormatInt(r.Den, 10)
}

// MarshalJSON writes an integer or "5/3".
func (r Rat) MarshalJSON() ([]byte, error) {
	r = r.norm()
	if r.Den == 1 {
		return strconv.AppendInt(nil, r.Num, 10), nil
	}
	return json.Marshal(r.String())
}

// UnmarshalJSON reads an integer or "5/3". Decimals and exponents are refused: write 3/2, not 1.5.
func (r *Rat) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("money: price: %w", err)
		}
	}
	parsed, err := ParseRat(text)
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// Sign is -1, 0 or 1.
func (r Rat) Sign() int {
	switch {
	case r.Num < 0:
		return -1
	case r.Num > 0:
		return 1
	}
	return 0
}

// Neg is -r; the one value that has no negative answers ErrOverflow.
func (r Rat) Neg() (Rat, error) {
	r = r.norm()
	if r.Num == math.MinInt64 {
		return Rat{}, fmt.Errorf("-(%s): %w", r, ErrOverflow)
	}
	return Rat{-r.Num, r.Den}, nil
}

// Add is r+s, exactly, or ErrOverflow.
func (r Rat) Add(s Rat) (Rat, error) {
	r, s = r.norm(), s.norm()
	// Knuth, TAOCP 4.5.1: only the common part of the denominators can cancel.
	g := gcd(uint64(r.Den), uint64(s.Den))
	x := mul128(r.Num, s.Den/int64(g))
	y := mul128(s.Num, r.Den/int64(g))
	t := x.add(y)
	g2 := gcd(t.rem(g), g)
	num, ok := t.div(g2)
	den, ok2 := mulPositive(r.Den/int64(g), s.Den/int64(g2))
	if !ok || !ok2 {
		return Rat{}, fmt.Errorf("%s + %s: %w", r, s, ErrOverflow)
	}
	return Rat{num, den}, nil
}

// Sub is r-s, exactly, or ErrOverflow.
func (r Rat) Sub(s Rat) (Rat, error) {
	neg, err := s.Neg()
	if err != nil {
		return Rat{}, err
	}
	return r.Add(neg)
}

// Times is r·units, exactly, or ErrOverflow.
func (r Rat) Times(units int64) (Rat, error) {
	r = r.norm()
	g := gcd(magnitude(units), uint64(r.Den))
	if g > math.MaxInt64 {
		return Rat{}, fmt.Errorf("%s × %d: %w", r, units, ErrOverflow)
	}
	num, ok := mul128(r.Num, units/int64(g)).div(1)
	if !ok {
		return Rat{}, fmt.Errorf("%s × %d: %w", r, units, ErrOverflow)
	}
	return Rat{num, r.Den / int64(g)}, nil
}

// Cmp is -1, 0 or 1 as r is below, equal to or above s. It never overflows.
func (r Rat) Cmp(s Rat) int {
	r, s = r.norm(), s.norm()
	return mul128(r.Num, s.Den).cmp(mul128(s.Num, r.Den))
}

// Round is the nearest amount; a half goes up (towards +∞).
func (r Rat) Round() Amount {
	r = r.norm()
	q, m := r.Num/r.Den, r.Num%r.Den
	if m < 0 {
		q, m = q-1, m+r.Den
	}
	if m >= r.Den-m {
		q++
	}
	return Amount(q)
}

// norm gives the zero value its denominator; values built by hand are taken to lowest terms.
func (r Rat) norm() Rat {
	if r.Den <= 0 {
		// Only a literal can be here: Den 0 is the zero value. Nothing that was decoded has such a denominator.
		return Rat{r.Num, 1}
	}
	g := int64(gcd(magnitude(r.Num), uint64(r.Den)))
	return Rat{r.Num / g, r.Den / g}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

func mulPositive(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return int64(lo), hi == 0 && lo <= math.MaxInt64
}
