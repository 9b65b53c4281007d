package lane

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// newShared is a lane of both directions with a camera on either side.
func newShared(t testing.TB) *post {
	return newPostOf(t, Setting{
		Lane: "gate", Dir: fact.Both, Boot: "boot1", Faces: map[string]fact.Dir{"cam-in": fact.Entry, "cam-out": fact.Exit}, To: "yard",
	})
}

func (p *post) readBy(camera, text string) {
	p.t.Helper()
	p.reads++
	p.feed(Read{Device: camera, Event: fmt.Sprint("r", p.reads), Plate: mustPlate(p.t, text), Confidence: 95, Stamp: p.wall, Received: p.wall})
}

// drive takes a vehicle through a shared lane that has read it: from one loop over the other.
func (p *post) drive(first, second driver.Input) {
	p.t.Helper()
	p.wait(time.Second)
	p.on(second)
	p.wait(time.Second)
	p.off(first)
	p.wait(time.Second)
	p.off(second)
	p.wait(100 * time.Millisecond)
}

func TestSharedLaneIsDrivenTheWayOfTheLoopThatIsTouchedFirst(t *testing.T) {
	p := newShared(t)
	p.on(driver.LoopArrive)
	p.wait(300 * time.Millisecond)
	p.readBy("cam-in", "粤B12345")
	p.drive(driver.LoopArrive, driver.LoopSafety)
	p.wantStory("read open:entry open=done passed")
	if s := p.only("粤B12345"); s.State != session.Inside || s.Entry.Basis != session.Crossed || s.Zone() != "yard" {
		t.Fatalf("session %+v", s)
	}
	p.wait(90 * time.Minute)
	p.begin()
	p.on(driver.LoopSafety)
	p.wait(300 * time.Millisecond)
	p.readBy("cam-out", "粤B12345")
	if l := p.state.Live(p.at()); l.Dir != fact.Exit || l.Due != 1000 || !l.Loop {
		t.Fatalf("live %+v", l)
	}
	p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"})
	p.drive(driver.LoopSafety, driver.LoopArrive)
	p.wantStory("read hold:unpaid cash.taken open:paid bill:1000/0 open=done passed")
	p.wantDid("open", "close")
	s := p.only("粤B12345")
	if s.State != session.Left || s.Exit.Basis != session.Crossed || s.Exit.Lane != "gate" || s.Exit.Zone != "" {
		t.Errorf("session %+v", s)
	}
	// And in again: the lane turns as often as it is driven.
	p.wait(time.Minute)
	p.begin()
	p.on(driver.LoopArrive)
	p.wait(300 * time.Millisecond)
	p.readBy("cam-in", "京C88888")
	p.drive(driver.LoopArrive, driver.LoopSafety)
	p.wantStory("read open:entry open=done passed")
}

func TestSharedLaneIsDrivenTheWayOfTheCameraThatReadsFirst(t *testing.T) {
	p := newShared(t)
	p.enter("粤B12345")
	p.wait(10 * time.Minute)
	p.begin()
	p.readBy("cam-out", "粤B12345") // before it stands on a loop: its camera's clock is not known yet
	p.wait(500 * time.Millisecond)
	p.on(driver.LoopSafety)
	p.drive(driver.LoopSafety, driver.LoopArrive)
	p.wantStory("read open:free bill:0/0 open=done passed")
}

