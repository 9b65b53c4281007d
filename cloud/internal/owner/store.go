package owner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/money"
)

// store has no scopes: the public asks, and reaches a stay by the plate that it knows, or by the number of a quote that
// was given to it and cannot be guessed.
type store struct{ db *database.DB }

func readStay(q *gorm.DB) (stay, error) {
	var docs []string
	if err := q.Scan(&docs).Error; err != nil {
		return stay{}, fmt.Errorf("read stay: %w", err)
	}
	if len(docs) == 0 {
		return stay{}, ErrNoQuote
	}
	var st stay
	if err := json.Unmarshal([]byte(docs[0]), &st.Session); err != nil {
		return stay{}, fmt.Errorf("decode stay: %w", err)
	}
	return st, nil
}

// stay returns the session with the id or alias; ErrNoQuote when there is none.
func (s store) stay(ctx context.Context, lot id.Lot, session string) (stay, error) {
	return readStay(s.db.Gorm(ctx).Raw(`SELECT document::text FROM sessions WHERE lot_id = ? AND id = ?
		UNION ALL SELECT document::text FROM sessions WHERE lot_id = ? AND aliases <> '{}' AND aliases @> ARRAY[?]::text[] LIMIT 1`,
		string(lot), session, string(lot), session))
}

// inside returns the latest stay of a plate that is inside.
func (s store) inside(ctx context.Context, lot id.Lot, plate string) (stay, error) {
	st, err := readStay(s.db.Gorm(ctx).Raw(`SELECT document::text FROM sessions WHERE lot_id = ? AND plate_text = ? AND state = 'inside'
		ORDER BY begun_at DESC, id LIMIT 1`, string(lot), plate))
	if errors.Is(err, ErrNoQuote) {
		return stay{}, ErrNotInside
	}
	return st, err
}

func (s store) operator(ctx context.Context, lot id.Lot) (id.Operator, error) {
	var op []string
	if err := s.db.Gorm(ctx).Raw(`SELECT operator_id FROM lots WHERE id = ?`, string(lot)).Scan(&op).Error; err != nil {
		return "", fmt.Errorf("read operator of %s: %w", lot, err)
	}
	if len(op) == 0 {
		return "", ErrNoLot
	}
	return id.Operator(op[0]), nil
}

func (s store) insert(tx *database.Tx, q Quote, now time.Time) error {
	bill, err := json.Marshal(q.Bill)
	if err != nil {
		return fmt.Errorf("encode bill: %w", err)
	}
	err = tx.Gorm().Exec(`INSERT INTO quotes (id, lot_id, session, lane, priced_at, valid_until, credited, currency, gross, free, paid, due, received, bill, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json, ?)`,
		q.ID, string(q.Lot), q.Session, q.Lane, q.PricedAt, q.ValidUntil, int64(q.Credited), string(q.Bill.Currency),
		int64(q.Bill.Gross), int64(q.Bill.Free), int64(q.Bill.Paid), int64(q.Bill.Due), int64(q.Received), string(bill), now).Error
	if err != nil {
		return fmt.Errorf("insert quote: %w", err)
	}
	return nil
}

// update tells a quote anew; of two who do so at once the later price stays.
func (s store) update(tx *database.Tx, q Quote) error {
	bill, err := json.Marshal(q.Bill)
	if err != nil {
		return fmt.Errorf("encode bill: %w", err)
	}
	err = tx.Gorm().Exec(`UPDATE quotes SET priced_at = ?, valid_until = ?, credited = ?, gross = ?, free = ?, paid = ?, due = ?, received = ?, bill = ?::json
		WHERE id = ? AND valid_until <= ?`,
		q.PricedAt, q.ValidUntil, int64(q.Credited), int64(q.Bill.Gross), int64(q.Bill.Free), int64(q.Bill.Paid), int64(q.Bill.Due),
		int64(q.Received), string(bill), q.ID, q.ValidUntil).Error
	if err != nil {
		return fmt.Errorf("update quote: %w", err)
	}
	return nil
}

func (s store) byID(ctx context.Context, quote string) (Quote, error) {
	var rows []struct {
		ID, LotID, Session, Lane, Bill string
		PricedAt, ValidUntil           time.Time
		Credited, Received             int64
	}
	err := s.db.Gorm(ctx).Raw(`SELECT id, lot_id, session, lane, bill::text AS bill, priced_at, valid_until, credited, received FROM quotes WHERE id = ?`, quote).Scan(&rows).Error
	if err != nil {
		return Quote{}, fmt.Errorf("read quote: %w", err)
	}
	if len(rows) == 0 {
		return Quote{}, ErrNoQuote
	}
	r := rows[0]
	q := Quote{
		ID: r.ID, Lot: id.Lot(r.LotID), Session: r.Session, Lane: r.Lane, PricedAt: r.PricedAt, ValidUntil: r.ValidUntil,
		Credited: money.Amount(r.Credited), Received: money.Amount(r.Received),
	}
	if err := json.Unmarshal([]byte(r.Bill), &q.Bill); err != nil {
		return Quote{}, fmt.Errorf("decode quote: %w", err)
	}
	return q, nil
}
