package lane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

func TestEntryOpensOnceWithItsTariffPinned(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.arrive("粤B12345")
	p.read("粤B12345") // the camera reads the vehicle again while it stands there
	p.cross()
	p.wantStory("read open:entry open=done read passed")
	p.wantDid("open", "close")
	s := p.only("粤B12345")
	if s.State != session.Inside || s.Tariff == nil || s.Tariff.ID != "per-hour" || s.Entry.Basis != session.Crossed {
		t.Errorf("session %+v", s)
	}
	if got := p.shown[len(p.shown)-1].Lines; got[0] != "粤B12345" || got[1] != "欢迎光临" {
		t.Errorf("display shows %q", got)
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(p *post)
		stay   time.Duration
		plate  string
		after  func(p *post)
		story  string
		did    string
		state  session.State
		paid   int
		debt   int
	}{
		{"within the free minutes", nil, 10 * time.Minute, "粤B12345", nil, "read open:free bill:0/0 open=done passed", "open close", session.Left, 0, 0},
		{"paid before and in grace", func(p *post) { p.wait(time.Hour + time.Minute); p.pay(p.only("粤B12345").ID, 10) }, 5 * time.Minute, "粤B12345", nil,
			"read open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"pays by phone at the barrier", nil, 90 * time.Minute, "粤B12345", func(p *post) {
			p.wait(20 * time.Second)
			p.pay(p.only("粤B12345").ID, 10)
			p.feed(Changed{})
		}, "read hold:unpaid payment.received open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"pays cash", nil, 90 * time.Minute, "粤B12345", func(p *post) {
			if r := p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"}); r.Verdict != Done {
				p.t.Errorf("cash: %+v", r)
			}
		}, "read hold:unpaid cash.taken open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"pays half in cash, the rest by phone", nil, 90 * time.Minute, "粤B12345", func(p *post) {
			p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 400, Action: "c1"})
			if l := p.state.Live(p.at()); l.Due != 600 {
				p.t.Errorf("due after half is %d", l.Due)
			}
			p.pay(p.only("粤B12345").ID, 6)
			p.feed(Changed{})
		}, "read hold:unpaid cash.taken payment.received open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"opened by hand is a debt", nil, 90 * time.Minute, "粤B12345", func(p *post) {
			if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "queue"}); r.Verdict != Done {
				p.t.Errorf("open: %+v", r)
			}
		}, "read hold:unpaid open:manual bill:1000/1000 open=done passed", "open close", session.Left, 0, 1000},
		{"waived by hand is free", nil, 90 * time.Minute, "粤B12345", func(p *post) {
			p.ask(Ask{Want: WantOpen, Waive: true, Token: p.state.Token(), Note: "ambulance"})
		}, "read hold:unpaid open:waived bill:1000/0 open=done passed", "open close", session.Left, 0, 0},
		{"misread, one plausible", nil, 90 * time.Minute, "粤B1234S", func(p *post) {
			p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"})
		}, "read session.matched hold:unpaid cash.taken open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"misread, corrected at the booth", nil, 90 * time.Minute, "京A99999", func(p *post) {
			p.ask(Ask{Want: WantCorrect, Token: p.state.Token(), Plate: mustPlate(p.t, "粤B12345")})
			p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"})
		}, "read hold:no_entry plate.corrected hold:unpaid cash.taken open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
		{"two plausible, a person picks", func(p *post) { p.enter("粤B12346") }, 90 * time.Minute, "粤B1234", func(p *post) {
			l := p.state.Live(p.at())
			if len(l.Similar) != 2 {
				p.t.Fatalf("candidates %+v", l.Similar)
			}
			p.ask(Ask{Want: WantMatch, Token: p.state.Token(), Session: p.only("粤B12345").ID})
			p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"})
		}, "read hold:no_entry session.matched hold:unpaid cash.taken open:paid bill:1000/0 open=done passed", "open close", session.Left, 1000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.enter("粤B12345")
			if c.before != nil {
				c.before(p)
			}
			p.wait(c.stay)
			p.begin()
			p.arrive(c.plate)
			if c.after != nil {
				if len(p.did) > 0 {
					t.Fatalf("it opened before anybody settled: %v", p.did)
				}
				p.wait(3 * time.Second)
				c.after(p)
			}
			p.cross()
			p.wantStory(c.story)
			p.wantDid(strings.Fields(c.did)...)
			s := p.only("粤B12345")
			if s.State != c.state || int(s.Money.Paid) != c.paid || int(s.Money.Debt) != c.debt {
				t.Errorf("session is %s, paid %d, debt %d; want %s, %d, %d", s.State, s.Money.Paid, s.Money.Debt, c.state, c.paid, c.debt)
			}
		})
	}
}

