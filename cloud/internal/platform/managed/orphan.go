package managed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse means that another program owns the folder.
var ErrInUse = errors.New("another program uses this folder")

// takeLock holds the file for as long as it stays open; the kernel frees it when we die.
func takeLock(path, socket string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path) // only to name it
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			pid, _, _ := strings.Cut(trimmed(holder), "\n")
			return nil, fmt.Errorf("%w (pid %s)", ErrInUse, pid)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"+socket+"\n"), 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return f, nil
}

// endOrphan ends a server that an earlier owner of the folder left behind. We hold the lock, so whoever started
// it is dead. A pid in postmaster.pid that belongs to another process by now is left alone; Postgres itself
// clears such a file.
func endOrphan(ctx context.Context, data string, log *slog.Logger) error {
	f, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	first := bufio.NewScanner(f)
	first.Scan()
	pid, err := strconv.Atoi(trimmed(first.Bytes()))
	if err != nil || pid <= 1 {
		return nil // Postgres judges the file
	}
	home, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // a postmaster stands in its data folder
	if err != nil || home != data {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil // it has just ended
	}
	defer func() { _ = unix.Close(fd) }()
	log.WarnContext(ctx, "ending a postgres that an earlier run left behind", "pid", pid)
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("end the postgres left behind (pid %d): %w", pid, err)
		}
		if gone(fd, 15*time.Second) {
			return nil
		}
	}
	return fmt.Errorf("the postgres left behind (pid %d) does not end", pid)
}

func gone(pidfd int, within time.Duration) bool {
	deadline := time.Now().Add(within)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && n > 0
	}
}
