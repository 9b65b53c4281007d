package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is one real program.
type Process struct {
	name   string
	cmd    *exec.Cmd
	log    string
	done   chan struct{}
	err    error       // after done
	wanted atomic.Bool // we ended it
}

// start runs a program with its output in a file of dir. It dies with us, however we die.
func start(dir, name string, argv ...string) (*Process, error) {
	file := filepath.Join(dir, name+".log")
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }() // the child has its own
	p := &Process{name: name, log: file, done: make(chan struct{})}
	p.cmd = exec.Command(argv[0], argv[1:]...) //nolint:noctx // it outlives the start; Stop ends it gently, where a context kills
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Ended reports whether the program has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop asks the program to end, and ends it when it does not within the time. The error says that it had to be ended,
// or that it ended with another code than 0.
func (p *Process) Stop(within time.Duration) error {
	p.wanted.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		p.Kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", p.name, within)
	}
	if p.err != nil {
		return fmt.Errorf("%s ended after SIGTERM with %w", p.name, p.err)
	}
	return nil
}

// Log returns all the program has written, of all its runs.
func (p *Process) Log() (string, error) {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return "", fmt.Errorf("log of %s: %w", p.name, err)
	}
	return string(b), nil
}

// Kill ends the program at once and waits until it is gone.
func (p *Process) Kill() {
	p.wanted.Store(true)
	_ = p.cmd.Process.Kill() // it may have ended just now
	<-p.done
}

// tail returns the end of the program's log, for an error that a person can act on.
func (p *Process) tail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	const most = 2000
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return string(b)
}

// ready waits until the program answers 2xx at the URL, or takes a connection at a tcp:// one.
func (p *Process) ready(ctx context.Context, url string) error {
	return Until(ctx, 90*time.Second, func(ctx context.Context) error {
		if p.Ended() {
			return final{fmt.Errorf("%s ended: %w; the end of %s:\n%s", p.name, p.err, p.log, p.tail())}
		}
		if addr, ok := strings.CutPrefix(url, "tcp://"); ok {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err != nil {
				return fmt.Errorf("%s does not listen: %w", p.name, err)
			}
			return c.Close()
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return final{err}
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("%s does not answer at %s: %w", p.name, url, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 300 {
			return fmt.Errorf("%s answers %s at %s", p.name, resp.Status, url)
		}
		return nil
	})
}

// final is an error that trying again cannot mend.
type final struct{ error }

// Until tries again, a tenth of a second apart, until try succeeds or the time is over.
func Until(ctx context.Context, within time.Duration, try func(context.Context) error) error {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var before error
	for {
		err := try(ctx)
		var last final
		if err == nil || errors.As(err, &last) {
			return err
		}
		if errors.Is(whole.Err(), context.Canceled) {
			return fmt.Errorf("told to stop: %w", context.Cause(whole))
		}
		if ctx.Err() != nil && before != nil {
			return fmt.Errorf("in vain for %s: %w", within, before) // what the end of the time broke off tells less
		}
		before = err
		select {
		case <-ctx.Done(): // the next round says which end it was
		case <-tick.C:
		}
	}
}

// output runs a program to its end and returns what it printed.
func output(ctx context.Context, stdin string, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(argv[0]), argv[1], err, bytes.TrimSpace(problems.Bytes()))
	}
	return out.Bytes(), nil
}

// Leftovers lists the processes that belong to the rig: that run one of its programs, or name its folder, or stand in it.
func (r *Rig) Leftovers() ([]string, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []string
	for _, d := range dirs {
		if _, err := strconv.Atoi(d.Name()); err != nil || d.Name() == strconv.Itoa(os.Getpid()) {
			continue
		}
		// A process may end while it is looked at.
		line, _ := os.ReadFile(filepath.Join("/proc", d.Name(), "cmdline"))
		at, _ := os.Readlink(filepath.Join("/proc", d.Name(), "cwd"))
		if bytes.Contains(line, []byte(r.options.Dir)) || strings.HasPrefix(at, r.options.Dir) {
			out = append(out, d.Name()+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))+" in "+at)
		}
	}
	return out, nil
}
