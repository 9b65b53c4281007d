package tariff

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// Rater is a tariff and a calendar made ready to price many stays. It is safe for concurrent use, holds no state that
// changes a price, and answers exactly what [Rate] answers.
type Rater struct {
	t   Tariff
	cal calendar.Calendar
	loc *time.Location
	// den is what all sums are multiples of: an amount inside is in 1/den of a minor unit.
	den   int64
	plans []plan
	// days tells day types apart by a bit each; weekdays are the bits of dates without a type of their own.
	days     map[string]uint64
	weekdays [7]uint64
	first    int64 // the first and last dates that have a type of their own, as days since 1970
	last     int64
	round    rounding
	walkers  sync.Pool
}

// plan is a [Plan] with everything looked up that can be before a stay is known.
type plan struct {
	src    *Plan
	days   uint64
	bands  []band
	edges  []int32 // the clock times at which the fitting band can change, ascending, from 0 to day
	dated  bool    // some band looks at the date
	fixed  DayOf   // whose day some band looks at, other than the moment's; "" is none
	each   bool    // positions are counted for each band
	caps   []limit
	shared []limit
	guards []guard
	starts []start // of the cycle
	times  int64   // multiplier, as times/over
	over   int64
}

type band struct {
	days             uint64
	from, to, begins int32
	of               DayOf
	steps            []step
}

type step struct {
	upTo, unit, tail int64 // upTo is forever for the last
	price, exact     int64 // of a unit; exact where price was rounded
	end              End
	cross            Boundary
}

type start struct {
	at   int32
	days uint64
}

type limit struct {
	src    *Cap
	of     *Plan
	shared *SharedCap // what src stands for, of a cap that earlier visits share
	amount int64
	days   uint64
	starts []start
	bands  uint64 // bit per band; 0 is all
}

type guard struct {
	src  *Guard
	days uint64
	plan *plan // nil: src.Price
}

type rounding struct {
	unit int64 // in 1/den
	mode RoundMode
	per  RoundPer
}

// Compile checks a tariff and makes it ready. It fails on a tariff that Validate refuses.
func Compile(t Tariff, cal calendar.Calendar) (*Rater, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	r := &Rater{t: t, cal: cal, loc: t.TZ.Location(), den: 1, days: map[string]uint64{}, plans: make([]plan, len(t.Plans))}
	r.walkers.New = func() any { return newWalker(r) }
	for i := range t.Plans {
		p := &r.t.Plans[i]
		r.den = lcm(r.den, p.denominator())
	}
	for _, word := range r.t.dayTypes() {
		if _, known := r.days[word]; !known {
			r.days[word] = 1 << len(r.days)
		}
	}
	for i := range r.weekdays {
		r.weekdays[i] = r.days[cal.Weekdays.Type(time.Weekday(i))] | r.days[weekdayNames[i]]
	}
	r.first, r.last = forever, -forever
	if len(r.days) > 0 {
		for d := range cal.Dates {
			n := d.Number()
			r.first, r.last = min(r.first, n), max(r.last, n)
		}
	}
	r.round = rounding{unit: r.den, mode: RoundHalfUp, per: RoundTotal}
	if x := t.Rounding; x != nil {
		if x.Unit > 0 {
			r.round.unit = int64(x.Unit) * r.den
		}
		r.round.mode, r.round.per = or(x.Mode, RoundHalfUp), or(x.Per, RoundTotal)
	}
	for i := range t.Plans {
		if err := r.compile(&r.plans[i], &r.t.Plans[i]); err != nil {
			return nil, fmt.Errorf("tariff %s: plan %s: %w", t.ID, t.Plans[i].ID, err)
		}
	}
	return r, nil
}

