package agree_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = agree.Timing{
	Heartbeat: 300 * time.Millisecond, Lease: 200 * time.Millisecond, Reconcile: 50 * time.Millisecond, Gather: 5 * time.Millisecond,
	Stall: 400 * time.Millisecond,
}

// node is a booth with its memory and its member of the group.
type node struct {
	*lottest.Booth
	addr   string
	all    *[]*node
	member *agree.Member
	cancel context.CancelFunc
	done   chan error
	disk   func()                 // called before each write of raft's
	called atomic.Pointer[called] // nil while the member does not run; the others' goroutines ask
}

// called is a booth and its member of the group.
type called struct {
	booth  string
	member *agree.Member
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	var l net.Listener
	lottest.Until(t, 5*time.Second, "listen on "+addr, func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	})
	return l
}

// named tells a booth's name in the group, as package peer does.
func (n *node) named(booth string) string {
	for _, o := range *n.all {
		if c := o.called.Load(); c != nil && c.booth == booth {
			return c.member.ID()
		}
	}
	return ""
}

// start runs the booth's member.
func (n *node) start(t testing.TB) {
	t.Helper()
	m, err := agree.New(agree.Options{
		Lot: n.Identity.Lot, Booth: n.Identity.Booth, Dir: filepath.Join(n.Dir, "raft"), Memory: n.Lot, Credentials: n.Identity,
		Listener: listen(t, n.addr), Now: time.Now, Log: slog.New(slog.DiscardHandler), Timing: quick, Members: n.named,
	})
	if err != nil {
		t.Fatal(err)
	}
	if n.disk != nil {
		m.BeforeWrite(n.disk)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.member, n.cancel, n.done = m, cancel, make(chan error, 1)
	n.called.Store(&called{n.Identity.Booth, m})
	go func(done chan error) { done <- m.Run(ctx) }(n.done)
	t.Cleanup(func() { n.stop(t) })
}

func (n *node) stop(t testing.TB) {
	t.Helper()
	if n.done == nil {
		return
	}
	n.called.Store(nil)
	n.cancel()
	if err := <-n.done; err != nil {
		t.Errorf("member %s: %v", n.Identity.Booth, err)
	}
	n.done = nil
}

// restart ends everything of the booth and opens it again from its files.
func (n *node) restart(t testing.TB) {
	t.Helper()
	n.stop(t)
	n.Booth.Stop()
	n.Booth = n.Booth.Reopen()
	n.start(t)
}

// group starts booths; those at the positions of voters vote.
func group(t *testing.T, ca *enrolltest.Authority, size int, voters ...int) []*node {
	t.Helper()
	var nodes []*node
	var booths []wire.Booth
	var all []*node
	for i := range size {
		l := listen(t, "127.0.0.1:0")
		addr := l.Addr().String()
		l.Close()
		name := fmt.Sprintf("booth-%c", 'a'+i)
		nodes = append(nodes, &node{Booth: lottest.New(t, ca, "riverside", name), addr: addr, all: &all})
		booths = append(booths, wire.Booth{ID: name, Raft: addr, Voter: slices.Contains(voters, i)})
	}
	all = nodes
	for _, n := range nodes {
		if err := n.Lot.Configure(ca.Sign(lottest.Config("riverside", 1, booths...))); err != nil {
			t.Fatal(err)
		}
		n.start(t)
	}
	return nodes
}

func leader(nodes []*node) *node {
	for _, n := range nodes {
		if n.done != nil && n.member.Leads() {
			return n
		}
	}
	return nil
}

// push brings what from holds to the leader, as package peer does.
func push(t testing.TB, from, to *node) {
	t.Helper()
	for _, need := range from.Lot.Cursors().Lacks(to.Lot.Cursors()) {
		b, err := from.Lot.Batch(need.Author, need.After, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Lot.Merge(b); err != nil {
			t.Fatal(err)
		}
	}
}

// level waits until all nodes hold the same facts and agree on all of them. What they author reaches the leader as
// package peer brings it; everything else is raft's.
func level(t testing.TB, nodes []*node) {
	t.Helper()
	lottest.Until(t, 30*time.Second, "all booths agree on the same facts", func() bool {
		if l := leader(nodes); l != nil {
			for _, n := range nodes {
				push(t, n, l)
			}
		}
		want := nodes[0].Lot.Cursors()
		for _, n := range nodes {
			if n.Lot.Cursors().Digest() != want.Digest() || n.member.Status().Agreed.Digest() != want.Digest() {
				return false
			}
		}
		return true
	})
}

func TestOneBooth(t *testing.T) {
	nodes := group(t, enrolltest.New(t), 1, 0)
	nodes[0].Enter("粤B12345")
	level(t, nodes)
	nodes[0].restart(t)
	nodes[0].Enter("粤B54321")
	level(t, nodes)
	if s := nodes[0].member.Status(); s.State != "Leader" || s.Behind != 0 || !slices.Equal(s.Voters, []string{"booth-a"}) {
		t.Errorf("status %+v", s)
	}
}

func TestVoterAndListener(t *testing.T) {
	nodes := group(t, enrolltest.New(t), 2, 0)
	a, b := nodes[0], nodes[1]
	a.Enter("粤B12345")
	lottest.Until(t, 20*time.Second, "booth-b listens", func() bool {
		s := a.member.Status()
		return slices.Equal(s.Voters, []string{"booth-a"}) && slices.Equal(s.Others, []string{"booth-b"})
	})
	b.Enter("粤B54321")
	level(t, nodes)

	b.stop(t) // a listener that is away stops nobody
	a.Enter("粤B11111")
	level(t, nodes[:1])
	b.start(t)
	level(t, nodes)

	a.stop(t) // the sole voter is away: booth-b goes on from its journal
	b.Enter("粤B22222")
	if s := b.member.Status(); s.Behind == 0 {
		t.Errorf("without the voter something was agreed on: %+v", s)
	}
	a.start(t)
	level(t, nodes)
}

func TestThreeVotersLoseTheLeader(t *testing.T) {
	ca := enrolltest.New(t)
	nodes := group(t, ca, 3, 0, 1, 2)
	nodes[0].Enter("粤B12345")
	lottest.Until(t, 30*time.Second, "three voters", func() bool {
		l := leader(nodes)
		return l != nil && len(l.member.Status().Voters) == 3
	})
	level(t, nodes)
	first := leader(nodes)
	first.stop(t)
	rest := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n == first })
	lottest.Until(t, 30*time.Second, "another leader", func() bool { return leader(rest) != nil })
	rest[0].Enter("粤B54321")
	level(t, rest)
	first.Enter("粤B33333") // goes on deciding while it is out of the group
	first.restart(t)
	level(t, nodes)
	for _, n := range nodes {
		n.restart(t)
	}
	level(t, nodes)
}

