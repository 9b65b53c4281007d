package edgetest_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/edgetest/lan"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/edge/internal/peer"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// group is a lot's boxes without their lanes: memory on real files, exchange and raft on a network in memory. It runs on
// the clock of testing/synctest, so that hours pass in seconds.
type group struct {
	t      testing.TB
	ca     *enrolltest.Authority
	net    *lan.LAN
	config wire.Config
	boxes  []*box
	log    *slog.Logger
}

// box is one booth of a group.
type box struct {
	*lottest.Booth
	g     *group
	x     *peer.Exchange
	stops []func()

	mu sync.Mutex
	m  *agree.Member
}

// shape is how a lot's booths are laid out.
type shape struct {
	name          string
	booths        int
	voters        int
	witness       bool // the last booth has no lanes: it votes and keeps facts
	quorumIsAlone bool // one voter only: with it the agreement dies, and nothing else
}

var shapes = []shape{
	{name: "one booth", booths: 1, voters: 1, quorumIsAlone: true},
	{name: "two booths, a voter and a listener", booths: 2, voters: 1, quorumIsAlone: true},
	{name: "two booths and a witness", booths: 3, voters: 3, witness: true},
	{name: "three booths", booths: 3, voters: 3},
	{name: "four booths", booths: 4, voters: 3},
	{name: "five booths", booths: 5, voters: 3},
}

