package oracle

import (
	"math/big"
	"slices"

	"lotkeeper/shared/tariff"
)

// piece is the part of a stay that lies in one cycle.
type piece struct {
	span
	cycleBegin int64 // when the cycle began, which may be before the stay did
	full       bool  // the stay covers the cycle from edge to edge
}

// pieces cuts the job at its plan's cycle.
func (j *job) pieces() []piece {
	c := j.plan.Cycle
	if c == nil {
		return []piece{{span: span{j.begin, j.end}, cycleBegin: j.begin}}
	}
	var edges []int64
	if c.Kind == tariff.CycleBlock {
		edges = append([]int64{j.begin}, j.rate.place.blockEdges(c.Clock, int64(c.Length), j.begin, j.end)...)
	} else {
		edges = j.rate.place.dayEdges(c.At, c.Starts, j.begin, j.end)
	}
	var list []piece
	for begin := j.begin; begin < j.end; {
		next := slices.IndexFunc(edges, func(e int64) bool { return e > begin })
		p := piece{span: span{begin, j.end}, cycleBegin: begin}
		if next >= 0 {
			p.end = edges[next]
			p.full = slices.Contains(edges, begin)
		}
		if !slices.Contains(edges, begin) {
			p.cycleBegin = j.cycleBefore(begin)
		}
		list = append(list, p)
		begin = p.end
	}
	return list
}

// cycleBefore is when the cycle of kind day began in which a stay begins; the begin itself if there was none for a year.
func (j *job) cycleBefore(begin int64) int64 {
	for days := int64(2); days < 400; days *= 2 {
		c := j.plan.Cycle
		if edges := j.rate.place.dayEdges(c.At, c.Starts, begin-days*daySeconds, begin); len(edges) > 0 {
			return edges[len(edges)-1]
		}
	}
	return begin
}

// pieceWork is a piece while it is priced.
type pieceWork struct {
	job      *job
	number   int
	piece    piece
	bands    []int  // what prices each second
	deducted []bool // by free time of the whole stay
}

// price is what the piece asks before the plan's caps: the first guard of a cycle that fits, or else the ordinary price.
func (w *pieceWork) price(p *progress) []unit {
	after := p.copy()
	units := w.ordinary(&after)
	if w.priced(p) {
		for i := range w.job.plan.Guards {
			g := &w.job.plan.Guards[i]
			if g.Scope != tariff.ScopeCycle || !w.job.rate.place.guardFits(g, w.piece.span) {
				continue
			}
			guarded := p.copy()
			others := w.guard(g, &guarded)
			if g.Cheaper && sum(others).Cmp(sum(units)) >= 0 {
				continue
			}
			*p = guarded
			return others
		}
	}
	*p = after
	return units
}

// priced says whether there is anything in the piece that a guard or a full price could be for: a second that is
// neither covered nor free by the stay's free time, before the longest stay is reached.
func (w *pieceWork) priced(p *progress) bool {
	if w.job.limit() != none && p.charged >= w.job.limit() {
		return false
	}
	stayFree := w.job.freeScope(tariff.ScopeStay, tariff.FreeDeduct) != nil
	for k := range w.bands {
		u := w.piece.begin + int64(k)
		if !w.job.holes.has(u) && !w.job.gifts.has(u) && !(stayFree && w.deducted[k]) {
			return true
		}
	}
	return false
}

// ordinary is the full price or what is bought unit by unit.
func (w *pieceWork) ordinary(p *progress) []unit {
	c := w.job.plan.Cycle
	if c != nil && c.FullPrice != nil && w.piece.full && w.priced(p) && !w.anyHole() {
		return w.single(whole(*c.FullPrice), p)
	}
	return w.walked(p)
}

func (w *pieceWork) anyHole() bool {
	for u := w.piece.begin; u < w.piece.end; u++ {
		if w.job.holes.has(u) {
			return true
		}
	}
	return false
}

// single prices the piece as one unit in a run of its own.
func (w *pieceWork) single(price *big.Rat, p *progress) []unit {
	u := unit{begin: w.piece.begin, cycle: w.number, run: p.runs, price: price}
	if w.job.gifts.has(u.begin) {
		u.price = new(big.Rat)
	}
	p.runs++
	w.countAll(p)
	return []unit{u}
}

// countAll counts the piece's charged seconds for the longest stay.
func (w *pieceWork) countAll(p *progress) {
	for k, band := range w.bands {
		if w.charges(k, band) {
			p.charged++
		}
	}
}

func (w *pieceWork) charges(k, band int) bool {
	return !w.deducted[k] && w.job.counts(int(w.piece.begin-w.job.begin)+k, band)
}

// guard prices the piece by a guard.
func (w *pieceWork) guard(g *tariff.Guard, p *progress) []unit {
	if g.Price != nil {
		return w.single(whole(*g.Price), p)
	}
	sub := *w.job
	sub.plan, sub.begin, sub.end, sub.whole, sub.beyond = g.Plan, w.piece.begin, w.piece.end, w.piece.span, 0
	sub, exceeded := sub.ended()
	out := sub.price()
	for i := range out.units {
		u := &out.units[i]
		u.band, u.cycle, u.run = "", w.number, u.run+p.runs
	}
	p.exceeded = p.exceeded || exceeded || out.exceeded
	p.runs += out.runs
	w.countAll(p)
	return out.units
}
