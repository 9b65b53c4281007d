package lane

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// set sets the booth's clock as the agent does: a fact corrects what was stamped, and a new run of the clock begins.
func (p *post) set(by time.Duration) {
	p.append(fact.Draft{At: p.wall, Source: "booth", Boot: p.boot, Kind: fact.KindClock, Body: fact.Clock{Source: "booth", Boot: orBoot(p.boot), OffsetMS: by.Milliseconds()}})
	p.wall, p.shift, p.boot = p.wall.Add(by), p.shift+by, orBoot(p.boot)+"+"
}

func orBoot(s string) string {
	if s == "" {
		return "boot1"
	}
	return s
}

// TestClockIsSetWhileSomebodyIsHeld: eight hours either way, and nobody pays a cent more or less for it.
func TestClockIsSetWhileSomebodyIsHeld(t *testing.T) {
	for name, by := range map[string]time.Duration{"ahead": 8 * time.Hour, "back": -8 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.enter("粤B12345")
			p.wait(90 * time.Minute)
			p.arrive("粤B12345")
			before := p.state.Live(p.at())
			p.begin()
			p.set(by)
			p.wait(5 * time.Second)
			p.feed(Changed{})
			l := p.state.Live(p.at())
			if l.Due != before.Due || l.Due != 1000 || !l.Waiting.Equal(before.Waiting.Add(by)) || !l.Entered.Equal(before.Entered.Add(by)) {
				t.Errorf("due %d, waiting since %s, entered %s; before %d, %s, %s", l.Due, l.Waiting, l.Entered, before.Due, before.Waiting, before.Entered)
			}
			if r := p.ask(Ask{Want: WantOpen, Token: before.Token, Note: "x"}); r.Verdict != Mismatched {
				t.Errorf("a token of the run before: %+v", r)
			}
			if r := p.ask(Ask{Want: WantCash, Token: l.Token, Amount: 1000, Action: "c1"}); r.Verdict != Done {
				t.Errorf("cash: %+v", r)
			}
			p.cross()
			p.wantStory("clock.offset clock.offset cash.taken open:paid bill:1000/0 open=done passed")
			s := p.only("粤B12345")
			if s.State != session.Left || s.Money.Debt != 0 || s.Bill.Gross != 1000 || s.Exit.At.Sub(s.Entry.At).Round(time.Minute) != 90*time.Minute {
				t.Errorf("session from %s to %s, %+v", s.Entry.At, s.Exit.At, s.Money)
			}
		})
	}
}

// TestReadsStayLiveWhenTheClockIsSet: what was learnt of the camera moves along, and a read that was under way meanwhile
// is not eight hours old.
func TestReadsStayLiveWhenTheClockIsSet(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.arrive("粤A00001")
	p.cross()
	p.wait(time.Minute)
	by := -8 * time.Hour
	stamp, came := p.wall, p.wall // the camera's clock was like the booth's
	p.begin()
	p.on(driver.LoopArrive)
	p.set(by)
	p.feed(Read{Device: "cam-1", Event: "way", Plate: mustPlate(t, "粤B12345"), Stamp: stamp, Received: came})
	p.cross()
	p.wantStory("clock.offset clock.offset read open:entry open=done passed")
	p.begin()
	p.on(driver.LoopArrive)
	p.feed(Read{Device: "cam-1", Event: "next", Plate: mustPlate(t, "粤B54321"), Stamp: p.wall.Add(-by), Received: p.wall})
	p.cross()
	p.wantStory("read open:entry open=done passed")
	for _, text := range []string{"粤A00001", "粤B12345", "粤B54321"} {
		if in := p.only(text).Entry.At; p.wall.Sub(in).Abs() > 5*time.Minute {
			t.Errorf("%s entered at %s, it is %s", text, in, p.wall)
		}
	}
}

