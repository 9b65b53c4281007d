package oracle

import (
	"math/big"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

func whole(a money.Amount) *big.Rat { return new(big.Rat).SetInt64(int64(a)) }

func exact(r money.Rat) *big.Rat {
	if r.Den == 0 {
		return big.NewRat(r.Num, 1)
	}
	return big.NewRat(r.Num, r.Den)
}

// share is price·part/of.
func share(price *big.Rat, part, of int64) *big.Rat {
	return new(big.Rat).Mul(price, big.NewRat(part, of))
}

// roundTo rounds to a multiple of the unit.
func roundTo(x *big.Rat, unit money.Amount, mode tariff.RoundMode) *big.Rat {
	if unit == 0 {
		unit = 1
	}
	u := whole(unit)
	q := new(big.Rat).Quo(x, u)
	switch mode {
	case tariff.RoundUp:
		q.SetInt(new(big.Int).Neg(floor(new(big.Rat).Neg(q))))
	case tariff.RoundDown:
		q.SetInt(floor(q))
	default:
		q.SetInt(floor(new(big.Rat).Add(q, big.NewRat(1, 2))))
	}
	return q.Mul(q, u)
}

// floor is the greatest whole number not above x. big.Int's Div rounds down for the positive denominators of big.Rat.
func floor(x *big.Rat) *big.Int { return new(big.Int).Div(x.Num(), x.Denom()) }

// minor is x in whole minor units, half up.
func minor(x *big.Rat) money.Amount {
	return money.Amount(roundTo(x, 1, tariff.RoundHalfUp).Num().Int64())
}
