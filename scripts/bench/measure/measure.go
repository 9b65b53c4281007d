// Package measure compares something of ours with a floor that does the bare minimum, in the same run.
//
// Absolute figures of one machine on one day say little. A ratio to a floor that was measured between our own rounds
// (floor, ours, floor, ours, …) says how much we add to what the machine must do anyway.
package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// Out names the environment variable with the file to which results are appended, one JSON object a line.
const Out = "LOTKEEPER_BENCH_OUT"

// Rounds is how often floor and ours are measured in turn.
const Rounds = 7

// Result is one figure. Ratio is Value / Floor; Min and Max are the smallest and largest ratio of a round.
type Result struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Floor  float64 `json:"floor"`
	Ratio  float64 `json:"ratio"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
	Goal   string  `json:"goal"`
	Met    bool    `json:"met"`
}

// Goal is what a ratio should be.
type Goal struct {
	Most  float64 // 0: no upper bound
	Least float64 // 0: no lower bound
}

func (g Goal) String() string {
	if g.Most > 0 {
		return fmt.Sprintf("≤%g×", g.Most)
	}
	return fmt.Sprintf("≥%g×", g.Least)
}

func (g Goal) met(ratio float64) bool {
	return (g.Most == 0 || ratio <= g.Most) && (g.Least == 0 || ratio >= g.Least)
}

// Compare measures floor and ours in turn, [Rounds] times each, and reports the median ratio. Both return a figure in
// the unit: a duration in microseconds, a rate per second.
func Compare(tb testing.TB, id, name, unit string, goal Goal, floor, ours func() float64) Result {
	tb.Helper()
	var floors, values, ratios []float64
	for range Rounds {
		f := floor()
		v := ours()
		floors, values, ratios = append(floors, f), append(values, v), append(ratios, v/f)
	}
	r := Result{
		ID: id, Name: name, Value: Median(values), Unit: unit, Floor: Median(floors), Ratio: Median(ratios),
		Min: slices.Min(ratios), Max: slices.Max(ratios), Rounds: Rounds, Goal: goal.String(), Met: goal.met(Median(ratios)),
	}
	Report(tb, r)
	return r
}

// Paired reports a quantile of samples that were taken in turn, in rounds: floors[i] and ours[i] are of round i. Value,
// floor and ratio are of the samples of all rounds, since one round has too few for its tail; min and max are the ratios
// of single rounds.
func Paired(tb testing.TB, id, name, unit string, goal Goal, q float64, floors, ours [][]float64) Result {
	tb.Helper()
	var ratios []float64
	for i := range floors {
		ratios = append(ratios, Quantile(ours[i], q)/Quantile(floors[i], q))
	}
	f, v := Quantile(slices.Concat(floors...), q), Quantile(slices.Concat(ours...), q)
	r := Result{
		ID: id, Name: name, Value: v, Unit: unit, Floor: f, Ratio: v / f,
		Min: slices.Min(ratios), Max: slices.Max(ratios), Rounds: len(floors), Goal: goal.String(), Met: goal.met(v / f),
	}
	Report(tb, r)
	return r
}

// Report logs a result and appends it to the file that [Out] names.
func Report(tb testing.TB, r Result) {
	tb.Helper()
	tb.Logf("%s %s: %.4g %s, floor %.4g, ratio %.2f [%.2f..%.2f], goal %s", r.ID, r.Name, r.Value, r.Unit, r.Floor, r.Ratio, r.Min, r.Max, r.Goal)
	file := os.Getenv(Out)
	if file == "" {
		return
	}
	line, err := json.Marshal(r)
	if err != nil {
		tb.Fatalf("encode result: %v", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		tb.Fatalf("open %s: %v", file, err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		tb.Fatalf("write %s: %v", file, err)
	}
	if err := f.Close(); err != nil {
		tb.Fatalf("write %s: %v", file, err)
	}
}

// Median returns the middle of values; of an even number, the upper of the two.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Quantile returns the value that a share q of values does not exceed. It panics on no values.
func Quantile(values []float64, q float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return v[min(int(q*float64(len(v))), len(v)-1)]
}

// Micros returns durations in microseconds.
func Micros(d []time.Duration) []float64 {
	out := make([]float64, len(d))
	for i, x := range d {
		out[i] = float64(x.Nanoseconds()) / 1e3
	}
	return out
}
