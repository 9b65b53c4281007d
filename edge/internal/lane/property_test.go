package lane

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// TestAnyOrderOfInputs drives a lane with anything at all and holds what must hold whatever happens: it comes to rest,
// never opens without a recorded decision to open, never lowers the arm onto an occupied loop, keeps every read, bills
// each session once, and writes no fact that the fold cannot use.
func TestAnyOrderOfInputs(t *testing.T) {
	plates := []string{"粤B12345", "粤B1234S", "京C88888", "无牌车"}
	rapid.Check(t, func(r *rapid.T) {
		dir := rapid.SampledFrom([]fact.Dir{fact.Entry, fact.Exit}).Draw(r, "dir")
		p := newPost(t, dir)
		if rapid.Bool().Draw(r, "inside") {
			p.enter("粤B12345")
			p.enter("京C88888")
			p.pass(2 * time.Hour)
		}
		inputs := []driver.Input{driver.LoopArrive, driver.LoopSafety, driver.LoopArrive, driver.LoopSafety, driver.ManualOpen, driver.FireAlarm}
		reads := 0
		word := func(of ...string) string { return rapid.SampledFrom(append(of, "")).Draw(r, "policy") }
		p.config.Policy.Passage = wire.PassagePolicy{
			Full: word("permits", "refuse"), Inside: word("hold"), Repeated: word("hold"), Tailgate: word("record"), Fire: word("bill"),
			SuspectExit: rapid.SampledFrom([]int{0, 30}).Draw(r, "suspect"), ModeUnpaid: word("waive"),
		}
		p.config.Policy.JournalX = "open"
		trouble := rapid.Bool().Draw(r, "trouble")
		p.config.Capacity = rapid.SampledFrom([]int{0, 2}).Draw(r, "capacity")
		for n := range rapid.IntRange(1, 40).Draw(r, "steps") {
			before := len(p.did)
			safety := p.state.Safety
			switch rapid.IntRange(0, 13).Draw(r, "kind") {
			case 0, 1, 2, 3:
				in := Sensed{rapid.SampledFrom(inputs).Draw(r, "input"), rapid.Bool().Draw(r, "on")}
				if in.Input == driver.LoopSafety {
					safety = in.On
				}
				p.feed(in)
			case 4, 5, 6:
				reads++
				age := rapid.SampledFrom([]time.Duration{0, 0, 0, 5 * time.Second, time.Hour, -time.Hour}).Draw(r, "age")
				p.feed(Read{
					Device: "cam-1", Event: fmt.Sprint("p", n), Plate: mustPlate(t, rapid.SampledFrom(plates).Draw(r, "plate")),
					Stamp: p.wall.Add(-age), Received: p.wall, Memory: rapid.IntRange(0, 5).Draw(r, "memory") == 0,
				})
			case 7:
				a := Ask{Want: rapid.SampledFrom([]Want{WantOpen, WantClose, WantCash, WantCorrect, WantMatch}).Draw(r, "want"), Token: p.state.Token(), Note: "x", Amount: 500, Action: fmt.Sprint("a", n)}
				a.Plate = mustPlate(t, rapid.SampledFrom(plates).Draw(r, "as"))
				if s := p.state.Car.Found.Similar; len(s) > 0 {
					a.Session = s[0].Session
				}
				p.ask(a)
			case 8:
				p.feed(Linked{Device: "bar", Barrier: true, Up: rapid.Bool().Draw(r, "up")})
				safety = p.state.Safety
			case 10:
				o := wire.ModeOrder{Mode: rapid.SampledFrom([]fact.LaneMode{fact.HeldOpen, fact.Locked, fact.Convoy, ""}).Draw(r, "mode"), Seconds: 90}
				if o.Mode == fact.Convoy {
					o.Count = 2
				}
				p.ask(Ask{Want: WantMode, Note: "x", Mode: o})
			case 12:
				p.broken = trouble && !p.broken
			case 13:
				if p.slow {
					p.land(rapid.Bool().Draw(r, "stored"))
				}
				p.slow = trouble && rapid.Bool().Draw(r, "slow")
			case 11:
				p.feed(Arm{rapid.SampledFrom([]driver.Arm{driver.ArmDown, driver.ArmUp, driver.ArmMoving}).Draw(r, "arm")})
			case 9:
				p.wait(rapid.SampledFrom([]time.Duration{100 * time.Millisecond, 2 * time.Second, 7 * time.Second, time.Minute}).Draw(r, "wait"))
			}
			p.pass(50 * time.Millisecond)
			for _, d := range p.did[before:] {
				if d == "close" && safety && p.state.Safety {
					r.Fatalf("the arm was sent down onto an occupied loop at step %d", n)
				}
			}
		}
		p.broken = false
		p.land(true)
		p.wait(5 * time.Minute)
		if len(p.state.Owed) > 0 {
			r.Fatalf("with the journal back it still owes %+v", p.state.Owed)
		}
		p.check(r, reads, trouble)
	})
}

