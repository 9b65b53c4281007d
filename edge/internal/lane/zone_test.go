package lane

import (
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// newInner is a lane from a parent lot into the lot that is nested in it.
func newInner(t *testing.T) *post {
	p := newPostOf(t, Setting{Lane: "inner-1", Dir: fact.Inner, Boot: "boot1", From: "parent", To: "child"})
	p.config.Zones = []wire.Zone{{ID: "parent"}, {ID: "child", Capacity: 1}}
	return p
}

func TestInnerLaneMovesAVehicleIntoItsZone(t *testing.T) {
	for _, c := range []struct{ name, read, story string }{
		{"read as at the entry", "粤B12345", "read open:inner open=done passed"},
		{"misread, one plausible", "粤B1234S", "read session.matched open:inner open=done passed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newInner(t)
			p.enter("粤B12345")
			p.wait(time.Hour)
			p.begin()
			p.arrive(c.read)
			p.cross()
			p.wantStory(c.story)
			s := p.only("粤B12345")
			if s.State != session.Inside || s.Zone() != "child" || len(s.Moves) != 1 || s.Moves[0].Basis != session.Crossed || p.book.InsideZone("child") != 1 {
				t.Errorf("session %+v", s)
			}
		})
	}
}

func TestWhoWasNotSeenToEnterMayMoveOn(t *testing.T) {
	p := newInner(t)
	p.arrive("粤B12345")
	p.cross()
	p.wantStory("read open:inner open=done passed")
	if s := p.only("粤B12345"); s.State != session.Inside || s.Zone() != "child" {
		t.Errorf("session %+v", s)
	}
}

func TestFullZoneIsFullForItself(t *testing.T) {
	p := newInner(t)
	p.config.Policy.Passage.Full = "refuse"
	p.enter("京A00001")
	p.enter("粤B12345")
	p.wait(time.Minute)
	p.arrive("京A00001")
	p.cross()
	p.wait(time.Minute)
	p.begin()
	p.arrive("粤B12345")
	p.wantStory("read hold:full")
	p.wantDid()
}
