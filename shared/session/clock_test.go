package session

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
)

// hourly is ¥5 an hour, each hour begun; night is ¥2 for all of 20:00–08:00, which may make a later exit cheaper nowhere and
// a later entry dearer.
const (
	hourly = `{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":"1h","price":500}]}]}]}`
	nights = `{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"p","bands":[
		{"id":"day","from":"08:00","to":"20:00","steps":[{"unit":"1h","price":500}]},{"id":"night","from":"20:00","to":"08:00","steps":[{"unit":"1h","price":100}]}]}]}`
)

func mustTariff(t testing.TB, text string) tariff.Tariff {
	t.Helper()
	x, err := tariff.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// clock is what a booth says of its own clock.
func (p *pen) clock(off, err time.Duration) {
	p.write(fact.KindClock, fact.Clock{Source: "booth", Boot: "b1", OffsetMS: off.Milliseconds(), ErrorMS: err.Milliseconds(), Basis: "test"}, nil)
}

// TestBoothThatWasEightHoursOffHasItsSessionsCorrected: by a fact, whenever it comes.
func TestBoothThatWasEightHoursOffHasItsSessionsCorrected(t *testing.T) {
	a, b := newPen(0), newPen(1)
	a.at = noon.Add(-8 * time.Hour) // its clock is behind
	a.through(fact.Entry, "粤B12345")
	b.at = noon.Add(90 * time.Minute)
	b.through(fact.Exit, "粤B12345")
	book := Fold(slices.Concat(a.out, b.out))
	x := terms{t: mustTariff(t, hourly)}
	s := only(t, book)
	if bill, err := Price(s, s.Exit.At, x); err != nil || bill.Gross != 5000 {
		t.Fatalf("before the correction: %d, %v", bill.Gross, err)
	}
	n := len(a.out)
	a.clock(8*time.Hour, 20*time.Millisecond)
	book.Add(a.out[n:]...)
	s = only(t, book)
	bill, err := Price(s, s.Exit.At, x)
	if err != nil || !s.Entry.At.Equal(noon) || bill.Gross != 1000 || bill.EntryErrorMS != 0 || len(bill.Flags) != 0 {
		t.Errorf("entered at %s, gross %d with %v, %v; want noon and 1000", s.Entry.At, bill.Gross, bill.Flags, err)
	}
}

func TestAFeeWithinTheClocksErrorIsTheLowerOne(t *testing.T) {
	for _, c := range []struct {
		name        string
		one         bool // both ends at one booth
		text        string
		errA, errB  time.Duration
		from, stay  time.Duration // from noon, which is 12:00 in Shanghai
		plain, want int64
		flag        bool
	}{
		{"clocks that nothing is said of", false, hourly, 0, 0, 0, 61 * time.Minute, 1000, 1000, false},
		{"less than a second is no error", false, hourly, 900 * time.Millisecond, 900 * time.Millisecond, 0, time.Hour + time.Second, 1000, 1000, false},
		{"both ends on one run of one clock", true, hourly, 8 * time.Hour, 0, 0, 61 * time.Minute, 1000, 1000, false},
		{"a minute past the hour, a minute in doubt", false, hourly, time.Minute, 0, 0, 61 * time.Minute, 1000, 500, true},
		{"the errors of both ends count", false, hourly, 30 * time.Second, 30 * time.Second, 0, 61 * time.Minute, 1000, 500, true},
		{"small doubt is not told", false, hourly, 10 * time.Second, 0, 0, 61 * time.Minute, 1000, 1000, false},
		{"in doubt, and the same either way", false, hourly, 10 * time.Minute, 0, 0, 90 * time.Minute, 1000, 1000, true},
		{"eight hours in doubt", false, hourly, 8 * time.Hour, 0, 0, 90 * time.Minute, 1000, 0, true},
		{"nobody is charged for a stay before its begin", false, hourly, 2 * time.Hour, 2 * time.Hour, 0, time.Hour, 500, 0, true},
		// Entered 07:55 by its clock, left 08:50: an hour of night and one of day. It may have come at 08:00.
		{"a later entry", false, nights, 5 * time.Minute, 0, 19*time.Hour + 55*time.Minute, 55 * time.Minute, 600, 500, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newPen(0)
			b := newPen(1)
			if c.one {
				b = a
			}
			a.clock(0, c.errA)
			if c.errB > 0 {
				b.clock(0, c.errB)
			}
			a.at = noon.Add(c.from)
			a.through(fact.Entry, "粤B12345")
			b.at = a.at.Add(c.stay)
			b.through(fact.Exit, "粤B12345")
			all := a.out
			if !c.one {
				all = slices.Concat(a.out, b.out)
			}
			s := only(t, Fold(all))
			x := terms{t: mustTariff(t, c.text)}
			blind := s
			blind.Entry, blind.Exit = &Visit{At: s.Entry.At}, &Visit{At: s.Exit.At}
			plain, err := Price(blind, s.Exit.At, x)
			if err != nil || int64(plain.Gross) != c.plain {
				t.Fatalf("without errors %d, %v; want %d", plain.Gross, err, c.plain)
			}
			bill, err := Price(s, s.Exit.At, x)
			if err != nil || int64(bill.Gross) != c.want {
				t.Fatalf("gross %d, %v; want %d", bill.Gross, err, c.want)
			}
			if !bill.Entry.Equal(plain.Entry) || !bill.Exit.Equal(plain.Exit) {
				t.Errorf("the bill says %s to %s, not what was read", bill.Entry, bill.Exit)
			}
			if told := slices.Contains(bill.Flags, tariff.FlagClock); told != c.flag {
				t.Errorf("flags %v, lines %+v", bill.Flags, bill.Lines)
			}
			if last := len(bill.Lines) - 1; c.flag && (last < 0 || bill.Lines[last].Text.ZH == "" || bill.Lines[last].Amount != 0) {
				t.Errorf("the reader is not told: %+v", bill.Lines)
			}
		})
	}
}

