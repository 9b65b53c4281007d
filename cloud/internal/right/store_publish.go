package right

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	engine "lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// take takes away the mark of the lot that waits longest; "" when none does. Lots that another replica publishes are
// passed over, and who changes a right of this one waits until the transaction ends.
func (s store) take(tx *database.Tx) (lot id.Lot, above uint64, err error) {
	var rows []struct {
		LotID string
		Above int64
	}
	err = tx.Gorm().Raw(`DELETE FROM rights_waiting WHERE lot_id = (
		SELECT lot_id FROM rights_waiting ORDER BY since, lot_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING lot_id, above`).Scan(&rows).Error
	if err != nil {
		return "", 0, fmt.Errorf("take a lot that waits for rights: %w", err)
	}
	if len(rows) == 0 {
		return "", 0, nil
	}
	return id.Lot(rows[0].LotID), uint64(rows[0].Above), nil
}

// head reads the newest set of a lot; Number is 0 when there is none.
func (s store) head(ctx context.Context, g *gorm.DB, lot id.Lot) (head, error) {
	var row struct {
		Number        int64
		Document, Sig []byte
	}
	err := g.WithContext(ctx).Raw(`SELECT number, document, sig FROM rights_heads WHERE lot_id = ?`, string(lot)).Take(&row).Error
	if database.IsNotFound(err) {
		return head{}, nil
	}
	if err != nil {
		return head{}, fmt.Errorf("read head of rights of %s: %w", lot, err)
	}
	h := head{signed: wire.Signed{Document: row.Document, Sig: row.Sig}}
	if err := json.Unmarshal(row.Document, &h.Head); err != nil {
		return head{}, fmt.Errorf("stored head of rights of %s: %w", lot, err)
	}
	return h, nil
}

// renew makes the lot's published rights those that hold in it, and gives what changed the number. It returns how many did.
func (s store) renew(tx *database.Tx, lot id.Lot, number uint64, at time.Time) (int64, error) {
	in := tx.Gorm().Exec(`INSERT INTO lot_rights (lot_id, right_id, number, version, document, sha256, changed_at)
		SELECT l.id, r.id, ?, r.version, r.document, r.sha256, ? FROM lots l
		JOIN rights r ON r.operator_id = l.operator_id AND (r.all_lots OR l.id = ANY (r.lots))
		LEFT JOIN lot_rights p ON p.lot_id = l.id AND p.right_id = r.id
		WHERE l.id = ? AND (p.right_id IS NULL OR p.document IS NULL OR p.version <> r.version)
		ON CONFLICT (lot_id, right_id) DO UPDATE SET number = excluded.number, version = excluded.version, document = excluded.document,
			sha256 = excluded.sha256, changed_at = excluded.changed_at`, number, at, string(lot))
	if in.Error != nil {
		return 0, fmt.Errorf("publish rights of %s: %w", lot, in.Error)
	}
	out := tx.Gorm().Exec(`UPDATE lot_rights p SET number = ?, document = NULL, sha256 = NULL, changed_at = ?
		WHERE p.lot_id = ? AND p.document IS NOT NULL AND NOT EXISTS (
			SELECT FROM lots l JOIN rights r ON r.operator_id = l.operator_id AND (r.all_lots OR l.id = ANY (r.lots))
			WHERE l.id = p.lot_id AND r.id = p.right_id)`, number, at, string(lot))
	if out.Error != nil {
		return 0, fmt.Errorf("take rights out of %s: %w", lot, out.Error)
	}
	return in.RowsAffected + out.RowsAffected, nil
}

func (s store) forget(tx *database.Tx, lot id.Lot, before time.Time) error {
	err := tx.Gorm().Exec(`DELETE FROM lot_rights WHERE lot_id = ? AND document IS NULL AND changed_at < ?`, string(lot), before).Error
	if err != nil {
		return fmt.Errorf("forget tombstones of %s: %w", lot, err)
	}
	return nil
}

// digest counts the published rights of a lot and makes their checksum.
func (s store) digest(tx *database.Tx, lot id.Lot) (n int, sum fact.Hash, err error) {
	rows, err := tx.SQL().QueryContext(tx.Context(), `SELECT right_id, number, sha256 FROM lot_rights
		WHERE lot_id = $1 AND document IS NOT NULL ORDER BY right_id`, string(lot))
	if err != nil {
		return 0, sum, fmt.Errorf("read rights of %s: %w", lot, err)
	}
	defer func() { _ = rows.Close() }()
	var d engine.Digest
	for rows.Next() {
		var right string
		var number int64
		var hash []byte
		if err := rows.Scan(&right, &number, &hash); err != nil {
			return 0, sum, fmt.Errorf("read rights of %s: %w", lot, err)
		}
		d.Add(right, uint64(number), [sha256.Size]byte(hash))
		n++
	}
	return n, d.Sum(), rows.Err()
}

func (s store) putHead(tx *database.Tx, lot id.Lot, h head) error {
	err := tx.Gorm().Exec(`INSERT INTO rights_heads (lot_id, number, rights, document, sig, issued) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (lot_id) DO UPDATE SET number = excluded.number, rights = excluded.rights, document = excluded.document, sig = excluded.sig,
			issued = excluded.issued`, string(lot), h.Number, h.Count, h.signed.Document, h.signed.Sig, h.Issued).Error
	if err != nil {
		return fmt.Errorf("store head of rights of %s: %w", lot, err)
	}
	return nil
}

