// Package exchangetest holds every receiver of facts to the same promises: the cloud's ingest on Postgres, a booth's lot on
// its file, and the memory store that the simulated cloud stands on. What the simulation shows of one is then true of all.
package exchangetest

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
)

// Subject is a receiver of one lot's facts.
type Subject struct {
	Lot     string
	Booths  []Booth // at least two whose logs it admits
	Take    func(exchange.Batch) (exchange.Verdict, fact.Head)
	Cursors func() exchange.Cursors
	Records func(a fact.Author, after uint64, n int) []fact.Record
	// Sessions is the digest of the sessions it shows, however it keeps them.
	Sessions func() fact.Hash
}

// Booth is somebody who may be an author.
type Booth struct {
	Name string
	Key  ed25519.PrivateKey
	Cert []byte
}

var noon = time.Date(2026, 11, 2, 4, 0, 0, 0, time.UTC)

// T is what the suite needs of *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Case is one promise. Run takes an empty receiver.
type Case struct {
	Name string
	Run  func(t T, s Subject)
}

// Cases lists the promises.
func Cases() []Case {
	return []Case{
		{"verdicts", verdicts},
		{"a batch that comes again changes nothing", again},
		{"a log that forks is closed", fork},
		{"a stranger is not heard", stranger},
		{"any order, any pieces, any repetition: the fold of the set", anyOrder},
	}
}

// Writer writes an author's log.
type Writer struct {
	lot     string
	author  fact.Author
	key     ed25519.PrivateKey
	head    fact.Head
	Records []fact.Record
	facts   []fact.Fact
}

// NewWriter begins a log of a booth. n tells logs of one booth apart.
func NewWriter(lot string, b Booth, n int) *Writer {
	w := &Writer{lot: lot, author: fact.Author(fmt.Sprintf("author%c%c22222222", 'a'+n/26%26, 'a'+n%26)), key: b.Key}
	w.Write(fact.Draft{Kind: fact.KindOpened, Body: fact.Opened{
		Booth: b.Name, Key: b.Key.Public().(ed25519.PublicKey), Cert: b.Cert, Software: "test", Why: "new",
	}})
	return w
}

// Write appends a draft and returns its id.
func (w *Writer) Write(d fact.Draft) fact.ID {
	now := noon.Add(time.Duration(w.head.Seq) * time.Second)
	if d.At.IsZero() {
		d.At = now
	}
	d.Source = "booth"
	r, f, head, err := fact.Seal(w.head, w.key, fact.Stamp{Lot: w.lot, Author: w.author, Boot: "boot", Mono: int64(w.head.Seq) + 1, Now: now}, d)
	if err != nil {
		panic(err)
	}
	w.head, w.Records, w.facts = head, append(w.Records, r), append(w.facts, f)
	return f.ID()
}

// Pass writes a car through a lane.
func (w *Writer) Pass(text string, dir fact.Dir, at time.Time) fact.ID {
	p, err := plate.Parse(text, plate.ColourUnknown)
	if err != nil {
		panic(err)
	}
	id := w.Write(fact.Draft{At: at, Kind: fact.KindRead, Hidden: fact.Vehicle{Plate: p}, Body: fact.Read{
		Lane: "lane-" + string(dir), Dir: dir, Device: "cam", Event: fmt.Sprint(w.author, len(w.Records)), Confidence: 90,
	}})
	w.Write(fact.Draft{At: at, Kind: fact.KindDecision, Refs: []fact.ID{id}, Body: fact.Decision{Lane: "l", Dir: dir, Action: fact.Open, Reason: "entry"}})
	w.Write(fact.Draft{At: at, Kind: fact.KindPassage, Refs: []fact.ID{id}, Body: fact.Passage{Lane: "l", Dir: dir, Outcome: fact.Passed, Opened: true}})
	return id
}

// Batch is a piece of the log.
func (w *Writer) Batch(from, to int) exchange.Batch {
	return exchange.Batch{Lot: w.lot, Author: w.author, Records: w.Records[from:to]}
}

func verdicts(t T, s Subject) {
	w := NewWriter(s.Lot, s.Booths[0], 0)
	w.Pass("粤B12345", fact.Entry, noon)
	w.Pass("粤B12345", fact.Exit, noon.Add(time.Hour))
	for _, c := range []struct {
		name     string
		from, to int
		want     exchange.Verdict
		head     uint64
	}{
		{"no opening", 1, 3, exchange.Gap, 0},
		{"first", 0, 3, exchange.Accepted, 3},
		{"again", 0, 3, exchange.Known, 3},
		{"a part of it again", 1, 2, exchange.Known, 3},
		{"after a gap", 5, 6, exchange.Gap, 3},
		{"overlapping", 2, 5, exchange.Accepted, 5},
		{"the rest", 5, 7, exchange.Accepted, 7},
	} {
		v, head := s.Take(w.Batch(c.from, c.to))
		if v != c.want || head.Seq != c.head {
			t.Errorf("%s: %s at %d, want %s at %d", c.name, v, head.Seq, c.want, c.head)
		}
	}
	same(t, s, w)
}

