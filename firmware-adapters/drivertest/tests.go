package drivertest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
)

func testSettings(t *testing.T, h Harness) {
	if _, err := h.Adapter.New(h.Adapter.Sample, Env(t)); err != nil {
		t.Errorf("the sample %s is refused: %v", h.Adapter.Sample, err)
	}
	bad := append([]BadSettings{
		{"two unknown keys", `{"zzz": 1, "yyy": 2}`, []string{`"zzz"`, `"yyy"`}},
		{"no object", `[1]`, []string{"object"}},
		{"no JSON", `{`, []string{"object"}},
		{"null", `null`, []string{"object"}},
		{"nothing", ``, []string{"required"}},
	}, h.Bad...)
	for _, b := range bad {
		d, err := h.Adapter.New(json.RawMessage(b.Settings), Env(t))
		if err == nil {
			t.Errorf("%s: New(%s) = %T, want an error", b.Name, b.Settings, d)
			continue
		}
		for _, want := range b.Want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: New(%s) = %v, want it to name %s", b.Name, b.Settings, err, want)
			}
		}
	}
	if _, err := h.Adapter.New(h.Adapter.Sample, driver.Env{}); err == nil {
		t.Error("New without logger and clock succeeds")
	}
}

func testNoIO(t *testing.T, h Harness) {
	r := newRig(t, h)
	r.offline("before Run") // a command must not connect either
	if n := r.peer.Contacts(); n != 0 {
		t.Errorf("%d contacts before Run", n)
	}
	w := r.up()
	if n := r.peer.Contacts(); n == 0 {
		t.Error("no contact counted after Run: the check before proves nothing")
	}
	w.stop()
}

func testOffline(t *testing.T, h Harness) {
	r := newRig(t, h)
	r.offline("before Run")
	w := r.up()
	w.stop()
	r.offline("after Run")
}

func testCancel(t *testing.T, h Harness) {
	t.Run("idle", func(t *testing.T) {
		r := newRig(t, h)
		for range 3 { // the same device runs again and again
			r.up().stop()
		}
	})
	t.Run("peer gone", func(t *testing.T) {
		r := newRig(t, h)
		r.peer.Break()
		w := r.run()
		w.cancel()
		select {
		case err := <-w.ended: // nil or the failed connection, whichever came first
			t.Logf("Run = %v", err)
		case <-time.After(cancelWithin):
			t.Fatal("Run does not end while connecting")
		}
		r.peer.Restore()
	})
	if h.Features.Mutes {
		t.Run("command under way", func(t *testing.T) {
			r := newRig(t, h)
			w := r.up()
			r.peer.Mute(true)
			for _, c := range commands(r.device) {
				go func() { _, _ = c.do(context.Background()) }()
			}
			w.stop()
		})
	}
}

func testBreak(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	r.peer.Break()
	t.Log("broken link:", w.fails("the peer is gone"))
	r.offline("after the link broke")
	t.Log("no peer:", r.run().fails("there is no peer"))
	r.peer.Restore()
	w = r.up()
	r.done()
	w.stop()
}

func testCommands(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	r.done()
	r.done() // a command that is true already is no error
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range commands(r.device) {
		if got, err := c.do(ctx); got == driver.Done || err == nil {
			t.Errorf("%s of a caller who gave up = %q, %v", c.name, got, err)
		}
	}
	r.done()
	w.stop()
}

func testUnanswered(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	for _, c := range commands(r.device) {
		r.peer.Mute(true)
		ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
		start := time.Now()
		got, err := c.do(ctx)
		cancel()
		if got != driver.Unknown || err == nil {
			t.Errorf("%s without an answer = %q, %v, want unknown and why", c.name, got, err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("%s without an answer took %v", c.name, took)
		}
		r.peer.Mute(false)
		select { // silence may have ended the Run; then it runs again
		case err := <-w.ended:
			if err == nil {
				t.Error("Run = nil without being cancelled")
			}
			w = r.up()
		default:
		}
	}
	r.eventually("commands to work again", func() bool {
		for _, c := range commands(r.device) {
			ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
			got, _ := c.do(ctx)
			cancel()
			if got != driver.Done {
				select {
				case err := <-w.ended:
					t.Logf("Run = %v; it runs again", err)
					w = r.up()
				default:
				}
				return false
			}
		}
		return true
	})
	w.stop()
}

func testConcurrency(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	for range 4 {
		for _, c := range commands(r.device) {
			wg.Go(func() {
				for ctx.Err() == nil {
					got, err := c.do(ctx)
					if got == driver.Done && err != nil {
						t.Errorf("%s = done and %v", c.name, err)
					}
				}
			})
		}
	}
	if h.Features.Speaks {
		wg.Go(func() {
			for i := range 20 {
				is := r.peer.Provoke(i)
				r.eventually("an event between commands", func() bool { return r.count(is) > 0 })
			}
		})
	}
	wg.Wait()
	r.done()
	// The link breaks under load: every caller gets an answer.
	for range 4 {
		for _, c := range commands(r.device) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
				defer cancel()
				for range 10 {
					_, _ = c.do(ctx)
				}
				if ctx.Err() != nil {
					t.Errorf("%s hangs when the link breaks", c.name)
				}
			})
		}
	}
	r.peer.Break()
	_ = w.fails("the peer is gone under load")
	wg.Wait()
	r.peer.Restore()
}