func TestUnlicensedCarIsPickedAtTheExit(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.arrive("无牌车")
	p.cross()
	inside := p.book.Inside()
	if len(inside) != 1 || !inside[0].Plate.None() {
		t.Fatalf("inside: %+v", inside)
	}
	p.wait(90 * time.Minute)
	p.state = New(Setting{Lane: "exit-1", Dir: fact.Exit, Boot: "boot1"})
	p.feed(Sensed{driver.LoopArrive, false})
	p.feed(Sensed{driver.LoopSafety, false})
	p.feed(Arm{driver.ArmDown})
	p.begin()
	p.arrive("无牌车")
	l := p.state.Live(p.at())
	if l.Reason != ReasonNoPlate || len(l.Similar) != 1 {
		t.Fatalf("live %+v", l)
	}
	if r := p.ask(Ask{Want: WantMatch, Token: p.state.Token(), Session: l.Similar[0].Session}); r.Verdict != Done {
		t.Fatalf("match: %+v", r)
	}
	p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000, Action: "c1"})
	p.cross()
	p.wantStory("read hold:no_plate session.matched hold:unpaid cash.taken open:paid bill:1000/0 open=done passed")
	s, _ := p.book.Session(inside[0].ID)
	if s.State != session.Left || s.Money.Paid != 1000 || len(p.book.Sessions()) != 1 {
		t.Errorf("session %+v of %d", s, len(p.book.Sessions()))
	}
}

func TestReadsThatMoveNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *post)
		want string
	}{
		{"from the camera's memory", func(p *post) {
			p.on(driver.LoopArrive)
			p.feed(Read{Device: "cam-1", Event: "m", Plate: mustPlate(p.t, "粤B12345"), Stamp: p.wall, Received: p.wall, Memory: true})
		}, "late"},
		{"six hours old by the learnt clock", func(p *post) {
			p.arrive("粤A00001")
			p.cross()
			p.wait(time.Minute)
			p.begin()
			p.on(driver.LoopArrive)
			p.feed(Read{Device: "cam-1", Event: "o", Plate: mustPlate(p.t, "粤B12345"), Stamp: p.wall.Add(-6 * time.Hour), Received: p.wall})
		}, "late"},
		{"from the future by the learnt clock", func(p *post) {
			p.arrive("粤A00001")
			p.cross()
			p.begin()
			p.on(driver.LoopArrive)
			p.feed(Read{Device: "cam-1", Event: "f", Plate: mustPlate(p.t, "粤B12345"), Stamp: p.wall.Add(time.Hour), Received: p.wall})
		}, "late"},
		{"of a clock not learnt, with nobody on the loop", func(p *post) { p.read("粤B12345"); p.wait(5 * time.Second) }, "late"},
		{"that waited here too long", func(p *post) {
			p.on(driver.LoopArrive)
			p.feed(Read{Device: "cam-9", Event: "w", Plate: mustPlate(p.t, "粤B12345"), Received: p.wall.Add(-13 * time.Second)})
		}, "late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			p.did = nil
			c.do(p)
			p.wantStory(c.want)
			for _, d := range p.did {
				if d == "open" {
					t.Error("the barrier was opened")
				}
			}
		})
	}
}

func TestReadOfUnknownAgeWaitsForItsLoop(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.read("粤B12345")
	p.wait(200 * time.Millisecond) // the board is asked only now and then
	p.wantStory("")
	p.on(driver.LoopArrive)
	p.wantStory("read open:entry open=done")
}

