package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each planted bug still finds its lines, and those are not what they become: the rest needs `make mutants`.
func TestMutantsApply(t *testing.T) {
	mutants, err := Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	simulated := 0
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join("..", "..", m.File))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Apply(source); err != nil {
			t.Error(err)
		}
		if strings.HasSuffix(m.Package, "/simulation") {
			simulated++
		}
	}
	if len(mutants) < 25 || simulated < 10 {
		t.Errorf("%d bugs are planted, %d of them for the simulation; want 25 and 10", len(mutants), simulated)
	}
}

func TestParse(t *testing.T) {
	const good = "why: w\nfile: f.go\ntest: ./p TestX\nsays: s\n<<<<\na\n====\nb\n>>>>\n"
	m, err := parse(good)
	if err != nil || m.Why != "w" || m.File != "f.go" || m.Package != "./p" || m.Test != "TestX" || m.Says != "s" || m.Old != "a\n" || m.New != "b\n" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{"", strings.Replace(good, "why: w\n", "", 1), strings.Replace(good, "b\n", "a\n", 1), strings.Replace(good, "says", "say", 1), good + "more"} {
		if m, err := parse(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, m)
		}
	}
}

func TestApply(t *testing.T) {
	m := Mutant{Name: "m", File: "f.go", Old: "a\n", New: "b\n"}
	if got, err := m.Apply([]byte("x\na\ny\n")); err != nil || string(got) != "x\nb\ny\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, source := range []string{"x\n", "a\na\n"} {
		if got, err := m.Apply([]byte(source)); err == nil {
			t.Errorf("%q becomes %q, want an error", source, got)
		}
	}
}
