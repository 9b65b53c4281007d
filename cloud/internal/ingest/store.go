package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// store is written by ingest alone, for all operators: its scope is the lot in the batch, which the broker's access
// rules, the topic and the author's certificate agree on. Reading by people goes through scoped methods.
type store struct{ db *database.DB }

// text makes outside text fit for a text column, which holds everything but NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// lockAuthor locks the author's cursor row until the transaction ends. exists is false when there is no such lot. An
// author that is not here yet is locked by name, so that of two first batches one waits for the other.
func (s store) lockAuthor(tx *database.Tx, lot string, author fact.Author) (log exchange.Log, exists bool, err error) {
	const query = `SELECT seq, hash, hlc, key, closed_at IS NOT NULL FROM authors WHERE lot_id = $1 AND author = $2 FOR UPDATE`
	for _, locked := range []bool{false, true} {
		var hash, key []byte
		var seq, hlc int64
		err = tx.SQL().QueryRowContext(tx.Context(), query, text(lot), text(string(author))).Scan(&seq, &hash, &hlc, &key, &log.Closed)
		if err == nil {
			log.Head, log.Key = fact.Head{Seq: uint64(seq), Hash: fact.Hash(hash), HLC: fact.HLC(hlc)}, key
			return log, true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return log, false, fmt.Errorf("lock author: %w", err)
		}
		if locked {
			break
		}
		err = tx.SQL().QueryRowContext(tx.Context(), `SELECT pg_advisory_xact_lock(hashtextextended($1, 7)) IS NOT NULL FROM lots WHERE id = $2`,
			text(lot)+"/"+text(string(author)), text(lot)).Scan(&exists)
		if errors.Is(err, sql.ErrNoRows) {
			return log, false, nil
		}
		if err != nil {
			return log, false, fmt.Errorf("lock new author: %w", err)
		}
	}
	return exchange.Log{}, true, nil
}

// lockFold lets one transaction at a time fold in a lot. It is taken last, so it cannot be part of a deadlock.
func (s store) lockFold(tx *database.Tx, lot string) error {
	_, err := tx.SQL().ExecContext(tx.Context(), `SELECT pg_advisory_xact_lock(hashtextextended($1, 8))`, lot)
	if err != nil {
		return fmt.Errorf("lock the fold of %s: %w", lot, err)
	}
	return nil
}

// querier is a transaction or the pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s store) records(tx *database.Tx, lot string, author fact.Author, after uint64, n int) ([]fact.Record, error) {
	return readRecords(tx.Context(), tx.SQL(), lot, author, after, n)
}

func readRecords(ctx context.Context, q querier, lot string, author fact.Author, after uint64, n int) ([]fact.Record, error) {
	rows, err := q.QueryContext(ctx, `SELECT public, private, sig FROM facts
		WHERE lot_id = $1 AND author = $2 AND seq > $3 ORDER BY seq LIMIT $4`, lot, string(author), int64(after), n)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (r fact.Record, err error) {
		return r, rows.Scan(&r.Public, &r.Private, &r.Sig)
	})
}

func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return out, nil
}

func (s store) saveFacts(tx *database.Tx, lot string, facts []fact.Fact, records []fact.Record, now time.Time) error {
	n := len(facts)
	author := string(facts[0].Author)
	seqs, hashes, kinds, ats := make([]int64, n), make([][]byte, n), make([]string, n), make([]time.Time, n)
	publics, privates, sigs := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	var refAuthors []string
	var refSeqs, bySeqs []int64
	for i := range facts {
		f, r := &facts[i], records[i]
		h := r.Hash()
		seqs[i], hashes[i], kinds[i], ats[i] = int64(f.Seq), h[:], text(string(f.Kind)), f.At
		publics[i], sigs[i] = r.Public, r.Sig
		if len(r.Private) > 0 {
			privates[i] = r.Private
		}
		for _, ref := range f.Refs {
			refAuthors, refSeqs, bySeqs = append(refAuthors, text(string(ref.Author))), append(refSeqs, int64(ref.Seq)), append(bySeqs, int64(f.Seq))
		}
	}
	_, err := tx.SQL().ExecContext(tx.Context(), `INSERT INTO facts (lot_id, author, seq, hash, kind, at, public, private, sig, received_at)
		SELECT $1, $2, u.*, $3 FROM unnest($4::bigint[], $5::bytea[], $6::text[], $7::timestamptz[], $8::bytea[], $9::bytea[], $10::bytea[]) u`,
		lot, author, now, seqs, hashes, kinds, ats, publics, privates, sigs)
	if err != nil {
		return fmt.Errorf("store facts: %w", err)
	}
	if len(bySeqs) == 0 {
		return nil
	}
	_, err = tx.SQL().ExecContext(tx.Context(), `INSERT INTO fact_refs (lot_id, author, ref_author, ref_seq, seq)
		SELECT $1, $2, u.* FROM unnest($3::text[], $4::bigint[], $5::bigint[]) u ON CONFLICT DO NOTHING`,
		lot, author, refAuthors, refSeqs, bySeqs)
	if err != nil {
		return fmt.Errorf("store refs: %w", err)
	}
	return nil
}

