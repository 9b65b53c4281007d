package tariff

import (
	"math/bits"
	"slices"

	"lotkeeper/shared/tariff/strict"
)

// maxPieces bounds the work of one rating: a short cycle over a stay of years is a mistake, not a price.
const maxPieces = 200_000

var (
	errTooMuch  = strict.Wrong(sumsTooLarge)
	errTooShort = strict.Wrong(stayPieces)
)

// atom is a row of equal units bought one after another, or one unit or a part of one. What a cap takes is taken from
// left. Amounts are in 1/den of a minor unit.
type atom struct {
	span
	unit, count int64 // seconds from one unit's begin to the next's, and how many; unit 0 is a single one
	price, left int64 // of one unit; what all of them cost after the caps so far
	used        int64 // of a unit charged by its share: the seconds charged
	plan        *plan
	run, cycle  int32
	band, step  int16 // band -1: the whole cycle or stay at one price, by guard or full price
	guard       int16 // which guard, counted from 1; 0 is the cycle's full price
}

// walker goes through stays and buys their units. It serves one rating at a time; what it keeps saves allocations only.
type walker struct {
	r      *Rater
	line   timeline
	plans  [6]dayPlan
	oldest int
	atoms  []atom
	spare  []atom
	trims  []trim
	used   []usage
	gaps   []span // time outside between merged visits: uncharged, and no part of the stay
	lines  bool   // keep what caps took: somebody will ask for lines
	pieces int
	failed error
	course [2]course
	over   bool // the longest stay was exceeded
	spared bool // free time made something free

	settlement settlement
	spoken     map[*Step]*stepWords
	capped     map[*limit]Text
}

func newWalker(r *Rater) *walker { return &walker{r: r, line: timeline{r: r}} }

// course is one plan on its way through one stretch of a stay.
type course struct {
	p *plan
	span
	holes   []span // sorted and disjoint: time that is uncharged, covered or deducted
	covered []span // of the holes, those that are covered
	next    int    // the first hole that may matter still
	zeros   []span // sorted and disjoint: units run on through it, and those that begin in it are free
	free    *Free  // nil where there is none
	unfree  bool   // what is covered leaves no free time
	byStay  bool   // free time is judged by how long the whole stay was, covered or not
	fixed   uint64 // the bits of the day that bands with a day of their own look at

	// Where the steps have got to in the stretch of the position.
	base     int64 // when it began
	fresh    bool  // it begins with the next unit
	pos      [maxBands]int64
	bought   []int32 // flat steps that are paid for, as band*maxSteps+step
	charged  int64   // seconds in priced bands
	allowed  int64   // how many more may be charged
	deduct   int64   // how many of the next are free
	over     bool    // the allowed time is used up
	run      int32
	cycle    int32
	freeRuns int   // how many runs free time was for
	ended    int64 // the piece's end
	open     openUnit
}

// openUnit is one that its band's end did not end.
type openUnit struct {
	atom          int   // its index, -1 where it was bought whole
	from          int64 // when it began
	full          int64 // its length
	left          int64 // of a pausing one: what is left of it
	until         int64 // of one that runs through: when it ends
	pauses, is    bool
	step          *step
	band, stepNum int
}

// part is a stretch of a stay that is priced as a stay of its own.
type part struct {
	span
	holes, zeros []span // as of a course
	// freeLength is what free time of the stay is compared with; below zero there is none. What is deducted is counted from
	// freeFrom without the walker's gaps; 0 counts it in the part.
	freeLength, freeFrom int64
}

