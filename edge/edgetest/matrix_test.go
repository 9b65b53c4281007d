package edgetest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// Whole agents with real devices and a line to the cloud, in every layout: booths die in turn and the others let
// cars in, are told of payments, bill, let out, share and sync. The dead comes back and everybody holds the same.
func TestWholeLotLosesABooth(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting for arms and loops
			lanes := s.booths - btoi(s.witness)
			plan := Plan{Witness: s.witness, Online: true, Travel: 20 * time.Millisecond}
			for i := range lanes {
				plan.Lanes = append(plan.Lanes, Lane{ID: fmt.Sprintf("lane-%d", i), Dir: fact.Exit, Booth: fmt.Sprintf("booth-%c", 'a'+i)})
			}
			if lanes > 1 {
				plan.Lanes[0].Dir = fact.Entry
			}
			l := Start(t, plan)
			var ids []string
			for _, b := range l.Config.Booths {
				ids = append(ids, b.ID)
			}
			for round, dead := range ids {
				if round > 1 && round < len(ids)-1 && len(ids) > 3 {
					continue // the founder, another voter and a listener; TestAnyOneBoothMayDie has them all
				}
				l.Booths[dead].Stop()
				var living []*Booth
				for _, id := range ids {
					if id != dead {
						living = append(living, l.Booths[id])
					}
				}
				drive(t, l, plan.Lanes, living, round)
				l.Booths[dead].Start()
				same(t, l, append(living, l.Booths[dead]))
			}
			if len(ids) == 1 {
				drive(t, l, plan.Lanes, []*Booth{l.Booths[ids[0]]}, 1)
				same(t, l, []*Booth{l.Booths[ids[0]]})
			}
		})
	}
}

// patience is for what takes some seconds on a quiet machine: five booths with the race detector want much of it.
const patience = 90 * time.Second

// drive sends a car through every lane of the living booths.
func drive(t *testing.T, l *Lot, lanes []Lane, living []*Booth, round int) {
	t.Helper()
	for i, lane := range lanes {
		at := slices.IndexFunc(living, func(b *Booth) bool { return b.ID == lane.Booth })
		if at < 0 {
			continue
		}
		b, other := living[at], living[(at+1)%len(living)]
		text := fmt.Sprintf("粤B%d%d000", round, i)
		if lane.Dir == fact.Entry {
			l.Arrive(lane.ID, Car(t, text))
			l.Cross(lane.ID)
			one(t, other, text, inside)
			continue
		}
		of := Enter(t, other, text, 50*time.Minute)
		one(t, b, text, inside)
		l.Arrive(lane.ID, Car(t, text))
		Until(t, patience, lane.ID+" asks for money", func() bool { return b.Live(lane.ID).Due == 500 })
		l.Cloud.Paid(other, of, 500)
		l.Cross(lane.ID)
		for _, x := range living {
			if s := one(t, x, text, left); s.Money.Paid != 500 || s.Money.Debt != 0 || slices.Contains(s.Flags, session.TwoBills) {
				t.Errorf("%s: money %+v, flags %v", x.ID, s.Money, s.Flags)
			}
		}
	}
	if len(living) > 0 {
		Until(t, patience, "the cloud has what the living have", func() bool {
			return len(living[0].Lot().Cursors().Lacks(l.Cloud.Cursors())) == 0
		})
	}
}

// same waits until booths and cloud hold the same facts, and compares what they come to.
func same(t *testing.T, l *Lot, booths []*Booth) {
	t.Helper()
	var all exchange.Cursors
	Until(t, patience, "booths and cloud hold the same", func() bool {
		all = l.Cloud.Cursors()
		return !slices.ContainsFunc(booths, func(b *Booth) bool { return b.Lot().Cursors().Digest() != all.Digest() })
	})
	sums := func(b *Booth) (x [2]fact.Hash) {
		b.Lot().View(func(k *session.Book) { x = [2]fact.Hash{k.Digest(), k.BillDigest()} })
		return x
	}
	for _, b := range booths[1:] {
		if got, want := sums(b), sums(booths[0]); got != want {
			t.Errorf("%s and %s come to different sessions of the same facts", b.ID, booths[0].ID)
		}
	}
}
