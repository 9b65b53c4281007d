package payment

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/money"
)

// post writes a journal. One of the same kind and ref is there already only by a defect, and refused.
func (s store) post(tx *database.Tx, j Journal) error {
	accounts, amounts := make([]string, len(j.Postings)), make([]int64, len(j.Postings))
	for i, p := range j.Postings {
		accounts[i], amounts[i] = p.Account, int64(p.Amount)
	}
	// One round trip, because this stands between a payment and its barrier. By the driver itself: GORM spreads arrays.
	_, err := tx.SQL().ExecContext(tx.Context(), `WITH j AS (INSERT INTO journals (kind, ref, lot_id, at) VALUES ($1, $2, $3, $4) RETURNING id)
		INSERT INTO postings (journal_id, account, amount, currency) SELECT j.id, p.account, p.amount, $5
		FROM j, unnest($6::text[], $7::bigint[]) p(account, amount)`,
		j.Kind, j.Ref, string(j.Lot), j.At, string(j.Currency), accounts, amounts)
	if err != nil {
		return fmt.Errorf("post %s %s: %w", j.Kind, j.Ref, err)
	}
	return nil
}

func (s store) insertRefund(tx *database.Tx, r Refund, check time.Time) error {
	err := tx.Gorm().Exec(`INSERT INTO payment_refunds (no, order_no, amount, currency, reason, state, created_at, check_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.No, r.Order, int64(r.Amount), string(r.Currency), r.Reason, string(r.State), r.Created, check).Error
	if err != nil {
		return fmt.Errorf("insert refund: %w", err)
	}
	return nil
}

// dueRefunds takes the refunds that should be asked for by now.
func (s store) dueRefunds(ctx context.Context, now, lease time.Time, n int) (nos []string, err error) {
	err = s.db.WithTx(ctx, func(tx *database.Tx) error {
		nos = nil
		return tx.Gorm().Raw(`UPDATE payment_refunds SET check_at = ?, checks = checks + 1 WHERE no IN (
			SELECT no FROM payment_refunds WHERE check_at <= ? ORDER BY check_at LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING no`, lease, now, n).Scan(&nos).Error
	})
	if err != nil {
		return nil, fmt.Errorf("find refunds to ask for: %w", err)
	}
	return nos, nil
}

// refund returns a refund and its order.
func (s store) refund(ctx context.Context, no string) (Refund, Order, error) {
	var rows []struct {
		No, OrderNo, Currency, Reason, State string
		Amount                               int64
		Checks                               int
		CreatedAt                            time.Time
	}
	err := s.db.Gorm(ctx).Raw(`SELECT no, order_no, currency, reason, state, amount, checks, created_at FROM payment_refunds WHERE no = ?`, no).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Refund{}, Order{}, fmt.Errorf("read refund %s (%d found): %w", no, len(rows), err)
	}
	o, err := s.byNo(ctx, rows[0].OrderNo)
	if err != nil {
		return Refund{}, Order{}, err
	}
	r := rows[0]
	return Refund{
		No: r.No, Order: r.OrderNo, Amount: money.Amount(r.Amount), Total: o.Amount, Currency: money.Currency(r.Currency), Reason: r.Reason,
		State: RefundState(r.State), Checks: r.Checks, Created: r.CreatedAt,
	}, o, nil
}

// moveRefund writes what a provider said of a refund. moved is false when another asker was faster.
func (s store) moveRefund(tx *database.Tx, r Refund, a RefundAnswer, now, next time.Time) (moved bool, err error) {
	var done, check *time.Time
	fault := ""
	switch a.State {
	case Done:
		done = &now
	case Failed:
		fault = "refused by the provider"
	case Requested, Processing:
		check = &next
	}
	res := tx.Gorm().Exec(`UPDATE payment_refunds SET state = ?, reference = ?, fault = ?, done_at = ?, check_at = ? WHERE no = ? AND state = ?`,
		string(a.State), clean(a.Reference), fault, done, check, r.No, string(r.State))
	if res.Error != nil {
		return false, fmt.Errorf("move refund %s: %w", r.No, res.Error)
	}
	return res.RowsAffected == 1, nil
}

func (s store) checkRefundAt(tx *database.Tx, no string, at time.Time) error {
	done := tx.Gorm().Exec(`UPDATE payment_refunds SET check_at = ? WHERE no = ? AND check_at IS NOT NULL`, at, no)
	if done.Error != nil {
		return fmt.Errorf("put off refund %s: %w", no, done.Error)
	}
	return nil
}

// clean makes outside text fit for a column: short, and of characters that Postgres takes.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	r := []rune(s)
	return string(r[:min(len(r), 300)])
}
