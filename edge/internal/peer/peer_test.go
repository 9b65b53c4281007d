package peer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/edge/internal/peer"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type node struct {
	*lottest.Booth
	addr   string
	x      *peer.Exchange
	cancel context.CancelFunc
	done   chan error
}

func (n *node) start(t testing.TB) {
	t.Helper()
	var l net.Listener
	lottest.Until(t, 5*time.Second, "listen", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", n.addr)
		return err == nil
	})
	n.addr = l.Addr().String()
	x, err := peer.New(peer.Options{
		Lot: n.Identity.Lot, Booth: n.Identity.Booth, Memory: n.Lot, Credentials: n.Identity, Listener: l, Now: time.Now,
		Every: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.x, n.cancel, n.done = x, cancel, make(chan error, 1)
	go func(done chan error) { done <- x.Run(ctx) }(n.done)
	t.Cleanup(func() { n.stop(t) })
}

func (n *node) stop(t testing.TB) {
	t.Helper()
	if n.done == nil {
		return
	}
	n.cancel()
	if err := <-n.done; err != nil {
		t.Errorf("exchange of %s: %v", n.Identity.Booth, err)
	}
	n.done = nil
}

func group(t *testing.T, ca *enrolltest.Authority, size int) ([]*node, []wire.Booth) {
	t.Helper()
	var nodes []*node
	var booths []wire.Booth
	for i := range size {
		name := fmt.Sprintf("booth-%c", 'a'+i)
		n := &node{Booth: lottest.New(t, ca, "riverside", name), addr: "127.0.0.1:0"}
		n.start(t)
		nodes = append(nodes, n)
		booths = append(booths, wire.Booth{ID: name, Peer: n.addr})
	}
	return nodes, booths
}

func level(t testing.TB, nodes ...*node) {
	t.Helper()
	lottest.Until(t, 20*time.Second, "all booths hold the same facts", func() bool {
		for _, n := range nodes {
			c := n.Lot.Cursors()
			if len(c) != len(nodes) || c.Digest() != nodes[0].Lot.Cursors().Digest() {
				return false
			}
		}
		return true
	})
}

func TestBoothsComeLevelAndPassTheConfigurationOn(t *testing.T) {
	ca := enrolltest.New(t)
	nodes, booths := group(t, ca, 3)
	for i, n := range nodes {
		for k := range 30 {
			n.Enter(fmt.Sprintf("粤B%d%04d", i, k))
		}
	}
	// One booth learns of the others; it brings them the list, and all come level.
	if err := nodes[0].Lot.Configure(ca.Sign(lottest.Config("riverside", 3, booths...))); err != nil {
		t.Fatal(err)
	}
	level(t, nodes...)
	for _, n := range nodes {
		if c, _ := n.Lot.Config(); c.Number != 3 {
			t.Errorf("%s has configuration %d", n.Identity.Booth, c.Number)
		}
	}
	lottest.Until(t, 5*time.Second, "nothing lies on one disk only", func() bool {
		for _, n := range nodes {
			if n.Lot.Status().Alone != 0 {
				return false
			}
		}
		return true
	})
	lottest.Until(t, 5*time.Second, "every booth knows that the others have all", func() bool {
		for _, n := range nodes {
			peers := n.x.Peers()
			for _, s := range peers {
				if s.Error != "" || s.Lacks != 0 || s.Offset.Abs() > 5*time.Second || s.Reached.IsZero() {
					return false
				}
			}
			if len(peers) != len(nodes)-1 {
				return false
			}
		}
		return true
	})
}

func TestNewsIsPushedAtOnce(t *testing.T) {
	ca := enrolltest.New(t)
	nodes, booths := group(t, ca, 2)
	for _, n := range nodes {
		if err := n.Lot.Configure(ca.Sign(lottest.Config("riverside", 1, booths...))); err != nil {
			t.Fatal(err)
		}
	}
	level(t, nodes...)
	var took []time.Duration
	for i := range 21 {
		facts := nodes[0].Enter(fmt.Sprintf("粤B1%04d", i))
		start := time.Now()
		last := facts[len(facts)-1]
		lottest.Until(t, 5*time.Second, "the news", func() bool { return nodes[1].Lot.Cursors()[last.Author].Seq >= last.Seq })
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("append to merged elsewhere: median %v, worst %v", took[10], took[20])
	if took[10] > 150*time.Millisecond { // 50 ms are wanted; a loaded machine gets room, the 200 ms of the regular round do not fit
		t.Errorf("median %v", took[10])
	}
}

func TestFactsOfAThirdAreRelayedAndABoothThatWasAwayCatchesUp(t *testing.T) {
	ca := enrolltest.New(t)
	nodes, booths := group(t, ca, 3)
	a, b, c := nodes[0], nodes[1], nodes[2]
	// a and c do not know of each other: each knows b only.
	for n, list := range map[*node][]wire.Booth{
		a: {booths[0], booths[1]}, b: booths, c: {booths[1], booths[2]},
	} {
		number := uint64(1) // one number for different lists: none of them is passed on
		if err := n.Lot.Configure(ca.Sign(lottest.Config("riverside", number, list...))); err != nil {
			t.Fatal(err)
		}
	}
	a.Enter("粤B12345")
	c.Enter("粤B54321")
	level(t, nodes...)
	c.stop(t)
	for i := range 700 { // more than one message carries
		a.Enter(fmt.Sprintf("粤B%05d", i))
	}
	level2 := func() bool { return b.Lot.Cursors().Digest() == a.Lot.Cursors().Digest() }
	lottest.Until(t, 20*time.Second, "a and b level without c", level2)
	c.Enter("粤B99999")
	c.start(t)
	level(t, nodes...)
}

func TestOthersAreRefused(t *testing.T) {
	ca := enrolltest.New(t)
	nodes, booths := group(t, ca, 2)
	a := nodes[0]
	if err := a.Lot.Configure(ca.Sign(lottest.Config("riverside", 1, booths[0]))); err != nil { // booth-b is off the list
		t.Fatal(err)
	}
	before := a.Lot.Cursors().Digest()
	post := func(id *enroll.Identity, body []byte) (int, error) {
		conf := id.Dial("booth-a")
		conf.VerifyConnection = nil // a stranger believes anybody
		tr := &http.Transport{TLSClientConfig: conf}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Post("https://"+a.addr+"/v1/exchange", "", bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, nil
	}
	for name, id := range map[string]*enroll.Identity{
		"another authority": enrolltest.New(t).Booth("riverside", "booth-a", nil),
		"another lot":       ca.Booth("elsewhere", "booth-a", nil),
		"off the list":      nodes[1].Identity,
	} {
		if code, err := post(id, []byte(`{"lot":"riverside","booth":"booth-a"}`)); err == nil {
			t.Errorf("%s: let in, answered %d", name, code)
		}
	}
	self := a.Identity // listed
	stranger := lottest.New(t, ca, "elsewhere", "booth-x")
	foreign, err := stranger.Lot.Batch(stranger.Lot.Author(), 0, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(m peer.Message) []byte {
		b, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		name string
		body []byte
		want int
	}{
		{"rubbish", []byte("rubbish"), 400},
		{"nothing", nil, 400},
		{"another lot's message", encode(peer.Message{Lot: "elsewhere", Booth: "booth-a"}), 400},
		{"in another's name", encode(peer.Message{Lot: "riverside", Booth: "booth-b"}), 400},
		{"too many batches", encode(peer.Message{Lot: "riverside", Booth: "booth-a", Batches: make([]exchange.Batch, 17)}), 400},
		{"too large", bytes.Repeat([]byte(" "), wire.MaxMessage+1), 413},
		{"bomb", encode(peer.Message{Lot: strings.Repeat("x", wire.MaxMessage)}), 400},
		{"another lot's facts", encode(peer.Message{Lot: "riverside", Booth: "booth-a", Batches: []exchange.Batch{foreign}}), 200},
		{"another's configuration", encode(peer.Message{Lot: "riverside", Booth: "booth-a", Signed: ptr(enrolltest.New(t).Sign(lottest.Config("riverside", 9)))}), 200},
	} {
		code, err := post(self, c.body)
		if err != nil || code != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, code, err, c.want)
		}
	}
	if conf, _ := a.Lot.Config(); a.Lot.Cursors().Digest() != before || conf.Number != 1 {
		t.Error("something of it was taken")
	}
}

func ptr[T any](v T) *T { return &v }
