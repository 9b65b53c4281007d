package oracle

import (
	"math/big"

	"lotkeeper/shared/tariff"
)

// job is one stretch of time that one plan prices: a stay, a part of one, or for the plan of a guard a cycle of one.
type job struct {
	rate       *rate
	plan       *tariff.Plan
	begin, end int64
	holes      spans // seconds that are not charged and are no part of the stay: covered, or outside between visits
	gifts      spans // covered seconds with rest through: time as any other, but units that begin in it are free
	test       tariff.FreeTest
	whole      span  // with the free test stay: the whole stay, and what of it was outside
	outside    spans //
	visit      visit // that it is of
	beyond     int64 // when the stay really ended, where its longest stay ended it before
}

// outcome is what a plan asks: units after its caps, how many runs there were, and whether the longest stay was exceeded.
type outcome struct {
	units    []unit
	runs     int
	exceeded bool
}

// progress is what pieces hand on to the pieces after them.
type progress struct {
	position *position
	runs     int   // runs numbered so far
	freeRuns int   // runs that had free time
	charged  int64 // charged seconds, for the longest stay
	exceeded bool  // by the plan of a guard of a cycle
}

func (p progress) copy() progress {
	p.position = p.position.copy()
	return p
}

// ended ends the stay where the plan's longest stay ends that counts all time, and says whether it was longer.
func (j job) ended() (job, bool) {
	m := j.plan.MaxStay
	if m == nil || m.Counted != tariff.CountElapsed || j.end-j.begin <= int64(m.Length) {
		return j, false
	}
	j.beyond, j.end = j.end, j.begin+int64(m.Length)
	return j, true
}

// limit is how many charged seconds there may be; none for any number.
func (j *job) limit() int64 {
	if m := j.plan.MaxStay; m != nil && m.Counted != tariff.CountElapsed {
		return int64(m.Length)
	}
	return none
}

// price is the plan's ordinary price: without guards of the stay, minimum and multiplier.
func (j *job) price() outcome {
	pieces := j.pieces()
	bands := make([]int, 0, j.end-j.begin)
	for _, p := range pieces {
		finder := newBandFinder(j.rate.place, j.plan.Bands, j.begin, p.cycleBegin)
		for u := p.begin; u < p.end; u++ {
			bands = append(bands, finder.at(u))
		}
	}
	j.dropHoles(bands)
	deducted := j.deducted(bands)
	progress := progress{position: newPosition(j.begin, none)}
	var units []unit
	for i, p := range pieces {
		from, to := p.begin-j.begin, p.end-j.begin
		work := pieceWork{job: j, number: i, piece: p, bands: bands[from:to], deducted: deducted[from:to]}
		units = append(units, work.price(&progress)...)
	}
	exceeded := progress.exceeded || j.limit() != none && progress.charged > j.limit()
	if j.allFree(bands) {
		units = nil
	}
	j.cap(units, pieces)
	return outcome{units, progress.runs, exceeded}
}

// dropHoles makes the holes unpriced.
func (j *job) dropHoles(bands []int) {
	for k := range bands {
		if j.holes.has(j.begin + int64(k)) {
			bands[k] = none
		}
	}
}

// counts says whether a second is charged time of the stay: in a band with steps and not covered.
func (j *job) counts(k int, band int) bool {
	return band != none && !j.gifts.has(j.begin+int64(k))
}

// free is the plan's free time, if this stay has any.
func (j *job) free() *tariff.Free {
	f := j.plan.Free
	if f == nil || j.test == tariff.FreeTestNone || j.rate.visitedBefore(f.OncePer, j.visit) {
		return nil
	}
	return f
}

func (j *job) freeScope(scope tariff.Scope, then tariff.FreeThen) *tariff.Free {
	f := j.free()
	if f == nil || (f.Scope != scope && !(f.Scope == "" && scope == tariff.ScopeStay)) {
		return nil
	}
	if (f.Then == tariff.FreeDeduct) != (then == tariff.FreeDeduct) {
		return nil
	}
	return f
}

func within(f *tariff.Free, length int64) bool {
	return length < int64(f.UpTo) || f.Inclusive && length == int64(f.UpTo)
}

// allFree says whether free time makes the whole stay free.
func (j *job) allFree(bands []int) bool {
	if f := j.freeScope(tariff.ScopeStay, tariff.FreeWhole); f != nil {
		return within(f, j.stayLength())
	}
	f := j.freeScope(tariff.ScopeChargeable, tariff.FreeWhole)
	if f == nil {
		return false
	}
	length := int64(0)
	for k, band := range bands {
		if j.counts(k, band) {
			length++
		}
	}
	if j.limit() != none {
		length = min(length, j.limit())
	}
	return within(f, length)
}

// stayLength is what free time of scope stay is compared with.
func (j *job) stayLength() int64 {
	length := int64(0)
	if j.test == tariff.FreeTestStay {
		for u := j.whole.begin; u < j.whole.end; u++ {
			if !j.outside.has(u) {
				length++
			}
		}
		return length
	}
	for u := j.begin; u < max(j.end, j.beyond); u++ {
		if !j.holes.has(u) && !j.gifts.has(u) {
			length++
		}
	}
	return length
}

// deducted marks the seconds that free time of the stay or of its charged time takes off.
func (j *job) deducted(bands []int) []bool {
	marks := make([]bool, len(bands))
	if f := j.freeScope(tariff.ScopeStay, tariff.FreeDeduct); f != nil {
		j.deductStay(marks, int64(f.UpTo))
	}
	if f := j.freeScope(tariff.ScopeChargeable, tariff.FreeDeduct); f != nil {
		left := f.UpTo
		for k := 0; k < len(bands) && left > 0; k++ {
			if j.counts(k, bands[k]) {
				marks[k] = true
				left--
			}
		}
	}
	return marks
}

func (j *job) deductStay(marks []bool, left int64) {
	time := span{j.begin, j.end}
	if j.test == tariff.FreeTestStay {
		time = j.whole
	}
	for u := time.begin; u < time.end && left > 0; u++ {
		skipped := j.holes.has(u) || j.gifts.has(u)
		if j.test == tariff.FreeTestStay {
			skipped = j.outside.has(u)
		}
		if skipped {
			continue
		}
		left--
		if j.begin <= u && u < j.end {
			marks[u-j.begin] = true
		}
	}
}

func sum(units []unit) *big.Rat {
	total := new(big.Rat)
	for _, u := range units {
		total.Add(total, u.price)
	}
	return total
}

// fee is the sum of the units, each cycle rounded where the tariff says so.
func (j *job) fee(units []unit) *big.Rat {
	r := j.rate.tariff.Rounding
	if r == nil || r.Per != tariff.RoundCycle {
		return sum(units)
	}
	cycles := map[int][]unit{}
	for _, u := range units {
		cycles[u.cycle] = append(cycles[u.cycle], u)
	}
	total := new(big.Rat)
	for _, own := range cycles {
		total.Add(total, roundTo(sum(own), r.Unit, r.Mode))
	}
	return total
}
