// Command simulate runs whole lots in virtual time, one for each seed, and says what they went through and what broke.
//
//	simulate -seeds 200 -from 1     each seed twice: the traces must be equal
//	simulate -case "17 cars=0,3" -log
//
// The last line of its output is JSON. It exits with 1 when a promise was broken, or when a kind of fault never struck:
// then the run has not shown what it should.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"lotkeeper/edge/edgetest/simulation"
)

func main() {
	seeds := flag.Int("seeds", 200, "how many seeds")
	from := flag.Uint64("from", 1, "the first seed")
	one := flag.String("case", "", "run this one case and nothing else")
	log := flag.Bool("log", false, "with -case: tell everything that happens")
	shrink := flag.Int("shrink", 150, "how many runs a failure may take to be shrunk")
	flag.Parse()
	if *one != "" {
		os.Exit(runCase(os.Stdout, *one, *log))
	}
	os.Exit(runSeeds(os.Stdout, *from, *seeds, *shrink))
}

func runCase(out io.Writer, text string, told bool) int {
	c, err := simulation.ParseCase(text)
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	var log func(string)
	if told {
		log = func(line string) { fmt.Fprintln(out, line) }
	}
	r, err := simulation.Run(c.Plan(), simulation.Scratch(), log)
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	for _, v := range r.Violations {
		fmt.Fprintf(out, "%s: %s\n", v.Rule, v.Text)
	}
	fmt.Fprintf(out, "%v virtual, %d facts, %d stays, %d violations, trace %.16s\n", r.Virtual, r.Facts, r.Stays, len(r.Violations), r.Trace)
	if len(r.Violations) > 0 {
		return 1
	}
	return 0
}

// failure is a seed that broke a promise.
type failure struct {
	seed uint64
	v    simulation.Violation
}

func runSeeds(out io.Writer, from uint64, seeds, shrink int) int {
	began := time.Now()
	total := simulation.Summed()
	var failures []failure
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan uint64)
	for range max(1, min(runtime.GOMAXPROCS(0), seeds)) {
		group.Go(func() {
			for seed := range next {
				r, err := simulation.Twice(simulation.Draw(seed), simulation.Scratch())
				if err != nil {
					r.Violations = append(r.Violations, simulation.Violation{Rule: "simulation", Text: err.Error()})
				}
				mu.Lock()
				total.Add(&r)
				for _, v := range r.Violations {
					fmt.Fprintf(out, "seed %d: %s: %s\n", seed, v.Rule, v.Text)
				}
				if len(r.Violations) > 0 {
					failures = append(failures, failure{seed, r.Violations[0]})
				}
				mu.Unlock()
			}
		})
	}
	for i := range uint64(max(seeds, 0)) {
		next <- from + i
	}
	close(next)
	group.Wait()
	took := time.Since(began)
	tell(out, failures, shrink)
	return report(out, &total, seeds, took)
}

// tell shrinks the first failures and says how to see each again.
func tell(out io.Writer, failures []failure, shrink int) {
	for _, f := range failures[:min(3, len(failures))] {
		c := simulation.Shrink(simulation.Case{Seed: f.seed}, f.v.Rule, simulation.Scratch(), shrink)
		fmt.Fprintf(out, "\n%s\n  again: go run ./scripts/simulate -case %q -log\n  once it is mended, keep %q in edge/edgetest/simulation/testdata/regressions\n", f.v.Text, c, c)
	}
}

// summary is the last line.
type summary struct {
	Seeds       int                     `json:"seeds"`
	Hours       float64                 `json:"virtual_hours"`
	Facts       int                     `json:"facts"`
	Faults      map[simulation.Kind]int `json:"faults"`
	CrashPoints int                     `json:"crash_points"` // boundaries at which a node died
	Boundaries  int                     `json:"boundaries"`   // of so many
	Crashes     int                     `json:"crashes"`
	Stays       int                     `json:"stays"`
	Clean       int                     `json:"stays_without_a_hitch"`
	Bills       int                     `json:"bills"`
	Compared    int                     `json:"digests_compared"`
	Lost        int                     `json:"facts_lost_with_a_disk"`
	Ratio       float64                 `json:"virtual_to_real"`
	Missing     []string                `json:"never_fired,omitempty"`
	Violations  int                     `json:"violations"`
}

func report(out io.Writer, r *simulation.Report, seeds int, took time.Duration) int {
	s := summary{
		Seeds: seeds, Hours: r.Virtual.Hours(), Facts: r.Facts, Faults: r.Faults, CrashPoints: len(r.CrashPoints), Boundaries: len(r.Boundaries),
		Stays: r.Stays, Clean: r.Clean, Bills: r.Bills, Compared: r.Compared, Lost: r.Lost, Violations: len(r.Violations),
		Ratio: 2 * r.Virtual.Seconds() / max(took.Seconds(), 0.001), // each seed ran twice
	}
	for _, k := range simulation.Kinds() {
		if r.Faults[k] == 0 {
			s.Missing = append(s.Missing, string(k))
		}
	}
	for _, n := range r.CrashPoints {
		s.Crashes += n
	}
	fmt.Fprintf(out, "\n%d seeds, %.0f virtual hours, %v of this machine's time: %.0f times as fast\n", seeds, s.Hours, took.Round(time.Second), s.Ratio)
	table(out, "faults", r.Faults)
	table(out, "crashes, by the boundary at which the node died", r.CrashPoints)
	table(out, "vehicles at lanes", r.Transitions)
	table(out, "decisions", r.Decisions)
	table(out, "situations", r.Situations)
	table(out, "batches", r.Verdicts)
	if never := missing(r.Boundaries, r.CrashPoints); len(never) > 0 {
		fmt.Fprintf(out, "\nboundaries at which nothing died: %s\n", strings.Join(never, "; "))
	}
	if len(s.Missing) > 0 {
		fmt.Fprintf(out, "\nnever struck: %s: too few seeds\n", strings.Join(s.Missing, ", "))
	}
	line, err := json.Marshal(s)
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	fmt.Fprintf(out, "\n%s\n", line)
	if s.Violations > 0 || len(s.Missing) > 0 {
		return 1
	}
	return 0
}

func missing(all, hit map[string]int) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if hit[k] == 0 {
			out = append(out, k)
		}
	}
	return out
}

func table[K ~string](out io.Writer, title string, counts map[K]int) {
	fmt.Fprintf(out, "\n%s\n", title)
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "  %-44s %d\n", k, counts[k])
	}
}
