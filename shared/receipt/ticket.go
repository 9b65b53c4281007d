package receipt

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"lotkeeper/shared/fact"
)

// Ticket says that a vehicle entered: for one without a plate, at an exit that may have no facts of its entry.
type Ticket struct {
	Lot    string
	Entry  fact.ID // the entry's observation: its author signs
	At     time.Time
	Tariff fact.TariffRef
}

const (
	ticketPrefix = "LKT1"
	ticketDomain = "lotkeeper ticket 1\n"
)

// IsTicket reports whether a text looks like a ticket.
func IsTicket(text string) bool { return hasPrefix(text, ticketPrefix) }

// SignTicket writes a ticket with the key of the entry's author. At is cut to seconds.
func SignTicket(t Ticket, key ed25519.PrivateKey) (string, error) {
	var w writer
	w.id(t.Entry) // first: whose key it is must be known before the signature is checked
	w.text(t.Lot)
	w.time(t.At)
	w.text(t.Tariff.ID)
	w.number(uint64(max(t.Tariff.Version, 0)))
	if err := errors.Join(w.err, t.check()); err != nil {
		return "", fmt.Errorf("sign ticket of %s: %w", t.Entry, err)
	}
	return seal(ticketPrefix, ticketDomain, w.b, key), nil
}

// DecodeTicket reads a ticket. keyOf returns the key of an author, nil for one that is not known; the error is then
// [ErrIssuer].
func DecodeTicket(text string, keyOf func(fact.Author) ed25519.PublicKey) (Ticket, error) {
	var t Ticket
	unknown := false
	payload, err := unseal(text, ticketPrefix, ticketDomain, func(b []byte) ed25519.PublicKey {
		d := reader{b: b}
		if id := d.id(); d.err == nil {
			key := keyOf(id.Author)
			unknown = key == nil
			return key
		}
		return nil
	})
	if unknown {
		return t, ErrIssuer
	}
	if err != nil {
		return t, err
	}
	d := reader{b: payload}
	t.Entry = d.id()
	t.Lot = d.text()
	t.At = d.time()
	t.Tariff.ID = d.text()
	t.Tariff.Version = int(min(d.number(), maxAmount))
	if err := errors.Join(d.end(), t.check()); err != nil {
		return Ticket{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return t, nil
}

// ErrIssuer says that a ticket was written by a booth that is not known here.
var ErrIssuer = errors.New("it was written by a booth that is not known here")

func (t *Ticket) check() error {
	switch {
	case t.Lot == "" || t.Tariff.ID == "" || t.Tariff.Version <= 0 || t.Tariff.Version >= maxAmount:
		return errors.New("lot or tariff is missing")
	case t.Entry.IsZero() || !t.Entry.Author.Valid():
		return errors.New("the entry is missing")
	}
	return nil
}
