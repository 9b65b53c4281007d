package live

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// store reads of lots that the hub's authorisation, or the operation's scope, has let through.
type store struct{ db *database.DB }

func (s store) counts(ctx context.Context, lot string) (c Counts, err error) {
	err = s.db.SQL().QueryRowContext(ctx, `SELECT capacity, (SELECT count(*) FROM sessions s WHERE s.lot_id = l.id AND s.state = 'inside') FROM lots l WHERE id = $1`,
		lot).Scan(&c.Capacity, &c.Inside)
	if err != nil {
		return c, fmt.Errorf("count %s: %w", lot, err)
	}
	return c, nil
}

func (s store) cursors(ctx context.Context, lot string) (exchange.Cursors, error) {
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT author, seq FROM authors WHERE lot_id = $1`, lot)
	if err != nil {
		return nil, fmt.Errorf("read cursors of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	out := exchange.Cursors{}
	for rows.Next() {
		var author string
		var seq int64
		if err := rows.Scan(&author, &seq); err != nil {
			return nil, fmt.Errorf("read cursor of %s: %w", lot, err)
		}
		out[fact.Author(author)] = fact.Head{Seq: uint64(seq)}
	}
	return out, rows.Err()
}

// events reads the facts needed that are younger than since, and makes events of those worth one, oldest first.
func (s store) events(ctx context.Context, lot string, needs []exchange.Need, since time.Time) ([]Event, error) {
	var authors []string
	var afters, tos []int64
	for _, n := range needs {
		authors, afters, tos = append(authors, string(n.Author)), append(afters, int64(n.After)), append(tos, int64(n.To))
	}
	// The newest few are enough for a live view: the cursor moves past the rest.
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT f.public, f.private, f.sig, l.currency
		FROM unnest($2::text[], $3::bigint[], $4::bigint[]) n(author, after, upto)
		JOIN LATERAL (SELECT * FROM facts f WHERE f.lot_id = $1 AND f.author = n.author AND f.seq > n.after AND f.seq <= n.upto AND f.at > $5
			ORDER BY f.seq DESC LIMIT 50) f ON true
		JOIN lots l ON l.id = $1`, lot, authors, afters, tos, since)
	if err != nil {
		return nil, fmt.Errorf("read new facts of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	var out []Event
	var about []fact.ID // of each event, the observation it names
	for rows.Next() {
		var r fact.Record
		var currency string
		if err := rows.Scan(&r.Public, &r.Private, &r.Sig, &currency); err != nil {
			return nil, fmt.Errorf("read new fact of %s: %w", lot, err)
		}
		f, err := fact.Unseal(r)
		if err != nil {
			return nil, fmt.Errorf("stored fact of %s: %w", lot, err)
		}
		if e, ok := eventOf(&f, money.Currency(currency)); ok {
			out, about = append(out, e), append(about, append(slices.Clone(f.Refs), f.ID())[0])
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read new facts of %s: %w", lot, err)
	}
	if err := s.vehicles(ctx, lot, out, about); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Event) int { return a.At.Compare(b.At) })
	return out, nil
}

// vehicles adds plates and lanes to events.
func (s store) vehicles(ctx context.Context, lot string, events []Event, about []fact.ID) error {
	authors, seqs := make([]string, len(about)), make([]int64, len(about))
	for i, o := range about {
		authors[i], seqs[i] = string(o.Author), int64(o.Seq)
	}
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT u.n, p.plate_text, p.lane FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY u(author, seq, n)
		JOIN passages p ON p.lot_id = $1 AND p.author = u.author AND p.seq = u.seq`, lot, authors, seqs)
	if err != nil {
		return fmt.Errorf("read vehicles of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var plate, lane string
		if err := rows.Scan(&n, &plate, &lane); err != nil {
			return fmt.Errorf("read vehicle of %s: %w", lot, err)
		}
		e := &events[n-1]
		if e.Plate = plate; e.Lane == "" {
			e.Lane = lane
		}
	}
	return rows.Err()
}
