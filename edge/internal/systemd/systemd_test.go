package systemd

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// listen is a service manager's end.
func listen(t *testing.T) (addr string, next func() string) {
	t.Helper()
	addr = filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: addr, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return addr, func() string {
		t.Helper()
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("the service manager hears nothing: %v", err)
		}
		return string(b[:n])
	}
}

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestFromEnv(t *testing.T) {
	for _, c := range []struct {
		name  string
		env   func(string) string
		none  bool
		every time.Duration
		bad   bool
	}{
		{"no manager", env("WATCHDOG_USEC", "1000000"), true, 0, false},
		{"no watchdog", env("NOTIFY_SOCKET", "/run/x"), false, 0, false},
		{"a watchdog", env("NOTIFY_SOCKET", "@abstract", "WATCHDOG_USEC", "3000000", "WATCHDOG_PID", "7"), false, time.Second, false},
		{"another's watchdog", env("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "3000000", "WATCHDOG_PID", "8"), false, 0, false},
		{"no number", env("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "soon"), true, 0, true},
		{"too large", env("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "9223372036854775807"), true, 0, true},
		{"no address", env("NOTIFY_SOCKET", "run/x"), true, 0, true},
	} {
		m, err := FromEnv(c.env, 7, slog.New(slog.DiscardHandler))
		if (err != nil) != c.bad || (m == nil) != c.none || m != nil && m.every != c.every {
			t.Errorf("%s: %+v, %v", c.name, m, err)
		}
	}
}

func TestAWedgedPartStopsTheSignsOfLife(t *testing.T) {
	addr, next := listen(t)
	m, err := FromEnv(env("NOTIFY_SOCKET", addr, "WATCHDOG_USEC", "60000"), 7, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var stuck atomic.Bool
	looked := make(chan struct{}, 100)
	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx, Booth{Ready: ready, Status: func() string { return "two\nlanes" }, Stuck: func() string {
			looked <- struct{}{}
			if stuck.Load() {
				return "lane exit-1"
			}
			return ""
		}})
	}()
	close(ready)
	if got := next(); got != "READY=1\nSTATUS=two lanes" {
		t.Errorf("first it says %q", got)
	}
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Errorf("while all is well it says %q", got)
		}
	}
	stuck.Store(true)
	got := next()
	for got == "WATCHDOG=1" { // said before
		got = next()
	}
	if !strings.HasPrefix(got, "STATUS=stuck: lane exit-1") {
		t.Errorf("when a lane is stuck it says %q", got)
	}
	for len(looked) > 0 {
		<-looked
	}
	for range 5 { // it goes on looking, and says nothing
		<-looked
	}
	cancel()
	if got := next(); got != "STOPPING=1" {
		t.Errorf("then it says %q, want nothing until it stops", got)
	}
	<-done
}

func TestWithoutAManagerNothingIsSaid(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(*Manager)(nil).Run(ctx, Booth{})
	}()
	cancel()
	<-done
}
