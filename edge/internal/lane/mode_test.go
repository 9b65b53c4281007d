package lane

import (
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// order asks for a mode and holds that it was taken.
func (p *post) order(o wire.ModeOrder) {
	p.t.Helper()
	if r := p.ask(Ask{Want: WantMode, Note: "market day", Mode: o}); r.Verdict != Done || r.Fact.IsZero() {
		p.t.Fatalf("mode %+v: %+v", o, r)
	}
}

// restart begins a new run of the agent: the lane knows what the board and the facts say.
func (p *post) restart(boot string) {
	p.t.Helper()
	s := p.state.Setting
	s.Boot = boot
	p.state = New(s)
	if u, ok := UnfinishedAt(p.book, s.Lane, p.wall); ok {
		p.feed(u)
	}
	if m, ok := p.book.Mode(s.Lane); ok {
		p.feed(Resumed{Fact: m.Fact, Mode: m.Mode, Left: time.Duration(m.Seconds)*time.Second - p.wall.Sub(m.At), Passed: m.Passed})
	}
	p.feed(Sensed{driver.LoopArrive, false})
	p.feed(Sensed{driver.LoopSafety, false})
}

func TestHeldOpenLaneReadsMatchesAndBillsAllTheSame(t *testing.T) {
	for _, c := range []struct {
		name, policy, order string
		due, debt, free     int
	}{
		{"unpaid is a debt", "", "", 1000, 1000, 0},
		{"the lot's policy waives it", "waive", "", 0, 0, 1000},
		{"who set it says otherwise than the policy", "waive", "debt", 1000, 1000, 0},
		{"waived by the order", "", "waive", 0, 0, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.config.Policy.Passage.ModeUnpaid = c.policy
			p.enter("粤B12345")
			p.enter("京C88888")
			p.wait(90 * time.Minute)
			p.begin()
			p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600, Unpaid: c.order})
			p.arrive("粤B12345")
			p.cross()
			p.wait(10 * time.Second)
			p.arrive("京C88888")
			p.cross()
			p.wait(10 * time.Second)
			p.wantDid("open") // once, and it stays up
			bill := map[int]string{1000: "bill:1000/1000", 0: "bill:1000/0"}[c.due]
			p.wantStory("mode.set open=done read open:held_open " + bill + " passed read open:held_open " + bill + " passed")
			if m := p.only("粤B12345").Money; int(m.Debt) != c.debt || int(m.Free) != c.free || p.only("京C88888").State != session.Left {
				t.Errorf("money %+v", m)
			}
			p.begin()
			p.wait(10 * time.Minute)
			p.wantStory("mode.ended")
			p.wantDid("close")
			if e, err := fact.Decode[fact.ModeEnded](&p.facts[0]); err != nil || e.Why != "expired" || e.Passed != 2 || p.facts[0].Refs[0].IsZero() {
				t.Errorf("ended: %+v, %v", e, err)
			}
		})
	}
}

func TestHeldOpenAtTheEntryRecordsWhoComes(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600})
	p.begin()
	p.arrive("粤B12345")
	p.cross()
	p.on(driver.LoopArrive) // nobody reads this one
	p.cross()
	p.wait(10 * time.Second)
	p.wantStory("read open:held_open passed passed")
	p.wantDid()
	if n := len(p.book.Inside()); n != 2 {
		t.Errorf("%d inside, want 2", n)
	}
	if r := p.ask(Ask{Want: WantClose, Token: p.state.Token(), Note: "x"}); r.Verdict != Refused {
		t.Errorf("close: %+v", r)
	}
	if r := p.ask(Ask{Want: WantMode}); r.Verdict != Done {
		t.Errorf("back to normal: %+v", r)
	}
	p.wantDid("close")
}

