package edgetest_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/fact"
)

// replace puts a new box in a dead one's place: another key, an empty disk.
func (b *box) replace() {
	id := b.g.ca.Booth("riverside", b.Identity.Booth, func(r *enroll.Response) { r.Replaces = true })
	b.Booth = lottest.Open(b.g.t, id, b.g.t.TempDir())
	must(b.g.t, b.Lot.Configure(b.g.ca.Sign(b.g.config)))
	b.say(fact.KindReplaced, fact.Replaced{Booth: id.Booth})
	b.start(slow)
}

func (b *box) say(kind fact.Kind, body any) {
	b.g.t.Helper()
	at := time.Now()
	_, err := b.Lot.Append(context.Background(), func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: at, Source: "booth", Kind: kind, Body: body}}
	})
	must(b.g.t, err)
}

func public(id *enroll.Identity) ed25519.PublicKey { return id.Key.Public().(ed25519.PublicKey) }

// recover is a person's act at the box: the group is given up, and begins anew here.
func (b *box) recover(group string) {
	b.say(fact.KindRecovered, fact.Recovered{Group: group, Member: b.memberID(), By: "li", Note: "two boxes burnt"})
}

// members waits until the group has these voters and others, as its leader sees it.
func (g *group) members(voters, others int) {
	g.t.Helper()
	lottest.Until(g.t, 3*time.Minute, fmt.Sprintf("%d voters and %d others", voters, others), func() bool {
		l := g.leader()
		if l == nil {
			return false
		}
		m := l.member().Status()
		return len(m.Voters) == voters && len(m.Others) == others
	})
}

// Each booth's box dies with its disk and another takes its place: it is rebuilt from the others, is another member of
// the group, and nobody listens to the old one any more.
func TestBoxIsReplaced(t *testing.T) {
	for _, s := range shapes[2:] {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := build(t, s, slow)
				for i, b := range g.boxes {
					b.Enter(fmt.Sprintf("粤B%d1000", i))
					level(t, 10*time.Second, g.boxes)
					was, name := b.Lot.Author(), b.memberID()
					b.kill()
					g.living()[0].Enter(fmt.Sprintf("粤B%d2000", i))
					old := b.Booth
					b.replace()
					level(t, time.Minute, g.boxes)
					agreed(t, 3*time.Minute, g.boxes)
					g.members(s.voters, s.booths-s.voters)
					if b.Lot.Author() == was || b.memberID() == name {
						t.Errorf("%s goes on as %s, member %s", b.Identity.Booth, was, name)
					}
					if got := b.of(fmt.Sprintf("粤B%d1000", i)); got.Entry == nil {
						t.Errorf("%s does not know what its former box saw", b.Identity.Booth)
					}
					for _, x := range g.boxes {
						if !x.Lot.Former(old.Identity.Booth, public(old.Identity)) {
							t.Errorf("%s would still listen to the old box of %s", x.Identity.Booth, old.Identity.Booth)
						}
						if x.Lot.Former(b.Identity.Booth, public(b.Identity)) {
							t.Errorf("%s does not listen to the new box of %s", x.Identity.Booth, b.Identity.Booth)
						}
					}
				}
			})
		})
	}
}

// The first voter is who founds a lot's group. A box in its place with an empty disk must not found another one beside
// the group that lives.
func TestReplacedFounderFoundsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[3], slow)
		a, others := g.boxes[0], g.boxes[1:]
		a.kill()
		agreed(t, time.Minute, others)
		g.net.Split([]string{"booth-a"}, names(others))
		a.replace()
		<-time.After(time.Minute)
		if s := a.member().Status(); len(s.Voters) > 0 || s.State == "Leader" {
			t.Errorf("it founded a group of its own: %+v", s)
		}
		g.net.Heal()
		level(t, time.Minute, g.boxes)
		agreed(t, 3*time.Minute, g.boxes)
		g.members(3, 0)
	})
}