// fee prices a part: units, free time, caps, minimum, multiplier. It leaves the atoms and trims in w.
func (w *walker) fee(p *plan, s part) (sum int64) {
	first := w.mark()
	if s.from >= s.to {
		return 0
	}
	for i := range p.guards {
		g := &p.guards[i]
		if g.src.Scope == ScopeCycle || !w.fits(g, s.span) {
			continue
		}
		if g.src.Cheaper {
			over := w.over
			w.ordinary(p, s)
			middle := w.mark()
			w.guarded(g, s, i)
			if w.sum(first.atoms, middle.atoms) <= w.sum(middle.atoms, len(w.atoms)) {
				w.atoms, w.trims, w.over = w.atoms[:first.atoms], w.trims[:first.trims], over
				continue
			}
			w.drop(first, middle)
			w.over = over
		} else {
			w.guarded(g, s, i)
		}
		return w.finish(p, s.from, first.atoms)
	}
	w.ordinary(p, s)
	return w.finish(p, s.from, first.atoms)
}

// mark is how far atoms and trims have got.
type mark struct{ atoms, trims int }

func (w *walker) mark() mark { return mark{len(w.atoms), len(w.trims)} }

// drop removes what came between two marks.
func (w *walker) drop(from, to mark) {
	w.atoms = append(w.atoms[:from.atoms], w.atoms[to.atoms:]...)
	w.trims = append(w.trims[:from.trims], w.trims[to.trims:]...)
}

func (w *walker) sum(from, to int) (sum int64) {
	for i := from; i < to; i++ {
		sum = w.add(sum, w.atoms[i].left)
	}
	return sum
}

// finish is the caps that visits share, the rounding of cycles, the minimum and the multiplier.
func (w *walker) finish(p *plan, entry int64, first int) (sum int64) {
	w.applyShared(p, entry, first)
	if w.r.round.per == RoundCycle {
		for i := first; i < len(w.atoms); {
			next := i + 1
			for next < len(w.atoms) && w.atoms[next].cycle == w.atoms[i].cycle {
				next++
			}
			sum = w.add(sum, w.r.round.of(w.sum(i, next)))
			i = next
		}
	} else {
		sum = w.sum(first, len(w.atoms))
	}
	if least := int64(p.src.Minimum) * w.r.den; sum > 0 && sum < least {
		sum = least
	}
	if p.times != p.over {
		sum = w.times(sum/p.over, p.times)
	}
	w.used = append(w.used, usage{entry, sum})
	return sum
}

// guarded prices a part by a guard.
func (w *walker) guarded(g *guard, s part, index int) {
	if g.plan != nil {
		w.ordinary(g.plan, s)
		return
	}
	w.whole(nil, s.span, int64(*g.src.Price)*w.r.den, index+1)
}

// wholePiece buys a piece at one price, unless it begins in time that is free.
func (w *walker) wholePiece(p *plan, c *course, piece span, price int64, guard int) {
	if !within(c.zeros, piece.from) {
		w.whole(p, piece, price, guard)
	}
}

// whole buys a span at one price.
func (w *walker) whole(p *plan, s span, price int64, guard int) {
	if price != 0 {
		w.atoms = append(w.atoms, atom{span: s, plan: p, count: 1, price: price, left: price, band: -1, guard: int16(guard)})
	}
}

// ordinary prices a part by the plan's bands, with free time and caps.
func (w *walker) ordinary(p *plan, s part) {
	first := len(w.atoms)
	if x := p.src.MaxStay; x != nil && x.Counted == CountElapsed && s.length() > int64(x.Length) {
		s.to, w.over = s.from+int64(x.Length), true
	}
	c := w.begin(0, p, s)
	if f := c.free; f != nil && (f.Scope == "" || f.Scope == ScopeStay) && f.spares(s.freeLength) {
		w.spared = true
		return
	}
	for piece := (span{s.from, s.from}); piece.to < s.to && !c.over; c.cycle++ {
		edge := w.cycleEnd(p, s.from, piece.to, c.cycle)
		piece = span{piece.to, min(edge, s.to)}
		w.cycleOf(c, piece, edge == piece.to)
	}
	w.over = w.over || c.over
	if f := c.free; f != nil && f.Scope == ScopeChargeable && f.spares(c.charged) {
		w.spared = true
		w.atoms = w.atoms[:first]
		return
	}
	w.applyCaps(p, s.from, first)
}

