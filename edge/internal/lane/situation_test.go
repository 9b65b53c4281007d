package lane

import (
	"slices"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

func TestFullLot(t *testing.T) {
	for _, c := range []struct {
		name, policy, plate, story string
		inside                     []string
	}{
		{"opens for everybody where nothing is said", "", "粤B12345", "read open:entry open=done", []string{"京A00001", "京A00002"}},
		{"opens for everybody where the lot says so", "open", "粤B12345", "read open:entry open=done", []string{"京A00001", "京A00002"}},
		{"refuses", "refuse", "粤B12345", "read hold:full", []string{"京A00001", "京A00002"}},
		{"refuses who has a permit too", "refuse", "粤B88888", "read hold:full", []string{"京A00001", "京A00002"}},
		{"is for permits only", "permits", "粤B12345", "read hold:full", []string{"京A00001", "京A00002"}},
		{"has a place for a permit", "permits", "粤B88888", "read open:entry open=done", []string{"京A00001", "京A00002"}},
		{"but not for one that has run out", "permits", "粤B99999", "read hold:full", []string{"京A00001", "京A00002"}},
		{"with one place left is not full", "refuse", "粤B12345", "read open:entry open=done", []string{"京A00001"}},
		{"whoever is inside already takes no other place", "refuse", "京A00001", "read open:entry open=done", []string{"京A00001", "京A00002"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Entry)
			p.config.Capacity, p.config.Policy.Passage.Full = 2, c.policy
			p.config.Free = []wire.FreePlate{
				{Plate: "粤B88888", From: p.wall.Add(-time.Hour), To: p.wall.Add(240 * time.Hour)},
				{Plate: "粤B99999", From: p.wall.Add(-time.Hour), To: p.wall.Add(time.Minute)},
			}
			for _, text := range c.inside {
				p.enter(text)
			}
			p.wait(time.Hour)
			p.begin()
			p.arrive(c.plate)
			p.wantStory(c.story)
		})
	}
}

func TestWhoWaitsAtAFullLotEntersWhenSomebodyLeaves(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.config.Capacity, p.config.Policy.Passage.Full = 1, "refuse"
	in := p.enter("京A00001")
	p.wait(time.Hour)
	p.begin()
	p.arrive("粤B12345")
	if m := p.shown[len(p.shown)-1]; m.Lines[1] != "车位已满" {
		t.Errorf("display shows %+v", m)
	}
	p.append(fact.Draft{At: p.wall, Source: "person", Kind: fact.KindAdded, Refs: []fact.ID{in}, Body: fact.Added{Dir: fact.Exit, By: "li"}})
	p.feed(Changed{})
	p.wantStory("read hold:full visit.added open:entry open=done")
}

// TestEntryWithoutExit: who enters that is inside already must have left unseen. The lot says whether a person looks first.
func TestEntryWithoutExit(t *testing.T) {
	for _, c := range []struct{ policy, story string }{
		{"", "read open:entry open=done passed"},
		{"hold", "read hold:inside open:manual open=done passed"},
	} {
		p := newPost(t, fact.Entry)
		p.config.Policy.Passage.Inside = c.policy
		first := p.enter("粤B12345")
		p.wait(26 * time.Hour)
		p.begin()
		p.arrive("粤B12345")
		if c.policy == "hold" {
			p.ask(Ask{Want: WantOpen, Token: p.state.Token(), Note: "left by the other gate"})
		}
		p.cross()
		p.wantStory(c.story)
		s, _ := p.book.Session(first)
		if s.State != session.Lost || !slices.Contains(s.Flags, session.NoExit) || len(p.book.Inside()) != 1 || s.Money.Debt != 0 {
			t.Errorf("policy %q: sessions %+v", c.policy, p.book.Sessions())
		}
	}
}

func TestReadAgainAtTheEntry(t *testing.T) {
	for _, c := range []struct{ policy, story string }{
		{"", "read open:entry open=done passed"},
		{"hold", "read hold:repeated"},
	} {
		p := newPost(t, fact.Entry)
		p.config.Policy.Passage.Repeated = c.policy
		p.enter("粤B12345") // at another entry
		p.wait(time.Minute)
		p.begin()
		p.arrive("粤B12345")
		if c.policy == "" {
			p.cross()
		}
		p.wantStory(c.story)
		if s := p.only("粤B12345"); s.State != session.Inside {
			t.Errorf("policy %q: session %+v", c.policy, s)
		}
	}
}

// TestWhoWasLetInWhenTheBoothDiedIsLetInAgain, also where the lot holds who is inside already.
func TestWhoWasLetInWhenTheBoothDiedIsLetInAgain(t *testing.T) {
	p := newPost(t, fact.Entry)
	p.config.Policy.Passage.Inside, p.config.Policy.Passage.Repeated = "hold", "hold"
	p.arrive("粤B12345")
	p.wait(5 * time.Second)
	p.begin()
	p.restart("boot2")
	p.arrive("粤B12345")
	p.cross()
	p.wantStory("read open:entry open=done passed")
	if s := p.only("粤B12345"); s.State != session.Inside {
		t.Errorf("session %+v", s)
	}
}

