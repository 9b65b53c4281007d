package tariff

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// oracle prices a stay by looking at the clock once a second, in a way that shares no code with the engine: no edges,
// no rows of units, no arithmetic on zones; fractions are math/big's. covered says which seconds are not charged.
func oracle(tf Tariff, cal calendar.Calendar, entry, exit int64, covered func(int64) bool) money.Amount {
	type purchase struct {
		at    int64
		price *big.Rat
	}
	plan, loc := tf.Plans[len(tf.Plans)-1], tf.TZ.Location()
	date := func(u int64) string { return time.Unix(u, 0).In(loc).Format(time.DateOnly) }
	cycle := func(u int64) string {
		switch {
		case plan.Cycle == nil:
			return ""
		case plan.Cycle.Kind == CycleDay:
			return date(u)
		}
		return fmt.Sprint((u - entry) / int64(plan.Cycle.Length))
	}
	inCycle := map[string]int64{}
	for u := entry; u < exit; u++ {
		inCycle[cycle(u)]++
	}
	spared := func(length int64) bool {
		f := plan.Free
		return f != nil && f.Then == FreeWhole && (length < int64(f.UpTo) || length == int64(f.UpTo) && f.Inclusive)
	}
	perCycle := plan.Free != nil && plan.Free.Scope == ScopeCycle
	if !perCycle && spared(exit-entry) {
		return 0
	}

	var bought []purchase
	var (
		lastCycle        = cycle(entry)
		sinceCycle       int64
		lastBand         = -1 // of the second before, -1 where it was not charged
		position         int64
		flats            = map[string]bool{}
		unitStep         = -1
		unitUsed, unitAt int64
		freshCycle       = true
		restart          = func() { position, flats = 0, map[string]bool{} }
		rat              = func(r money.Rat) *big.Rat { return big.NewRat(r.Num, r.Den) }
		finish           func()
	)
	finish = func() { // a unit in progress ends here, full or not
		if unitStep < 0 {
			return
		}
		step := plan.Bands[lastBand].Steps[unitStep]
		price := rat(step.Price)
		switch {
		case unitUsed == int64(step.Unit):
		case step.End == EndFloor:
			price = new(big.Rat)
		case step.End == EndStarted:
			minutes := unitUsed / 60
			if unitUsed%60 > 0 {
				minutes++
			}
			price.Mul(price, big.NewRat(min(minutes*60, int64(step.Unit)), int64(step.Unit)))
		}
		bought = append(bought, purchase{unitAt, price})
		unitStep = -1
	}
	for u := entry; u < exit; u++ {
		now := time.Unix(u, 0).In(loc)
		if c := cycle(u); c != lastCycle || freshCycle {
			finish()
			lastBand, lastCycle, sinceCycle, freshCycle = -1, c, u, false
			if plan.Position == ScopeCycle {
				restart()
			}
		}
		clock := Clock(now.Hour()*3600 + now.Minute()*60 + now.Second())
		band := slices.IndexFunc(plan.Bands, func(b Band) bool {
			if len(b.DayTypes) > 0 && !slices.Contains(b.DayTypes, cal.DayType(calendar.Of(now))) {
				return false
			}
			if b.From%day == b.To%day {
				return true
			}
			if b.From < b.To {
				return b.From <= clock && clock < b.To
			}
			return b.From <= clock || clock < b.To
		})
		if band >= 0 && len(plan.Bands[band].Steps) == 0 {
			band = -1
		}
		if covered(u) || (perCycle && spared(inCycle[lastCycle])) {
			band = -1
		}
		if f := plan.Free; f != nil && f.Then == FreeDeduct && (u-entry < int64(f.UpTo) && !perCycle || u-sinceCycle < int64(f.UpTo) && perCycle) {
			band = -1
		}
		if band != lastBand {
			finish()
			if band >= 0 && (plan.Position == "" || plan.Position == ScopeRun) {
				restart()
			}
		}
		lastBand = band
		if band < 0 {
			continue
		}
		if unitStep >= 0 && unitUsed == int64(plan.Bands[band].Steps[unitStep].Unit) {
			finish()
		}
		if unitStep < 0 {
			i := 0
			for s := plan.Bands[band].Steps; s[i].UpTo != 0 && position >= int64(s[i].UpTo); i++ {
			}
			if step := plan.Bands[band].Steps[i]; step.Unit > 0 {
				unitStep, unitUsed, unitAt = i, 0, u
			} else if key := fmt.Sprint(band, "/", i); !flats[key] {
				flats[key] = true
				bought = append(bought, purchase{u, rat(step.Price)})
			}
		}
		unitUsed++
		position++
	}
	finish()

	slices.SortStableFunc(bought, func(a, b purchase) int { return int(a.at - b.at) })
	for _, c := range plan.Caps {
		spent := map[string]*big.Rat{}
		for i, p := range bought {
			window := ""
			switch c.Window {
			case WindowDay:
				window = date(p.at)
			case WindowBlock:
				window = fmt.Sprint((p.at - entry) / int64(c.Length))
			}
			if spent[window] == nil {
				spent[window] = new(big.Rat)
			}
			room := new(big.Rat).Sub(big.NewRat(int64(c.Amount), 1), spent[window])
			if p.price.Cmp(room) > 0 {
				bought[i].price = room
			}
			spent[window] = new(big.Rat).Add(spent[window], bought[i].price)
		}
	}
	total := big.NewRat(1, 2)
	for _, p := range bought {
		total.Add(total, p.price)
	}
	return money.Amount(new(big.Int).Div(total.Num(), total.Denom()).Int64())
}

