package tariff

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lotkeeper/shared/money"
	engine "lotkeeper/shared/tariff"
)

// worstKept is how many of the worst cases are kept on each side.
const worstKept = 20

// Tally is what a rehearsal found in a lot. Amounts are before and after: with the tariff that billed a stay, and with the
// candidate.
type Tally struct {
	Sessions      int64 // compared
	GrossBefore   money.Amount
	GrossAfter    money.Amount
	PayableBefore money.Amount // gross without what was free
	PayableAfter  money.Amount
	More          int64 // pay more
	Less          int64
	Same          int64
	Differences   map[money.Amount]int64 // of what is to be paid, by the far end of their bin; see bin
	MostMore      []Change               // largest first
	MostLess      []Change
	Outside       int64             // passed over, as the rehearsal asked
	Skipped       map[Reason]int64  // could not be compared
	Examples      map[Reason]string // a session of each
}

// Change is a stay that would pay something else.
type Change struct {
	Session string
	Class   string
	Entry   time.Time
	Exit    time.Time
	Before  money.Amount // to be paid
	After   money.Amount
}

func (c Change) difference() money.Amount { return c.After - c.Before }

// Reason says why a stay could not be compared.
type Reason string

// The reasons.
const (
	NoBillFact   Reason = "no_bill_fact"     // the fact of its bill is not at hand
	NoConfig     Reason = "no_configuration" // nor the configuration that it was billed by
	NoTariff     Reason = "no_tariff"        // that configuration has not the tariff of the bill
	OtherBenefit Reason = "other_benefit"    // something was taken off that cannot be given again
	Unlike       Reason = "unlike"           // its own tariff gives another fee today than on its bill
	Unpriceable  Reason = "unpriceable"      // the engine refuses one of the two
)

// add counts a stay.
func (t *Tally) add(c Change, grossBefore, grossAfter money.Amount) {
	t.Sessions++
	t.GrossBefore += grossBefore
	t.GrossAfter += grossAfter
	t.PayableBefore += c.Before
	t.PayableAfter += c.After
	if t.Differences == nil {
		t.Differences = map[money.Amount]int64{}
	}
	t.Differences[bin(c.difference())]++
	switch d := c.difference(); {
	case d > 0:
		t.More++
		t.MostMore = worst(append(t.MostMore, c), 1)
	case d < 0:
		t.Less++
		t.MostLess = worst(append(t.MostLess, c), -1)
	default:
		t.Same++
	}
}

func (t *Tally) skip(session string, why Reason) {
	if t.Skipped == nil {
		t.Skipped, t.Examples = map[Reason]int64{}, map[Reason]string{}
	}
	if t.Skipped[why]++; t.Examples[why] == "" {
		t.Examples[why] = session
	}
}

// worst keeps the largest differences of a sign; of equal ones the first by session.
func worst(all []Change, sign money.Amount) []Change {
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(sign*b.difference(), sign*a.difference()), cmp.Compare(a.Session, b.Session))
	})
	return all[:min(len(all), worstKept)]
}

// bin is the far end of a difference's bin: bins end at 1, 2, 5, 10, 20, 50, … on both sides of 0, which is its own.
func bin(d money.Amount) money.Amount {
	if d < 0 {
		return -bin(-d)
	}
	if d == 0 {
		return 0
	}
	for ten := money.Amount(1); ; ten *= 10 {
		for _, end := range []money.Amount{ten, 2 * ten, 5 * ten} {
			if d <= end {
				return end
			}
		}
	}
}

// near is the other end of a bin, which is not in it.
func near(end money.Amount) money.Amount {
	if end < 0 {
		return -near(-end)
	}
	if end <= 1 {
		return 0
	}
	switch first := leading(end); first {
	case 5:
		return end / 5 * 2
	default: // 1 and 2
		return end / 2
	}
}

func leading(n money.Amount) money.Amount {
	for n >= 10 {
		n /= 10
	}
	return n
}

// sum adds another lot's tally.
func (t *Tally) sum(o Tally) {
	t.Sessions, t.More, t.Less, t.Same, t.Outside = t.Sessions+o.Sessions, t.More+o.More, t.Less+o.Less, t.Same+o.Same, t.Outside+o.Outside
	t.GrossBefore, t.GrossAfter = t.GrossBefore+o.GrossBefore, t.GrossAfter+o.GrossAfter
	t.PayableBefore, t.PayableAfter = t.PayableBefore+o.PayableBefore, t.PayableAfter+o.PayableAfter
	if t.Differences == nil {
		t.Differences = map[money.Amount]int64{}
	}
	for end, n := range o.Differences {
		t.Differences[end] += n
	}
	for _, why := range slices.Sorted(maps.Keys(o.Skipped)) {
		t.skip(o.Examples[why], why)
		t.Skipped[why] += o.Skipped[why] - 1
	}
	t.MostMore = worst(slices.Concat(t.MostMore, o.MostMore), 1)
	t.MostLess = worst(slices.Concat(t.MostLess, o.MostLess), -1)
}

// Sum is what was found in all lots together, which count the same money.
func (r Rehearsal) Sum() Tally {
	var sum Tally
	for _, l := range r.Lots {
		sum.sum(l.Tally)
	}
	return sum
}

// text tells people a reason.
func (r Reason) text() engine.Text {
	switch r {
	case NoBillFact:
		return engine.Text{ZH: "找不到账单记录", EN: "the fact of its bill is not at hand"}
	case NoConfig:
		return engine.Text{ZH: "找不到计费时的配置", EN: "the configuration that it was billed by is not at hand"}
	case NoTariff:
		return engine.Text{ZH: "计费时的配置中没有该费率版本", EN: "that configuration has not the tariff of the bill"}
	case OtherBenefit:
		return engine.Text{ZH: "账单含有无法重现的优惠", EN: "something was taken off that cannot be given again"}
	case Unlike:
		return engine.Text{ZH: "按原费率重算与账单不一致", EN: "its own tariff gives another fee than its bill"}
	}
	return engine.Text{ZH: "无法计费", EN: "it cannot be priced"}
}
