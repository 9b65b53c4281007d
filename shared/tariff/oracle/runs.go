package oracle

import (
	"slices"

	"lotkeeper/shared/tariff"
)

// run is a maximal stretch of charged seconds in one band: the seconds [from, to) of its piece.
type run struct {
	from, to int
	free     bool // it has free time of its own
}

// walked buys the piece's units one by one.
func (w *pieceWork) walked(p *progress) []unit {
	seconds := w.charged()
	runs := w.numberRuns(seconds, p)
	if f := w.job.freeScope(tariff.ScopeRun, tariff.FreeDeduct); f != nil {
		for _, r := range runs {
			if r.free {
				uncharge(seconds, r.from, min(r.to, r.from+int(f.UpTo)))
			}
		}
	}
	seconds = seconds[:w.reach(seconds, p)]
	w.exempt(seconds, runs)
	if positionScope(w.job.plan) == tariff.ScopeCycle {
		p.position = newPosition(w.piece.begin, none)
	}
	walker := walker{job: w.job, position: p.position, cycle: w.number, seconds: seconds}
	walker.walk(w.piece.begin)
	p.position = walker.position
	return walker.units
}

// charged is what prices each second before runs are looked at; deducted free time is uncharged.
func (w *pieceWork) charged() []second {
	seconds := make([]second, len(w.bands))
	for k, band := range w.bands {
		seconds[k] = second{band, none}
		if w.deducted[k] {
			seconds[k] = uncharged
		}
	}
	f := w.job.freeScope(tariff.ScopeCycle, tariff.FreeDeduct)
	if f == nil || !w.hasFreeCycle(f) {
		return seconds
	}
	left := f.UpTo
	for k := 0; k < len(seconds) && left > 0; k++ {
		if !w.job.holes.has(w.piece.begin + int64(k)) {
			seconds[k] = uncharged
			left--
		}
	}
	return seconds
}

func (w *pieceWork) hasFreeCycle(f *tariff.Free) bool { return f.Times == 0 || w.number < f.Times }

// numberRuns finds the runs and numbers their seconds.
func (w *pieceWork) numberRuns(seconds []second, p *progress) []run {
	var runs []run
	for k := 0; k < len(seconds); {
		if seconds[k] == uncharged {
			k++
			continue
		}
		r := run{from: k, to: k}
		for r.to < len(seconds) && seconds[r.to].band == seconds[k].band {
			r.to++
		}
		for i := r.from; i < r.to; i++ {
			seconds[i].run = p.runs
		}
		r.free = w.hasFreeRun(seconds[k].band, p)
		p.runs++
		runs = append(runs, r)
		k = r.to
	}
	return runs
}

// hasFreeRun says whether a run in a band has free time, and counts it.
func (w *pieceWork) hasFreeRun(band int, p *progress) bool {
	f := w.job.free()
	if f == nil || f.Scope != tariff.ScopeRun {
		return false
	}
	if len(f.Bands) > 0 && !slices.Contains(f.Bands, w.job.plan.Bands[band].ID) {
		return false
	}
	if f.Times > 0 && p.freeRuns >= f.Times {
		return false
	}
	p.freeRuns++
	return true
}

// reach counts charged seconds and is how many seconds of the piece pass until the longest stay is reached.
func (w *pieceWork) reach(seconds []second, p *progress) int {
	limit := w.job.limit()
	reached := len(seconds)
	if limit != none && p.charged >= limit {
		reached = 0
	}
	for k, s := range seconds {
		if s == uncharged || w.job.gifts.has(w.piece.begin+int64(k)) {
			continue
		}
		p.charged++
		if p.charged == limit {
			reached = k + 1
		}
	}
	return reached
}

// exempt makes cycles and runs uncharged that are no longer than their free time.
func (w *pieceWork) exempt(seconds []second, runs []run) {
	if f := w.job.freeScope(tariff.ScopeCycle, tariff.FreeWhole); f != nil && w.hasFreeCycle(f) {
		length := int64(0)
		for u := w.piece.begin; u < w.piece.end; u++ {
			if !w.job.holes.has(u) {
				length++
			}
		}
		if within(f, length) {
			uncharge(seconds, 0, len(seconds))
		}
	}
	if f := w.job.freeScope(tariff.ScopeRun, tariff.FreeWhole); f != nil {
		for _, r := range runs {
			to := min(r.to, len(seconds))
			if r.free && within(f, int64(to-r.from)) {
				uncharge(seconds, r.from, to)
			}
		}
	}
}

// uncharge makes seconds uncharged.
func uncharge(seconds []second, from, to int) {
	for k := from; k < to; k++ {
		seconds[k] = uncharged
	}
}
