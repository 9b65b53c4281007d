// Command bench measures what claims to be fast, each against a floor in the same run, and prints a table.
//
//	go run ./scripts/bench                # everything
//	go run ./scripts/bench -only P1,P5    # a part
//	go run ./scripts/bench -priority      # as root on a busy machine: before all other work on it
//
// A figure is a benchmark named BenchmarkP<number>… in the package that it is about; it reports through package measure.
// Results are appended to bench.jsonl, one JSON object a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"lotkeeper/scripts/bench/measure"
)

const file = "bench.jsonl"

func main() {
	only := flag.String("only", "", "ids to measure, separated by commas; empty is all")
	priority := flag.Bool("priority", false, "measure at real-time priority, so that other work on the machine does not count (needs root)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, *priority)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, priority bool) error {
	figures, err := find(".")
	if err != nil {
		return err
	}
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, id := range wanted {
		if !slices.ContainsFunc(figures, func(f figure) bool { return f.id == id }) {
			return fmt.Errorf("there is no figure %s; there are %s", id, names(figures))
		}
	}
	out, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	before, err := read(out)
	if err != nil {
		return err
	}
	var failed []error
	for _, f := range figures {
		if len(wanted) > 0 && !slices.Contains(wanted, f.id) {
			continue
		}
		fmt.Printf("%s in %s …\n", f.id, f.pkg)
		begin := time.Now()
		if err := f.measure(ctx, out, priority); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", f.id, err))
		}
		fmt.Printf("  %s\n", time.Since(begin).Round(time.Second/10))
	}
	all, err := read(out)
	if err != nil {
		return err
	}
	table(all[len(before):])
	return errors.Join(failed...)
}

// figure is a benchmark of a metric.
type figure struct{ id, name, pkg string }

// measure builds the package's tests and then runs the benchmark alone, so that nothing compiles meanwhile.
func (f figure) measure(ctx context.Context, out string, priority bool) error {
	dir, err := os.MkdirTemp("", "lotkeeper-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bench.test")
	if b, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, f.pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, b)
	}
	args := []string{binary, "-test.run", "^$", "-test.bench", "^" + f.name + "$", "-test.benchtime", "1x", "-test.timeout", "20m"}
	if priority {
		args = append([]string{"chrt", "--fifo", "1"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)                 //nolint:gosec // what was just built
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the benchmark ends what it started
	cmd.WaitDelay = time.Minute
	cmd.Dir = f.pkg
	cmd.Env = append(os.Environ(), measure.Out+"="+out)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, b)
	}
	return nil
}

func names(figures []figure) string {
	var ids []string
	for _, f := range figures {
		ids = append(ids, f.id)
	}
	return strings.Join(ids, ", ")
}

var declared = regexp.MustCompile(`(?m)^func (Benchmark(P\d+)\w*)\(`)

// find lists the benchmarks of metrics below dir, by number.
func find(dir string) ([]figure, error) {
	var out []figure
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllSubmatch(b, -1) {
			out = append(out, figure{string(m[2]), string(m[1]), "./" + filepath.ToSlash(filepath.Dir(path))})
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b figure) int { return number(a.id) - number(b.id) })
	return out, err
}

func number(id string) int {
	n := 0
	for _, c := range id[1:] {
		n = 10*n + int(c-'0')
	}
	return n
}

func read(file string) ([]measure.Result, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var out []measure.Result
	for s := bufio.NewScanner(f); s.Scan(); {
		var r measure.Result
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func table(results []measure.Result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "id\twhat\tvalue\tfloor\tratio\tmin..max\tgoal\t")
	for _, r := range results {
		verdict := "met"
		if !r.Met {
			verdict = "NOT MET"
		}
		fmt.Fprintf(w, "%s\t%s\t%.4g %s\t%.4g\t%.2f\t%.2f..%.2f\t%s %s\t\n", r.ID, r.Name, r.Value, r.Unit, r.Floor, r.Ratio, r.Min, r.Max, r.Goal, verdict)
	}
	_ = w.Flush()
}
