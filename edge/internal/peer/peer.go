// Package peer exchanges facts between the booths of a lot, over HTTPS with certificates at both ends.
//
// There is one request: "these are my cursors, and this is what I think you lack"; the answer says the same from the
// other side. Each booth asks each other one soon after something new came to it, and once a second in any case, so
// whatever was missed is found by comparing cursors. Facts of third booths and of the cloud travel the same way, and so do
// the newest signed configuration and rights. Nothing depends on any one request arriving.
package peer

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// Memory is what a booth knows: *lot.Lot.
type Memory interface {
	Cursors() exchange.Cursors
	Closed() []fact.Author
	Batch(a fact.Author, after uint64, n, size int) (exchange.Batch, error)
	MergeAll(batches []exchange.Batch) ([]exchange.Result, error)
	Config() (wire.Config, bool)
	Signed() (wire.Signed, bool)
	Configure(s wire.Signed) error
	RightsState() (number uint64, wants right.Cursor)
	RightsPage(after right.Cursor) (wire.Rights, bool)
	TakeRights(p wire.Rights) error
	Heard(booth string, cursors exchange.Cursors, config uint64)
	Judged(by string, cursors exchange.Cursors, closed []fact.Author)
	Told() map[fact.Author]uint64
	Tell(told map[fact.Author]uint64)
	Former(booth string, key ed25519.PublicKey) bool
	Watch(ctx context.Context) *lot.Watch
}

// Credentials are a booth's means to be known and to know others: *enroll.Identity.
type Credentials interface {
	Dial(booth string) *tls.Config
	Serve(allowed func(booth string) bool) *tls.Config
}

// Options say who this booth is and where it listens. Listener is taken over by Run, which closes it.
type Options struct {
	Lot, Booth  string
	Memory      Memory
	Credentials Credentials
	Listener    net.Listener                                                      // plain TCP; TLS is put on by Run
	Dial        func(ctx context.Context, network, addr string) (net.Conn, error) // nil: TCP
	Member      func() string                                                     // how this box is named in the booths' group; nil is not
	Now         func() time.Time
	Log         *slog.Logger  // nil discards
	Every       time.Duration // between comparisons of cursors; 0 means 1 s
	Gather      time.Duration // how long news collects before it is pushed; 0 means 10 ms
	// Clock is told another booth's time with ours when we asked and when the answer came. It may be nil.
	Clock func(booth string, theirs, asked, came time.Time)
}

// Exchange keeps a booth level with the others.
type Exchange struct {
	o Options

	mu    sync.Mutex
	peers map[string]State
	said  map[string]word // what each booth last said, to our request or in its own
}

// word is how far a booth said it reaches.
type word struct {
	cursors exchange.Cursors
	closed  []fact.Author
	config  uint64
	member  string
	rights  uint64
	wants   right.Cursor // of rights
}

// State is how the exchange with another booth stands.
type State struct {
	Reached time.Time     // when it last answered; zero when never
	Offset  time.Duration // its clock less ours, when it last answered; off by up to the round trip
	Lacks   uint64        // facts we hold and it is not known to hold
	Error   string        // why it cannot be reached; "" when it can
}

// New checks the options.
func New(o Options) (*Exchange, error) {
	if o.Lot == "" || o.Booth == "" || o.Memory == nil || o.Credentials == nil || o.Listener == nil || o.Now == nil {
		return nil, errors.New("peer: lot, booth, memory, credentials, listener and clock must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Member == nil {
		o.Member = func() string { return "" }
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 3 * time.Second}).DialContext
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Gather == 0 {
		o.Gather = 10 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = func(string, time.Time, time.Time, time.Time) {}
	}
	return &Exchange{o: o, peers: map[string]State{}, said: map[string]word{}}, nil
}

// Peers returns how the exchange with each other booth stands.
func (x *Exchange) Peers() map[string]State {
	mine := x.o.Memory.Cursors()
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make(map[string]State, len(x.peers))
	for b, s := range x.peers {
		s.Lacks = count(mine.Lacks(x.said[b].cursors))
		out[b] = s
	}
	return out
}

func count(needs []exchange.Need) (n uint64) {
	for _, need := range needs {
		n += need.To - need.After
	}
	return n
}

func (x *Exchange) note(booth string, s State) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.peers[booth] = s
}

// word returns what a booth last said; ok is false when that is not known.
func (x *Exchange) word(booth string) (word, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w, ok := x.said[booth]
	return w, ok
}

// Member returns how another booth's box last said that it is named in the booths' group; "" when that is not known.
func (x *Exchange) Member(booth string) string {
	w, _ := x.word(booth)
	return w.member
}

// present reports whether the other end of a connection is a box that still holds its booth's place.
func (x *Exchange) present(booth string, s *tls.ConnectionState) bool {
	if s == nil || len(s.PeerCertificates) == 0 {
		return false
	}
	key, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	return ok && !x.o.Memory.Former(booth, key)
}

