package edgetest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/scripts/bench/measure"
)

// program is a running program with its figures.
type program struct {
	cmd *exec.Cmd
	up  time.Duration // from its start until it said that it is up
}

func launch(b *testing.B, name string, args ...string) *program {
	b.Helper()
	p := &program{cmd: exec.CommandContext(context.Background(), name, args...)}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	up := make(chan struct{})
	go func() {
		told := false
		for s := bufio.NewScanner(errs); s.Scan(); {
			if !told && strings.Contains(s.Text(), "booth is up") {
				told = true
				close(up)
			}
		}
	}()
	select {
	case <-up:
	case <-time.After(time.Minute):
		b.Fatalf("%s is not up after a minute", name)
	}
	p.up = time.Since(began)
	return p
}

func (p *program) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// resident is the memory of the program in MB.
func (p *program) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

// busy is the processor time used so far.
func (p *program) busy(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(f[11])
	if err != nil {
		b.Fatal(err)
	}
	system, err := strconv.Atoi(f[12])
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second on every Linux that Go runs on
}

// BenchmarkP16Agent: the agent's start, memory and idle processor time with 10,000 open sessions, beside a program with
// the same libraries that does nothing with them. Both are built now and run as processes.
func BenchmarkP16Agent(b *testing.B) {
	onDisk(b)
	dir := b.TempDir()
	for name, pkg := range map[string]string{"edge": "lotkeeper/edge/cmd/lotkeeper-edge", "stub": "lotkeeper/edge/edgetest/stub"} {
		if out, err := exec.CommandContext(b.Context(), "go", "build", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			b.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
	}
	data := filepath.Join(dir, "booth")
	Fill(b, data, 10_000)
	var starts, stubStarts, memory, stubMemory [][]float64
	var idle time.Duration
	const rounds, watched = 5, 3 * time.Second
	for i := range rounds {
		at := filepath.Join(dir, fmt.Sprintf("stub-%d", i))
		if err := os.Mkdir(at, 0o700); err != nil {
			b.Fatal(err)
		}
		s := launch(b, filepath.Join(dir, "stub"), at)
		e := launch(b, filepath.Join(dir, "edge"), "run", "--data", data, "--console", "127.0.0.1:0")
		starts, stubStarts = append(starts, []float64{e.up.Seconds() * 1e3}), append(stubStarts, []float64{s.up.Seconds() * 1e3})
		from := e.busy(b)
		<-time.After(watched)
		idle = max(idle, e.busy(b)-from)
		memory, stubMemory = append(memory, []float64{e.resident(b)}), append(stubMemory, []float64{s.resident(b)})
		e.stop()
		s.stop()
	}
	measure.Paired(b, "P16", "agent, 10,000 sessions inside: memory", "MB", measure.Goal{Most: 4}, 0.5, stubMemory, memory)
	measure.Paired(b, "P16", "agent, 10,000 sessions inside: start", "ms", measure.Goal{Most: 2}, 0.5, stubStarts, starts)
	share := idle.Seconds() / watched.Seconds() * 100
	measure.Report(b, measure.Result{
		ID: "P16", Name: "agent, 10,000 sessions inside: idle, worst of rounds", Value: share, Unit: "% of a core", Floor: 2,
		Ratio: share / 2, Min: share / 2, Max: share / 2, Rounds: rounds, Goal: "≤2 %", Met: share <= 2,
	})
}
