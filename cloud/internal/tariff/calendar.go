package tariff

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/strict"
	"lotkeeper/shared/wire"
)

// CalendarID is a calendar of an operator.
type CalendarID string

const prefixCalendar = "cal"

// CalendarRef names a calendar; version 0 is its latest.
type CalendarRef struct {
	ID      CalendarID
	Version int
}

// Calendar is an operator's calendar: every change is its next version, and no version ever changes.
type Calendar struct {
	ID         CalendarID
	Operator   id.Operator
	Name       engine.Text
	Latest     CalendarVersion
	ArchivedAt *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Lots       []Use         // lots that go by it, of those that the caller sees
	Warnings   []engine.Text // what somebody should do about it
}

// CalendarVersion is a calendar as it was saved.
type CalendarVersion struct {
	Calendar  CalendarID
	Version   int
	Weekdays  calendar.Weekdays
	Days      []Day // by date
	Note      string
	Actor     scope.Actor
	CreatedAt time.Time
}

// Document is the version as lots are given it.
func (v CalendarVersion) Document() calendar.Calendar {
	c := calendar.Calendar{ID: string(v.Calendar), Version: v.Version, Weekdays: v.Weekdays}
	for _, d := range v.Days {
		if c.Dates == nil {
			c.Dates = map[calendar.Date]string{}
		}
		c.Dates[d.Date] = d.Type
	}
	return c
}

// The faults of calendars.
var (
	ErrNoCalendar        = fault.New(fault.NotFound, "calendar.not_found", "没有这个日历", "there is no such calendar")
	ErrNoCalendarVersion = fault.New(fault.NotFound, "calendar.no_version", "没有这个日历版本", "there is no such version of the calendar")
	ErrCalendar          = fault.New(fault.Invalid, "calendar.invalid", "日历有误", "the calendar is not valid")
	ErrCalendarStale     = fault.New(fault.Conflict, "calendar.changed", "日历已被他人修改，请刷新后再试", "somebody else changed the calendar: load it again")
	ErrCalendarArchived  = fault.New(fault.Conflict, "calendar.archived", "日历已归档", "the calendar is archived")
)

// Calendars lists the operator's calendars.
func (s *Service) Calendars(ctx context.Context, sc scope.Scope, archived bool) ([]Calendar, error) {
	found, err := s.store.calendars(ctx, sc, archived)
	for i := range found {
		found[i].Warnings = s.missing(found[i].Latest)
	}
	return found, err
}

// Calendar returns one with its latest version.
func (s *Service) Calendar(ctx context.Context, sc scope.Scope, which CalendarID) (Calendar, error) {
	c, err := s.store.calendar(ctx, sc, which)
	c.Warnings = s.missing(c.Latest)
	return c, err
}

// CalendarVersions lists the versions of a calendar, the newest first, without their dates.
func (s *Service) CalendarVersions(ctx context.Context, sc scope.Scope, which CalendarID) ([]CalendarVersion, error) {
	return s.store.calendarVersions(ctx, sc, which)
}

// CalendarVersion returns a version with its dates.
func (s *Service) CalendarVersion(ctx context.Context, sc scope.Scope, which CalendarID, version int) (CalendarVersion, error) {
	return s.store.calendarVersion(ctx, sc, which, version)
}

// missing warns of years for which nobody gave dates: this one, and from October on the next, which by then is announced.
func (s *Service) missing(v CalendarVersion) []engine.Text {
	now := s.o.Now()
	years := []int{now.Year()}
	if now.Month() >= time.October {
		years = append(years, now.Year()+1)
	}
	out := []engine.Text{}
	for _, y := range years {
		if !slices.ContainsFunc(v.Days, func(d Day) bool { return d.Date.Year == y }) {
			out = append(out, engine.Text{ZH: fmt.Sprintf("日历中没有 %d 年的日期", y), EN: fmt.Sprintf("the calendar has no dates in %d", y)})
		}
	}
	return out
}

// CalendarDraft is what is decided about a calendar.
type CalendarDraft struct {
	Name     engine.Text // empty leaves it
	Weekdays calendar.Weekdays
	Days     []Day
	Note     string
}

// CreateCalendar adds a calendar with its version 1.
func (s *Service) CreateCalendar(ctx context.Context, sc scope.Scope, by By, d CalendarDraft) (Calendar, error) {
	if sc.Operator() == "" {
		return Calendar{}, ErrNoOperator
	}
	if err := checkName(d.Name); err != nil {
		return Calendar{}, err
	}
	at := s.now()
	c := Calendar{ID: CalendarID(id.New(prefixCalendar, at)), Operator: sc.Operator(), Name: d.Name, CreatedAt: at, UpdatedAt: at}
	var err error
	if c.Latest, err = version(c.ID, 1, d, by, at); err != nil {
		return Calendar{}, err
	}
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.insertCalendar(tx, sc, c); err != nil {
			return err
		}
		return s.recordCalendar(tx, by, c, "calendar.create", nil)
	})
	if err != nil {
		return Calendar{}, fmt.Errorf("create calendar: %w", err)
	}
	return s.Calendar(ctx, sc, c.ID)
}

