package oracle

import "lotkeeper/shared/tariff"

// none is the band of time that nothing prices, and the run of time that belongs to no run.
const none = -1

// bandFinder says which band prices a second. Bands look at what the clock shows then.
type bandFinder struct {
	place *place
	bands []tariff.Band
	stay  int64 // what the clock showed at the entry
	cycle int64 // what it showed when the cycle began
	exact bool  // some band's clock is not a whole minute, so every second is looked at
	known bool
	last  int64 // the minute shown that was looked at last, and its band
	found int
}

func newBandFinder(p *place, bands []tariff.Band, entry, cycleBegin int64) *bandFinder {
	f := &bandFinder{place: p, bands: bands, stay: p.shown(entry), cycle: p.shown(cycleBegin)}
	for _, b := range bands {
		f.exact = f.exact || b.From%60 != 0 || b.To%60 != 0 || b.DayBegins%60 != 0
	}
	return f
}

// at is the index of the band with steps that prices second u, or none.
func (f *bandFinder) at(u int64) int {
	shown := f.place.shown(u)
	minute := floorDiv(shown, 60)
	if f.exact || !f.known || minute != f.last {
		f.known, f.last, f.found = true, minute, f.look(shown)
	}
	return f.found
}

func (f *bandFinder) look(shown int64) int {
	for i := range f.bands {
		if f.holds(&f.bands[i], shown) {
			if len(f.bands[i].Steps) == 0 {
				return none
			}
			return i
		}
	}
	return none
}

func (f *bandFinder) holds(b *tariff.Band, shown int64) bool {
	clock := tariff.Clock(shown - floorDiv(shown, daySeconds)*daySeconds)
	inside := true
	switch {
	case b.From < b.To:
		inside = b.From <= clock && clock < b.To
	case b.From > b.To:
		inside = b.From <= clock || clock < b.To
	}
	if !inside {
		return false
	}
	whose := shown
	switch b.DayOf {
	case tariff.DayOfCycle:
		whose = f.cycle
	case tariff.DayOfStay:
		whose = f.stay
	}
	return f.place.fits(b.DayTypes, floorDiv(whose-int64(b.DayBegins), daySeconds))
}
