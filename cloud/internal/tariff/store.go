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
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

type store struct{ db *database.DB }

type tariffRow struct {
	ID, OperatorID, NameZh, NameEn string

	Number     int64
	Draft      *string
	DraftBy    *string
	DraftAt    *time.Time
	Latest     int
	ArchivedAt *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

func (r tariffRow) tariff() Tariff {
	t := Tariff{
		ID: ID(r.ID), Operator: id.Operator(r.OperatorID), Name: engine.Text{ZH: r.NameZh, EN: r.NameEn}, Number: r.Number,
		Latest: r.Latest, ArchivedAt: r.ArchivedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.DraftBy != nil {
		t.Draft = &Draft{By: scope.Actor(*r.DraftBy), At: *r.DraftAt}
		if r.Draft != nil {
			t.Draft.Text = *r.Draft
		}
	}
	return t
}

// without is every column but the draft's text, which may be long.
const without = "t.id, t.operator_id, t.name_zh, t.name_en, t.number, t.draft_by, t.draft_at, t.latest, t.archived_at, t.created_at, t.updated_at"

func (s store) find(ctx context.Context, sc scope.Scope, archived bool, text string) ([]Tariff, error) {
	q := s.db.Gorm(ctx).Table("library_tariffs t").Select(without).Scopes(database.Within(sc, "t.operator_id", "")).
		Where("(t.archived_at IS NOT NULL) = ?", archived)
	if text != "" {
		q = q.Where("strpos(lower(t.name_zh || ' ' || t.name_en || ' ' || t.id), lower(?)) > 0", text)
	}
	var rows []tariffRow
	if err := q.Order("lower(t.name_en), t.id").Limit(2000).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("find tariffs: %w", err)
	}
	found, ids := make([]Tariff, 0, len(rows)), make([]string, 0, len(rows))
	for _, r := range rows {
		found, ids = append(found, r.tariff()), append(ids, r.ID)
	}
	uses, err := s.uses(ctx, sc, ids...)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Lots = uses[found[i].ID]
	}
	return found, nil
}

// uses finds the lots that the scope sees whose rules name the tariffs, each with the newest version it names.
func (s store) uses(ctx context.Context, sc scope.Scope, ids ...string) (map[ID][]Use, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		TariffID, LotID string
		Version         int
	}
	err := s.db.Gorm(ctx).Table("lot_rules r").Joins("JOIN lots l ON l.id = r.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("r.tariff_id IN ?", ids).Select("r.tariff_id, r.lot_id, max(r.version) AS version").Group("r.tariff_id, r.lot_id").
		Order("r.tariff_id, r.lot_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find lots of tariffs: %w", err)
	}
	out := map[ID][]Use{}
	for _, r := range rows {
		out[ID(r.TariffID)] = append(out[ID(r.TariffID)], Use{id.Lot(r.LotID), r.Version})
	}
	return out, nil
}

func one(q *gorm.DB) (Tariff, error) {
	var r tariffRow
	if err := q.Take(&r).Error; err != nil {
		if database.IsNotFound(err) {
			return Tariff{}, ErrNone
		}
		return Tariff{}, fmt.Errorf("read tariff: %w", err)
	}
	return r.tariff(), nil
}

func (s store) byID(ctx context.Context, sc scope.Scope, which ID) (Tariff, error) {
	t, err := one(s.db.Gorm(ctx).Table("library_tariffs").Scopes(database.Within(sc, "operator_id", "")).Where("id = ?", string(which)))
	if err != nil {
		return Tariff{}, err
	}
	uses, err := s.uses(ctx, sc, string(which))
	t.Lots = uses[which]
	return t, err
}

// lock reads a tariff for changing it.
func (s store) lock(tx *database.Tx, sc scope.Scope, which ID) (Tariff, error) {
	t, err := one(tx.Gorm().Raw(`SELECT * FROM library_tariffs WHERE id = ? FOR UPDATE`, string(which)))
	if err == nil && !sc.SeesOperator(t.Operator) {
		return Tariff{}, ErrNone
	}
	return t, err
}

