package ingest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/fact"
)

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func newSalt() (salt [16]byte) {
	if _, err := rand.Read(salt[:]); err != nil {
		panic(fmt.Sprintf("ingest: no randomness: %v", err)) // crypto/rand never returns an error since Go 1.24
	}
	return salt
}

func (s store) putDraft(tx *database.Tx, lot string, doc []byte, now time.Time) (n int64, err error) {
	err = tx.SQL().QueryRowContext(tx.Context(), `INSERT INTO fact_outbox (lot_id, draft, created_at) VALUES ($1, $2::json, $3) RETURNING id`,
		lot, string(doc), now).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("put draft for %s: %w", lot, err)
	}
	return n, nil
}

func (s store) authored(ctx context.Context, outbox int64) (fact.ID, bool, error) {
	var author sql.NullString
	var seq sql.NullInt64
	err := s.db.SQL().QueryRowContext(ctx, `SELECT author, seq FROM fact_outbox WHERE id = $1`, outbox).Scan(&author, &seq)
	if err != nil {
		return fact.ID{}, false, fmt.Errorf("read draft %d: %w", outbox, err)
	}
	return fact.ID{Author: fact.Author(author.String), Seq: uint64(seq.Int64)}, seq.Valid, nil
}

func (s store) waiting(ctx context.Context) ([]string, error) {
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT DISTINCT lot_id FROM fact_outbox WHERE seq IS NULL ORDER BY lot_id`)
	if err != nil {
		return nil, fmt.Errorf("find waiting drafts: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (lot string, err error) { return lot, rows.Scan(&lot) })
}

// takeDrafts returns a lot's waiting drafts, oldest first, while no other transaction sequences this lot.
func (s store) takeDrafts(tx *database.Tx, lot string, n int) ([]waitingDraft, error) {
	if _, err := tx.SQL().ExecContext(tx.Context(), `SELECT pg_advisory_xact_lock(hashtextextended($1, 9))`, lot); err != nil {
		return nil, fmt.Errorf("lock the sequence of %s: %w", lot, err)
	}
	rows, err := tx.SQL().QueryContext(tx.Context(), `SELECT id, draft FROM fact_outbox WHERE lot_id = $1 AND seq IS NULL ORDER BY id LIMIT $2`, lot, n)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (w waitingDraft, err error) {
		var doc string
		if err := rows.Scan(&w.outbox, &doc); err != nil {
			return w, err
		}
		return w, json.Unmarshal([]byte(doc), &w.draft)
	})
}

func (s store) markDrafts(tx *database.Tx, done map[int64]fact.ID) error {
	var outbox, seqs []int64
	var author string
	for n, id := range done {
		outbox, seqs, author = append(outbox, n), append(seqs, int64(id.Seq)), string(id.Author)
	}
	res, err := tx.SQL().ExecContext(tx.Context(), `UPDATE fact_outbox o SET author = $1, seq = u.seq
		FROM unnest($2::bigint[], $3::bigint[]) u(id, seq) WHERE o.id = u.id AND o.seq IS NULL`, author, outbox, seqs)
	if err != nil {
		return fmt.Errorf("mark drafts: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(outbox)) {
		return fmt.Errorf("mark drafts: %d of %d rows: %w", n, len(outbox), err)
	}
	return nil
}

// cloudAuthor returns the author that the cloud writes with in a lot; "" when it has none, or when the one it had is
// closed.
func (s store) cloudAuthor(tx *database.Tx, lot string) (author fact.Author, err error) {
	err = tx.SQL().QueryRowContext(tx.Context(), `SELECT c.author FROM cloud_logs c
		LEFT JOIN authors a ON a.lot_id = c.lot_id AND a.author = c.author WHERE c.lot_id = $1 AND a.closed_at IS NULL`, lot).Scan(&author)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find the cloud's author in %s: %w", lot, err)
	}
	return author, nil
}

func (s store) putCloudAuthor(tx *database.Tx, lot string, author fact.Author, boot string, now time.Time) error {
	_, err := tx.SQL().ExecContext(tx.Context(), `INSERT INTO cloud_logs (lot_id, author, boot, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (lot_id) DO UPDATE SET author = excluded.author, boot = excluded.boot, created_at = excluded.created_at`,
		lot, string(author), boot, now)
	if err != nil {
		return fmt.Errorf("store the cloud's author in %s: %w", lot, err)
	}
	return nil
}

// newestClock moves a head's clock past every fact of the lot that is here, so that what the cloud says comes after
// what it knew.
func (s store) newestClock(tx *database.Tx, lot string, head fact.Head, now time.Time) (fact.Head, error) {
	rows, err := tx.SQL().QueryContext(tx.Context(), `SELECT hlc FROM authors WHERE lot_id = $1`, lot)
	if err != nil {
		return head, fmt.Errorf("read clocks: %w", err)
	}
	clocks, err := collect(rows, func(rows *sql.Rows) (hlc int64, err error) { return hlc, rows.Scan(&hlc) })
	for _, c := range clocks {
		head.HLC = head.HLC.Observe(fact.HLC(c), now)
	}
	return head, err
}
