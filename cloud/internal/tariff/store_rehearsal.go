package tariff

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

type rehearsalRow struct {
	ID, OperatorID, TariffID, Document, Classes, OnlyTariff, Laws, State, CursorID, Actor string

	Version             int
	Calendar            *string
	BegunFrom, BegunTo  time.Time
	Total, Done, Pages  int64
	CursorLot           int
	CursorAt, CreatedAt time.Time
	StartedAt, EndedAt  *time.Time
}

// rehearsals selects those of which the scope sees every lot: what one lot earns is in what all of them earn.
func rehearsals(q *gorm.DB, sc scope.Scope) *gorm.DB {
	q = q.Table("rehearsals r").Scopes(database.Within(sc, "r.operator_id", "")).Select(`r.id, r.operator_id, r.tariff_id, r.version,
		r.document::text AS document, r.calendar::text AS calendar, r.classes::text AS classes, r.only_tariff, r.begun_from, r.begun_to,
		r.laws::text AS laws, r.state, r.total, r.done, r.pages, r.cursor_lot, r.cursor_at, r.cursor_id, r.actor, r.created_at, r.started_at, r.ended_at`)
	if lots, all := sc.Lots(); !all {
		names := []string{""}
		for _, l := range lots {
			names = append(names, string(l))
		}
		q = q.Where("NOT EXISTS (SELECT FROM rehearsal_lots x WHERE x.rehearsal_id = r.id AND x.lot_id NOT IN ?)", names)
	}
	return q
}

func (r rehearsalRow) rehearsal() (Rehearsal, error) {
	out := Rehearsal{
		ID: RehearsalID(r.ID), Operator: id.Operator(r.OperatorID), Tariff: ID(r.TariffID), Version: r.Version, Only: r.OnlyTariff,
		From: r.BegunFrom, To: r.BegunTo, State: State(r.State), Total: r.Total, Done: r.Done, Actor: scope.Actor(r.Actor),
		CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt, pages: r.Pages, cursor: cursor{r.CursorLot, r.CursorAt, r.CursorID},
	}
	var err error
	if out.Document, err = engine.Decode([]byte(r.Document)); err != nil {
		return out, fmt.Errorf("candidate of rehearsal %s: %w", r.ID, err)
	}
	if r.Calendar != nil {
		if err := json.Unmarshal([]byte(*r.Calendar), &out.Calendar); err != nil {
			return out, fmt.Errorf("calendar of rehearsal %s: %w", r.ID, err)
		}
	}
	for what, into := range map[string]any{r.Classes: &out.Classes, r.Laws: &out.Laws} {
		if err := json.Unmarshal([]byte(what), into); err != nil {
			return out, fmt.Errorf("decode rehearsal %s: %w", r.ID, err)
		}
	}
	return out, nil
}

