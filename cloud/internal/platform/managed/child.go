package managed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process that dies with us.
type child struct {
	pid  int
	proc *os.Process
	done chan struct{}
	err  error // of Wait; read after done

	mu   sync.Mutex
	tail []string // the last lines it wrote
}

// spawn starts the program as the owner. The kernel sends SIGINT (Postgres: fast shutdown) when the *thread*
// that started the child ends, so one goroutine stays locked to its thread until the child is gone.
func spawn(path string, args []string, dir string, who owner, log *slog.Logger) (*child, error) {
	cmd := exec.Command(path, args...) //nolint:noctx // it outlives every request, and stop ends it gently, where a context kills
	cmd.Dir = dir
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential(), Pdeathsig: syscall.SIGINT, Setpgid: true}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	c := &child{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.pid, c.proc = cmd.Process.Pid, cmd.Process
		started <- nil
		c.err = cmd.Wait()
		close(c.done)
	}()
	err = <-started
	_ = in.Close() // the child has its own copy
	if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("run %s: %w", path, err)
	}
	go c.listen(out, log)
	return c, nil
}

// listen ends when the last process that holds the pipe has ended.
func (c *child) listen(out io.ReadCloser, log *slog.Logger) {
	defer func() { _ = out.Close() }()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		c.mu.Lock()
		if len(c.tail) == 20 {
			c.tail = c.tail[1:]
		}
		c.tail = append(c.tail, line)
		c.mu.Unlock()
		if strings.Contains(line, "FATAL:") || strings.Contains(line, "PANIC:") {
			log.Warn("postgres", "line", line)
			continue
		}
		log.Debug("postgres", "line", line)
	}
	_, _ = io.Copy(io.Discard, out) // a line too long for the scanner must not block the child
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.tail, " | ")
}

// stop asks for a fast shutdown, and after the grace for an immediate one (which loses nothing committed).
func (c *child) stop(grace time.Duration) error {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := c.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		wait := time.NewTimer(grace)
		select {
		case <-c.done:
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
	return fmt.Errorf("process %d does not end", c.pid)
}
