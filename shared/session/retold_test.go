package session

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
)

// tell writes what a new incarnation says of an ended one's records.
func (p *pen) tell(t interface{ Fatal(...any) }, r fact.Record, fork uint64, other fact.Author) {
	d, err := fact.Tell(r, fork, other)
	if err != nil {
		t.Fatal(err)
	}
	p.write(d.Kind, d.Body, d.Hidden, d.Refs...)
}

// TestWhatIsToldAgainCountsOnce: an ended log of which some facts come by themselves, some told again and some both
// ways folds like the log itself, in any order.
func TestWhatIsToldAgainCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts, logs := worldOf(t)
		var got []fact.Fact
		var told int
		heir := newPen(7)
		for i, f := range facts {
			way := rapid.IntRange(0, 2).Draw(t, "way")
			if f.Kind == fact.KindClock {
				way = 0 // never told again
			}
			if way != 1 {
				got = append(got, f)
			}
			if way != 0 {
				heir.tell(t, logs[i], 0, "")
				told++
			}
		}
		got = append(got, heir.out...)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		want, book := Fold(facts), NewBook()
		for i := range got {
			book.Add(got[i])
		}
		if book.Digest() != want.Digest() {
			t.Fatalf("told again it folds otherwise:\n%s", cmp.Diff(text(want.Sessions()), text(book.Sessions())))
		}
		if book.Len() != len(got) {
			t.Fatalf("it holds %d facts, was given %d", book.Len(), len(got))
		}
	})
}

// TestTheAuthorsLogBeatsWhatIsToldOfIt: a forged retelling loses to the log, whichever comes first.
func TestTheAuthorsLogBeatsWhatIsToldOfIt(t *testing.T) {
	a, forged, heir := newPen(0), newPen(0), newPen(1)
	in := a.through(fact.Entry, "粤B12345")
	forged.through(fact.Entry, "京A00001")
	for _, r := range forged.sealed {
		heir.tell(t, r, 0, "")
	}
	want := Fold(a.out).Digest()
	for name, facts := range map[string][]fact.Fact{
		"log first": append(append([]fact.Fact{}, a.out...), heir.out...), "told first": append(append([]fact.Fact{}, heir.out...), a.out...),
	} {
		b := NewBook()
		for i := range facts {
			b.Add(facts[i])
		}
		if b.Digest() != want || only(t, b).ID != in || b.Len() != len(facts) {
			t.Errorf("%s: %s, %d facts of %d", name, text(b.Sessions()), b.Len(), len(facts))
		}
	}
}

// TestAForksFactsAreOfAnAuthorOfTheirOwn: two logs parted at a number; both stories stand, each with its own ids.
func TestAForksFactsAreOfAnAuthorOfTheirOwn(t *testing.T) {
	a := newPen(0)
	a.through(fact.Entry, "粤B00001")
	copied := *a
	shared := len(a.out)
	a.through(fact.Entry, "粤B11111")
	copied.out, copied.sealed = nil, nil
	in := copied.through(fact.Entry, "京A00002")
	out := copied.read(fact.Exit, "京A00002")
	copied.decide(out, fact.Exit, fact.Open)
	copied.bill(in, out, 500, 0)
	copied.cash(in, 500, "x")
	copied.pass(out, fact.Exit, fact.Passed)
	heir, branch := newPen(1), fact.Branch(copied.sealed[0])
	for _, r := range copied.sealed {
		heir.tell(t, r, uint64(shared)+1, branch)
	}
	b := Fold(append(append([]fact.Fact{}, a.out...), heir.out...))
	if len(b.Poor()) > 0 || len(b.Sessions()) != 3 {
		t.Fatalf("poor %v, sessions %s", b.Poor(), text(b.Sessions()))
	}
	s, ok := b.Session(fact.ID{Author: branch, Seq: in.Seq})
	if !ok || s.State != Left || s.Money.Paid != 500 || s.Plate.Text != "京A00002" || s.Bill == nil {
		t.Errorf("the copy's session is %s", text(s))
	}
	if s, ok := b.Session(in); !ok || s.Plate.Text != "粤B11111" {
		t.Errorf("the log's session is %s", text(s))
	}
}