// begin makes a course ready.
func (w *walker) begin(depth int, p *plan, s part) *course {
	c := &w.course[depth]
	bought := c.bought[:0]
	*c = course{} // and then its fields, which takes half the time of a literal that is copied
	c.p, c.span, c.base, c.bought, c.allowed, c.unfree = p, s.span, s.from, bought, forever, s.freeLength < 0
	c.byStay = s.freeFrom != 0
	c.holes, c.covered, c.zeros = s.holes, s.holes, s.zeros
	if f := p.src.Free; f != nil && s.freeLength >= 0 && !w.settlement.visited(f.OncePer) {
		c.free = f
	}
	if x := p.src.MaxStay; x != nil && x.Counted != CountElapsed {
		c.allowed = int64(x.Length)
	}
	if f := c.free; f != nil && f.Then == FreeDeduct {
		switch f.Scope {
		case "", ScopeStay:
			taken, until := c.holes, int64(0)
			if s.freeFrom == 0 {
				taken = union(slices.Concat(c.holes, c.zeros))
			} else {
				until = after(s.freeFrom, int64(f.UpTo), w.gaps)
			}
			c.deducted(s.span, until, taken)
		case ScopeChargeable:
			c.deduct = int64(f.UpTo)
		}
	}
	if p.fixed == DayOfStay {
		number, _, _ := w.line.at(s.from)
		c.fixed = w.line.days(number)
	}
	return c
}

// spares says whether the free time makes so many seconds free.
func (f *Free) spares(seconds int64) bool {
	return f.Then != FreeDeduct && (seconds < int64(f.UpTo) || (f.Inclusive && seconds == int64(f.UpTo)))
}

// cycleOf prices one piece of a cycle: by a guard, at its full price, or by its units.
func (w *walker) cycleOf(c *course, piece span, endsAtEdge bool) {
	p := c.p
	if c.allowed == 0 || overlapBoth(piece, c.holes, c.zeros) == piece.length() {
		w.piece(c, piece) // nothing in it is charged
		return
	}
	for i := range p.guards {
		g := &p.guards[i]
		if g.src.Scope != ScopeCycle || !w.fits(g, piece) {
			continue
		}
		first, before := w.mark(), *c
		if g.src.Cheaper {
			before.bought = slices.Clone(c.bought)
			w.unguarded(c, piece, endsAtEdge)
		}
		middle, runs := w.mark(), int32(1)
		if g.plan == nil {
			w.wholePiece(nil, c, piece, int64(*g.src.Price)*w.r.den, i+1)
		} else {
			runs = w.subPiece(g.plan, c, piece)
		}
		if g.src.Cheaper && w.sum(first.atoms, middle.atoms) <= w.sum(middle.atoms, len(w.atoms)) {
			w.atoms, w.trims, *c = w.atoms[:first.atoms], w.trims[:first.trims], before
			continue
		}
		w.drop(first, middle)
		*c = before
		w.number(c, first.atoms, runs)
		w.spend(c, piece)
		return
	}
	w.unguarded(c, piece, endsAtEdge)
}

// unguarded prices a piece at its full price if it has one and is full, else by its units.
func (w *walker) unguarded(c *course, piece span, endsAtEdge bool) {
	p := c.p
	if p.src.Cycle == nil || p.src.Cycle.FullPrice == nil || !endsAtEdge || !w.beginsAtEdge(p, c, piece.from) || overlap(piece, c.covered) > 0 {
		w.piece(c, piece)
		return
	}
	first := len(w.atoms)
	w.wholePiece(p, c, piece, int64(*p.src.Cycle.FullPrice)*w.r.den, 0)
	w.number(c, first, 1)
	w.spend(c, piece)
}