// build starts the boxes of a lot and waits until the group has its members.
func build(t testing.TB, s shape, timing agree.Timing) *group {
	t.Helper()
	g := &group{t: t, ca: enrolltest.New(t), net: lan.Memory(), log: slog.New(slog.DiscardHandler)}
	var booths []wire.Booth
	for i := range s.booths {
		b := wire.Booth{ID: fmt.Sprintf("booth-%c", 'a'+i), Voter: i < s.voters}
		for _, to := range []*string{&b.Raft, &b.Peer} {
			addr, err := g.net.Address(b.ID)
			must(t, err)
			*to = addr
		}
		booths = append(booths, b)
	}
	g.config = lottest.Config("riverside", 1, booths...)
	for i := range s.booths - btoi(s.witness) {
		g.config.Lanes = append(g.config.Lanes, wire.Lane{ID: fmt.Sprintf("lane-%d", i+1), Dir: fact.Entry, Booth: booths[i].ID})
	}
	for _, b := range booths {
		x := &box{Booth: lottest.New(t, g.ca, "riverside", b.ID), g: g}
		must(t, x.Lot.Configure(g.ca.Sign(g.config)))
		g.boxes = append(g.boxes, x)
		x.start(timing)
	}
	lottest.Until(t, time.Minute, "the group has its members", func() bool {
		l := g.leader()
		if l == nil {
			return false
		}
		m := l.member().Status()
		return len(m.Voters) == s.voters && len(m.Others) == s.booths-s.voters
	})
	return g
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// start runs exchange and agreement of the box.
func (b *box) start(timing agree.Timing) {
	t := b.g.t
	t.Helper()
	var at wire.Booth
	for _, x := range b.g.config.Booths {
		if x.ID == b.Identity.Booth {
			at = x
		}
	}
	id, dial := b.Identity, b.g.net.Dial(b.Identity.Booth)
	l, err := b.g.net.Listen(at.Peer)
	must(t, err)
	b.x, err = peer.New(peer.Options{Lot: id.Lot, Booth: id.Booth, Memory: b.Lot, Credentials: id, Listener: l, Dial: dial, Now: time.Now, Member: b.memberID})
	must(t, err)
	b.run(b.x.Run)
	b.run(func(ctx context.Context) error {
		for { // as the agent keeps it up
			l, err := b.g.net.Listen(at.Raft)
			if err != nil {
				return err
			}
			m, err := agree.New(agree.Options{
				Lot: id.Lot, Booth: id.Booth, Dir: filepath.Join(b.Dir, "raft"), Memory: b.Lot, Credentials: id,
				Listener: l, Dial: dial, Now: time.Now, Log: b.g.log.With("booth", id.Booth), Timing: timing, Members: b.x.Member, Replacement: id.Replacement,
			})
			if err != nil {
				return err
			}
			b.mu.Lock()
			b.m = m
			b.mu.Unlock()
			err = m.Run(ctx)
			if ctx.Err() != nil {
				return err
			}
			b.g.log.Info("member ended", "booth", id.Booth, "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	})
	lottest.Until(t, 10*time.Second, "a member runs", func() bool { return b.member() != nil })
}

func (b *box) member() *agree.Member {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.m
}

func (b *box) memberID() string {
	if m := b.member(); m != nil {
		return m.ID()
	}
	return ""
}

func (b *box) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	b.stops = append(b.stops, func() {
		cancel()
		if err := <-done; err != nil {
			b.g.t.Errorf("%s: %v", b.Identity.Booth, err)
		}
	})
	if len(b.stops) == 1 {
		b.g.t.Cleanup(b.kill)
	}
}

// kill ends everything of the box.
func (b *box) kill() {
	b.g.net.Reset(b.Identity.Booth)
	for _, stop := range b.stops {
		stop()
	}
	b.stops = nil
	b.Booth.Stop()
}

func (b *box) alive() bool { return len(b.stops) > 0 }

// comeBack opens a killed box again from its files.
func (b *box) comeBack(timing agree.Timing) {
	b.Booth = b.Booth.Reopen()
	b.start(timing)
}

func (g *group) leader() *box {
	for _, b := range g.boxes {
		if b.alive() && b.member().Leads() {
			return b
		}
	}
	return nil
}

func (g *group) living() (out []*box) {
	for _, b := range g.boxes {
		if b.alive() {
			out = append(out, b)
		}
	}
	return out
}

func names(boxes []*box) (out []string) {
	for _, b := range boxes {
		out = append(out, b.Identity.Booth)
	}
	return out
}

// sums are what two boxes with equal cursors must agree on.
type sums struct{ facts, sessions, bills fact.Hash }

func (b *box) sums() (s sums) {
	_, s.facts = b.Lot.Digest()
	b.Lot.View(func(k *session.Book) { s.sessions, s.bills = k.Digest(), k.BillDigest() })
	return s
}

// level waits until the boxes hold the same facts, and checks that these come to the same sessions and bills.
func level(t testing.TB, within time.Duration, boxes []*box) {
	t.Helper()
	lottest.Until(t, within, fmt.Sprintf("%v hold the same facts", names(boxes)), func() bool {
		want := union(boxes)
		return !slices.ContainsFunc(boxes, func(b *box) bool { return b.Lot.Cursors().Digest() != want.Digest() })
	})
	for _, b := range boxes[1:] {
		if got, want := b.sums(), boxes[0].sums(); got != want {
			t.Errorf("%s and %s have equal cursors and come to\n%v and\n%v", b.Identity.Booth, boxes[0].Identity.Booth, got, want)
		}
	}
}

// union is what any of the boxes holds.
func union(boxes []*box) exchange.Cursors {
	out := exchange.Cursors{}
	for _, b := range boxes {
		for a, h := range b.Lot.Cursors() {
			if h.Seq > out[a].Seq {
				out[a] = h
			}
		}
	}
	return out
}

// agreed waits until the boxes have agreed on everything that they hold.
func agreed(t testing.TB, within time.Duration, boxes []*box) {
	t.Helper()
	lottest.Until(t, within, fmt.Sprintf("%v agree", names(boxes)), func() bool {
		return !slices.ContainsFunc(boxes, func(b *box) bool { return b.member().Status().Agreed.Digest() != boxes[0].Lot.Cursors().Digest() })
	})
}

// price is what a stay costs here: bills are frozen by the booth that lets the car out, and this is its word.
func price(gross money.Amount) tariff.Bill {
	return tariff.Bill{Currency: "CNY", Gross: gross}
}

// leave lets a car out at the box: the read, the bill, the money taken, the passage.
func (b *box) leave(text string, of fact.ID, cash money.Amount) {
	b.g.t.Helper()
	at := time.Now()
	_, err := b.Lot.Append(context.Background(), func(id func(int) fact.ID) []fact.Draft {
		out := lottest.Passing(text, fact.Exit, at)(id)
		action := fmt.Sprint(b.Identity.Booth, at.UnixNano())
		return append(out,
			fact.Draft{At: at, Source: "booth", Kind: fact.KindCash, Refs: []fact.ID{of}, Body: fact.Cash{Session: of, Amount: cash, Curr: "CNY", Lane: "lane-1", By: "zhang", Action: action}},
			fact.Draft{At: at, Source: "booth", Kind: fact.KindBill, Refs: []fact.ID{of, id(0)}, Body: fact.Bill{Session: of, Config: 1, Bill: price(500)}})
	})
	must(b.g.t, err)
}

// of returns the only session of a plate at the box.
func (b *box) of(text string) session.Session {
	b.g.t.Helper()
	out := b.ofPlate(text)
	if len(out) != 1 {
		b.g.t.Fatalf("%s has %d sessions of %s", b.Identity.Booth, len(out), text)
	}
	return out[0]
}
