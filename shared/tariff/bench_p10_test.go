package tariff

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/scripts/bench/measure"
)

// threeBands is what somebody would write by hand for one tariff and nothing else: three bands a day, each by started
// units, at most so much a day. Bands begin by the wall clock of the place, so that a day on which it is put forward is
// right. It has no calendar, rights, coupons, payments or lines. testdata/three-bands.json says the same as data.
func threeBands(entry, exit time.Time, loc *time.Location) int64 {
	bands := [...]struct {
		from, to    int
		unit, price int64
	}{{0, 8, 3600, 100}, {8, 20, 900, 150}, {20, 24, 1800, 100}}
	const most = 4000
	var sum int64
	for at := entry.In(loc); at.Before(exit); {
		y, m, d := at.Date()
		var day int64
		for _, b := range bands {
			from, to := time.Date(y, m, d, b.from, 0, 0, 0, loc).Unix(), time.Date(y, m, d, b.to, 0, 0, 0, loc).Unix()
			if n := min(exit.Unix(), to) - max(entry.Unix(), from); n > 0 {
				day += (n + b.unit - 1) / b.unit * b.price
			}
		}
		sum += min(day, most)
		at = time.Date(y, m, d+1, 0, 0, 0, 0, loc)
	}
	return sum
}

// TestThreeBandsByHand: what P10 is measured beside answers the same.
func TestThreeBandsByHand(t *testing.T) {
	r, err := Compile(load(t, "three-bands"), testCalendar)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		entry := time.Date(2026, 3, 4, 0, 0, rapid.IntRange(0, 7*day).Draw(t, "entry"), 0, time.UTC)
		exit := entry.Add(time.Duration(rapid.IntRange(0, 40*day).Draw(t, "length")) * time.Second)
		q, err := r.Quote(Stay{Entry: entry, Exit: exit}, Context{})
		if err != nil {
			t.Fatal(err)
		}
		if want := threeBands(entry, exit, r.loc); int64(q.Gross) != want {
			t.Fatalf("%s → %s: %d, by hand %d", entry, exit, q.Gross, want)
		}
	})
}

// BenchmarkP10Quote: a quote by the engine, beside a function that was written for the same three bands by hand.
func BenchmarkP10Quote(b *testing.B) {
	r, err := Compile(load(b, "three-bands"), testCalendar)
	if err != nil {
		b.Fatal(err)
	}
	entry := when(b, "2026-03-04 19:12:34")
	for _, c := range []struct {
		name   string
		length time.Duration
		times  int
	}{{"4 h", 4 * time.Hour, 20000}, {"30 d", 30 * 24 * time.Hour, 2000}, {"1 y", 365 * 24 * time.Hour, 200}} {
		exit := entry.Add(c.length)
		each := func(do func() int64) func() float64 {
			return func() float64 {
				began, sum := time.Now(), int64(0)
				for range c.times {
					sum += do()
				}
				if sum == 0 {
					b.Fatal("it costs nothing")
				}
				return float64(time.Since(began).Nanoseconds()) / 1e3 / float64(c.times)
			}
		}
		measure.Compare(b, "P10", fmt.Sprintf("tariff quote, %s", c.name), "µs", measure.Goal{Most: 4},
			each(func() int64 { return threeBands(entry, exit, r.loc) }),
			each(func() int64 {
				q, err := r.Quote(Stay{Entry: entry, Exit: exit}, Context{})
				if err != nil {
					b.Fatal(err)
				}
				return int64(q.Due)
			}))
	}
}
