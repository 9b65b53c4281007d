package agree_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
)

// three starts a group of three voters, whose disks can be made to hang or to be slow.
func three(t *testing.T) (nodes []*node, disks map[*node]*platter) {
	t.Helper()
	disks = map[*node]*platter{}
	nodes = group(t, enrolltest.New(t), 3, 0, 1, 2)
	for _, n := range nodes {
		d := &platter{}
		disks[n], n.disk = d, d.write
		n.restart(t)
	}
	lottest.Until(t, 30*time.Second, "three voters", func() bool {
		l := leader(nodes)
		return l != nil && len(l.member.Status().Voters) == 3
	})
	nodes[0].Enter("粤B10000")
	level(t, nodes)
	return nodes, disks
}

// platter is a disk that can be slow, or not answer at all.
type platter struct {
	slow atomic.Int64 // how long each write takes
	hang atomic.Pointer[chan struct{}]
}

func (p *platter) write() {
	if c := p.hang.Load(); c != nil {
		<-*c
	}
	if d := p.slow.Load(); d > 0 {
		<-time.After(time.Duration(d))
	}
}

// The disk of the leader hangs. Its heartbeats would go on; it breaks with the others instead, and they elect another.
func TestALeaderWhoseDiskHangsGivesWay(t *testing.T) {
	nodes, disks := three(t)
	first := leader(nodes)
	hang := make(chan struct{})
	answer := sync.OnceFunc(func() { disks[first].hang.Store(nil); close(hang) })
	t.Cleanup(answer)
	disks[first].hang.Store(&hang)
	rest := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n == first })
	for _, n := range nodes { // gives the leader something to write
		n.Enter("粤B2000" + n.Identity.Booth[len("booth-"):])
		push(t, n, first)
	}
	lottest.Until(t, 20*time.Second, "another leads", func() bool { l := leader(rest); return l != nil && l.member.Status().Leader == l.Identity.Booth })
	level(t, rest)
	answer()
	if err := <-first.done; err == nil || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("the member ended with %v", err)
	}
	first.done = nil
	first.start(t)
	level(t, nodes)
}

// The disk of the leader is slow. It hands leadership over and stays a member.
func TestALeaderWhoseDiskIsSlowHandsOver(t *testing.T) {
	nodes, disks := three(t)
	first := leader(nodes)
	disks[first].slow.Store(int64(250 * time.Millisecond))
	tick := 0
	lottest.Until(t, 20*time.Second, "another leads", func() bool {
		if tick++; tick%50 == 0 && leader(nodes) == first {
			first.Enter(fmt.Sprintf("粤B%05d", tick))
		}
		l := leader(nodes)
		return l != nil && l != first
	})
	disks[first].slow.Store(0)
	level(t, nodes)
	select {
	case err := <-first.done:
		t.Errorf("the member ended: %v", err)
	default:
	}
}
