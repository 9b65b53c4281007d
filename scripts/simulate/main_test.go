package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lotkeeper/edge/edgetest/simulation"
)

// One seed shows too little: the last line says which kinds of fault never struck, and the run does not pass.
func TestTheLastLineIsASummaryAndAFaultThatNeverStruckFails(t *testing.T) {
	var out bytes.Buffer
	code := runSeeds(&out, 27, 1, 0)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
	}
	if s.Seeds != 1 || s.Hours == 0 || s.Facts == 0 || s.Violations != 0 || len(s.Faults) == 0 || s.Boundaries == 0 {
		t.Errorf("summary %+v", s)
	}
	if code != 1 || len(s.Missing) == 0 {
		t.Errorf("exit %d with %v never struck; want 1, for one seed does not show all", code, s.Missing)
	}
}

func TestReportFailsOnAViolationAndPassesWithout(t *testing.T) {
	r := simulation.Summed()
	for _, k := range simulation.Kinds() {
		r.Faults[k] = 1
	}
	var out bytes.Buffer
	if code := report(&out, &r, 1, 1); code != 0 {
		t.Errorf("all struck and nothing broke: exit %d", code)
	}
	r.Violations = append(r.Violations, simulation.Violation{Rule: "money", Text: "x"})
	if code := report(&out, &r, 1, 1); code != 1 {
		t.Errorf("with a violation: exit %d, want 1", code)
	}
}

func TestCase(t *testing.T) {
	var first, second bytes.Buffer
	if code := runCase(&first, "27 cars=0,1,2", true); code != 0 {
		t.Fatalf("exit %d: %s", code, first.String())
	}
	if code := runCase(&second, "27 cars=0,1,2", true); code != 0 || first.String() != second.String() {
		t.Errorf("told again it is another story (exit %d)", code)
	}
	if code := runCase(&first, "cars=0", false); code != 2 {
		t.Errorf("no seed: exit %d, want 2", code)
	}
}
