package parking

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
)

type store struct{ db *database.DB }

// sorts maps what may be asked for to columns, so that no text of a request becomes SQL.
var sorts = map[string]string{
	"": "s.begun_at DESC, s.id", "entered_at": "s.begun_at, s.id", "-entered_at": "s.begun_at DESC, s.id",
	"left_at": "s.left_at NULLS LAST, s.id", "-left_at": "s.left_at DESC NULLS LAST, s.id",
	"gross": "s.gross, s.id", "-gross": "s.gross DESC, s.id", "debt": "s.debt, s.id", "-debt": "s.debt DESC, s.id",
}

func (s store) filtered(ctx context.Context, sc scope.Scope, f Filter) *gorm.DB {
	q := s.db.Gorm(ctx).Table("sessions s").Joins("JOIN lots l ON l.id = s.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id"))
	if f.Lot != "" {
		q = q.Where("s.lot_id = ?", string(f.Lot))
	}
	if f.Plate != "" {
		q = q.Where("strpos(s.plate_text, ?) > 0", f.Plate)
	}
	if f.State != "" {
		q = q.Where("s.state = ?", string(f.State))
	}
	if f.Flag != "" {
		q = q.Where("? = ANY(s.flags)", string(f.Flag))
	}
	if !f.From.IsZero() {
		q = q.Where("s.begun_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		q = q.Where("s.begun_at < ?", f.To)
	}
	if f.MinDebt > 0 {
		q = q.Where("s.debt >= ?", int64(f.MinDebt))
	}
	return q
}

type sessionRow struct {
	LotID    string
	Currency string
	Document string
}

func (r sessionRow) session() (Session, error) {
	out := Session{Lot: id.Lot(r.LotID), Currency: money.Currency(r.Currency)}
	if err := json.Unmarshal([]byte(r.Document), &out.Session); err != nil {
		return out, fmt.Errorf("decode session of %s: %w", r.LotID, err)
	}
	return out, nil
}

const sessionColumns = "s.lot_id, coalesce(nullif(s.currency, ''), l.currency) AS currency, s.document"

func (s store) sessions(ctx context.Context, sc scope.Scope, f Filter) ([]Session, int64, Totals, error) {
	order, ok := sorts[f.Sort]
	if !ok {
		return nil, 0, Totals{}, ErrFilter.With("query.sort", "不能按此排序", "sessions cannot be sorted by this")
	}
	var sum struct{ N, Gross, Free, Paid, Debt int64 }
	err := s.filtered(ctx, sc, f).Select(`count(*) AS n, coalesce(sum(s.gross), 0)::bigint AS gross, coalesce(sum(s.free), 0)::bigint AS free,
		coalesce(sum(s.paid), 0)::bigint AS paid, coalesce(sum(s.debt), 0)::bigint AS debt`).Scan(&sum).Error
	if err != nil {
		return nil, 0, Totals{}, fmt.Errorf("total sessions: %w", err)
	}
	var rows []sessionRow
	err = s.filtered(ctx, sc, f).Select(sessionColumns).Order(order).Limit(f.Size).Offset((f.Page - 1) * f.Size).Scan(&rows).Error
	if err != nil {
		return nil, 0, Totals{}, fmt.Errorf("find sessions: %w", err)
	}
	out, err := decode(rows)
	return out, sum.N, Totals{money.Amount(sum.Gross), money.Amount(sum.Free), money.Amount(sum.Paid), money.Amount(sum.Debt)}, err
}