// TestASixHourOldReadThatLooksCurrentMovesNothing: five barriers opened in one night elsewhere.
func TestASixHourOldReadThatLooksCurrentMovesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		off  time.Duration // the camera's clock less the booth's
		age  time.Duration
		loop bool // somebody stands before the barrier
	}{
		{"its stamp is old", 0, 6 * time.Hour, false},
		{"its stamp is old, and somebody stands there", 0, 6 * time.Hour, true},
		{"its stamp looks current, for the camera's clock is six hours ahead", 6 * time.Hour, 6 * time.Hour, false},
		{"its stamp looks current, and somebody stands there", 6 * time.Hour, 6 * time.Hour, true},
		{"local time read as UTC", 8 * time.Hour, 8 * time.Hour, true},
		{"it is from the future", 0, -6 * time.Hour, true},
		{"it looks current and is from the future", -6 * time.Hour, -6 * time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			for i := range 3 { // vehicles from whom the camera's clock is learnt
				p.on(driver.LoopArrive)
				p.feed(Read{Device: "cam-1", Event: fmt.Sprint("l", i), Plate: mustPlate(t, fmt.Sprintf("粤A0000%d", i)), Stamp: p.wall.Add(c.off), Received: p.wall})
				p.cross()
				p.wait(time.Minute)
			}
			if c.loop {
				p.on(driver.LoopArrive)
			}
			p.begin()
			p.feed(Read{Device: "cam-1", Event: "old", Plate: mustPlate(t, "粤B12345"), Stamp: p.wall.Add(c.off - c.age), Received: p.wall})
			p.wait(5 * time.Second)
			p.wantStory("late")
			for _, d := range p.did {
				if d == "open" {
					t.Error("the barrier was opened")
				}
			}
		})
	}
}

// TestABacklogOfTwentyMinutesIsNotFedThroughLiveTimeLogic: a camera that was off line gives its memory in a burst of six
// seconds. Elsewhere it became one session of twenty cars.
func TestABacklogOfTwentyMinutesIsNotFedThroughLiveTimeLogic(t *testing.T) {
	for name, memory := range map[string]bool{"the camera says that it is its memory": true, "the camera does not say": false} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			p.arrive("粤A00001")
			p.cross()
			p.wait(30 * time.Minute)
			p.begin()
			first := p.wall.Add(-20 * time.Minute)
			for i := range 20 {
				p.feed(Read{Device: "cam-1", Event: fmt.Sprint("m", i), Plate: mustPlate(t, fmt.Sprintf("粤B100%02d", i)), Stamp: first.Add(time.Duration(i) * 55 * time.Second), Received: p.wall, Memory: memory})
				p.wait(300 * time.Millisecond)
			}
			if len(p.did) != 0 {
				t.Errorf("the lane did %v", p.did)
			}
			for i := range 20 {
				s := p.only(fmt.Sprintf("粤B100%02d", i))
				if want := first.Add(time.Duration(i) * 55 * time.Second); s.State != session.Inside || s.Entry.At.Sub(want).Abs() > time.Second || s.Entry.Basis != session.Stored {
					t.Errorf("car %d: %s at %s (%s), want inside at %s", i, s.State, s.Entry.At, s.Entry.Basis, want)
				}
			}
		})
	}
}

// TestACommandOfBeforeARestartDoesNothing: what was done is only in the memory of the run, but so is the token.
func TestACommandOfBeforeARestartDoesNothing(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.arrive("粤B12345")
	l := p.state.Live(p.at())
	c := wire.Command{ID: "k1", Lane: "exit-1", Action: wire.OpenBarrier, Token: l.Token, Reason: "paid", By: "seat-3", Seen: l.Mono}
	ask := Ask{Want: WantOpen, Token: c.Token, By: c.By, Note: c.Reason, Command: &c}
	if r := p.ask(ask); r.Verdict != Done {
		t.Fatalf("first: %+v", r)
	}
	p.state = New(Setting{Lane: "exit-1", Dir: fact.Exit, Boot: "boot2"})
	p.mono = time.Second // the new run's clock begins anew
	p.feed(Arm{driver.ArmDown})
	p.feed(Sensed{driver.LoopArrive, true})
	p.read("京A55555") // another vehicle, as number one of the new run
	p.begin()
	if r := p.ask(ask); r.Verdict != Mismatched {
		t.Errorf("after the restart: %+v", r)
	}
	p.wantDid()
	p.wantStory("command=mismatched")
}

