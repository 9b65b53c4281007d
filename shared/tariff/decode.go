package tariff

import (
	"fmt"
	"slices"

	"lotkeeper/shared/tariff/strict"
)

// Bounds of what is believed. They keep sums inside 64 bits, so that a slip of the keyboard becomes a fault in the
// editor and not an overflow at the barrier.
const (
	maxSeconds     Seconds = 10 * 366 * day
	maxPrice               = 1_000_000_000_000
	maxDenominator         = 10_000_000
	maxBands               = 32
	maxSteps               = 256
	maxDayTypes            = 60
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

// The checks make a place's text only for what has a fault: Rate checks its tariff each time.

func (t Tariff) check() (f strict.Faults) {
	if t.ID == "" {
		f.Addf("id", "is missing")
	}
	if t.Version < 1 {
		f.Addf("version", "want 1 or more, got %d", t.Version)
	}
	if t.Name.ZH == "" || t.Name.EN == "" {
		f.Addf("name", "want both zh and en, or one string for both")
	}
	if t.Currency.Valid() != nil {
		f.Addf("currency", "want three capital letters, got %q", string(t.Currency))
	}
	if t.TZ.loc == nil {
		f.Addf("tz", "is missing")
	}
	oneOf(&f, "precision", t.Precision, "", PrecisionSecond, PrecisionMinute, PrecisionClock)
	oneOf(&f, "after_payment", t.AfterPayment, "", AfterRerate, AfterNewStay)
	if t.GraceAfterPayment < 0 || t.GraceAfterPayment > day {
		f.Addf("grace_after_payment", "want 0 to %d seconds, got %d", day, t.GraceAfterPayment)
	}
	t.checkRules(&f)
	if len(t.Plans) == 0 {
		f.Addf("plans", "want at least one")
	}
	words := map[string]bool{}
	for i := range t.Plans {
		p := &t.Plans[i]
		found := p.check(false)
		special := len(p.Classes)+len(p.Entitlements)+len(p.DayTypes) > 0
		switch last := i == len(t.Plans)-1; {
		case last && special:
			found.Addf("", "the last plan must fit every stay: leave out its classes, entitlements and day_types")
		case !last && !special:
			found.Addf("", "this plan fits every stay, so those after it are never used")
		}
		if slices.ContainsFunc(t.Plans[:i], func(q Plan) bool { return q.ID == p.ID }) {
			found.Addf("id", "%q is the id of an earlier plan", p.ID)
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("plans[%d]", i), found)
		}
		for _, w := range p.dayTypes(nil) {
			words[w] = true
		}
	}
	if len(words) > maxDayTypes {
		f.Addf("plans", "more than %d different day types", maxDayTypes)
	}
	return f
}

// checkRules checks what stands beside the plans.
func (t *Tariff) checkRules(f *strict.Faults) {
	if x := t.Rounding; x != nil {
		if x.Unit < 0 || x.Unit > 1_000_000 {
			f.Addf("rounding.unit", "want 1 to 1000000 minor units, got %d", int64(x.Unit))
		}
		oneOf(f, "rounding.mode", x.Mode, "", RoundHalfUp, RoundUp, RoundDown)
		oneOf(f, "rounding.per", x.Per, "", RoundTotal, RoundCycle, RoundUnit)
	}
	if x := t.Reentry; x != nil {
		inRange(f, "reentry.within", x.Within, 0)
		oneOf(f, "reentry.outside", x.Outside, "", OutsideCounted, OutsideSkipped)
	}
	for i := range t.Passes {
		p := &t.Passes[i]
		place := fmt.Sprintf("passes[%d]", i)
		if p.ID == "" {
			f.Addf(place+".id", "is missing")
		}
		if slices.ContainsFunc(t.Passes[:i], func(q Pass) bool { return q.ID == p.ID }) {
			f.Addf(place+".id", "%q is the id of an earlier pass", p.ID)
		}
		oneOf(f, place+".rest", p.Rest, "", RestOne, RestSeparate, RestThrough)
		oneOf(f, place+".free", p.Free, "", FreeTestRest, FreeTestStay, FreeTestNone)
		for j := range p.Windows {
			p.Windows[j].check(f, fmt.Sprintf("%s.windows[%d]", place, j))
		}
	}
	if x := t.Booking; x != nil {
		inRange(f, "booking.early", x.Early, 0)
		oneOf(f, "booking.rest", x.Rest, "", RestOne, RestSeparate, RestThrough)
		oneOf(f, "booking.free", x.Free, "", FreeTestRest, FreeTestStay, FreeTestNone)
	}
	if x := t.Coupons; x != nil {
		oneOf(f, "coupons.minutes", x.Minutes, "", MinutesTrimEnd, MinutesTrimStart, MinutesValue)
		if len(x.Order) > 0 {
			sorted := slices.Sorted(slices.Values(x.Order))
			if !slices.Equal(sorted, []CouponKind{CouponAmount, CouponFull, CouponMinutes, CouponPercent}) {
				f.Addf("coupons.order", "want each of full, minutes, percent and amount once, got %v", x.Order)
			}
		}
	}
}

// oneOf checks a word against those there are. An empty one is said in its message as what it stands for: nothing.
func oneOf[T ~string](f *strict.Faults, place string, got T, allowed ...T) {
	if slices.Contains(allowed, got) {
		return
	}
	if allowed[0] == "" {
		allowed = allowed[1:]
	}
	f.Addf(place, "want one of %v, got %q", allowed, string(got))
}

func inRange(f *strict.Faults, place string, got, least Seconds) {
	if got < least || got > maxSeconds {
		f.Addf(place, "want %d to %d seconds, got %d", least, maxSeconds, got)
	}
}

func clockIn(f *strict.Faults, place string, c Clock) {
	if c < 0 || c > day {
		f.Addf(place, "want 00:00 to 24:00, got %s", c)
	}
}

func wordsIn(f *strict.Faults, place string, words []string) {
	for i, w := range words {
		if w == "" {
			f.Addf(fmt.Sprintf("%s[%d]", place, i), "is empty")
		}
	}
}

func startsIn(f *strict.Faults, place string, starts []Start) {
	for i := range starts {
		at := fmt.Sprintf("%s[%d]", place, i)
		if starts[i].At < 0 || starts[i].At >= day {
			f.Addf(at+".at", "want 00:00 to 23:59:59, got %s", starts[i].At)
		}
		wordsIn(f, at+".day_types", starts[i].DayTypes)
	}
}

func (c *ClockWindow) check(f *strict.Faults, place string) {
	if c.From < 0 || c.From >= day {
		f.Addf(place+".from", "want 00:00 to 23:59:59, got %s", c.From)
	}
	clockIn(f, place+".to", c.To)
	wordsIn(f, place+".day_types", c.DayTypes)
}

// lcm stops growing above maxDenominator: more is too much however much more.
func lcm(a, b int64) int64 {
	if a > maxDenominator || b > maxDenominator {
		return maxDenominator + 1
	}
	return min(a/gcd(a, b)*b, maxDenominator+1)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
