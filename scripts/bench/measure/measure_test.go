package measure

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	for _, tc := range []struct{ q, want float64 }{{0, 1}, {0.5, 3}, {0.99, 5}, {1, 5}} {
		if got := Quantile(v, tc.q); got != tc.want {
			t.Errorf("quantile %v is %v, want %v", tc.q, got, tc.want)
		}
	}
}

func TestCompareTakesTurnsAndWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.jsonl")
	t.Setenv(Out, file)
	turn := 0
	floor := func() float64 {
		if turn++; turn%2 != 1 {
			t.Errorf("the floor was measured in turn %d", turn)
		}
		return 10
	}
	ours := func() float64 { turn++; return 15 }
	Compare(t, "P0", "test", "µs", Goal{Most: 1.3}, floor, ours)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if r.Ratio != 1.5 || r.Met || r.Goal != "≤1.3×" || r.Rounds != Rounds {
		t.Errorf("got %+v", r)
	}
}

func TestPairedTakesTheTailOfAllRounds(t *testing.T) {
	floors := [][]float64{{1, 1, 1, 1}, {1, 1, 1, 2}}
	ours := [][]float64{{2, 2, 2, 2}, {2, 2, 2, 8}}
	if r := Paired(t, "P0", "test", "µs", Goal{Most: 2}, 0.5, floors, ours); r.Ratio != 2 || !r.Met || r.Rounds != 2 {
		t.Errorf("median: %+v", r)
	}
	if r := Paired(t, "P0", "test", "µs", Goal{Most: 2}, 1, floors, ours); r.Value != 8 || r.Floor != 2 || r.Ratio != 4 || r.Met || r.Min != 2 || r.Max != 4 {
		t.Errorf("tail: %+v", r)
	}
}
