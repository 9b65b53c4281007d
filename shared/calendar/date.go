package calendar

import (
	"fmt"
	"time"

	"lotkeeper/shared/tariff/strict"
)

// Date is a day of the Gregorian calendar, in no time zone. Its text form, in JSON too, is "2026-10-01".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Of is the date that a clock in t's own location shows at t.
func Of(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-10-01".
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, strict.Wrong(notDate, text)
	}
	return Of(t), nil
}

// Weekday is the date's day of the week.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// Number is the number of days since 1 January 1970.
func (d Date) Number() int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// Next is the day after.
func (d Date) Next() Date { return Of(d.noon().AddDate(0, 0, 1)) }

// Midnight is when the day begins at a place: the first moment that a clock there shows the date.
func (d Date) Midnight(loc *time.Location) time.Time {
	at := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
	for Of(at) != d { // midnight is skipped where clocks go forward then: the hour after it is the first
		at = at.Add(time.Hour)
	}
	return at
}

func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// String is "2026-10-01".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// MarshalText writes "2026-10-01".
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2026-10-01".
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