// same checks that the receiver holds the logs, in their bytes, and the sessions that they fold to.
func same(t T, s Subject, of ...*Writer) {
	t.Helper()
	var facts []fact.Fact
	for _, w := range of {
		have := s.Records(w.author, 0, len(w.Records)+10)
		if len(have) != len(w.Records) || s.Cursors()[w.author] != w.head {
			t.Fatalf("%s: it holds %d records up to %+v, want %d up to %+v", w.author, len(have), s.Cursors()[w.author], len(w.Records), w.head)
		}
		for i, r := range have {
			if string(r.Public) != string(w.Records[i].Public) || string(r.Private) != string(w.Records[i].Private) || string(r.Sig) != string(w.Records[i].Sig) {
				t.Errorf("%s.%d: it holds other bytes than the author wrote", w.author, i+1)
			}
		}
		facts = append(facts, w.facts...)
	}
	if got, want := s.Sessions(), session.Fold(facts).Digest(); got != want {
		t.Errorf("its sessions are not the fold of its facts: %s, want %s", got, want)
	}
}

func again(t T, s Subject) {
	w := NewWriter(s.Lot, s.Booths[0], 0)
	w.Pass("粤B12345", fact.Entry, noon)
	for range 3 {
		s.Take(w.Batch(0, len(w.Records)))
	}
	same(t, s, w)
}

func fork(t T, s Subject) {
	w, other := NewWriter(s.Lot, s.Booths[0], 0), NewWriter(s.Lot, s.Booths[0], 0)
	w.Pass("粤B12345", fact.Entry, noon)
	other.Pass("粤B99999", fact.Entry, noon)
	s.Take(w.Batch(0, 3))
	if v, head := s.Take(other.Batch(0, 3)); v != exchange.Forked || head.Seq != 3 {
		t.Errorf("the fork is %s at %d, want %s at 3", v, head.Seq, exchange.Forked)
	}
	if v, head := s.Take(w.Batch(3, 4)); v != exchange.Refused || head.Seq != 3 {
		t.Errorf("after the fork it takes more: %s at %d, want %s at 3", v, head.Seq, exchange.Refused)
	}
}

func stranger(t T, s Subject) {
	key := ed25519.NewKeyFromSeed([]byte("somebody who is nobody's author.")) // 32 bytes
	unknown := NewWriter(s.Lot, Booth{Name: s.Booths[0].Name, Key: key, Cert: s.Booths[0].Cert}, 1)
	w := NewWriter(s.Lot, s.Booths[0], 0)
	w.Pass("粤B12345", fact.Entry, noon)
	forged := w.Batch(0, 4)
	forged.Records = append([]fact.Record(nil), forged.Records...)
	forged.Records[3].Sig = make([]byte, ed25519.SignatureSize)
	foreign := w.Batch(0, 4)
	foreign.Lot = "elsewhere"
	for name, b := range map[string]exchange.Batch{"a key without a certificate": unknown.Batch(0, 1), "a forged signature": forged, "another lot": foreign} {
		if v, _ := s.Take(b); v != exchange.Refused {
			t.Errorf("%s is %s, want %s", name, v, exchange.Refused)
		}
	}
	if len(s.Cursors()) != 0 {
		t.Errorf("it kept something: %v", s.Cursors())
	}
}

// anyOrder sends two authors' halves of the same cars' stays in pieces, some of them again, some too early.
func anyOrder(t T, s Subject) {
	for round := range 6 {
		chance := uint64(round)
		draw := func(n int) int { // a congruential generator: the same pieces every time
			chance = chance*6364136223846793005 + 1442695040888963407
			return int(chance >> 33 % uint64(n))
		}
		a, b := NewWriter(s.Lot, s.Booths[0], 2*round), NewWriter(s.Lot, s.Booths[1], 2*round+1)
		for i := range 6 {
			text := fmt.Sprintf("粤B%d%04d", round, i)
			in := a.Pass(text, fact.Entry, noon.Add(time.Duration(i)*time.Minute))
			b.Pass(text, fact.Exit, noon.Add(time.Hour+time.Duration(i)*time.Minute))
			if i%3 == 0 {
				b.Write(fact.Draft{Kind: fact.KindCorrected, Refs: []fact.ID{in}, Body: fact.Corrected{By: "t"}, Hidden: fact.Vehicle{Plate: plate.Plate{Text: text + "X"}}})
			}
		}
		for range 60 {
			w := []*Writer{a, b}[draw(2)]
			from := int(min(s.Cursors()[w.author].Seq, uint64(len(w.Records)-1)))
			from = max(0, min(len(w.Records)-1, from+draw(5)-3))
			s.Take(w.Batch(from, from+1+draw(min(5, len(w.Records)-from))))
		}
		for _, w := range []*Writer{a, b} {
			s.Take(w.Batch(0, len(w.Records)))
		}
		if round == 0 {
			same(t, s, a, b)
			continue
		}
		for _, w := range []*Writer{a, b} {
			if s.Cursors()[w.author] != w.head {
				t.Errorf("round %d: %s ends at %+v, want %+v", round, w.author, s.Cursors()[w.author], w.head)
			}
		}
	}
}
