package exchange

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/fact"
)

const lotID = "riverside"

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// anyone admits every author with the key its opening names.
type anyone struct{}

func (anyone) Admit(_ fact.Fact, o fact.Opened) (ed25519.PublicKey, error) {
	if o.Booth == "stranger" {
		return nil, errors.New("no certificate of this lot")
	}
	return o.Key, nil
}

type author struct {
	id      fact.Author
	key     ed25519.PrivateKey
	head    fact.Head
	records []fact.Record
}

func newAuthor(n int, booth string) *author {
	seed := []byte(strings.Repeat(string(rune('a'+n)), ed25519.SeedSize))
	a := &author{id: fact.Author(fmt.Sprintf("author%c222222222", 'a'+n)), key: ed25519.NewKeyFromSeed(seed)}
	a.write(fact.KindOpened, fact.Opened{Booth: booth, Key: a.key.Public().(ed25519.PublicKey)})
	return a
}

func (a *author) write(k fact.Kind, body any) {
	r, _, head, err := fact.Seal(a.head, a.key, fact.Stamp{Lot: lotID, Author: a.id, Boot: "b", Now: noon},
		fact.Draft{At: noon, Source: "booth", Kind: k, Body: body})
	if err != nil {
		panic(err)
	}
	a.head, a.records = head, append(a.records, r)
}

func (a *author) batch(from, to int) Batch {
	return Batch{Lot: lotID, Author: a.id, Records: a.records[from:to]}
}

// store is a receiver: what a booth or the cloud keeps.
type store struct {
	rules Rules
	logs  map[fact.Author]Log
	kept  map[fact.Author][]fact.Record
}

func newStore() *store {
	return &store{Rules{Lot: lotID, Keys: anyone{}}, map[fact.Author]Log{}, map[fact.Author][]fact.Record{}}
}

func (s *store) take(b Batch) Result {
	res, log, err := s.rules.Take(s.logs[b.Author], b, func(after uint64, n int) ([]fact.Record, error) {
		kept := s.kept[b.Author][after:]
		return kept[:min(n, len(kept))], nil
	})
	if err != nil {
		panic(err)
	}
	s.logs[b.Author] = log
	s.kept[b.Author] = append(s.kept[b.Author], res.Records...)
	return res
}

func (s *store) cursors() Cursors {
	c := Cursors{}
	for a, l := range s.logs {
		if l.Head.Seq > 0 {
			c[a] = l.Head
		}
	}
	return c
}

func TestTake(t *testing.T) {
	a := newAuthor(0, "booth-a")
	for range 9 {
		a.write("x", 1)
	}
	fork := newAuthor(0, "booth-a")
	for range 6 {
		fork.write("y", 2)
	}
	renewed := newAuthor(0, "booth-a") // the same key under another name
	renewed.id = newAuthor(3, "").id
	renewed.head, renewed.records = fact.Head{}, nil
	for range 6 {
		renewed.write("z", 3)
	}
	stranger := newAuthor(1, "stranger")
	for _, tc := range []struct {
		name  string
		after int // records taken before
		batch Batch
		want  Verdict
		head  uint64
	}{
		{"first", 0, a.batch(0, 3), Accepted, 3},
		{"next", 3, a.batch(3, 10), Accepted, 10},
		{"again", 5, a.batch(0, 5), Known, 5},
		{"overlapping", 5, a.batch(2, 8), Accepted, 8},
		{"inside", 5, a.batch(2, 4), Known, 5},
		{"gap", 3, a.batch(5, 8), Gap, 3},
		{"no opening", 0, a.batch(1, 3), Gap, 0},
		{"fork", 5, fork.batch(0, 2), Forked, 5},
		{"fork that goes on after it", 5, fork.batch(5, 7), Forked, 5},
		{"another incarnation's in the place of one", 5, mixed(a, 1, renewed.records[1:3]), Refused, 5},
		{"another incarnation's after the last", 5, mixed(a, 5, renewed.records[5:6]), Refused, 5},
		{"stranger", 0, stranger.batch(0, 1), Refused, 0},
		{"another lot", 0, Batch{Lot: "hillside", Author: a.id, Records: a.records}, Refused, 0},
		{"empty", 0, Batch{Lot: lotID, Author: a.id}, Refused, 0},
		{"another author's records", 0, Batch{Lot: lotID, Author: stranger.id, Records: a.records}, Refused, 0},
		{"no author id", 0, Batch{Lot: lotID, Author: "../..", Records: a.records}, Refused, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore()
			if tc.after > 0 {
				s.take(a.batch(0, tc.after))
			}
			res := s.take(tc.batch)
			if res.Verdict != tc.want || res.Head.Seq != tc.head {
				t.Errorf("got %s at %d (%v), want %s at %d", res.Verdict, res.Head.Seq, res.Cause, tc.want, tc.head)
			}
		})
	}
}

