package tariff

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	engine "lotkeeper/shared/tariff"
)

// calendarRow is a calendar with one of its versions. The columns of the calendar itself begin with C.
type calendarRow struct {
	CalendarID, OperatorID, NameZh, NameEn string

	ArchivedAt      *time.Time
	CCreatedAt      time.Time
	UpdatedAt       time.Time
	Version         int
	Document, Notes string
	Note, Actor     string
	CreatedAt       time.Time
}

const (
	calendarColumns = `c.id AS calendar_id, c.operator_id, c.name_zh, c.name_en, c.archived_at, c.created_at AS c_created_at, c.updated_at,
		v.version, v.note, v.actor, v.created_at`
	calendarDocument = `, v.document::text AS document, v.notes::text AS notes`
)

func (r calendarRow) version() (CalendarVersion, error) {
	v := CalendarVersion{
		Calendar: CalendarID(r.CalendarID), Version: r.Version, Note: r.Note, Actor: scope.Actor(r.Actor), CreatedAt: r.CreatedAt,
	}
	if r.Document == "" {
		return v, nil
	}
	doc, err := calendar.Decode([]byte(r.Document))
	if err != nil {
		return v, fmt.Errorf("stored version %d of calendar %s: %w", r.Version, r.CalendarID, err)
	}
	var notes map[calendar.Date]string
	if err := json.Unmarshal([]byte(r.Notes), &notes); err != nil {
		return v, fmt.Errorf("notes of version %d of calendar %s: %w", r.Version, r.CalendarID, err)
	}
	v.Weekdays = doc.Weekdays
	for date, word := range doc.Dates {
		v.Days = append(v.Days, Day{Date: date, Type: word, Note: notes[date]})
	}
	slices.SortFunc(v.Days, func(a, b Day) int { return cmp.Compare(a.Date.String(), b.Date.String()) })
	return v, nil
}

func (r calendarRow) calendar() (Calendar, error) {
	v, err := r.version()
	return Calendar{
		ID: CalendarID(r.CalendarID), Operator: id.Operator(r.OperatorID), Name: engine.Text{ZH: r.NameZh, EN: r.NameEn}, Latest: v,
		ArchivedAt: r.ArchivedAt, CreatedAt: r.CCreatedAt, UpdatedAt: r.UpdatedAt,
	}, err
}

func calendarsOf(q *gorm.DB, sc scope.Scope, columns string) *gorm.DB {
	return q.Table("calendars c").Joins("JOIN calendar_versions v ON v.calendar_id = c.id").
		Scopes(database.Within(sc, "c.operator_id", "")).Select(columns)
}

func (s store) calendars(ctx context.Context, sc scope.Scope, archived bool) ([]Calendar, error) {
	var rows []calendarRow
	err := calendarsOf(s.db.Gorm(ctx), sc, calendarColumns+calendarDocument).
		Where("v.version = c.latest AND (c.archived_at IS NOT NULL) = ?", archived).Order("lower(c.name_en), c.id").Limit(500).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find calendars: %w", err)
	}
	out, ids := make([]Calendar, 0, len(rows)), make([]string, 0, len(rows))
	for _, r := range rows {
		c, err := r.calendar()
		if err != nil {
			return nil, err
		}
		out, ids = append(out, c), append(ids, r.CalendarID)
	}
	uses, err := s.calendarUses(ctx, sc, ids...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Lots = uses[out[i].ID]
	}
	return out, nil
}

func (s store) calendarUses(ctx context.Context, sc scope.Scope, ids ...string) (map[CalendarID][]Use, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		CalendarID, ID  string
		CalendarVersion int
	}
	err := s.db.Gorm(ctx).Table("lots l").Scopes(database.Within(sc, "l.operator_id", "l.id")).Where("l.calendar_id <> '' AND l.calendar_id IN ?", ids).
		Select("l.calendar_id, l.id, l.calendar_version").Order("l.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find lots of calendars: %w", err)
	}
	out := map[CalendarID][]Use{}
	for _, r := range rows {
		out[CalendarID(r.CalendarID)] = append(out[CalendarID(r.CalendarID)], Use{id.Lot(r.ID), r.CalendarVersion})
	}
	return out, nil
}

func oneCalendar(q *gorm.DB) (Calendar, error) {
	var r calendarRow
	if err := q.Take(&r).Error; err != nil {
		if database.IsNotFound(err) {
			return Calendar{}, ErrNoCalendar
		}
		return Calendar{}, fmt.Errorf("read calendar: %w", err)
	}
	return r.calendar()
}

