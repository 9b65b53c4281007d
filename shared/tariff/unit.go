package tariff

import "slices"

// piece buys the units of one piece of a cycle, or of all of a stay without cycles.
func (w *walker) piece(c *course, piece span) {
	p := c.p
	c.ended = piece.to
	if p.src.Position == ScopeCycle {
		c.restart(piece.from)
	}
	f := c.free
	w.fixDay(c, piece.from)
	holes := c.holes
	if f != nil && f.Scope == ScopeCycle && (f.Times == 0 || int(c.cycle) < f.Times) {
		if f.spares(piece.length() - overlap(piece, c.holes)) {
			c.run += w.spend(c, piece)
			w.spared = true
			return
		}
		if f.Then == FreeDeduct {
			c.deducted(piece, 0, c.holes)
		}
	}
	for u := piece.from; u < piece.to && !c.over; {
		end, band := w.stretch(p, u, piece.to, c.fixed)
		if w.pieces++; w.pieces > maxPieces {
			w.failed = errTooShort
			return
		}
		if band >= 0 {
			w.runs(c, span{u, end}, int(band))
		}
		u = end
	}
	w.close(c, piece.to)
	if f != nil && f.Scope == ScopeCycle {
		c.holes, c.next = holes, 0
	}
}

// runs buys for a stretch in one band, without its holes.
func (w *walker) runs(c *course, s span, band int) {
	if c.deduct > 0 {
		c.deductFrom(s)
	}
	if len(c.holes) == 0 {
		w.run(c, s, band)
		return
	}
	for c.next > 0 && c.holes[c.next-1].to > s.from {
		c.next--
	}
	for ; c.next < len(c.holes) && s.from < s.to && !c.over; c.next++ {
		h := c.holes[c.next]
		if h.to <= s.from {
			continue
		}
		if h.from >= s.to {
			break
		}
		if h.from > s.from {
			w.run(c, span{s.from, h.from}, band)
		}
		s.from = h.to
	}
	if s.from < s.to && !c.over {
		w.run(c, s, band)
	}
}

// deductFrom makes the first charged seconds free that are free wherever they are.
func (c *course) deductFrom(s span) {
	for _, r := range without(s, union(slices.Concat(c.holes, c.zeros))) {
		n := min(c.deduct, r.length())
		c.deduct -= n
		c.holes = append(slices.Clone(c.holes), span{r.from, r.from + n})
	}
	c.holes, c.next = union(c.holes), 0
}

func (c *course) restart(at int64) {
	c.base, c.bought, c.fresh = at, c.bought[:0], false
	n := 1
	if c.p.each {
		n = len(c.p.bands)
	}
	clear(c.pos[:n])
}

// run buys units for an unbroken stretch in one band.
func (w *walker) run(c *course, r span, band int) {
	c.run++
	if c.p.src.Position == "" || c.p.src.Position == ScopeRun {
		c.fresh = true
	}
	f := c.free
	if f != nil && (f.Scope != ScopeRun || !f.holds(c, band)) {
		f = nil
	} else if f != nil {
		c.freeRuns++
	}
	if f != nil && f.Then == FreeDeduct {
		r.from = min(r.from+int64(f.UpTo), r.to)
	}
	r.to = c.spend(r)
	if f != nil && f.spares(r.length()) {
		w.spared = true
		if c.allowed == 0 {
			w.close(c, r.to)
		}
		return
	}
	u := w.resume(c, r)
	for u < r.to {
		if c.fresh {
			c.restart(u)
		}
		steps, at := c.p.bands[band].steps, c.position(band, u)
		i := 0
		for steps[i].upTo <= at {
			i++
		}
		if steps[i].unit == 0 {
			u = w.flat(c, span{u, r.to}, band, i, at)
		} else {
			u = w.units(c, span{u, r.to}, band, i, at)
		}
	}
	if c.allowed == 0 {
		w.close(c, r.to)
	}
}

// spend counts charged time, and returns up to when there may be some.
func (c *course) spend(r span) int64 {
	if len(c.zeros) > 0 {
		return c.spendAround(r)
	}
	if n := r.length(); n > c.allowed {
		r.to, c.over = r.from+c.allowed, true
	}
	c.allowed -= r.length()
	c.charged += r.length()
	return r.to
}