// zones have no change of clock, one of an hour at night, one of half an hour, and one at midnight.
func zoneGen() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe", "America/Havana"})
}

func ratGen() *rapid.Generator[money.Rat] {
	return rapid.Custom(func(t *rapid.T) money.Rat {
		r, err := money.NewRat(rapid.Int64Range(0, 600).Draw(t, "price"), rapid.SampledFrom([]int64{1, 1, 1, 2, 3, 7}).Draw(t, "per"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

func clockGen() *rapid.Generator[Clock] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) Clock { return Clock(rapid.IntRange(0, 23).Draw(t, "hour") * 3600) }),
		rapid.Map(rapid.IntRange(0, day-1), func(n int) Clock { return Clock(n) }))
}

func secondsGen(most int64) *rapid.Generator[Seconds] {
	return rapid.Custom(func(t *rapid.T) Seconds {
		return Seconds(rapid.OneOf(rapid.Int64Range(1, most), rapid.SampledFrom([]int64{10, 60, 900, 1800, 3600})).Draw(t, "seconds"))
	})
}

func stepsGen() *rapid.Generator[[]Step] {
	return rapid.Custom(func(t *rapid.T) []Step {
		var steps []Step
		n := rapid.IntRange(0, 3).Draw(t, "steps")
		var upTo Seconds
		for i := range n {
			s := Step{Price: ratGen().Draw(t, "price")}
			if rapid.IntRange(0, 3).Draw(t, "flat") > 0 {
				s.Unit = secondsGen(8000).Draw(t, "unit")
				s.End = rapid.SampledFrom([]End{"", EndCeil, EndFloor, EndStarted}).Draw(t, "end")
				if s.End == EndStarted { // shares of odd units have no common denominator, and are refused
					s.Unit = rapid.SampledFrom([]Seconds{10, 60, 95, 900, 3600, 7200}).Draw(t, "unit charged by minutes")
				}
			}
			if i < n-1 {
				upTo += secondsGen(10000).Draw(t, "up to")
				s.UpTo = upTo
			}
			steps = append(steps, s)
		}
		return steps
	})
}

// planGen makes any plan that the model can state, small enough for the oracle.
func planGen() *rapid.Generator[Plan] {
	return rapid.Custom(func(t *rapid.T) Plan {
		p := Plan{ID: "p", Position: rapid.SampledFrom([]Scope{"", ScopeRun, ScopeCycle, ScopeStay}).Draw(t, "position")}
		switch rapid.IntRange(0, 3).Draw(t, "cycle") {
		case 0:
			p.Cycle = &Cycle{Kind: CycleDay}
		case 1:
			p.Cycle = &Cycle{Kind: CycleBlock, Length: 600 + secondsGen(day).Draw(t, "cycle length")}
		}
		if rapid.Bool().Draw(t, "free") {
			p.Free = &Free{
				UpTo: secondsGen(6000).Draw(t, "free up to"), Inclusive: rapid.Bool().Draw(t, "inclusive"),
				Then:  rapid.SampledFrom([]FreeThen{FreeWhole, FreeDeduct}).Draw(t, "then"),
				Scope: rapid.SampledFrom([]Scope{"", ScopeStay, ScopeCycle}).Draw(t, "free scope"),
			}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "bands") {
			b := Band{ID: fmt.Sprint("b", i), From: clockGen().Draw(t, "from"), To: clockGen().Draw(t, "to"), Steps: stepsGen().Draw(t, "steps")}
			b.DayTypes = rapid.SampledFrom([][]string{nil, nil, {"workday"}, {"weekend", "holiday"}}).Draw(t, "day types")
			p.Bands = append(p.Bands, b)
		}
		for range rapid.IntRange(0, 2).Draw(t, "caps") {
			c := Cap{Amount: money.Amount(rapid.Int64Range(1, 4000).Draw(t, "cap")), Window: rapid.SampledFrom([]Window{WindowStay, WindowBlock, WindowDay}).Draw(t, "window")}
			if c.Window == WindowBlock {
				c.Length = 600 + secondsGen(day).Draw(t, "cap length")
			}
			p.Caps = append(p.Caps, c)
		}
		return p
	})
}

func tariffGen() *rapid.Generator[Tariff] {
	return rapid.Custom(func(t *rapid.T) Tariff {
		zone, err := LoadZone(zoneGen().Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		return Tariff{ID: "x", Version: 1, Name: Text{"甲", "x"}, TZ: zone, Currency: money.CNY,
			GraceAfterPayment: Seconds(rapid.Int64Range(0, 1800).Draw(t, "grace")), Plans: []Plan{planGen().Draw(t, "plan")}}
	})
}

// entryGen likes the days on which the zones' clocks change.
func entryGen(tf Tariff) *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		days := []string{"2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03", "2026-03-04"}
		base, err := time.ParseInLocation(time.DateOnly, rapid.SampledFrom(days).Draw(t, "day"), tf.TZ.Location())
		if err != nil {
			t.Fatal(err)
		}
		return base.Add(time.Duration(rapid.Int64Range(0, day+2*3600).Draw(t, "clock")) * time.Second)
	})
}

