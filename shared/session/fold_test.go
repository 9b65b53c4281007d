package session

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// pen writes facts for tests: one author's log whose clock is set by hand.
type pen struct {
	author fact.Author
	key    ed25519.PrivateKey
	head   fact.Head
	at     time.Time
	out    []fact.Fact
	sealed []fact.Record // of out
}

func newPen(n int) *pen {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = byte(n)
	return &pen{
		author: fact.Author(fmt.Sprintf("author%c222222222", 'a'+n)),
		key:    ed25519.NewKeyFromSeed(seed), at: noon,
	}
}

func (p *pen) write(kind fact.Kind, body, hidden any, refs ...fact.ID) fact.ID {
	return p.writeFrom("booth", kind, body, hidden, refs...)
}

func (p *pen) writeFrom(source string, kind fact.Kind, body, hidden any, refs ...fact.ID) fact.ID {
	r, f, head, err := fact.Seal(p.head, p.key, fact.Stamp{Lot: "riverside", Author: p.author, Boot: "b1", Now: p.at},
		fact.Draft{At: p.at, Source: source, Kind: kind, Body: body, Hidden: hidden, Refs: refs})
	if err != nil {
		panic(err)
	}
	p.head, p.out, p.sealed = head, append(p.out, f), append(p.sealed, r)
	return f.ID()
}

func car(text string, c plate.Colour) fact.Vehicle {
	p, err := plate.Parse(text, c)
	if err != nil {
		panic(err)
	}
	return fact.Vehicle{Plate: p}
}

func (p *pen) read(dir fact.Dir, text string) fact.ID {
	return p.write(fact.KindRead, fact.Read{Lane: string(dir), Dir: dir, Device: "cam-" + string(dir), Event: fmt.Sprint(p.head.Seq)}, car(text, plate.ColourBlue))
}

func (p *pen) decide(read fact.ID, dir fact.Dir, a fact.Action) fact.ID {
	return p.write(fact.KindDecision, fact.Decision{Lane: string(dir), Dir: dir, Action: a, Reason: "test"}, nil, read)
}

func (p *pen) pass(read fact.ID, dir fact.Dir, o fact.Outcome) fact.ID {
	return p.write(fact.KindPassage, fact.Passage{Lane: string(dir), Dir: dir, Outcome: o, Opened: true}, nil, read)
}

// through reads, opens for and sees a vehicle through a lane.
func (p *pen) through(dir fact.Dir, text string) fact.ID {
	r := p.read(dir, text)
	p.decide(r, dir, fact.Open)
	p.pass(r, dir, fact.Passed)
	return r
}

func (p *pen) bill(session, exit fact.ID, gross, free money.Amount) fact.ID {
	return p.write(fact.KindBill, fact.Bill{Session: session, Bill: tariff.Bill{Gross: gross, Free: free, Due: gross - free}}, nil, session, exit)
}

func (p *pen) cash(session fact.ID, amount money.Amount, action string) fact.ID {
	return p.write(fact.KindCash, fact.Cash{Session: session, Amount: amount, Curr: "CNY", Action: action, By: "li"}, nil, session)
}

func only(t *testing.T, b *Book) Session {
	t.Helper()
	all := b.Sessions()
	if len(all) != 1 {
		t.Fatalf("got %d sessions, want 1: %s", len(all), text(all))
	}
	return all[0]
}

func text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestEntryExitBill(t *testing.T) {
	a, b := newPen(0), newPen(1)
	in := a.through(fact.Entry, "粤B12345")
	b.at = noon.Add(2 * time.Hour)
	out := b.read(fact.Exit, "粤B12345")
	b.cash(in, 1500, "x")
	b.decide(out, fact.Exit, fact.Open)
	b.bill(in, out, 2000, 500)
	b.pass(out, fact.Exit, fact.Passed)
	s := only(t, Fold(append(a.out, b.out...)))
	if s.ID != in || s.State != Left || s.Entry.Basis != Crossed || s.Exit.Fact != out || len(s.Flags) > 0 {
		t.Errorf("session is %s", text(s))
	}
	want := Money{Gross: 2000, Free: 500, Paid: 1500}
	if s.Money != want {
		t.Errorf("money is %+v, want %+v", s.Money, want)
	}
}