var weekdayNames = [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// mask is the bits of some day types; 0, which stands for every day, for none.
func (r *Rater) mask(words []string) (m uint64) {
	for _, w := range words {
		m |= r.days[w]
	}
	return m
}

func (r *Rater) compile(p *plan, src *Plan) error {
	*p = plan{src: src, days: r.mask(src.DayTypes), each: src.Counted == CountBand, times: 1, over: 1}
	if src.Multiplier != nil {
		p.times, p.over = src.Multiplier.Num, src.Multiplier.Den
	}
	if src.Cycle != nil {
		p.starts = r.starts(src.Cycle.At, src.Cycle.Starts)
	}
	p.edges = []int32{0, day}
	for i := range src.Bands {
		b, err := r.band(src, &src.Bands[i])
		if err != nil {
			return err
		}
		p.bands = append(p.bands, b)
		p.edges = append(p.edges, b.from, b.to)
		if b.days != 0 {
			p.dated = true
			p.edges = append(p.edges, b.begins)
			if b.of != DayOfMoment {
				p.fixed = b.of
			}
		}
	}
	slices.Sort(p.edges)
	p.edges = slices.Compact(p.edges)
	for i := range src.Caps {
		c := &src.Caps[i]
		l := limit{src: c, of: src, amount: int64(c.Amount) * r.den, days: r.mask(c.DayTypes), starts: r.starts(c.At, c.Starts)}
		for _, id := range c.Bands {
			l.bands |= 1 << slices.IndexFunc(src.Bands, func(b Band) bool { return b.ID == id })
		}
		p.caps = append(p.caps, l)
	}
	for i := range src.SharedCaps {
		c := &src.SharedCaps[i]
		as := &Cap{Amount: c.Amount, Window: WindowDay, At: c.At}
		if c.Window == WindowRolling {
			as.Window, as.Length = WindowBlock, c.Length
		}
		p.shared = append(p.shared, limit{src: as, of: src, shared: c, amount: int64(c.Amount) * r.den, starts: r.starts(c.At, nil)})
	}
	for i := range src.Guards {
		g := guard{src: &src.Guards[i]}
		if g.src.Entry != nil {
			g.days = r.mask(g.src.Entry.DayTypes)
		}
		if g.src.Plan != nil {
			g.plan = &plan{}
			if err := r.compile(g.plan, g.src.Plan); err != nil {
				return err
			}
		}
		p.guards = append(p.guards, g)
	}
	return nil
}

func (r *Rater) starts(at Clock, list []Start) []start {
	if len(list) == 0 {
		return []start{{int32(at % day), 0}}
	}
	out := make([]start, len(list))
	for i, s := range list {
		out[i] = start{int32(s.At % day), r.mask(s.DayTypes)}
	}
	slices.SortStableFunc(out, func(a, b start) int { return int(a.at - b.at) })
	return out
}

func (r *Rater) band(p *Plan, src *Band) (band, error) {
	b := band{days: r.mask(src.DayTypes), from: int32(src.From % day), to: int32(src.To % day), begins: int32(src.DayBegins % day), of: or(src.DayOf, DayOfMoment)}
	for i := range src.Steps {
		s := &src.Steps[i]
		price, err := r.scale(s.Price)
		if err != nil {
			return b, err
		}
		end, tail := s.ending(p)
		c := step{upTo: forever, unit: int64(s.Unit), tail: int64(tail), price: price, exact: price, end: end, cross: or(s.Cross, or(p.Boundary, BoundaryCut))}
		if s.UpTo != 0 {
			c.upTo = int64(s.UpTo)
		}
		if r.round.per == RoundUnit {
			c.price = r.round.of(c.price)
		}
		b.steps = append(b.steps, c)
	}
	return b, nil
}

// ending is what an unfinished unit of the step costs.
func (s *Step) ending(p *Plan) (End, Seconds) {
	switch {
	case s.Unit == 0:
		return EndCeil, 0
	case s.End != "":
		return s.End, s.Tail
	}
	return or(p.End, EndCeil), p.Tail
}

// scale is an exact price in 1/den of a minor unit.
func (r *Rater) scale(price money.Rat) (int64, error) {
	if price.Den == 0 { // the zero value
		return 0, nil
	}
	n, ok := times(price.Num, r.den/price.Den)
	if !ok {
		return 0, errTooMuch
	}
	return n, nil
}

// denominator is what the plan's sums need at most.
func (p *Plan) denominator() int64 {
	den := int64(1)
	for i := range p.Bands {
		for j := range p.Bands[i].Steps {
			den = lcm(den, p.Bands[i].Steps[j].denominator(p))
		}
	}
	for i := range p.Guards {
		if sub := p.Guards[i].Plan; sub != nil {
			den = lcm(den, sub.denominator())
		}
	}
	if p.Multiplier != nil && p.Multiplier.Den > 0 {
		den = min(den*p.Multiplier.Den, maxDenominator+1)
		if len(p.SharedCaps) > 0 { // what earlier visits were charged is divided by it
			den = min(den*max(p.Multiplier.Num, 1), maxDenominator+1)
		}
	}
	return den
}

// denominator of a step counts in the shares that an unfinished unit may cost.
func (s *Step) denominator(p *Plan) int64 {
	den := max(s.Price.Den, 1)
	if s.Unit == 0 {
		return den
	}
	parts := int64(1)
	end, _ := s.ending(p)
	if end == EndStarted {
		parts = int64(s.Unit)
		for _, f := range []int64{60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2} { // shares are of minutes
			if parts%f == 0 {
				parts /= f
				break
			}
		}
	}
	if end == EndExact || or(s.Cross, p.Boundary) == BoundaryShare {
		parts = int64(s.Unit)
	}
	if price := s.Price.Num; price > 0 { // 490/3600 of a minute's 60 is 49/6
		parts /= gcd(parts, price)
	}
	if parts > maxDenominator/den {
		return maxDenominator + 1
	}
	return den * parts
}

// dayTypes is every day type that the tariff names, some more than once.
func (t *Tariff) dayTypes() (words []string) {
	for i := range t.Plans {
		words = t.Plans[i].dayTypes(words)
	}
	for i := range t.Passes {
		for _, w := range t.Passes[i].Windows {
			words = append(words, w.DayTypes...)
		}
	}
	return words
}

// dayTypes adds every day type that the plan names.
func (p *Plan) dayTypes(words []string) []string {
	words = append(words, p.DayTypes...)
	for i := range p.Bands {
		words = append(words, p.Bands[i].DayTypes...)
	}
	for i := range p.Caps {
		words = append(words, p.Caps[i].DayTypes...)
		for _, s := range p.Caps[i].Starts {
			words = append(words, s.DayTypes...)
		}
	}
	if p.Cycle != nil {
		for _, s := range p.Cycle.Starts {
			words = append(words, s.DayTypes...)
		}
	}
	for i := range p.Guards {
		if e := p.Guards[i].Entry; e != nil {
			words = append(words, e.DayTypes...)
		}
		if sub := p.Guards[i].Plan; sub != nil {
			words = sub.dayTypes(words)
		}
	}
	return words
}
