package right

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	engine "lotkeeper/shared/right"
)

type store struct{ db *database.DB }

// row is a right as it is stored.
type row struct {
	ID, OperatorID, Actor string

	Document  []byte
	Lots      string // JSON
	CreatedAt time.Time
	UpdatedAt time.Time
}

const columns = `r.id, r.operator_id, r.actor, r.document, to_json(r.lots)::text AS lots, r.created_at, r.updated_at`

func (r row) right() (Right, error) {
	doc, err := engine.Decode(r.Document)
	if err != nil {
		return Right{}, fmt.Errorf("stored right %s: %w", r.ID, err)
	}
	out := Right{Right: doc, Operator: id.Operator(r.OperatorID), Actor: scope.Actor(r.Actor), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	if err := json.Unmarshal([]byte(r.Lots), &out.Lots); err != nil {
		return Right{}, fmt.Errorf("stored lots of right %s: %w", r.ID, err)
	}
	return out, nil
}

// within limits a query to the rights that hold in a lot of the scope.
func within(sc scope.Scope) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		q = database.Within(sc, "r.operator_id", "")(q)
		if lots, all := sc.Lots(); !all {
			q = q.Where("(r.all_lots OR r.lots && ?::text[])", array(lots))
		}
		return q
	}
}

var arrayEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// array is a list as Postgres reads it.
func array[T ~string](list []T) string {
	quoted := make([]string, len(list))
	for i, x := range list {
		quoted[i] = `"` + arrayEscape.Replace(string(x)) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

func (s store) find(ctx context.Context, sc scope.Scope, f Filter) ([]Right, int64, error) {
	q := s.db.Gorm(ctx).Table("rights r").Scopes(within(sc))
	if f.Kind != "" {
		q = q.Where("r.kind = ?", string(f.Kind))
	}
	if f.Plate != "" {
		q = q.Where("r.plates @> ?::text[]", array([]string{f.Plate}))
	}
	if f.Lot != "" {
		q = q.Where("(r.all_lots OR r.lots @> ?::text[])", array([]id.Lot{f.Lot}))
	}
	if !f.At.IsZero() {
		q = q.Where("(r.ends_at IS NULL OR r.ends_at > ?)", f.At)
	}
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count rights: %w", err)
	}
	var rows []row
	if err := q.Select(columns).Order("r.id DESC").Limit(f.Size).Offset((f.Page - 1) * f.Size).Scan(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("find rights: %w", err)
	}
	out := make([]Right, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.right(); err != nil {
			return nil, 0, err
		}
	}
	return out, total, nil
}

func (s store) byID(ctx context.Context, sc scope.Scope, which ID) (Right, error) {
	return one(s.db.Gorm(ctx), sc, which)
}

// lock reads a right and holds its row until the transaction ends.
func (s store) lock(tx *database.Tx, sc scope.Scope, which ID) (Right, error) {
	if err := tx.Gorm().Exec(`SELECT FROM rights WHERE id = ? FOR UPDATE`, string(which)).Error; err != nil {
		return Right{}, fmt.Errorf("lock right %s: %w", which, err)
	}
	return one(tx.Gorm(), sc, which)
}

func one(g *gorm.DB, sc scope.Scope, which ID) (Right, error) {
	var r row
	if !id.Valid(prefix, string(which)) {
		return Right{}, ErrNone
	}
	err := g.Table("rights r").Scopes(within(sc)).Where("r.id = ?", string(which)).Select(columns).Take(&r).Error
	if database.IsNotFound(err) {
		return Right{}, ErrNone
	}
	if err != nil {
		return Right{}, fmt.Errorf("read right %s: %w", which, err)
	}
	return r.right()
}

// sees counts which of the lots there are for the scope.
func (s store) sees(tx *database.Tx, sc scope.Scope, lots []id.Lot) (int, error) {
	if len(lots) == 0 {
		return 0, nil
	}
	var n int64
	err := tx.Gorm().Table("lots l").Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("l.id IN ?", lots).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("find lots: %w", err)
	}
	return int(n), nil
}