// situations are the ways of passing a lane, each with the one session that it makes; state "" is none.
var situations = []struct {
	name  string
	write func(p *pen)
	state State
	flags []Flag
	basis Basis // of the entry
}{
	{"reversed out of the entry is no session", func(p *pen) {
		r := p.read(fact.Entry, "粤B1")
		p.decide(r, fact.Entry, fact.Open)
		p.pass(r, fact.Entry, fact.Reversed)
	}, "", nil, ""},
	{"held at the entry is no session", func(p *pen) {
		p.decide(p.read(fact.Entry, "粤B1"), fact.Entry, fact.Hold)
	}, "", nil, ""},
	{"let in, then the booth died", func(p *pen) {
		p.decide(p.read(fact.Entry, "粤B1"), fact.Entry, fact.Open)
	}, Inside, nil, Assumed},
	{"read twice at the entry", func(p *pen) {
		p.through(fact.Entry, "粤B1")
		p.at = p.at.Add(10 * time.Second)
		p.through(fact.Entry, "粤B1")
	}, Inside, []Flag{Doubled}, Crossed},
	{"backed out of the exit", func(p *pen) {
		in := p.through(fact.Entry, "粤B1")
		p.at = p.at.Add(time.Hour)
		out := p.read(fact.Exit, "粤B1")
		p.decide(out, fact.Exit, fact.Open)
		p.bill(in, out, 500, 0)
		p.pass(out, fact.Exit, fact.Reversed)
	}, Inside, nil, Crossed},
	{"exit without an entry", func(p *pen) { p.through(fact.Exit, "粤B1") }, Left, []Flag{NoEntry}, ""},
	{"from a camera's memory", func(p *pen) {
		p.writeFrom("cam", fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "cam", Event: "7", Late: true}, car("粤B1", 0))
	}, Inside, nil, Stored},
	{"a camera remembers what the lane held", func(p *pen) {
		r := p.write(fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "cam", Event: "7"}, car("粤B1", 0))
		p.decide(r, fact.Entry, fact.Hold)
		p.write(fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "cam", Event: "7", Late: true}, car("粤B1", 0))
	}, "", nil, ""},
	{"crossed without a plate being read", func(p *pen) {
		p.write(fact.KindPassage, fact.Passage{Lane: "entry", Dir: fact.Entry, Outcome: fact.Passed}, nil)
	}, Inside, nil, Unread},
	{"unlicensed, picked at the exit", func(p *pen) {
		in := p.through(fact.Entry, "无牌车")
		p.at = p.at.Add(time.Hour)
		out := p.through(fact.Exit, "无牌车")
		p.write(fact.KindMatched, fact.Matched{Basis: "person", By: "li"}, nil, out, in)
	}, Left, []Flag{Paired}, Crossed},
	{"misread at the exit, corrected", func(p *pen) {
		p.through(fact.Entry, "粤B12345")
		p.at = p.at.Add(time.Hour)
		out := p.through(fact.Exit, "粤B1234S")
		p.write(fact.KindCorrected, fact.Corrected{By: "li"}, car("粤B12345", plate.ColourBlue), out)
	}, Left, []Flag{Renamed}, Crossed},
}

