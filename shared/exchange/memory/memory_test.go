package memory_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/exchange/exchangetest"
	"lotkeeper/shared/exchange/memory"
	"lotkeeper/shared/fact"
)

type keys map[string]ed25519.PublicKey

func (k keys) Admit(_ fact.Fact, o fact.Opened) (ed25519.PublicKey, error) {
	if !k[o.Booth].Equal(o.Key) {
		return nil, errors.New("no booth of this lot")
	}
	return o.Key, nil
}

func booths() ([]exchangetest.Booth, keys) {
	known := keys{}
	var out []exchangetest.Booth
	for _, name := range []string{"booth-a", "booth-b"} {
		key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(name[6:], ed25519.SeedSize)))
		known[name] = key.Public().(ed25519.PublicKey)
		out = append(out, exchangetest.Booth{Name: name, Key: key})
	}
	return out, known
}

func subject(s *memory.Store, of []exchangetest.Booth) exchangetest.Subject {
	return exchangetest.Subject{
		Lot: "riverside", Booths: of,
		Take: func(b exchange.Batch) (exchange.Verdict, fact.Head) {
			res := s.Take(b)
			return res.Verdict, res.Head
		},
		Cursors: s.Cursors, Records: s.Records, Sessions: func() fact.Hash { return s.Book().Digest() },
	}
}

func TestStore(t *testing.T) {
	for _, c := range exchangetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			of, known := booths()
			c.Run(t, subject(memory.New("riverside", known), of))
		})
	}
}

func TestACopyGoesItsOwnWay(t *testing.T) {
	of, known := booths()
	s := memory.New("riverside", known)
	w := exchangetest.NewWriter("riverside", of[0], 0)
	for range 5 {
		w.Write(fact.Draft{Kind: "x", Body: 1})
	}
	s.Take(w.Batch(0, 3))
	before := s.Book().Digest()
	c := s.Copy()
	s.Take(w.Batch(3, 6))
	if c.Cursors().Digest() == s.Cursors().Digest() || c.Book().Digest() != before {
		t.Errorf("the copy follows: %v", c.Cursors())
	}
	if res := c.Take(w.Batch(3, 6)); res.Verdict != exchange.Accepted || c.Cursors().Digest() != s.Cursors().Digest() {
		t.Errorf("the copy takes what it lacks: %s, %v", res.Verdict, c.Cursors())
	}
}