// TestEveryOpeningIsMatchedToAPassageOrTold: whom a seat lets pass and who never comes is told as gone.
func TestEveryOpeningIsMatchedToAPassageOrTold(t *testing.T) {
	p := newPost(t, fact.Entry)
	l := p.state.Live(p.at())
	c := wire.Command{ID: "k1", Lane: "entry-1", Action: wire.OpenBarrier, Token: l.Token, Reason: "delivery", By: "seat-3", Seen: l.Mono}
	if r := p.ask(Ask{Want: WantOpen, Token: c.Token, By: c.By, Note: c.Reason, Command: &c}); r.Verdict != Done {
		t.Fatalf("%+v", r)
	}
	p.wait(2 * time.Minute)
	p.wantStory("read open:command open=done command=done gone")
	p.wantDid("open", "close")
	if len(p.book.Inside()) != 0 {
		t.Errorf("inside: %+v", p.book.Inside())
	}
}

// slow is a barrier's device that does not answer until its time is up.
type slow struct{ hang bool }

func (s *slow) Run(ctx context.Context, _ func(driver.Event)) error { <-ctx.Done(); return nil }
func (s *slow) Open(ctx context.Context) (driver.Outcome, error) {
	if s.hang {
		<-ctx.Done()
		return driver.Unknown, ctx.Err()
	}
	return driver.Done, nil
}
func (s *slow) Close(context.Context) (driver.Outcome, error) { return driver.Done, nil }

// TestABarrierCommandOutlivesItsCallerAndExpires: elsewhere a flag that was never cleared after a client had vanished
// blocked all cars until somebody restarted the program.
func TestABarrierCommandOutlivesItsCallerAndExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Entry)
		dev := &slow{hang: true}
		d, err := device.New("bar", device.Barrier, "slow", dev, make(chan device.Event, 8), device.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		r.c.o.Barrier = d
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		l := r.c.Live()
		ctx, cancel := context.WithCancel(t.Context())
		asked := make(chan wire.Result, 1)
		go func() {
			asked <- r.c.Command(ctx, wire.Command{ID: "k1", Lane: "entry-1", Action: wire.OpenBarrier, Token: l.Token, Reason: "x", By: "seat-1", Seen: l.Mono})
		}()
		synctest.Wait()
		cancel() // the client vanishes while the barrier thinks
		if res := <-asked; res.Verdict != "unknown" {
			t.Errorf("who vanished is told %+v", res)
		}
		<-time.After(device.CommandTimeout + 10*time.Second)
		synctest.Wait()
		dev.hang = false
		// The next vehicles are let in as ever.
		for i := range 3 {
			r.say(driver.InputChanged{Input: driver.LoopSafety, On: true}, fmt.Sprint("s", i), false)
			r.say(driver.InputChanged{Input: driver.LoopArrive, On: false}, fmt.Sprint("a", i), false)
			r.say(driver.InputChanged{Input: driver.LoopSafety, On: false}, fmt.Sprint("t", i), false)
			<-time.After(time.Minute)
			r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, fmt.Sprint("b", i), false)
			r.read(t, fmt.Sprintf("粤B1000%d", i), fmt.Sprint("r", i))
			if l := r.c.Live(); l.Action != fact.Open {
				t.Errorf("vehicle %d: %+v", i, l)
			}
			if n := len(r.c.state.Asks); n != 0 {
				t.Errorf("%d still wait for the barrier", n)
			}
		}
	})
}

// TestAnAskThatWaitedTooLongDoesNothing: a lane that was held up does not do later what somebody wanted before.
func TestAnAskThatWaitedTooLongDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, fact.Exit)
		r.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
		l := r.c.Live()
		r.opened = make(chan struct{})
		r.read(t, "粤B12345", "r1") // the lane waits for the lot's memory, which somebody holds
		reply := make(chan Reply, 1)
		go func() {
			v, err := r.c.Do(context.WithoutCancel(t.Context()), Ask{Want: WantOpen, Token: l.Token, By: "zhang", Note: "x"})
			if err != nil {
				t.Error(err)
			}
			reply <- v
		}()
		<-time.After(wire.CommandTTL + time.Second)
		close(r.opened)
		if v := <-reply; v.Verdict != Expired || slices.Contains(r.log, "OPEN") {
			t.Errorf("told %+v; did %v", v, r.log)
		}
	})
}
