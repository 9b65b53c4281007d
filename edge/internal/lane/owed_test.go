package lane

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// land says what became of the writes that were under way, in order.
func (p *post) land(stored bool) {
	p.t.Helper()
	p.slow = false
	for i, r := range p.under {
		w := Written{Write: uint64(i) + 1, Then: r.Then}
		if stored {
			w.IDs = p.append(r.Facts...)
		}
		p.feed(w)
	}
	p.under = nil
}

func openPolicy(t *testing.T, dir fact.Dir) *post {
	p := newPost(t, dir)
	p.config.Policy.JournalX = "open"
	return p
}

func TestWhatWasLetThroughIsRecordedOnceTheJournalIsBack(t *testing.T) {
	p := openPolicy(t, fact.Entry)
	p.broken = true
	var at []time.Time
	for _, text := range []string{"粤B11111", "粤B22222"} {
		at = append(at, p.wall.Add(300*time.Millisecond))
		p.arrive(text)
		p.cross()
		p.wait(10 * time.Second)
	}
	p.wantDid("open", "close", "open", "close")
	if len(p.facts) != 0 || !slices.Contains(p.state.Faults(), "journal") {
		t.Fatalf("%d facts, faults %v", len(p.facts), p.state.Faults())
	}
	p.broken = false
	p.wait(20 * time.Second) // nobody comes
	p.wantStory("late open:journal passed late open:journal passed")
	if len(p.state.Owed) != 0 || len(p.state.Faults()) != 0 {
		t.Errorf("owes %v, faults %v", p.state.Owed, p.state.Faults())
	}
	for i, text := range []string{"粤B11111", "粤B22222"} {
		s := p.only(text)
		if s.State != session.Inside || !s.Entry.At.Equal(at[i].Truncate(time.Millisecond)) || s.Entry.Basis != session.Crossed {
			t.Errorf("%s: %+v, entered %v, want %v", text, s, s.Entry.At, at[i])
		}
	}
}

func TestWhoWasLetOutUnpaidOwesIt(t *testing.T) {
	p := openPolicy(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.begin()
	p.broken = true
	p.arrive("粤B12345")
	p.cross()
	p.wait(10 * time.Second)
	p.broken = false
	p.wait(20 * time.Second)
	p.wantStory("late open:journal bill:1000/1000 passed")
	if s := p.only("粤B12345"); s.State != session.Left || s.Money.Debt != 1000 {
		t.Errorf("%+v", s)
	}
}

func TestWhoIsHeldForTheJournalIsNotRecordedTwice(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.broken = true
	p.arrive("粤B12345")
	p.wait(20 * time.Second)
	p.broken = false
	p.wait(20 * time.Second)
	p.cross()
	p.wait(20 * time.Second)
	p.wantStory("read open:entry open=done passed")
}

// A write that the lane did not wait for may be stored or not, before or after the vehicle is through.
func TestAWriteThatTheLaneDidNotWaitFor(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		dir          fact.Dir
		stored       bool
		through      bool // before it is known
		want         string
	}{
		{"held, then stored", "hold", fact.Entry, true, false, "read open:entry open=done passed"},
		{"held, then not", "hold", fact.Entry, false, false, "read open:entry open=done passed"},
		{"let in, then stored", "open", fact.Entry, true, false, "read open:entry passed"},
		{"let in, then not", "open", fact.Entry, false, false, "late open:journal passed"},
		{"through, then stored", "open", fact.Entry, true, true, "read open:entry passed"},
		{"through, then not", "open", fact.Entry, false, true, "late open:journal passed"},
		{"let out unpaid, then stored", "open", fact.Exit, true, true, "read hold:unpaid open:journal bill:1000/1000 passed"},
		{"let out unpaid, then not", "open", fact.Exit, false, true, "late open:journal bill:1000/1000 passed"},
		{"held at the exit, then stored", "hold", fact.Exit, true, false, "read hold:unpaid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, c.dir)
			p.config.Policy.JournalX = c.policy
			if c.dir == fact.Exit {
				p.enter("粤B12345")
				p.wait(90 * time.Minute)
			}
			p.begin()
			p.slow = true
			p.arrive("粤B12345")
			p.slow = false
			if c.through {
				p.broken = true // the disk still hangs
				p.cross()
				p.wait(time.Second)
				p.broken = false
			} else {
				p.wait(time.Second)
			}
			p.land(c.stored)
			p.wait(10 * time.Second)
			if !c.through && !strings.Contains(c.want, "hold") {
				p.cross()
			}
			p.wait(20 * time.Second)
			p.wantStory(c.want)
			if len(p.state.Owed) != 0 || slices.Contains(p.state.Faults(), "journal") {
				t.Errorf("owes %+v, faults %v", p.state.Owed, p.state.Faults())
			}
		})
	}
}

