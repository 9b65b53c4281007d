package lane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// rig is a controller with a lot in memory and scripted devices, in a bubble of virtual time.
type rig struct {
	*site
	mu     sync.Mutex
	c      *Controller
	events chan device.Event
	change chan struct{}
	log    []string // what was recorded and commanded, in order
	lives  []wire.Live
	block  chan struct{} // when not nil, the barrier waits for it
	opened chan struct{} // when not nil, folding waits until the barrier was asked, which closes it
	photos int
	alarms []string // each once, while it does not change
}

func (r *rig) Record(_ context.Context, compose func(id func(i int) fact.ID) []fact.Draft) ([]fact.Fact, func() error, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return nil, nil, errors.New("disk is full")
	}
	head := r.head
	r.wall = time.Now()
	n := len(r.facts)
	r.append(compose(func(i int) fact.ID { return fact.ID{Author: "abcdefghijklmnop", Seq: head.Seq + 1 + uint64(i)} })...)
	for _, f := range r.facts[n:] {
		r.log = append(r.log, string(f.Kind))
	}
	fold := func() error {
		if r.opened != nil {
			<-r.opened
		}
		return nil
	}
	return slices.Clone(r.facts[n:]), fold, nil
}

func (r *rig) View(f func(*session.Book)) { r.mu.Lock(); defer r.mu.Unlock(); f(r.book) }
func (r *rig) Terms() (wire.Terms, bool)  { return r.terms(), true }

func (r *rig) note(s string) { r.mu.Lock(); r.log = append(r.log, s); r.mu.Unlock() }

func (r *rig) Open(ctx context.Context) (driver.Outcome, error) {
	r.note("OPEN")
	if r.opened != nil {
		close(r.opened)
	}
	if r.block != nil {
		select {
		case <-r.block:
		case <-ctx.Done():
			return driver.Unknown, ctx.Err()
		}
	}
	return driver.Done, nil
}
func (r *rig) Close(context.Context) (driver.Outcome, error) {
	r.note("CLOSE")
	return driver.Done, nil
}
func (r *rig) Show(_ context.Context, m driver.Message) (driver.Outcome, error) {
	r.note("SHOW " + m.Lines[len(m.Lines)-1])
	return driver.Done, nil
}
func (r *rig) Trigger(context.Context) (driver.Outcome, error) {
	r.note("SHOOT")
	return driver.Done, nil
}
func (r *rig) Put(kind string, b []byte, _ time.Time) (fact.Photo, error) {
	r.photos++
	return fact.Photo{Kind: kind, Bytes: len(b)}, nil
}

// told is every state that was told so far.
func (r *rig) told() []wire.Live { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.lives) }

func newRig(t *testing.T, dir fact.Dir) *rig { t.Helper(); return newRigWith(t, dir, nil) }

// newRigWith runs a controller on another memory than the rig itself; nil is the rig.
func newRigWith(t *testing.T, dir fact.Dir, memory *slowDisk) *rig {
	t.Helper()
	r := &rig{site: newSite(t), events: make(chan device.Event, 8), change: make(chan struct{}, 1)}
	r.wall = time.Now()
	began := time.Now()
	var used Memory = r
	if memory != nil {
		memory.rig, used = r, memory
	}
	c, err := NewController(Setting{Lane: string(dir) + "-1", Dir: dir, Boot: "boot1"}, Options{
		Memory: used, Events: r.events, Changed: r.change, Barrier: r, Display: r, Camera: r, Photos: r,
		Live: func(l wire.Live) { r.mu.Lock(); r.lives = append(r.lives, l); r.mu.Unlock() },
		Alarm: func(code, subject string, on bool, detail string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if now := fmt.Sprint(code, " ", subject, " ", on, " ", detail); len(r.alarms) == 0 || r.alarms[len(r.alarms)-1] != now {
				r.alarms = append(r.alarms, now)
			}
		},
		Now: time.Now, Mono: func() int64 { return int64(time.Since(began)) + 1 }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.c = c
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	synctest.Wait() // it has looked at the lot as it was
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) say(b driver.Body, id string, late bool) (stored *bool) {
	stored = new(bool)
	now := time.Now()
	r.events <- device.Event{
		Event: driver.Event{ID: id, DeviceTime: now, Received: now, Late: late, Body: b}, Device: "cam-1", Role: device.Camera,
		Stored: func() { *stored = true },
	}
	synctest.Wait()
	return stored
}

func (r *rig) read(t *testing.T, text, id string) *bool {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	return r.say(driver.PlateRead{Plate: p, Photos: []driver.Photo{{Kind: "scene", JPEG: []byte{0xff, 0xd8}}}}, id, false)
}

func TestControllerRecordsBeforeItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		stored := r.read(t, "粤B12345", "r1")
		i, j := slices.Index(r.log, string(fact.KindDecision)), slices.Index(r.log, "OPEN")
		if i < 0 || j < i {
			t.Errorf("the decision must be recorded before the barrier is asked: %v", r.log)
		}
		if !*stored || r.photos != 1 {
			t.Errorf("read let go of: %v, pictures kept: %d", *stored, r.photos)
		}
		if l := r.c.Live(); l.Plate == nil || l.Plate.Text != "粤B12345" || l.Photo == "" || l.Token.Car != 1 {
			t.Errorf("live %+v", l)
		}
		before := r.told()
		<-time.After(5 * time.Second)
		synctest.Wait()
		after := r.told()
		if len(after) < len(before)+2 || after[len(after)-1].Mono <= before[len(before)-1].Mono {
			t.Error("the state is not said again: an operator's view would be too old to act on")
		}
	})
}

