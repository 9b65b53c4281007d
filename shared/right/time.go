package right

import (
	"cmp"
	"slices"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/tariff"
)

// Place is where a lot's clocks and calendar are read.
type Place struct {
	Zone *time.Location
	Days calendar.Calendar
}

// maxDays bounds the days for which hours are laid out: a longer stay has its first ones.
const maxDays = 1100

// At reports whether the right holds at a time.
func (r *Right) At(at time.Time, where Place) bool {
	return slices.ContainsFunc(r.spans(at, at.Add(1), where), func(p Period) bool { return p.holds(at) })
}

func (p Period) holds(at time.Time) bool {
	return !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
}

// spans are the times that the right holds, those at least that touch the half-open time from one to the other, sorted
// and disjoint. A right that always holds has one span without ends.
func (r *Right) spans(from, to time.Time, where Place) []Period {
	periods := r.Periods
	if len(periods) == 0 {
		periods = []Period{{}}
	}
	out := make([]Period, 0, len(periods))
	if len(r.Hours) == 0 {
		out = append(out, periods...)
	} else {
		for _, w := range r.windows(from, to, where) {
			for _, p := range periods {
				if both, ok := meet(w, p); ok {
					out = append(out, both)
				}
			}
		}
	}
	out = slices.DeleteFunc(out, func(p Period) bool {
		return !p.To.IsZero() && !from.Before(p.To) || !p.From.Before(to)
	})
	return join(out)
}

// windows lays the daily hours out over the days that a time touches; the day before may reach into it.
func (r *Right) windows(from, to time.Time, where Place) []Period {
	var out []Period
	last := calendar.Of(to.In(where.Zone)).Number()
	day := calendar.Of(from.In(where.Zone).AddDate(0, 0, -1))
	for n := 0; n <= maxDays && day.Number() <= last; n++ {
		for _, w := range r.Hours {
			if len(w.DayTypes) == 0 || where.Days.Fits(day, w.DayTypes) {
				end := day
				if w.To <= w.From {
					end = day.Next()
				}
				out = append(out, Period{clock(day, w.From, where.Zone), clock(end, w.To, where.Zone)})
			}
		}
		day = day.Next()
	}
	return out
}

func clock(d calendar.Date, c tariff.Clock, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, int(c), 0, zone)
}

// meet is what two times have in common.
func meet(a, b Period) (Period, bool) {
	if b.From.After(a.From) {
		a.From = b.From
	}
	if a.To.IsZero() || !b.To.IsZero() && b.To.Before(a.To) {
		a.To = b.To
	}
	return a, a.To.IsZero() || a.From.Before(a.To)
}

// join sorts times and makes one of those that touch.
func join(in []Period) []Period {
	slices.SortFunc(in, func(a, b Period) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To))
	})
	var out []Period
	for _, p := range in {
		n := len(out) - 1
		if n < 0 || !out[n].To.IsZero() && p.From.After(out[n].To) {
			out = append(out, p)
			continue
		}
		if !out[n].To.IsZero() && (p.To.IsZero() || p.To.After(out[n].To)) {
			out[n].To = p.To
		}
	}
	return out
}
