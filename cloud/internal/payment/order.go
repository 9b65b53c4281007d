package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// Request asks for an order.
type Request struct {
	Operator    id.Operator
	Lot         id.Lot
	Session     fact.ID
	Quote       string
	Channel     string
	Description string // on the driver's payment page; no plate
	Amount      money.Amount
	Currency    money.Currency
	Credited    money.Amount
	QuotedAt    time.Time
	ClientIP    string
}

// Order makes the order of a quote, or returns the open one while its amount is still right. It returns the order with
// the address of the page where the driver pays. A quote has at most one order that can be paid.
func (s *Service) Order(ctx context.Context, r Request) (Order, error) {
	p := s.o.Provider
	switch {
	case p == nil:
		return Order{}, ErrNotSetUp
	case !p.Takes(r.Currency):
		return Order{}, ErrCurrency
	case r.Amount <= 0 || r.Session.IsZero() || r.Quote == "" || r.Operator == "":
		return Order{}, fmt.Errorf("order: amount %d, session %s, quote %s, operator %s", r.Amount, r.Session, r.Quote, r.Operator)
	}
	ctx, cancel := context.WithTimeout(ctx, providerFor)
	defer cancel()
	for range 3 {
		o, err := s.open(ctx, r)
		if err != nil {
			return Order{}, err
		}
		if o.Amount == r.Amount && o.QuotedAt.Equal(r.QuotedAt) && s.o.Now().Before(o.ExpiresAt) {
			return s.prepay(ctx, o, r.ClientIP)
		}
		// The open order asks for what is no longer due.
		if _, err := s.retire(ctx, o); err != nil {
			return Order{}, err
		}
	}
	return Order{}, ErrOrderClosed
}

// open returns the open order of a quote, making it if there is none.
func (s *Service) open(ctx context.Context, r Request) (Order, error) {
	now := s.o.Now().UTC()
	o := Order{
		No: id.New(orderPrefix, now), Operator: r.Operator, Lot: r.Lot, Session: r.Session.String(), Quote: r.Quote,
		Payee: s.o.Provider.Payee(), Provider: s.o.Provider.Name(), Channel: r.Channel, Description: r.Description,
		Amount: r.Amount, Currency: r.Currency, Credited: r.Credited, QuotedAt: r.QuotedAt.UTC(), State: Pending,
		CreatedAt: now, ExpiresAt: now.Add(orderFor),
	}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		var err error
		o, err = s.store.open(tx, o, nextCheck(now, now, o.ExpiresAt, 0))
		return err
	})
	return o, err
}

// prepay registers an order with the provider, if it is not or its page is too old, and keeps the page's address.
func (s *Service) prepay(ctx context.Context, o Order, ip string) (Order, error) {
	if o.PayURL != "" && s.o.Now().Before(o.PayURLAt.Add(urlFor)) {
		return o, nil
	}
	url, err := s.o.Provider.Prepay(ctx, Prepay{
		No: o.No, Description: o.Description, Notify: s.o.Notify, ClientIP: ip, Amount: o.Amount, Currency: o.Currency, Expires: o.ExpiresAt,
	})
	if errors.Is(err, ErrPaid) { // between the pages
		return s.confirm(ctx, o.No)
	}
	if err != nil {
		return Order{}, ErrProvider.Wrap(err)
	}
	now := s.o.Now().UTC()
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error { return s.store.setPayURL(tx, o.No, url, now) })
	if err != nil {
		return Order{}, err
	}
	o.PayURL, o.PayURLAt = url, now
	return o, nil
}

// retire closes an order at the provider, then here. Nothing is closed here that somebody may still pay there. It returns
// the order as it then is: paid, when the driver was faster.
func (s *Service) retire(ctx context.Context, o Order) (Order, error) {
	err := s.o.Provider.Close(ctx, o.No)
	switch {
	case errors.Is(err, ErrPaid):
		return s.confirm(ctx, o.No)
	case err != nil && !errors.Is(err, ErrUnknown):
		return Order{}, ErrProvider.Wrap(err)
	}
	reason := "expired"
	if s.o.Now().Before(o.ExpiresAt) {
		reason = "replaced"
	}
	return s.close(ctx, o.No, reason)
}

// close marks an order closed that the provider says cannot be paid.
func (s *Service) close(ctx context.Context, no, reason string) (o Order, err error) {
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.close(tx, no, reason, s.o.Now().UTC()); err != nil {
			return err
		}
		o, err = s.store.lock(tx, no)
		return err
	})
	return o, err
}