func TestBarrierThatFallsWhileHeldOpenIsRaisedAgain(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600})
	p.begin()
	p.feed(Arm{driver.ArmDown}) // a barrier that closes by itself behind each vehicle
	p.wait(4 * time.Second)
	p.wantDid("open")
	p.deaf = true
	p.feed(Arm{driver.ArmDown})
	p.begin()
	p.wait(30 * time.Second)
	p.wantDid("open", "open", "open")
	if f := p.state.Faults(); len(f) != 1 || f[0] != "arm" {
		t.Errorf("faults %v", f)
	}
	p.begin()
	p.wait(3 * time.Minute)
	if n := len(p.did); n < 2 || n > 4 {
		t.Errorf("asked %d times in three minutes", n)
	}
}

func TestWhoIsHeldLeavesWhenTheLaneIsHeldOpen(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.begin()
	p.arrive("粤B12345")
	p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600})
	p.cross()
	p.wantStory("read hold:unpaid mode.set open=done open:held_open bill:1000/1000 passed")
}

func TestLockedLaneOpensForNobody(t *testing.T) {
	locked := func(t *testing.T) *post {
		p := newPost(t, fact.Exit)
		p.enter("粤B12345")
		p.wait(10 * time.Minute) // free minutes: it could leave
		p.begin()
		p.order(wire.ModeOrder{Mode: fact.Locked, Seconds: 3600})
		p.arrive("粤B12345")
		p.wantStory("mode.set read hold:locked")
		p.wantDid()
		if m := p.shown[len(p.shown)-1]; m.Lines[1] != "车道已关闭" || m.En == "" {
			t.Errorf("display shows %+v", m)
		}
		return p
	}
	t.Run("but for a person with a reason", func(t *testing.T) {
		p := locked(t)
		p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "let out"})
		p.wantDid("open")
	})
	t.Run("not for the button in the cabinet", func(t *testing.T) {
		p := locked(t)
		p.on(driver.ManualOpen)
		p.wantDid()
	})
	t.Run("but for a fire", func(t *testing.T) {
		p := locked(t)
		p.on(driver.FireAlarm)
		p.cross()
		p.wantDid("open")
	})
	t.Run("not when the journal cannot be written", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.config.Policy.JournalX = "open"
		p.order(wire.ModeOrder{Mode: fact.Locked, Seconds: 3600})
		p.broken = true
		p.arrive("粤B12345")
		p.wantDid()
	})
	t.Run("until it is unlocked", func(t *testing.T) {
		p := locked(t)
		p.begin()
		p.ask(Ask{Want: WantMode})
		p.wantStory("mode.ended open:free bill:0/0 open=done")
	})
	t.Run("or its time is over", func(t *testing.T) {
		p := locked(t)
		p.begin()
		p.wait(time.Hour)
		if p.wantDid("open"); p.state.Mode.Kind != "" {
			t.Errorf("mode %+v", p.state.Mode)
		}
	})
}

func TestConvoyEndsWithItsLastVehicle(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.order(wire.ModeOrder{Mode: fact.Convoy, Seconds: 600, Count: 3})
	p.begin()
	for _, text := range []string{"军A00001", "", "军A00003"} {
		if l := p.state.Live(p.at()); l.Mode == nil || l.Mode.Mode != fact.Convoy || l.Mode.Left < 1 {
			t.Fatalf("live shows mode %+v", l.Mode)
		}
		p.on(driver.LoopArrive)
		p.wait(300 * time.Millisecond)
		if text != "" {
			p.read(text)
		}
		p.cross()
	}
	p.wantStory("read open:convoy passed passed read open:convoy passed mode.ended")
	p.wantDid("close")
	p.begin()
	p.arrive("粤B12345")
	p.wantStory("read open:entry open=done")
}