func TestBarrierDoesNotWaitForTheFold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.opened = make(chan struct{}) // a lane that folds first waits for ever, which the bubble reports
		if stored := r.read(t, "粤B12345", "r1"); !*stored || !slices.Contains(r.log, "OPEN") {
			t.Errorf("read let go of: %v; did %v", *stored, r.log)
		}
		r.opened = nil
		if n := r.c.Stats().Opened; n != 1 {
			t.Errorf("%d openings are counted, want 1", n)
		}
	})
}

func TestControllerCarriesOutCommandsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Exit)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.read(t, "粤B12345", "r1")
		l := r.c.Live()
		if l.Reason != ReasonNoEntry {
			t.Fatalf("live %+v", l)
		}
		cmd := wire.Command{ID: "k1", Lane: "exit-1", Action: wire.OpenBarrier, Token: l.Token, Reason: "known", By: "seat-1", Seen: l.Mono}
		if res := r.c.Command(t.Context(), cmd); res.Verdict != "done" || res.Command != "k1" || res.Fact != l.Read {
			t.Errorf("first: %+v", res)
		}
		if res := r.c.Command(t.Context(), cmd); res.Verdict != "replayed" || res.Text == "" {
			t.Errorf("again: %+v", res)
		}
		cmd.ID, cmd.Reason = "k2", ""
		if res := r.c.Command(t.Context(), cmd); res.Verdict != "refused" {
			t.Errorf("without a reason: %+v", res)
		}
		cmd.ID, cmd.Action = "k3", "explode"
		if res := r.c.Command(t.Context(), cmd); res.Verdict != "refused" {
			t.Errorf("unknown action: %+v", res)
		}
		opened := 0
		for _, s := range r.log {
			if s == "OPEN" {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("opened %d times: %v", opened, r.log)
		}
	})
}

func TestControllerGoesOnWhileTheBarrierHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		r.block = make(chan struct{})
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.read(t, "粤B12345", "r1")
		if stored := r.read(t, "粤B12345", "r2"); !*stored {
			t.Error("the next read waits for the barrier")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		reply, err := r.c.Do(ctx, Ask{Want: WantOpen, Token: r.c.Live().Token, By: "zhang", Note: "again"})
		if err == nil || reply.Verdict != Unknown {
			t.Errorf("who asked is told %+v, %v; want unknown", reply, err)
		}
		close(r.block)
		synctest.Wait()
	})
}

func TestControllerNeverPretends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		r.broken = true
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.read(t, "粤B12345", "r1")
		if slices.Contains(r.log, "OPEN") || !slices.Contains(r.log, "SHOW 系统故障 请联系岗亭") || !slices.Contains(r.c.Live().Faults, "journal") {
			t.Errorf("did %v, faults %v", r.log, r.c.Live().Faults)
		}
		if r.c.Stats().Failures == 0 {
			t.Error("no failure is counted")
		}
	})
}

func TestWhoIsToldSeesWhatCameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Exit)
		in := r.enter("粤B12345")
		<-time.After(90 * time.Minute)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		r.read(t, "京A99999", "r1")
		p, err := plate.Parse("粤B12345", plate.ColourBlue)
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := r.c.Do(t.Context(), Ask{Want: WantCorrect, Token: r.c.Live().Token, By: "zhang", Plate: p}); err != nil || reply.Verdict != Done {
			t.Fatalf("correct: %+v %v", reply, err)
		}
		if l := r.c.Live(); l.Due != 1000 || l.Session != in {
			t.Errorf("right after the answer the lane shows due %d, session %s", l.Due, l.Session)
		}
	})
}
