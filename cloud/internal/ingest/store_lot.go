package ingest

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/scope"
)

func (s store) booths(ctx context.Context, lot string) ([]string, error) {
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT id FROM booths WHERE lot_id = $1 AND removed_at IS NULL ORDER BY id`, lot)
	if err != nil {
		return nil, fmt.Errorf("find booths of %s: %w", lot, err)
	}
	return collect(rows, func(rows *sql.Rows) (booth string, err error) { return booth, rows.Scan(&booth) })
}

func (s store) hasBooth(ctx context.Context, lot, booth string) (known bool, err error) {
	err = s.db.SQL().QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM booths WHERE lot_id = $1 AND id = $2 AND removed_at IS NULL)`, lot, booth).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("find booth %s of %s: %w", booth, lot, err)
	}
	return known, nil
}

func (s store) configNumber(ctx context.Context, lot string) (n uint64, err error) {
	var number int64
	if err = s.db.SQL().QueryRowContext(ctx, `SELECT config_number FROM lots WHERE id = $1`, lot).Scan(&number); err != nil {
		return 0, fmt.Errorf("read configuration number of %s: %w", lot, err)
	}
	return uint64(number), nil
}

// sees reports whether the scope covers the lot.
func (s store) sees(ctx context.Context, sc scope.Scope, lot string) (bool, error) {
	var n int64
	err := s.db.Gorm(ctx).Table("lots").Scopes(database.Within(sc, "operator_id", "id")).Where("id = ?", lot).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("find lot: %w", err)
	}
	return n == 1, nil
}

type quarantined struct {
	LotID  string
	Author string
	Seq    int64
	Kind   string
	Cause  string
	At     time.Time
}

func (s store) quarantined(ctx context.Context, sc scope.Scope, lot string, limit, offset int) (out []quarantined, total int64, err error) {
	q := s.db.Gorm(ctx).Table("quarantine q").Joins("JOIN lots ON lots.id = q.lot_id").Scopes(database.Within(sc, "lots.operator_id", "lots.id"))
	if lot != "" {
		q = q.Where("q.lot_id = ?", lot)
	}
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count quarantine: %w", err)
	}
	if err := q.Select("q.*").Order("q.at DESC, q.author, q.seq").Limit(limit).Offset(offset).Scan(&out).Error; err != nil {
		return nil, 0, fmt.Errorf("read quarantine: %w", err)
	}
	return out, total, nil
}

type authorRow struct {
	Author    string
	BoothID   string
	Seq       int64
	Hash      []byte
	ClosedWhy *string
	UpdatedAt time.Time
}

func (s store) authors(ctx context.Context, lot string) (out []authorRow, err error) {
	err = s.db.Gorm(ctx).Table("authors").Where("lot_id = ?", lot).Order("author").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("read authors: %w", err)
	}
	return out, nil
}

type alarmRow struct {
	ID       string
	LotID    string
	Kind     string
	Subject  string
	Zh       string
	En       string
	Times    int64
	RaisedAt time.Time
	LastAt   time.Time
}

func (s store) alarms(ctx context.Context, sc scope.Scope, lot string) (out []alarmRow, err error) {
	q := s.db.Gorm(ctx).Table("alarms a").Joins("JOIN lots ON lots.id = a.lot_id").Scopes(database.Within(sc, "lots.operator_id", "lots.id"))
	if lot != "" {
		q = q.Where("a.lot_id = ?", lot)
	}
	err = q.Where("a.cleared_at IS NULL").Select("a.*").Order("a.last_at DESC").Limit(500).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	return out, nil
}

func (s store) clearAlarm(tx *database.Tx, sc scope.Scope, alarm string, now time.Time) (lot string, err error) {
	var row struct{ LotID string }
	q := tx.Gorm().Table("alarms a").Joins("JOIN lots ON lots.id = a.lot_id").Scopes(database.Within(sc, "lots.operator_id", "lots.id"))
	if err := q.Where("a.id = ? AND a.cleared_at IS NULL", alarm).Select("a.lot_id").Take(&row).Error; err != nil {
		if database.IsNotFound(err) {
			return "", errNoAlarm
		}
		return "", fmt.Errorf("find alarm: %w", err)
	}
	if err := tx.Gorm().Exec(`UPDATE alarms SET cleared_at = ? WHERE id = ? AND cleared_at IS NULL`, now, alarm).Error; err != nil {
		return "", fmt.Errorf("clear alarm: %w", err)
	}
	return row.LotID, nil
}
