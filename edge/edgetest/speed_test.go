package edgetest_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/scripts/bench/measure"
)

func TestBarrierMovesSoonAfterTheRead(t *testing.T) {
	s := NewSpeed(t, 1)
	for range 3 {
		if d, ok := s.Lane(t); !ok || d <= 0 || d > 3*time.Second {
			t.Errorf("the lane took %v, moved: %v", d, ok)
		}
		if d := s.Bare(t); d <= 0 {
			t.Errorf("a commit took %v", d)
		}
	}
}

// BenchmarkP1ReadToBarrier: from a camera's last byte to the barrier's first, with a bill, beside a bare commit of the
// same facts. Lane and commit take turns; each round's ratio is of its medians, and the 99th percentile is of all rounds.
func BenchmarkP1ReadToBarrier(b *testing.B) {
	onDisk(b)
	for _, booths := range []int{1, 3} {
		b.Run(fmt.Sprintf("booths=%d", booths), func(b *testing.B) {
			s := NewSpeed(b, booths)
			s.Lane(b) // files are made, code is loaded
			var lanes, bares [][]float64
			for range measure.Rounds {
				var lane, bare []time.Duration
				for range 30 {
					bare = append(bare, s.Bare(b))
					if d, ok := s.Lane(b); ok {
						lane = append(lane, d)
					}
				}
				lanes, bares = append(lanes, measure.Micros(lane)), append(bares, measure.Micros(bare))
			}
			if s.Stuck > 0 {
				b.Errorf("%d vehicles did not see the barrier move", s.Stuck)
			}
			name := fmt.Sprintf("read to barrier, %d booth(s)", booths)
			measure.Paired(b, "P1", name+", p50", "µs", measure.Goal{Most: 1.3}, 0.5, bares, lanes)
			measure.Paired(b, "P1", name+", p99", "µs", measure.Goal{Most: 1.5}, 0.99, bares, lanes)
		})
	}
}

// BenchmarkP3LeaderKilled: the slowest exit at one booth while the booth that leads the group stops, beside the same
// vehicles without it. They come one after the other. The booth that goes on holds one exit and one bill of each.
func BenchmarkP3LeaderKilled(b *testing.B) {
	onDisk(b)
	const vehicles = 20
	var calm, killed [][]float64
	for range 3 {
		for _, kill := range []bool{false, true} {
			b.Run(fmt.Sprintf("kill=%v", kill), func(b *testing.B) {
				s := NewRush(b)
				var took []time.Duration
				for i := range vehicles {
					if kill && i == vehicles/4 {
						s.KillLeader(b)
					}
					if d, ok := s.Lane(b); ok {
						took = append(took, d)
					}
				}
				if left, bills := s.Billed(); s.Stuck > 0 || left != vehicles || bills != vehicles {
					b.Errorf("of %d vehicles %d stuck, %d left, %d bills", vehicles, s.Stuck, left, bills)
				}
				if kill {
					killed = append(killed, measure.Micros(took))
				} else {
					calm = append(calm, measure.Micros(took))
				}
			})
		}
	}
	r := measure.Result{ID: "P3", Name: "slowest exit at booth-c while the leader stops", Unit: "µs", Rounds: len(killed), Goal: "≤1 s, one bill each"}
	if b.Failed() {
		return
	}
	r.Value, r.Floor = measure.Quantile(slices.Concat(killed...), 1), measure.Quantile(slices.Concat(calm...), 1)
	r.Ratio, r.Met = r.Value/r.Floor, r.Value <= 1e6
	r.Min, r.Max = r.Ratio, r.Ratio
	measure.Report(b, r)
}

// onDisk refuses to measure commits in memory.
func onDisk(tb testing.TB) {
	tb.Helper()
	const tmpfs = 0x01021994
	var s syscall.Statfs_t
	if err := syscall.Statfs(tb.TempDir(), &s); err != nil {
		tb.Fatal(err)
	}
	if s.Type == tmpfs {
		tb.Fatal("the temporary folder is in memory: set TMPDIR to a folder on a disk")
	}
}