func TestAPersonWhoWasRefusedIsNotObeyedLater(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.arrive("粤B12345")
	p.begin()
	p.slow = true
	if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "x"}); r.Verdict != Refused {
		t.Errorf("%+v", r)
	}
	if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "y"}); r.Verdict != Refused {
		t.Errorf("while the first is under way: %+v", r)
	}
	p.land(true)
	p.wait(5 * time.Second)
	p.wantDid()
	if p.state.Car.Phase != Held || p.state.Car.Reason != ReasonUnpaid {
		t.Errorf("the vehicle is %s for %s", p.state.Car.Phase, p.state.Car.Reason)
	}
}

func TestWhatIsOwedIsBounded(t *testing.T) {
	p := openPolicy(t, fact.Entry)
	p.broken = true
	for range maxOwed + 10 {
		p.feed(Read{Device: "cam-1", Event: "x", Plate: mustPlate(t, "粤B12345"), Stamp: p.wall.Add(-time.Hour), Received: p.wall, Memory: true})
		p.pass(time.Second)
	}
	if n := len(p.state.Owed); n != maxOwed {
		t.Errorf("owes %d, want %d", n, maxOwed)
	}
}

// slowDisk is a memory whose writes answer late.
type slowDisk struct {
	*rig
	free chan struct{} // closed when the disk answers
}

type lateWrite struct {
	d       *slowDisk
	compose func(id func(i int) fact.ID) []fact.Draft
}

func (lateWrite) Error() string { return "the disk has not answered" }

func (w lateWrite) Await(ctx context.Context) ([]fact.Fact, func() error, error) {
	select {
	case <-w.d.free:
		return w.d.rig.Record(ctx, w.compose)
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func (d *slowDisk) Record(ctx context.Context, compose func(id func(i int) fact.ID) []fact.Draft) ([]fact.Fact, func() error, error) {
	select {
	case <-d.free:
		return d.rig.Record(ctx, compose)
	case <-ctx.Done():
		return nil, nil, lateWrite{d, compose}
	}
}

func TestADiskThatHangsHoldsTheLaneFor200Milliseconds(t *testing.T) {
	for _, policy := range []string{"hold", "open"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &slowDisk{free: make(chan struct{})}
				newRigWith(t, fact.Entry, d)
				d.config.Policy.JournalX = policy
				d.say(driver.InputChanged{Input: driver.LoopArrive, On: true}, "i1", false)
				began := time.Now()
				d.read(t, "粤B12345", "r1")
				want := "SHOW 系统故障 请联系岗亭"
				if policy == "open" {
					want = "SHOW 系统故障 请通行"
				}
				<-time.After(250 * time.Millisecond)
				synctest.Wait()
				d.mu.Lock()
				log := slices.Clone(d.log)
				d.mu.Unlock()
				if !slices.Contains(log, want) || slices.Contains(log, "OPEN") != (policy == "open") {
					t.Errorf("after %v it did %v", time.Since(began), log)
				}
				close(d.free)
				synctest.Wait()
				<-time.After(time.Second)
				synctest.Wait()
				if got := d.count("OPEN"); got != 1 || slices.Contains(d.c.Live().Faults, "journal") {
					t.Errorf("opened %d times, faults %v: %v", got, d.c.Live().Faults, d.log)
				}
				if got := d.count(string(fact.KindRead)); got != 1 {
					t.Errorf("%d reads are recorded", got)
				}
			})
		})
	}
}

func (r *rig) count(what string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.log {
		if l == what {
			n++
		}
	}
	return n
}