// spendAround is spend where some of the time is free. Once the allowed time is used up, units end, also in free time.
func (c *course) spendAround(r span) int64 {
	zeros := c.zeros
	c.zeros = nil
	defer func() { c.zeros = zeros }()
	end, until := c.allowed == 0, r.from
	for _, s := range without(r, zeros) {
		to := c.spend(s)
		if !end && c.allowed == 0 {
			end, until = true, to
		}
		if c.over {
			break
		}
	}
	if end {
		return until
	}
	return r.to
}

// holds says whether free time of runs is for this one.
func (f *Free) holds(c *course, band int) bool {
	return (f.Times == 0 || c.freeRuns < f.Times) && (len(f.Bands) == 0 || slices.Contains(f.Bands, c.p.src.Bands[band].ID))
}

// resume lets an open unit go on in a run, and returns where the next one may begin.
func (w *walker) resume(c *course, r span) int64 {
	o := &c.open
	switch {
	case !o.is:
		return r.from
	case o.pauses:
		n := min(o.left, r.length())
		if o.left -= n; o.left == 0 {
			o.is = false
		}
		return r.from + n
	case o.until >= r.to:
		return r.to
	default:
		o.is = false
		return max(r.from, o.until)
	}
}

// position is where in the steps the course is.
func (c *course) position(band int, u int64) int64 {
	if c.p.src.Counted == CountElapsed {
		return u - c.base
	}
	return c.pos[c.counter(band)]
}

func (c *course) counter(band int) int {
	if c.p.each {
		return band
	}
	return 0
}

// flat passes through a flat step and buys it if this stretch has not. It returns how far it got.
func (w *walker) flat(c *course, r span, band, i int, at int64) int64 {
	s := &c.p.bands[band].steps[i]
	length := int64(forever)
	if s.upTo != forever {
		length = s.upTo - at
	}
	key := int32(band*maxSteps + i)
	had := slices.Contains(c.bought, key)
	if !had {
		c.bought = append(c.bought, key)
		w.buy(c, atom{span: span{r.from, r.from + min(length, r.length())}, count: 1, price: s.price, left: s.price}, band, i)
	}
	if s.cross == BoundaryThrough || s.cross == BoundaryPause {
		return w.leaveOpen(c, r, openUnit{atom: -1, from: r.from, full: length, pauses: s.cross == BoundaryPause, band: band, stepNum: i, step: s})
	}
	n := min(length, r.length())
	c.pos[c.counter(band)] += n
	return r.from + n
}

// leaveOpen lets a unit go on after the run if it must. It returns how far in the run it got.
func (w *walker) leaveOpen(c *course, r span, o openUnit) int64 {
	k := c.counter(o.band)
	if o.full > forever/4-c.pos[k] {
		o.full = forever/4 - c.pos[k]
	}
	c.pos[k] += o.full
	if o.from+o.full <= r.to {
		return o.from + o.full
	}
	o.is, o.until, o.left = true, o.from+o.full, o.full-(r.to-o.from)
	c.open = o
	return r.to
}

// units buys all units that begin in a step. It returns how far it got.
func (w *walker) units(c *course, r span, band, i int, at int64) int64 {
	s := &c.p.bands[band].steps[i]
	unit, length := s.unit, r.length()
	count, rest := length/unit, length%unit
	if s.upTo != forever {
		if begin := (s.upTo - at + unit - 1) / unit; begin <= count { // units that begin before the step's end
			count, rest = begin, 0
		}
	}
	bought, last := count, r.from+count*unit
	stays := s.cross == BoundaryThrough || s.cross == BoundaryPause
	if rest > 0 && s.end == EndCeil && (s.cross != BoundaryShare || w.endsHere(c, r.to)) {
		bought++
	}
	c.pos[c.counter(band)] += count * unit
	if bought > 0 {
		w.row(c, span{r.from, min(r.from+bought*unit, r.to)}, s, bought, band, i)
	}
	switch {
	case rest == 0:
		return last
	case stays:
		o := openUnit{atom: -1, from: last, full: unit, pauses: s.cross == BoundaryPause, band: band, stepNum: i, step: s}
		if s.end != EndCeil {
			o.atom = w.part(c, span{last, r.to}, s, unit, band, i)
		}
		return w.leaveOpen(c, r, o)
	}
	c.pos[c.counter(band)] += rest
	if bought == count {
		end := s.end
		if s.cross == BoundaryShare && !w.endsHere(c, r.to) {
			end = EndExact
		}
		w.unfinished(c, span{last, r.to}, s, end, rest, band, i)
	}
	return r.to
}