func decode(rows []sessionRow) ([]Session, error) {
	out := make([]Session, 0, len(rows))
	for _, r := range rows {
		x, err := r.session()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func (s store) session(ctx context.Context, sc scope.Scope, lot id.Lot, which session.ID) (Session, error) {
	var rows []sessionRow
	err := s.filtered(ctx, sc, Filter{Lot: lot}).Where("s.id = ? OR s.aliases <> '{}' AND s.aliases @> ARRAY[?::text]", which.String(), which.String()).
		Select(sessionColumns).Limit(1).Scan(&rows).Error
	if err != nil {
		return Session{}, fmt.Errorf("read session %s: %w", which, err)
	}
	if len(rows) == 0 {
		return Session{}, ErrNoSession
	}
	return rows[0].session()
}

func (s store) inside(ctx context.Context, sc scope.Scope, lot id.Lot, text string) ([]Session, error) {
	var rows []sessionRow
	err := s.filtered(ctx, sc, Filter{Lot: lot, State: session.Inside}).Where("s.plate_text = ?", text).
		Select(sessionColumns).Order("s.begun_at DESC, s.id").Limit(20).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find sessions inside %s: %w", lot, err)
	}
	return decode(rows)
}

// facts reads facts of a lot; the caller has read the session that names them within a scope.
func (s store) facts(ctx context.Context, lot id.Lot, ids []fact.ID) ([]Fact, error) {
	authors, seqs := make([]string, len(ids)), make([]int64, len(ids))
	for i, f := range ids {
		authors[i], seqs[i] = string(f.Author), int64(f.Seq)
	}
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT f.public, f.private, f.sig, a.booth_id FROM unnest($2::text[], $3::bigint[]) u(author, seq)
		JOIN facts f ON f.lot_id = $1 AND f.author = u.author AND f.seq = u.seq JOIN authors a ON a.lot_id = f.lot_id AND a.author = f.author`,
		string(lot), authors, seqs)
	if err != nil {
		return nil, fmt.Errorf("read facts of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	var out []Fact
	for rows.Next() {
		var r fact.Record
		var f Fact
		if err := rows.Scan(&r.Public, &r.Private, &r.Sig, &f.Booth); err != nil {
			return nil, fmt.Errorf("read fact of %s: %w", lot, err)
		}
		if f.Fact, err = fact.Unseal(r); err != nil {
			return nil, fmt.Errorf("stored fact of %s: %w", lot, err)
		}
		out = append(out, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read facts of %s: %w", lot, err)
	}
	slices.SortFunc(out, func(x, y Fact) int {
		if x.HLC != y.HLC {
			if x.HLC < y.HLC {
				return -1
			}
			return 1
		}
		return x.ID().Compare(y.ID())
	})
	return out, nil
}

// passagesMax bounds how far people may leaf, since every page is counted from the newest.
const passagesMax = 100_000

func (s store) passages(ctx context.Context, sc scope.Scope, f Filter) ([]Passage, int64, error) {
	query := func() *gorm.DB {
		q := s.db.Gorm(ctx).Table("passages p").Joins("JOIN lots l ON l.id = p.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id"))
		for column, value := range map[string]string{
			"p.lot_id": string(f.Lot), "p.lane": f.Lane, "p.dir": string(f.Dir), "p.outcome": f.Outcome,
		} {
			if value != "" {
				q = q.Where(column+" = ?", value)
			}
		}
		if f.Plate != "" {
			q = q.Where("strpos(p.plate_text, ?) > 0", f.Plate)
		}
		if !f.From.IsZero() {
			q = q.Where("p.at >= ?", f.From)
		}
		if !f.To.IsZero() {
			q = q.Where("p.at < ?", f.To)
		}
		return q
	}
	var total int64
	if err := query().Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count passages: %w", err)
	}
	var rows []struct {
		LotID, Author, Lane, Dir, PlateText, PlateColour, PlateClass, Outcome, Action, Reason, Photo, Session string

		Seq        int64
		Confidence int
		At         time.Time
		Late       bool
	}
	err := query().Select("p.*").Order("p.at DESC, p.author, p.seq").Limit(f.Size).Offset(min((f.Page-1)*f.Size, passagesMax)).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("find passages: %w", err)
	}
	out := make([]Passage, 0, len(rows))
	for _, r := range rows {
		out = append(out, Passage{
			Lot: id.Lot(r.LotID), ID: fact.ID{Author: fact.Author(r.Author), Seq: uint64(r.Seq)}, At: r.At, Lane: r.Lane, Dir: fact.Dir(r.Dir),
			Plate: r.PlateText, Colour: r.PlateColour, Class: r.PlateClass, Confidence: r.Confidence, Outcome: r.Outcome, Action: r.Action,
			Reason: r.Reason, Photo: r.Photo, Session: r.Session, Late: r.Late,
		})
	}
	return out, total, nil
}

func (s store) seesPhoto(ctx context.Context, sc scope.Scope, hash []byte) (bool, error) {
	var n int64
	err := s.db.Gorm(ctx).Table("photos p").Joins("JOIN lots l ON l.id = p.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("p.sha256 = ?", hash).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("find photo: %w", err)
	}
	return n > 0, nil
}