func testChopped(t *testing.T, h Harness) {
	for _, c := range []struct {
		name string
		most int
	}{{"single bytes", 1}, {"pieces of up to 7 bytes", 7}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, h)
			rnd := rand.New(rand.NewPCG(1, uint64(c.most)))
			r.peer.Mangle(func(b []byte) [][]byte {
				var out [][]byte
				for len(b) > 0 && len(out) < 400 { // the rest of a picture goes in one piece
					n := min(len(b), 1+rnd.IntN(c.most))
					out, b = append(out, b[:n]), b[n:]
				}
				return append(out, b)
			})
			w := r.up()
			r.done()
			if h.Features.Speaks {
				is := r.peer.Provoke(1)
				r.eventually("an event in pieces", func() bool { return r.count(is) > 0 })
			}
			w.stop()
		})
	}
}

func testNoise(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	for i, noise := range [][]byte{{0x00}, {0xFF, 0xFF, 0xFF}, []byte("noise on the line"), {0x56, 0x5A, 0x00}, {0x00, 0x64, 0xFF, 0xFF, 0x30, 0xFF, 0x01}} {
		r.peer.Inject(noise)
		if !h.Features.Resyncs {
			_ = w.fails("noise in the stream")
			w = r.up()
			continue
		}
		r.eventually("commands to work after noise", func() bool {
			for _, c := range commands(r.device) {
				ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
				got, _ := c.do(ctx)
				cancel()
				if got != driver.Done {
					return false
				}
			}
			return true
		})
		if h.Features.Speaks {
			is := r.peer.Provoke(i)
			r.eventually("an event after noise", func() bool { return r.count(is) > 0 })
		}
	}
	r.done()
	w.stop()
}

func testEvents(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	const n = 25
	for i := range n {
		is := r.peer.Provoke(i)
		r.eventually("an event", func() bool { return r.count(is) > 0 })
	}
	w.stop()
	w = r.up()
	w.stop()
	alive := time.Time{}
	seen := map[string]driver.Event{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.ID == "" || e.Body == nil || e.Received.Before(r.start) || e.Received.After(time.Now()) {
			t.Errorf("event %+v lacks an ID, a body or a true time of receipt", e)
		}
		if before, ok := seen[e.ID]; ok && !before.DeviceTime.Equal(e.DeviceTime) {
			t.Errorf("two sayings share the ID %q", e.ID)
		}
		seen[e.ID] = e
		if _, ok := e.Body.(driver.Alive); ok {
			if d := e.Received.Sub(alive); d < 900*time.Millisecond && w.first == 0 {
				t.Errorf("two Alive within %v", d)
			}
			alive = e.Received
		}
	}
}

func testSlowReceiver(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	r.mu.Lock()
	r.slow = 300 * time.Millisecond
	r.mu.Unlock()
	is := []func(driver.Body) bool{r.peer.Provoke(0)}
	r.eventually("the first event for a slow receiver", func() bool { return r.count(is[0]) > 0 })
	is = append(is, r.peer.Provoke(1))
	r.done() // commands do not wait for the receiver of events
	for _, f := range is {
		r.eventually("events for a slow receiver", func() bool { return r.count(f) > 0 })
	}
	w.stop()
}

// testHalf lets the link die in the middle of a frame.
func testHalf(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	var once sync.Once
	r.peer.Mangle(func(b []byte) [][]byte {
		cut := false
		once.Do(func() { cut = true })
		if cut {
			go r.peer.Break()
			return [][]byte{b[:len(b)/2]}
		}
		return nil // nothing comes after the half
	})
	is := r.peer.Provoke(3)
	_ = w.fails("half a frame and then nothing")
	r.peer.Mangle(nil)
	r.peer.Restore()
	w = r.up()
	if h.Features.Redelivers {
		r.eventually("the event whose frame was cut", func() bool { return r.count(is) == 1 })
	}
	w.stop()
	if n := r.count(is); n > 1 {
		t.Errorf("one saying became %d events", n)
	}
}

func testOversize(t *testing.T, h Harness) {
	r := newRig(t, h)
	w := r.up()
	r.peer.Inject(h.Oversize)
	t.Log("oversize:", w.fails("more was announced than is allowed"))
	w = r.up()
	r.done()
	w.stop()
}