func TestCameraClockIsLearntAndTold(t *testing.T) {
	p := newPost(t, fact.Entry)
	ahead := 7 * time.Minute
	for i := range 3 {
		p.on(driver.LoopArrive)
		p.wait(time.Second)
		p.reads++
		p.feed(Read{Device: "cam-1", Event: fmt.Sprint("x", i), Plate: mustPlate(t, fmt.Sprintf("粤B1000%d", i)), Stamp: p.wall.Add(ahead), Received: p.wall})
		p.cross()
		p.wait(time.Minute)
	}
	p.wantStory("clock.offset read open:entry open=done passed read open:entry open=done passed read open:entry open=done passed")
	b, err := fact.Decode[fact.Clock](&p.facts[0])
	if err != nil || b.OffsetMS != -ahead.Milliseconds() || b.Source != "cam-1" || b.Boot != "boot1" {
		t.Errorf("clock fact %+v, %v", b, err)
	}
	// The camera's clock is set right: one read that disagrees moves nothing, a second vehicle's turns the clock.
	p.begin()
	p.arrive("粤B20001")
	p.wantStory("late")
	p.off(driver.LoopArrive)
	p.wait(10 * time.Second)
	p.arrive("粤B20002")
	p.wantStory("late clock.offset read open:entry open=done")
}

func TestReversing(t *testing.T) {
	t.Run("out of the exit after paying", func(t *testing.T) {
		p := newPost(t, fact.Exit)
		p.enter("粤B12345")
		p.wait(10 * time.Minute)
		p.begin()
		p.arrive("粤B12345")
		p.wait(2 * time.Second)
		p.off(driver.LoopArrive) // backs out
		p.wait(20 * time.Second)
		p.wantStory("read open:free bill:0/0 open=done reversed")
		p.wantDid("open", "close")
		if s := p.only("粤B12345"); s.State != session.Inside || s.Bill != nil {
			t.Errorf("it is still inside and not billed, but the session is %s, bill %v", s.State, s.Bill)
		}
		p.wait(2 * time.Hour)
		p.arrive("粤B12345")
		if l := p.state.Live(p.at()); l.Due != 1500 {
			t.Errorf("later it owes %d, want 1500", l.Due)
		}
	})
	t.Run("while held", func(t *testing.T) {
		p := newPost(t, fact.Exit)
		p.enter("粤B12345")
		p.wait(2 * time.Hour)
		p.begin()
		p.arrive("粤B12345")
		p.off(driver.LoopArrive)
		p.wait(10 * time.Second)
		p.wantStory("read hold:unpaid reversed")
		if p.state.Token().Car != 0 || p.only("粤B12345").State != session.Inside {
			t.Error("the vehicle is not gone from the lane, or has left the lot")
		}
	})
	t.Run("at the entry", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.arrive("粤B12345")
		p.wait(time.Second)
		p.off(driver.LoopArrive)
		p.wait(20 * time.Second)
		p.wantStory("read open:entry open=done reversed")
		if len(p.book.Sessions()) != 0 {
			t.Errorf("sessions %+v", p.book.Sessions())
		}
	})
}

