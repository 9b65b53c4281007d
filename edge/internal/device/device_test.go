package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/firmware-adapters/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a device whose runs are scripted.
type stub struct {
	run  func(ctx context.Context, n int, emit func(driver.Event)) error
	runs []time.Time
	open func(ctx context.Context) (driver.Outcome, error)
}

func (s *stub) Run(ctx context.Context, emit func(driver.Event)) error {
	s.runs = append(s.runs, time.Now())
	return s.run(ctx, len(s.runs), emit)
}
func (s *stub) Open(ctx context.Context) (driver.Outcome, error) { return s.open(ctx) }
func (s *stub) Close(context.Context) (driver.Outcome, error)    { return driver.Done, nil }

func supervise(t *testing.T, s *stub, out chan Event) *Device {
	t.Helper()
	d, err := New("cam-1", Camera, "stub", s, out, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func alive(n int) driver.Event {
	return driver.Event{ID: fmt.Sprint("a", n, time.Now().UnixNano()), Body: driver.Alive{}}
}

func TestReconnectFollowsHowLongTheLinkLived(t *testing.T) {
	for _, c := range []struct {
		name  string
		lives time.Duration // of each link; 0: it cannot be made
		want  []time.Duration
	}{
		{"a link that is never made is tried ever more seldom", 0, []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 25600 * time.Millisecond, 30 * time.Second, 30 * time.Second}},
		{"a link that lives 20 s comes back at once, every time", 20 * time.Second, []time.Duration{200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond}},
		{"a link that dies as soon as it is made is no working link", time.Second, []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				out := make(chan Event, 64)
				s := &stub{}
				s.run = func(ctx context.Context, n int, emit func(driver.Event)) error {
					if n > len(c.want) {
						cancel()
						return nil
					}
					if c.lives > 0 {
						emit(alive(n))
						wait(ctx, c.lives)
					}
					return errors.New("link broke")
				}
				if err := supervise(t, s, out).Run(ctx); err != nil {
					t.Fatal(err)
				}
				for i, want := range c.want {
					if got := s.runs[i+1].Sub(s.runs[i]) - c.lives; got != want {
						t.Errorf("pause %d was %v, want %v", i+1, got, want)
					}
				}
			})
		})
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func TestEventsComeOnceAndReadsWaitUntilTheyAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		out := make(chan Event, 64)
		acknowledged := 0
		s := &stub{run: func(ctx context.Context, _ int, emit func(driver.Event)) error {
			emit(alive(1))
			for range 3 {
				emit(driver.Event{ID: "read-1", Body: driver.PlateRead{}})
				acknowledged++
			}
			emit(driver.Event{ID: "read-2", Body: driver.PlateRead{}})
			acknowledged++
			<-ctx.Done()
			return nil
		}}
		d := supervise(t, s, out)
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		synctest.Wait()
		if e := <-out; e.Link == nil || !e.Link.Up {
			t.Fatalf("first comes the link, got %+v", e)
		}
		first := <-out
		synctest.Wait()
		if acknowledged != 0 {
			t.Errorf("the camera was told that the read is kept before it was")
		}
		first.Stored()
		first.Stored()
		synctest.Wait()
		second := <-out
		if first.ID != "read-1" || second.ID != "read-2" || acknowledged != 3 {
			t.Errorf("got %s, %s, acknowledged %d; want read-1 once, then read-2", first.ID, second.ID, acknowledged)
		}
		if h := d.Health(); h.State != Up || h.Doubled != 2 || h.LastBusiness.IsZero() {
			t.Errorf("health %+v", h)
		}
		cancel() // although read-2 was never recorded
		if err := <-done; err != nil || d.Health().State != Down {
			t.Errorf("end: %v, %s", err, d.Health().State)
		}
	})
}

func TestPanicOfAnAdapterIsABrokenLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &stub{}
		s.run = func(context.Context, int, func(driver.Event)) error {
			if len(s.runs) == 2 {
				cancel()
				return nil
			}
			panic("frame of length -1")
		}
		d := supervise(t, s, make(chan Event, 8))
		if err := d.Run(ctx); err != nil || len(s.runs) != 2 || d.Health().Breaks != 1 {
			t.Errorf("err %v, runs %d, health %+v", err, len(s.runs), d.Health())
		}
	})
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(ctx context.Context) (driver.Outcome, error)
		want driver.Outcome
		is   error
	}{
		{"done", func(context.Context) (driver.Outcome, error) { return driver.Done, nil }, driver.Done, nil},
		{"never answered", func(ctx context.Context) (driver.Outcome, error) { <-ctx.Done(); return driver.Unknown, ctx.Err() }, driver.Unknown, context.DeadlineExceeded},
		{"an error without an outcome is unknown", func(context.Context) (driver.Outcome, error) { return "", errors.New("short frame") }, driver.Unknown, nil},
		{"offline was never sent", func(context.Context) (driver.Outcome, error) { return driver.Unknown, driver.ErrOffline }, driver.Refused, driver.ErrOffline},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := supervise(t, &stub{open: c.open}, make(chan Event, 1))
				began := time.Now()
				out, err := d.Open(t.Context())
				if out != c.want || c.is != nil && !errors.Is(err, c.is) || time.Since(began) > CommandTimeout {
					t.Errorf("%s, %v after %v; want %s, %v", out, err, time.Since(began), c.want, c.is)
				}
			})
		})
	}
	d := supervise(t, &stub{}, make(chan Event, 1))
	if out, err := d.Show(t.Context(), driver.Message{}); out != driver.Refused || !errors.Is(err, ErrIncapable) {
		t.Errorf("show on a device that cannot: %s, %v", out, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(3)
	for i := range 100 {
		m.add(fmt.Sprint(i))
		m.add(fmt.Sprint(i))
	}
	if len(m.ids) != 3 || !m.has("99") || !m.has("97") || m.has("96") {
		t.Errorf("it holds %v", m.ids)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c Clock
	if _, ok := c.Age(now, now); ok {
		t.Error("an age is known before anything was learnt")
	}
	c = c.Learn(now.Add(-time.Hour), now, 1) // the camera is an hour slow
	if age, ok := c.Age(now.Add(-time.Hour-10*time.Second), now); !ok || age != 10*time.Second {
		t.Errorf("age %v, %v", age, ok)
	}
	// One vehicle alone cannot turn the clock, however often it is read.
	for range 5 {
		c = c.Learn(now.Add(-7*time.Hour), now, 2)
	}
	if off, _ := c.Offset(); off != time.Hour {
		t.Errorf("offset %v after one vehicle's stale reads", off)
	}
	c = c.Learn(now, now, 3) // disagrees with both
	if off, _ := c.Offset(); off != time.Hour {
		t.Errorf("offset %v after two vehicles that do not agree", off)
	}
	c = c.Learn(now.Add(time.Minute), now.Add(time.Minute), 4)
	if off, _ := c.Offset(); off != 0 {
		t.Errorf("offset %v after two vehicles that agree", off)
	}
	// A slow delivery is one sample among many.
	for i := range 6 {
		c = c.Learn(now, now.Add(time.Duration(i%2)*3*time.Second), uint64(5+i))
	}
	if off, _ := c.Offset(); off < 0 || off > 3*time.Second || c.Error() < 500*time.Millisecond {
		t.Errorf("offset %v ± %v", off, c.Error())
	}
}