// version checks a draft and makes it a version.
func version(which CalendarID, number int, d CalendarDraft, by By, at time.Time) (CalendarVersion, error) {
	bad := ErrCalendar
	days := slices.Clone(d.Days)
	slices.SortStableFunc(days, func(a, b Day) int { return cmp.Compare(a.Date.String(), b.Date.String()) })
	for i, day := range days {
		where := "body.days." + day.Date.String()
		for _, f := range day.check() {
			bad = bad.With(where, f.ZH, f.EN)
		}
		if i > 0 && days[i-1].Date == day.Date {
			bad = bad.With(where, "日期重复", "stands twice")
		}
	}
	for name, word := range weekdays(d.Weekdays) {
		if zh, en, wrong := badWord(word); word != "" && wrong {
			bad = bad.With("body.weekdays."+name, zh, en)
		}
	}
	if len(days) > maxDays {
		bad = bad.With("body.days", fmt.Sprintf("最多 %d 个日期", maxDays), fmt.Sprintf("want at most %d dates", maxDays))
	}
	v := CalendarVersion{Calendar: which, Version: number, Weekdays: d.Weekdays, Days: days, Note: d.Note, Actor: by.Actor, CreatedAt: at}
	if len(bad.Details) > 0 {
		return v, bad
	}
	if err := v.Document().Validate(); err != nil {
		return v, told(bad, func(place string) string { return "body." + place }, strict.In(err)).Wrap(err)
	}
	return v, nil
}

func weekdays(w calendar.Weekdays) map[string]string {
	return map[string]string{
		"monday": w.Monday, "tuesday": w.Tuesday, "wednesday": w.Wednesday, "thursday": w.Thursday, "friday": w.Friday,
		"saturday": w.Saturday, "sunday": w.Sunday,
	}
}

// SaveCalendar makes the draft the next version. base is the version that it was made on. What says the same as the latest
// version makes no other.
func (s *Service) SaveCalendar(ctx context.Context, sc scope.Scope, by By, which CalendarID, base int, d CalendarDraft) (Calendar, error) {
	return s.saveCalendar(ctx, sc, by, which, base, "calendar.save", func(CalendarVersion) (CalendarDraft, error) { return d, nil })
}

// ImportCalendar adds the dates of a CSV text to the latest version, or puts them in the place of all its dates.
func (s *Service) ImportCalendar(ctx context.Context, sc scope.Scope, by By, which CalendarID, base int, text string, replace bool, note string) (Calendar, error) {
	days, err := readDays(text)
	if err != nil {
		return Calendar{}, err
	}
	return s.saveCalendar(ctx, sc, by, which, base, "calendar.import", merged(days, replace, note))
}

// ImportHolidays adds the public holidays of China in the years given.
func (s *Service) ImportHolidays(ctx context.Context, sc scope.Scope, by By, which CalendarID, base int, years []int) (Calendar, error) {
	days, err := publicHolidays(years)
	if err != nil {
		return Calendar{}, err
	}
	return s.saveCalendar(ctx, sc, by, which, base, "calendar.import", merged(days, false, fmt.Sprintf("国务院节假日安排 %v", years)))
}

// merged lays dates over those of a version.
func merged(days []Day, replace bool, note string) func(CalendarVersion) (CalendarDraft, error) {
	return func(v CalendarVersion) (CalendarDraft, error) {
		all := map[calendar.Date]Day{}
		if !replace {
			for _, d := range v.Days {
				all[d.Date] = d
			}
		}
		for _, d := range days {
			all[d.Date] = d
		}
		return CalendarDraft{Weekdays: v.Weekdays, Days: slices.Collect(maps.Values(all)), Note: note}, nil
	}
}

func (s *Service) saveCalendar(ctx context.Context, sc scope.Scope, by By, which CalendarID, base int, action string, draft func(CalendarVersion) (CalendarDraft, error)) (Calendar, error) {
	return s.changeCalendar(ctx, sc, by, which, action, func(c *Calendar, at time.Time) error {
		d, err := draft(c.Latest)
		if err != nil {
			return err
		}
		if d.Name != (engine.Text{}) {
			if err := checkName(d.Name); err != nil {
				return err
			}
		} else {
			d.Name = c.Name
		}
		next, err := version(c.ID, c.Latest.Version+1, d, by, at)
		if err != nil {
			return err
		}
		same := next.Weekdays == c.Latest.Weekdays && (len(next.Days)+len(c.Latest.Days) == 0 || reflect.DeepEqual(next.Days, c.Latest.Days))
		switch {
		case same && d.Name == c.Name:
			return errSame
		case base != c.Latest.Version:
			return ErrCalendarStale
		case c.ArchivedAt != nil:
			return ErrCalendarArchived
		}
		c.Name = d.Name
		if !same {
			c.Latest = next
		}
		return nil
	})
}

