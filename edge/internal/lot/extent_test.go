package lot_test

import (
	"slices"
	"testing"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// after is a cursor of an author so far.
func after(a fact.Author, seq uint64) exchange.Cursors {
	return exchange.Cursors{a: fact.Head{Seq: seq}}
}

func TestFactsOnFewerThanTwoDisksAreCounted(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	a.Enter("粤B12345") // four facts with the opening
	b.Enter("粤B54321")
	own, other := a.Lot.Author(), b.Lot.Author()
	check := func(when string, alone, fewer, lost uint64) {
		t.Helper()
		if s := a.Lot.Status(); s.Alone != alone || s.Fewer != fewer || s.Lost != lost {
			t.Errorf("%s: alone %d, fewer %d, lost %d (%+v); want %d, %d, %d", when, s.Alone, s.Fewer, s.Lost, s.Logs, alone, fewer, lost)
		}
	}
	check("nobody was heard", 4, 4, 0)
	a.Lot.Heard("cloud", after(own, 3), 1)
	check("the cloud is a disk", 1, 1, 0)
	a.Lot.Heard("booth-b", exchange.Cursors{other: fact.Head{Seq: 4}}, 1)
	check("booth-b holds its own alone", 1, 1+4, 0)
	merge(t, a.Lot, batch(t, b.Lot, other, 0, 3), exchange.Accepted)
	check("three of booth-b's are here", 1, 1+1, 0)
	a.Lot.Heard("booth-b", exchange.Cursors{own: fact.Head{Seq: 4}, other: fact.Head{Seq: 4}}, 1)
	check("booth-b has ours", 0, 1, 0)
	if l := a.Lot.Status().Logs; len(l) != 1 || l[0] != (lot.Extent{Author: other, Booth: "booth-b", Fewer: 1}) {
		t.Errorf("logs %+v", l)
	}
	// booth-b's disk is lost: its new box has what it could get.
	a.Lot.Heard("booth-b", exchange.Cursors{own: fact.Head{Seq: 4}, other: fact.Head{Seq: 3}}, 1)
	check("the fourth is lost", 0, 0, 1)
	if told := a.Lot.Told(); len(told) != 1 || told[other] != 4 {
		t.Errorf("told %v", told)
	}
	a.Stop()
	a = a.Reopen()
	if s := a.Lot.Status(); s.Lost != 1 {
		t.Errorf("after a restart %d are lost: what was told twice is kept", s.Lost)
	}
	merge(t, a.Lot, batch(t, b.Lot, other, 0, 4), exchange.Accepted)
	a.Lot.Heard("booth-b", exchange.Cursors{other: fact.Head{Seq: 4}}, 1)
	if s := a.Lot.Status(); s.Lost != 0 || len(a.Lot.Told()) != 0 {
		t.Errorf("it was found: %+v", s)
	}
}

// A box in another's place says how much of the other's there is, and how much somebody heard of that nobody has.
func TestWhatWasBeforeIsMeasured(t *testing.T) {
	ca := enrolltest.New(t)
	old, peer := lottest.New(t, ca, "riverside", "booth-b"), lottest.New(t, ca, "riverside", "booth-a")
	old.Enter("粤B12345")
	was := old.Lot.Author()
	merge(t, peer.Lot, batch(t, old.Lot, was, 0, 3), exchange.Accepted)
	peer.Lot.Heard("booth-b", old.Lot.Cursors(), 1)
	box := lottest.New(t, ca, "riverside", "booth-b")
	merge(t, box.Lot, batch(t, peer.Lot, was, 0, 3), exchange.Accepted)
	box.Lot.Heard("booth-a", peer.Lot.Cursors(), 1)
	box.Lot.Tell(peer.Lot.Told())
	box.Lot.Tell(map[fact.Author]uint64{"no author": 9})
	if got, want := box.Lot.Before(), []fact.Rest{{Author: was, Held: 3, Told: 4}}; !slices.Equal(got, want) {
		t.Errorf("before %+v, want %+v", got, want)
	}
}
