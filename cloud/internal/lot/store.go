package lot

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

type store struct{ db *database.DB }

func (s *Service) public() ed25519.PublicKey {
	return s.o.Key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // Public of an Ed25519 key is one
}

func (s store) create(tx *database.Tx, operator id.Operator, lot id.Lot, spec Spec, now time.Time) error {
	err := tx.Savepoint(func(tx *database.Tx) error {
		return tx.Gorm().Exec(`INSERT INTO lots (id, operator_id, kind, name_zh, name_en, tz, currency, capacity, config_number, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
			string(lot), string(operator), string(spec.Kind), spec.Name.ZH, spec.Name.EN, spec.TZ, string(spec.Currency), spec.Capacity, now, now).Error
	})
	if database.IsDuplicate(err) {
		return ErrTaken
	}
	if err != nil {
		return fmt.Errorf("create lot %s: %w", lot, err)
	}
	return nil
}

// lock holds the lot's row until the transaction ends, and reads its configuration.
func (s store) lock(tx *database.Tx, sc scope.Scope, lot id.Lot) (current, error) {
	var row struct {
		OperatorID   string
		Kind         string
		ConfigNumber int64
	}
	err := tx.Gorm().Raw(`SELECT operator_id, kind, config_number FROM lots WHERE id = ? FOR UPDATE`, string(lot)).Take(&row).Error
	if database.IsNotFound(err) || err == nil && !sc.SeesLot(id.Operator(row.OperatorID), lot) {
		return current{}, ErrNone
	}
	if err != nil {
		return current{}, fmt.Errorf("lock lot %s: %w", lot, err)
	}
	var doc []byte
	err = tx.Gorm().Raw(`SELECT document FROM configs WHERE lot_id = ? AND number = ?`, string(lot), row.ConfigNumber).Row().Scan(&doc)
	if err != nil {
		return current{}, fmt.Errorf("read configuration %d of %s: %w", row.ConfigNumber, lot, err)
	}
	cur := current{operator: id.Operator(row.OperatorID), kind: Kind(row.Kind)}
	if err := json.Unmarshal(doc, &cur.config); err != nil {
		return current{}, fmt.Errorf("decode configuration %d of %s: %w", row.ConfigNumber, lot, err)
	}
	return cur, nil
}

func (s store) put(tx *database.Tx, lot id.Lot, spec Spec, c wire.Config, signed wire.Signed, fresh []tariff.Tariff, actor scope.Actor, now time.Time) error {
	res := tx.Gorm().Exec(`UPDATE lots SET kind = ?, name_zh = ?, name_en = ?, tz = ?, currency = ?, capacity = ?, lanes = ?,
		calendar_id = ?, calendar_version = ?, config_number = ?, updated_at = ? WHERE id = ?`,
		string(spec.Kind), c.Name.ZH, c.Name.EN, c.TZ, string(c.Currency), c.Capacity, len(c.Lanes),
		c.Calendar.ID, c.Calendar.Version, c.Number, now, string(lot))
	if res.Error != nil || res.RowsAffected != 1 {
		return fmt.Errorf("update lot %s: %d rows: %w", lot, res.RowsAffected, res.Error)
	}
	if err := tx.Gorm().Exec(`INSERT INTO configs (lot_id, number, document, sig, issued, actor) VALUES (?, ?, ?, ?, ?, ?)`,
		string(lot), c.Number, signed.Document, signed.Sig, now, string(actor)).Error; err != nil {
		return fmt.Errorf("store configuration %d of %s: %w", c.Number, lot, err)
	}
	for _, t := range fresh {
		doc, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode tariff %s: %w", t.ID, err)
		}
		if err := tx.Gorm().Exec(`INSERT INTO tariffs (lot_id, id, version, document, created_at) VALUES (?, ?, ?, ?::jsonb, ?)`,
			string(lot), t.ID, t.Version, string(doc), now).Error; err != nil {
			return fmt.Errorf("store tariff %s of %s: %w", t.ID, lot, err)
		}
	}
	if err := s.putRules(tx, lot, c.Rules); err != nil {
		return err
	}
	return s.putBooths(tx, lot, c.Booths, now)
}

// putRules keeps which tariffs a lot's rules name, so that a tariff's lots are found without reading configurations.
func (s store) putRules(tx *database.Tx, lot id.Lot, rules []wire.TariffRule) error {
	if err := tx.Gorm().Exec(`DELETE FROM lot_rules WHERE lot_id = ?`, string(lot)).Error; err != nil {
		return fmt.Errorf("clear rules of %s: %w", lot, err)
	}
	for i, r := range rules {
		if err := tx.Gorm().Exec(`INSERT INTO lot_rules (lot_id, position, tariff_id, version) VALUES (?, ?, ?, ?)`,
			string(lot), i, r.Tariff.ID, r.Tariff.Version).Error; err != nil {
			return fmt.Errorf("store rule %d of %s: %w", i, lot, err)
		}
	}
	return nil
}

func (s store) putBooths(tx *database.Tx, lot id.Lot, booths []wire.Booth, now time.Time) error {
	ids := []string{""} // GORM makes (NULL) of an empty list
	for _, b := range booths {
		ids = append(ids, b.ID)
		err := tx.Savepoint(func(tx *database.Tx) error {
			return tx.Gorm().Exec(`INSERT INTO booths (lot_id, id, name_zh, name_en) VALUES (?, ?, ?, ?)
				ON CONFLICT (lot_id, id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, removed_at = NULL`,
				string(lot), b.ID, b.Name.ZH, b.Name.EN).Error
		})
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrBooth.With("body.booths", b.ID+" 已被使用", b.ID+" is taken")
		}
		if err != nil {
			return fmt.Errorf("store booth %s of %s: %w", b.ID, lot, err)
		}
	}
	err := tx.Gorm().Exec(`UPDATE booths SET removed_at = ? WHERE lot_id = ? AND removed_at IS NULL AND id NOT IN ?`, now, string(lot), ids).Error
	if err != nil {
		return fmt.Errorf("remove booths of %s: %w", lot, err)
	}
	return nil
}

const summaries = `l.id, l.kind, l.name_zh, l.name_en, l.tz, l.currency, l.capacity, l.lanes,
	(SELECT count(*) FROM sessions s WHERE s.lot_id = l.id AND s.state = 'inside') AS inside,
	(SELECT count(*) FROM booths b WHERE b.lot_id = l.id AND b.removed_at IS NULL) AS booths,
	(SELECT count(*) FROM booths b WHERE b.lot_id = l.id AND b.removed_at IS NULL AND b.online AND b.seen_at > ?) AS booths_online,
	(SELECT count(*) FROM alarms a WHERE a.lot_id = l.id AND a.cleared_at IS NULL) AS alarms`

func (s store) find(ctx context.Context, sc scope.Scope, kind Kind, text string, seen time.Time) ([]Summary, error) {
	q := s.db.Gorm(ctx).Table("lots l").Select(summaries, seen).Scopes(database.Within(sc, "l.operator_id", "l.id"))
	if kind != "" {
		q = q.Where("l.kind = ?", string(kind))
	}
	if text != "" {
		q = q.Where("strpos(lower(l.id || ' ' || l.name_zh || ' ' || l.name_en), lower(?)) > 0", text)
	}
	var rows []struct {
		ID, Kind, NameZh, NameEn, Tz, Currency                string
		Capacity, Lanes, Inside, Booths, BoothsOnline, Alarms int
	}
	if err := q.Order("l.id").Limit(5000).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("find lots: %w", err)
	}
	out := make([]Summary, 0, len(rows))
	for _, r := range rows {
		out = append(out, Summary{
			ID: id.Lot(r.ID), Kind: Kind(r.Kind), Name: tariff.Text{ZH: r.NameZh, EN: r.NameEn}, TZ: r.Tz, Currency: money.Currency(r.Currency),
			Capacity: r.Capacity, Inside: r.Inside, Lanes: r.Lanes, Booths: r.Booths, BoothsOnline: r.BoothsOnline, Alarms: r.Alarms,
		})
	}
	return out, nil
}

func (s store) newest(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Signed, error) {
	var row struct{ Document, Sig []byte }
	err := s.db.Gorm(ctx).Table("lots l").Joins("JOIN configs c ON c.lot_id = l.id AND c.number = l.config_number").
		Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("l.id = ?", string(lot)).Select("c.document, c.sig").Take(&row).Error
	if database.IsNotFound(err) {
		return wire.Signed{}, ErrNone
	}
	if err != nil {
		return wire.Signed{}, fmt.Errorf("read configuration of %s: %w", lot, err)
	}
	return wire.Signed{Document: row.Document, Sig: row.Sig}, nil
}

func (s store) sees(ctx context.Context, sc scope.Scope, lot id.Lot) (bool, error) {
	var n int64
	err := s.db.Gorm(ctx).Table("lots").Scopes(database.Within(sc, "operator_id", "id")).Where("id = ?", string(lot)).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("find lot %s: %w", lot, err)
	}
	return n == 1, nil
}

func (s store) byID(ctx context.Context, sc scope.Scope, lot id.Lot, seen time.Time) (Lot, wire.Signed, error) {
	var row struct {
		OperatorID, Kind string
		Inside           int
		Document, Sig    []byte
	}
	err := s.db.Gorm(ctx).Table("lots l").Joins("JOIN configs c ON c.lot_id = l.id AND c.number = l.config_number").
		Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("l.id = ?", string(lot)).
		Select(`l.operator_id, l.kind, c.document, c.sig,
			(SELECT count(*) FROM sessions s WHERE s.lot_id = l.id AND s.state = 'inside') AS inside`).Take(&row).Error
	if database.IsNotFound(err) {
		return Lot{}, wire.Signed{}, ErrNone
	}
	if err != nil {
		return Lot{}, wire.Signed{}, fmt.Errorf("read lot %s: %w", lot, err)
	}
	l := Lot{ID: lot, Operator: id.Operator(row.OperatorID), Kind: Kind(row.Kind), Inside: row.Inside}
	l.Booths, err = s.booths(ctx, lot, seen)
	return l, wire.Signed{Document: row.Document, Sig: row.Sig}, err
}

func (s store) booths(ctx context.Context, lot id.Lot, seen time.Time) ([]Booth, error) {
	var rows []struct {
		ID       string
		Online   bool
		SeenAt   *time.Time
		Software string
		Config   int64
		Author   *string
		Seq      *int64
		Lag      *int64
	}
	err := s.db.Gorm(ctx).Raw(`SELECT b.id, b.online AND coalesce(b.seen_at > ?, false) AS online, b.seen_at, b.software, b.config, a.author, a.seq,
			greatest(coalesce((b.cursors->a.author->>'seq')::bigint, 0) - a.seq, 0) AS lag
		FROM booths b LEFT JOIN LATERAL (
			SELECT author, seq FROM authors a WHERE a.lot_id = b.lot_id AND a.booth_id = b.id ORDER BY opened_at DESC, author LIMIT 1) a ON true
		WHERE b.lot_id = ? AND b.removed_at IS NULL ORDER BY b.id`, seen, string(lot)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read booths of %s: %w", lot, err)
	}
	out := make([]Booth, 0, len(rows))
	for _, r := range rows {
		b := Booth{ID: r.ID, Online: r.Online, SeenAt: r.SeenAt, Software: r.Software, Config: uint64(r.Config)}
		if r.Author != nil {
			b.Author, b.Seq, b.Lag = *r.Author, uint64(*r.Seq), uint64(*r.Lag)
		}
		out = append(out, b)
	}
	return out, nil
}
