package session

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// stay writes a whole stay and its bill, paid in cash.
func (p *pen) stay(text string, lasts time.Duration) (in, out fact.ID) {
	in = p.through(fact.Entry, text)
	p.at = p.at.Add(lasts)
	out = p.through(fact.Exit, text)
	p.cash(in, 500, in.String())
	p.bill(in, out, 500, 0)
	return in, out
}

func (p *pen) add(dir fact.Dir, hidden any, refs ...fact.ID) fact.ID {
	return p.writeFrom("person", fact.KindAdded, fact.Added{Dir: dir, By: "li", Note: "seen on video"}, hidden, refs...)
}

func TestMergedSessionsAreOneStay(t *testing.T) {
	p := newPen(0)
	in, out := p.stay("粤B1", time.Hour)
	p.at = p.at.Add(time.Hour)
	again, left := p.stay("粤B1", time.Hour)
	p.write(fact.KindMerged, fact.Merged{By: "li", Note: "never left"}, nil, again, in)
	b := Fold(p.out)
	s := only(t, b)
	if s.ID != in || !s.Has(again) || s.Entry.Fact != in || s.Exit.Fact != left || len(s.Lapsed) != 1 || s.Lapsed[0].Fact != out {
		t.Errorf("session %s", text(s))
	}
	if want := (Money{Gross: 500, Paid: 500, Excess: 500}); s.Money != want || !slices.Contains(s.Flags, Joined) || slices.Contains(s.Flags, TwoBills) {
		t.Errorf("money %+v, flags %v: the bill of the false exit lapses, what was paid for both counts", s.Money, s.Flags)
	}
	for _, id := range []fact.ID{in, out, again, left} {
		if found, ok := b.Session(id); !ok || found.ID != in {
			t.Errorf("%s names %v", id, found.ID)
		}
	}
}

func TestMergingWhatEnteredAgainUnseen(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(2 * time.Hour)
	again := p.through(fact.Entry, "粤B1")
	p.write(fact.KindMerged, fact.Merged{By: "li"}, nil, in, again) // named the other way round: the same
	if s := only(t, Fold(p.out)); s.ID != in || s.State != Inside || !s.Entry.At.Equal(noon) || slices.Contains(s.Flags, NoExit) {
		t.Errorf("session %s", text(s))
	}
}

func TestMergingAnExitOfAnotherPlateIntoItsEntry(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B12345")
	p.at = p.at.Add(time.Hour)
	out := p.through(fact.Exit, "京A00001")
	p.write(fact.KindMerged, fact.Merged{By: "li"}, nil, out, in)
	if s := only(t, Fold(p.out)); s.ID != in || s.State != Left || s.Exit.Fact != out || s.Plate.Text != "粤B12345" || !s.Has(out) {
		t.Errorf("session %s", text(s))
	}
}

func TestSplitLeavesPaymentsWithTheOriginal(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Minute)
	again := p.through(fact.Entry, "粤B1") // within the gap: taken as the same one read twice
	p.at = p.at.Add(time.Hour)
	p.cash(again, 500, "early")
	split := p.write(fact.KindSplit, fact.Split{By: "li", Note: "two cars of one plate"}, nil, again)
	p.cash(again, 700, "late")
	b := Fold(p.out)
	first, _ := b.Session(in)
	second, _ := b.Session(again)
	if first.ID == second.ID || first.State != Lost || second.State != Inside || !slices.Contains(first.Flags, Cut) || !slices.Contains(second.Flags, Cut) {
		t.Fatalf("sessions %s", text(b.Sessions()))
	}
	if len(first.Pays) != 1 || first.Pays[0].Amount != 500 || len(second.Pays) != 1 || second.Pays[0].Amount != 700 {
		t.Errorf("paid %+v and %+v", first.Pays, second.Pays)
	}
	// A later merge takes the split back, and a still later split takes the merge back.
	p.write(fact.KindMerged, fact.Merged{By: "li"}, nil, again, in)
	if s := only(t, Fold(p.out)); len(s.Pays) != 2 {
		t.Errorf("merged: %s", text(s))
	}
	p.write(fact.KindSplit, fact.Split{By: "li"}, nil, again)
	if n := len(Fold(p.out).Sessions()); n != 2 {
		t.Errorf("%d sessions after %s and another split", n, split)
	}
}

