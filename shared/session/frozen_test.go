package session

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// frozen is a set of facts as a release stored them, with what that release's fold made of it.
type frozen struct {
	Version  int           `json:"version"`
	Facts    []fact.Record `json:"facts"`
	Sessions fact.Hash     `json:"sessions"`
	Bills    fact.Hash     `json:"bills"`
	Sums     Sums          `json:"sums"`
}

var freeze = flag.Bool("freeze", false, "write testdata/v<Version>.json, once per version: a file that is there is never written again")

// TestFrozenSetsRefoldIdentically holds every release's facts to the sessions that release made of them. The files are
// never changed; new semantics get a number of their own and a file of their own.
func TestFrozenSetsRefoldIdentically(t *testing.T) {
	if *freeze {
		writeFrozen(t)
	}
	files, err := filepath.Glob("testdata/v*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no frozen sets: %v", err)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want frozen
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(want.Facts) < 100 {
			t.Errorf("%s holds %d facts: too few to hold anything", file, len(want.Facts))
		}
		got := refrozen(t, want)
		if got.Sessions != want.Sessions || got.Bills != want.Bills || got.Sums != want.Sums {
			t.Errorf("%s folds to sessions %s, bills %s, sums %+v; that release had %s, %s, %+v",
				file, got.Sessions, got.Bills, got.Sums, want.Sessions, want.Bills, want.Sums)
		}
		want.Facts = want.Facts[:len(want.Facts)-1]
		if less := refrozen(t, want); less.Sessions == got.Sessions {
			t.Errorf("%s: the digest does not see that a fact is missing", file)
		}
	}
}

func refrozen(t *testing.T, f frozen) frozen {
	t.Helper()
	facts := make([]fact.Fact, len(f.Facts))
	for i, r := range f.Facts {
		var err error
		if facts[i], err = fact.Unseal(r); err != nil {
			t.Fatal(err)
		}
	}
	b := NewBookOf(f.Version)
	b.Add(facts...)
	return frozen{Version: f.Version, Facts: f.Facts, Sessions: b.Digest(), Bills: b.BillDigest(), Sums: b.Sums()}
}

func writeFrozen(t *testing.T) {
	t.Helper()
	file := filepath.Join("testdata", fmt.Sprintf("v%d.json", Version))
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s is frozen already: new semantics need a new Version", file)
	}
	doc, err := json.Marshal(refrozen(t, frozen{Version: Version, Facts: stories()}))
	if err == nil {
		err = os.MkdirAll("testdata", 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, append(doc, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stories are the facts of every situation that has a name, and of a random crowd.
func stories() (out []fact.Record) {
	for i, tc := range situations {
		p := newPen(i % 2)
		p.author = fact.Author(fmt.Sprintf("story%c%c222222222", 'a'+i/26, 'a'+i%26))
		tc.write(p)
		out = append(out, p.sealed...)
	}
	r := rand.New(rand.NewPCG(7, 7))
	pens := []*pen{newPen(20), newPen(21)}
	var seen []fact.ID
	some := func() fact.ID { return seen[r.IntN(len(seen))] }
	texts := []string{"粤B12345", "粤B1234S", "京A00001", "无牌车", "粤C77777", "粤D88888"}
	for n := range 200 {
		p := pens[r.IntN(2)]
		p.at = p.at.Add(time.Duration(r.IntN(3000)-60) * time.Second)
		dir := []fact.Dir{fact.Entry, fact.Exit}[r.IntN(2)]
		text := texts[r.IntN(len(texts))]
		switch what := r.IntN(12); {
		case what < 5 || len(seen) == 0:
			seen = append(seen, p.through(dir, text))
		case what == 5:
			p.decide(some(), dir, fact.Hold)
		case what == 6:
			p.pass(some(), dir, []fact.Outcome{fact.Reversed, fact.Gone, fact.Passed}[r.IntN(3)])
		case what == 7:
			a := some()
			p.bill(a, some(), 900, money.Amount(r.IntN(900)))
		case what == 8:
			p.cash(some(), money.Amount(1+r.IntN(900)), fmt.Sprint(n))
		case what == 9:
			p.write(fact.KindCorrected, fact.Corrected{By: "li"}, car(text, plate.Colour(r.IntN(3))), some())
		case what == 10:
			a := some()
			p.write(fact.KindMatched, fact.Matched{Basis: "person"}, nil, a, some())
		default:
			a := some()
			p.write(fact.KindPayment, fact.Payment{Session: a, Amount: 300, Order: fmt.Sprint("o", n/2), Provider: "alipay"}, nil, a)
		}
	}
	return append(append(out, pens[0].sealed...), pens[1].sealed...)
}
