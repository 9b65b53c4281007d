package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/fact"
)

// confirm asks the provider for an order and acts on the answer. Askers of the same order at the same time share one
// conversation. It returns the order as it then is.
func (s *Service) confirm(ctx context.Context, no string) (Order, error) {
	v, err, _ := s.asking.Do(no, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerFor) // not only the first asker waits for it
		defer cancel()
		return s.ask(ctx, no)
	})
	if err != nil {
		return Order{}, err
	}
	return v.(Order), nil
}

func (s *Service) ask(ctx context.Context, no string) (Order, error) {
	o, err := s.store.byNo(ctx, no)
	if err != nil || o.Effect != NoEffect {
		return o, err
	}
	c, err := s.o.Provider.Query(ctx, no)
	if errors.Is(err, ErrUnknown) {
		return o, nil
	}
	if err != nil {
		return Order{}, ErrProvider.Wrap(fmt.Errorf("query %s: %w", no, err))
	}
	switch c.State {
	case Success:
		if err := fits(o, c); err != nil {
			s.alarm(ctx, o, "payment.mismatch", "支付平台的订单与本地不一致：", "The provider's order differs from ours: ", err)
			return Order{}, errMismatch.Wrap(err)
		}
		return s.settle(ctx, o, c)
	case Ended:
		if o.State == Pending {
			return s.close(ctx, no, "closed by the provider")
		}
	case Returned:
		if o.State == Pending {
			return s.close(ctx, no, "returned by the provider")
		}
	}
	return o, nil
}

// fits compares what a provider says with what was asked for.
func fits(o Order, c Charge) error {
	switch {
	case c.Fits != nil:
		return c.Fits
	case c.No != o.No:
		return fmt.Errorf("order %.40q instead of %s", c.No, o.No)
	case c.Merchant != o.Payee:
		return fmt.Errorf("merchant %.40q instead of %s", c.Merchant, o.Payee)
	case c.Amount != o.Amount:
		return fmt.Errorf("amount %d instead of %d", c.Amount, o.Amount)
	case c.Currency != o.Currency:
		return fmt.Errorf("currency %.8q instead of %s", c.Currency, o.Currency)
	case c.State == Success && c.Transaction == "":
		return errors.New("no transaction")
	}
	return nil
}

// settle books money that the provider confirmed, once, in one transaction: the order's state, the postings, and either
// the fact that tells the lot or the refund.
func (s *Service) settle(ctx context.Context, o Order, c Charge) (Order, error) {
	owes := true
	if s.o.Owes != nil {
		var err error
		if owes, err = s.o.Owes(ctx, o); err != nil {
			s.o.Log.WarnContext(ctx, "cannot tell whether a stay still owes; its payment is taken", "order", o.No, "lot", o.Lot, "session", o.Session, "err", err)
			owes = true
		}
	}
	var after Order
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		now := s.o.Now().UTC()
		// Two orders of one stay settle one after the other.
		if err := s.store.lockSession(tx, o.Lot, o.Session); err != nil {
			return err
		}
		o, err := s.store.lock(tx, o.No)
		if err != nil {
			return err
		}
		if o.Effect != NoEffect {
			after = o
			return nil
		}
		others, err := s.store.settledSum(tx, o.Lot, o.Session)
		if err != nil {
			return err
		}
		why := ""
		switch {
		case o.State == Closed:
			why = "paid after it was closed"
		case others != o.Credited:
			why = "the stay was paid by another order"
		case !owes:
			why = "the stay owes nothing"
		}
		after, err = s.book(tx, o, c, why, now)
		return err
	})
	if err != nil {
		return Order{}, fmt.Errorf("settle %s: %w", o.No, err)
	}
	return after, nil
}

// book is the transaction of settle: why is empty when the money pays for the stay.
func (s *Service) book(tx *database.Tx, o Order, c Charge, why string, now time.Time) (Order, error) {
	o.Transaction, o.PaidAt, o.SettledAt, o.Reason = c.Transaction, c.PaidAt.UTC(), now, why
	if why != "" {
		o.State, o.Effect = Refunding, Overpaid
		if err := s.store.settle(tx, o, nil); err != nil {
			return o, err
		}
		if err := s.store.post(tx, overpaymentOf(o, now)); err != nil {
			return o, err
		}
		r := Refund{No: id.New(refundPrefix, now), Order: o.No, Amount: o.Amount, Total: o.Amount, Currency: o.Currency, Reason: why, State: Requested, Created: now}
		tx.AfterCommit(s.poke)
		return o, s.store.insertRefund(tx, r, now)
	}
	session, err := fact.ParseID(o.Session)
	if err != nil {
		return o, err
	}
	outbox, err := s.o.Author.Author(tx, string(o.Lot), fact.Draft{
		At: now, Kind: fact.KindPayment, Refs: []fact.ID{session},
		Body: fact.Payment{Session: session, Amount: o.Amount, Curr: o.Currency, Provider: o.Provider, Order: o.No, Quoted: o.QuotedAt},
	})
	if err != nil {
		return o, err
	}
	o.State, o.Effect = Paid, Settled
	if err := s.store.settle(tx, o, &outbox); err != nil {
		return o, err
	}
	return o, s.store.post(tx, paymentOf(o, now))
}

// alarm tells people of something that no program can put right.
func (s *Service) alarm(ctx context.Context, o Order, kind, zh, en string, cause error) {
	s.o.Log.ErrorContext(ctx, en+o.No, "lot", o.Lot, "order", o.No, "err", cause)
	if s.o.Raise == nil {
		return
	}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		return s.o.Raise(tx, Alarm{Lot: string(o.Lot), Kind: kind, Subject: o.No, ZH: zh + o.No, EN: en + o.No})
	})
	if err != nil {
		s.o.Log.ErrorContext(ctx, "alarm not raised", "order", o.No, "err", err)
	}
}
