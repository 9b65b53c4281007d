package booth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/wire"
)

// GORM takes bytes that follow an opening parenthesis for a list, so hashes are never the first of VALUES.
type store struct{ db *database.DB }

// operatorOf finds a booth that the scope sees.
func (s store) operatorOf(tx *database.Tx, sc scope.Scope, lot id.Lot, booth string) (id.Operator, error) {
	var row struct{ OperatorID string }
	err := tx.Gorm().Table("booths b").Joins("JOIN lots l ON l.id = b.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("b.lot_id = ? AND b.id = ? AND b.removed_at IS NULL", string(lot), booth).Select("l.operator_id").Take(&row).Error
	if database.IsNotFound(err) {
		return "", ErrNone
	}
	if err != nil {
		return "", fmt.Errorf("find booth %s of %s: %w", booth, lot, err)
	}
	return id.Operator(row.OperatorID), nil
}

func (s store) putCode(tx *database.Tx, hash [32]byte, lot id.Lot, booth string, actor scope.Actor, now, expires time.Time) error {
	err := tx.Gorm().Exec(`INSERT INTO booth_codes (lot_id, booth_id, code_sha256, actor, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		string(lot), booth, hash[:], string(actor), now, expires).Error
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

func (s store) useCode(tx *database.Tx, hash [32]byte, now time.Time, from string) (id.Operator, id.Lot, string, error) {
	var rows []struct{ LotID, BoothID, OperatorID string }
	err := tx.Gorm().Raw(`UPDATE booth_codes c SET used_at = ?, used_from = ? FROM booths b, lots l
		WHERE c.code_sha256 = ? AND c.used_at IS NULL AND c.expires_at > ?
		AND b.lot_id = c.lot_id AND b.id = c.booth_id AND b.removed_at IS NULL AND l.id = c.lot_id
		RETURNING c.lot_id, c.booth_id, l.operator_id`, now, from, hash[:], now).Scan(&rows).Error
	if err != nil {
		return "", "", "", fmt.Errorf("use code: %w", err)
	}
	if len(rows) != 1 {
		return "", "", "", ErrCode
	}
	return id.Operator(rows[0].OperatorID), id.Lot(rows[0].LotID), rows[0].BoothID, nil
}

func (s store) putCertificate(tx *database.Tx, lot id.Lot, booth string, certPEM []byte, now time.Time) error {
	der, err := derOf(certPEM)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("read issued certificate: %w", err)
	}
	hash := sha256.Sum256(der)
	err = tx.Gorm().Exec(`INSERT INTO booth_certificates (lot_id, booth_id, sha256, serial, der, issued_at, not_after) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		string(lot), booth, hash[:], cert.SerialNumber.Text(16), der, now, cert.NotAfter).Error
	if err != nil {
		return fmt.Errorf("store certificate: %w", err)
	}
	return nil
}

// withdrawOthers takes back the certificates of a booth that carry another key than the one it was just given.
func (s store) withdrawOthers(tx *database.Tx, lot id.Lot, booth string, certPEM []byte, now time.Time) (int, error) {
	der, err := derOf(certPEM)
	if err != nil {
		return 0, err
	}
	mine, err := x509.ParseCertificate(der)
	if err != nil {
		return 0, fmt.Errorf("read issued certificate: %w", err)
	}
	var rows []struct{ SHA256, DER []byte }
	err = tx.Gorm().Raw(`SELECT sha256, der FROM booth_certificates WHERE lot_id = ? AND booth_id = ? AND withdrawn_at IS NULL`, string(lot), booth).Scan(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("find certificates: %w", err)
	}
	n := 0
	for _, row := range rows {
		cert, err := x509.ParseCertificate(row.DER)
		if err != nil {
			return 0, fmt.Errorf("read certificate: %w", err)
		}
		if bytes.Equal(cert.RawSubjectPublicKeyInfo, mine.RawSubjectPublicKeyInfo) {
			continue
		}
		if err := tx.Gorm().Exec(`UPDATE booth_certificates SET withdrawn_at = ? WHERE sha256 = ?`, now, row.SHA256).Error; err != nil {
			return 0, fmt.Errorf("withdraw certificate: %w", err)
		}
		n++
	}
	return n, nil
}

func (s store) withdraw(tx *database.Tx, lot id.Lot, booth string, now time.Time) (int64, error) {
	res := tx.Gorm().Exec(`UPDATE booth_certificates SET withdrawn_at = ? WHERE lot_id = ? AND booth_id = ? AND withdrawn_at IS NULL`, now, string(lot), booth)
	if res.Error != nil {
		return 0, fmt.Errorf("withdraw certificates: %w", res.Error)
	}
	return res.RowsAffected, nil
}

func (s store) withdrawn(ctx context.Context, hash [32]byte) (bool, error) {
	var n int64
	err := s.db.Gorm(ctx).Table("booth_certificates").Where("sha256 = ? AND withdrawn_at IS NOT NULL", hash[:]).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("find certificate: %w", err)
	}
	return n > 0, nil
}

