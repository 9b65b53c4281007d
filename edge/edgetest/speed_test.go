package edgetest_test

import (
	"fmt"
	"testing"

	. "lotkeeper/edge/edgetest"
)

func TestBarrierMovesSoonAfterTheRead(t *testing.T) {
	s := MeasureSpeed(t, 1, 10)
	if s.WronglyNotMeasured > 0 || s.P50 <= 0 || s.Bare50 <= 0 {
		t.Errorf("%+v", s)
	}
}

// BenchmarkReadToBarrier is P1: each iteration is one exit with its bill; the bare journal commit stands beside.
//
//	go test -run '^$' -bench ReadToBarrier -benchtime 300x ./edge/edgetest
func BenchmarkReadToBarrier(b *testing.B) {
	for _, booths := range []int{1, 3} {
		b.Run(fmt.Sprintf("booths=%d", booths), func(b *testing.B) {
			s := MeasureSpeed(b, booths, b.N)
			b.ReportMetric(float64(s.P50.Microseconds()), "p50-us")
			b.ReportMetric(float64(s.P99.Microseconds()), "p99-us")
			b.ReportMetric(float64(s.Bare50.Microseconds()), "bare-p50-us")
			b.ReportMetric(float64(s.Bare99.Microseconds()), "bare-p99-us")
			b.ReportMetric(s.Ratio50, "p50-ratio")
			b.ReportMetric(s.Ratio99, "p99-ratio")
			if s.WronglyNotMeasured > 0 {
				b.Errorf("%d of %d vehicles did not see the barrier move", s.WronglyNotMeasured, s.Rounds)
			}
		})
	}
}
