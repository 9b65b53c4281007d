// Package calendar says what type of day a date is: a workday, a weekend, a holiday, or whatever a city calls it.
//
// Invariants:
//   - an explicit date wins over its day of the week, so a workday moved to a Sunday is data, not code;
//   - every date has a type: the zero Calendar knows Monday to Friday as workdays and the rest as weekend;
//   - a calendar is versioned data. A bill names the version it was priced with; a published version never changes.
package calendar

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/tariff/strict"
)

// The types that a calendar gives by default, and the one most often added. Others are free words.
const (
	Workday = "workday"
	Weekend = "weekend"
	Holiday = "holiday"
)

// The faults of a calendar, in both languages.
var (
	noDayType = strict.Kind{Code: "no_day_type", ZH: "日期类型为空：请填写，或删去该日期", EN: "the day type is empty: write one or leave the date out"}
	noSuchDay = strict.Kind{Code: "no_such_day", ZH: "没有这一天：请改正日期", EN: "there is no such day: put the date right"}
	notDate   = strict.Kind{Code: "not_date", ZH: "%q 不是日期：请写成 2026-10-01 的形式", EN: "calendar: %q is not a date like 2026-10-01"}
)

// Calendar maps dates to day types. It is not changed after it was made.
type Calendar struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	// Weekdays overrides the default type of a day of the week.
	Weekdays Weekdays `json:"weekdays,omitzero"`
	// Dates are explicit.
	Dates map[Date]string `json:"dates,omitempty"`
}

// Weekdays holds one day type for each day of the week; empty means the default.
type Weekdays struct {
	Monday    string `json:"monday,omitempty"`
	Tuesday   string `json:"tuesday,omitempty"`
	Wednesday string `json:"wednesday,omitempty"`
	Thursday  string `json:"thursday,omitempty"`
	Friday    string `json:"friday,omitempty"`
	Saturday  string `json:"saturday,omitempty"`
	Sunday    string `json:"sunday,omitempty"`
}

// Type is the day type of a day of the week.
func (w Weekdays) Type(day time.Weekday) string {
	named, fallback := "", Workday
	switch day {
	case time.Monday:
		named = w.Monday
	case time.Tuesday:
		named = w.Tuesday
	case time.Wednesday:
		named = w.Wednesday
	case time.Thursday:
		named = w.Thursday
	case time.Friday:
		named = w.Friday
	case time.Saturday:
		named, fallback = w.Saturday, Weekend
	case time.Sunday:
		named, fallback = w.Sunday, Weekend
	}
	if named != "" {
		return named
	}
	return fallback
}

// DayType is the type of a date.
func (c Calendar) DayType(d Date) string {
	if label, ok := c.Dates[d]; ok {
		return label
	}
	return c.Weekdays.Type(d.Weekday())
}

// Fits reports whether a date is a day of one of the types. The name of a weekday fits only a date that has no type of its
// own: a Sunday on which people work is no Sunday.
func (c Calendar) Fits(d Date, types []string) bool {
	if slices.Contains(types, c.DayType(d)) {
		return true
	}
	_, own := c.Dates[d]
	return !own && slices.Contains(types, strings.ToLower(d.Weekday().String()))
}

// Types lists every day type the calendar can answer, sorted: what a tariff's bands may name.
func (c Calendar) Types() []string {
	seen := map[string]bool{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		seen[c.Weekdays.Type(day)] = true
	}
	for _, label := range c.Dates {
		seen[label] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Decode reads a calendar from JSON. The error lists every fault with its place; unknown keys are faults.
func Decode(data []byte) (Calendar, error) {
	var c Calendar
	faults := strict.Unmarshal(data, &c)
	c.check(&faults)
	if err := faults.Err(); err != nil {
		return Calendar{}, err
	}
	return c, nil
}

// Validate lists everything wrong with a calendar made by hand.
func (c Calendar) Validate() error {
	var faults strict.Faults
	c.check(&faults)
	return faults.Err()
}

func (c Calendar) check(faults *strict.Faults) {
	if c.ID == "" {
		faults.Add("id", strict.Missing)
	}
	if c.Version < 1 {
		faults.Add("version", strict.Below1, c.Version)
	}
	for _, d := range slices.SortedFunc(maps.Keys(c.Dates), func(a, b Date) int {
		return a.noon().Compare(b.noon())
	}) {
		if c.Dates[d] == "" {
			faults.Add("dates."+d.String(), noDayType)
		}
		if Of(d.noon()) != d {
			faults.Add("dates."+d.String(), noSuchDay)
		}
	}
}
