package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/money"
)

// store has no scopes: nothing here lists. An order is reached by its number, which nobody can guess, or by the system.
type store struct{ db *database.DB }

// errMoved says that a row was no longer in the state that a change starts from.
var errMoved = errors.New("the row is in another state")

type orderRow struct {
	No, OperatorID, LotID, Session, Quote, Payee, Provider, Channel, Description string
	Amount, Credited                                                             int64
	Currency, State, Effect, Reason, Transaction, PayURL                         string
	QuotedAt, CreatedAt, ExpiresAt                                               time.Time
	PayURLAt, PaidAt, SettledAt                                                  *time.Time
	Checks                                                                       int
}

const orderColumns = `no, operator_id, lot_id, session, quote, payee, provider, channel, description, amount, credited, currency, state,
	effect, reason, transaction, pay_url, quoted_at, created_at, expires_at, pay_url_at, paid_at, settled_at, checks`

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (r orderRow) order() Order {
	return Order{
		No: r.No, Operator: id.Operator(r.OperatorID), Lot: id.Lot(r.LotID), Session: r.Session, Quote: r.Quote, Payee: r.Payee,
		Provider: r.Provider, Channel: r.Channel, Description: r.Description, Amount: money.Amount(r.Amount),
		Currency: money.Currency(r.Currency), Credited: money.Amount(r.Credited), QuotedAt: r.QuotedAt, State: State(r.State),
		Effect: Effect(r.Effect), Reason: r.Reason, Transaction: r.Transaction, PayURL: r.PayURL, PayURLAt: orZero(r.PayURLAt),
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, PaidAt: orZero(r.PaidAt), SettledAt: orZero(r.SettledAt), Checks: r.Checks,
	}
}

func readOrder(q *gorm.DB) (Order, error) {
	var rows []orderRow
	if err := q.Scan(&rows).Error; err != nil {
		return Order{}, fmt.Errorf("read order: %w", err)
	}
	if len(rows) == 0 {
		return Order{}, ErrNoOrder
	}
	return rows[0].order(), nil
}

func (s store) byNo(ctx context.Context, no string) (Order, error) {
	return readOrder(s.db.Gorm(ctx).Raw(`SELECT `+orderColumns+` FROM payment_orders WHERE no = ?`, no))
}

// lock reads an order for changing it.
func (s store) lock(tx *database.Tx, no string) (Order, error) {
	return readOrder(tx.Gorm().Raw(`SELECT `+orderColumns+` FROM payment_orders WHERE no = ? FOR UPDATE`, no))
}