func (s store) saveAuthor(tx *database.Tx, lot string, k kept, now time.Time) error {
	head := k.log.Head
	_, err := tx.SQL().ExecContext(tx.Context(), `INSERT INTO authors (lot_id, author, booth_id, key, seq, hash, hlc, opened_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		ON CONFLICT (lot_id, author) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, hlc = excluded.hlc, updated_at = excluded.updated_at`,
		lot, string(k.author), text(k.booth), []byte(k.log.Key), int64(head.Seq), head.Hash[:], int64(head.HLC), now)
	if err != nil {
		return fmt.Errorf("store cursor: %w", err)
	}
	return nil
}

func (s store) closeAuthor(tx *database.Tx, lot string, author fact.Author, why string, now time.Time) error {
	_, err := tx.SQL().ExecContext(tx.Context(), `UPDATE authors SET closed_at = $3, closed_why = $4
		WHERE lot_id = $1 AND author = $2 AND closed_at IS NULL`, lot, string(author), now, text(why))
	if err != nil {
		return fmt.Errorf("close author: %w", err)
	}
	return nil
}

func (s store) setAside(tx *database.Tx, lot string, f fact.ID, kind fact.Kind, cause error, now time.Time) error {
	why := cause.Error()
	why = text(why[:min(len(why), 1000)])
	_, err := tx.SQL().ExecContext(tx.Context(), `INSERT INTO quarantine (lot_id, author, seq, kind, cause, at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		lot, string(f.Author), int64(f.Seq), text(string(kind)), why, now)
	if err != nil {
		return fmt.Errorf("set fact aside: %w", err)
	}
	return nil
}

// boothOf returns the booth of an author whose log is kept.
func (s store) boothOf(tx *database.Tx, lot string, author fact.Author) (booth string, err error) {
	err = tx.SQL().QueryRowContext(tx.Context(), `SELECT booth_id FROM authors WHERE lot_id = $1 AND author = $2`, lot, string(author)).Scan(&booth)
	if err != nil {
		return "", fmt.Errorf("booth of %s: %w", author, err)
	}
	return booth, nil
}

// over clears an alarm that is open; when none is, nothing is to be done.
func (s store) over(tx *database.Tx, a Alarm, at time.Time) error {
	_, err := tx.SQL().ExecContext(tx.Context(), `UPDATE alarms SET cleared_at = greatest($4, raised_at)
		WHERE lot_id = $1 AND kind = $2 AND subject = $3 AND cleared_at IS NULL`, a.Lot, a.Kind, text(a.Subject), at)
	if err != nil {
		return fmt.Errorf("clear alarm: %w", err)
	}
	return nil
}

// raise opens an alarm, or counts it in the one that is open.
func (s store) raise(tx *database.Tx, a Alarm, now time.Time) error {
	_, err := tx.SQL().ExecContext(tx.Context(), `INSERT INTO alarms (id, lot_id, kind, subject, zh, en, raised_at, last_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
		ON CONFLICT (lot_id, kind, subject) WHERE cleared_at IS NULL DO UPDATE SET times = alarms.times + 1, last_at = excluded.last_at`,
		id.New("alm", now), a.Lot, a.Kind, text(a.Subject), text(a.ZH), text(a.EN), now)
	if err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	return nil
}

func (s store) cursors(ctx context.Context, lot string) (exchange.Cursors, []fact.Author, error) {
	return readCursors(ctx, s.db.SQL(), lot)
}

func readCursors(ctx context.Context, q querier, lot string) (exchange.Cursors, []fact.Author, error) {
	rows, err := q.QueryContext(ctx, `SELECT author, seq, hash, hlc, closed_at IS NOT NULL FROM authors WHERE lot_id = $1 ORDER BY author`, text(lot))
	if err != nil {
		return nil, nil, fmt.Errorf("read cursors: %w", err)
	}
	defer func() { _ = rows.Close() }()
	cursors, closed := exchange.Cursors{}, []fact.Author(nil)
	for rows.Next() {
		var author string
		var seq, hlc int64
		var hash []byte
		var ended bool
		if err := rows.Scan(&author, &seq, &hash, &hlc, &ended); err != nil {
			return nil, nil, fmt.Errorf("read cursor: %w", err)
		}
		cursors[fact.Author(author)] = fact.Head{Seq: uint64(seq), Hash: fact.Hash(hash), HLC: fact.HLC(hlc)}
		if ended {
			closed = append(closed, fact.Author(author))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read cursors: %w", err)
	}
	return cursors, closed, nil
}