func (s store) calendar(ctx context.Context, sc scope.Scope, which CalendarID) (Calendar, error) {
	c, err := oneCalendar(calendarsOf(s.db.Gorm(ctx), sc, calendarColumns+calendarDocument).Where("c.id = ? AND v.version = c.latest", string(which)))
	if err != nil {
		return Calendar{}, err
	}
	uses, err := s.calendarUses(ctx, sc, string(which))
	c.Lots = uses[which]
	return c, err
}

// lockCalendar reads a calendar for changing it, or for keeping others from doing so.
func (s store) lockCalendar(tx *database.Tx, sc scope.Scope, which CalendarID) (Calendar, error) {
	var locked []string
	if err := tx.Gorm().Raw(`SELECT id FROM calendars WHERE id = ? FOR UPDATE`, string(which)).Scan(&locked).Error; err != nil {
		return Calendar{}, fmt.Errorf("lock calendar %s: %w", which, err)
	}
	return oneCalendar(calendarsOf(tx.Gorm(), sc, calendarColumns+calendarDocument).Where("c.id = ? AND v.version = c.latest", string(which)))
}

func (s store) calendarVersions(ctx context.Context, sc scope.Scope, which CalendarID) ([]CalendarVersion, error) {
	var rows []calendarRow
	err := calendarsOf(s.db.Gorm(ctx), sc, calendarColumns).Where("c.id = ?", string(which)).Order("v.version DESC").Limit(1000).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find versions of calendar %s: %w", which, err)
	}
	out := make([]CalendarVersion, 0, len(rows))
	for _, r := range rows {
		v, err := r.version()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func oneCalendarVersion(q *gorm.DB) (CalendarVersion, error) {
	c, err := oneCalendar(q)
	if errors.Is(err, ErrNoCalendar) {
		err = ErrNoCalendarVersion
	}
	return c.Latest, err
}

func (s store) calendarVersion(ctx context.Context, sc scope.Scope, which CalendarID, version int) (CalendarVersion, error) {
	return oneCalendarVersion(calendarsOf(s.db.Gorm(ctx), sc, calendarColumns+calendarDocument).Where("c.id = ? AND v.version = ?", string(which), version))
}

func (s store) calendarVersionIn(tx *database.Tx, sc scope.Scope, which CalendarID, version int) (CalendarVersion, error) {
	return oneCalendarVersion(calendarsOf(tx.Gorm(), sc, calendarColumns+calendarDocument).Where("c.id = ? AND v.version = ?", string(which), version))
}

func (s store) insertCalendar(tx *database.Tx, sc scope.Scope, c Calendar) error {
	if !sc.SeesOperator(c.Operator) {
		return ErrNoCalendar
	}
	err := tx.Gorm().Exec(`INSERT INTO calendars (id, operator_id, name_zh, name_en, latest, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		string(c.ID), string(c.Operator), c.Name.ZH, c.Name.EN, c.Latest.Version, c.CreatedAt, c.UpdatedAt).Error
	if err != nil {
		return fmt.Errorf("insert calendar: %w", err)
	}
	return s.insertVersion(tx, c.Latest)
}

func (s store) insertVersion(tx *database.Tx, v CalendarVersion) error {
	doc, err := json.Marshal(v.Document())
	if err != nil {
		return fmt.Errorf("encode calendar %s: %w", v.Calendar, err)
	}
	notes, err := notesOf(v.Days)
	if err != nil {
		return err
	}
	err = tx.Gorm().Exec(`INSERT INTO calendar_versions (calendar_id, version, document, notes, note, actor, created_at)
		VALUES (?, ?, ?::jsonb, ?::jsonb, ?, ?, ?)`, string(v.Calendar), v.Version, string(doc), notes, v.Note, string(v.Actor), v.CreatedAt).Error
	if err != nil {
		return fmt.Errorf("insert version %d of calendar %s: %w", v.Version, v.Calendar, err)
	}
	return nil
}

// updateCalendar writes a calendar that the transaction holds, and its latest version where that is new.
func (s store) updateCalendar(tx *database.Tx, sc scope.Scope, c Calendar, fresh bool) error {
	if fresh {
		if err := s.insertVersion(tx, c.Latest); err != nil {
			return err
		}
	}
	done := tx.Gorm().Table("calendars").Scopes(database.Within(sc, "operator_id", "")).Where("id = ?", string(c.ID)).Updates(map[string]any{
		"name_zh": c.Name.ZH, "name_en": c.Name.EN, "latest": c.Latest.Version, "archived_at": c.ArchivedAt, "updated_at": c.UpdatedAt,
	})
	if done.Error != nil || done.RowsAffected != 1 {
		return fmt.Errorf("update calendar %s: %d rows: %w", c.ID, done.RowsAffected, done.Error)
	}
	return nil
}
