package calendar

import (
	"fmt"
	"time"
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
		return Date{}, fmt.Errorf("calendar: %q is not a date like 2026-10-01", text)
	}
	return Of(t), nil
}

// Weekday is the date's day of the week.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

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
