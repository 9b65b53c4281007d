package tariff

import (
	"testing"
	"time"
)

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
