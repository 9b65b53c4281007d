package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/database"
)

// Outcome is what became of a notification.
type Outcome string

// The outcomes.
const (
	NoticeSettled     Outcome = "settled"
	NoticeOverpaid    Outcome = "overpaid"
	NoticeRepeated    Outcome = "repeated"
	NoticeRejected    Outcome = "rejected"
	NoticeMismatched  Outcome = "mismatched"
	NoticeUnknown     Outcome = "unknown_order"
	NoticeUnconfirmed Outcome = "unconfirmed" // the provider does not say the same when asked
)

// noticeRow is a notification as it is kept.
type noticeRow struct {
	at                    time.Time
	provider, address     string
	outcome               Outcome
	reason, notice, order string
	bytes                 int
	sha256                [32]byte
}

// Notified takes a provider's notification. nil tells the provider to send it no more; any error, to send it again.
func (s *Service) Notified(ctx context.Context, address string, h http.Header, body []byte) error {
	if s.o.Provider == nil {
		return ErrNotSetUp
	}
	row := noticeRow{at: s.o.Now().UTC(), provider: s.o.Provider.Name(), address: address, bytes: len(body), sha256: sha256.Sum256(body)}
	n, err := s.o.Provider.Notice(ctx, h, body)
	if err != nil {
		row.outcome, row.reason = NoticeRejected, err.Error()
		if ok, _ := s.rejected.Allow(address); ok { // a flood must not fill the table
			s.keep(ctx, row)
		}
		return errNotice.Wrap(err)
	}
	row.notice, row.order = n.ID, n.Charge.No
	row.outcome, err = s.hint(ctx, n.Charge)
	if err != nil {
		row.reason = err.Error()
	}
	s.keep(ctx, row)
	return err
}

// hint acts on a verified notification.
func (s *Service) hint(ctx context.Context, c Charge) (Outcome, error) {
	o, err := s.store.byNo(ctx, c.No)
	switch {
	case errors.Is(err, ErrNoOrder):
		return NoticeUnknown, err
	case err != nil:
		return NoticeUnconfirmed, err
	}
	if err := fits(o, c); err != nil {
		return NoticeMismatched, errMismatch.Wrap(err)
	}
	if o.Effect != NoEffect {
		return repeated(o, c)
	}
	after, err := s.confirm(ctx, o.No)
	switch {
	case err != nil:
		return NoticeUnconfirmed, err
	case after.Effect == NoEffect:
		return NoticeUnconfirmed, errUnconfirmed
	case after.Transaction != c.Transaction:
		return repeated(after, c)
	case after.Effect == Overpaid:
		return NoticeOverpaid, nil
	}
	return NoticeSettled, nil
}

func repeated(o Order, c Charge) (Outcome, error) {
	if o.Transaction != c.Transaction {
		return NoticeMismatched, errMismatch
	}
	return NoticeRepeated, nil
}

// keep writes a notification down. It is evidence only: what it caused is kept already.
func (s *Service) keep(ctx context.Context, row noticeRow) {
	err := s.o.DB.WithTx(context.WithoutCancel(ctx), func(tx *database.Tx) error { return s.store.insertNotice(tx, row) })
	if err != nil {
		s.o.Log.ErrorContext(ctx, "notification not written down", "order", row.order, "outcome", row.outcome, "err", err)
	}
}
