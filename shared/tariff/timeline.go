package tariff

import (
	"math"
	"slices"
	"time"

	"lotkeeper/shared/calendar"
)

// span is a half-open stretch of time in Unix seconds.
type span struct{ from, to int64 }

const forever = math.MaxInt64

// timeline reads the local clock. Between two changes of a zone's offset the clock runs straight, so every edge is
// found by arithmetic there; an hour that the clock skips is nobody's, one that it repeats is priced twice, each as
// the clock shows it.
type timeline struct {
	loc     *time.Location
	cal     calendar.Calendar
	changes int64 // until when offset holds
	since   int64 // from when it holds
	offset  int64
}

// at finds the number of the local day since 1970 and the clock at instant u, and when the offset changes next.
func (l *timeline) at(u int64) (dayNumber, clock, changes int64) {
	if u < l.since || u >= l.changes {
		t := time.Unix(u, 0).In(l.loc)
		_, offset := t.Zone()
		start, end := t.ZoneBounds()
		l.offset, l.since, l.changes = int64(offset), math.MinInt64, forever
		if !start.IsZero() {
			l.since = start.Unix()
		}
		if !end.IsZero() {
			l.changes = end.Unix()
		}
	}
	local := u + l.offset
	dayNumber = local / day
	if local%day < 0 {
		dayNumber--
	}
	return dayNumber, local - dayNumber*day, l.changes
}

// midnight is the first instant after u at which the local date is another.
func (l *timeline) midnight(u int64) int64 {
	today, clock, changes := l.at(u)
	for {
		next := u + day - clock
		if next <= changes {
			return next
		}
		u = changes
		var date int64
		if date, clock, changes = l.at(u); date != today {
			return u
		}
	}
}

// dayType is the calendar's word for a local day.
func (l *timeline) dayType(dayNumber int64) string {
	return l.cal.DayType(calendar.Of(time.Unix(dayNumber*day, 0).UTC()))
}

// stretch is a span in one band; band is an index, or -1 where none fits.
type stretch struct {
	span
	band int
}

// next is the longest stretch from s.from on in which the clock gives one band, ending at s.to at the latest.
func (l *timeline) next(bands []Band, s span) stretch {
	out := stretch{span{s.from, s.from}, -1}
	for out.to < s.to {
		date, clock, changes := l.at(out.to)
		band, until := l.bandAt(bands, date, Clock(clock))
		if out.to == s.from {
			out.band = band
		} else if band != out.band {
			break
		}
		out.to = min(out.to+int64(until)-clock, changes, s.to)
	}
	return out
}

// bandAt is the first band that fits, and the clock up to which that cannot change.
func (l *timeline) bandAt(bands []Band, dayNumber int64, clock Clock) (band int, until Clock) {
	band, until = -1, day
	word := ""
	for i, b := range bands {
		if len(b.DayTypes) > 0 && word == "" {
			word = l.dayType(dayNumber)
		}
		for _, edge := range [...]Clock{b.From, b.To} {
			if edge > clock {
				until = min(until, edge)
			}
		}
		if band < 0 && b.covers(clock) && (len(b.DayTypes) == 0 || slices.Contains(b.DayTypes, word)) {
			band = i
		}
	}
	return band, until
}

func (b Band) covers(c Clock) bool {
	switch to := b.To % day; {
	case b.From == to:
		return true
	case to == 0: // up to midnight
		return c >= b.From
	case b.From < to:
		return c >= b.From && c < to
	default:
		return c >= b.From || c < to
	}
}

// without takes the sorted, disjoint spans cut out of s.
func without(s span, cut []span) []span {
	var out []span
	for _, c := range cut {
		if c.to <= s.from {
			continue
		}
		if c.from >= s.to {
			break
		}
		if c.from > s.from {
			out = append(out, span{s.from, c.from})
		}
		s.from = c.to
		if s.from >= s.to {
			return out
		}
	}
	return append(out, s)
}

// union sorts spans and joins those that touch. Empty spans vanish.
func union(spans []span) []span {
	sorted := slices.DeleteFunc(slices.Clone(spans), func(s span) bool { return s.from >= s.to })
	slices.SortFunc(sorted, func(a, b span) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	out := sorted[:0]
	for _, s := range sorted {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}