func (p *post) check(r *rapid.T, reads int, trouble bool) {
	opened, decided, kept := 0, 0, 0
	for _, d := range p.did {
		if d == "open" {
			opened++
		}
	}
	for i := range p.facts {
		f := &p.facts[i]
		switch f.Kind {
		case fact.KindDecision:
			if d, err := fact.Decode[fact.Decision](f); err == nil && d.Lane == p.state.Lane && d.Action == fact.Open {
				decided++
			}
		case fact.KindRead:
			if b, err := fact.Decode[fact.Read](f); err == nil && b.Device == "cam-1" {
				kept++
			}
		}
	}
	// The arm is asked up to three times for one decision when it is seen not to move.
	if opened-p.held > decided*moveTries {
		r.Fatalf("%d openings for %d decisions to open: %s", opened, decided, p.story())
	}
	if kept > reads || kept < reads && !trouble { // who was held for the journal and went away left nothing
		r.Fatalf("%d reads, %d recorded: %s", reads, kept, p.story())
	}
	if poor := p.book.Poor(); len(poor) > 0 {
		r.Fatalf("facts without effect: %v", poor)
	}
	bills := map[fact.ID]int{}
	for _, s := range p.book.Sessions() {
		if m := s.Money; m.Gross != m.Paid+m.Free+m.Debt {
			r.Fatalf("session %s: gross %d is not paid %d + free %d + debt %d", s.ID, m.Gross, m.Paid, m.Free, m.Debt)
		}
		if slices.Contains(s.Flags, session.TwoBills) && !trouble { // what is not recorded yet, a lane cannot know of
			r.Fatalf("session %s has two bills: %s", s.ID, p.story())
		}
		if !s.Billed.IsZero() {
			if bills[s.Billed]++; bills[s.Billed] > 1 {
				r.Fatalf("bill %s is of two sessions", s.Billed)
			}
		}
	}
}

// TestStepChangesNothingItWasGiven holds Step to being a function: the same state and input give the same, and the state
// given is as it was.
func TestStepChangesNothingItWasGiven(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(2 * time.Hour)
	p.arrive("粤B12345")
	p.on(driver.LoopSafety)
	p.read("京C88888")
	for _, in := range []Input{
		Tick{}, Changed{}, Sensed{driver.LoopArrive, false}, Sensed{driver.LoopSafety, false}, Arm{driver.ArmUp}, Linked{Device: "cam-1"},
		Read{Device: "cam-1", Event: "z", Plate: mustPlate(t, "粤A00001"), Stamp: p.wall, Received: p.wall},
		Ask{ID: 9, Want: WantOpen, Token: p.state.Token(), By: "x", Note: "y"},
	} {
		was := fmt.Sprintf("%#v", p.state)
		s1, e1 := Step(p.state, in, p.at())
		s2, e2 := Step(p.state, in, p.at())
		if is := fmt.Sprintf("%#v", p.state); is != was {
			t.Errorf("%T changed the state it was given:\n%s\n%s", in, was, is)
		}
		if !reflect.DeepEqual(s1, s2) || !reflect.DeepEqual(e1, e2) {
			t.Errorf("%T gives two results", in)
		}
	}
}
