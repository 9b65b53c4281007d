package tariff_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/oracle"
)

// drawn calls law with random tariffs of every setting and with those of the corpus, each with a stay and its context.
func drawn(t *testing.T, law func(t *testing.T, r *tariff.Rater, tf tariff.Tariff, stay tariff.Stay, ctx tariff.Context, more *rand.Rand)) {
	t.Helper()
	var published []tariff.Tariff
	for name, doc := range corpusTariffs(t) {
		published = append(published, decoded(t, name, doc))
	}
	for n := range 3000 {
		more := rand.New(rand.NewPCG(77, uint64(n)))
		tf, cal, stay, ctx := oracle.Draw(more.IntN)
		if n%3 == 0 {
			tf = published[more.IntN(len(published))]
			stay.Class = []string{"small", "car", "large", "outpatient", "diesel"}[more.IntN(5)]
		}
		r, err := tariff.Compile(tf, cal)
		if err != nil {
			continue // fractions without a common denominator
		}
		law(t, r, tf, stay, ctx, more)
		if t.Failed() {
			t.Fatalf("number %d\n%s\n%s", n, written(t, tf), written(t, []any{cal, stay, ctx}))
		}
	}
}

func gross(t *testing.T, r *tariff.Rater, stay tariff.Stay, length time.Duration) money.Amount {
	t.Helper()
	stay.Exit = stay.Entry.Add(length)
	q, err := r.Quote(stay, tariff.Context{})
	if err != nil {
		t.Fatal(err)
	}
	return q.Gross
}

func someLength(more *rand.Rand) time.Duration {
	switch more.IntN(3) {
	case 0:
		return time.Duration(more.IntN(2*3600)) * time.Second
	case 1:
		return time.Duration(more.IntN(30)) * 30 * time.Minute
	}
	return time.Duration(more.IntN(60*3600)) * time.Second
}

func TestLawEveryBillIsSound(t *testing.T) {
	drawn(t, func(t *testing.T, r *tariff.Rater, _ tariff.Tariff, stay tariff.Stay, ctx tariff.Context, _ *rand.Rand) {
		b, err := r.Rate(stay, ctx)
		if err != nil {
			t.Error(err)
			return
		}
		tariff.Sound(t, b)
		if zero := gross(t, r, stay, 0); zero != 0 {
			t.Errorf("no time costs %d", zero)
		}
	})
}

func TestLawLaterExitNeverCostsLess(t *testing.T) {
	tried, falls := 0, 0
	drawn(t, func(t *testing.T, r *tariff.Rater, _ tariff.Tariff, stay tariff.Stay, _ tariff.Context, more *rand.Rand) {
		a, b := someLength(more), someLength(more)
		if a > b {
			a, b = b, a
		}
		stay.Exit = stay.Entry
		bill, err := r.Rate(stay, tariff.Context{})
		if err != nil {
			t.Fatal(err)
		}
		short, long := gross(t, r, stay, a), gross(t, r, stay, b)
		switch {
		case bill.Monotone && short > long:
			t.Errorf("%s cost %d, %s cost %d", a, short, b, long)
		case bill.Monotone:
			tried++
		case short > long:
			falls++
		}
	})
	if tried < 1000 || falls == 0 {
		t.Errorf("%d times a fee that must not fall, %d times one that fell and may: too few of one", tried, falls)
	}
}

// simple says whether nothing changes the sum of a tariff's units but its caps.
func simple(p *tariff.Plan) bool {
	return len(p.Guards) == 0 && p.Minimum == 0 && p.Multiplier == nil && len(p.SharedCaps) == 0 && (p.Cycle == nil || p.Cycle.FullPrice == nil)
}

func TestLawCapsOfTheStayHold(t *testing.T) {
	tried := 0
	drawn(t, func(t *testing.T, r *tariff.Rater, tf tariff.Tariff, stay tariff.Stay, _ tariff.Context, more *rand.Rand) {
		p := &tf.Plans[0]
		if len(tf.Plans) > 1 || !simple(p) || tf.Rounding != nil {
			return
		}
		length := someLength(more)
		fee := gross(t, r, stay, length)
		for _, c := range p.Caps {
			whole := len(c.Bands) == 0 && c.Times+c.Skip == 0 && !c.PerCycle
			most := c.Amount
			switch {
			case whole && c.Window == tariff.WindowStay:
			case whole && c.Window == tariff.WindowBlock && c.Clock != tariff.ClockWall && p.EntryRounding == nil:
				block := time.Duration(c.Length) * time.Second
				most *= money.Amount((length + block - 1) / block)
			default:
				continue
			}
			if tried++; fee > most {
				t.Errorf("%s cost %d, above %d by %+v", length, fee, most, c)
			}
		}
	})
	if tried < 100 {
		t.Errorf("only %d caps were tried", tried)
	}
}

