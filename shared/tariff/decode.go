package tariff

import (
	"fmt"
	"slices"

	"lotkeeper/shared/tariff/strict"
)

// Bounds of what is believed. They keep every sum far inside 64 bits, so that a slip of the keyboard becomes a fault
// in the editor and not an overflow at the barrier.
const (
	maxSeconds     Seconds = 10 * 366 * day
	maxPrice               = 1_000_000_000_000
	maxDenominator         = 100_000_000
)

// Decode reads a tariff from JSON. The error lists every fault with its place, such as "plans[0].bands[1].to"; unknown
// keys are faults.
func Decode(data []byte) (Tariff, error) {
	var t Tariff
	faults := strict.Unmarshal(data, &t)
	faults.Under("", t.check())
	if err := faults.Err(); err != nil {
		return Tariff{}, fmt.Errorf("tariff: %w", err)
	}
	return t, nil
}

// Validate lists everything wrong with a tariff, as Decode does. Rate refuses a tariff that Validate refuses.
func (t Tariff) Validate() error {
	if err := t.check().Err(); err != nil {
		return fmt.Errorf("tariff: %w", err)
	}
	return nil
}

// The checks below make a place's text only for what has a fault: Rate checks its tariff each time.

func (t Tariff) check() (f strict.Faults) {
	if t.ID == "" {
		f.Addf("id", "is missing")
	}
	if t.Version < 1 {
		f.Addf("version", "want 1 or more, got %d", t.Version)
	}
	if t.Name.ZH == "" || t.Name.EN == "" {
		f.Addf("name", "want both zh and en")
	}
	if t.Currency.Valid() != nil {
		f.Addf("currency", "want three capital letters, got %q", string(t.Currency))
	}
	if t.TZ.loc == nil {
		f.Addf("tz", "is missing")
	}
	if t.GraceAfterPayment < 0 || t.GraceAfterPayment > day {
		f.Addf("grace_after_payment", "want 0 to %d seconds, got %d", day, t.GraceAfterPayment)
	}
	if len(t.Plans) == 0 {
		f.Addf("plans", "want at least one")
	}
	for i, p := range t.Plans {
		found := p.check()
		switch last := i == len(t.Plans)-1; {
		case last && len(p.Classes) > 0:
			found.Addf("classes", "the last plan must take every class: leave classes out")
		case !last && len(p.Classes) == 0:
			found.Addf("classes", "this plan takes every class, so those after it are never used")
		}
		if slices.ContainsFunc(t.Plans[:i], func(q Plan) bool { return q.ID == p.ID }) {
			found.Addf("id", "%q is the id of an earlier plan", p.ID)
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("plans[%d]", i), found)
		}
	}
	return f
}

func (p Plan) check() (f strict.Faults) {
	if p.ID == "" {
		f.Addf("id", "is missing")
	}
	for i, class := range p.Classes {
		if class == "" {
			f.Addf(fmt.Sprintf("classes[%d]", i), "is empty")
		}
	}
	if p.Cycle != nil {
		if found := checkWindow("kind", string(p.Cycle.Kind), p.Cycle.Length, string(CycleBlock), string(CycleDay)); len(found) > 0 {
			f.Under("cycle", found)
		}
	}
	switch p.Position {
	case "", ScopeRun, ScopeCycle, ScopeStay:
	default:
		f.Addf("position", "want run, cycle or stay, got %q", string(p.Position))
	}
	if p.Free != nil {
		if found := p.Free.check(); len(found) > 0 {
			f.Under("free", found)
		}
	}
	common := int64(1)
	for i, b := range p.Bands {
		found := b.check(&common)
		if slices.ContainsFunc(p.Bands[:i], func(q Band) bool { return q.ID == b.ID }) {
			found.Addf("id", "%q is the id of an earlier band", b.ID)
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("bands[%d]", i), found)
		}
	}
	if common > maxDenominator {
		f.Addf("bands", "the fractions of the prices have no common denominator up to %d; use rounder prices or units", maxDenominator)
	}
	for i, c := range p.Caps {
		found := checkWindow("window", string(c.Window), c.Length, string(WindowBlock), string(WindowStay), string(WindowDay))
		if c.Amount <= 0 || c.Amount > maxPrice {
			found.Addf("amount", "want 1 to %d, got %d", int64(maxPrice), int64(c.Amount))
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("caps[%d]", i), found)
		}
	}
	return f
}

