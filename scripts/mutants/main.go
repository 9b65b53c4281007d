// Command mutants plants bugs, one at a time, and proves that the tests notice each: the change applies, the code still
// compiles, the test is green without it and red with it, and says what it should.
//
//	mutants                 all of scripts/mutants/testdata
//	mutants -only replay    those whose name has it
//
// Nothing in the tree changes: the go command is given the changed file in place of the real one. It exits with 1 when a
// bug lives, does not compile, or no longer applies.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "plant only mutants whose name has this in it")
	hands := flag.Int("parallel", 2, "how many to try at once")
	flag.Parse()
	mutants, err := Load("scripts/mutants/testdata")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var chosen []Mutant
	for _, m := range mutants {
		if strings.Contains(m.Name, *only) {
			chosen = append(chosen, m)
		}
	}
	if caught := run(os.Stdout, chosen, *hands); caught < len(chosen) || len(chosen) == 0 {
		os.Exit(1)
	}
}

// run tries all and returns how many were caught.
func run(out io.Writer, mutants []Mutant, hands int) int {
	base := baseline{done: map[string]error{}}
	queue := make(chan Mutant)
	var mu sync.Mutex
	var group sync.WaitGroup
	caught := 0
	for range max(1, hands) {
		group.Go(func() {
			for m := range queue {
				began := time.Now()
				err := try(&m, &base)
				mu.Lock()
				if err != nil {
					fmt.Fprintf(out, "LIVES   %-28s %s: %v\n", m.Name, m.Why, err)
				} else {
					caught++
					fmt.Fprintf(out, "caught  %-28s %s, by %s %s (%v)\n", m.Name, m.Why, m.Package, m.Test, time.Since(began).Round(time.Second))
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		queue <- m
	}
	close(queue)
	group.Wait()
	fmt.Fprintf(out, "%d caught, %d planted\n", caught, len(mutants))
	return caught
}

// baseline runs each test once as the code is.
type baseline struct {
	mu   sync.Mutex
	done map[string]error
}

func (b *baseline) green(m *Mutant) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := m.Package + " " + m.Test
	err, known := b.done[key]
	if !known {
		var text string
		if text, err = goTest(m, ""); err != nil {
			err = fmt.Errorf("its test fails without it too: %w\n%s", err, last(text, 2000))
		} else if strings.Contains(text, "no tests to run") {
			err = fmt.Errorf("package %s has no test %s", m.Package, m.Test)
		}
		b.done[key] = err
	}
	return err
}

// try plants one bug. nil is: caught.
func try(m *Mutant, base *baseline) error {
	source, err := os.ReadFile(m.File)
	if err != nil {
		return fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	planted, err := m.Apply(source)
	if err != nil {
		return err
	}
	if err := base.green(m); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	defer os.RemoveAll(dir)
	overlay, err := plant(dir, m.File, planted)
	if err != nil {
		return err
	}
	text, err := goTest(m, overlay)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return fmt.Errorf("%s %s passes with it", m.Package, m.Test)
	case !errors.As(err, &exit):
		return err
	case strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]"):
		return fmt.Errorf("it does not compile:\n%s", last(text, 2000))
	case !strings.Contains(text, "--- FAIL: ") || !strings.Contains(text, m.Says):
		return fmt.Errorf("%s %s fails, and does not say %q:\n%s", m.Package, m.Test, m.Says, last(text, 2000))
	}
	return nil
}

// plant writes the changed file and the overlay that puts it in place of the real one.
func plant(dir, file string, planted []byte) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", file, err)
	}
	changed, overlay := filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, "overlay.json")
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {abs: changed}})
	if err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	return overlay, errors.Join(os.WriteFile(changed, planted, 0o600), os.WriteFile(overlay, doc, 0o600))
}

func goTest(m *Mutant, overlay string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	args := []string{"test", "-run", "^" + m.Test + "$", "-failfast", "-vet=off", "-timeout", "4m"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	text, err := exec.CommandContext(ctx, "go", append(args, m.Package)...).CombinedOutput()
	return string(text), err
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }
