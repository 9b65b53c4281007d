package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

const (
	// serialTick is how long one read of the line lasts when nothing comes. The library rounds to tenths of a second, and
	// without a time-out its Close would hang until a byte arrives.
	serialTick         = 100 * time.Millisecond
	serialWriteTimeout = 2 * time.Second
	serialCloseTimeout = 500 * time.Millisecond
)

// errWriteStuck says that the line took no bytes: the other end does not drain it.
var errWriteStuck = errors.New("the line does not take bytes")

func parities() map[string]serial.Parity {
	return map[string]serial.Parity{
		"": serial.ParityNone, "none": serial.ParityNone, "even": serial.ParityEven, "odd": serial.ParityOdd,
	}
}

func knownBaud(b int) bool {
	return slices.Contains([]int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}, b)
}

// port is an open serial line.
//
// It opens the device twice: tty is the library's handle, probe our own. The probe holds the lock that keeps other
// programs away (the library takes none), and answers whether the line still exists: the library reports a time-out and
// an unplugged adapter by the same io.EOF.
type port struct {
	name  string
	tty   *serial.Port
	probe *os.File

	deadline atomic.Pointer[time.Time]
	closed   chan struct{}
	once     sync.Once
	closeErr error

	writing sync.Mutex
	stuck   atomic.Bool // a write is in the kernel
}

func openSerial(l Link) (Conn, error) {
	probe, err := os.OpenFile(l.Serial, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open serial line: %w", err)
	}
	if err := unix.Flock(int(probe.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = probe.Close()
		return nil, fmt.Errorf("serial line %s is used by another program: %w", l.Serial, err)
	}
	tty, err := serial.OpenPort(&serial.Config{
		Name: l.Serial, Baud: l.baud(), Parity: parities()[l.Parity],
		StopBits: serial.StopBits(max(l.StopBits, 1)), ReadTimeout: serialTick,
	})
	if err != nil {
		_ = probe.Close()
		return nil, fmt.Errorf("open serial line %s: %w", l.Serial, err)
	}
	return &port{name: l.Serial, tty: tty, probe: probe, closed: make(chan struct{})}, nil
}

func (p *port) Read(b []byte) (int, error) {
	for {
		select {
		case <-p.closed:
			return 0, os.ErrClosed
		default:
		}
		if t := p.deadline.Load(); t != nil && !t.IsZero() && !time.Now().Before(*t) {
			return 0, os.ErrDeadlineExceeded
		}
		n, err := p.tty.Read(b)
		if n > 0 {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("read %s: %w", p.name, err)
		}
		if err := p.present(); err != nil {
			return 0, err
		}
	}
}

// present is an error when the line is gone.
func (p *port) present() error {
	select {
	case <-p.closed:
		return os.ErrClosed
	default:
	}
	err := p.control(func(fd int) error {
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	if err != nil {
		return fmt.Errorf("serial line %s is gone: %w", p.name, err)
	}
	return nil
}

// control calls do with a descriptor of the line that stays open meanwhile. Close may come at any time, and the number of
// a closed descriptor soon belongs to another file; the library's own Flush takes no care of that.
func (p *port) control(do func(fd int) error) error {
	raw, err := p.probe.SyscallConn()
	if err != nil {
		return err
	}
	if closed := raw.Control(func(fd uintptr) { err = do(int(fd)) }); closed != nil {
		return os.ErrClosed
	}
	return err
}

// flush forgets what was received and not read, and what was written and not sent.
func (p *port) flush() error {
	return p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) })
}

// Write sends b. The library's write has no deadline, so it runs beside and the line is given up when it does not end.
func (p *port) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	select {
	case <-p.closed:
		return 0, os.ErrClosed
	default:
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	own := slices.Clone(b) // the goroutine may outlive the caller's buffer
	p.stuck.Store(true)
	go func() {
		n, err := p.tty.Write(own)
		p.stuck.Store(false)
		done <- result{n, err}
	}()
	t := time.NewTimer(serialWriteTimeout)
	defer t.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			return r.n, fmt.Errorf("write %s: %w", p.name, r.err)
		}
		return r.n, nil
	case <-p.closed:
		return 0, os.ErrClosed
	case <-t.C:
		_ = p.Close()
		return 0, fmt.Errorf("write %s: %w", p.name, errWriteStuck)
	}
}

func (p *port) SetReadDeadline(t time.Time) error {
	p.deadline.Store(&t)
	return nil
}

func (p *port) Discard() error {
	if err := p.flush(); err != nil {
		return fmt.Errorf("flush %s: %w", p.name, err)
	}
	return nil
}

// Close gives the line back. It waits for a read under way (at most one tick) but not for a write that never ends: it
// flushes that out of the kernel, and abandons it if even this does not help.
func (p *port) Close() error {
	p.once.Do(func() {
		close(p.closed)
		done := make(chan error, 1)
		go func() {
			if p.stuck.Load() {
				_ = p.flush() // the close that follows is bounded in any case
			}
			done <- p.tty.Close()
		}()
		t := time.NewTimer(serialCloseTimeout)
		defer t.Stop()
		select {
		case p.closeErr = <-done:
		case <-t.C:
			p.closeErr = fmt.Errorf("close %s: %w", p.name, errWriteStuck)
		}
		p.closeErr = errors.Join(p.closeErr, p.probe.Close())
	})
	return p.closeErr
}
