package ingest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// lotPast is a lot's stored facts, seen from inside a transaction, without the run of fresh ones that the caller has in
// its hands: those of author from seq on.
type lotPast struct {
	tx     *database.Tx
	lot    string
	author fact.Author
	seq    uint64
}

func split(ids []fact.ID) (authors []string, seqs []int64) {
	for _, id := range ids {
		authors, seqs = append(authors, text(string(id.Author))), append(seqs, int64(id.Seq))
	}
	return authors, seqs
}

func (p lotPast) seen(ctx context.Context, ids []fact.ID, vehicles []session.Key, clocks []clock) ([]seen, error) {
	var out []seen
	ask := func(query string, args ...any) error {
		rows, err := p.tx.SQL().QueryContext(ctx, query, append([]any{p.lot}, args...)...)
		if err != nil {
			return fmt.Errorf("find observations: %w", err)
		}
		more, err := collect(rows, func(rows *sql.Rows) (s seen, err error) {
			var seq int64
			err = rows.Scan(&s.id.Author, &seq, &s.vehicle)
			s.id.Seq = uint64(seq)
			return s, err
		})
		out = append(out, more...)
		return err
	}
	if len(ids) > 0 {
		authors, seqs := split(ids)
		if err := ask(`SELECT p.author, p.seq, p.vehicle FROM unnest($2::text[], $3::bigint[]) u(author, seq)
			JOIN passages p ON p.lot_id = $1 AND p.author = u.author AND p.seq = u.seq`, authors, seqs); err != nil {
			return nil, err
		}
	}
	if len(vehicles) > 0 {
		if err := ask(`SELECT author, seq, vehicle FROM passages WHERE lot_id = $1 AND vehicle = ANY($2::text[])`, words(vehicles)); err != nil {
			return nil, err
		}
	}
	for _, c := range clocks {
		if err := ask(`SELECT author, seq, vehicle FROM passages WHERE lot_id = $1 AND author = $2 AND source = $3 AND boot = $4`,
			string(c.author), text(c.source), text(c.boot)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func words[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = text(string(v))
	}
	return out
}

func (p lotPast) about(ctx context.Context, observations []fact.ID, authors []fact.Author) ([]fact.Record, error) {
	by, seqs := split(observations)
	rows, err := p.tx.SQL().QueryContext(ctx, `
		WITH wanted AS (SELECT * FROM unnest($2::text[], $3::bigint[]) u(author, seq)),
		ids AS (
			SELECT author, seq FROM wanted
			UNION SELECT r.author, r.seq FROM wanted w JOIN fact_refs r ON r.lot_id = $1 AND r.ref_author = w.author AND r.ref_seq = w.seq)
		SELECT f.public, f.private, f.sig FROM ids JOIN facts f ON f.lot_id = $1 AND f.author = ids.author AND f.seq = ids.seq
			WHERE NOT (ids.author = $5 AND ids.seq >= $6)
		UNION ALL SELECT public, private, sig FROM facts WHERE lot_id = $1 AND author = ANY($4::text[]) AND kind = 'clock.offset'`,
		p.lot, by, seqs, words(authors), string(p.author), int64(p.seq))
	if err != nil {
		return nil, fmt.Errorf("read facts of vehicles: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (r fact.Record, err error) {
		return r, rows.Scan(&r.Public, &r.Private, &r.Sig)
	})
}

// sums returns the checksums of the rows that stand for the vehicles.
func (s store) sums(tx *database.Tx, lot string, vehicles []session.Key) (map[string]int64, map[fact.ID]int64, error) {
	keys := words(vehicles)
	ss, ps := map[string]int64{}, map[fact.ID]int64{}
	rows, err := tx.SQL().QueryContext(tx.Context(), `SELECT id, sum FROM sessions WHERE lot_id = $1 AND vehicle = ANY($2::text[])`, lot, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("read sessions' sums: %w", err)
	}
	_, err = collect(rows, func(rows *sql.Rows) (x struct{}, err error) {
		var id string
		var sum int64
		err = rows.Scan(&id, &sum)
		ss[id] = sum
		return x, err
	})
	if err != nil {
		return nil, nil, err
	}
	if rows, err = tx.SQL().QueryContext(tx.Context(), `SELECT author, seq, sum FROM passages WHERE lot_id = $1 AND vehicle = ANY($2::text[])`, lot, keys); err != nil {
		return nil, nil, fmt.Errorf("read passages' sums: %w", err)
	}
	_, err = collect(rows, func(rows *sql.Rows) (x struct{}, err error) {
		var id fact.ID
		var seq, sum int64
		err = rows.Scan(&id.Author, &seq, &sum)
		id.Seq = uint64(seq)
		ps[id] = sum
		return x, err
	})
	return ss, ps, err
}

// columns gathers rows into arrays, one per column, for unnest.
type columns struct {
	arrays []any
}

func column[R, T any](c *columns, rows []R, value func(*R) T) {
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = value(&rows[i])
	}
	c.arrays = append(c.arrays, out)
}

// literal is a text[] as text, since unnest flattens arrays of arrays.
func literal[T any](in []T, word func(T) string) string {
	quoted := make([]string, len(in))
	for i, v := range in {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text(word(v))) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

func (s store) project(tx *database.Tx, lot string, sessions []sessionRow, passages []passageRow, gone []string) error {
	ctx := tx.Context()
	if len(gone) > 0 {
		if _, err := tx.SQL().ExecContext(ctx, `DELETE FROM sessions WHERE lot_id = $1 AND id = ANY($2::text[])`, lot, gone); err != nil {
			return fmt.Errorf("remove sessions: %w", err)
		}
	}
	if len(sessions) > 0 {
		if _, err := tx.SQL().ExecContext(ctx, upsertSessions, append([]any{lot}, sessionColumns(sessions)...)...); err != nil {
			return fmt.Errorf("write sessions: %w", err)
		}
	}
	if len(passages) > 0 {
		if _, err := tx.SQL().ExecContext(ctx, upsertPassages, append([]any{lot}, passageColumns(passages)...)...); err != nil {
			return fmt.Errorf("write passages: %w", err)
		}
	}
	return nil
}

const upsertSessions = `INSERT INTO sessions (lot_id, id, vehicle, aliases, plate_text, plate_colour, plate_class, state, begun_at,
		entered_at, entry_lane, left_at, exit_lane, gross, free, paid, debt, excess, currency, billed, grade, flags, document, sum)
	SELECT $1, u.id, u.vehicle, u.aliases::text[], u.pt, u.pc, u.pk, u.state, coalesce(u.entered, u.left_at),
		u.entered, u.el, u.left_at, u.xl, u.gross, u.free, u.paid, u.debt, u.excess, u.currency, u.billed, u.grade, u.flags::text[], u.doc::json, u.sum
	FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::text[], $11::timestamptz[],
		$12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[], $19::boolean[], $20::text[], $21::text[],
		$22::text[], $23::bigint[])
		u(id, vehicle, aliases, pt, pc, pk, state, entered, el, left_at, xl, gross, free, paid, debt, excess, currency, billed, grade, flags, doc, sum)
	ON CONFLICT (lot_id, id) DO UPDATE SET vehicle = excluded.vehicle, aliases = excluded.aliases, plate_text = excluded.plate_text,
		plate_colour = excluded.plate_colour, plate_class = excluded.plate_class, state = excluded.state, begun_at = excluded.begun_at,
		entered_at = excluded.entered_at, entry_lane = excluded.entry_lane, left_at = excluded.left_at, exit_lane = excluded.exit_lane,
		gross = excluded.gross, free = excluded.free, paid = excluded.paid, debt = excluded.debt, excess = excluded.excess,
		currency = excluded.currency, billed = excluded.billed, grade = excluded.grade, flags = excluded.flags,
		document = excluded.document, sum = excluded.sum`

func sessionColumns(rows []sessionRow) []any {
	var c columns
	column(&c, rows, func(r *sessionRow) string { return r.s.ID.String() })
	column(&c, rows, func(r *sessionRow) string { return text(string(r.vehicle)) })
	column(&c, rows, func(r *sessionRow) string { return literal(r.s.Aliases, fact.ID.String) })
	column(&c, rows, func(r *sessionRow) string { return text(r.s.Plate.Text) })
	column(&c, rows, func(r *sessionRow) string { colour, _ := plateWords(r.s.Plate); return colour })
	column(&c, rows, func(r *sessionRow) string { _, class := plateWords(r.s.Plate); return class })
	column(&c, rows, func(r *sessionRow) string { return string(r.s.State) })
	for _, end := range []func(*sessionRow) *session.Visit{
		func(r *sessionRow) *session.Visit { return r.s.Entry }, func(r *sessionRow) *session.Visit { return r.s.Exit },
	} {
		column(&c, rows, func(r *sessionRow) *time.Time {
			if v := end(r); v != nil {
				return &v.At
			}
			return nil
		})
		column(&c, rows, func(r *sessionRow) string {
			if v := end(r); v != nil {
				return text(v.Lane)
			}
			return ""
		})
	}
	column(&c, rows, func(r *sessionRow) int64 { return int64(r.s.Money.Gross) })
	column(&c, rows, func(r *sessionRow) int64 { return int64(r.s.Money.Free) })
	column(&c, rows, func(r *sessionRow) int64 { return int64(r.s.Money.Paid) })
	column(&c, rows, func(r *sessionRow) int64 { return int64(r.s.Money.Debt) })
	column(&c, rows, func(r *sessionRow) int64 { return int64(r.s.Money.Excess) })
	column(&c, rows, func(r *sessionRow) string {
		if r.s.Bill != nil {
			return text(string(r.s.Bill.Currency))
		}
		return ""
	})
	column(&c, rows, func(r *sessionRow) bool { return r.s.Bill != nil })
	column(&c, rows, func(r *sessionRow) string { return string(r.s.Grade) })
	column(&c, rows, func(r *sessionRow) string {
		return literal(r.s.Flags, func(f session.Flag) string { return string(f) })
	})
	column(&c, rows, func(r *sessionRow) string { return string(r.doc) })
	column(&c, rows, func(r *sessionRow) int64 { return r.sum })
	return c.arrays
}

const upsertPassages = `INSERT INTO passages (lot_id, author, seq, vehicle, source, boot, at, lane, dir, plate_text, plate_colour, plate_class,
		confidence, outcome, action, reason, photo, session, late, sum)
	SELECT $1, u.* FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[], $10::text[],
		$11::text[], $12::text[], $13::integer[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::boolean[], $20::bigint[]) u
	ON CONFLICT (lot_id, author, seq) DO UPDATE SET vehicle = excluded.vehicle, at = excluded.at, plate_text = excluded.plate_text,
		plate_colour = excluded.plate_colour, plate_class = excluded.plate_class, outcome = excluded.outcome, action = excluded.action,
		reason = excluded.reason, session = excluded.session, sum = excluded.sum`

func passageColumns(rows []passageRow) []any {
	var c columns
	read := func(r *passageRow) fact.Read {
		if r.Read == nil {
			return fact.Read{}
		}
		return *r.Read
	}
	decision := func(r *passageRow) fact.Decision {
		if r.Decision == nil {
			return fact.Decision{}
		}
		return *r.Decision
	}
	column(&c, rows, func(r *passageRow) string { return string(r.ID.Author) })
	column(&c, rows, func(r *passageRow) int64 { return int64(r.ID.Seq) })
	column(&c, rows, func(r *passageRow) string { return text(string(r.Vehicle)) })
	column(&c, rows, func(r *passageRow) string { return text(r.Source) })
	column(&c, rows, func(r *passageRow) string { return text(r.Boot) })
	column(&c, rows, func(r *passageRow) time.Time { return r.At })
	column(&c, rows, func(r *passageRow) string { return text(r.Lane) })
	column(&c, rows, func(r *passageRow) string { return string(r.Dir) })
	column(&c, rows, func(r *passageRow) string { return text(r.Plate.Text) })
	column(&c, rows, func(r *passageRow) string { colour, _ := plateWords(r.Plate); return colour })
	column(&c, rows, func(r *passageRow) string { _, class := plateWords(r.Plate); return class })
	column(&c, rows, func(r *passageRow) int32 { return int32(max(0, min(100, read(r).Confidence))) })
	column(&c, rows, func(r *passageRow) string { return text(string(r.Outcome)) })
	column(&c, rows, func(r *passageRow) string { return text(string(decision(r).Action)) })
	column(&c, rows, func(r *passageRow) string { return text(decision(r).Reason) })
	column(&c, rows, func(r *passageRow) string { return scene(read(r).Photos) })
	column(&c, rows, func(r *passageRow) string { return r.session })
	column(&c, rows, func(r *passageRow) bool { return read(r).Late })
	column(&c, rows, func(r *passageRow) int64 { return r.sum })
	return c.arrays
}

// scene picks the photo that shows the most.
func scene(photos []fact.Photo) string {
	best := ""
	for _, p := range photos {
		if best == "" || p.Kind == "scene" {
			best = text(p.SHA256)
		}
	}
	return best
}

func (s store) dropProjections(tx *database.Tx, lot string) error {
	for _, statement := range []string{`DELETE FROM sessions WHERE lot_id = $1`, `DELETE FROM passages WHERE lot_id = $1`} {
		if _, err := tx.SQL().ExecContext(tx.Context(), statement, lot); err != nil {
			return fmt.Errorf("drop projections: %w", err)
		}
	}
	return nil
}