func TestPassageSituations(t *testing.T) {
	for _, tc := range situations {
		t.Run(tc.name, func(t *testing.T) {
			p := newPen(0)
			tc.write(p)
			all := Fold(p.out).Sessions()
			if tc.state == "" {
				if len(all) != 0 {
					t.Fatalf("got sessions %s, want none", text(all))
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("got %d sessions, want 1: %s", len(all), text(all))
			}
			s := all[0]
			if s.State != tc.state || !slices.Equal(s.Flags, tc.flags) {
				t.Errorf("state %s, flags %v; want %s, %v", s.State, s.Flags, tc.state, tc.flags)
			}
			if s.Entry != nil && s.Entry.Basis != tc.basis {
				t.Errorf("entry is %s, want %s", s.Entry.Basis, tc.basis)
			}
			if s.Bill != nil {
				t.Errorf("a lapsed release left the bill %s", text(s.Bill))
			}
		})
	}
}

func TestHeldAtTheExit(t *testing.T) {
	p := newPen(0)
	p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Hour)
	out := p.read(fact.Exit, "粤B1")
	p.decide(out, fact.Exit, fact.Hold)
	if s := only(t, Fold(p.out)); s.State != Inside || s.Held == nil || s.Held.Fact != out {
		t.Errorf("held: %s", text(s))
	}
	p.at = p.at.Add(time.Minute)
	backed := slices.Clone(p.out)
	p.pass(out, fact.Exit, fact.Reversed)
	if s := only(t, Fold(p.out)); s.Held != nil {
		t.Errorf("backed out, and yet held: %s", text(s))
	}
	p.out = backed
	p.decide(out, fact.Exit, fact.Open)
	if s := only(t, Fold(p.out)); s.State != Left || s.Held != nil {
		t.Errorf("released: %s", text(s))
	}
}

// An agent that is killed while a driver looks for the money reads the vehicle again when it is back.
func TestReadAgainAtTheExitAfterARestart(t *testing.T) {
	p := newPen(0)
	p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Hour)
	first := p.read(fact.Exit, "粤B1")
	p.decide(first, fact.Exit, fact.Hold)
	p.at = p.at.Add(2 * time.Minute)
	p.decide(p.read(fact.Exit, "粤B1"), fact.Exit, fact.Hold)
	if s := only(t, Fold(p.out)); s.Held == nil || s.Held.Fact != first {
		t.Errorf("it is not taken to stand there since %s: %s", first, text(s))
	}
	p.at = p.at.Add(HeldFor)
	late := p.read(fact.Exit, "粤B1")
	p.decide(late, fact.Exit, fact.Hold)
	if s := only(t, Fold(p.out)); s.Held == nil || s.Held.Fact != late {
		t.Errorf("nobody stands so long without being seen: %s", text(s))
	}
}

// A booth that comes back hears of a vehicle twice: from the camera's memory, and as it stands there.
func TestRememberedWhileItStandsAtTheExit(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Hour)
	late := fact.Read{Lane: "exit", Dir: fact.Exit, Device: "cam-exit", Event: "stored-7", Late: true}
	p.write(fact.KindRead, late, car("粤B1", plate.ColourBlue))
	p.read(fact.Exit, "粤B1") // seen again as it drives off: nobody decided about it
	if s := only(t, Fold(p.out)); s.State != Left || s.Exit.Basis != Stored {
		t.Errorf("nothing else is known of it: %s", text(s))
	}
	p.at = p.at.Add(5 * time.Second)
	out := p.read(fact.Exit, "粤B1")
	p.decide(out, fact.Exit, fact.Hold)
	if s := only(t, Fold(p.out)); s.State != Inside || s.Held == nil || s.Held.Fact != out {
		t.Errorf("it stands at the exit: %s", text(s))
	}
	p.cash(in, 500, "c-1")
	p.decide(out, fact.Exit, fact.Open)
	p.bill(in, out, 500, 0)
	p.pass(out, fact.Exit, fact.Passed)
	if s := only(t, Fold(p.out)); s.State != Left || s.Bill == nil || s.Money.Paid != 500 {
		t.Errorf("it has paid and left: %s", text(s))
	}
}

func TestEnteredAgainWithoutExit(t *testing.T) {
	p := newPen(0)
	first := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(26 * time.Hour)
	second := p.through(fact.Entry, "粤B1")
	b := Fold(p.out)
	s1, _ := b.Session(first)
	s2, _ := b.Session(second)
	if s1.State != Lost || !slices.Contains(s1.Flags, NoExit) || s2.State != Inside || s1.ID == s2.ID {
		t.Errorf("sessions are %s", text(b.Sessions()))
	}
}

