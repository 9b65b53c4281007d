package oracle

import (
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/calendar"
)

const daySeconds = 24 * 60 * 60

// place is the clock and the calendar of the car park. Seconds are Unix seconds throughout; "shown" is what the local
// clock shows at a second, written as the seconds from 1970-01-01 00:00 of that clock, so that date and time of day can
// be compared together as one number.
type place struct {
	loc     *time.Location
	cal     calendar.Calendar
	minute  int64 // the minute that was looked up last, and what the clock was ahead of UTC in it
	ahead   int64
	edges   map[int64]int64
	daytype map[dayQuestion]bool
}

type dayQuestion struct {
	day  int64
	word string
}

func newPlace(loc *time.Location, cal calendar.Calendar) *place {
	return &place{loc: loc, cal: cal, minute: -1 << 62, edges: map[int64]int64{}, daytype: map[dayQuestion]bool{}}
}

// shown is what the local clock shows at second u. Zones of our time change only at whole minutes of UTC, so one look at
// the clock serves for the minute.
func (p *place) shown(u int64) int64 {
	if minute := floorDiv(u, 60); minute != p.minute {
		_, ahead := time.Unix(minute*60, 0).In(p.loc).Zone()
		p.minute, p.ahead = minute, int64(ahead)
	}
	return u + p.ahead
}

// day is the number of the date that the local clock shows at second u.
func (p *place) day(u int64) int64 { return floorDiv(p.shown(u), daySeconds) }

// edge is the first second at which the local clock shows the clock time on the numbered day, or later.
func (p *place) edge(day, clock int64) int64 {
	want := day*daySeconds + clock
	if known, ok := p.edges[want]; ok {
		return known
	}
	// No place is 15 hours ahead of UTC, so at this second the clock shows less for certain.
	minute := floorDiv(want-15*3600, 60) * 60
	for p.shown(minute+59) < want {
		minute += 60
	}
	for p.shown(minute) < want {
		minute++
	}
	p.edges[want] = minute
	return minute
}

// fits says whether the numbered day is one of the types. None at all is every day.
func (p *place) fits(types []string, day int64) bool {
	if len(types) == 0 {
		return true
	}
	return slices.ContainsFunc(types, func(word string) bool { return p.is(day, word) })
}

func (p *place) is(day int64, word string) bool {
	question := dayQuestion{day, word}
	if known, ok := p.daytype[question]; ok {
		return known
	}
	date := calendar.Of(time.Unix(day*daySeconds, 0).UTC())
	yes := p.cal.DayType(date) == word
	if _, own := p.cal.Dates[date]; !own && strings.ToLower(date.Weekday().String()) == word {
		yes = true
	}
	p.daytype[question] = yes
	return yes
}

// ceilSecond is the first whole second at or after t, floorSecond the last at or before it.
func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func floorSecond(t time.Time) int64 { return t.Unix() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
