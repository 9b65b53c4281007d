// Package systemd tells the service manager how the booth stands, and is silent when there is none.
//
// The protocol is one datagram of text to the socket that NOTIFY_SOCKET names (sd_notify(3)). That is less than what a
// library for it would bring along: it would be the booth's only use of one that also speaks D-Bus and to the journal.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Manager is the service manager that started this process. A nil Manager is none: every call does nothing.
type Manager struct {
	addr  string
	every time.Duration // between signs of life; 0: none are wanted
	log   *slog.Logger
}

// FromEnv finds the service manager by the environment of process pid: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. It
// returns nil when the process was not started by one.
func FromEnv(getenv func(string) string, pid int, log *slog.Logger) (*Manager, error) {
	addr := getenv("NOTIFY_SOCKET")
	if addr == "" {
		return nil, nil
	}
	if !strings.HasPrefix(addr, "/") && !strings.HasPrefix(addr, "@") {
		return nil, fmt.Errorf("NOTIFY_SOCKET %.100q is neither a path nor an abstract socket", addr)
	}
	m := &Manager{addr: addr, log: log}
	usec := getenv("WATCHDOG_USEC")
	if whose := getenv("WATCHDOG_PID"); usec == "" || whose != "" && whose != strconv.Itoa(pid) {
		return m, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(24*time.Hour/time.Microsecond) {
		return nil, fmt.Errorf("WATCHDOG_USEC %.40q is not a number of microseconds up to a day", usec)
	}
	m.every = time.Duration(n) * time.Microsecond / 3 // two may be late
	return m, nil
}

// Booth is what the manager is told about.
type Booth struct {
	Ready  <-chan struct{}
	Status func() string // one line on how it stands; must be quick
	Stuck  func() string // which part does not go on; "" when all do
}

// statusEvery is how often the status line is looked at.
const statusEvery = 5 * time.Second

// Run tells that the booth is up once it is, how it stands, and that it lives for as long as all its parts go on, until ctx
// ends; then it tells that it stops. When a part is stuck it falls silent, and the manager starts the booth anew.
func (m *Manager) Run(ctx context.Context, b Booth) {
	if m == nil {
		<-ctx.Done()
		return
	}
	select {
	case <-ctx.Done():
		m.tell("STOPPING=1")
		return
	case <-b.Ready:
	}
	last := b.Status()
	m.tell("READY=1", "STATUS="+last)
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	var live <-chan time.Time
	if m.every > 0 {
		t := time.NewTicker(m.every)
		defer t.Stop()
		live = t.C
	}
	stuck := ""
	for {
		select {
		case <-ctx.Done():
			m.tell("STOPPING=1")
			return
		case <-status.C:
			if now := b.Status(); now != last {
				last = now
				m.tell("STATUS=" + now)
			}
		case <-live:
			was := stuck
			if stuck = b.Stuck(); stuck == "" {
				m.tell("WATCHDOG=1")
			} else if was == "" {
				m.log.Error("a part of the booth does not go on; the service manager will start the booth anew", "part", stuck)
				m.tell("STATUS=stuck: " + stuck)
			}
		}
	}
}

// tell sends lines to the manager. One that does not listen is its own fault: the booth goes on.
func (m *Manager) tell(lines ...string) {
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n", " ")
	}
	if err := send(m.addr, strings.Join(lines, "\n")); err != nil {
		m.log.Warn("the service manager does not listen", "err", err)
	}
}

func send(addr, text string) error {
	if strings.HasPrefix(addr, "@") {
		addr = "\x00" + addr[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: addr, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(text))
	return errors.Join(err, c.Close())
}