func (s store) admits(ctx context.Context, lot id.Lot, booth string) (bool, error) {
	var n int64
	err := s.db.Gorm(ctx).Table("booths b").Where(`b.lot_id = ? AND b.id = ? AND b.removed_at IS NULL AND EXISTS (
		SELECT FROM booth_certificates c WHERE c.lot_id = b.lot_id AND c.booth_id = b.id AND c.withdrawn_at IS NULL)`, string(lot), booth).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("find booth: %w", err)
	}
	return n > 0, nil
}

// heard keeps a cursor and returns the number of the lot's newest configuration.
func (s store) heard(ctx context.Context, lot, booth string, c wire.Cursor, now time.Time) (uint64, error) {
	cursors, err := json.Marshal(c.Cursors)
	if err != nil {
		return 0, fmt.Errorf("encode cursors: %w", err)
	}
	if c.Cursors == nil {
		cursors = []byte("{}")
	}
	var numbers []int64
	err = s.write(ctx, func(g *gorm.DB) error {
		return g.Raw(`UPDATE booths b SET online = true, seen_at = ?, config = ?, cursors = ?::jsonb FROM lots l
			WHERE b.lot_id = ? AND b.id = ? AND l.id = b.lot_id RETURNING l.config_number`, now, int64(c.Config), string(cursors), lot, booth).Scan(&numbers).Error
	})
	if err != nil || len(numbers) != 1 {
		return 0, fmt.Errorf("keep cursor of booth %s of %s: %d rows: %w", booth, lot, len(numbers), err)
	}
	return uint64(numbers[0]), nil
}

func (s store) presence(ctx context.Context, lot, booth string, p wire.Presence, now time.Time) error {
	software := strings.ReplaceAll(strings.ToValidUTF8(p.Software, "?"), "\x00", "?")
	return s.write(ctx, func(g *gorm.DB) error {
		return g.Exec(`UPDATE booths SET online = ?, seen_at = CASE WHEN ? THEN ? ELSE seen_at END, software = CASE WHEN ? <> '' THEN ? ELSE software END
			WHERE lot_id = ? AND id = ?`, p.Online, p.Online, now, software, software, lot, booth).Error
	})
}

func (s store) write(ctx context.Context, fn func(*gorm.DB) error) error {
	return s.db.WithTx(ctx, func(tx *database.Tx) error { return fn(tx.Gorm()) })
}

func (s store) putPhoto(ctx context.Context, lot id.Lot, booth string, hash [32]byte, size int, now time.Time) error {
	err := s.write(ctx, func(g *gorm.DB) error {
		return g.Exec(`INSERT INTO photos (lot_id, sha256, booth_id, bytes, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			string(lot), hash[:], booth, size, now).Error
	})
	if err != nil {
		return fmt.Errorf("store photo: %w", err)
	}
	return nil
}
