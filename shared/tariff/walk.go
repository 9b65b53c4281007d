package tariff

import (
	"fmt"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// maxPieces bounds the work of one rating: a short cycle over a stay of years is a mistake, not a price.
const maxPieces = 200_000

// atom is a row of equal units bought one after another, or one part of a unit. What a cap takes is taken from left.
type atom struct {
	span
	band, step int
	unit       int64 // seconds from one unit's begin to the next's; 0 for an atom that is a single unit
	count      int64
	started    int64     // for a unit charged by started minutes: the seconds charged
	price      money.Rat // of one unit
	left       money.Rat // what all of them cost after the caps so far
}

// walker goes through a stay and buys its units.
type walker struct {
	plan   *Plan
	line   timeline
	entry  int64
	pieces int
	atoms  []atom

	// Where the steps have got to. bought are the flat steps paid for in the current scope of the position.
	position int64
	bought   [][2]int
}

func newWalker(t *Tariff, plan *Plan, cal calendar.Calendar) *walker {
	return &walker{plan: plan, line: timeline{loc: t.TZ.Location(), cal: cal}}
}

// walk prices a stay without what is covered, before caps. covered is sorted and disjoint.
func (w *walker) walk(stay span, covered []span) ([]atom, error) {
	w.entry, w.atoms, w.pieces = stay.from, nil, 0
	w.restart()
	free := w.plan.Free
	if free != nil && free.Scope != ScopeCycle {
		if free.spares(stay) {
			return nil, nil
		}
		covered = free.deducted(stay, covered)
	}
	for piece := (span{stay.from, stay.from}); piece.to < stay.to; {
		piece = span{piece.to, min(w.cycleEnd(piece.to), stay.to)}
		if w.plan.Position == ScopeCycle {
			w.restart()
		}
		cut := covered
		if free != nil && free.Scope == ScopeCycle {
			if free.spares(piece) {
				continue
			}
			cut = free.deducted(piece, covered)
		}
		if err := w.piece(piece, cut); err != nil {
			return nil, err
		}
	}
	return w.atoms, nil
}

// spares says whether the free time makes the whole of s free.
func (f *Free) spares(s span) bool {
	length := Seconds(s.to - s.from)
	return f.Then == FreeWhole && (length < f.UpTo || (f.Inclusive && length == f.UpTo))
}

// deducted adds to covered the free time at the beginning of s, if it is to be deducted.
func (f *Free) deducted(s span, covered []span) []span {
	if f.Then != FreeDeduct {
		return covered
	}
	return union(append([]span{{s.from, s.from + int64(f.UpTo)}}, covered...))
}

func (w *walker) restart() { w.position, w.bought = 0, w.bought[:0] }

// cycleEnd is when the cycle that instant u is in ends.
func (w *walker) cycleEnd(u int64) int64 {
	switch c := w.plan.Cycle; {
	case c == nil:
		return forever
	case c.Kind == CycleDay:
		return w.line.midnight(u)
	default:
		return u + int64(c.Length) - (u-w.entry)%int64(c.Length)
	}
}

// piece prices what one cycle has of the stay.
func (w *walker) piece(piece span, covered []span) error {
	for rest := piece; rest.from < rest.to; {
		s := w.line.next(w.plan.Bands, rest)
		rest.from = s.to
		if w.pieces++; w.pieces > maxPieces {
			return fmt.Errorf("the stay has more than %d pieces under this tariff", maxPieces)
		}
		if s.band < 0 || len(w.plan.Bands[s.band].Steps) == 0 {
			continue
		}
		for _, run := range without(s.span, covered) {
			if w.plan.Position == "" || w.plan.Position == ScopeRun {
				w.restart()
			}
			if err := w.run(run, s.band); err != nil {
				return err
			}
		}
	}
	return nil
}

// run buys units for an unbroken stretch in one band. A unit that the stretch's end cuts is not carried over.
func (w *walker) run(run span, band int) error {
	steps := w.plan.Bands[band].Steps
	i := 0
	for run.from < run.to {
		for steps[i].UpTo != 0 && w.position >= int64(steps[i].UpTo) {
			i++
		}
		var err error
		if step := steps[i]; step.Unit == 0 {
			run.from, err = w.flat(run, band, i, step)
		} else {
			run.from, err = w.units(run, band, i, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flat passes through a flat step and buys it if this scope has not. It returns how far it got.
func (w *walker) flat(run span, band, i int, step Step) (int64, error) {
	to := run.to
	if step.UpTo != 0 {
		to = min(to, run.from+int64(step.UpTo)-w.position)
	}
	w.position += to - run.from
	for _, b := range w.bought {
		if b == [2]int{band, i} {
			return to, nil
		}
	}
	w.bought = append(w.bought, [2]int{band, i})
	return to, w.buy(atom{span: span{run.from, to}, band: band, step: i, count: 1, price: step.Price})
}

// units buys all units that begin in a step. It returns how far it got.
func (w *walker) units(run span, band, i int, step Step) (int64, error) {
	unit, length := int64(step.Unit), run.to-run.from
	count, rest := length/unit, length%unit
	if step.UpTo != 0 {
		begin := (int64(step.UpTo) - w.position + unit - 1) / unit // units that begin before the step's end
		if begin <= count {
			count, rest = begin, 0
		}
	}
	whole := count
	if rest > 0 && (step.End == "" || step.End == EndCeil) {
		whole++
	}
	w.position += count*unit + rest
	to := run.from + count*unit + rest
	if whole > 0 {
		row := atom{span: span{run.from, min(to, run.from+whole*unit)}, band: band, step: i, unit: unit, count: whole, price: step.Price}
		if err := w.buy(row); err != nil {
			return 0, err
		}
	}
	if rest > 0 && step.End == EndStarted {
		charged := min((rest+59)/60*60, unit)
		share, err := money.NewRat(charged, unit)
		if err != nil {
			return 0, err
		}
		part := atom{span: span{to - rest, to}, band: band, step: i, count: 1, started: charged}
		if part.price, err = product(step.Price, share); err != nil {
			return 0, err
		}
		return to, w.buy(part)
	}
	return to, nil
}

// product is price × share.
func product(price, share money.Rat) (money.Rat, error) {
	times, err := price.Times(share.Num)
	if err != nil {
		return money.Rat{}, err
	}
	over, err := money.NewRat(1, share.Den)
	if err != nil {
		return money.Rat{}, err
	}
	// times.Num/times.Den × 1/den: both denominators are bounded by the check of the tariff.
	whole, err := over.Times(times.Num)
	if err != nil {
		return money.Rat{}, err
	}
	return money.NewRat(whole.Num, whole.Den*times.Den)
}

// buy keeps an atom that costs something.
func (w *walker) buy(a atom) (err error) {
	if a.price.Sign() == 0 {
		return nil
	}
	if a.left, err = a.price.Times(a.count); err != nil {
		return err
	}
	w.atoms = append(w.atoms, a)
	return nil
}