func TestColourSeparatesOnlyWhenBothKnow(t *testing.T) {
	enter := func(p *pen, c plate.Colour) fact.ID {
		p.at = p.at.Add(time.Hour)
		r := p.write(fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "cam", Event: fmt.Sprint(p.head.Seq)}, car("粤B12345", c))
		p.decide(r, fact.Entry, fact.Open)
		return r
	}
	p := newPen(0)
	enter(p, plate.ColourBlue)
	enter(p, plate.ColourYellow)
	if n := len(Fold(p.out).Inside()); n != 2 {
		t.Errorf("blue and yellow: %d inside, want 2", n)
	}
	p = newPen(0)
	enter(p, plate.ColourBlue)
	enter(p, plate.ColourUnknown)
	if n := len(Fold(p.out).Inside()); n != 1 {
		t.Errorf("blue and unknown: %d inside, want 1", n)
	}
}

func TestPaidTwiceIsRefundDue(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Hour)
	out := p.read(fact.Exit, "粤B1")
	p.write(fact.KindPayment, fact.Payment{Session: in, Amount: 500, Order: "o1", Provider: "wechat"}, nil, in)
	p.write(fact.KindPayment, fact.Payment{Session: in, Amount: 500, Order: "o1", Provider: "wechat"}, nil, in) // told twice
	p.cash(in, 500, "c1")
	p.decide(out, fact.Exit, fact.Open)
	p.bill(in, out, 500, 0)
	s := only(t, Fold(p.out))
	if want := (Money{Gross: 500, Paid: 500, Excess: 500}); s.Money != want || !slices.Contains(s.Flags, Overpaid) {
		t.Errorf("money %+v flags %v, want %+v and %s", s.Money, s.Flags, want, Overpaid)
	}
}

func TestFirstOfTwoBillsStands(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B1")
	p.at = p.at.Add(time.Hour)
	out := p.through(fact.Exit, "粤B1")
	first := p.bill(in, out, 500, 0)
	p.bill(in, out, 900, 0)
	s := only(t, Fold(p.out))
	if s.Billed != first || s.Money.Gross != 500 || !slices.Contains(s.Flags, TwoBills) {
		t.Errorf("session is %s", text(s))
	}
}

func TestClockFactMovesALateRead(t *testing.T) {
	p := newPen(0)
	p.writeFrom("cam", fact.KindRead, fact.Read{Lane: "entry", Dir: fact.Entry, Device: "cam", Event: "1", Late: true}, car("粤B1", 0))
	p.write(fact.KindClock, fact.Clock{Source: "cam", Boot: "b1", OffsetMS: -8 * 3600 * 1000}, nil)
	s := only(t, Fold(p.out))
	if want := noon.Add(-8 * time.Hour); !s.Entry.At.Equal(want) {
		t.Errorf("entered at %s, want %s", s.Entry.At, want)
	}
}

// world draws facts of two booths about few plates, so that they meet in every way: true stories mixed with nonsense.
func world(t *rapid.T) []fact.Fact { facts, _ := worldOf(t); return facts }

