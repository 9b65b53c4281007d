package tariff

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

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

// planGen makes plans of the settings that most tariffs have. Every setting is drawn in the tests against the oracle.
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