// Run serves the other booths and asks each of them, until ctx ends. It follows the configuration's list of booths.
func (x *Exchange) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- x.serve(ctx) }()
	group := followers{x: x, running: map[string]follower{}}
	watch := x.o.Memory.Watch(ctx)
	group.follow(ctx)
	for {
		select {
		case <-watch.C:
			if watch.Take().Config {
				group.follow(ctx)
			}
		case <-ctx.Done():
			group.stop()
			return <-failed
		case err := <-failed:
			group.stop()
			return err
		}
	}
}

// followers are the loops that ask the other booths, one each.
type followers struct {
	x       *Exchange
	running map[string]follower
}

type follower struct {
	addr   string
	cancel context.CancelFunc
	done   chan struct{}
}

// follow starts and stops loops until they fit the configuration.
func (g *followers) follow(ctx context.Context) {
	want := map[string]string{}
	if c, ok := g.x.o.Memory.Config(); ok {
		for _, b := range c.Booths {
			if b.ID != g.x.o.Booth && b.Peer != "" {
				want[b.ID] = b.Peer
			}
		}
	}
	for booth, f := range g.running {
		if want[booth] != f.addr {
			f.cancel()
			<-f.done
			delete(g.running, booth)
			g.x.mu.Lock()
			delete(g.x.peers, booth)
			g.x.mu.Unlock()
		}
	}
	for booth, addr := range want {
		if _, ok := g.running[booth]; ok {
			continue
		}
		fctx, cancel := context.WithCancel(ctx)
		f := follower{addr, cancel, make(chan struct{})}
		g.running[booth] = f
		go func() {
			defer close(f.done)
			newCaller(g.x, booth, addr).run(fctx)
		}()
	}
}

func (g *followers) stop() {
	for _, f := range g.running {
		f.cancel()
	}
	for _, f := range g.running {
		<-f.done
	}
}

// listed reports whether the configuration names the booth. Before there is a configuration the certificate's word is
// enough: that is how a new booth gets its first one.
func (x *Exchange) listed(booth string) bool {
	c, ok := x.o.Memory.Config()
	return !ok || slices.ContainsFunc(c.Booths, func(b wire.Booth) bool { return b.ID == booth })
}

// compose says how far we reach and packs what a booth that said this lacks.
func (x *Exchange) compose(said word) (Message, error) {
	mine := x.o.Memory.Cursors()
	m := Message{Lot: x.o.Lot, Booth: x.o.Booth, At: x.o.Now(), Cursors: mine, Closed: x.o.Memory.Closed(), Told: x.o.Memory.Told(), Member: x.o.Member()}
	if c, ok := x.o.Memory.Config(); ok {
		m.Config = c.Number
		if s, ok := x.o.Memory.Signed(); ok && said.config < c.Number {
			m.Signed = &s
		}
	}
	m.Rights, m.RightsWant = x.o.Memory.RightsState()
	if m.Rights > said.rights {
		if page, ok := x.o.Memory.RightsPage(said.wants); ok {
			m.RightsPage = &page
		}
	}
	records, size := maxRecords, maxBytes
	for _, need := range mine.Lacks(said.cursors) {
		if slices.Contains(said.closed, need.Author) {
			continue
		}
		if len(m.Batches) == maxBatches || records <= 0 || size <= 0 {
			break
		}
		b, err := x.o.Memory.Batch(need.Author, need.After, records, size)
		if err != nil {
			return m, err
		}
		if len(b.Records) == 0 {
			continue
		}
		m.Batches = append(m.Batches, b)
		records -= len(b.Records)
		for _, r := range b.Records {
			size -= len(r.Public) + len(r.Private) + len(r.Sig)
		}
	}
	return m, nil
}

// word is what a message says of its sender.
func (m *Message) word() word {
	return word{m.Cursors, m.Closed, m.Config, m.Member, m.Rights, m.RightsWant}
}

// absorb takes what a booth sent. It reports whether anything of it was new.
func (x *Exchange) absorb(m Message) (bool, error) {
	fresh := false
	if m.Signed != nil {
		before, _ := x.o.Memory.Config()
		if err := x.o.Memory.Configure(*m.Signed); err != nil && !errors.Is(err, lot.ErrOlder) {
			x.o.Log.Warn("configuration from a booth refused", "booth", m.Booth, "err", err)
		}
		after, _ := x.o.Memory.Config()
		fresh = after.Number != before.Number
	}
	if m.RightsPage != nil {
		number, wants := x.o.Memory.RightsState()
		if err := x.o.Memory.TakeRights(*m.RightsPage); err != nil {
			x.o.Log.Warn("rights from a booth refused", "booth", m.Booth, "err", err)
		} else {
			now, next := x.o.Memory.RightsState()
			fresh = fresh || now != number || next != wants
		}
	}
	if len(m.Batches) > 0 {
		results, err := x.o.Memory.MergeAll(m.Batches)
		if err != nil {
			return fresh, fmt.Errorf("merge what booth %s sent: %w", m.Booth, err)
		}
		for _, r := range results {
			fresh = fresh || r.Verdict == exchange.Accepted
		}
	}
	x.o.Memory.Heard(m.Booth, m.Cursors, m.Config)
	x.o.Memory.Judged(m.Booth, m.Cursors, m.Closed)
	x.o.Memory.Tell(m.Told)
	x.mu.Lock()
	x.said[m.Booth] = m.word()
	x.mu.Unlock()
	return fresh, nil
}