// endsHere says whether charging ends for good in this piece, so that end rules hold.
func (w *walker) endsHere(c *course, u int64) bool { return u == c.ended || c.allowed == 0 }

// row buys equal units. Those that begin in a hole are free where units run on through holes.
func (w *walker) row(c *course, r span, s *step, count int64, band, i int) {
	if s.price == 0 {
		return
	}
	if len(c.zeros) == 0 {
		w.buy(c, atom{span: r, unit: s.unit, count: count, price: s.price, left: w.times(s.price, count)}, band, i)
		return
	}
	first := int64(0) // the first unit not looked at
	upTo := func(k int64) {
		if k = min(k, count); k > first {
			n := k - first
			w.buy(c, atom{
				span: span{r.from + first*s.unit, min(r.from+k*s.unit, r.to)}, unit: s.unit, count: n, price: s.price, left: w.times(s.price, n),
			}, band, i)
		}
	}
	begins := func(u int64) int64 { // how many units begin before u
		return (max(u-r.from, 0) + s.unit - 1) / s.unit
	}
	for _, h := range c.zeros {
		if h.to > r.from && h.from < r.from+count*s.unit {
			upTo(begins(h.from))
			first = max(first, begins(h.to))
		}
	}
	upTo(count)
}

// part appends a unit of which is not known yet how much is used, and returns its index; -1 where it is free.
func (w *walker) part(c *course, r span, s *step, unit int64, band, i int) int {
	n := len(w.atoms)
	w.buy(c, atom{span: r, unit: unit, count: 1, price: s.price, left: s.price}, band, i)
	if len(w.atoms) == n {
		return -1
	}
	return n
}

// unfinished buys what an end rule says that a part of a unit costs.
func (w *walker) unfinished(c *course, r span, s *step, end End, used int64, band, i int) {
	price, charged := w.share(s, end, used)
	w.buy(c, atom{span: r, count: 1, price: price, left: price, used: charged}, band, i)
}

// share is what so many seconds of a unit cost, and which of them are charged where it is not all or nothing.
func (w *walker) share(s *step, end End, used int64) (price, charged int64) {
	switch end {
	case EndFloor:
		return 0, 0
	case EndTail:
		if used <= s.tail {
			return 0, 0
		}
		return s.price, 0
	case EndStarted:
		charged = min((used+59)/60*60, s.unit)
	case EndExact:
		charged = used
	default:
		return s.price, 0
	}
	// The denominator was chosen so that this divides.
	if price = w.times(s.exact, charged) / s.unit; w.r.round.per == RoundUnit {
		price = w.r.round.of(price)
	}
	return price, charged
}

// close ends an open unit: its end rule says what it costs.
func (w *walker) close(c *course, at int64) {
	o := &c.open
	if !o.is {
		return
	}
	o.is = false
	used := min(at-o.from, o.full)
	if o.pauses {
		used = o.full - o.left
	}
	if used == o.full {
		return
	}
	c.pos[c.counter(o.band)] -= o.full - used
	if o.atom >= 0 {
		a := &w.atoms[o.atom]
		a.price, a.used = w.share(o.step, o.step.end, used)
		a.left, a.unit = a.price, 0
	}
}

// buy keeps an atom that costs something.
func (w *walker) buy(c *course, a atom, band, i int) {
	if a.price == 0 || (a.count == 1 && within(c.zeros, a.from)) {
		return
	}
	a.plan, a.band, a.step, a.run, a.cycle = c.p, int16(band), int16(i), c.run, c.cycle
	w.atoms = append(w.atoms, a)
}
