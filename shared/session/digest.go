package session

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// Sums are totals over a book's sessions. Of billed sessions Billed = Paid + Free + Debt.
type Sums struct {
	Entries int          `json:"entries"`
	Exits   int          `json:"exits"`
	Closed  int          `json:"closed"`
	Billed  money.Amount `json:"billed"` // gross
	Paid    money.Amount `json:"paid"`
	Free    money.Amount `json:"free"`
	Debt    money.Amount `json:"debt"`
	Excess  money.Amount `json:"excess"` // refunds due
}

// Sums totals the sessions.
func (b *Book) Sums() Sums {
	var t Sums
	for _, s := range b.Sessions() {
		if s.Entry != nil {
			t.Entries++
		}
		if s.Exit != nil {
			t.Exits++
		}
		if s.Closed() {
			t.Closed++
			t.Billed += s.Money.Gross
			t.Paid += s.Money.Paid
			t.Free += s.Money.Free
			t.Debt += s.Money.Debt
			t.Excess += s.Money.Excess
		}
	}
	return t
}

// Digest is a checksum of all sessions, with the version of the fold: nodes that hold the same facts have the same.
func (b *Book) Digest() fact.Hash { return b.digest(func(s *Session) any { return s }) }

// BillDigest is a checksum of the bills alone: who was billed, what, and what became of it.
func (b *Book) BillDigest() fact.Hash {
	return b.digest(func(s *Session) any {
		if s.Bill == nil {
			return nil
		}
		return []any{s.ID, s.Bill, s.Money}
	})
}

func (b *Book) digest(part func(*Session) any) fact.Hash {
	h := sha256.New()
	fmt.Fprintf(h, "lotkeeper sessions %d\n", b.version)
	enc := json.NewEncoder(h)
	for _, s := range b.Sessions() {
		if v := part(&s); v != nil {
			if err := enc.Encode(v); err != nil {
				fmt.Fprintf(h, "%s does not encode: %v\n", s.ID, err) // unreachable: a session is plain data
			}
		}
	}
	return fact.Hash(h.Sum(nil))
}
