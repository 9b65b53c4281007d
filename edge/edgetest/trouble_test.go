package edgetest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/edgetest/simulation"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// The part of the simulation that cannot be replayed: raft's schedule is not a function of a seed. The same promises are
// held here on real raft, exchange and files, over a while of the bubble's time in which booths die and the network falls
// apart at random. package simulation has the replayable part.
func TestRandomTroubleOnRealRaft(t *testing.T) {
	for seed, s := range []shape{shapes[1], shapes[3], shapes[5]} {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				d := &day{g: build(t, s, slow), chance: rand.New(rand.NewPCG(uint64(seed), 1)), acked: map[fact.ID]bool{}}
				for range 40 {
					d.step()
					<-time.After(time.Duration(d.chance.Int64N(int64(20 * time.Second))))
				}
				d.heal()
				level(t, 2*time.Minute, d.g.boxes)
				agreed(t, 5*time.Minute, d.g.boxes)
				d.check(t)
				t.Logf("%v of virtual time, %d cars, %d deaths, %d splits", time.Since(began).Round(time.Second), d.cars, d.deaths, d.splits)
				if d.cars == 0 || d.deaths == 0 || d.splits == 0 {
					t.Errorf("the day shows too little: %d cars, %d deaths, %d splits", d.cars, d.deaths, d.splits)
				}
			})
		})
	}
}

// day is a group's random history, and what was acknowledged in it.
type day struct {
	g                    *group
	chance               *rand.Rand
	acked                map[fact.ID]bool
	cars, deaths, splits int
}

func (d *day) step() {
	alive := d.g.living()
	b := alive[d.chance.IntN(len(alive))]
	switch d.chance.IntN(8) {
	case 0:
		if len(alive) > 1 { // the last one keeps the lot
			b.kill()
			d.deaths++
		}
	case 1, 2:
		for _, x := range d.g.boxes {
			if !x.alive() {
				x.comeBack(slow)
				break
			}
		}
	case 3:
		sides := splits(d.g.boxes)
		side := sides[d.chance.IntN(len(sides))]
		d.g.net.Split(names(side[0]), names(side[1]))
		d.splits++
	case 4:
		d.g.net.Heal()
	default:
		d.cars++
		for _, f := range b.Enter(fmt.Sprintf("粤B%05d", d.cars)) {
			d.acked[f.ID()] = true
		}
		if inside := parked(b); len(inside) > 1 {
			s := inside[d.chance.IntN(len(inside))]
			b.leave(s.Plate.Text, s.ID, 500)
		}
	}
}

func parked(b *box) (out []session.Session) {
	b.Lot.View(func(k *session.Book) { out = k.Inside() })
	return out
}

func (d *day) heal() {
	d.g.net.Heal()
	for _, b := range d.g.boxes {
		if !b.alive() {
			b.comeBack(slow)
		}
	}
}

// check holds every box against what was acknowledged, and the money against itself.
func (d *day) check(t *testing.T) {
	for _, b := range d.g.boxes {
		b.Lot.View(func(k *session.Book) {
			for id := range d.acked {
				if !k.Has(id) {
					t.Errorf("%s does not hold %s, which was acknowledged", b.Identity.Booth, id)
				}
			}
			for _, v := range simulation.CheckSessions(k) {
				t.Errorf("%s: %s: %s", b.Identity.Booth, v.Rule, v.Text)
			}
			for _, s := range k.Sessions() {
				if s.Entry == nil { // it left on both sides of a split: the second time without an entry
					continue
				}
				if s.State == session.Left && (s.Bill == nil || s.Money.Paid != 500) {
					t.Errorf("%s: session %s left with %+v", b.Identity.Booth, s.ID, s.Money)
				}
				if s.State == session.Left && int64(s.Money.Excess) != 500*int64(len(s.Pays)-1) {
					t.Errorf("%s: session %s was paid %d times and owes back %d", b.Identity.Booth, s.ID, len(s.Pays), s.Money.Excess)
				}
			}
		})
		if st := b.Lot.Status(); st.Poor != 0 || slices.Contains(st.Closed, b.Lot.Author()) {
			t.Errorf("%s: %+v", b.Identity.Booth, st)
		}
	}
}
