package simulation

import (
	"fmt"
	"time"

	"lotkeeper/edge/internal/lane"
)

const maxViolations = 20

// Violation is a promise that a run found broken.
type Violation struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// Report is what came of one run, or of many.
type Report struct {
	Trace       string
	Virtual     time.Duration
	Events      int
	Messages    int
	Facts       int
	Lost        int // facts that lay on one disk alone when it was lost
	Stays       int // parkings that truly were
	Clean       int // of them, those without a hitch: each held against its bill
	Bills       int // each held against the oracle
	Compared    int // digests of nodes with equal cursors
	Faults      map[Kind]int
	CrashPoints map[string]int // by boundary: how often a node died there
	Boundaries  map[string]int // and how often it came by
	Transitions map[string]int // of vehicles at lanes
	Decisions   map[string]int
	Situations  map[string]int
	Verdicts    map[string]int
	Violations  []Violation
}

func newReport() Report {
	return Report{
		Faults: map[Kind]int{}, CrashPoints: map[string]int{}, Boundaries: map[string]int{}, Transitions: map[string]int{},
		Decisions: map[string]int{}, Situations: map[string]int{}, Verdicts: map[string]int{},
	}
}

func (r *Report) violate(rule, format string, args ...any) {
	if len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, Violation{rule, fmt.Sprintf(format, args...)})
	}
}

func (r *Report) transition(before, after *lane.State) {
	if before.Car.Phase != after.Car.Phase || before.Car.N != after.Car.N {
		r.Transitions[phase(before)+" → "+phase(after)]++
	}
}

func phase(s *lane.State) string {
	if s.Car.Phase == lane.Nobody {
		return "nobody"
	}
	return string(s.Car.Phase)
}

// Add sums another run's report into this one.
func (r *Report) Add(o *Report) {
	r.Virtual += o.Virtual
	r.Events += o.Events
	r.Messages += o.Messages
	r.Facts += o.Facts
	r.Lost += o.Lost
	r.Stays += o.Stays
	r.Clean += o.Clean
	r.Bills += o.Bills
	r.Compared += o.Compared
	for k, n := range o.Faults {
		r.Faults[k] += n
	}
	for _, m := range [][2]map[string]int{
		{r.CrashPoints, o.CrashPoints}, {r.Boundaries, o.Boundaries}, {r.Transitions, o.Transitions}, {r.Decisions, o.Decisions},
		{r.Situations, o.Situations}, {r.Verdicts, o.Verdicts},
	} {
		for k, n := range m[1] {
			m[0][k] += n
		}
	}
	r.Violations = append(r.Violations, o.Violations...)
}

// Summed is a report that others can be added to.
func Summed() Report { return newReport() }