func TestMembersFollowTheConfiguration(t *testing.T) {
	ca := enrolltest.New(t)
	nodes := group(t, ca, 3, 0)
	a, b, c := nodes[0], nodes[1], nodes[2]
	lottest.Until(t, 30*time.Second, "two listeners", func() bool { return len(a.member.Status().Others) == 2 })
	next := lottest.Config("riverside", 2, wire.Booth{ID: "booth-a", Raft: a.addr}, wire.Booth{ID: "booth-b", Raft: b.addr, Voter: true})
	for _, n := range nodes {
		if err := n.Lot.Configure(ca.Sign(next)); err != nil {
			t.Fatal(err)
		}
	}
	lottest.Until(t, 30*time.Second, "booth-b votes, booth-a listens, booth-c is gone", func() bool {
		s := b.member.Status()
		return s.State == "Leader" && slices.Equal(s.Voters, []string{"booth-b"}) && slices.Equal(s.Others, []string{"booth-a"})
	})
	b.Enter("粤B12345")
	level(t, nodes[:2])
	if got := c.Lot.Cursors()[b.Lot.Author()].Seq; got > 1 {
		t.Errorf("booth-c is off the list and got %d facts of booth-b", got)
	}
}

// A voter that cannot be met does not become one: it would stop the agreement of the others.
func TestAbsentVoterStopsNobody(t *testing.T) {
	ca := enrolltest.New(t)
	nodes := group(t, ca, 1, 0)
	a := nodes[0]
	dead := listen(t, "127.0.0.1:0")
	addr := dead.Addr().String()
	dead.Close()
	c := lottest.Config("riverside", 2, wire.Booth{ID: "booth-a", Raft: a.addr, Voter: true}, wire.Booth{ID: "booth-b", Raft: addr, Voter: true})
	if err := a.Lot.Configure(ca.Sign(c)); err != nil {
		t.Fatal(err)
	}
	lottest.Until(t, 20*time.Second, "a leader", func() bool { return leader(nodes) != nil })
	for i := range 5 {
		a.Enter(fmt.Sprintf("粤B1000%d", i))
		level(t, nodes)
	}
	if s := a.member.Status(); !slices.Equal(s.Voters, []string{"booth-a"}) || len(s.Others) > 0 {
		t.Errorf("members %v, %v: nobody is added who never said who he is", s.Voters, s.Others)
	}
}

func TestStrangersAreTurnedAway(t *testing.T) {
	ca := enrolltest.New(t)
	nodes := group(t, ca, 1, 0)
	lottest.Until(t, 20*time.Second, "a leader", func() bool { return leader(nodes) != nil })
	for name, creds := range map[string]interface{ Dial(string) *tls.Config }{
		"another authority":    enrolltest.New(t).Booth("riverside", "booth-a", nil),
		"another lot":          ca.Booth("elsewhere", "booth-a", nil),
		"a booth off the list": ca.Booth("riverside", "booth-z", nil),
	} {
		conf := creds.Dial("booth-a")
		conf.VerifyConnection = nil // the stranger believes anybody
		c, err := tls.Dial("tcp", nodes[0].addr, conf)
		if err == nil {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err = c.Read(make([]byte, 1)) // TLS 1.3 tells of a refused certificate at the first read
			c.Close()
		}
		var late net.Error
		if err == nil || errors.As(err, &late) && late.Timeout() {
			t.Errorf("%s was let in: %v", name, err)
		}
	}
	for _, raw := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05hello"} {
		c, err := net.Dial("tcp", nodes[0].addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	nodes[0].Enter("粤B12345")
	level(t, nodes)
}
