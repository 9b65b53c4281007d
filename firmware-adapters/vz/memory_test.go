package vz_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"sync"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/vz"
)

// listener runs a camera device and keeps its reads.
type listener struct {
	mu    sync.Mutex
	reads []driver.Event
	hold  chan struct{} // when set, emit waits for it
	end   context.CancelFunc
	ended chan error
}

func listenTo(t *testing.T, addr string, hold chan struct{}) *listener {
	t.Helper()
	d, err := vz.New(json.RawMessage(fmt.Sprintf(`{"tcp": %q}`, addr)), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{hold: hold, end: cancel, ended: make(chan error, 1)}
	go func() {
		l.ended <- d.Run(ctx, func(e driver.Event) {
			if _, ok := e.Body.(driver.PlateRead); !ok {
				return
			}
			l.mu.Lock()
			l.reads = append(l.reads, e)
			l.mu.Unlock()
			if l.hold != nil {
				<-l.hold
			}
		})
	}()
	t.Cleanup(cancel)
	return l
}

func (l *listener) seen() []driver.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]driver.Event(nil), l.reads...)
}

// TestOfflineRecords: what the camera read while nobody was there comes marked as late, once, in order, with the
// camera's time, and is struck from its memory.
func TestOfflineRecords(t *testing.T) {
	camera, addr := startCamera(t)
	start := time.Now().Add(-6 * time.Hour).Truncate(time.Second)
	const n = 30
	for i := range n {
		camera.Remember(sim.Reading{Plate: car(t, i), At: start.Add(time.Duration(i) * time.Minute)})
	}
	l := listenTo(t, addr, nil)
	drivertest.Eventually(t, "an empty memory", func() bool { return camera.Kept() == 0 })
	camera.Read(sim.Reading{Plate: car(t, n), Trigger: 2})
	drivertest.Eventually(t, "the live read", func() bool { return len(l.seen()) == n+1 })
	for i, e := range l.seen() {
		r := e.Body.(driver.PlateRead)
		if r.Plate != car(t, i) || e.Late != (i < n) {
			t.Errorf("read %d is %v late %v", i, r.Plate.Text, e.Late)
		}
		if want := start.Add(time.Duration(i) * time.Minute); i < n && !e.DeviceTime.Equal(want) {
			t.Errorf("read %d at %v, want the camera's %v", i, e.DeviceTime, want)
		}
	}
	drivertest.Eventually(t, "every read acknowledged", func() bool { return camera.Stats().Acknowledged == n+1 })
	if s := camera.Stats(); s.Resent != 0 {
		t.Errorf("camera %+v, want none sent twice", s)
	}
}

// TestNothingIsAcknowledgedBeforeItIsTaken: a program that dies while it takes a read gets it again, under the same ID.
func TestNothingIsAcknowledgedBeforeItIsTaken(t *testing.T) {
	camera, addr := startCamera(t)
	hold := make(chan struct{})
	first := listenTo(t, addr, hold)
	drivertest.Eventually(t, "the subscription", camera.Connected)
	camera.Read(sim.Reading{Plate: car(t, 1), Trigger: 1})
	drivertest.Eventually(t, "the read", func() bool { return len(first.seen()) == 1 })
	camera.Cut()
	close(hold)
	if err := <-first.ended; err == nil {
		t.Error("Run = nil when the camera cut the connection, want an error")
	}
	if camera.Kept() != 1 {
		t.Fatalf("the camera keeps %d records, want the one that was not taken", camera.Kept())
	}
	second := listenTo(t, addr, nil)
	drivertest.Eventually(t, "the read again", func() bool { return len(second.seen()) == 1 })
	a, b := first.seen()[0], second.seen()[0]
	if a.ID != b.ID || a.Late || !b.Late {
		t.Errorf("first %q late %v, again %q late %v; want one ID, and the second late", a.ID, a.Late, b.ID, b.Late)
	}
}

// TestTornFrames: every frame of a burst torn once, nothing lost, nothing doubled by ID.
func TestTornFrames(t *testing.T) {
	camera, addr := startCamera(t)
	camera.TearNext(5)
	for i := range 10 {
		camera.Remember(sim.Reading{Plate: car(t, i), At: time.Now().Add(-time.Hour)})
	}
	ids := map[string]bool{}
	for range 6 {
		l := listenTo(t, addr, nil)
		drivertest.Eventually(t, "the torn link or an empty memory", func() bool {
			select {
			case err := <-l.ended:
				if err == nil {
					t.Error("Run = nil on a torn frame")
				}
				return true
			default:
				return camera.Kept() == 0
			}
		})
		for _, e := range l.seen() {
			ids[e.ID] = true
		}
		l.end()
	}
	if len(ids) != 10 || camera.Stats().Torn != 5 {
		t.Errorf("%d reads, %d torn; want 10 and 5", len(ids), camera.Stats().Torn)
	}
}

func TestPictures(t *testing.T) {
	camera, addr := startCamera(t)
	l := listenTo(t, addr, nil)
	drivertest.Eventually(t, "the subscription", camera.Connected)
	camera.Read(sim.Reading{Plate: car(t, 1)})
	drivertest.Eventually(t, "the read", func() bool { return len(l.seen()) == 1 })
	photos := l.seen()[0].Body.(driver.PlateRead).Photos
	if len(photos) != 2 || photos[0].Kind != "scene" || photos[1].Kind != "plate" {
		t.Fatalf("%d pictures", len(photos))
	}
	for _, p := range photos {
		if _, err := jpeg.Decode(bytes.NewReader(p.JPEG)); err != nil || len(p.JPEG) > 40<<10 {
			t.Errorf("%s picture of %d bytes: %v", p.Kind, len(p.JPEG), err)
		}
	}
}

// TestAnotherCamera: two cameras whose addresses were exchanged are noticed.
func TestAnotherCamera(t *testing.T) {
	_, addr := startCamera(t)
	d, err := vz.New(json.RawMessage(fmt.Sprintf(`{"tcp": %q, "serial": "somebody-else"}`, addr)), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(context.Background(), func(e driver.Event) { t.Errorf("event %T of the wrong camera", e.Body) }); err == nil {
		t.Error("Run = nil with the wrong camera")
	}
}
