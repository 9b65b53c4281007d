package lane

import (
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

func TestRestartWithSomebodyReleased(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(10 * time.Minute)
	p.begin()
	p.arrive("粤B12345")
	p.wait(5 * time.Second)
	// The process dies here and comes back: the lane knows only what the board says.
	p.state = New(Setting{Lane: "exit-1", Dir: fact.Exit, Boot: "boot2"})
	p.feed(Arm{driver.ArmUp})
	p.feed(Sensed{driver.LoopArrive, true})
	p.feed(Sensed{driver.LoopSafety, false})
	p.read("粤B12345")
	p.cross()
	p.wantStory("read open:free bill:0/0 open=done read open:again open=done passed")
	if s := p.only("粤B12345"); s.State != session.Left || s.Bill == nil {
		t.Errorf("session %+v", s)
	}
}

func TestRememberedByTheCameraAndThenStandingThere(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(time.Hour)
	p.begin()
	p.feed(Read{Device: "cam", Event: "stored-1", Plate: mustPlate(t, "粤B12345"), Stamp: p.wall, Received: p.wall, Memory: true})
	p.wait(3 * time.Second)
	p.arrive("粤B12345")
	p.wantStory("late read hold:unpaid")
	if s := p.only("粤B12345"); s.State != session.Inside || s.Held == nil {
		t.Errorf("session %+v", s)
	}
}

// A vehicle that crosses while the agent comes back is the one that was let pass before it died.
func TestRestartBeforeTheReleasedHasCrossed(t *testing.T) {
	begin := func(t *testing.T) *post {
		p := newPost(t, fact.Entry)
		p.begin()
		p.arrive("粤B12345")
		p.wait(2 * time.Second)
		u, ok := UnfinishedAt(p.book, "entry-1", p.wall)
		if !ok || u.Plate.Text != "粤B12345" {
			t.Fatalf("unfinished: %+v, %v", u, ok)
		}
		p.state = New(Setting{Lane: "entry-1", Dir: fact.Entry, Boot: "boot2"})
		p.feed(u)
		p.feed(Sensed{driver.LoopSafety, false})
		return p
	}
	t.Run("it crosses", func(t *testing.T) {
		p := begin(t)
		p.feed(Arm{driver.ArmUp})
		p.feed(Sensed{driver.LoopArrive, true})
		p.cross()
		p.wantStory("read open:entry open=done passed")
		if s := p.only("粤B12345"); s.Entry.Basis != session.Crossed {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("it has crossed, and the arm waits for the next", func(t *testing.T) {
		p := begin(t)
		p.feed(Arm{driver.ArmUp})
		p.feed(Sensed{driver.LoopArrive, false})
		p.wait(10 * time.Second)
		p.feed(Arm{driver.ArmDown})
		p.arrive("京C88888")
		p.wait(2 * time.Second)
		p.cross()
		p.wantStory("read open:entry open=done read open:entry open=done passed")
		if s := p.only("粤B12345"); s.State != session.Inside || s.Entry.Basis != session.Assumed {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("the next one stands on the loop", func(t *testing.T) {
		p := begin(t)
		p.feed(Arm{driver.ArmUp})
		p.feed(Sensed{driver.LoopArrive, true})
		p.read("京C88888")
		p.cross()
		p.wantStory("read open:entry open=done read open:entry open=done passed")
	})
	t.Run("the arm is down: nothing is raised for whom nobody sees", func(t *testing.T) {
		p := begin(t)
		p.begin()
		p.feed(Arm{driver.ArmDown})
		p.feed(Sensed{driver.LoopArrive, false})
		p.wait(time.Minute)
		p.wantDid()
	})
}

// A driver who looks for the money is asked for what was asked before, also when a unit more began meanwhile.
func TestRestartWithSomebodyHeldCostsNothing(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(59*time.Minute + 30*time.Second)
	p.arrive("粤B12345")
	due := p.state.Car.Found.Bill.Due
	p.wait(20 * time.Second)
	p.state = New(Setting{Lane: "exit-1", Dir: fact.Exit, Boot: "boot2"})
	p.feed(Arm{driver.ArmDown})
	p.feed(Sensed{driver.LoopArrive, true})
	p.feed(Sensed{driver.LoopSafety, false})
	p.wait(time.Minute)
	p.read("粤B12345")
	if got := p.state.Car.Found.Bill.Due; got != due || due == 0 {
		t.Errorf("after the restart %d is asked, before %d", got, due)
	}
}
