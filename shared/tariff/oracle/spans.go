package oracle

import (
	"slices"

	"lotkeeper/shared/tariff"
)

// span is the half-open time [begin, end).
type span struct{ begin, end int64 }

func (s span) has(u int64) bool { return s.begin <= u && u < s.end }

func (s span) length() int64 { return max(0, s.end-s.begin) }

type spans []span

func (list spans) has(u int64) bool {
	for _, s := range list {
		if s.has(u) {
			return true
		}
	}
	return false
}

// dayEdges lists, in order and each once, the seconds in [begin, end] at which a day of a cycle or a window begins.
func (p *place) dayEdges(at tariff.Clock, starts []tariff.Start, begin, end int64) []int64 {
	if len(starts) == 0 {
		starts = []tariff.Start{{At: at}}
	}
	var found []int64
	for day := p.day(begin) - 2; day <= p.day(end)+2; day++ {
		for _, start := range starts {
			if !p.fits(start.DayTypes, day) {
				continue
			}
			if e := p.edge(day, int64(start.At)); begin <= e && e <= end {
				found = append(found, e)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// blockEdges lists the ends of blocks in (begin, end].
func (p *place) blockEdges(kind tariff.ClockKind, length, begin, end int64) []int64 {
	var found []int64
	if kind != tariff.ClockWall {
		for e := begin + length; e <= end; e += length {
			found = append(found, e)
		}
		return found
	}
	// By the wall: the first second, from the edge before on, at which the clock shows so much more than at the entry.
	want := p.shown(begin) + length
	for u := begin + 1; u <= end; u++ {
		if p.shown(u) < want {
			continue
		}
		found = append(found, u)
		for p.shown(u) >= want {
			want += length
		}
	}
	return found
}

// clockWindow is the window that begins on the numbered day; to at or before from is on the next day.
func (p *place) clockWindow(day int64, from, to tariff.Clock) span {
	last := day
	if to <= from {
		last++
	}
	return span{p.edge(day, int64(from)), p.edge(last, int64(to))}
}
