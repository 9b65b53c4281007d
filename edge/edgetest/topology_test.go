package edgetest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/shared/session"
)

// slow is raft's patience as it ships: time costs nothing here.
var slow agree.Timing

// Each booth of each layout dies in turn, the sole voter included. The others go on: they author, share by exchange, and
// agree as long as a majority of voters lives. The dead comes back with what it authored last, and all are equal.
func TestAnyOneBoothMayDie(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := build(t, s, slow)
				for i, dead := range g.boxes {
					for k, b := range g.boxes {
						b.Enter(fmt.Sprintf("粤B%d%d000", i, k))
					}
					level(t, 10*time.Second, g.boxes)
					agreed(t, time.Minute, g.boxes)
					dead.Enter(fmt.Sprintf("粤B%d9000", i)) // perhaps nobody hears of it before the end
					dead.kill()
					others := g.living()
					for k, b := range others {
						b.Enter(fmt.Sprintf("粤B%d%d111", i, k))
						b.leave(fmt.Sprintf("粤B%d%d000", i, slices.Index(g.boxes, b)), b.of(fmt.Sprintf("粤B%d%d000", i, slices.Index(g.boxes, b))).ID, 500)
					}
					if len(others) > 0 {
						level(t, 10*time.Second, others)
						if s.quorumIsAlone && dead == g.boxes[0] {
							if st := others[0].member().Status(); st.Behind == 0 {
								t.Errorf("without its only voter the group agreed on something: %+v", st)
							}
						} else {
							agreed(t, time.Minute, others)
						}
					}
					dead.comeBack(slow)
					level(t, time.Minute, g.boxes)
					agreed(t, 2*time.Minute, g.boxes)
					if n := len(dead.sessions()); n < (i+1)*(2*len(g.boxes)) {
						t.Errorf("%s came back to %d sessions", dead.Identity.Booth, n)
					}
				}
				for _, x := range g.boxes[0].sessions() {
					if x.Bill != nil && (x.Money.Paid != 500 || x.Money.Excess != 0 || slices.Contains(x.Flags, session.TwoBills)) {
						t.Errorf("session %s: %+v %v", x.ID, x.Money, x.Flags)
					}
				}
			})
		})
	}
}

// The network falls into two sides in every way there is. Each side goes on and takes money for the same car; healed, all
// hold the same and the second payment is a refund that is due.
func TestLANSplitsAndHeals(t *testing.T) {
	for _, s := range shapes {
		if s.booths == 1 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := build(t, s, slow)
				for i, sides := range splits(g.boxes) {
					text := fmt.Sprintf("粤B%05d", i)
					of := g.boxes[0].Enter(text)[0].ID()
					level(t, 10*time.Second, g.boxes)
					g.net.Split(names(sides[0]), names(sides[1]))
					for k, side := range sides {
						side[0].leave(text, of, 500)
						for n, b := range side {
							b.Enter(fmt.Sprintf("粤C%d%d%d00", i%10, k, n))
						}
					}
					for _, side := range sides {
						level(t, time.Minute, side)
						if x := side[0].of(text); x.Bill == nil || x.Money.Paid != 500 || x.Money.Excess != 0 {
							t.Errorf("%v does not go on by itself: %+v", names(side), x.Money)
						}
					}
					g.net.Heal()
					level(t, time.Minute, g.boxes)
					agreed(t, 2*time.Minute, g.boxes)
					if x := g.boxes[0].of(text); x.Money.Paid != 500 || x.Money.Excess != 500 || !slices.Contains(x.Flags, session.Overpaid) || x.Money.Debt != 0 {
						t.Errorf("split %v: %+v %v", i, x.Money, x.Flags)
					}
				}
			})
		})
	}
}

// splits are the ways to part the boxes into two sides.
func splits(boxes []*box) (out [][2][]*box) {
	for mask := 1; mask < 1<<(len(boxes)-1); mask++ {
		var sides [2][]*box
		for i, b := range boxes {
			sides[mask>>i&1] = append(sides[mask>>i&1], b)
		}
		out = append(out, sides)
	}
	return out
}

// A split that lasts ten minutes, with traffic on both sides all the time: what was begun before every deadline has run out.
func TestLANStaysSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[3], slow)
		g.net.Split(names(g.boxes[:2]), names(g.boxes[2:]))
		for minute := range 10 {
			for k, b := range g.boxes {
				b.Enter(fmt.Sprintf("粤B%d%d000", minute, k))
			}
			<-time.After(time.Minute)
		}
		level(t, time.Minute, g.boxes[:2])
		agreed(t, time.Minute, g.boxes[:2])
		g.net.Heal()
		level(t, time.Minute, g.boxes)
		agreed(t, 2*time.Minute, g.boxes)
	})
}

// The witness has no lane and no device. It keeps every fact, and with it two booths agree although one is dead.
func TestWitnessKeepsFactsAndHasNoLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[2], slow)
		witness := g.boxes[2]
		for _, l := range g.config.Lanes {
			if l.Booth == witness.Identity.Booth {
				t.Errorf("lane %s is the witness's", l.ID)
			}
		}
		g.boxes[0].Enter("粤B12345")
		level(t, 10*time.Second, g.boxes)
		g.boxes[0].kill()
		g.boxes[1].Enter("粤B54321")
		agreed(t, time.Minute, g.boxes[1:])
		if x := witness.of("粤B12345"); x.State != session.Inside {
			t.Errorf("the witness knows %+v", x)
		}
		if own := witness.Lot.Cursors()[witness.Lot.Author()]; own.Seq != 1 {
			t.Errorf("the witness authored %d facts", own.Seq)
		}
	})
}

func (b *box) ofPlate(text string) (out []session.Session) {
	b.Lot.View(func(k *session.Book) { out = k.Of(session.Key(text)) })
	return out
}

func (b *box) sessions() (out []session.Session) {
	b.Lot.View(func(k *session.Book) { out = k.Sessions() })
	return out
}