func TestModeSurvivesARestart(t *testing.T) {
	t.Run("from the facts", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.order(wire.ModeOrder{Mode: fact.Convoy, Seconds: 600, Count: 2})
		p.arrive("粤B12345")
		p.cross()
		p.pass(2 * time.Minute)
		p.begin()
		p.restart("boot2")
		m := p.state.Mode
		if m.Kind != fact.Convoy || m.Passed != 1 || m.By != "zhang" || m.Note != "market day" || m.Until-p.mono > 8*time.Minute {
			t.Fatalf("mode %+v at %s", m, p.mono)
		}
		p.wantDid("open") // what the arm does is not known yet
		p.arrive("粤B54321")
		p.cross()
		if p.state.Mode.Kind != "" {
			t.Errorf("mode %+v", p.state.Mode)
		}
		p.restart("boot3")
		if p.state.Mode.Kind != "" {
			t.Errorf("it ended, and stands again: %+v", p.state.Mode)
		}
	})
	t.Run("not beyond its time by the wall clock", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 60})
		p.pass(2 * time.Minute)
		p.begin()
		p.restart("boot2")
		p.wantDid()
		if p.state.Mode.Kind != "" {
			t.Errorf("mode %+v", p.state.Mode)
		}
	})
	t.Run("the last of two", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.order(wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600})
		p.begin()
		p.order(wire.ModeOrder{Mode: fact.Locked, Seconds: 600})
		p.wantStory("mode.ended mode.set")
		p.restart("boot2")
		if p.state.Mode.Kind != fact.Locked {
			t.Errorf("mode %+v", p.state.Mode)
		}
	})
}

func TestModeOfTheCloud(t *testing.T) {
	command := func(p *post) Ask {
		l := p.state.Live(p.at())
		c := wire.Command{
			ID: "m1", Lane: "entry-1", Action: wire.SetMode, Token: l.Token, Seen: l.Mono, TTL: wire.CommandTTL, By: "seat-3", Reason: "jam",
			Mode: &wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600},
		}
		return Ask{Want: WantMode, Token: c.Token, By: c.By, Note: c.Reason, Mode: *c.Mode, Command: &c}
	}
	p := newPost(t, fact.Entry)
	a := command(p)
	p.arrive("粤B12345") // it is of the lane, whoever has come since
	p.begin()
	if r := p.ask(a); r.Verdict != Done {
		t.Errorf("%+v", r)
	}
	if r := p.ask(a); r.Verdict != Replayed {
		t.Errorf("again: %+v", r)
	}
	p.wantStory("mode.set command=done command=replayed")
	p = newPost(t, fact.Entry)
	a = command(p)
	p.wait(11 * time.Second)
	if r := p.ask(a); r.Verdict != Expired {
		t.Errorf("late: %+v", r)
	}
	p.restart("boot2")
	if r := p.ask(a); r.Verdict != Mismatched {
		t.Errorf("of another run: %+v", r)
	}
	if p.state.Mode.Kind != "" {
		t.Errorf("mode %+v", p.state.Mode)
	}
}

func TestModesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  Ask
	}{
		{"without a reason", Ask{Mode: wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 60}}},
		{"without an end", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.HeldOpen}}},
		{"for days", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 86401}}},
		{"for longer than a number holds", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 1 << 62}}},
		{"a convoy of nobody", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.Convoy, Seconds: 60}}},
		{"a number that is no convoy's", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.Locked, Seconds: 60, Count: 2}}},
		{"unknown", Ask{Note: "x", Mode: wire.ModeOrder{Mode: "dance", Seconds: 60}}},
		{"ended, and none stands", Ask{Note: "x"}},
		{"unpaid is nonsense", Ask{Note: "x", Mode: wire.ModeOrder{Mode: fact.Locked, Seconds: 60, Unpaid: "steal"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			c.ask.Want = WantMode
			if r := p.ask(c.ask); r.Verdict != Invalid || r.Text.ZH == "" || r.Text.EN == "" {
				t.Errorf("%+v", r)
			}
			p.wantStory("")
			p.wantDid()
		})
	}
}

func TestModeIsNotSetWhenItCannotBeRecorded(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.broken = true
	if r := p.ask(Ask{Want: WantMode, Note: "x", Mode: wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 60}}); r.Verdict != Refused {
		t.Errorf("%+v", r)
	}
	p.wantDid()
	if p.state.Mode.Kind != "" {
		t.Errorf("mode %+v", p.state.Mode)
	}
}
