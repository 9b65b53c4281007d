package simulation

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// fixed are the seeds of `make test`: small lots with many kinds of fault, together of all.
var fixed = []uint64{17, 58, 130, 114, 27, 65, 3, 135, 101}

// The seeds of every day: whole lots with whatever their seeds let fail.
func TestFixedSeeds(t *testing.T) {
	total := Summed()
	for _, seed := range fixed {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := run(t, Case{Seed: seed}, func(p Plan, dir string) (Report, error) { return Run(p, dir, nil) })
			total.Add(&r)
		})
	}
	if t.Failed() {
		return
	}
	for _, k := range Kinds() {
		if total.Faults[k] == 0 {
			t.Errorf("%s never struck: the fixed seeds no longer show it", k)
		}
	}
}

// A seed is a run: what it does twice is the same to the byte.
func TestASeedReplays(t *testing.T) {
	for _, seed := range []uint64{17, 27} {
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

func run(t *testing.T, c Case, how func(Plan, string) (Report, error)) Report {
	t.Helper()
	r, err := how(c.Plan(), Scratch())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Violations {
		t.Errorf("%s: %s (again: go run ./scripts/simulate -case %q)", v.Rule, v.Text, c)
	}
	t.Logf("seed %s: %v, %d facts, %d stays of which %d without a hitch, %d bills, %d digests", c, r.Virtual, r.Facts, r.Stays, r.Clean, r.Bills, r.Compared)
	return r
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