// The old box is switched on again: the others turn it away, and what it says reaches nobody.
func TestOldBoxComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[3], slow)
		b := g.boxes[1]
		b.kill()
		old := b.Booth
		b.replace()
		level(t, time.Minute, g.boxes)
		b.kill() // it has the new box's address now
		ghost := &box{Booth: old.Reopen(), g: g}
		ghost.start(slow)
		ghost.Enter("粤B66666")
		<-time.After(time.Minute)
		for _, x := range []*box{g.boxes[0], g.boxes[2]} {
			if n := len(x.ofPlate("粤B66666")); n > 0 {
				t.Errorf("%s believes the old box", x.Identity.Booth)
			}
			if s := ghost.x.Peers()[x.Identity.Booth]; s.Error == "" {
				t.Errorf("the old box is not told by %s that another took its place", x.Identity.Booth)
			}
		}
		ghost.kill()
		b.comeBack(slow)
		level(t, time.Minute, g.boxes)
		agreed(t, 3*time.Minute, g.boxes)
	})
}

// The sole voter is gone with its disk. The other goes on without agreement until a person founds the group anew.
func TestSoleVoterIsRecoveredByAPersonOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[1], slow)
		a, b := g.boxes[0], g.boxes[1]
		a.Enter("粤B10000")
		level(t, 10*time.Second, g.boxes)
		a.kill()
		b.Enter("粤B20000")
		a.replace()
		level(t, time.Minute, g.boxes)
		<-time.After(time.Minute)
		if s := b.member().Status(); s.Behind == 0 || g.leader() != nil {
			t.Errorf("the group came back without a person: %+v", s)
		}
		a.recover("groupgroupgroup2")
		g.members(1, 1)
		agreed(t, 3*time.Minute, g.boxes)
		if s := a.member().Status(); !slices.Equal(s.Voters, []string{"booth-a"}) {
			t.Errorf("voters %v", s.Voters)
		}
	})
}

// Two of three voters are lost for good. A person at the third founds the group anew; what agrees is whoever is there, and
// a lost one that turns up after all leaves the old group for the new one.
func TestLostQuorumIsRecoveredByAPersonOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[5], slow)
		for i, b := range g.boxes {
			b.Enter(fmt.Sprintf("粤B%d0000", i))
		}
		level(t, 10*time.Second, g.boxes)
		agreed(t, time.Minute, g.boxes)
		a, b, rest := g.boxes[0], g.boxes[1], g.boxes[2:]
		a.kill()
		b.kill()
		rest[1].Enter("粤B55555")
		level(t, time.Minute, rest)
		<-time.After(time.Minute)
		if g.leader() != nil {
			t.Fatal("one voter of three leads")
		}
		rest[0].recover("groupgroupgroup2")
		agreed(t, 3*time.Minute, rest)
		a.comeBack(slow) // with its files of the old group
		level(t, time.Minute, append(slices.Clone(rest), a))
		agreed(t, 3*time.Minute, append(slices.Clone(rest), a))
		b.comeBack(slow)
		level(t, time.Minute, g.boxes)
		agreed(t, 3*time.Minute, g.boxes)
		g.members(3, 2)
	})
}

// People on both sides of a split found the group anew. The later word counts for all once they hear each other.
func TestTwoPeopleRecoverOnTwoSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := build(t, shapes[3], slow)
		a, others := g.boxes[0], g.boxes[1:]
		g.net.Split([]string{"booth-a"}, names(others))
		a.recover("groupgroupgroup2")
		<-time.After(time.Minute)
		others[1].recover("groupgroupgroup3")
		a.Enter("粤B10000")
		others[0].Enter("粤B20000")
		agreed(t, 3*time.Minute, g.boxes[:1])
		agreed(t, 3*time.Minute, others)
		g.net.Heal()
		level(t, time.Minute, g.boxes)
		agreed(t, 5*time.Minute, g.boxes)
		g.members(3, 0)
		for _, x := range g.boxes {
			if r, _ := x.Lot.Recovered(); r.Group != "groupgroupgroup3" {
				t.Errorf("%s is of %s", x.Identity.Booth, r.Group)
			}
		}
	})
}
