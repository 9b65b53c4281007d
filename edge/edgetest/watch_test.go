package edgetest_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/systemd"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// TestAWedgedLaneStopsTheSignsOfLife: somebody holds the lot's memory for ever, a lane needs it, and the service manager
// hears no more that the booth lives.
func TestAWedgedLaneStopsTheSignsOfLife(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}}})
	a := l.Booths["booth-a"].Agent
	socket := filepath.Join(t.TempDir(), "notify")
	ear, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "300000"}
	m, err := systemd.FromEnv(func(k string) string { return env[k] }, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx, systemd.Booth{Ready: a.Ready(), Status: a.Status, Stuck: a.Stuck})
	}()
	hear := func(long time.Duration) string {
		b := make([]byte, 4096)
		if err := ear.SetReadDeadline(time.Now().Add(long)); err != nil {
			t.Fatal(err)
		}
		n, err := ear.Read(b)
		if err != nil {
			return ""
		}
		return string(b[:n])
	}
	if got := hear(5 * time.Second); !strings.HasPrefix(got, "READY=1\nSTATUS=lot riverside, booth booth-a: 1 lanes") {
		t.Errorf("first it says %q", got)
	}
	for range 10 {
		if got := hear(5 * time.Second); got == "" {
			t.Fatal("it is silent while all is well")
		}
	}
	held, release := make(chan struct{}), make(chan struct{})
	go a.Lot().View(func(*session.Book) { close(held); <-release })
	<-held
	l.Lanes["entry-1"].Board.SetInput(driver.ManualOpen, true) // the lane records, and then cannot fold
	last := time.Now()
	for n := 0; ; n++ {
		if hear(3*time.Second) == "" {
			break
		}
		if last = time.Now(); n > 200 {
			t.Fatal("it never falls silent")
		}
	}
	close(release)
	if got := hear(5 * time.Second); got == "" {
		t.Errorf("silent since %s, and it does not live again", last)
	}
	cancel()
	<-done
}