func TestTailgaterIsBilledAsTheLotSays(t *testing.T) {
	for _, c := range []struct {
		policy, story string
		debt          int
	}{
		{"", "read open:free bill:0/0 open=done read passed hold:tailgate bill:1500/1500 passed", 1500},
		{"record", "read open:free bill:0/0 open=done read passed hold:tailgate passed", 0},
	} {
		p := newPost(t, fact.Exit)
		p.config.Policy.Passage.Tailgate = c.policy
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
		p.off(driver.LoopArrive)
		p.wait(time.Second)
		p.off(driver.LoopSafety)
		p.wait(time.Second)
		p.wantStory(c.story)
		if s := p.only("粤B11111"); s.State != session.Left || int(s.Money.Debt) != c.debt {
			t.Errorf("policy %q: the follower is %s with a debt of %d", c.policy, s.State, s.Money.Debt)
		}
	}
}

// TestFireIsSettledLater: nobody pays while it burns; where the lot says so, what was due is a debt afterwards.
func TestFireIsSettledLater(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.config.Policy.Passage.Fire = "bill"
	p.enter("粤B12345")
	p.enter("京C88888")
	p.wait(90 * time.Minute)
	p.on(driver.FireAlarm)
	p.begin()
	p.wait(10 * time.Second)
	for _, text := range []string{"粤B12345", "京C88888"} {
		p.arrive(text)
		p.cross()
	}
	p.off(driver.FireAlarm)
	p.wait(5 * time.Second)
	for _, text := range []string{"粤B12345", "京C88888"} {
		if s := p.only(text); s.State != session.Left || s.Money.Debt != 1000 {
			t.Errorf("%s is %s with a debt of %d: %s", text, s.State, s.Money.Debt, p.story())
		}
	}
	s := p.only("粤B12345")
	p.pay(s.ID, 10)
	if s := p.only("粤B12345"); s.Money.Debt != 0 || s.Money.Paid != 1000 {
		t.Errorf("settled: %+v", s.Money)
	}
}

// TestDriversReadAtExitWhoParkAllDay: read at the entry, read at the exit minutes later without leaving, parked all day.
func TestDriversReadAtExitWhoParkAllDay(t *testing.T) {
	parked := func(t *testing.T, minutes int) *post {
		p := newPost(t, fact.Exit)
		p.config.Policy.Passage.SuspectExit = minutes
		p.enter("粤B12345")
		p.wait(10 * time.Minute)
		p.arrive("粤B12345") // in the free minutes
		p.cross()           // over the loop and back
		if s := p.only("粤B12345"); s.State != session.Left || s.Money.Gross != 0 {
			t.Fatalf("session %+v", s)
		}
		p.wait(8 * time.Hour)
		p.begin()
		p.arrive("粤B12345")
		return p
	}
	t.Run("within the lot's window the stay revives", func(t *testing.T) {
		p := parked(t, 15)
		if l := p.state.Live(p.at()); l.Due != 4000 || l.Reason != ReasonUnpaid {
			t.Fatalf("live %+v", l)
		}
		p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 4000, Action: "c1"})
		p.cross()
		p.wantStory("read session.matched hold:unpaid cash.taken open:paid bill:4000/0 open=done passed")
		s := p.only("粤B12345")
		if s.State != session.Left || s.Money.Paid != 4000 || !slices.Contains(s.Flags, session.Revived) || len(s.Lapsed) != 1 {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("else a person says so", func(t *testing.T) {
		p := parked(t, 5)
		l := p.state.Live(p.at())
		if l.Reason != ReasonNoEntry || len(l.Similar) != 1 || l.Similar[0].Left == nil {
			t.Fatalf("live %+v", l)
		}
		if r := p.ask(Ask{Want: WantMatch, Token: p.state.Token(), Session: l.Similar[0].Session}); r.Verdict != Done {
			t.Fatalf("match: %+v", r)
		}
		p.ask(Ask{Want: WantCash, Token: p.state.Token(), Amount: 4000, Action: "c1"})
		p.cross()
		p.wantStory("read hold:no_entry session.matched hold:unpaid cash.taken open:paid bill:4000/0 open=done passed")
		if s := p.only("粤B12345"); s.Money.Paid != 4000 || !slices.Contains(s.Flags, session.Revived) {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("not when it is another day", func(t *testing.T) {
		p := parked(t, 15)
		p.off(driver.LoopArrive)
		p.wait(30 * time.Hour)
		p.begin()
		p.arrive("粤B12345")
		if l := p.state.Live(p.at()); l.Reason != ReasonNoEntry || len(l.Similar) != 0 {
			t.Errorf("live %+v", l)
		}
	})
}

// TestFireOpensWhateverTheJournalDoes: nobody is kept in by a full disk.
func TestFireOpensWhateverTheJournalDoes(t *testing.T) {
	for _, c := range []struct {
		name  string
		there bool
	}{{"with nobody there", false}, {"for who is held", true}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, fact.Exit)
			p.enter("粤B12345")
			p.wait(90 * time.Minute)
			if c.there {
				p.arrive("粤B12345")
			}
			p.begin()
			p.broken = true
			p.on(driver.FireAlarm)
			p.wantDid("open")
		})
	}
}

func TestFireWithNobodyThereIsRecordedBeforeItOpens(t *testing.T) {
	p := newPost(t, fact.Exit)
	p.enter("粤B12345")
	p.wait(90 * time.Minute)
	p.begin()
	p.on(driver.FireAlarm)
	p.wait(20 * time.Second)
	p.arrive("粤B12345")
	p.cross()
	p.on(driver.LoopArrive) // one that nobody reads
	p.cross()
	p.wantStory("fire.changed open=done read open:fire passed passed")
	p.wantDid("open")
	p.feed(Arm{driver.ArmDown}) // a barrier that closes by itself
	p.wait(5 * time.Second)
	p.wantDid("open", "open")
}
