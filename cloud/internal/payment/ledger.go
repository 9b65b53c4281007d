package payment

import (
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/money"
)

// Journal is one event in the books. Its postings sum to zero; the database refuses others.
type Journal struct {
	Kind     string // "payment", "overpayment", "refund"
	Ref      string // of the order or refund; one journal for each kind and ref
	Lot      id.Lot
	At       time.Time
	Currency money.Currency
	Postings []Posting
}

// Posting adds to an account. What somebody owes us or holds for us is positive, what we owe or earned negative.
type Posting struct {
	Account string
	Amount  money.Amount
}

// held is what a provider holds for a merchant.
func held(provider, payee string) string { return "held:" + provider + ":" + payee }

// earned is what stays of a lot were paid.
func earned(lot id.Lot) string { return "parking:" + string(lot) }

// overpaid is what a lot owes back to drivers.
func overpaid(lot id.Lot) string { return "overpaid:" + string(lot) }

func move(kind, ref string, o Order, at time.Time, to, from string) Journal {
	return Journal{
		Kind: kind, Ref: ref, Lot: o.Lot, At: at, Currency: o.Currency,
		Postings: []Posting{{to, o.Amount}, {from, -o.Amount}},
	}
}

func paymentOf(o Order, at time.Time) Journal {
	return move("payment", o.No, o, at, held(o.Provider, o.Payee), earned(o.Lot))
}

func overpaymentOf(o Order, at time.Time) Journal {
	return move("overpayment", o.No, o, at, held(o.Provider, o.Payee), overpaid(o.Lot))
}

func refundOf(o Order, refund string, at time.Time) Journal {
	return move("refund", refund, o, at, overpaid(o.Lot), held(o.Provider, o.Payee))
}