// TestDoubtNeverCostsMore over random tariffs' stays: the bill in doubt is at most the plain one and at most that of any
// stay at the ends of the doubt; its lines add up.
func TestDoubtNeverCostsMore(t *testing.T) {
	tariffs := []tariff.Tariff{mustTariff(t, hourly), mustTariff(t, nights)}
	rapid.Check(t, func(r *rapid.T) {
		x := terms{t: rapid.SampledFrom(tariffs).Draw(r, "tariff")}
		in := time.Duration(rapid.IntRange(0, 4*3600).Draw(r, "in")) * time.Second
		out := time.Duration(rapid.IntRange(0, 4*3600).Draw(r, "out")) * time.Second
		from := noon.Add(time.Duration(rapid.IntRange(0, 24*3600).Draw(r, "from")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(0, 40*3600).Draw(r, "stay")) * time.Second)
		at := func(from, to time.Time, in, out time.Duration) tariff.Bill {
			entry := Visit{At: from, ErrorMS: in.Milliseconds(), Clock: Clock{Author: "a"}}
			bill, err := PriceTo(Session{Entry: &entry}, Visit{At: to, ErrorMS: out.Milliseconds(), Clock: Clock{Author: "b"}}, x)
			if err != nil {
				r.Fatal(err)
			}
			return bill
		}
		bill := at(from, to, in, out)
		for _, f := range []time.Duration{-in, 0, in} {
			for _, l := range []time.Duration{-out, 0, out} {
				if in < clockTrust && f != 0 || out < clockTrust && l != 0 || to.Add(l).Before(from.Add(f)) {
					continue
				}
				if other := at(from.Add(f), to.Add(l), 0, 0); bill.Gross > other.Gross {
					r.Fatalf("in doubt %d; entered %v and left %v away from what was read %d", bill.Gross, f, l, other.Gross)
				}
			}
		}
		sum := bill.Due
		for _, l := range bill.Lines {
			sum -= l.Amount
		}
		if sum != 0 {
			r.Fatalf("lines %+v do not add up to %d", bill.Lines, bill.Due)
		}
	})
}