func TestSplitOffExitLeavesTheStayOpen(t *testing.T) {
	p := newPen(0)
	in, out := p.stay("粤B1", time.Hour)
	p.write(fact.KindSplit, fact.Split{By: "li", Note: "a copied plate left"}, nil, out)
	b := Fold(p.out)
	s, _ := b.Session(in)
	other, _ := b.Session(out)
	if s.State != Inside || s.Bill != nil || len(s.Pays) != 1 || other.ID != out || other.Bill != nil || len(other.Pays) != 0 {
		t.Errorf("sessions %s", text(b.Sessions()))
	}
}

func TestVoidedSessionOwesNothingAndWhatWasPaidIsToBeGivenBack(t *testing.T) {
	p := newPen(0)
	in, out := p.stay("粤B1", 38*24*time.Hour)
	p.write(fact.KindVoided, fact.Voided{By: "li", Note: "a stay of five minutes billed as 38 days"}, nil, out)
	s := only(t, Fold(p.out))
	if want := (Money{Excess: 500}); s.Money != want || s.Void == nil || s.Void.By != "li" || s.Bill == nil || s.ID != in {
		t.Errorf("session %s", text(s))
	}
	p.cash(in, 300, "paid after all") // a payment on its way when it was voided is to be given back too
	if s := only(t, Fold(p.out)); s.Money.Excess != 800 {
		t.Errorf("money %+v", s.Money)
	}
}

func TestVoidedVehicleIsNotInside(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.write(fact.KindVoided, fact.Voided{By: "li", Note: "passed by on the street"}, nil, in)
	if b := Fold(p.out); len(b.Inside()) != 0 || only(t, b).State != Lost {
		t.Errorf("sessions %s", text(b.Sessions()))
	}
}

func TestEndsAddedByAPerson(t *testing.T) {
	t.Run("an entry that no camera saw", func(t *testing.T) {
		p := newPen(0)
		p.at = noon.Add(3 * time.Hour)
		out := p.read(fact.Exit, "粤B12345")
		p.decide(out, fact.Exit, fact.Hold)
		now := p.at
		p.at = noon
		in := p.add(fact.Entry, car("粤B12345", plate.ColourUnknown))
		p.at = now
		if s := only(t, Fold(p.out)); s.ID != in || s.State != Inside || s.Held == nil || s.Entry.Basis != Told || s.Grade != Entered {
			t.Errorf("held: %s", text(s))
		}
		p.decide(out, fact.Exit, fact.Open)
		if s := only(t, Fold(p.out)); s.State != Left || s.Grade != OneEnd || !s.Entry.At.Equal(noon) {
			t.Errorf("released: %s", text(s))
		}
	})
	t.Run("an exit that no camera saw, of a car without a plate", func(t *testing.T) {
		p := newPen(0)
		in := p.through(fact.Entry, "无牌车")
		p.at = p.at.Add(time.Hour)
		p.add(fact.Exit, nil, in)
		if s := only(t, Fold(p.out)); s.State != Left || s.Exit.Basis != Told || s.Grade != OneEnd {
			t.Errorf("session %s", text(s))
		}
		// The entry is named afterwards: what was added goes with it.
		p.write(fact.KindCorrected, fact.Corrected{By: "li"}, car("粤B1", plate.ColourBlue), in)
		if s := only(t, Fold(p.out)); s.State != Left || s.Plate.Text != "粤B1" {
			t.Errorf("renamed: %s", text(s))
		}
	})
	t.Run("both ends", func(t *testing.T) {
		p := newPen(0)
		p.add(fact.Entry, car("粤B1", plate.ColourBlue))
		p.at = p.at.Add(time.Hour)
		p.add(fact.Exit, car("粤B1", plate.ColourBlue))
		if s := only(t, Fold(p.out)); s.State != Left || s.Grade != Entered {
			t.Errorf("session %s", text(s))
		}
	})
}

