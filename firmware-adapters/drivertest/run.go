package drivertest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/firmware-adapters/driver"
)

const (
	// cancelWithin is what the contract gives Run to end, with a little for a busy machine.
	cancelWithin = 1300 * time.Millisecond
	settleWithin = 15 * time.Second
)

// rig is one device with its peer.
type rig struct {
	t      *testing.T
	peer   *Peer
	device driver.Device
	start  time.Time

	mu     sync.Mutex
	events []driver.Event
	slow   time.Duration // how long emit takes
}

// running is one Run under way.
type running struct {
	rig    *rig
	cancel context.CancelFunc
	ended  chan error
	first  int // events before it
}

func newRig(t *testing.T, h Harness) *rig {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
	peer := h.Start(t)
	env := Env(t)
	d, err := h.Adapter.New(peer.Settings, env)
	if err != nil {
		t.Fatalf("New(%s) = %v", peer.Settings, err)
	}
	return &rig{t: t, peer: peer, device: d, start: time.Now()}
}

// Env is what the suite gives an adapter: a log that shows only with a failing test, and the real clock.
func Env(t *testing.T) driver.Env {
	return driver.Env{Device: "device under test", Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
}

func (r *rig) run() *running {
	r.mu.Lock()
	first := len(r.events)
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	w := &running{rig: r, cancel: cancel, ended: make(chan error, 1), first: first}
	var over sync.Mutex
	done := false
	go func() {
		err := r.device.Run(ctx, func(e driver.Event) {
			over.Lock()
			if done {
				r.t.Errorf("emit(%T) after Run returned", e.Body)
			}
			over.Unlock()
			r.mu.Lock()
			slow := r.slow
			r.mu.Unlock()
			if slow > 0 {
				<-time.After(slow)
			}
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
		})
		over.Lock()
		done = true
		over.Unlock()
		w.ended <- err
	}()
	r.t.Cleanup(cancel)
	return w
}

// up runs the device and waits until it said something.
func (r *rig) up() *running {
	r.t.Helper()
	w := r.run()
	r.eventually("the first event", func() bool {
		select {
		case err := <-w.ended:
			r.t.Fatalf("Run ended at once: %v", err)
		default:
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.events) > w.first
	})
	return w
}

// stop ends the Run, which must return nil in time.
func (w *running) stop() {
	w.rig.t.Helper()
	w.cancel()
	select {
	case err := <-w.ended:
		if err != nil {
			w.rig.t.Errorf("Run after cancel = %v, want nil", err)
		}
	case <-time.After(cancelWithin):
		w.rig.t.Fatalf("Run still runs %v after its context ended", cancelWithin)
	}
}

// fails waits for Run to end with an error.
func (w *running) fails(why string) error {
	w.rig.t.Helper()
	select {
	case err := <-w.ended:
		if err == nil {
			w.rig.t.Fatalf("Run = nil after %s, want the cause", why)
		}
		return err
	case <-time.After(settleWithin):
		w.rig.t.Fatalf("Run did not notice in %v: %s", settleWithin, why)
	}
	return nil
}

func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	Eventually(r.t, what, cond)
}

// Eventually polls cond until it holds.
func Eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(settleWithin)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", settleWithin, what)
		}
		<-tick.C
	}
}

// count is how many events, one for each ID, match.
func (r *rig) count(is func(driver.Body) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range r.events {
		if is(e.Body) {
			ids[e.ID] = true
		}
	}
	return len(ids)
}

// command is one of the capabilities a device has.
type command struct {
	name string
	do   func(context.Context) (driver.Outcome, error)
}

func commands(d driver.Device) []command {
	var out []command
	if o, ok := d.(driver.Opener); ok {
		out = append(out, command{"Open", o.Open}, command{"Close", o.Close})
	}
	if s, ok := d.(driver.Shower); ok {
		out = append(out, command{"Show", func(ctx context.Context) (driver.Outcome, error) {
			return s.Show(ctx, driver.Message{Lines: []string{"粤B12345", "停车 2 小时 Fee ¥15.00"}, Voice: "请缴费,十五元", Hold: 5 * time.Second})
		}})
	}
	if tr, ok := d.(driver.Triggerer); ok {
		out = append(out, command{"Trigger", tr.Trigger})
	}
	return out
}

// done demands that every command succeeds.
func (r *rig) done() {
	r.t.Helper()
	for _, c := range commands(r.device) {
		ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
		got, err := c.do(ctx)
		cancel()
		if got != driver.Done || err != nil {
			r.t.Errorf("%s = %q, %v, want done", c.name, got, err)
		}
	}
}

func (r *rig) offline(when string) {
	r.t.Helper()
	for _, c := range commands(r.device) {
		ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
		got, err := c.do(ctx)
		cancel()
		if !errors.Is(err, driver.ErrOffline) || got == driver.Done {
			r.t.Errorf("%s %s = %q, %v, want ErrOffline", c.name, when, got, err)
		}
	}
}
