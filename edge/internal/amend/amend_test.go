package amend

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// lot is one author's log and its fold.
type lot struct {
	t    *testing.T
	head fact.Head
	book *session.Book
	now  time.Time
}

func newLot(t *testing.T) *lot { return &lot{t: t, book: session.NewBook(), now: noon} }

func (l *lot) write(drafts ...fact.Draft) (first fact.ID) {
	l.t.Helper()
	for i, d := range drafts {
		_, f, head, err := fact.Seal(l.head, ed25519.NewKeyFromSeed(make([]byte, 32)), fact.Stamp{Lot: "riverside", Author: "abcdefghijklmnop", Boot: "b", Now: l.now}, d)
		if err != nil {
			l.t.Fatal(err)
		}
		l.head = head
		l.book.Add(f)
		if i == 0 {
			first = f.ID()
		}
	}
	if poor := l.book.Poor(); len(poor) > 0 {
		l.t.Fatalf("facts without effect: %v", poor)
	}
	return first
}

func (l *lot) pass(dir fact.Dir, text string) fact.ID {
	l.t.Helper()
	read := l.write(fact.Draft{At: l.now, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: string(dir), Dir: dir, Device: "cam", Event: l.now.String()}, Hidden: fact.Vehicle{Plate: car(l.t, text)}})
	l.write(fact.Draft{At: l.now, Source: "booth", Kind: fact.KindPassage, Refs: []fact.ID{read}, Body: fact.Passage{Lane: string(dir), Dir: dir, Outcome: fact.Passed}})
	return read
}

func (l *lot) amend(a Amendment) error {
	l.t.Helper()
	a.By, a.Note = "li", "seen on video"
	drafts, err := Drafts(l.book, a, l.now)
	if err != nil {
		return err
	}
	l.write(drafts...)
	return nil
}

func (l *lot) session(id fact.ID) session.Session {
	l.t.Helper()
	s, ok := l.book.Session(id)
	if !ok {
		l.t.Fatalf("there is no session %s", id)
	}
	return s
}