// page reads the published entries of a lot after a place, as many as a message may carry, with the head of the set that
// they are of: both as they were at one moment.
func (s store) page(ctx context.Context, lot id.Lot, after engine.Cursor) (page wire.Rights, err error) {
	page.After = after
	tx, err := s.db.SQL().BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return page, fmt.Errorf("read rights of %s: %w", lot, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	err = tx.QueryRowContext(ctx, `SELECT document, sig FROM rights_heads WHERE lot_id = $1`, string(lot)).Scan(&page.Head.Document, &page.Head.Sig)
	if err != nil {
		return page, fmt.Errorf("read head of rights of %s: %w", lot, err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT right_id, number, document FROM lot_rights
		WHERE lot_id = $1 AND (number, right_id) > ($2, $3) ORDER BY number, right_id LIMIT $4`,
		string(lot), int64(min(after.Number, 1<<62)), after.ID, wire.RightsEntries+1)
	if err != nil {
		return page, fmt.Errorf("read rights of %s: %w", lot, err)
	}
	entries, err := collect(rows)
	if err != nil {
		return page, fmt.Errorf("read rights of %s: %w", lot, err)
	}
	size := 0
	for i, e := range entries {
		if size += len(e.Right) + len(e.ID) + 40; i > 0 && (i == wire.RightsEntries || size > wire.RightsBytes) {
			page.More = true
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}

// collect reads rows of ids, numbers and documents.
func collect(rows *sql.Rows) (out []engine.Entry, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e engine.Entry
		var number int64
		var doc []byte
		if err := rows.Scan(&e.ID, &number, &doc); err != nil {
			return nil, err
		}
		e.Number, e.Right = uint64(number), doc
		out = append(out, e)
	}
	return out, rows.Err()
}

// said keeps which set a booth has in force, and since when.
func (s store) said(ctx context.Context, lot id.Lot, booth string, number uint64, at time.Time) error {
	if number > 1<<62 {
		return fmt.Errorf("booth %s of %s says it has rights %d", booth, lot, number)
	}
	err := s.db.WithTx(ctx, func(tx *database.Tx) error {
		return tx.Gorm().Exec(`INSERT INTO booth_rights (lot_id, booth_id, number, said_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (lot_id, booth_id) DO UPDATE SET number = excluded.number, said_at = excluded.said_at
			WHERE booth_rights.number <> excluded.number`, string(lot), booth, number, at).Error
	})
	if err != nil {
		return fmt.Errorf("keep rights of booth %s of %s: %w", booth, lot, err)
	}
	return nil
}

func (s store) requeue(tx *database.Tx, lot id.Lot, above uint64, at time.Time) (bool, error) {
	done := tx.Gorm().Exec(`INSERT INTO rights_waiting (lot_id, since, above) SELECT l.id, ?, ? FROM lots l
		WHERE l.id = ? AND (? > 0 OR EXISTS (SELECT FROM rights r WHERE r.operator_id = l.operator_id AND (r.all_lots OR l.id = ANY (r.lots))))
		ON CONFLICT (lot_id) DO UPDATE SET above = greatest(rights_waiting.above, excluded.above)`, at, above, string(lot), above)
	if done.Error != nil {
		return false, fmt.Errorf("queue %s for its next rights: %w", lot, done.Error)
	}
	return done.RowsAffected > 0, nil
}

// waiting reports whether a lot that the scope sees waits for its next set.
func (s store) waiting(ctx context.Context, sc scope.Scope, lot id.Lot) (bool, error) {
	var found []bool
	err := s.db.Gorm(ctx).Table("lots l").Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("l.id = ?", string(lot)).
		Select("EXISTS (SELECT FROM rights_waiting w WHERE w.lot_id = l.id)").Scan(&found).Error
	if err != nil {
		return false, fmt.Errorf("find lot %s: %w", lot, err)
	}
	if len(found) == 0 {
		return false, ErrNoLot
	}
	return found[0], nil
}

// booths lists the booths of a lot with what each said.
func (s store) booths(ctx context.Context, sc scope.Scope, lot id.Lot) ([]BoothState, error) {
	var out []BoothState
	err := s.db.Gorm(ctx).Table("booths b").Joins("JOIN lots l ON l.id = b.lot_id").
		Joins("LEFT JOIN booth_rights s ON s.lot_id = b.lot_id AND s.booth_id = b.id").
		Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("b.lot_id = ? AND b.removed_at IS NULL", string(lot)).
		Select("b.id AS booth, coalesce(s.number, 0) AS number, s.said_at").Order("b.id").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("read booths of %s: %w", lot, err)
	}
	return out, nil
}

// of reads the published rights that may be a vehicle's.
func (s store) of(ctx context.Context, lot id.Lot, p plate.Plate) ([]engine.Entry, error) {
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT p.right_id, p.number, p.document FROM rights r
		JOIN lot_rights p ON p.lot_id = $1 AND p.right_id = r.id WHERE p.document IS NOT NULL AND r.plates @> $2::text[]
		UNION SELECT p.right_id, p.number, p.document FROM lots l JOIN rights r ON r.operator_id = l.operator_id AND r.matches
		JOIN lot_rights p ON p.lot_id = l.id AND p.right_id = r.id WHERE l.id = $1 AND p.document IS NOT NULL`, string(lot), array([]string{p.Text}))
	if err != nil {
		return nil, fmt.Errorf("read rights of a vehicle in %s: %w", lot, err)
	}
	out, err := collect(rows)
	if err != nil {
		return nil, fmt.Errorf("read rights of a vehicle in %s: %w", lot, err)
	}
	return out, nil
}