func (s store) rehearsals(ctx context.Context, sc scope.Scope, of ID) ([]Rehearsal, error) {
	q := rehearsals(s.db.Gorm(ctx), sc)
	if of != "" {
		q = q.Where("r.tariff_id = ?", string(of))
	}
	var rows []rehearsalRow
	if err := q.Order("r.id DESC").Limit(200).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("find rehearsals: %w", err)
	}
	out := make([]Rehearsal, 0, len(rows))
	for _, row := range rows {
		r, err := row.rehearsal()
		if err == nil {
			r.Lots, err = s.tallies(s.db.Gorm(ctx), r.ID)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// tallies reads the lots of a rehearsal that was found within a scope.
func (s store) tallies(q *gorm.DB, which RehearsalID) ([]LotTally, error) {
	var rows []struct{ LotID, Tally string }
	err := q.Table("rehearsal_lots").Where("rehearsal_id = ?", string(which)).Order("position").Select("lot_id, tally::text AS tally").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read lots of rehearsal %s: %w", which, err)
	}
	out := make([]LotTally, len(rows))
	for i, r := range rows {
		out[i].Lot = id.Lot(r.LotID)
		if err := json.Unmarshal([]byte(r.Tally), &out[i].Tally); err != nil {
			return nil, fmt.Errorf("decode tally of rehearsal %s: %w", which, err)
		}
	}
	return out, nil
}

func (s store) rehearsal(ctx context.Context, sc scope.Scope, which RehearsalID) (Rehearsal, error) {
	var row rehearsalRow
	if err := rehearsals(s.db.Gorm(ctx), sc).Where("r.id = ?", string(which)).Take(&row).Error; err != nil {
		if database.IsNotFound(err) {
			return Rehearsal{}, ErrNoRehearsal
		}
		return Rehearsal{}, fmt.Errorf("read rehearsal %s: %w", which, err)
	}
	r, err := row.rehearsal()
	if err != nil {
		return r, err
	}
	r.Lots, err = s.tallies(s.db.Gorm(ctx), which)
	return r, err
}

func (s store) lockRehearsal(tx *database.Tx, sc scope.Scope, which RehearsalID) (Rehearsal, error) {
	var locked []string
	if err := tx.Gorm().Raw(`SELECT id FROM rehearsals WHERE id = ? FOR UPDATE`, string(which)).Scan(&locked).Error; err != nil {
		return Rehearsal{}, fmt.Errorf("lock rehearsal %s: %w", which, err)
	}
	var row rehearsalRow
	if err := rehearsals(tx.Gorm(), sc).Where("r.id = ?", string(which)).Take(&row).Error; err != nil {
		if database.IsNotFound(err) {
			return Rehearsal{}, ErrNoRehearsal
		}
		return Rehearsal{}, fmt.Errorf("read rehearsal %s: %w", which, err)
	}
	return row.rehearsal()
}

func (s store) insertRehearsal(tx *database.Tx, sc scope.Scope, r Rehearsal) error {
	if !sc.SeesOperator(r.Operator) {
		return ErrNoRehearsal
	}
	// Whoever starts one waits for others who do, so that the bound holds.
	if err := tx.Gorm().Exec(`SELECT FROM operators WHERE id = ? FOR UPDATE`, string(r.Operator)).Error; err != nil {
		return fmt.Errorf("lock operator %s: %w", r.Operator, err)
	}
	var open int64
	err := tx.Gorm().Table("rehearsals").Where("operator_id = ? AND state IN ('waiting', 'running')", string(r.Operator)).Count(&open).Error
	if err != nil {
		return fmt.Errorf("count rehearsals: %w", err)
	}
	if open >= atOnce {
		return ErrManyAtOnce
	}
	parts := make([]string, 0, 4)
	for _, v := range []any{r.Document, r.Calendar, orEmpty(r.Classes), orEmpty(r.Laws)} {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode rehearsal: %w", err)
		}
		parts = append(parts, string(text))
	}
	err = tx.Gorm().Exec(`INSERT INTO rehearsals (id, operator_id, tariff_id, version, document, calendar, classes, only_tariff, begun_from, begun_to,
			laws, state, total, cursor_at, actor, created_at)
		VALUES (?, ?, ?, ?, ?::jsonb, nullif(?, 'null')::jsonb, ?::jsonb, ?, ?, ?, ?::jsonb, ?, ?, ?, ?, ?)`,
		string(r.ID), string(r.Operator), string(r.Tariff), r.Version, parts[0], parts[1], parts[2], r.Only, r.From, r.To, parts[3],
		string(r.State), r.Total, r.From, string(r.Actor), r.CreatedAt).Error
	if err != nil {
		return fmt.Errorf("insert rehearsal: %w", err)
	}
	for i, l := range r.Lots {
		if err := tx.Gorm().Exec(`INSERT INTO rehearsal_lots (rehearsal_id, position, lot_id, tally) VALUES (?, ?, ?, '{}')`,
			string(r.ID), i, string(l.Lot)).Error; err != nil {
			return fmt.Errorf("insert lot %s of a rehearsal: %w", l.Lot, err)
		}
	}
	return nil
}

func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// endRehearsal ends one that has not ended.
func (s store) endRehearsal(tx *database.Tx, _ scope.Scope, which RehearsalID, state State, at time.Time) error {
	err := tx.Gorm().Exec(`UPDATE rehearsals SET state = ?, ended_at = ? WHERE id = ? AND state IN ('waiting', 'running')`, string(state), at, string(which)).Error
	if err != nil {
		return fmt.Errorf("end rehearsal %s: %w", which, err)
	}
	return nil
}

// turn moves a rehearsal on by a page and keeps the tally of its lot. It reports false when the rehearsal has ended or the
// page was worked already.
func (s store) turn(tx *database.Tx, _ scope.Scope, r Rehearsal, lot int, at time.Time) (bool, error) {
	done := tx.Gorm().Exec(`UPDATE rehearsals SET state = ?, done = ?, pages = pages + 1, cursor_lot = ?, cursor_at = ?, cursor_id = ?,
			started_at = coalesce(started_at, ?), ended_at = CASE ?::text WHEN 'done' THEN ?::timestamptz END
		WHERE id = ? AND pages = ? AND state IN ('waiting', 'running')`,
		string(r.State), r.Done, r.cursor.lot, r.cursor.at, r.cursor.id, at, string(r.State), at, string(r.ID), r.pages)
	if done.Error != nil {
		return false, fmt.Errorf("move rehearsal %s: %w", r.ID, done.Error)
	}
	if done.RowsAffected == 0 {
		return false, nil
	}
	text, err := json.Marshal(r.Lots[lot].Tally)
	if err != nil {
		return false, fmt.Errorf("encode tally of rehearsal %s: %w", r.ID, err)
	}
	err = tx.Gorm().Exec(`UPDATE rehearsal_lots SET tally = ?::jsonb WHERE rehearsal_id = ? AND position = ?`, string(text), string(r.ID), lot).Error
	if err != nil {
		return false, fmt.Errorf("keep tally of rehearsal %s: %w", r.ID, err)
	}
	return true, nil
}

