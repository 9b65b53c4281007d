// Package receipt writes and checks what a driver can show at a lane with no network: a receipt of a payment, signed by the
// cloud, and a ticket of an entry, signed by the booth that wrote it.
//
// The text is a prefix ("LKR1" or "LKT1") and base32 of a payload and its Ed25519 signature: capitals and digits only, so it
// fits a QR code's alphanumeric mode, survives a scanner that types like a keyboard of any layout, and has no blanks at its
// ends to lose. A usual receipt has about 250 characters: QR version 9 at level M. A ticket has about 170: version 7.
//
// Invariants:
//   - what Decode returns was signed by the key, in the domain of its own kind, byte for byte;
//   - a text that says the same thing in other bytes is refused (lengths and numbers have one form);
//   - whether a receipt was used is not known here: uses are facts.
package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// Receipt says that the cloud received money for a session.
type Receipt struct {
	Lot      string
	Session  fact.ID
	Vehicle  Vehicle // of the plate that was paid for
	Amount   money.Amount
	Curr     money.Currency
	Provider string
	Order    string
	Quoted   time.Time // when the fee was told: the stay is paid up to then
	Issued   time.Time
	Expires  time.Time
}

// Vehicle stands for a plate in a text that lies about: enough to tell two cars of a lot apart, without the plate itself.
type Vehicle [8]byte

// VehicleOf returns what stands for a plate in a lot.
func VehicleOf(lot string, p plate.Plate) Vehicle {
	sum := sha256.Sum256([]byte("lotkeeper vehicle 1\n" + lot + "\n" + p.Text))
	return Vehicle(sum[:8])
}

// The refusals. They tell people what to do, so each is its own.
var (
	ErrForm   = errors.New("it is neither a receipt nor a ticket of ours")
	ErrForged = errors.New("the signature is not right")
)

// The kinds of text, each with the domain that its signature covers.
const (
	receiptPrefix = "LKR1"
	receiptDomain = "lotkeeper receipt 1\n"
)

// maxLife bounds how long after its issue a receipt may say that it is good.
const maxLife = 7 * 24 * time.Hour

// IsReceipt reports whether a text looks like a receipt.
func IsReceipt(text string) bool { return hasPrefix(text, receiptPrefix) }

// Sign writes a receipt. Times are cut to seconds.
func Sign(r Receipt, key ed25519.PrivateKey) (string, error) {
	var w writer
	w.text(r.Lot)
	w.id(r.Session)
	w.raw(r.Vehicle[:])
	w.number(uint64(max(r.Amount, 0)))
	w.text(string(r.Curr))
	w.text(r.Provider)
	w.text(r.Order)
	w.time(r.Quoted)
	w.time(r.Issued)
	w.time(r.Expires)
	if err := errors.Join(w.err, r.check()); err != nil {
		return "", fmt.Errorf("sign receipt of order %s: %w", r.Order, err)
	}
	return seal(receiptPrefix, receiptDomain, w.b, key), nil
}

// Decode reads a receipt that key has signed. The error is [ErrForm] or [ErrForged].
func Decode(text string, key ed25519.PublicKey) (Receipt, error) {
	var r Receipt
	payload, err := unseal(text, receiptPrefix, receiptDomain, func([]byte) ed25519.PublicKey { return key })
	if err != nil {
		return r, err
	}
	d := reader{b: payload}
	r.Lot = d.text()
	r.Session = d.id()
	copy(r.Vehicle[:], d.raw(len(r.Vehicle)))
	r.Amount = money.Amount(d.number())
	r.Curr = money.Currency(d.text())
	r.Provider = d.text()
	r.Order = d.text()
	r.Quoted = d.time()
	r.Issued = d.time()
	r.Expires = d.time()
	if err := errors.Join(d.end(), r.check()); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return r, nil
}

func (r *Receipt) check() error {
	switch {
	case r.Lot == "" || r.Order == "" || r.Provider == "" || r.Curr == "":
		return errors.New("lot, order, provider or currency is missing")
	case r.Session.IsZero() || !r.Session.Author.Valid():
		return errors.New("the session is missing")
	case r.Amount <= 0 || r.Amount > maxAmount:
		return fmt.Errorf("amount %d", r.Amount)
	case !r.Expires.After(r.Issued) || r.Expires.Sub(r.Issued) > maxLife:
		return errors.New("it is good for no time, or for too long")
	}
	return nil
}

// maxAmount bounds an amount, so that nothing overflows where amounts are summed.
const maxAmount = 1 << 40

// Good reports whether a receipt may be shown at a time, by the booth's clock. One from a little in the future is: the
// booth's clock may be behind the cloud's.
func (r *Receipt) Good(at time.Time) bool {
	return at.Before(r.Expires) && r.Issued.Sub(at) <= fact.MaxLead
}