func TestFollowerIsJudgedByItself(t *testing.T) {
	t.Run("held behind one that leaves", func(t *testing.T) {
		p := newPost(t, fact.Exit)
		p.enter("粤B11111")
		p.wait(2 * time.Hour)
		p.enter("粤B22222")
		p.wait(5 * time.Minute)
		p.begin()
		p.arrive("粤B22222") // free minutes: it may go
		p.wait(time.Second)
		p.on(driver.LoopSafety)
		p.off(driver.LoopArrive)
		p.wait(500 * time.Millisecond)
		p.arrive("粤B11111") // right behind it
		p.wantDid("open")
		p.off(driver.LoopSafety)
		p.wait(time.Second)
		p.wantDid("open", "close")
		p.wantStory("read open:free bill:0/0 open=done read passed hold:unpaid")
		if l := p.state.Live(p.at()); l.Due != 1500 || l.Plate.Text != "粤B11111" {
			t.Errorf("live %+v", l)
		}
	})
	t.Run("through on its heels", func(t *testing.T) {
		p := newPost(t, fact.Exit)
		p.enter("粤B11111")
		p.wait(2 * time.Hour)
		p.enter("粤B22222")
		p.wait(5 * time.Minute)
		p.begin()
		p.arrive("粤B22222")
		p.wait(time.Second)
		p.on(driver.LoopSafety)
		p.off(driver.LoopArrive)
		p.wait(300 * time.Millisecond)
		p.arrive("粤B11111")
		p.wait(300 * time.Millisecond)
		p.off(driver.LoopArrive) // the safety loop never clears between the two
		p.wait(time.Second)
		p.off(driver.LoopSafety)
		p.wait(time.Second)
		p.wantStory("read open:free bill:0/0 open=done read passed hold:tailgate bill:1500/1500 passed")
		if s := p.only("粤B11111"); s.State != session.Left || s.Money.Debt != 1500 {
			t.Errorf("the follower's session is %s with a debt of %d", s.State, s.Money.Debt)
		}
	})
	t.Run("bumper to bumper, the loops never fall between", func(t *testing.T) {
		for _, then := range []string{"nobody", "another", "itself"} {
			p := newPost(t, fact.Exit)
			p.enter("粤B11111")
			p.wait(2 * time.Hour)
			p.enter("粤B22222")
			p.enter("京C33333")
			p.wait(5 * time.Minute)
			p.begin()
			p.arrive("粤B22222")
			p.wait(time.Second)
			p.on(driver.LoopSafety)
			p.wait(time.Second)
			p.read("粤B11111")
			p.wait(400 * time.Millisecond)
			p.off(driver.LoopArrive)
			p.wait(500 * time.Millisecond)
			p.off(driver.LoopSafety)
			first, tail := "read open:free bill:0/0 open=done read passed ", "hold:tailgate bill:1500/1500 passed"
			switch then {
			case "nobody":
				p.wait(5 * time.Second)
				p.wantStory(first + tail)
			case "another":
				p.wait(300 * time.Millisecond)
				p.arrive("京C33333")
				p.wantStory(first + "read " + tail + " open:free bill:0/0 open=done")
			case "itself":
				p.wait(300 * time.Millisecond)
				p.arrive("粤B11111")
				p.wait(10 * time.Second)
				p.wantStory(first + "read hold:unpaid")
			}
		}
	})
	t.Run("its paid plate does not open for who stands in front", func(t *testing.T) {
		p := newPost(t, fact.Exit)
		p.enter("粤B11111")
		p.wait(2 * time.Hour)
		p.enter("京C88888")
		p.wait(5 * time.Minute)
		p.begin()
		p.arrive("粤B11111") // owes
		p.read("京C88888")   // the camera sees the one behind, who may leave free
		p.wait(time.Minute)
		p.wantDid()
		p.wantStory("read hold:unpaid read")
	})
}

func TestUnreadCar(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.on(driver.LoopArrive)
	p.wait(15 * time.Second)
	p.wantDid("shoot")
	if l := p.state.Live(p.at()); len(l.Faults) != 1 || l.Faults[0] != "unread" || l.Waiting == nil || l.Token.Car != 1 {
		t.Errorf("live %+v", l)
	}
	if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "camera dirty"}); r.Verdict != Done {
		t.Fatalf("open: %+v", r)
	}
	p.cross()
	p.wantStory("read open:manual open=done passed")
	if in := p.book.Inside(); len(in) != 1 || !in[0].Plate.None() {
		t.Errorf("inside %+v", in)
	}
}

func TestCarLetInUnreadIsNamedByItsLaterRead(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.on(driver.LoopArrive)
	p.wait(5 * time.Second)
	p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "camera dirty"})
	p.read("粤B12345")
	p.cross()
	p.wantStory("read open:manual open=done read plate.corrected passed")
	if s := p.only("粤B12345"); s.State != session.Inside {
		t.Errorf("session %+v", s)
	}
}

func TestAsksThatDoNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  func(p *post) Ask
		want Verdict
	}{
		{"another vehicle's token", func(p *post) Ask {
			k := p.state.Token()
			k.Car--
			return Ask{Want: WantOpen, Token: k, Note: "x"}
		}, Mismatched},
		{"another run's token", func(p *post) Ask {
			k := p.state.Token()
			k.Boot = "boot0"
			return Ask{Want: WantOpen, Token: k, Note: "x"}
		}, Mismatched},
		{"open without a reason", func(p *post) Ask { return Ask{Want: WantOpen, Token: p.state.Token()} }, Invalid},
		{"cash above what is due", func(p *post) Ask {
			return Ask{Want: WantCash, Token: p.state.Token(), Amount: 1001, Action: "c"}
		}, Invalid},
		{"cash below zero", func(p *post) Ask {
			return Ask{Want: WantCash, Token: p.state.Token(), Amount: -5, Action: "c"}
		}, Invalid},
		{"cash without an id", func(p *post) Ask { return Ask{Want: WantCash, Token: p.state.Token(), Amount: 1000} }, Invalid},
		{"a session that is no candidate", func(p *post) Ask {
			return Ask{Want: WantMatch, Token: p.state.Token(), Session: p.only("粤B12345").ID}
		}, Invalid},
		{"a correction without a plate", func(p *post) Ask { return Ask{Want: WantCorrect, Token: p.state.Token()} }, Invalid},
		{"nonsense", func(p *post) Ask { return Ask{Want: "dance", Token: p.state.Token()} }, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.enter("粤B12345")
			p.wait(90 * time.Minute)
			p.arrive("粤B12345")
			p.begin()
			if r := p.ask(c.ask(p)); r.Verdict != c.want || r.Text.ZH == "" || r.Text.EN == "" {
				t.Errorf("verdict %+v, want %s with a text in both languages", r, c.want)
			}
			p.wantDid()
			p.wantStory("")
		})
	}
}

func TestCommandsOfTheCloud(t *testing.T) {
	held := func(t *testing.T) (*post, wire.Command) {
		p := newPost(t, fact.Exit)
		p.enter("粤B12345")
		p.wait(90 * time.Minute)
		p.arrive("粤B12345")
		p.begin()
		l := p.state.Live(p.at())
		return p, wire.Command{ID: "k1", Lane: "exit-1", Action: wire.OpenBarrier, Token: l.Token, Reason: "paid by transfer", By: "seat-3", TTL: wire.CommandTTL, Seen: l.Mono}
	}
	of := func(c wire.Command) Ask {
		return Ask{Want: WantOpen, Token: c.Token, By: c.By, Note: c.Reason, Command: &c}
	}
	t.Run("opens once", func(t *testing.T) {
		p, c := held(t)
		p.wait(3 * time.Second)
		if r := p.ask(of(c)); r.Verdict != Done || r.Fact.IsZero() {
			t.Errorf("first: %+v", r)
		}
		if r := p.ask(of(c)); r.Verdict != Replayed {
			t.Errorf("again: %+v", r)
		}
		p.wantDid("open")
		p.wantStory("open:command bill:1000/1000 open=done command=done command=replayed")
	})
	t.Run("too late", func(t *testing.T) {
		p, c := held(t)
		c.TTL = time.Hour // the cloud may not stretch it
		p.wait(11 * time.Second)
		if r := p.ask(of(c)); r.Verdict != Expired {
			t.Errorf("%+v", r)
		}
		p.wantDid()
		p.wantStory("command=expired")
	})
	t.Run("seen in the future", func(t *testing.T) {
		p, c := held(t)
		c.Seen += wire.Mono(time.Hour)
		if r := p.ask(of(c)); r.Verdict != Expired {
			t.Errorf("%+v", r)
		}
		p.wantDid()
	})
	t.Run("for the vehicle before", func(t *testing.T) {
		p, c := held(t)
		p.off(driver.LoopArrive)
		p.wait(4 * time.Second)
		p.arrive("京A55555")
		p.begin()
		if r := p.ask(of(c)); r.Verdict != Mismatched {
			t.Errorf("%+v", r)
		}
		p.wantDid()
		p.wantStory("command=mismatched")
	})
	t.Run("barrier does not answer", func(t *testing.T) {
		p, c := held(t)
		p.deaf = true
		if r := p.ask(of(c)); r.Verdict != Unknown {
			t.Errorf("%+v", r)
		}
		p.wantStory("open:command bill:1000/1000 open=unknown command=unknown")
	})
}

func TestBarrierThatDoesNotMoveIsAskedAgainAndThenIsAFault(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.deaf = true
	p.arrive("粤B12345")
	p.wait(30 * time.Second)
	p.wantDid("open", "open", "open")
	if l := p.state.Live(p.at()); len(l.Faults) != 1 || l.Faults[0] != "arm" {
		t.Errorf("faults %v", l.Faults)
	}
}

func TestJournalThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct{ policy, did, shown string }{{"hold", "", "系统故障 请联系岗亭"}, {"open", "open close", "系统故障 请通行"}} {
		t.Run(c.policy, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			p.config.Policy.JournalX = c.policy
			p.broken = true
			p.arrive("粤B12345")
			if l := p.state.Live(p.at()); len(l.Faults) != 1 || l.Faults[0] != "journal" {
				t.Errorf("faults %v", l.Faults)
			}
			if got := p.shown[len(p.shown)-1].Lines[1]; got != c.shown {
				t.Errorf("display shows %q, want %q", got, c.shown)
			}
			if c.policy == "hold" {
				if r := p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "x"}); r.Verdict != Refused {
					t.Errorf("open: %+v", r)
				}
			} else {
				p.cross()
			}
			p.wantDid(strings.Fields(c.did)...)
		})
	}
	t.Run("and then can", func(t *testing.T) {
		p := newPost(t, fact.Entry)
		p.broken = true
		p.arrive("粤B12345")
		p.wait(time.Second)
		p.broken = false
		p.wait(10 * time.Second)
		p.wantStory("read open:entry open=done")
		if len(p.state.Faults()) != 0 {
			t.Errorf("faults %v", p.state.Faults())
		}
	})
}

func TestArmFoundRaisedWithNobodyThereIsLowered(t *testing.T) {
	p := &post{site: newSite(t), told: map[uint64]Reply{}}
	p.state = New(Setting{Lane: "entry-1", Dir: fact.Entry, Boot: "b"})
	p.feed(Arm{driver.ArmUp})
	p.wantDid()
	p.feed(Sensed{driver.LoopArrive, false})
	p.feed(Sensed{driver.LoopSafety, true})
	p.wait(time.Minute)
	p.wantDid()
	p.feed(Sensed{driver.LoopSafety, false})
	p.wantDid("close")
}

func TestFireOpensAndKeepsOpen(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.arrive("粤B12345")
	p.begin()
	p.on(driver.FireAlarm)
	p.cross()
	p.wait(time.Minute)
	p.wantDid("open")
	p.wantStory("fire.changed open:fire open=done passed")
	p.off(driver.FireAlarm)
	p.wait(5 * time.Second)
	p.wantDid("open", "close")
	if s := p.only("粤B12345"); s.State != session.Left || s.Money.Debt != 0 {
		t.Errorf("session is %s with a debt of %d", s.State, s.Money.Debt)
	}
}

func TestTextsAreForTheDisplay(t *testing.T) {
	check := func(m Message) {
		t.Helper()
		for _, l := range append([]string{m.Voice}, m.Lines...) {
			if _, err := simplifiedchinese.GBK.NewEncoder().String(l); err != nil {
				t.Errorf("%q is not in GBK: %v", l, err)
			}
		}
		if m.En == "" {
			t.Errorf("%q has no English", m.Lines)
		}
	}
	for _, dir := range []fact.Dir{fact.Entry, fact.Exit} {
		check(idle(dir))
		for _, mode := range []fact.LaneMode{fact.HeldOpen, fact.Locked, fact.Convoy} {
			check((&step{State: State{Mode: Mode{Kind: mode}}}).idle())
		}
		check(unread(dir))
		for _, reason := range []string{ReasonEntry, ReasonFree, ReasonPaid, ReasonAgain, ReasonUnpaid, ReasonNoEntry, ReasonNoPlate, ReasonNoPrice, ReasonJournal, ReasonManual, ReasonLocked, ReasonOpen, ReasonConvoy, ReasonFull, ReasonInside, ReasonRepeated} {
			for _, action := range []fact.Action{fact.Open, fact.Hold} {
				p := newPost(t, fact.Exit)
				p.enter("粤B12345")
				p.wait(26*time.Hour + 31*time.Minute)
				p.arrive("粤B12345")
				s := &step{State: p.state, at: p.at()}
				s.Dir, s.Car.Reason, s.Car.Action = dir, reason, action
				check(s.message())
			}
		}
	}
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(2*time.Hour + 5*time.Minute)
	p.arrive("粤B12345")
	m := p.shown[len(p.shown)-1]
	if got, want := strings.Join(m.Lines, "|")+"|"+m.Voice+"|"+m.En, "粤B12345|请缴费15元|停车2小时5分|请缴费15元|Please pay ¥15.00"; got != want {
		t.Errorf("shown %q, want %q", got, want)
	}
}
