package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// Digest is what a lot's facts come to, recomputed from the stored bytes alone. A booth's digest command prints the
// same for the same facts.
type Digest struct {
	Lot        string           `json:"lot"`
	Facts      int              `json:"facts"`
	Cursors    exchange.Cursors `json:"cursors"`
	FactsSum   fact.Hash        `json:"facts_digest"`
	Sessions   fact.Hash        `json:"sessions_digest"`
	Bills      fact.Hash        `json:"bills_digest"`
	Sums       session.Sums     `json:"sums"`
	Projection bool             `json:"projection_equal"` // the tables that people read equal the fold
}

const page = 2000

// eachRecord reads a lot's logs in order, checking that each is whole and signed by its author.
func eachRecord(ctx context.Context, q querier, lot string, visit func(fact.Fact) error) (exchange.Cursors, error) {
	rows, err := q.QueryContext(ctx, `SELECT author, key FROM authors WHERE lot_id = $1 ORDER BY author`, lot)
	if err != nil {
		return nil, fmt.Errorf("read authors: %w", err)
	}
	type log struct {
		author fact.Author
		key    []byte
	}
	logs, err := collect(rows, func(rows *sql.Rows) (l log, err error) { return l, rows.Scan(&l.author, &l.key) })
	if err != nil {
		return nil, err
	}
	cursors := exchange.Cursors{}
	for _, l := range logs {
		head := fact.Head{}
		for {
			records, err := readRecords(ctx, q, lot, l.author, head.Seq, page)
			if err != nil {
				return nil, err
			}
			if len(records) == 0 {
				break
			}
			facts, next, err := fact.Follow(head, lot, l.author, records, l.key)
			if err != nil {
				return nil, fmt.Errorf("stored log of %s: %w", l.author, err)
			}
			head = next
			for i := range facts {
				if err := visit(facts[i]); err != nil {
					return nil, err
				}
			}
		}
		cursors[l.author] = head
	}
	return cursors, nil
}

// DigestOf recomputes a lot's digest. It reads from one snapshot, so that it may run under traffic.
func DigestOf(ctx context.Context, db *database.DB, lot string) (Digest, error) {
	tx, err := db.SQL().BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return Digest{}, fmt.Errorf("digest %s: %w", lot, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var exists bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM lots WHERE id = $1)`, lot).Scan(&exists); err != nil || !exists {
		return Digest{}, errors.Join(err, fmt.Errorf("there is no lot %q", lot))
	}
	book := session.NewBook()
	var facts []fact.Fact
	cursors, err := eachRecord(ctx, tx, lot, func(f fact.Fact) error { facts = append(facts, f); return nil })
	if err != nil {
		return Digest{}, fmt.Errorf("digest %s: %w", lot, err)
	}
	book.Add(facts...)
	d := Digest{
		Lot: lot, Facts: book.Len(), Cursors: cursors, FactsSum: cursors.Digest(), Sessions: book.Digest(), Bills: book.BillDigest(), Sums: book.Sums(),
	}
	d.Projection, err = projectionEqual(ctx, tx, lot, book)
	return d, err
}

// projectionEqual compares the stored rows with those that the fold gives.
func projectionEqual(ctx context.Context, q querier, lot string, book *session.Book) (bool, error) {
	rowsOf, err := q.QueryContext(ctx, `SELECT 's' || id, sum FROM sessions WHERE lot_id = $1
		UNION ALL SELECT 'p' || author || '.' || seq, sum FROM passages WHERE lot_id = $1`, lot)
	if err != nil {
		return false, fmt.Errorf("read projections: %w", err)
	}
	have := map[string]int64{}
	_, err = collect(rowsOf, func(r *sql.Rows) (x struct{}, err error) {
		var id string
		var sum int64
		err = r.Scan(&id, &sum)
		have[id] = sum
		return x, err
	})
	if err != nil {
		return false, err
	}
	equal := true
	want := 0
	for _, k := range book.Vehicles() {
		sessions, passages := rows(book, k)
		want += len(sessions) + len(passages)
		for _, r := range sessions {
			sum, ok := have["s"+r.s.ID.String()]
			equal = equal && ok && sum == r.sum
		}
		for _, r := range passages {
			sum, ok := have["p"+r.ID.String()]
			equal = equal && ok && sum == r.sum
		}
	}
	return equal && want == len(have), nil
}

// Rebuild drops a lot's projections and makes them again from its stored facts, in one transaction. It returns how many
// facts there are. It may run under traffic.
func Rebuild(ctx context.Context, db *database.DB, lot string) (int, error) {
	var facts []fact.Fact
	st := store{db}
	err := db.WithTx(ctx, func(tx *database.Tx) error {
		facts = nil
		if err := st.lockFold(tx, lot); err != nil {
			return err
		}
		_, err := eachRecord(ctx, tx.SQL(), lot, func(f fact.Fact) error { facts = append(facts, f); return nil })
		if err != nil {
			return err
		}
		if err := st.dropProjections(tx, lot); err != nil {
			return err
		}
		book := session.Fold(facts)
		return st.reproject(tx, lot, book, book.Vehicles())
	})
	if err != nil {
		return 0, fmt.Errorf("rebuild %s: %w", lot, err)
	}
	return len(facts), nil
}

// Lots lists every lot.
func Lots(ctx context.Context, db *database.DB) ([]string, error) {
	rows, err := db.SQL().QueryContext(ctx, `SELECT id FROM lots ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list lots: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (lot string, err error) { return lot, rows.Scan(&lot) })
}