func (s store) insert(tx *database.Tx, sc scope.Scope, t Tariff) error {
	if !sc.SeesOperator(t.Operator) {
		return ErrNone
	}
	err := tx.Gorm().Exec(`INSERT INTO library_tariffs (id, operator_id, name_zh, name_en, number, draft, draft_by, draft_at, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(t.ID), string(t.Operator), t.Name.ZH, t.Name.EN, t.Number,
		t.Draft.Text, string(t.Draft.By), t.Draft.At, t.CreatedAt, t.UpdatedAt).Error
	if err != nil {
		return fmt.Errorf("insert tariff: %w", err)
	}
	return nil
}

func (s store) update(tx *database.Tx, sc scope.Scope, t Tariff) error {
	set := map[string]any{
		"name_zh": t.Name.ZH, "name_en": t.Name.EN, "number": t.Number, "latest": t.Latest, "archived_at": t.ArchivedAt, "updated_at": t.UpdatedAt,
		"draft": nil, "draft_by": nil, "draft_at": nil,
	}
	if t.Draft != nil {
		set["draft"], set["draft_by"], set["draft_at"] = t.Draft.Text, string(t.Draft.By), t.Draft.At
	}
	done := tx.Gorm().Table("library_tariffs").Scopes(database.Within(sc, "operator_id", "")).
		Where("id = ? AND number = ?", string(t.ID), t.Number-1).Updates(set)
	if done.Error != nil {
		return fmt.Errorf("update tariff %s: %w", t.ID, done.Error)
	}
	if done.RowsAffected != 1 {
		return ErrStale
	}
	return nil
}

type versionRow struct {
	TariffID    string
	Version     int
	Document    string
	Number      int64
	Note        string
	Accepted    string
	Actor       string
	PublishedAt time.Time
}

func (r versionRow) published() (Version, error) {
	v := Version{
		Tariff: ID(r.TariffID), Version: r.Version, Document: json.RawMessage(r.Document), Number: r.Number, Note: r.Note,
		Actor: scope.Actor(r.Actor), PublishedAt: r.PublishedAt,
	}
	if err := json.Unmarshal([]byte(r.Accepted), &v.Accepted); err != nil {
		return v, fmt.Errorf("decode warnings of %s version %d: %w", r.TariffID, r.Version, err)
	}
	return v, nil
}

// versionsOf selects the versions of tariffs that the scope sees, as text, since GORM has no type for jsonb.
func versionsOf(q *gorm.DB, sc scope.Scope, document bool) *gorm.DB {
	columns := "v.tariff_id, v.version, v.number, v.note, v.accepted::text AS accepted, v.actor, v.published_at"
	if document {
		columns += ", v.document::text AS document"
	}
	return q.Table("library_versions v").Joins("JOIN library_tariffs t ON t.id = v.tariff_id").Scopes(database.Within(sc, "t.operator_id", "")).Select(columns)
}

func (s store) versions(ctx context.Context, sc scope.Scope, which ID) ([]Version, error) {
	var rows []versionRow
	err := versionsOf(s.db.Gorm(ctx), sc, false).Where("v.tariff_id = ?", string(which)).Order("v.version DESC").Limit(1000).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find versions of %s: %w", which, err)
	}
	out := make([]Version, 0, len(rows))
	for _, r := range rows {
		v, err := r.published()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func oneVersion(q *gorm.DB) (Version, error) {
	var r versionRow
	if err := q.Take(&r).Error; err != nil {
		if database.IsNotFound(err) {
			return Version{}, ErrNoVersion
		}
		return Version{}, fmt.Errorf("read version of a tariff: %w", err)
	}
	return r.published()
}

func (s store) version(ctx context.Context, sc scope.Scope, which ID, version int) (Version, error) {
	return oneVersion(versionsOf(s.db.Gorm(ctx), sc, true).Where("v.tariff_id = ? AND v.version = ?", string(which), version))
}

func (s store) versionIn(tx *database.Tx, sc scope.Scope, which ID, version int) (Version, error) {
	return oneVersion(versionsOf(tx.Gorm(), sc, true).Where("v.tariff_id = ? AND v.version = ?", string(which), version))
}

// publishedOn returns the version that was published when the tariff had the number.
func (s store) publishedOn(tx *database.Tx, sc scope.Scope, which ID, number int64) (Version, error) {
	return oneVersion(versionsOf(tx.Gorm(), sc, true).Where("v.tariff_id = ? AND v.number = ?", string(which), number))
}

func (s store) publish(tx *database.Tx, _ scope.Scope, v Version) error {
	accepted, err := json.Marshal(v.Accepted)
	if err != nil {
		return fmt.Errorf("encode warnings of %s: %w", v.Tariff, err)
	}
	err = tx.Gorm().Exec(`INSERT INTO library_versions (tariff_id, version, document, number, note, accepted, actor, published_at)
		VALUES (?, ?, ?::jsonb, ?, ?, ?::jsonb, ?, ?)`, string(v.Tariff), v.Version, string(v.Document), v.Number, v.Note,
		string(accepted), string(v.Actor), v.PublishedAt).Error
	if err != nil {
		return fmt.Errorf("publish version %d of %s: %w", v.Version, v.Tariff, err)
	}
	return nil
}

func (s store) tariffIn(tx *database.Tx, sc scope.Scope, which ID) (Tariff, error) {
	return one(tx.Gorm().Table("library_tariffs t").Select(without).Scopes(database.Within(sc, "t.operator_id", "")).Where("t.id = ?", string(which)))
}

// latest finds the newest versions of those tariffs of rules that are in the library.
func (s store) latest(ctx context.Context, sc scope.Scope, rules []wire.TariffRule) (map[string]int, error) {
	ids := []string{""} // GORM makes (NULL) of an empty list
	for _, r := range rules {
		ids = append(ids, r.Tariff.ID)
	}
	var rows []struct {
		ID     string
		Latest int
	}
	err := s.db.Gorm(ctx).Table("library_tariffs").Scopes(database.Within(sc, "operator_id", "")).Where("id IN ?", ids).Select("id, latest").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find tariffs of rules: %w", err)
	}
	out := map[string]int{}
	for _, r := range rows {
		out[r.ID] = r.Latest
	}
	return out, nil
}
