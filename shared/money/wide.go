package money

import (
	"math"
	"math/bits"
)

// wide is a signed 128-bit number as sign and magnitude: room for a product of two int64 and a sum of two such.
type wide struct {
	negative bool
	hi, lo   uint64
}

func mul128(a, b int64) wide {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	return wide{(a < 0) != (b < 0) && (hi|lo) != 0, hi, lo}
}

// add cannot carry out: each magnitude is at most 2^126.
func (w wide) add(v wide) wide {
	if w.negative == v.negative {
		lo, carry := bits.Add64(w.lo, v.lo, 0)
		hi, _ := bits.Add64(w.hi, v.hi, carry)
		return wide{w.negative, hi, lo}
	}
	if w.cmpMagnitude(v) < 0 {
		w, v = v, w
	}
	lo, borrow := bits.Sub64(w.lo, v.lo, 0)
	hi, _ := bits.Sub64(w.hi, v.hi, borrow)
	return wide{w.negative && (hi|lo) != 0, hi, lo}
}

// rem is the magnitude modulo d.
func (w wide) rem(d uint64) uint64 {
	_, r := bits.Div64(w.hi%d, w.lo, d)
	return r
}

// div is w/d towards zero, and whether it fits in an int64.
func (w wide) div(d uint64) (int64, bool) {
	if w.hi >= d {
		return 0, false
	}
	q, _ := bits.Div64(w.hi, w.lo, d)
	if w.negative {
		if q > 1<<63 {
			return 0, false
		}
		return int64(-q), true // two's complement: also right for 1<<63
	}
	return int64(q), q <= math.MaxInt64
}

func (w wide) cmp(v wide) int {
	switch {
	case w.negative && !v.negative:
		return -1
	case !w.negative && v.negative:
		return 1
	case w.negative:
		return v.cmpMagnitude(w)
	}
	return w.cmpMagnitude(v)
}

func (w wide) cmpMagnitude(v wide) int {
	switch {
	case w.hi < v.hi || (w.hi == v.hi && w.lo < v.lo):
		return -1
	case w.hi == v.hi && w.lo == v.lo:
		return 0
	}
	return 1
}
