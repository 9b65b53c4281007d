package session

import (
	"encoding/json"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// withRights is a lot where each hour begun costs ¥5, with rights.
func withRights(t *testing.T, beyond right.Beyond, rights ...right.Right) wire.Terms {
	t.Helper()
	five, err := tariff.Decode([]byte(`{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":"1h","price":500}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var entries []right.Entry
	for _, r := range rights {
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, right.Entry{ID: r.ID, Number: 1, Right: doc})
	}
	set, err := (&right.Set{}).Apply(entries)
	if err != nil || set.Poor() > 0 {
		t.Fatalf("%d rights are not understood: %v", set.Poor(), err)
	}
	return wire.Terms{Rights: set, Config: &wire.Config{
		Lot: "riverside", Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Tariffs: []tariff.Tariff{five},
		Rules: []wire.TariffRule{{Tariff: fact.TariffRef{ID: "x", Version: 1}}}, Policy: wire.Policy{Beyond: string(beyond)},
	}}
}

func shared(kind right.Kind, until time.Time) right.Right {
	r := right.Right{ID: "card", Version: 3, Kind: kind, Plates: []right.Plate{{Text: "粤B12345"}, {Text: "粤B54321"}}, Periods: []right.Period{{To: until}}}
	if kind == right.Permit {
		r.Places = 1
	}
	return r
}

// M6.03: what ends during a stay is free until then and charged after, or free to the end where the lot says so.
func TestARightThatEndsDuringAStay(t *testing.T) {
	p := newPen(0)
	p.through(fact.Entry, "粤B12345")
	b := NewBook()
	b.Add(p.out...)
	for _, tc := range []struct {
		name      string
		kind      right.Kind
		ends      time.Duration // after the entry
		then      right.Beyond
		due, free money.Amount
	}{
		{"month card", right.Permit, 2 * time.Hour, right.BeyondCovered, 1500, 1000},
		{"month card, policy stay", right.Permit, 2 * time.Hour, right.BeyondStay, 0, 2500},
		{"free list", right.Free, 2 * time.Hour, right.BeyondCovered, 1500, 1000},
		{"it lasts", right.Permit, 5 * time.Hour, right.BeyondCovered, 0, 2500},
		{"it ended before", right.Permit, -time.Hour, right.BeyondCovered, 2500, 0},
		{"it ended before, policy stay", right.Permit, -time.Hour, right.BeyondStay, 2500, 0},
	} {
		s, terms := only(t, b), withRights(t, tc.then, shared(tc.kind, noon.Add(tc.ends)))
		bill, err := Price(s, noon.Add(5*time.Hour), terms)
		if err != nil {
			t.Fatal(err)
		}
		if bill.Due != tc.due || bill.Free != tc.free {
			t.Errorf("%s: due %d, free %d; want %d and %d: %+v", tc.name, bill.Due, bill.Free, tc.due, tc.free, bill.Lines)
		}
		for _, l := range bill.Lines {
			if l.Kind == tariff.KindFree && l.Ref != "card@3" {
				t.Errorf("%s: the line names %q", tc.name, l.Ref)
			}
		}
	}
}

// M9.15: whether a vehicle had a place of its permit is what its entry's decision says, on every machine and whatever the
// others did since.
func TestTheEntrysDecisionSaysWhoHadAPlace(t *testing.T) {
	terms := withRights(t, right.BeyondCovered, shared(right.Permit, noon.AddDate(0, 1, 0)))
	for _, full := range []bool{false, true} {
		p := newPen(0)
		r := p.read(fact.Entry, "粤B54321")
		p.write(fact.KindDecision, fact.Decision{
			Lane: "entry", Dir: fact.Entry, Action: fact.Open, Reason: "permit", Rights: 1,
			Uses: []fact.RightUse{{ID: "card", Version: 3, Kind: "permit", Full: full}},
		}, nil, r)
		b := NewBook()
		b.Add(p.out...)
		s := only(t, b)
		want := money.Amount(0)
		if full {
			want = 1000
		}
		at := noon.Add(2 * time.Hour)
		bill, err := Price(s, at, terms)
		if err != nil || bill.Due != want {
			t.Errorf("full %v: due %d, want %d (%v)", full, bill.Due, want, err)
		}
		if given := s.RightsAt(at, terms); full == (len(given) == 1) {
			t.Errorf("full %v: recorded with the bill: %+v", full, given)
		}
	}
}