// TestReadAgainstTheWayMovesNothing: the other side's camera sees the rear of a vehicle that comes, and somebody who waits.
func TestReadAgainstTheWayMovesNothing(t *testing.T) {
	t.Run("of a vehicle that is coming in", func(t *testing.T) {
		p := newShared(t)
		p.on(driver.LoopArrive)
		p.wait(300 * time.Millisecond)
		p.readBy("cam-in", "粤B12345")
		p.wait(time.Second)
		p.on(driver.LoopSafety)
		p.readBy("cam-out", "粤B12345")
		p.off(driver.LoopArrive)
		p.off(driver.LoopSafety)
		p.wait(2 * time.Second)
		p.readBy("cam-out", "粤B12345") // it is through, and the camera sees it drive off
		p.wait(10 * time.Second)
		p.wantStory("read open:entry open=done read passed read")
		if s := p.only("粤B12345"); s.State != session.Inside {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("of one who waits on the other side", func(t *testing.T) {
		p := newShared(t)
		p.enter("京C88888")
		p.wait(10 * time.Minute)
		p.begin()
		p.on(driver.LoopArrive)
		p.wait(300 * time.Millisecond)
		p.readBy("cam-out", "京C88888")
		p.wantStory("read")
		p.wantDid()
		p.readBy("cam-in", "粤B12345")
		p.wantStory("read read open:entry open=done")
	})
	t.Run("at a lane of one way", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.state.Faces = map[string]fact.Dir{"cam-out": fact.Exit}
		p.enter("京C88888")
		p.wait(10 * time.Minute)
		p.begin()
		p.on(driver.LoopArrive)
		p.readBy("cam-out", "京C88888")
		p.wait(20 * time.Second)
		p.wantDid("shoot")
		p.wantStory("read")
		if b, err := fact.Decode[fact.Read](&p.facts[0]); err != nil || b.Dir != fact.Exit || b.Late {
			t.Errorf("read %+v, %v", b, err)
		}
		if s := p.only("京C88888"); s.State != session.Inside {
			t.Errorf("session %+v", s)
		}
	})
}

func TestWhoWaitsOnTheOtherSideOfASharedLaneIsNext(t *testing.T) {
	p := newShared(t)
	p.enter("京C88888")
	p.wait(10 * time.Minute)
	p.begin()
	p.on(driver.LoopArrive)
	p.wait(300 * time.Millisecond)
	p.on(driver.LoopSafety)
	p.wait(time.Second)
	p.off(driver.LoopArrive) // it backs out again, and lets the other pass
	p.wait(time.Second)
	p.readBy("cam-out", "京C88888")
	p.drive(driver.LoopSafety, driver.LoopArrive)
	if s := p.only("京C88888"); s.State != session.Left {
		t.Errorf("session %+v after %s", s, p.story())
	}
}

// TestSharedLaneInAnyOrder: whatever comes, the arm is not lowered onto a loop that is occupied, no read is lost, and the
// lane comes to rest.
func TestSharedLaneInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := newShared(t)
		p.enter("京C88888")
		p.pass(time.Hour)
		on := map[driver.Input]bool{}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			before := len(p.did)
			switch rapid.IntRange(0, 5).Draw(r, "kind") {
			case 0, 1, 2:
				in := rapid.SampledFrom([]driver.Input{driver.LoopArrive, driver.LoopSafety}).Draw(r, "loop")
				on[in] = !on[in]
				p.feed(Sensed{in, on[in]})
			case 3, 4:
				p.readBy(rapid.SampledFrom([]string{"cam-in", "cam-out"}).Draw(r, "camera"), rapid.SampledFrom([]string{"京C88888", "粤B12345"}).Draw(r, "plate"))
			case 5:
				p.wait(rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, time.Minute}).Draw(r, "wait"))
			}
			for _, d := range p.did[before:] {
				if d == "close" && (on[driver.LoopArrive] || on[driver.LoopSafety]) {
					r.Fatalf("the arm was sent down onto a loop that is occupied")
				}
			}
		}
		p.wait(5 * time.Minute)
		reads := 0
		for i := range p.facts {
			if b, err := fact.Decode[fact.Read](&p.facts[i]); err == nil && p.facts[i].Kind == fact.KindRead && b.Device != "cam-0" {
				reads++
			}
		}
		if poor := p.book.Poor(); len(poor) > 0 || reads != p.reads {
			r.Fatalf("%d reads of %d, without effect: %v", reads, p.reads, poor)
		}
	})
}