// values are the columns of a right that follow from it, and the exact bytes that booths get.
func values(r Right) (doc, sum []byte, plates string, err error) {
	if doc, err = json.Marshal(r.Right); err != nil {
		return nil, nil, "", fmt.Errorf("encode right %s: %w", r.ID, err)
	}
	hash := sha256.Sum256(doc)
	texts := make([]string, len(r.Plates))
	for i, p := range r.Plates {
		texts[i] = p.Text
	}
	return doc, hash[:], array(texts), nil
}

// insertBatch is how many rights go in one statement.
const insertBatch = 200

func (s store) insert(tx *database.Tx, sc scope.Scope, rights []Right) error {
	for len(rights) > 0 {
		part := rights[:min(len(rights), insertBatch)]
		rights = rights[len(part):]
		var rows []string
		var args []any
		for _, r := range part {
			if !sc.SeesOperator(r.Operator) {
				return ErrNone
			}
			doc, sum, plates, err := values(r)
			if err != nil {
				return err
			}
			rows = append(rows, "(?, ?, ?, ?, ?, ?, ?::text[], ?, ?, ?::text[], ?, ?, ?, ?)")
			args = append(args, r.ID, string(r.Operator), r.Version, string(r.Kind), doc, sum, plates, r.Match != nil, len(r.Lots) == 0, array(r.Lots),
				ends(r.Right), string(r.Actor), r.CreatedAt, r.UpdatedAt)
		}
		err := tx.Gorm().Exec(`INSERT INTO rights (id, operator_id, version, kind, document, sha256, plates, matches, all_lots, lots, ends_at, actor,
			created_at, updated_at) VALUES `+strings.Join(rows, ", "), args...).Error
		if err != nil {
			return fmt.Errorf("insert %d rights: %w", len(part), err)
		}
	}
	return nil
}

func (s store) update(tx *database.Tx, sc scope.Scope, r Right) error {
	if !sc.SeesOperator(r.Operator) {
		return ErrNone
	}
	doc, sum, plates, err := values(r)
	if err != nil {
		return err
	}
	done := tx.Gorm().Exec(`UPDATE rights SET version = ?, kind = ?, document = ?, sha256 = ?, plates = ?::text[], matches = ?, all_lots = ?,
		lots = ?::text[], ends_at = ?, actor = ?, updated_at = ? WHERE id = ?`,
		r.Version, string(r.Kind), doc, sum, plates, r.Match != nil, len(r.Lots) == 0, array(r.Lots), ends(r.Right), string(r.Actor), r.UpdatedAt, r.ID)
	if done.Error != nil || done.RowsAffected != 1 {
		return fmt.Errorf("update right %s: %d rows: %w", r.ID, done.RowsAffected, done.Error)
	}
	return nil
}

func (s store) remove(tx *database.Tx, which ID) error {
	done := tx.Gorm().Exec(`DELETE FROM rights WHERE id = ?`, string(which)) // lock has looked at the scope
	if done.Error != nil || done.RowsAffected != 1 {
		return fmt.Errorf("delete right %s: %d rows: %w", which, done.RowsAffected, done.Error)
	}
	return nil
}

// queue marks lots, or all of an operator, for their next set. It waits for a publisher that has taken the mark away: its
// set may lack this change.
func (s store) queue(tx *database.Tx, op id.Operator, lots []id.Lot, all bool, at time.Time) error {
	err := tx.Gorm().Exec(`INSERT INTO rights_waiting (lot_id, since)
		SELECT id, ? FROM lots WHERE operator_id = ? AND (? OR id = ANY (?::text[])) ORDER BY id
		ON CONFLICT (lot_id) DO UPDATE SET since = least(rights_waiting.since, excluded.since)`, at, string(op), all, array(lots)).Error
	if err != nil {
		return fmt.Errorf("queue lots for their next rights: %w", err)
	}
	return nil
}
