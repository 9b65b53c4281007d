package oracle

import (
	"math"
	"math/big"

	"lotkeeper/shared/tariff"
)

// unit is something bought: at which second it began, in which band (empty for a guard's price or a full cycle's), cycle
// and run, and what it costs.
type unit struct {
	begin      int64
	band       string
	cycle, run int
	price      *big.Rat
}

// second says what prices a second and in which run it lies; both none where nothing is charged.
type second struct{ band, run int }

var uncharged = second{none, none}

// endless is the length of a flat step without an end.
const endless = math.MaxInt64

// flatStep names a flat step that was bought.
type flatStep struct{ band, step int }

// position is where in the steps a stay is.
type position struct {
	begin  int64 // when the stretch began
	run    int   // with position run, the run that the stretch belongs to
	all    int64 // time bought in the stretch, in any band and by band
	inBand map[int]int64
	flats  map[flatStep]bool
}

func newPosition(begin int64, run int) *position {
	return &position{begin: begin, run: run, inBand: map[int]int64{}, flats: map[flatStep]bool{}}
}

func (p *position) copy() *position {
	c := newPosition(p.begin, p.run)
	c.all = p.all
	for band, bought := range p.inBand {
		c.inBand[band] = bought
	}
	for flat := range p.flats {
		c.flats[flat] = true
	}
	return c
}

// running is a unit that has not ended yet. One without a price is the rest of a flat step that was bought before: time
// passes through it like through a unit, but it costs nothing.
type running struct {
	unit
	step     tariff.Step
	index    int // of the band
	boundary tariff.Boundary
	length   int64
	clock    int64 // charged seconds that it has seen, which is all time to a unit that pauses
	paid     bool  // it is the rest of a flat step
	gift     bool  // it began in covered time with rest through
}

// walker buys units second by second. A walker is made for one piece of a cycle; the position outlives it.
type walker struct {
	job      *job
	position *position
	cycle    int
	seconds  []second // from the piece's begin on
	units    []unit
	cur      *running
}

// walk goes through the seconds from begin on. Whatever comes after the last of them, a unit that is running ends there.
func (w *walker) walk(begin int64) {
	end := begin + int64(len(w.seconds))
	for u := begin; u < end; u++ {
		s := w.seconds[u-begin]
		if w.cur != nil && w.cur.used(u) >= w.cur.length {
			w.close(w.cur.price, w.cur.length)
		}
		if w.cur != nil && w.cur.stopsAt(s) {
			w.close(w.cur.atBoundary(u), w.cur.used(u))
		}
		if w.cur == nil && s != uncharged {
			w.open(u, s)
		}
		if w.cur != nil && s != uncharged {
			w.cur.clock++
		}
	}
	if w.cur != nil {
		used := w.cur.used(end)
		w.close(w.cur.atEnd(used), used)
	}
}

// open begins a unit of the step that the position is in.
func (w *walker) open(u int64, s second) {
	plan := w.job.plan
	if positionScope(plan) == tariff.ScopeRun && w.position.run != s.run {
		w.position = newPosition(u, s.run)
	}
	band := plan.Bands[s.band]
	at := w.at(u, s.band)
	index := 0
	for index < len(band.Steps)-1 && at >= int64(band.Steps[index].UpTo) {
		index++
	}
	step := band.Steps[index]
	r := &running{
		unit:     unit{begin: u, band: band.ID, cycle: w.cycle, run: s.run, price: exact(step.Price)},
		step:     step,
		index:    s.band,
		boundary: step.Cross,
		length:   int64(step.Unit),
		gift:     w.job.gifts.has(u),
	}
	if r.boundary == "" {
		r.boundary = plan.Boundary
	}
	if step.Unit == 0 {
		flat := flatStep{s.band, index}
		r.paid = w.position.flats[flat]
		w.position.flats[flat] = true
		r.length = endless
		if step.UpTo > 0 {
			r.length = int64(step.UpTo) - at
		}
	}
	w.cur = r
}

// at is the position of second u for a band.
func (w *walker) at(u int64, band int) int64 {
	switch w.job.plan.Counted {
	case tariff.CountElapsed:
		return u - w.position.begin
	case tariff.CountBand:
		return w.position.inBand[band]
	}
	return w.position.all
}

// close ends the running unit at a price, after so much of it was used.
func (w *walker) close(price *big.Rat, used int64) {
	r := w.cur
	w.cur = nil
	w.position.all += used
	w.position.inBand[r.index] += used
	if r.paid {
		return
	}
	r.price = price
	if r.gift {
		r.price = new(big.Rat)
	}
	w.units = append(w.units, w.job.rounded(r.unit))
}

// used is how much of the unit was used when second u begins.
func (r *running) used(u int64) int64 {
	if r.boundary == tariff.BoundaryPause {
		return r.clock
	}
	return u - r.begin
}

// stopsAt says whether the unit's run is over at a second, and the unit with it.
func (r *running) stopsAt(s second) bool {
	if r.boundary == tariff.BoundaryThrough || r.boundary == tariff.BoundaryPause {
		return false
	}
	return s.run != r.run
}

// atBoundary is the price of a unit that its band's end cuts at u.
func (r *running) atBoundary(u int64) *big.Rat {
	if r.step.Unit > 0 && r.boundary == tariff.BoundaryShare {
		return share(r.price, r.used(u), r.length)
	}
	return r.atEnd(r.used(u))
}

// atEnd is the price by the end rule. A flat step is whole.
func (r *running) atEnd(used int64) *big.Rat {
	if r.step.Unit == 0 || used >= r.length {
		return r.price
	}
	switch r.step.End {
	case tariff.EndFloor:
		return new(big.Rat)
	case tariff.EndTail:
		if used <= int64(r.step.Tail) {
			return new(big.Rat)
		}
	case tariff.EndStarted:
		return share(r.price, min((used+59)/60*60, r.length), r.length)
	case tariff.EndExact:
		return share(r.price, used, r.length)
	}
	return r.price
}

// rounded rounds the price of a unit where the tariff rounds each.
func (j *job) rounded(u unit) unit {
	if r := j.rate.tariff.Rounding; r != nil && r.Per == tariff.RoundUnit {
		u.price = roundTo(u.price, r.Unit, r.Mode)
	}
	return u
}

func positionScope(p *tariff.Plan) tariff.Scope {
	if p.Position == "" {
		return tariff.ScopeRun
	}
	return p.Position
}
