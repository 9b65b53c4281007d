package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// pass reads and passes a vehicle through a lane that leads from one zone into another.
func (p *pen) passZone(dir fact.Dir, from, to, text string) fact.ID {
	r := p.write(fact.KindRead, fact.Read{Lane: from + "-" + to, Dir: dir, Device: "cam", Event: fmt.Sprint(p.head.Seq), From: from, To: to}, car(text, plate.ColourBlue))
	p.decide(r, dir, fact.Open)
	p.pass(r, dir, fact.Passed)
	return r
}

func TestStaysInNestedLots(t *testing.T) {
	p := newPen(0)
	in := p.passZone(fact.Entry, "", "parent", "粤B1")
	p.at = noon.Add(5 * time.Minute)
	p.passZone(fact.Inner, "parent", "child", "粤B1")
	if b := Fold(p.out); b.InsideZone("child") != 1 || b.InsideZone("parent") != 0 || b.InsideCount() != 1 {
		t.Errorf("child %d, parent %d of %d", b.InsideZone("child"), b.InsideZone("parent"), b.InsideCount())
	}
	p.at = noon.Add(6 * time.Minute)
	p.passZone(fact.Inner, "parent", "child", "粤B1") // read twice
	p.at = noon.Add(2 * time.Hour)
	p.passZone(fact.Inner, "child", "parent", "粤B1")
	p.at = noon.Add(130 * time.Minute)
	p.passZone(fact.Exit, "parent", "", "粤B1")
	b := Fold(p.out)
	s := only(t, b)
	if s.ID != in || s.State != Left || len(s.Moves) != 2 || !slices.Equal(s.Flags, []Flag{Doubled}) || b.InsideZone("parent") != 0 {
		t.Fatalf("session %s", text(s))
	}
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	want := []Stay{{"parent", noon, at(5)}, {"child", at(5), at(120)}, {"parent", at(120), at(130)}}
	if got := s.Stays(at(999)); !slices.Equal(got, want) {
		t.Errorf("stays %v, want %v", got, want)
	}
}

func TestMissedPassageBetweenZonesIsSaid(t *testing.T) {
	p := newPen(0)
	p.passZone(fact.Entry, "", "parent", "粤B1")
	p.at = noon.Add(time.Hour)
	p.passZone(fact.Inner, "child", "parent", "粤B1")
	if s := only(t, Fold(p.out)); !slices.Contains(s.Flags, ZoneGap) || s.Zone() != "parent" {
		t.Errorf("session %s", text(s))
	}
}

func TestFirstSeenBetweenZones(t *testing.T) {
	p := newPen(0)
	p.passZone(fact.Inner, "parent", "child", "粤B1")
	p.at = noon.Add(time.Minute)
	p.passZone(fact.Inner, "parent", "child", "无牌车")
	if s := only(t, Fold(p.out)); s.State != Inside || !slices.Contains(s.Flags, NoEntry) || s.Zone() != "child" {
		t.Errorf("session %s", text(s))
	}
}

// TestEarlierSemanticsKnowNoZones: to a book of version 1 an inner lane is a direction that nobody knows.
func TestEarlierSemanticsKnowNoZones(t *testing.T) {
	p := newPen(0)
	p.passZone(fact.Entry, "", "parent", "粤B1")
	p.at = noon.Add(time.Hour)
	p.passZone(fact.Inner, "parent", "child", "粤B1")
	b := NewBookOf(1)
	b.Add(p.out...)
	if s := only(t, b); len(s.Moves) != 0 || s.Zone() != "" || len(b.Poor()) != 2 {
		t.Errorf("session %s, poor %v", text(s), b.Poor())
	}
}