// ArchiveCalendar takes a calendar out of use for new lots, or back.
func (s *Service) ArchiveCalendar(ctx context.Context, sc scope.Scope, by By, which CalendarID, archived bool) (Calendar, error) {
	action := "calendar.unarchive"
	if archived {
		action = "calendar.archive"
	}
	return s.changeCalendar(ctx, sc, by, which, action, func(c *Calendar, at time.Time) error {
		if archived == (c.ArchivedAt != nil) {
			return errSame
		}
		c.ArchivedAt = nil
		if archived {
			c.ArchivedAt = &at
		}
		return nil
	})
}

func (s *Service) changeCalendar(ctx context.Context, sc scope.Scope, by By, which CalendarID, action string, edit func(c *Calendar, at time.Time) error) (Calendar, error) {
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		c, err := s.store.lockCalendar(tx, sc, which)
		if err != nil {
			return err
		}
		before, old := viewCalendar(c), c.Latest.Version
		c.UpdatedAt = s.now()
		if err := edit(&c, c.UpdatedAt); err != nil {
			return err
		}
		if err := s.store.updateCalendar(tx, sc, c, c.Latest.Version != old); err != nil {
			return err
		}
		return s.recordCalendar(tx, by, c, action, before)
	})
	if err != nil && !errors.Is(err, errSame) {
		return Calendar{}, fmt.Errorf("%s %s: %w", action, which, err)
	}
	return s.Calendar(ctx, sc, which)
}

// AssignCalendar makes lots go by a version of a calendar; all of them or none.
func (s *Service) AssignCalendar(ctx context.Context, sc scope.Scope, by By, ref CalendarRef, lots []id.Lot) ([]Applied, error) {
	out := []Applied{}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		out = out[:0]
		c, err := s.store.lockCalendar(tx, sc, ref.ID)
		if err != nil {
			return err
		}
		if c.ArchivedAt != nil {
			return ErrCalendarArchived
		}
		v := c.Latest
		if ref.Version != 0 && ref.Version != v.Version {
			if v, err = s.store.calendarVersionIn(tx, sc, ref.ID, ref.Version); err != nil {
				return err
			}
		}
		doc := v.Document()
		for _, l := range slices.Compact(slices.Sorted(slices.Values(lots))) {
			next, changed, err := s.o.Lots.Amend(tx, by, sc, l, lot.Amendment{
				Action: "lot.calendar", Show: showCalendar,
				Edit: func(spec *lot.Spec, _ wire.Config) error { spec.Calendar = doc; return nil },
			})
			if err != nil {
				return err
			}
			out = append(out, Applied{Lot: l, ConfigNumber: next.Number, Changed: changed, Rules: len(next.Rules)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("assign calendar %s: %w", ref.ID, err)
	}
	return out, nil
}

func showCalendar(c wire.Config) map[string]any {
	return map[string]any{"calendar": c.Calendar.ID, "calendar_version": c.Calendar.Version}
}

// calendarOr is the calendar named, or else the operator's newest that is in use; one without any goes by weekdays.
func (s *Service) calendarOr(ctx context.Context, sc scope.Scope, ref *CalendarRef) (calendar.Calendar, error) {
	if ref == nil {
		found, err := s.store.calendars(ctx, sc, false)
		if err != nil || len(found) == 0 || sc.Operator() == "" {
			return calendar.Calendar{}, err
		}
		newest := slices.MaxFunc(found, func(a, b Calendar) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
		return newest.Latest.Document(), nil
	}
	if ref.Version == 0 {
		c, err := s.store.calendar(ctx, sc, ref.ID)
		return c.Latest.Document(), err
	}
	v, err := s.store.calendarVersion(ctx, sc, ref.ID, ref.Version)
	return v.Document(), err
}

func viewCalendar(c Calendar) map[string]any {
	return map[string]any{"name": c.Name, "version": c.Latest.Version, "archived": c.ArchivedAt != nil, "days": len(c.Latest.Days)}
}

func (s *Service) recordCalendar(tx *database.Tx, by By, c Calendar, action string, before any) error {
	return s.o.Audit.Append(tx, audit.Entry{
		Operator: c.Operator, Actor: by.Actor, Action: action, Subject: "calendar:" + string(c.ID), Before: before, After: viewCalendar(c),
		RequestID: by.RequestID, Address: by.Address,
	})
}

// notesOf are the notes of days by date, as they are stored beside the document.
func notesOf(days []Day) (string, error) {
	notes := map[string]string{}
	for _, d := range days {
		if d.Note != "" {
			notes[d.Date.String()] = d.Note
		}
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return "", fmt.Errorf("encode notes: %w", err)
	}
	return string(text), nil
}