// lockSession makes the settlements of one stay wait for each other, until the transaction ends.
func (s store) lockSession(tx *database.Tx, lot id.Lot, session string) error {
	if err := tx.Gorm().Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 20))`, string(lot)+"/"+session).Error; err != nil {
		return fmt.Errorf("lock stay: %w", err)
	}
	return nil
}

// open inserts an order, unless its quote has an open one, which it then returns.
func (s store) open(tx *database.Tx, o Order, check time.Time) (Order, error) {
	done := tx.Gorm().Exec(`INSERT INTO payment_orders (no, operator_id, lot_id, session, quote, payee, provider, channel, description, amount,
			currency, credited, quoted_at, state, created_at, expires_at, check_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)
		ON CONFLICT (quote) WHERE state = 'pending' DO NOTHING`,
		o.No, string(o.Operator), string(o.Lot), o.Session, o.Quote, o.Payee, o.Provider, o.Channel, o.Description, int64(o.Amount),
		string(o.Currency), int64(o.Credited), o.QuotedAt, o.CreatedAt, o.ExpiresAt, check)
	if done.Error != nil {
		return Order{}, fmt.Errorf("insert order: %w", done.Error)
	}
	got, err := readOrder(tx.Gorm().Raw(`SELECT `+orderColumns+` FROM payment_orders WHERE quote = ? AND state = 'pending'`, o.Quote))
	if errors.Is(err, ErrNoOrder) {
		return Order{}, ErrOrderClosed // the open one was closed between the two statements
	}
	return got, err
}

// one makes a statement that must change exactly one row an error when it does not.
func one(done *gorm.DB, what string) error {
	if done.Error != nil {
		return fmt.Errorf("%s: %w", what, done.Error)
	}
	if done.RowsAffected != 1 {
		return fmt.Errorf("%s: %w", what, errMoved)
	}
	return nil
}

func (s store) setPayURL(tx *database.Tx, no, url string, at time.Time) error {
	err := one(tx.Gorm().Exec(`UPDATE payment_orders SET pay_url = ?, pay_url_at = ? WHERE no = ? AND state = 'pending'`, url, at, no), "keep the payment page of "+no)
	if errors.Is(err, errMoved) {
		return ErrOrderClosed.Wrap(err)
	}
	return err
}

// close ends a pending order; one that moved on meanwhile is left alone.
func (s store) close(tx *database.Tx, no, reason string, at time.Time) error {
	done := tx.Gorm().Exec(`UPDATE payment_orders SET state = 'closed', reason = ?, closed_at = ?, check_at = NULL WHERE no = ? AND state = 'pending'`, reason, at, no)
	if done.Error != nil {
		return fmt.Errorf("close order %s: %w", no, done.Error)
	}
	return nil
}

// settle writes what became of an order's money.
func (s store) settle(tx *database.Tx, o Order, outbox *int64) error {
	return one(tx.Gorm().Exec(`UPDATE payment_orders
		SET state = ?, effect = ?, reason = ?, transaction = ?, paid_at = ?, settled_at = ?, outbox = ?, check_at = NULL
		WHERE no = ? AND state IN ('pending', 'closed') AND amount = ? AND currency = ?`,
		string(o.State), string(o.Effect), o.Reason, o.Transaction, o.PaidAt, o.SettledAt, outbox, o.No, int64(o.Amount), string(o.Currency)),
		"settle order "+o.No)
}

// settledSum is what the orders of a stay have settled.
func (s store) settledSum(tx *database.Tx, lot id.Lot, session string) (money.Amount, error) {
	var sum int64
	err := tx.Gorm().Raw(`SELECT coalesce(sum(amount), 0)::bigint FROM payment_orders WHERE lot_id = ? AND session = ? AND effect = 'settled'`,
		string(lot), session).Scan(&sum).Error
	if err != nil {
		return 0, fmt.Errorf("sum what was settled: %w", err)
	}
	return money.Amount(sum), nil
}

func (s store) settledBy(ctx context.Context, lot id.Lot, sessions []string) ([]Order, error) {
	var rows []orderRow
	err := s.db.Gorm(ctx).Raw(`SELECT `+orderColumns+` FROM payment_orders WHERE lot_id = ? AND session IN ? AND effect = 'settled'
		ORDER BY settled_at, no LIMIT 200`, string(lot), sessions).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the orders of a stay: %w", err)
	}
	out := make([]Order, len(rows))
	for i, r := range rows {
		out[i] = r.order()
	}
	return out, nil
}

// refunded ends an order whose money went back.
func (s store) refunded(tx *database.Tx, no string) error {
	return one(tx.Gorm().Exec(`UPDATE payment_orders SET state = 'refunded' WHERE no = ? AND state = 'refunding'`, no), "mark order "+no+" refunded")
}

// dueOrders takes the orders that should be asked for by now; other replicas leave them alone until the lease ends.
func (s store) dueOrders(ctx context.Context, now, lease time.Time, n int) (nos []string, err error) {
	err = s.db.WithTx(ctx, func(tx *database.Tx) error {
		nos = nil
		return tx.Gorm().Raw(`UPDATE payment_orders SET check_at = ? WHERE no IN (
			SELECT no FROM payment_orders WHERE check_at <= ? ORDER BY check_at LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING no`, lease, now, n).Scan(&nos).Error
	})
	if err != nil {
		return nil, fmt.Errorf("find orders to ask for: %w", err)
	}
	return nos, nil
}

func (s store) checkOrderAt(tx *database.Tx, no string, at time.Time) error {
	return one(tx.Gorm().Exec(`UPDATE payment_orders SET check_at = ?, checks = checks + 1 WHERE no = ? AND state = 'pending'`, at, no), "put off order "+no)
}

func (s store) insertNotice(tx *database.Tx, n noticeRow) error {
	err := tx.Gorm().Exec(`INSERT INTO payment_notices (at, provider, address, outcome, reason, notice, order_no, bytes, sha256)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.at, n.provider, clean(n.address), string(n.outcome), clean(n.reason), clean(n.notice), clean(n.order), n.bytes, n.sha256[:]).Error
	if err != nil {
		return fmt.Errorf("insert notice: %w", err)
	}
	return nil
}