// spend counts the charged time of a piece that is not priced by its units, and returns how many runs it has.
func (w *walker) spend(c *course, piece span) (runs int32) {
	w.fixDay(c, piece.from)
	for u := piece.from; u < piece.to && !c.over; {
		end, band := w.stretch(c.p, u, piece.to, c.fixed)
		if band >= 0 {
			for _, r := range without(span{u, end}, c.holes) {
				n := min(c.deduct, r.length())
				c.deduct -= n
				c.spend(span{r.from + n, r.to})
				runs++
			}
		}
		u = end
	}
	return runs
}

// number gives atoms that the course did not buy itself runs of their own, and its cycle.
func (w *walker) number(c *course, first int, runs int32) {
	for i := first; i < len(w.atoms); i++ {
		w.atoms[i].run, w.atoms[i].cycle = c.run+max(w.atoms[i].run, 1), c.cycle
	}
	c.run += runs
}

// subPiece prices a piece by another plan, and returns how many runs it had.
func (w *walker) subPiece(p *plan, outer *course, piece span) int32 {
	first := len(w.atoms)
	s := part{span: piece, holes: outer.covered, zeros: outer.zeros, freeLength: -1}
	switch {
	case outer.unfree:
	case outer.byStay: // in a guard of a cycle the stay is the cycle
		s.freeLength, s.freeFrom = piece.length()-overlap(piece, w.gaps), piece.from
	default:
		s.freeLength = piece.length() - overlapBoth(piece, outer.covered, outer.zeros)
	}
	c := w.begin(1, p, s)
	f := c.free
	if f != nil && (f.Scope == "" || f.Scope == ScopeStay) && f.spares(s.freeLength) {
		return 1
	}
	w.piece(c, piece)
	if f != nil && f.Scope == ScopeChargeable && f.spares(c.charged) {
		w.atoms = w.atoms[:first]
		return c.run
	}
	w.applyCaps(p, piece.from, first)
	return c.run
}

// cycleEnd is when the cycle that begins or goes on at u ends.
func (w *walker) cycleEnd(p *plan, entry, u int64, number int32) int64 {
	switch c := p.src.Cycle; {
	case c == nil:
		return forever
	case c.Kind == CycleDay:
		return w.line.next(u, p.starts)
	default:
		return w.blockEnd(entry, int64(c.Length), c.Clock, int64(number))
	}
}

// blockEnd is the end of the block of that number, counted from 0.
func (w *walker) blockEnd(entry, length int64, clock ClockKind, number int64) int64 {
	if clock != ClockWall {
		return entry + (number+1)*length
	}
	w.line.look(entry)
	local := entry + w.line.offset + (number+1)*length
	return max(w.line.instant(floorDiv(local, day), local-floorDiv(local, day)*day), entry+1)
}

// cycleBegin is when the cycle that u is in began, which of days may be before the stay.
func (w *walker) cycleBegin(p *plan, u int64) int64 {
	if p.src.Cycle == nil || p.src.Cycle.Kind != CycleDay {
		return u
	}
	return w.line.last(u, p.starts)
}

// fixDay notes the day on which the cycle that u is in began, for bands that look at it.
func (w *walker) fixDay(c *course, u int64) {
	if c.p.fixed == DayOfCycle {
		number, _, _ := w.line.at(w.cycleBegin(c.p, u))
		c.fixed = w.line.days(number)
	}
}

func (w *walker) beginsAtEdge(p *plan, c *course, u int64) bool {
	return u > c.from || p.src.Cycle.Kind == CycleBlock || w.line.next(u-1, p.starts) == u
}

// add and times note an overflow instead of returning one: it is looked at once, at the end.
func (w *walker) add(a, b int64) int64 {
	sum := a + b
	if (a^sum)&(b^sum) < 0 {
		w.failed = errTooMuch
	}
	return sum
}

func (w *walker) times(a, n int64) int64 {
	p, ok := times(a, n)
	if !ok {
		w.failed = errTooMuch
	}
	return p
}

// times is a·n for values not below zero.
func times(a, n int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(n))
	return int64(lo), hi == 0 && lo <= forever
}
