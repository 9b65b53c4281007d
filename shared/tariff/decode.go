package tariff

import (
	"fmt"
	"slices"
	"strings"

	"lotkeeper/shared/tariff/strict"
)

// Bounds of what is believed. They keep sums inside 64 bits, so that a slip of the keyboard becomes a fault in the
// editor and not an overflow at the barrier.
const (
	maxSeconds     Seconds = 10 * 366 * day
	maxPrice               = 1_000_000_000_000
	maxDenominator         = 1_000_000_000
	maxBands               = 32
	maxSteps               = 256
	maxDayTypes            = 60
)

// Decode reads a tariff from JSON. The error lists every fault with its place, such as "plans[0].bands[1].to"; unknown
// keys are faults.
func Decode(data []byte) (Tariff, error) {
	var t Tariff
	faults := strict.Unmarshal(data, &t)
	if !slices.ContainsFunc(faults, func(f strict.Fault) bool { return f.Place == "" }) { // else nothing was read of it
		faults.Under("", t.check())
	}
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
		f.Add("id", strict.Missing)
	}
	if t.Version < 1 {
		f.Add("version", strict.Below1, t.Version)
	}
	if t.Name.ZH == "" || t.Name.EN == "" {
		f.Add("name", noName)
	}
	if t.Currency.Valid() != nil {
		f.Add("currency", notCurrency, string(t.Currency))
	}
	if t.TZ.loc == nil {
		f.Add("tz", strict.Missing)
	}
	oneOf(&f, "precision", t.Precision, "", PrecisionSecond, PrecisionMinute, PrecisionClock)
	oneOf(&f, "after_payment", t.AfterPayment, "", AfterRerate, AfterNewStay)
	if t.GraceAfterPayment < 0 || t.GraceAfterPayment > day {
		f.Add("grace_after_payment", notSeconds, 0, day, t.GraceAfterPayment)
	}
	t.checkRules(&f)
	if len(t.Plans) == 0 {
		f.Add("plans", atLeastOne)
	}
	words, common := map[string]bool{}, int64(1)
	for i := range t.Plans {
		p := &t.Plans[i]
		found := p.check(false)
		special := len(p.Classes)+len(p.Entitlements)+len(p.DayTypes) > 0
		switch last := i == len(t.Plans)-1; {
		case last && special:
			found.Add("", lastNotForAll)
		case !last && !special:
			found.Add("", neverUsed)
		}
		if slices.ContainsFunc(t.Plans[:i], func(q Plan) bool { return q.ID == p.ID }) {
			found.Add("id", idTaken, p.ID, "plan")
		}
		if len(found) > 0 {
			f.Under(fmt.Sprintf("plans[%d]", i), found)
		} else {
			common = lcm(common, p.denominator())
		}
	}
	if common > maxDenominator {
		f.Add("plans", noDenominator, maxDenominator)
	}
	for _, w := range t.dayTypes() {
		words[w] = true
	}
	if len(words) > maxDayTypes {
		f.Add("plans", tooManyDays, maxDayTypes)
	}
	return f
}

// checkRules checks what stands beside the plans.
func (t *Tariff) checkRules(f *strict.Faults) {
	if x := t.Rounding; x != nil {
		if x.Unit < 0 || x.Unit > 1_000_000 {
			f.Add("rounding.unit", notInRange, 1, 1_000_000, int64(x.Unit))
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
			f.Add(place+".id", strict.Missing)
		}
		if slices.ContainsFunc(t.Passes[:i], func(q Pass) bool { return q.ID == p.ID }) {
			f.Add(place+".id", idTaken, p.ID, "pass")
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
				f.Add("coupons.order", couponOrder, x.Order)
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
	words := make([]string, len(allowed))
	for i, w := range allowed {
		words[i] = string(w)
	}
	f.Add(place, notOneOf, strict.Words{ZH: strings.Join(words, "、"), EN: strings.Join(words, ", ")}, string(got))
}

func inRange(f *strict.Faults, place string, got, least Seconds) {
	if got < least || got > maxSeconds {
		f.Add(place, notSeconds, least, maxSeconds, got)
	}
}

func clockIn(f *strict.Faults, place string, c Clock) {
	if c < 0 || c > day {
		f.Add(place, notEndOfTime, c)
	}
}

func wordsIn(f *strict.Faults, place string, words []string) {
	for i, w := range words {
		if w == "" {
			f.Add(fmt.Sprintf("%s[%d]", place, i), strict.Empty)
		}
	}
}

func startsIn(f *strict.Faults, place string, starts []Start) {
	for i := range starts {
		at := fmt.Sprintf("%s[%d]", place, i)
		if starts[i].At < 0 || starts[i].At >= day {
			f.Add(at+".at", notTimeOfDay, starts[i].At)
		}
		wordsIn(f, at+".day_types", starts[i].DayTypes)
	}
}

func (c *ClockWindow) check(f *strict.Faults, place string) {
	if c.From < 0 || c.From >= day {
		f.Add(place+".from", notTimeOfDay, c.From)
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