func TestGradeSaysWhatIsEvidence(t *testing.T) {
	unread := func(p *pen, dir fact.Dir) {
		p.write(fact.KindPassage, fact.Passage{Lane: string(dir), Dir: dir, Outcome: fact.Passed}, nil)
	}
	for _, tc := range []struct {
		name  string
		write func(p *pen)
		want  Grade
	}{
		{"both ends read", func(p *pen) { p.stay("粤B1", time.Hour) }, BothEnds},
		{"one end read", func(p *pen) { p.through(fact.Exit, "粤B1") }, OneEnd},
		{"loops alone", func(p *pen) { unread(p, fact.Entry) }, NoPhoto},
		{"a person typed the plate that no camera read", func(p *pen) {
			r := p.write(fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "booth", Trigger: fact.TriggerPerson}, car("粤B1", plate.ColourBlue))
			p.decide(r, fact.Entry, fact.Open)
		}, Entered},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPen(0)
			tc.write(p)
			if s := only(t, Fold(p.out)); s.Grade != tc.want {
				t.Errorf("grade %s, want %s", s.Grade, tc.want)
			}
		})
	}
}

// TestReadAtEntryReverseOutReadAtExitParkAllDay: drivers let themselves be read at the exit soon after they came, do not
// leave, and park all day as somebody who has left. When they do leave, the exit is matched to the stay that had ended:
// the stay goes on, what was billed for the false exit lapses, and what was paid stays paid.
func TestReadAtEntryReverseOutReadAtExitParkAllDay(t *testing.T) {
	p := newPen(0)
	in, false1 := p.stay("粤B1", 10*time.Minute)
	p.at = noon.Add(9 * time.Hour)
	out := p.read(fact.Exit, "粤B1")
	p.decide(out, fact.Exit, fact.Hold)
	if s := only(t, Fold(p.out)); s.State != Left || s.Held != nil {
		t.Fatalf("nobody has said that it is the same stay: %s", text(s))
	}
	p.write(fact.KindMatched, fact.Matched{Basis: "revived"}, nil, out, in)
	if s := only(t, Fold(p.out)); s.State != Inside || s.Held == nil || s.Bill != nil || len(s.Pays) != 1 || !slices.Contains(s.Flags, Revived) {
		t.Fatalf("held at the exit after all: %s", text(s))
	}
	p.decide(out, fact.Exit, fact.Open)
	p.bill(in, out, 4000, 0)
	s := only(t, Fold(p.out))
	if s.State != Left || s.Exit.Fact != out || len(s.Lapsed) != 1 || s.Lapsed[0].Fact != false1 {
		t.Errorf("session %s", text(s))
	}
	if want := (Money{Gross: 4000, Paid: 500, Debt: 3500}); s.Money != want || slices.Contains(s.Flags, TwoBills) {
		t.Errorf("money %+v, want %+v, flags %v", s.Money, want, s.Flags)
	}
}

// TestEarlierSemanticsPassOverLaterKinds: to a book of version 1 the kinds that version 2 brought are like any that nobody
// knows.
func TestEarlierSemanticsPassOverLaterKinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := world(t)
		all, old := NewBookOf(1), NewBookOf(1)
		all.Add(facts...)
		for _, f := range facts {
			if since[f.Kind] > 1 {
				f.Kind = "thing.happened"
			}
			old.Add(f)
		}
		if all.Digest() != old.Digest() || len(all.Poor()) != len(old.Poor()) {
			t.Fatalf("sessions %s, want %s", text(all.Sessions()), text(old.Sessions()))
		}
	})
}
