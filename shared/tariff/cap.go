package tariff

// trim is what a cap took in one of its windows.
type trim struct {
	span         // from the first unit in the window to the end of the last
	last   int64 // when the last unit in the window begins
	limit  *limit
	amount int64
}

// usage is what an earlier visit, or an earlier part of this one, was charged.
type usage struct{ entry, amount int64 }

// window is where the caps' iterator stands: a stretch of time, or of runs or cycles, whose units are capped together.
type window struct {
	end    int64 // of time windows
	number int   // counted from the entry
	inside bool  // of clock windows: whether it is one
}

// applyCaps takes from the atoms' left what is above each cap in each window, latest unit first, so that an earlier
// exit's bill is a prefix of a later one's.
func (w *walker) applyCaps(p *plan, entry int64, first int) {
	for i := range p.caps {
		w.applyCap(p, &p.caps[i], entry, first, p.caps[i].amount)
	}
}

// applyShared applies the caps that earlier visits share: the window of the entry has room for what they left, as their
// charges were before the multiplier.
func (w *walker) applyShared(p *plan, entry int64, first int) {
	if p.times == 0 { // all is free, and takes nothing from later visits
		return
	}
	for i := range p.shared {
		l := &p.shared[i]
		room := l.amount
		for _, u := range w.used {
			if w.inWindow(l.shared.Window, l.shared.At, l.shared.Length, entry, u.entry) {
				room -= u.amount / p.times * p.over
			}
		}
		w.applyCap(p, l, entry, first, max(room, 0))
	}
}

// applyCap applies one cap. room is what the first window may have.
func (w *walker) applyCap(p *plan, l *limit, entry int64, first int, room int64) {
	if w.sum(first, len(w.atoms)) <= min(room, l.amount) {
		return // all together are not above it, so no window is
	}
	win := w.firstWindow(l, entry)
	if l.timed() {
		w.cutRows(l, win, entry, first)
	}
	for a := first; a < len(w.atoms); {
		if !l.bounds(p, &w.atoms[a]) {
			a++
			continue
		}
		win = w.advance(l, win, entry, &w.atoms[a])
		b := a + 1
		for b < len(w.atoms) && w.same(l, p, win, &w.atoms[a], &w.atoms[b]) {
			b++
		}
		if win.inside && win.number >= l.src.Skip && (l.src.Times == 0 || win.number < l.src.Skip+l.src.Times) {
			most := l.amount
			if win.number == 0 {
				most = room
			}
			w.takeAbove(l, p, a, b, most)
		}
		a = b
	}
}

// inWindow says whether a visit that began at earlier shares a window with one that begins at entry.
func (w *walker) inWindow(kind Window, at Clock, length Seconds, entry, earlier int64) bool {
	if earlier >= entry {
		return false
	}
	if kind == WindowRolling {
		return earlier >= entry-int64(length)
	}
	edge := []start{{int32(at % day), 0}}
	return w.line.next(earlier, edge) == w.line.next(entry, edge)
}

// bounds says whether a cap is about a unit.
func (l *limit) bounds(p *plan, a *atom) bool {
	return l.bands == 0 || (a.plan == p && a.band >= 0 && l.bands&(1<<a.band) != 0)
}

func (l *limit) timed() bool {
	return l.src.Window == WindowBlock || l.src.Window == WindowDay || l.src.Window == WindowClock
}

// firstWindow is the one that the entry is in.
func (w *walker) firstWindow(l *limit, entry int64) window {
	if !l.timed() {
		return window{end: forever, inside: true}
	}
	if l.src.Window == WindowClock {
		number, _, _ := w.line.at(entry)
		for n := number - 1; n <= number; n++ {
			if begin, end := w.clockWindow(l, n); begin <= entry && entry < end {
				return window{end: end, inside: true}
			}
		}
	}
	return window{end: w.windowEnd(l, entry, entry, 0), inside: l.src.Window != WindowClock}
}

// clockWindow is a cap's clock window of a date; empty where it has none.
func (w *walker) clockWindow(l *limit, number int64) (begin, end int64) {
	if l.days != 0 && w.line.days(number)&l.days == 0 {
		return 0, 0
	}
	last := number
	if l.src.To <= l.src.From {
		last++
	}
	return w.line.instant(number, int64(l.src.From)), w.line.instant(last, int64(l.src.To))
}