// A second more costs at most the dearest unit, where there is no limit of free time and no guard to jump at.
func TestLawOneSecondCostsAtMostOneUnit(t *testing.T) {
	tried := 0
	drawn(t, func(t *testing.T, r *tariff.Rater, tf tariff.Tariff, stay tariff.Stay, _ tariff.Context, more *rand.Rand) {
		p := &tf.Plans[0]
		if len(tf.Plans) > 1 || !simple(p) || p.Free != nil || tf.Rounding != nil || p.EntryRounding != nil || tf.Precision != "" {
			return
		}
		var most money.Amount
		for _, b := range p.Bands {
			for _, s := range b.Steps {
				most = max(most, money.Amount(s.Price.Num/s.Price.Den)+2)
			}
		}
		length := someLength(more)
		if before, after := gross(t, r, stay, length), gross(t, r, stay, length+time.Second); after-before > most {
			t.Errorf("a second after %s costs %d, the dearest unit %d", length, after-before, most)
		}
		tried++
	})
	if tried < 100 {
		t.Errorf("only %d were tried", tried)
	}
}

func TestLawSevenDaysChangeNothing(t *testing.T) {
	shanghai, err := tariff.LoadZone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	drawn(t, func(t *testing.T, _ *tariff.Rater, tf tariff.Tariff, stay tariff.Stay, _ tariff.Context, more *rand.Rand) {
		tf.TZ = shanghai
		r, err := tariff.Compile(tf, calendar.Calendar{})
		if err != nil {
			t.Fatal(err)
		}
		length, later := someLength(more), stay
		later.Entry = stay.Entry.AddDate(0, 0, 7*(more.IntN(100)-50))
		if here, there := gross(t, r, stay, length), gross(t, r, later, length); here != there {
			t.Errorf("%s from %s cost %d, from %s %d", length, stay.Entry, here, later.Entry, there)
		}
	})
}

// What does not look at the clock does not change with it.
func TestLawShiftsChangeNothingWithoutAClock(t *testing.T) {
	tried := 0
	drawn(t, func(t *testing.T, r *tariff.Rater, tf tariff.Tariff, stay tariff.Stay, _ tariff.Context, more *rand.Rand) {
		p := &tf.Plans[0]
		if len(tf.Plans) > 1 || len(p.Guards) > 0 || p.EntryRounding != nil || len(p.Bands) != 1 || p.Bands[0].From != p.Bands[0].To || len(p.Bands[0].DayTypes) > 0 ||
			len(p.SharedCaps) > 0 || (p.Cycle != nil && (p.Cycle.Kind == tariff.CycleDay || p.Cycle.Clock == tariff.ClockWall)) || tf.Precision == tariff.PrecisionClock {
			return
		}
		for _, c := range p.Caps {
			if c.Window == tariff.WindowDay || c.Window == tariff.WindowClock || c.Clock == tariff.ClockWall {
				return
			}
		}
		length, later := someLength(more), stay
		later.Entry = stay.Entry.Add(time.Duration(more.IntN(1e6)) * time.Second)
		if here, there := gross(t, r, stay, length), gross(t, r, later, length); here != there {
			t.Errorf("%s from %s cost %d, from %s %d", length, stay.Entry, here, later.Entry, there)
		}
		tried++
	})
	if tried < 50 {
		t.Errorf("only %d were tried", tried)
	}
}

func TestLawNothingGivenCostsMore(t *testing.T) {
	drawn(t, func(t *testing.T, r *tariff.Rater, _ tariff.Tariff, stay tariff.Stay, ctx tariff.Context, _ *rand.Rand) {
		ctx.Payments = nil
		with, err := r.Quote(stay, ctx)
		if err != nil {
			t.Fatal(err)
		}
		bare := ctx
		bare.Rights, bare.Coupons = nil, nil
		without, err := r.Quote(stay, bare)
		if err != nil {
			t.Fatal(err)
		}
		if with.Due > without.Due {
			t.Errorf("due %d with cards and coupons, %d without", with.Due, without.Due)
		}
	})
}

// TestCorpusInEveryZoneOfTheProcess runs the corpus again in processes whose own zone is another.
func TestCorpusInEveryZoneOfTheProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York"} {
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^(TestCorpus|TestCorpusAlternatives|TestOracle)$", "-stays", "200")
		cmd.Env = append(os.Environ(), "TZ="+zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("TZ=%s: %v\n%s", zone, err, out)
		}
	}
}
