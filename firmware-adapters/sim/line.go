package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Line is a serial line: a pseudo-terminal of which a program opens [Line.Path] and the simulated device holds the other
// end.
type Line struct {
	link string

	mu      sync.Mutex
	master  *os.File
	slave   *os.File // kept open, so that the device's end survives programs that come and go
	changed chan struct{}
	closed  bool
	mangle  func([]byte) [][]byte
}

// OpenLine makes a line. With link not empty a symbolic link of that name points to it, so that its path stays the same
// from one start to the next.
func OpenLine(link string) (*Line, error) {
	l := &Line{link: link, changed: make(chan struct{})}
	if err := l.Plug(); err != nil {
		return nil, err
	}
	return l, nil
}

// Path is what a program opens.
func (l *Line) Path() string {
	if l.link != "" {
		return l.link
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slave == nil {
		return ""
	}
	return l.slave.Name()
}

// Plug makes the line exist again after Unplug.
func (l *Line) Plug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	if l.master != nil {
		return nil
	}
	master, slave, err := pty.Open()
	if err != nil {
		return fmt.Errorf("open pseudo-terminal: %w", err)
	}
	end, err := pollable(master)
	if err == nil {
		err = errors.Join(raw(slave), point(l.link, slave.Name()))
	}
	if err != nil {
		return errors.Join(err, slave.Close())
	}
	l.master, l.slave = end, slave
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// pollable makes of a blocking file one whose reads end with their deadline; the pty library hands out blocking ones.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("make pseudo-terminal pollable: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// raw makes the line pass bytes as they are.
func raw(tty *os.File) error {
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read line settings: %w", err)
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B9600
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, t); err != nil {
		return fmt.Errorf("write line settings: %w", err)
	}
	return nil
}

// point makes the symbolic link in one step, so that nobody finds it missing.
func point(link, target string) error {
	if link == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("make folder of serial lines: %w", err)
	}
	fresh := link + ".new"
	_ = os.Remove(fresh)
	if err := errors.Join(os.Symlink(target, fresh), os.Rename(fresh, link)); err != nil {
		return fmt.Errorf("name serial line: %w", err)
	}
	return nil
}

// Unplug pulls the plug: programs that hold the line get an error.
func (l *Line) Unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unplug()
}

func (l *Line) unplug() {
	if l.master == nil {
		return
	}
	_ = l.slave.Close()
	_ = l.master.Close()
	l.master, l.slave = nil, nil
}

// Close removes the line for good.
func (l *Line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.unplug()
	close(l.changed)
	l.changed = make(chan struct{})
	if l.link != "" {
		return os.Remove(l.link)
	}
	return nil
}

// Read waits for bytes; while the line is unplugged it waits for the plug.
func (l *Line) Read(ctx context.Context, b []byte) (int, error) {
	for {
		l.mu.Lock()
		master, changed, closed := l.master, l.changed, l.closed
		l.mu.Unlock()
		if closed {
			return 0, os.ErrClosed
		}
		if master == nil {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		stop := context.AfterFunc(ctx, func() { _ = master.SetReadDeadline(time.Unix(1, 0)) })
		n, err := master.Read(b)
		stop()
		switch {
		case n > 0:
			return n, nil
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil && l.holds(master):
			return 0, fmt.Errorf("read line: %w", err)
		}
	}
}

func (l *Line) holds(master *os.File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.master == master
}

// Mangle sets what becomes of the bytes that the device sends: pieces, written one after the other a millisecond apart.
// nil passes them as they are.
func (l *Line) Mangle(f func([]byte) [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mangle = f
}

// Write sends bytes; into an unplugged line they vanish.
func (l *Line) Write(b []byte) error {
	l.mu.Lock()
	master, mangle := l.master, l.mangle
	l.mu.Unlock()
	if master == nil {
		return nil
	}
	if mangle == nil {
		return l.put(master, b)
	}
	for i, piece := range mangle(b) {
		if i > 0 {
			<-time.After(time.Millisecond)
		}
		if err := l.put(master, piece); err != nil {
			return err
		}
	}
	return nil
}

func (l *Line) put(master *os.File, b []byte) error {
	if err := master.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil //nolint:nilerr // unplugged a moment ago
	}
	if _, err := master.Write(b); err != nil && l.holds(master) {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}
