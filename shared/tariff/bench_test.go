package tariff

import (
	"testing"
	"time"
)

// TestAQuoteAllocatesNothing: a lot quotes all its vehicles at once, and must not wait for the collector of garbage. Held of
// one walker: how long the pool keeps one is the runtime's to say.
func TestAQuoteAllocatesNothing(t *testing.T) {
	entry := when(t, "2026-03-04 19:12:34")
	for name, tf := range map[string]Tariff{"day and night": load(t, "city-day-night"), "per hour": load(t, "per-hour"), "short units": load(t, "short-units")} {
		r, err := Compile(tf, testCalendar)
		if err != nil {
			t.Fatal(err)
		}
		w, _ := r.walkers.Get().(*walker)
		for _, length := range []time.Duration{0, 10 * time.Minute, 2 * time.Hour, 3 * 24 * time.Hour, 365 * 24 * time.Hour} {
			stay := Stay{Entry: entry, Exit: entry.Add(length)}
			for kind, known := range map[string]Context{
				"nothing known": {},
				"paid once":     {Payments: []Payment{{"p", entry.Add(length / 2), 700}}},
				"paid twice":    {Payments: []Payment{{"q", entry.Add(length), 700}, {"p", entry.Add(length / 2), 700}}},
			} {
				if n := testing.AllocsPerRun(20, func() {
					if _, _, err := w.rate(stay, known, nil); err != nil {
						t.Fatal(err)
					}
				}); n != 0 {
					t.Errorf("%s, %s, %s: %v allocations", name, length, kind, n)
				}
			}
		}
	}
}

func BenchmarkRate(b *testing.B) {
	tf := load(b, "city-day-night")
	entry := when(b, "2026-03-04 19:12:34")
	for _, c := range []struct {
		name   string
		length time.Duration
		ctx    Context
	}{
		{"2h", 2 * time.Hour, Context{}},
		{"2h-paid", 2 * time.Hour, Context{Payments: []Payment{{"p", entry.Add(115 * time.Minute), 700}}}},
		{"3d", 72 * time.Hour, Context{}},
		{"30d", 30 * 24 * time.Hour, Context{}},
		{"1y", 365 * 24 * time.Hour, Context{}},
	} {
		b.Run("quote/"+c.name, func(b *testing.B) {
			r, err := Compile(tf, testCalendar)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Quote(Stay{Entry: entry, Exit: entry.Add(c.length)}, c.ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("bill/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Rate(tf, testCalendar, Stay{Entry: entry, Exit: entry.Add(c.length)}, c.ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
