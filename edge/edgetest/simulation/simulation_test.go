package simulation

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

// fixed are the seeds of `make test`: few, and together of every kind of fault.
var fixed = []uint64{1, 3, 5, 8, 10, 11}

// The seeds of every day: whole lots with whatever their seeds let fail, run twice.
func TestFixedSeeds(t *testing.T) {
	for _, seed := range fixed {
		run(t, Case{Seed: seed}, Twice)
	}
}

// Every seed that ever failed stays, shrunk to what it took.
func TestRegressions(t *testing.T) {
	f, err := os.Open("testdata/regressions")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := ParseCase(line)
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, func(p Plan, dir string) (Report, error) { return Run(p, dir, nil) })
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, c Case, how func(Plan, string) (Report, error)) {
	t.Helper()
	r, err := how(c.Plan(), Scratch())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Violations {
		t.Errorf("%s: %s (again: go run ./scripts/simulate -case %q)", v.Rule, v.Text, c)
	}
	t.Logf("seed %s: %v, %d facts, %d stays of which %d without a hitch, %d bills, %d digests", c, r.Virtual, r.Facts, r.Stays, r.Clean, r.Bills, r.Compared)
}

func TestACaseIsItsText(t *testing.T) {
	for _, c := range []Case{{Seed: 7}, {Seed: 7, Cars: []int{}, Faults: []int{3}}, {Seed: 7, Cars: []int{0, 12}}} {
		got, err := ParseCase(c.String())
		if err != nil || got.Seed != c.Seed || !slices.Equal(got.Cars, c.Cars) || !slices.Equal(got.Faults, c.Faults) || (got.Cars == nil) != (c.Cars == nil) {
			t.Errorf("%q is read as %+v (%v), want %+v", c, got, err, c)
		}
	}
	for _, s := range []string{"", "x", "7 cars=a", "7 lanes=1"} {
		if c, err := ParseCase(s); err == nil {
			t.Errorf("%q is read as %+v, want an error", s, c)
		}
	}
}

// A plan keeps what is kept as it was: else a failing run could not be shrunk.
func TestTakingCarsAwayLeavesTheOthersAsTheyWere(t *testing.T) {
	p := Draw(3)
	q := Case{Seed: 3, Cars: []int{2, 5}, Faults: []int{0}}.Plan()
	if len(q.Cars) != 2 || q.Cars[0].Plate != p.Cars[2].Plate || !slices.Equal(q.Cars[1].Stays, p.Cars[5].Stays) || q.Faults[0] != p.Faults[0] {
		t.Errorf("kept %+v and %+v", q.Cars, q.Faults)
	}
}
