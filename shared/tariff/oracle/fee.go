package oracle

import (
	"math/big"
	"slices"

	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// rate is everything that is known while a stay is rated.
type rate struct {
	tariff  tariff.Tariff
	place   *place
	stay    tariff.Stay
	context tariff.Context
	plan    *tariff.Plan
	arrived int64        // the first whole second of the stay, before its precision
	entry   int64        // and after
	first   visit        // the stay with the earlier visits that it goes on with, up to no end
	credit  money.Amount // what those were charged
	reach   span         // all time that is ever looked at
	merged  map[int]bool // which of the earlier visits those are
	used    []use        // what is charged already, while a fee is made
	splits  []int64      // settled payments at which a new stay begins
}

// visit is a stay to be priced: its time, and what of it was outside between visits that were merged.
type visit struct {
	span
	outside spans
	looked  int64   // the entry by which earlier visits are looked for
	before  []int64 // such entries of the stays of this visit before this one
}

// precise cuts off what the tariff does not believe.
func (r *rate) precise(entry, exit int64) (int64, int64) {
	switch r.tariff.Precision {
	case tariff.PrecisionMinute:
		if exit > entry {
			exit = entry + (exit-entry)/60*60
		}
	case tariff.PrecisionClock:
		entry -= r.place.shown(entry) - floorDiv(r.place.shown(entry), 60)*60
		exit -= r.place.shown(exit) - floorDiv(r.place.shown(exit), 60)*60
	}
	return entry, exit
}

// merge finds the visits that this stay goes on with, from the last one backwards.
func (r *rate) merge() {
	r.first = visit{span: span{r.entry, r.entry}, looked: r.entry}
	rule := r.tariff.Reentry
	if rule == nil {
		return
	}
	r.merged = map[int]bool{}
	entry, begin := r.arrived, r.entry
	for {
		best := none
		for i, v := range r.context.Visits {
			if r.merged[i] || v.Exit.Before(v.Entry) || floorSecond(v.Exit) > entry || ceilSecond(v.Entry) > entry {
				continue
			}
			if entry-floorSecond(v.Exit) <= int64(rule.Within) && (best == none || laterVisit(v, r.context.Visits[best])) {
				best = i
			}
		}
		if best == none {
			break
		}
		v := r.context.Visits[best]
		r.merged[best] = true
		from, to := r.precise(ceilSecond(v.Entry), floorSecond(v.Exit))
		if rule.Outside == tariff.OutsideSkipped {
			r.first.outside = append(r.first.outside, span{to, begin})
		}
		r.credit += v.Gross
		entry, begin = ceilSecond(v.Entry), from
	}
	r.first.begin, r.first.looked = begin, begin
}

func laterVisit(a, b tariff.Visit) bool {
	if a.Exit.Equal(b.Exit) {
		return a.Entry.After(b.Entry)
	}
	return a.Exit.After(b.Exit)
}

// roundEntry moves an entry to a multiple of the plan's unit on the local clock, or to where the clock jumps over one.
func (r *rate) roundEntry(u int64) int64 {
	rule := r.plan.EntryRounding
	if rule == nil {
		return u
	}
	slot := func(u int64) int64 {
		shown := r.place.shown(u)
		day := floorDiv(shown, daySeconds)
		return day*daySeconds + (shown-day*daySeconds)/int64(rule.Unit)
	}
	multiple := func(u int64) bool {
		shown := r.place.shown(u)
		return (shown-floorDiv(shown, daySeconds)*daySeconds)%int64(rule.Unit) == 0
	}
	passed := func(u int64) bool { return multiple(u) || slot(u) > slot(u-1) }
	for !passed(u) {
		if rule.Mode == tariff.RoundUp {
			u++
		} else {
			u--
		}
	}
	return u
}

// visits lists what is priced of the stay up to exit: one stay, or with new_stay one more from each payment that settled
// what was owed. The first goes on with earlier visits. The whole begins late by so many seconds.
func (r *rate) visits(exit, late int64) []visit {
	var ends []int64
	for _, s := range r.splits {
		if s < exit {
			ends = append(ends, s)
		}
	}
	var list []visit
	var before []int64
	from := r.arrived
	for i, end := range append(ends, exit) {
		begin, to := r.precise(from, end)
		v := visit{span: span{begin, to}, looked: from, before: slices.Clone(before)}
		if i == 0 {
			v.looked = r.first.looked
		}
		before = append(before, v.looked)
		if i == 0 && begin < to { // a stay of no seconds costs nothing, whatever it goes on with
			v = r.first
			v.end = to
		}
		v.begin = max(v.begin, r.first.begin+late)
		list = append(list, v)
		from = end
	}
	return list
}

// fee is what the stay costs up to exit with these covers, before bookings and coupons.
func (r *rate) fee(exit, late int64, covers []cover) (money.Amount, bool) {
	r.used = nil
	for i, v := range r.context.Visits {
		if !r.merged[i] {
			r.used = append(r.used, use{entry: ceilSecond(v.Entry), amount: whole(v.Gross)})
		}
	}
	var total money.Amount
	flag := false
	for i, v := range r.visits(exit, late) {
		fee, exceeded := r.visitFee(v, covers)
		flag = flag || exceeded
		if i == 0 {
			fee = max(0, fee-r.credit)
		}
		total += fee
	}
	return total, flag
}

// visitFee is the rounded sum of the parts of a visit that are stays of their own.
func (r *rate) visitFee(v visit, covers []cover) (money.Amount, bool) {
	total, flag := new(big.Rat), false
	for _, j := range r.jobs(v, covers) {
		fee, exceeded := j.total()
		total.Add(total, fee)
		flag = flag || exceeded
	}
	if rule := r.tariff.Rounding; rule != nil && (rule.Per == "" || rule.Per == tariff.RoundTotal) {
		total = roundTo(total, rule.Unit, rule.Mode)
	}
	return minor(total), flag
}

// total is the exact fee of a job: guards of the stay or the ordinary price, then shared caps, minimum and multiplier.
func (j job) total() (*big.Rat, bool) {
	if j.begin >= j.end {
		return new(big.Rat), false
	}
	bounded, ended := j.ended()
	out := bounded.price()
	units, exceeded := out.units, ended || out.exceeded
	for i := range j.plan.Guards {
		g := &j.plan.Guards[i]
		if g.Scope == tariff.ScopeCycle || !j.rate.place.guardFits(g, span{j.begin, j.end}) {
			continue
		}
		others := j.guardUnits(g)
		if g.Cheaper && sum(others).Cmp(sum(units)) >= 0 {
			continue
		}
		units, exceeded = others, false
		break
	}
	j.share(units)
	fee := j.adjusted(j.fee(units))
	j.rate.used = append(j.rate.used, use{j.begin, fee})
	return fee, exceeded
}

// guardUnits is what is bought by a guard of the stay.
func (j job) guardUnits(g *tariff.Guard) []unit {
	if g.Price != nil {
		return []unit{{begin: j.begin, price: whole(*g.Price)}}
	}
	j.plan = g.Plan
	return j.price().units
}

// adjusted applies the plan's minimum and multiplier.
func (j job) adjusted(fee *big.Rat) *big.Rat {
	if least := whole(j.plan.Minimum); fee.Sign() > 0 && fee.Cmp(least) < 0 {
		fee = least
	}
	if j.plan.Multiplier != nil {
		fee = new(big.Rat).Mul(fee, exact(*j.plan.Multiplier))
	}
	return fee
}

// use is what an earlier visit, or an earlier part of this one, was charged.
type use struct {
	entry  int64
	amount *big.Rat
}

// charged is the amount before a plan's multiplier.
func (v use) charged(p *tariff.Plan) *big.Rat {
	if p.Multiplier == nil {
		return v.amount
	}
	return new(big.Rat).Quo(v.amount, exact(*p.Multiplier))
}

// sharesWindow says whether a visit that entered earlier did so in the window of an entry.
func (r *rate) sharesWindow(window tariff.Window, at tariff.Clock, length tariff.Seconds, earlier, entry int64) bool {
	from := entry - int64(length)
	if window == tariff.WindowDay {
		edges := r.place.dayEdges(at, nil, entry-3*daySeconds, entry)
		from = edges[len(edges)-1]
	}
	return from <= earlier && earlier < entry
}

// visitedBefore says whether free time that is given once was given to an earlier visit, or to an earlier stay of this.
func (r *rate) visitedBefore(w *tariff.VisitWindow, v visit) bool {
	if w == nil {
		return false
	}
	before := slices.Clone(v.before)
	for i, earlier := range r.context.Visits {
		if !r.merged[i] {
			before = append(before, ceilSecond(earlier.Entry))
		}
	}
	return slices.ContainsFunc(before, func(earlier int64) bool {
		return r.sharesWindow(w.Window, w.At, w.Length, earlier, v.looked)
	})
}