func car(t *testing.T, text string) plate.Plate {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAmendmentsDoWhatTheySay(t *testing.T) {
	t.Run("an entry that nobody saw", func(t *testing.T) {
		l := newLot(t)
		l.now = noon.Add(3 * time.Hour)
		out := l.pass(fact.Exit, "粤B12345")
		if err := l.amend(Amendment{Kind: Add, Session: out, Dir: fact.Entry, At: noon}); err != nil {
			t.Fatal(err)
		}
		if s := l.session(out); s.Entry == nil || !s.Entry.At.Equal(noon) || s.Exit.Fact != out {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("an entry of a plate", func(t *testing.T) {
		l := newLot(t)
		l.now = noon.Add(3 * time.Hour)
		if err := l.amend(Amendment{Kind: Add, Plate: car(t, "粤B12345"), Dir: fact.Entry, At: noon}); err != nil {
			t.Fatal(err)
		}
		if in := l.book.Inside(); len(in) != 1 || !in[0].Entry.At.Equal(noon) {
			t.Errorf("inside %+v", in)
		}
	})
	t.Run("an exit that nobody saw", func(t *testing.T) {
		l := newLot(t)
		in := l.pass(fact.Entry, "无牌车")
		l.now = noon.Add(3 * time.Hour)
		if err := l.amend(Amendment{Kind: Add, Session: in, Dir: fact.Exit, At: noon.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if s := l.session(in); s.State != session.Left || !s.Exit.At.Equal(noon.Add(time.Hour)) {
			t.Errorf("session %+v", s)
		}
	})
	t.Run("a stay of a misread plate is merged whole", func(t *testing.T) {
		l := newLot(t)
		first := l.pass(fact.Entry, "粤B12345")
		l.now = noon.Add(time.Hour)
		in := l.pass(fact.Entry, "粤B1234S")
		l.now = noon.Add(2 * time.Hour)
		out := l.pass(fact.Exit, "粤B1234S")
		if err := l.amend(Amendment{Kind: Merge, Session: out, Other: first}); err != nil {
			t.Fatal(err)
		}
		if s := l.session(in); s.ID != first || s.State != session.Left || s.Exit.Fact != out || len(l.book.Sessions()) != 1 {
			t.Errorf("sessions %+v", l.book.Sessions())
		}
	})
	t.Run("split and void", func(t *testing.T) {
		l := newLot(t)
		in := l.pass(fact.Entry, "粤B12345")
		l.now = noon.Add(time.Hour)
		out := l.pass(fact.Exit, "粤B12345")
		if err := l.amend(Amendment{Kind: Split, Session: in, Other: out}); err != nil {
			t.Fatal(err)
		}
		if l.session(in).State != session.Inside || l.session(out).ID != out {
			t.Fatalf("sessions %+v", l.book.Sessions())
		}
		if err := l.amend(Amendment{Kind: Void, Session: out}); err != nil {
			t.Fatal(err)
		}
		if s := l.session(out); s.Void == nil || s.Void.By != "li" {
			t.Errorf("session %+v", s)
		}
	})
}

func TestAmendmentsThatMakeNoSense(t *testing.T) {
	l := newLot(t)
	in := l.pass(fact.Entry, "粤B12345")
	l.now = noon.Add(time.Hour)
	gone := l.pass(fact.Exit, "京A00001")
	void := l.pass(fact.Entry, "京A00002")
	if err := l.amend(Amendment{Kind: Void, Session: void}); err != nil {
		t.Fatal(err)
	}
	nobody := fact.ID{Author: "abcdefghijklmnop", Seq: 999}
	for name, a := range map[string]Amendment{
		"unknown":                        {Kind: "dance", Session: in},
		"no such session":                {Kind: Void, Session: nobody},
		"void twice":                     {Kind: Void, Session: void},
		"split at its beginning":         {Kind: Split, Session: in, Other: in},
		"split at another's":             {Kind: Split, Session: in, Other: gone},
		"merge with itself":              {Kind: Merge, Session: in, Other: in},
		"merge with nobody":              {Kind: Merge, Session: in, Other: nobody},
		"merge with a voided one":        {Kind: Merge, Session: in, Other: void},
		"no direction":                   {Kind: Add, Session: in, At: noon},
		"in the future":                  {Kind: Add, Session: in, Dir: fact.Exit, At: noon.Add(2 * time.Hour)},
		"in another age":                 {Kind: Add, Plate: car(t, "粤B54321"), Dir: fact.Entry, At: noon.AddDate(-2, 0, 0)},
		"an exit before the entry":       {Kind: Add, Session: in, Dir: fact.Exit, At: noon.Add(-time.Hour)},
		"an exit of who has left":        {Kind: Add, Session: gone, Dir: fact.Exit, At: noon.Add(time.Hour)},
		"an exit of a plate":             {Kind: Add, Plate: car(t, "粤B12345"), Dir: fact.Exit, At: noon.Add(time.Minute)},
		"an entry after the exit":        {Kind: Add, Session: gone, Dir: fact.Entry, At: noon.Add(time.Hour + time.Nanosecond)},
		"an entry of who has one":        {Kind: Add, Session: in, Dir: fact.Entry, At: noon.Add(-time.Hour)},
		"an entry of who is inside":      {Kind: Add, Plate: car(t, "粤B12345"), Dir: fact.Entry, At: noon.Add(time.Minute)},
		"an entry of a car with no name": {Kind: Add, Dir: fact.Entry, At: noon},
		"an end of a voided session":     {Kind: Add, Session: void, Dir: fact.Exit, At: noon.Add(time.Hour)},
	} {
		var r *Refusal
		if err := l.amend(a); !errors.As(err, &r) || r.Code == "" || r.Text == (tariff.Text{}) || r.Text.ZH == "" || r.Text.EN == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Drafts(l.book, Amendment{Kind: Void, Session: in, By: "li"}, l.now); err == nil {
		t.Error("voided without a reason")
	}
}
