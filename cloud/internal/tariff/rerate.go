package tariff

import (
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// past is a stay that was billed, with the configuration that it was billed by.
type past struct {
	session.Session
	config uint64         // number; 0: not known
	rights []engine.Right // that it was priced with, as its bill recorded them
	terms  *wire.Config   // nil: not at hand
	begun  time.Time      // as pages are ordered by
}

// reckoner prices past stays twice: as they were billed, and with a candidate. It keeps what it compiled.
type reckoner struct {
	candidate engine.Tariff
	calendar  *calendar.Calendar // for the candidate; nil: the one that the stay was billed with
	before    map[reckonKey]*engine.Rater
	after     map[uint64]*engine.Rater
}

type reckonKey struct {
	config uint64
	tariff fact.TariffRef
}

// ratersKept bounds what a reckoner keeps.
const ratersKept = 1000

func newReckoner(candidate engine.Tariff, cal *calendar.Calendar) *reckoner {
	return &reckoner{candidate: candidate, calendar: cal, before: map[reckonKey]*engine.Rater{}, after: map[uint64]*engine.Rater{}}
}

// compare prices a stay with what its bill says of it: entry, exit, class, the rights it was priced with, staff's waivers. A
// driver who paid before he left is taken to have paid, at the same moment, what the candidate would have asked then. Earlier
// visits are taken with what they were charged, also by the candidate. A stay whose own tariff does not give its bill again
// is left out: something was known to the booth that is not known here.
func (r *reckoner) compare(p past) (before, after engine.Quote, why Reason) {
	bill := p.Bill
	if p.config == 0 {
		return before, after, NoBillFact
	}
	if p.terms == nil {
		return before, after, NoConfig
	}
	own, candidate, why := r.raters(p)
	if why != "" {
		return before, after, why
	}
	known := engine.Context{Rights: p.rights, Visits: p.Before}
	if known.Rights == nil { // bills of older booths recorded none; the configuration has the list of the day
		known.Rights = p.terms.RightsOf(p.Plate, bill.Entry, bill.Exit, nil)
	}
	for _, l := range bill.Lines {
		given := slices.ContainsFunc(known.Rights, func(x engine.Right) bool { return x.ID == l.Ref })
		switch by, waived := strings.CutPrefix(l.Ref, "waiver:"); {
		case l.Kind != engine.KindFree || given:
		case waived:
			known.Coupons = append(known.Coupons, engine.Coupon{ID: "waiver:" + by, Kind: engine.CouponFull, Name: l.Text})
		default:
			return before, after, OtherBenefit
		}
	}
	stay := engine.Stay{Entry: bill.Entry, Exit: bill.Exit, Class: bill.Class, Entitlements: bill.Entitlements}
	paid := r.credited(p)
	with := known
	with.Payments = paid
	before, err := own.Quote(stay, with)
	if err != nil {
		return before, after, Unpriceable
	}
	if before.Gross != bill.Gross || before.Free != bill.Free {
		return before, after, Unlike
	}
	with.Payments = nil
	for _, pay := range paid {
		if pay.At.Before(stay.Entry) || pay.At.After(stay.Exit) {
			continue // at the barrier: it came after the fee was told, and changes nothing about it
		}
		then := stay
		then.Exit = pay.At
		asked, err := candidate.Quote(then, with)
		if err != nil {
			return before, after, Unpriceable
		}
		pay.Amount = asked.Due
		with.Payments = append(with.Payments, pay)
	}
	if after, err = candidate.Quote(stay, with); err != nil {
		return before, after, Unpriceable
	}
	return before, after, ""
}

// credited are the payments that the bill knew, in the order of time.
func (r *reckoner) credited(p past) []engine.Payment {
	var out []engine.Payment
	for _, pay := range p.Pays {
		ref := pay.Fact.String()
		if slices.ContainsFunc(p.Bill.Lines, func(l engine.Line) bool { return l.Kind == engine.KindPaid && l.Ref == ref }) {
			out = append(out, engine.Payment{ID: ref, At: pay.At, Amount: pay.Amount})
		}
	}
	slices.SortStableFunc(out, func(a, b engine.Payment) int { return a.At.Compare(b.At) })
	return out
}

// raters returns the one of the tariff that billed the stay, and the candidate's.
func (r *reckoner) raters(p past) (own, candidate *engine.Rater, why Reason) {
	if len(r.before) > ratersKept || len(r.after) > ratersKept {
		clear(r.before)
		clear(r.after)
	}
	ref := fact.TariffRef{ID: p.Bill.Tariff, Version: p.Bill.Version}
	key := reckonKey{p.config, ref}
	own, ok := r.before[key]
	if !ok {
		doc, has := p.terms.Tariff(ref)
		if !has {
			return nil, nil, NoTariff
		}
		var err error
		if own, err = engine.Compile(doc, p.terms.Calendar); err != nil {
			return nil, nil, Unpriceable
		}
		r.before[key] = own
	}
	candidate, ok = r.after[p.config]
	if !ok {
		cal := p.terms.Calendar
		if r.calendar != nil {
			cal = *r.calendar
		}
		var err error
		if candidate, err = engine.Compile(r.candidate, cal); err != nil {
			return nil, nil, Unpriceable
		}
		r.after[p.config] = candidate
	}
	return own, candidate, ""
}

// take compares a stay and counts it.
func (t *Tally) take(r *reckoner, p past, only string) {
	if only != "" && p.Bill.Tariff != only {
		t.Outside++
		return
	}
	before, after, why := r.compare(p)
	if why != "" {
		t.skip(p.ID.String(), why)
		return
	}
	c := Change{
		Session: p.ID.String(), Class: p.Bill.Class, Entry: p.Bill.Entry.UTC().Truncate(time.Millisecond),
		Exit: p.Bill.Exit.UTC().Truncate(time.Millisecond), Before: before.Gross - before.Free, After: after.Gross - after.Free,
	}
	t.add(c, before.Gross, after.Gross)
}