// worldOf also returns the facts' records.
func worldOf(t *rapid.T) ([]fact.Fact, []fact.Record) {
	pens := []*pen{newPen(0), newPen(1)}
	var reads []fact.ID
	some := func() fact.ID {
		if len(reads) == 0 {
			return fact.ID{Author: pens[0].author, Seq: 99}
		}
		return rapid.SampledFrom(reads).Draw(t, "ref")
	}
	plates := []string{"粤B12345", "粤B1234S", "京A00001", "无牌车"}
	for range rapid.IntRange(1, 24).Draw(t, "facts") {
		p := pens[rapid.IntRange(0, 1).Draw(t, "booth")]
		p.at = p.at.Add(time.Duration(rapid.IntRange(-100, 4000).Draw(t, "seconds")) * time.Second)
		dir := rapid.SampledFrom([]fact.Dir{fact.Entry, fact.Exit, fact.Entry, fact.Exit, fact.Inner}).Draw(t, "dir")
		zone := rapid.SampledFrom([]string{"", "a", "b"})
		text := rapid.SampledFrom(plates).Draw(t, "plate")
		colour := plate.Colour(rapid.IntRange(0, 2).Draw(t, "colour"))
		switch rapid.IntRange(0, 14).Draw(t, "what") {
		case 0, 1, 2:
			r := p.write(fact.KindRead, fact.Read{Lane: "l", Dir: dir, Device: "cam", Event: fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "event")), Late: rapid.Bool().Draw(t, "late"), From: zone.Draw(t, "from"), To: zone.Draw(t, "to")}, car(text, colour))
			reads = append(reads, r)
		case 3:
			reads = append(reads, p.through(dir, text))
		case 4:
			p.decide(some(), dir, rapid.SampledFrom([]fact.Action{fact.Open, fact.Hold}).Draw(t, "action"))
		case 5:
			p.pass(some(), dir, rapid.SampledFrom([]fact.Outcome{fact.Passed, fact.Reversed, fact.Gone}).Draw(t, "outcome"))
		case 6:
			p.bill(some(), some(), 500, money.Amount(rapid.IntRange(0, 500).Draw(t, "free")))
		case 7:
			p.cash(some(), money.Amount(rapid.IntRange(1, 900).Draw(t, "cash")), fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "id")))
		case 8:
			p.write(fact.KindCorrected, fact.Corrected{By: "li"}, car(text, colour), some())
		case 9:
			p.write(fact.KindMatched, fact.Matched{Basis: "person"}, nil, some(), some())
		case 10:
			if rapid.Bool().Draw(t, "clock") {
				p.write(fact.KindClock, fact.Clock{Source: "booth", Boot: "b1", OffsetMS: int64(rapid.IntRange(-7200, 7200).Draw(t, "offset")) * 1000}, nil)
			} else {
				reads = append(reads, p.write(fact.KindPassage, fact.Passage{Lane: "l", Dir: dir, Outcome: fact.Passed, To: zone.Draw(t, "to")}, nil))
			}
		case 11:
			if rapid.Bool().Draw(t, "of") {
				reads = append(reads, p.writeFrom("person", fact.KindAdded, fact.Added{Dir: dir, By: "li"}, nil, some()))
			} else {
				reads = append(reads, p.writeFrom("person", fact.KindAdded, fact.Added{Dir: dir, By: "li"}, car(text, colour)))
			}
		case 12:
			p.write(fact.KindMerged, fact.Merged{By: "li"}, nil, some(), some())
		case 13:
			p.write(fact.KindSplit, fact.Split{By: "li"}, nil, some())
		case 14:
			p.write(fact.KindVoided, fact.Voided{By: "li", Note: "test"}, nil, some())
		}
	}
	return append(pens[0].out, pens[1].out...), append(pens[0].sealed, pens[1].sealed...)
}

func TestFoldIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := world(t)
		want := Fold(facts)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		shuffled := slices.Clone(facts)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got := NewBook()
		for len(shuffled) > 0 {
			n := 1 + r.IntN(len(shuffled))
			got.Add(shuffled[:n]...)
			if r.IntN(2) == 0 {
				got.Add(facts[r.IntN(len(facts))], shuffled[0]) // some come again, some come early
			}
			shuffled = shuffled[n:]
		}
		if got.Digest() != want.Digest() || got.InsideCount() != want.InsideCount() {
			t.Fatalf("another order gives other sessions:\n%s", cmp.Diff(text(want.Sessions()), text(got.Sessions())))
		}
	})
}

func TestFoldLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := world(t)
		facts = facts[:rapid.IntRange(0, len(facts)).Draw(t, "some")] // any subset of a log has sessions too
		b := Fold(facts)
		for _, s := range b.Sessions() {
			m := s.Money
			if m.Gross != m.Paid+m.Free+m.Debt || m.Paid < 0 || m.Debt < 0 || m.Excess < 0 {
				t.Fatalf("money of %s does not add up: %+v", s.ID, m)
			}
			if s.Entry == nil && s.Exit == nil || s.State == Left && s.Exit == nil || s.State != Left && s.Exit != nil {
				t.Fatalf("session is %s", text(s))
			}
			if s.Entry != nil && s.Exit != nil && s.Exit.At.Before(s.Entry.At) {
				t.Fatalf("left before it entered: %s", text(s))
			}
			for _, id := range append([]fact.ID{s.ID}, s.Aliases...) {
				if again, ok := b.Session(id); !ok || again.ID != s.ID {
					t.Fatalf("%s does not name its session", id)
				}
			}
		}
		for _, s := range b.Sessions() {
			end := noon.AddDate(1, 0, 0)
			stays := s.Stays(end)
			if (len(stays) > 0) != (s.Entry != nil) {
				t.Fatalf("stays %v of %s", stays, text(s))
			}
			for i, x := range stays {
				if x.Until.Before(x.From) || i > 0 && !x.From.Equal(stays[i-1].Until) {
					t.Fatalf("stays %v of %s", stays, text(s))
				}
			}
		}
		if b.InsideCount() != len(b.Inside()) {
			t.Fatalf("%d counted inside, %d inside", b.InsideCount(), len(b.Inside()))
		}
		paid := map[fact.ID]ID{}
		for _, s := range b.Sessions() {
			for _, id := range s.Facts {
				if e := b.facts[id]; e.observes() {
					if again, ok := b.Session(id); !ok || again.ID != s.ID {
						t.Fatalf("%s is an end of %s, and names %s", id, s.ID, again.ID)
					}
				}
			}
			for _, p := range s.Pays {
				if other, twice := paid[p.Fact]; twice {
					t.Fatalf("payment %s counts for %s and for %s", p.Fact, other, s.ID)
				}
				paid[p.Fact] = s.ID
			}
			if s.Void != nil && (s.State == Inside || s.Money.Debt != 0 || s.Money.Gross != 0) {
				t.Fatalf("voided, and yet: %s", text(s))
			}
			if s.Bill != nil && slices.ContainsFunc(s.Lapsed, func(v Visit) bool { return b.facts[s.Billed].Refs[1] == v.Fact }) {
				t.Fatalf("the bill of a false exit stands: %s", text(s))
			}
		}
		seen := map[Key]int{}
		for _, s := range b.Inside() {
			k, _ := b.KeyOf(s.ID)
			if seen[k+Key(s.Plate.Colour.String())]++; seen[k+Key(s.Plate.Colour.String())] > 1 {
				t.Fatalf("one vehicle is inside twice: %s", text(b.Of(k)))
			}
		}
	})
}

func TestErasedPlateKeepsTheChainAndTheFold(t *testing.T) {
	p := newPen(0)
	p.through(fact.Entry, "粤B1")
	for i := range p.out {
		p.out[i].Private = nil
	}
	if s := only(t, Fold(p.out)); s.Plate.Text != "" || s.State != Inside {
		t.Errorf("session is %s", text(s))
	}
}

func BenchmarkAddToALongTimeline(b *testing.B) {
	p := newPen(0)
	for range 500 {
		p.through(fact.Entry, "粤B12345")
		p.at = p.at.Add(time.Hour)
		p.through(fact.Exit, "粤B12345")
		p.at = p.at.Add(time.Hour)
	}
	book := Fold(p.out)
	n := len(p.out)
	for range b.N {
		p.through(fact.Entry, "粤B12345")
		p.at = p.at.Add(time.Hour)
		book.Add(p.out[n:]...)
		n = len(p.out)
	}
}

func TestFlagsOfTheBillAreTheSessions(t *testing.T) {
	p := newPen(0)
	in := p.through(fact.Entry, "粤B12345")
	p.at = noon.Add(5 * time.Minute)
	out := p.through(fact.Exit, "粤B12345")
	p.write(fact.KindBill, fact.Bill{Session: in, Bill: tariff.Bill{Flags: []tariff.Flag{tariff.FlagFreeTime}}}, nil, in, out)
	b := NewBook()
	b.Add(p.out...)
	if s := only(t, b); !slices.Contains(s.Flags, FreeTime) {
		t.Errorf("flags %v", s.Flags)
	}
}