// lengthGen likes the limit of the free time.
func lengthGen(tf Tariff) *rapid.Generator[int64] {
	limit := int64(3600)
	if free := tf.Plans[0].Free; free != nil {
		limit = int64(free.UpTo)
	}
	return rapid.OneOf(rapid.Int64Range(limit-1, limit+1), rapid.Int64Range(0, 4*3600), rapid.Int64Range(0, 50*3600), rapid.SampledFrom([]int64{0, 1, 600, 601, 900, 1800, 3600, 3601, day, day + 1}))
}

var testCalendar = calendar.Calendar{ID: "test", Version: 1, Dates: map[calendar.Date]string{
	{Year: 2026, Month: 3, Day: 5}: calendar.Holiday, {Year: 2026, Month: 11, Day: 1}: calendar.Workday}}

func TestEngineAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		if err := tf.Validate(); err != nil {
			t.Fatalf("the generator made a bad tariff: %v", err)
		}
		entry := entryGen(tf).Draw(t, "entry")
		length := lengthGen(tf).Draw(t, "length")
		exit := entry.Add(time.Duration(length) * time.Second)
		b, err := Rate(tf, testCalendar, Stay{Entry: entry, Exit: exit}, Context{})
		if err != nil {
			t.Fatal(err)
		}
		sound(t, b)
		if want := oracle(tf, testCalendar, entry.Unix(), exit.Unix(), func(int64) bool { return false }); b.Gross != want {
			t.Fatalf("gross %s, oracle %s\n%s", b.Gross, want, show(b))
		}

		// What is covered is left out of both, wherever it is.
		from := entry.Unix() + rapid.Int64Range(-3600, length).Draw(t, "covered from")
		to := from + rapid.Int64Range(1, 40000).Draw(t, "covered for")
		w := newWalker(&tf, &tf.Plans[0], testCalendar)
		got, err := w.fee(span{entry.Unix(), exit.Unix()}, []span{{from, to}})
		if err != nil {
			t.Fatal(err)
		}
		if want := oracle(tf, testCalendar, entry.Unix(), exit.Unix(), func(u int64) bool { return from <= u && u < to }); got != want {
			t.Fatalf("covered [%d,%d): fee %s, oracle %s", from, to, got, want)
		}
	})
}
