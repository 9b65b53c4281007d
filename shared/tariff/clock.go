package tariff

import (
	"math"
	"time"

	"lotkeeper/shared/calendar"
)

// span is a half-open stretch of time in Unix seconds.
type span struct{ from, to int64 }

func (s span) length() int64 { return max(s.to-s.from, 0) }

const forever = math.MaxInt64

// timeline reads the local clock. Between two changes of a zone's offset the clock runs straight, so every edge is
// found by arithmetic there; an hour that the clock skips is nobody's, one that it repeats is priced twice, each as
// the clock shows it.
type timeline struct {
	r       *Rater
	since   int64 // from when offset holds
	changes int64 // until when
	offset  int64
	known   [8]dated // what dates were found to be, by their number
}

type dated struct {
	number int64
	days   uint64
	found  bool
}

// look makes offset that of instant u.
func (l *timeline) look(u int64) {
	if u >= l.since && u < l.changes {
		return
	}
	t := time.Unix(u, 0).In(l.r.loc)
	_, offset := t.Zone()
	begin, end := t.ZoneBounds()
	l.offset, l.since, l.changes = int64(offset), math.MinInt64, forever
	if !begin.IsZero() {
		l.since = begin.Unix()
	}
	if !end.IsZero() {
		l.changes = end.Unix()
	}
}

// at finds the number of the local day since 1970, the clock at instant u, and when the offset changes next.
func (l *timeline) at(u int64) (number, clock, changes int64) {
	l.look(u)
	local := u + l.offset
	number = floorDiv(local, day)
	return number, local - number*day, l.changes
}

// instant is the first moment at which the local clock shows a date and time, or a later one.
func (l *timeline) instant(number, clock int64) int64 {
	const widest = 15 * 3600 // further than any zone is from UTC
	local := number*day + clock
	for u := local - widest; ; u = l.changes {
		l.look(u)
		if at := max(local-l.offset, u); at < l.changes {
			return at
		}
	}
}

// next is the first of the starts after u, or forever if none comes within two years.
func (l *timeline) next(u int64, starts []start) int64 {
	number, _, _ := l.at(u)
	for n := number; n < number+2*366; n++ {
		for _, s := range starts {
			if s.days != 0 && l.days(n)&s.days == 0 {
				continue
			}
			if at := l.instant(n, int64(s.at)); at > u {
				return at
			}
		}
	}
	return forever
}

// days is the bits of a local day.
func (l *timeline) days(number int64) uint64 {
	if len(l.r.days) == 0 {
		return 0
	}
	k := &l.known[uint64(number)%uint64(len(l.known))]
	if k.found && k.number == number {
		return k.days
	}
	*k = dated{number, l.r.weekdays[(number%7+11)%7], true} // day 0 was a Thursday
	if number >= l.r.first && number <= l.r.last {
		if word, ok := l.r.cal.Dates[calendar.Of(time.Unix(number*day, 0).UTC())]; ok {
			k.days = l.r.days[word]
		}
	}
	return k.days
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// dayPlan says which band holds at each time of a day.
type dayPlan struct {
	plan                    *plan
	today, yesterday, fixed uint64
	ends                    []int32
	bands                   []int8 // -1: none, or one without steps
}

// bandsOf is the day plan of a local day for a plan. fixed are the bits of the day that bands with a day of their own
// look at.
func (w *walker) bandsOf(p *plan, number int64, fixed uint64) *dayPlan {
	var today, yesterday uint64
	if p.dated {
		today, yesterday = w.line.days(number), w.line.days(number-1)
	} else {
		fixed = 0
	}
	for i := range w.plans {
		if d := &w.plans[i]; d.plan == p && d.today == today && d.yesterday == yesterday && d.fixed == fixed {
			return d
		}
	}
	d := &w.plans[w.oldest]
	w.oldest = (w.oldest + 1) % len(w.plans)
	*d = dayPlan{plan: p, today: today, yesterday: yesterday, fixed: fixed, ends: d.ends[:0], bands: d.bands[:0]}
	for i, from := range p.edges[:len(p.edges)-1] {
		found := d.band(from)
		if n := len(d.bands); n > 0 && d.bands[n-1] == found {
			d.ends[n-1] = p.edges[i+1]
		} else {
			d.ends, d.bands = append(d.ends, p.edges[i+1]), append(d.bands, found)
		}
	}
	return d
}

// band is the one that holds from an edge on, -1 where it charges nothing.
func (d *dayPlan) band(clock int32) int8 {
	i := d.fits(clock)
	if i >= 0 && len(d.plan.bands[i].steps) == 0 {
		return -1
	}
	return i
}

// fits is the first band that holds from an edge on; -1 for none.
func (d *dayPlan) fits(clock int32) int8 {
	for i := range d.plan.bands {
		if d.holds(i, clock) {
			return int8(i)
		}
	}
	return -1
}

func (d *dayPlan) holds(i int, clock int32) bool {
	b := &d.plan.bands[i]
	if !b.covers(clock) || b.days == 0 {
		return b.covers(clock)
	}
	days := d.today
	if b.of != DayOfMoment {
		days = d.fixed
	} else if clock < b.begins {
		days = d.yesterday
	}
	return days&b.days != 0
}

func (b *band) covers(c int32) bool {
	switch {
	case b.from == b.to:
		return true
	case b.from < b.to:
		return c >= b.from && c < b.to
	default:
		return c >= b.from || c < b.to
	}
}

// stretch is the longest span from u on in which one band holds, ending at to at the latest.
func (w *walker) stretch(p *plan, u, to int64, fixed uint64) (end int64, band int8) {
	end, band = u, -2
	for end < to {
		number, clock, changes := w.line.at(end)
		d := w.bandsOf(p, number, fixed)
		i := 0
		for int64(d.ends[i]) <= clock {
			i++
		}
		if band == -2 {
			band = d.bands[i]
		} else if band != d.bands[i] {
			break
		}
		end = min(end+int64(d.ends[i])-clock, changes, to)
	}
	return end, band
}
