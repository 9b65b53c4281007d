package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"lotkeeper/cloud/internal/platform/database"
)

const (
	// tick is how often the tables are looked at for what is due. It reads an index of what is open, no more.
	tick = 500 * time.Millisecond
	// checksAtOnce bounds conversations with the provider.
	checksAtOnce = 8
	// lease is for how long a replica that took a check may be silent before another does it.
	lease = time.Minute
)

// checkAfter says when an order is asked for, from when it was made.
var checkAfter = [...]time.Duration{
	3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 7 * time.Minute,
}

// nextCheck says when to ask for an order after so many checks: on the schedule until it expires, then to close it, and
// when that fails at growing distances for ever.
func nextCheck(now, created, expires time.Time, checks int) time.Time {
	if checks < len(checkAfter) {
		if at := created.Add(checkAfter[checks]); at.After(now) && at.Before(expires) {
			return at
		}
	}
	if now.Before(expires) {
		for _, after := range checkAfter { // checks were late: the next one of the schedule
			if at := created.Add(after); at.After(now) && at.Before(expires) {
				return at
			}
		}
		return expires
	}
	return now.Add(backOff(checks - len(checkAfter)))
}

// backOff grows from 5 s to 5 min.
func backOff(n int) time.Duration { return min(5*time.Second<<min(max(n, 0), 6), 5*time.Minute) }

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run asks the provider for orders and refunds when they are due, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	if s.o.Provider == nil {
		<-ctx.Done()
		return nil
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-s.wake:
		}
		if _, err := s.Check(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "orders and refunds are not checked", "err", err)
		}
	}
}

// Check asks for everything that is due now, and returns how much that was. One order's trouble is logged and does not
// stop the others.
func (s *Service) Check(ctx context.Context) (int, error) {
	now := s.o.Now().UTC()
	orders, err := s.store.dueOrders(ctx, now, now.Add(lease), 64)
	if err != nil {
		return 0, err
	}
	refunds, err := s.store.dueRefunds(ctx, now, now.Add(lease), 64)
	if err != nil {
		return 0, err
	}
	var g errgroup.Group
	g.SetLimit(checksAtOnce)
	for _, no := range orders {
		g.Go(func() error { return s.logged(ctx, "order", no, s.checkOrder) })
	}
	for _, no := range refunds {
		g.Go(func() error { return s.logged(ctx, "refund", no, s.checkRefund) })
	}
	return len(orders) + len(refunds), g.Wait()
}

func (s *Service) logged(ctx context.Context, what, no string, check func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(ctx, providerFor)
	defer cancel()
	if err := check(ctx, no); err != nil && !errors.Is(err, context.Canceled) {
		s.o.Log.WarnContext(ctx, "check failed and will be tried again", what, no, "err", err)
	}
	return nil
}

// checkOrder asks for an order, closes it when its time is up, and says when to ask next.
func (s *Service) checkOrder(ctx context.Context, no string) error {
	o, err := s.confirm(ctx, no)
	if err == nil && o.State == Pending && !s.o.Now().Before(o.ExpiresAt) {
		o, err = s.retire(ctx, o)
	}
	if err == nil && o.State != Pending {
		return nil
	}
	next := s.o.DB.WithTx(context.WithoutCancel(ctx), func(tx *database.Tx) error {
		o, err := s.store.lock(tx, no)
		if err != nil || o.State != Pending {
			return err
		}
		return s.store.checkOrderAt(tx, no, nextCheck(s.o.Now().UTC(), o.CreatedAt, o.ExpiresAt, o.Checks+1))
	})
	return errors.Join(err, next)
}

// checkRefund asks for a refund, or asks how it goes.
func (s *Service) checkRefund(ctx context.Context, no string) error {
	r, o, err := s.store.refund(ctx, no)
	if err != nil || r.State != Requested && r.State != Processing {
		return err
	}
	var a RefundAnswer
	var asked error
	if r.State == Requested {
		a, asked = s.o.Provider.Refund(ctx, r)
	} else {
		a, asked = s.o.Provider.QueryRefund(ctx, no)
	}
	if asked == nil && a.Amount != r.Amount {
		asked = fmt.Errorf("refund %s: the provider says %d instead of %d", no, a.Amount, r.Amount)
	}
	now := s.o.Now().UTC()
	err = s.o.DB.WithTx(context.WithoutCancel(ctx), func(tx *database.Tx) error {
		if asked != nil {
			return s.store.checkRefundAt(tx, no, now.Add(backOff(r.Checks)))
		}
		moved, err := s.store.moveRefund(tx, r, a, now, now.Add(backOff(r.Checks)))
		if err != nil || !moved || a.State != Done {
			return err
		}
		if err := s.store.refunded(tx, o.No); err != nil {
			return err
		}
		return s.store.post(tx, refundOf(o, no, now))
	})
	if err == nil && asked == nil && a.State == Failed {
		s.alarm(ctx, o, "refund.failed", "退款失败，请人工处理：", "A refund failed and needs a person: ", fmt.Errorf("refund %s", no))
	}
	return errors.Join(asked, err)
}