// windowEnd is when a window ends that u is in; of clock windows, when the next begins.
func (w *walker) windowEnd(l *limit, entry, u int64, number int) int64 {
	switch l.src.Window {
	case WindowBlock:
		return w.blockEnd(entry, int64(l.src.Length), l.src.Clock, int64(number))
	case WindowDay:
		return w.line.next(u, l.starts)
	}
	today, _, _ := w.line.at(u)
	for n := today; n < today+2*366; n++ {
		if begin, end := w.clockWindow(l, n); begin < end && begin >= u {
			return begin
		}
	}
	return forever
}

// advance moves a window on until it is the one that an atom begins in.
func (w *walker) advance(l *limit, win window, entry int64, a *atom) window {
	switch l.src.Window {
	case WindowRun:
		win.number = int(a.run) - 1
	case WindowCycle:
		win.number = int(a.cycle)
	case WindowStay:
	default:
		for a.from >= win.end {
			if w.pieces++; w.pieces > maxPieces*4 {
				w.failed = errTooShort
				return window{end: forever}
			}
			if l.src.Window != WindowClock {
				win.number++
				win.end = w.windowEnd(l, entry, win.end, win.number)
				continue
			}
			if win.inside {
				// Windows that touch are two windows.
				win = window{end: w.windowEnd(l, entry, win.end, 0), number: win.number + 1}
			} else {
				number, _, _ := w.line.at(win.end)
				_, end := w.clockWindow(l, number)
				win = window{end: end, number: win.number, inside: true}
			}
		}
	}
	return win
}

// same says whether b belongs to the window that a begins in.
func (w *walker) same(l *limit, p *plan, win window, a, b *atom) bool {
	if !l.bounds(p, b) {
		return true // passed over, not a border
	}
	if l.src.PerCycle && a.cycle != b.cycle {
		return false
	}
	switch l.src.Window {
	case WindowRun:
		return a.run == b.run
	case WindowCycle:
		return a.cycle == b.cycle
	default:
		return b.from < win.end
	}
}

// cutRows splits rows of units so that each is in one window, by where its units begin.
func (w *walker) cutRows(l *limit, win window, entry int64, first int) {
	whole := first // the rows before it stay as they are
	for ; whole < len(w.atoms); whole++ {
		a := &w.atoms[whole]
		if win = w.advance(l, win, entry, a); a.count > 1 && a.unit > 0 && a.from+(a.count-1)*a.unit >= win.end {
			break
		}
	}
	if whole == len(w.atoms) {
		return
	}
	w.spare = append(w.spare[:0], w.atoms[whole:]...)
	w.atoms = w.atoms[:whole]
	for _, a := range w.spare {
		win = w.advance(l, win, entry, &a)
		for a.count > 1 && a.unit > 0 && w.failed == nil {
			before := (win.end - a.from + a.unit - 1) / a.unit
			if win.end == forever || before >= a.count {
				break
			}
			var head atom
			head, a = w.split(a, before)
			w.atoms = append(w.atoms, head)
			win = w.advance(l, win, entry, &a)
		}
		w.atoms = append(w.atoms, a)
	}
}

// split parts the first n units from the others. What earlier caps took came from the latest.
func (w *walker) split(a atom, n int64) (head, tail atom) {
	head, tail = a, a
	head.count, tail.count = n, a.count-n
	head.to, tail.from = a.from+n*a.unit, a.from+n*a.unit
	head.left = min(w.times(a.price, n), a.left)
	tail.left = a.left - head.left
	return head, tail
}

// takeAbove takes from the latest atoms of a window what their sum has above the limit.
func (w *walker) takeAbove(l *limit, p *plan, from, to int, most int64) {
	var sum int64
	last := from
	for i := from; i < to; i++ {
		if l.bounds(p, &w.atoms[i]) {
			sum, last = w.add(sum, w.atoms[i].left), i
		}
	}
	over := sum - most
	if over <= 0 {
		return
	}
	if w.lines {
		w.trims = append(w.trims, trim{span{w.atoms[from].from, w.atoms[last].to}, w.atoms[last].from, l, over})
	}
	for i := last; over > 0; i-- {
		if a := &w.atoms[i]; l.bounds(p, a) {
			n := min(over, a.left)
			a.left, over = a.left-n, over-n
		}
	}
}

// of rounds an amount that is not below zero.
func (r rounding) of(amount int64) int64 {
	rest := amount % r.unit
	switch {
	case rest == 0:
		return amount
	case r.mode == RoundUp, r.mode == RoundHalfUp && rest >= r.unit-rest:
		return amount - rest + r.unit
	}
	return amount - rest
}