// checkWindow checks a kind of window, of which the first allowed, the block, alone has a length.
func checkWindow(key, kind string, length Seconds, allowed ...string) (f strict.Faults) {
	switch {
	case !slices.Contains(allowed, kind):
		f.Addf(key, "want one of %v, got %q", allowed, kind)
	case kind == allowed[0] && (length < 1 || length > maxSeconds):
		f.Addf("length", "want 1 to %d seconds, got %d", maxSeconds, length)
	case kind != allowed[0] && length != 0:
		f.Addf("length", "belongs to a block only")
	}
	return f
}

func (free Free) check() (f strict.Faults) {
	if free.UpTo < 1 || free.UpTo > maxSeconds {
		f.Addf("up_to", "want 1 to %d seconds, got %d", maxSeconds, free.UpTo)
	}
	if free.Then != FreeWhole && free.Then != FreeDeduct {
		f.Addf("then", "want whole or deduct, got %q", string(free.Then))
	}
	if free.Scope != "" && free.Scope != ScopeStay && free.Scope != ScopeCycle {
		f.Addf("scope", "want stay or cycle, got %q", string(free.Scope))
	}
	return f
}

// check folds the denominators that the band's prices can give rise to into common.
func (b Band) check(common *int64) (f strict.Faults) {
	if b.ID == "" {
		f.Addf("id", "is missing")
	}
	if b.From < 0 || b.From >= day {
		f.Addf("from", "want 00:00 to 23:59:59, got %s", b.From)
	}
	if b.To < 0 || b.To > day {
		f.Addf("to", "want 00:00 to 24:00, got %s", b.To)
	}
	for i, word := range b.DayTypes {
		if word == "" {
			f.Addf(fmt.Sprintf("day_types[%d]", i), "is empty")
		}
	}
	var from Seconds
	for i, s := range b.Steps {
		if found := s.check(from, i == len(b.Steps)-1); len(found) > 0 {
			f.Under(fmt.Sprintf("steps[%d]", i), found)
		} else {
			den := s.Price.Den
			if s.End == EndStarted {
				den *= int64(s.Unit)
			}
			*common = lcm(*common, den)
		}
		from = s.UpTo
	}
	return f
}

func (s Step) check(from Seconds, last bool) (f strict.Faults) {
	switch {
	case last && s.UpTo != 0:
		f.Addf("up_to", "the last step has no end: leave up_to out, or add a step with price 0")
	case !last && (s.UpTo <= from || s.UpTo > maxSeconds):
		f.Addf("up_to", "want more than %d (the end of the step before), at most %d, got %d", from, maxSeconds, s.UpTo)
	}
	if s.Unit < 0 || s.Unit > maxSeconds {
		f.Addf("unit", "want 1 to %d seconds, or none for a flat price, got %d", maxSeconds, s.Unit)
	}
	switch {
	case s.Price.Den == 0: // what is read or made by package money has a denominator
		f.Addf("price", "is missing; write 0 for no charge")
	case s.Price.Den < 0 || s.Price.Den > maxDenominator || s.Price.Num < 0 || s.Price.Num > maxPrice:
		f.Addf("price", "want 0 to %d with a denominator up to %d, got %d/%d", int64(maxPrice), int64(maxDenominator), s.Price.Num, s.Price.Den)
	}
	switch s.End {
	case "":
	case EndCeil, EndFloor, EndStarted:
		if s.Unit == 0 {
			f.Addf("end", "belongs to a step with a unit only")
		}
	default:
		f.Addf("end", "want ceil, floor or started, got %q", string(s.End))
	}
	return f
}

// lcm stops growing above maxDenominator: more is too much however much more.
func lcm(a, b int64) int64 {
	if a > maxDenominator || b > maxDenominator {
		return maxDenominator + 1
	}
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}
