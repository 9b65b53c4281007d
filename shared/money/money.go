// Package money holds sums of money as whole minor units and prices as exact fractions.
//
// Invariants:
//   - an [Amount] is an int64 count of a currency's smallest unit (fen, cent); it is never a float and never
//     wraps round: the checked operations answer [ErrOverflow] instead;
//   - an Amount does not know its currency. Whoever keeps amounts keeps one [Currency] beside them, and the
//     currency's digits are needed only where text is read or written;
//   - a [Rat] is exact, so "¥5 per 3 hours" may be added up second by second and rounded once, at the end.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrOverflow says that a result does not fit in 64 bits.
var ErrOverflow = errors.New("money: amount out of range")

// Amount is a sum in minor units: 1500 is ¥15.00. Its JSON form is an integer.
type Amount int64

// String writes the amount with two decimals and no currency: "15.00", "-0.05".
// For a currency that may have other digits use [Amount.Decimal] or [Amount.Format].
func (a Amount) String() string { return a.decimal(2) }

// Decimal writes the amount with the currency's own number of decimals and no sign of the currency: "15.00", "500".
func (a Amount) Decimal(c Currency) string { return a.decimal(c.Digits()) }

// Format writes the amount as people read it: "¥15.00", "-HK$3.50", "XAU 1.00" for a currency without a known sign.
func (a Amount) Format(c Currency) string {
	text := a.decimal(c.Digits())
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "-" + c.Symbol() + rest
	}
	return c.Symbol() + text
}

func (a Amount) decimal(digits int) string {
	u, sign := magnitude(int64(a)), ""
	if a < 0 {
		sign = "-"
	}
	s := strconv.FormatUint(u, 10)
	if digits == 0 {
		return sign + s
	}
	if pad := digits + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	return sign + s[:len(s)-digits] + "." + s[len(s)-digits:]
}

// Add returns a+b, or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	s := a + b
	if (s > a) != (b > 0) {
		return 0, fmt.Errorf("%d + %d: %w", int64(a), int64(b), ErrOverflow)
	}
	return s, nil
}

// Sub returns a-b, or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	d := a - b
	if (d < a) != (b > 0) {
		return 0, fmt.Errorf("%d - %d: %w", int64(a), int64(b), ErrOverflow)
	}
	return d, nil
}

// Sum adds amounts, or answers ErrOverflow. The sum of none is zero.
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Parse reads a plain decimal number such as "15", "15.5", "-0.05" as an amount of the currency, exactly.
// More decimals than the currency has, exponents, spaces, signs of currency and grouping are refused.
func Parse(text string, c Currency) (Amount, error) {
	digits := c.Digits()
	body, negative := strings.CutPrefix(text, "-")
	whole, frac, dotted := strings.Cut(body, ".")
	if !allDigits(whole) || (dotted && !allDigits(frac)) {
		return 0, fmt.Errorf("money: %q is not a decimal number", text)
	}
	if len(frac) > digits {
		return 0, fmt.Errorf("money: %q has more than the %d decimals of %s", text, digits, c)
	}
	frac += strings.Repeat("0", digits-len(frac))
	sign := ""
	if negative {
		sign = "-"
	}
	n, err := strconv.ParseInt(sign+whole+frac, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("money: %q: %w", text, ErrOverflow)
	}
	return Amount(n), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// magnitude is |n|; it is exact for the smallest int64 too.
func magnitude(n int64) uint64 {
	if n == math.MinInt64 {
		return 1 << 63
	}
	if n < 0 {
		return uint64(-n)
	}
	return uint64(n)
}