// mixed is a batch of an author's first records and then others.
func mixed(a *author, n int, others []fact.Record) Batch {
	b := a.batch(0, n)
	b.Records = append(append([]fact.Record(nil), b.Records...), others...)
	return b
}

func TestAStrangersForgeryClosesNobody(t *testing.T) {
	a := newAuthor(0, "booth-a")
	a.write("x", 1)
	forger := newAuthor(0, "booth-a")
	forger.key = newAuthor(5, "other").key
	forger.head, forger.records = fact.Head{}, nil
	forger.write(fact.KindOpened, fact.Opened{Booth: "booth-a", Key: forger.key.Public().(ed25519.PublicKey)})
	s := newStore()
	s.take(a.batch(0, 2))
	if res := s.take(forger.batch(0, 1)); res.Verdict != Refused || s.logs[a.id].Closed {
		t.Errorf("a forged log got %s, closed %v", res.Verdict, s.logs[a.id].Closed)
	}
}

func TestAClosedAuthorIsNotHeard(t *testing.T) {
	a, fork := newAuthor(0, "booth-a"), newAuthor(0, "booth-a")
	a.write("x", 1)
	a.write("x", 2)
	fork.write("y", 1)
	s := newStore()
	s.take(a.batch(0, 2))
	s.take(fork.batch(0, 2))
	if res := s.take(a.batch(2, 3)); res.Verdict != Refused {
		t.Errorf("after a fork got %s, want %s", res.Verdict, Refused)
	}
}

func TestAPoorFactPassesTheCursor(t *testing.T) {
	a := newAuthor(0, "booth-a")
	a.write("bad", 1)
	a.write("good", 1)
	s := newStore()
	s.rules.Judge = func(f *fact.Fact) error {
		if f.Kind == "bad" {
			return errors.New("cannot be applied")
		}
		return nil
	}
	if res := s.take(a.batch(0, 3)); res.Verdict != Accepted || res.Head.Seq != 3 || len(res.Poor) != 1 || res.Poor[0].ID.Seq != 2 {
		t.Errorf("got %+v", res)
	}
}

// TestAnyDeliveryConverges sends the logs of three authors between three nodes in pieces that are lost, repeated and
// out of order: when each has been told at last what it lacks, all hold the same bytes.
func TestAnyDeliveryConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var authors []*author
		for i := range 3 {
			a := newAuthor(i, "booth")
			for range rapid.IntRange(0, 12).Draw(t, "facts") {
				a.write("x", 1)
			}
			authors = append(authors, a)
		}
		nodes := []*store{newStore(), newStore(), newStore()}
		for range rapid.IntRange(0, 40).Draw(t, "batches") {
			a := rapid.SampledFrom(authors).Draw(t, "author")
			from := rapid.IntRange(0, len(a.records)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, len(a.records)).Draw(t, "to")
			rapid.SampledFrom(nodes).Draw(t, "node").take(a.batch(from, to))
		}
		for i, a := range authors { // each node has its own author's log
			nodes[i].take(a.batch(0, len(a.records)))
		}
		for range 2 {
			for _, from := range nodes {
				for _, to := range nodes {
					for _, n := range from.cursors().Lacks(to.cursors()) {
						to.take(Batch{Lot: lotID, Author: n.Author, Records: from.kept[n.Author][n.After:n.To]})
					}
				}
			}
		}
		for i, n := range nodes {
			if n.cursors().Digest() != nodes[0].cursors().Digest() || len(n.cursors()) != 3 {
				t.Fatalf("node %d has %v, node 0 has %v", i, n.cursors(), nodes[0].cursors())
			}
			for _, a := range authors {
				if !slices.EqualFunc(n.kept[a.id], a.records, func(x, y fact.Record) bool { return x.Hash() == y.Hash() }) {
					t.Fatalf("node %d holds other bytes of %s", i, a.id)
				}
			}
		}
	})
}

func TestCutBoundsABatch(t *testing.T) {
	big := fact.Record{Public: make([]byte, MaxBytes/2)}
	if n := len(Cut([]fact.Record{big, big, big})); n != 2 {
		t.Errorf("cut %d of three halves, want 2", n)
	}
	if n := len(Cut([]fact.Record{{Public: make([]byte, 2*MaxBytes)}})); n != 1 {
		t.Errorf("cut %d of one too large, want 1: the line must move on", n)
	}
	if n := len(Cut(make([]fact.Record, MaxRecords+5))); n != MaxRecords {
		t.Errorf("cut %d, want %d", n, MaxRecords)
	}
}
