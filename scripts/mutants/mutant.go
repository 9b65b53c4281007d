package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is a planted bug: one change to one file, and the test that must notice it. On disk it is a text:
//
//	why: a command acts twice
//	file: edge/internal/lane/ask.go
//	test: ./edge/edgetest/simulation TestFixedSeeds
//	says: command:
//	<<<<
//	the lines as they are, which must stand in the file once
//	====
//	the lines with the bug
//	>>>>
type Mutant struct {
	Name    string // of its file
	Why     string // the bug, in words
	File    string // from the root of the repository
	Package string
	Test    string // anchored regular expression for go test -run
	Says    string // what the failing assertion prints
	Old     string
	New     string
}

// Load reads all mutants of a folder, sorted by name.
func Load(dir string) ([]Mutant, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, fmt.Errorf("list mutants: %w", err)
	}
	var out []Mutant
	var faults []error
	for _, name := range slices.Sorted(slices.Values(names)) {
		text, err := os.ReadFile(name)
		if err == nil {
			var m Mutant
			if m, err = parse(string(text)); err == nil {
				m.Name = strings.TrimSuffix(filepath.Base(name), ".txt")
				out = append(out, m)
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return out, errors.Join(faults...)
}

func parse(text string) (Mutant, error) {
	head, body, ok := strings.Cut(text, "<<<<\n")
	old, rest, ok2 := strings.Cut(body, "====\n")
	fresh, tail, ok3 := strings.Cut(rest, ">>>>")
	if !ok || !ok2 || !ok3 || strings.TrimSpace(tail) != "" {
		return Mutant{}, errors.New("a mutant has its lines between <<<<, ==== and >>>>")
	}
	m := Mutant{Old: old, New: fresh}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "":
		case "why":
			m.Why = value
		case "file":
			m.File = value
		case "says":
			m.Says = value
		case "test":
			m.Package, m.Test, _ = strings.Cut(value, " ")
		default:
			return Mutant{}, fmt.Errorf("%q is none of why, file, test, says", key)
		}
	}
	if m.Why == "" || m.File == "" || m.Package == "" || m.Test == "" || m.Says == "" || m.Old == "" || m.Old == m.New {
		return Mutant{}, errors.New("why, file, test (package and name), says, and two different texts are needed")
	}
	return m, nil
}

// Apply plants the bug into the source of its file.
func (m *Mutant) Apply(source []byte) ([]byte, error) {
	switch n := bytes.Count(source, []byte(m.Old)); n {
	case 1:
		return bytes.Replace(source, []byte(m.Old), []byte(m.New), 1), nil
	case 0:
		return nil, fmt.Errorf("%s no longer has the lines that mutant %s changes: bring scripts/mutants/testdata/%s.txt up to date", m.File, m.Name, m.Name)
	default:
		return nil, fmt.Errorf("%s has the lines that mutant %s changes %d times: give it more of their surroundings", m.File, m.Name, n)
	}
}