// closed selects the billed stays of lots that a rehearsal looks at.
func closed(q *gorm.DB, sc scope.Scope, r Rehearsal, lots ...string) *gorm.DB {
	q = q.Table("sessions s").Joins("JOIN lots l ON l.id = s.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("s.lot_id IN ? AND s.begun_at >= ? AND s.begun_at < ? AND s.billed AND s.state = 'left'", lots, r.From, r.To)
	if len(r.Classes) > 0 {
		q = q.Where("s.plate_class IN ?", r.Classes)
	}
	return q
}

func (s store) countPast(ctx context.Context, sc scope.Scope, r Rehearsal) (n int64, err error) {
	lots := make([]string, 0, len(r.Lots))
	for _, l := range r.Lots {
		lots = append(lots, string(l.Lot))
	}
	if err := closed(s.db.Gorm(ctx), sc, r, lots...).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count stays of a rehearsal: %w", err)
	}
	return n, nil
}

// past reads the page of a rehearsal's lot that begins after its cursor.
func (s store) past(ctx context.Context, sc scope.Scope, r Rehearsal) ([]past, error) {
	lot := r.Lots[r.cursor.lot].Lot
	var rows []struct {
		BegunAt  time.Time
		Document string
	}
	err := closed(s.db.Gorm(ctx), sc, r, string(lot)).Where("(s.begun_at, s.id) > (?, ?)", r.cursor.at, r.cursor.id).
		Select("s.begun_at, s.document::text AS document").Order("s.begun_at, s.id").Limit(pageSize).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read stays of %s: %w", lot, err)
	}
	out, ids := make([]past, len(rows)), make([]fact.ID, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Document), &out[i].Session); err != nil {
			return nil, fmt.Errorf("decode session of %s: %w", lot, err)
		}
		if out[i].Bill == nil {
			return nil, fmt.Errorf("session %s of %s is billed and has no bill", out[i].ID, lot)
		}
		out[i].begun, ids[i] = row.BegunAt, out[i].Billed
	}
	bills, err := s.bills(ctx, lot, ids)
	for i := range out {
		bill := bills[ids[i]]
		out[i].config, out[i].rights = bill.Config, bill.Rights
	}
	return out, err
}

// bills reads facts of bills: what they were priced with.
func (s store) bills(ctx context.Context, lot id.Lot, ids []fact.ID) (map[fact.ID]fact.Bill, error) {
	authors, seqs := make([]string, len(ids)), make([]int64, len(ids))
	for i, f := range ids {
		authors[i], seqs[i] = string(f.Author), int64(f.Seq)
	}
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT f.public FROM unnest($2::text[], $3::bigint[]) u(author, seq)
		JOIN facts f ON f.lot_id = $1 AND f.author = u.author AND f.seq = u.seq WHERE f.kind = 'bill'`, string(lot), authors, seqs)
	if err != nil {
		return nil, fmt.Errorf("read bills of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[fact.ID]fact.Bill{}
	for rows.Next() {
		var r fact.Record
		if err := rows.Scan(&r.Public); err != nil {
			return nil, fmt.Errorf("read bill of %s: %w", lot, err)
		}
		f, err := fact.Unseal(r)
		if err != nil {
			return nil, fmt.Errorf("stored fact of %s: %w", lot, err)
		}
		bill, err := fact.Decode[fact.Bill](&f)
		if err != nil {
			return nil, fmt.Errorf("stored bill of %s: %w", lot, err)
		}
		out[f.ID()] = bill
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read bills of %s: %w", lot, err)
	}
	return out, nil
}

// config reads a configuration that a lot had; nil when there is none of the number.
func (s store) config(ctx context.Context, sc scope.Scope, lot id.Lot, number uint64) (*wire.Config, error) {
	var row struct{ Document []byte }
	err := s.db.Gorm(ctx).Table("configs c").Joins("JOIN lots l ON l.id = c.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("c.lot_id = ? AND c.number = ?", string(lot), int64(number)).Select("c.document").Take(&row).Error
	if database.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration %d of %s: %w", number, lot, err)
	}
	var c wire.Config
	if err := json.Unmarshal(row.Document, &c); err != nil {
		return nil, fmt.Errorf("decode configuration %d of %s: %w", number, lot, err)
	}
	return &c, nil
}
