package uplink_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// gate lets a client in whose id is its certificate's name, and only to its own topics.
type gate struct{ mqtt.HookBase }

func (gate) ID() string { return "gate" }

func (gate) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck}, b) >= 0
}

func (gate) OnConnectAuthenticate(c *mqtt.Client, _ packets.Packet) bool {
	conn, ok := c.Net.Conn.(*tls.Conn)
	return ok && conn.ConnectionState().PeerCertificates[0].Subject.CommonName == c.ID
}

func (gate) OnACLCheck(c *mqtt.Client, topic string, _ bool) bool {
	t, err := wire.ParseTopic(topic)
	return err == nil && t.Booth == c.ID
}

// broker is an embedded broker that can be restarted on the same address; it forgets everything then.
type broker struct {
	t    testing.TB
	tls  *tls.Config
	addr string

	mu     sync.Mutex
	server *mqtt.Server
	socket *socket
	hear   func(topic string, payload []byte)
}

func (b *broker) start() {
	b.t.Helper()
	var l net.Listener
	lottest.Until(b.t, 5*time.Second, "listen for the broker", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", b.addr)
		return err == nil
	})
	b.addr = l.Addr().String()
	sock := &socket{Listener: l, open: map[net.Conn]struct{}{}}
	s := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := s.AddHook(&gate{}, nil); err != nil {
		b.t.Fatal(err)
	}
	if err := s.AddListener(listeners.NewNet("t", tls.NewListener(sock, b.tls))); err != nil {
		b.t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		b.t.Fatal(err)
	}
	err := s.Subscribe("lk/1/#", 1, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
		b.hear(p.TopicName, p.Payload)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.server, b.socket = s, sock
	b.mu.Unlock()
}

func (b *broker) stop() {
	b.mu.Lock()
	s, sock := b.server, b.socket
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		sock.cut()
		_ = s.Close()
	}
}

// socket is a listener that can close what it accepted. The broker's own Close waits for ever for a client that connects
// while it runs.
type socket struct {
	net.Listener
	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
	served sync.WaitGroup
}

type accepted struct {
	net.Conn
	end func()
}

func (a *accepted) Close() error {
	a.end()
	return a.Conn.Close()
}

func (s *socket) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	s.open[c] = struct{}{}
	s.served.Add(1)
	return &accepted{c, sync.OnceFunc(s.served.Done)}, nil
}

// cut ends every connection, and returns when the broker has let go of them.
func (s *socket) cut() {
	s.mu.Lock()
	s.closed = true
	s.Listener.Close()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
}

func (b *broker) publish(topic string, retain bool, payload []byte) {
	b.mu.Lock()
	s := b.server
	b.mu.Unlock()
	if s != nil {
		_ = s.Publish(topic, payload, retain, 1) // may be lost: that is what the tests are about
	}
}

// cloud follows the rules of exchange over a store in memory.
type cloud struct {
	t      testing.TB
	ca     *enrolltest.Authority
	broker *broker
	key    ed25519.PrivateKey
	author fact.Author
	in     chan heard
	done   chan struct{}
	rules  exchange.Rules
	ahead  time.Duration // of its clock
	quiet  float64       // share of its answers that are lost

	mu      sync.Mutex
	booths  []string
	logs    map[fact.Author]exchange.Log
	records map[fact.Author][]fact.Record
	seen    map[wire.Channel][][]byte
}

type heard struct {
	topic   wire.Topic
	payload []byte
}

const lotID = "riverside"

func newCloud(t testing.TB, ca *enrolltest.Authority, booths ...string) *cloud {
	t.Helper()
	key, cert := ca.Cloud()
	c := &cloud{
		t: t, ca: ca, key: key, author: "cloudcloudcloud2", booths: booths, in: make(chan heard, 1024), done: make(chan struct{}),
		rules: exchange.Rules{Lot: lotID, Keys: ca.Trust(lotID), Judge: session.Judge},
		logs:  map[fact.Author]exchange.Log{}, records: map[fact.Author][]fact.Record{}, seen: map[wire.Channel][][]byte{},
	}
	c.broker = &broker{t: t, tls: ca.Server(), addr: "127.0.0.1:0", hear: func(topic string, payload []byte) {
		if tp, err := wire.ParseTopic(topic); err == nil {
			select {
			case c.in <- heard{tp, bytes.Clone(payload)}:
			default: // as a busy cloud's queue would
			}
		}
	}}
	c.broker.start()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case h := <-c.in:
				c.take(h)
			case <-c.done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.broker.stop()
		close(c.done)
		<-ended
	})
	c.say(fact.KindOpened, fact.Opened{Booth: "cloud", Key: key.Public().(ed25519.PublicKey), Cert: cert, Why: "new"})
	return c
}

func (c *cloud) take(h heard) {
	c.mu.Lock()
	c.seen[h.topic.Channel] = append(c.seen[h.topic.Channel], h.payload)
	c.mu.Unlock()
	switch h.topic.Channel {
	case wire.FactsUp:
		m, err := wire.Decode[wire.Facts](h.payload)
		if err != nil {
			c.t.Errorf("facts up: %v", err)
			return
		}
		c.store(m.Batch)
		if rand.Float64() >= c.quiet {
			c.state(h.topic.Booth, time.Time{})
		}
	case wire.CursorUp:
		m, err := wire.Decode[wire.Cursor](h.payload)
		if err != nil {
			c.t.Errorf("cursor up: %v", err)
			return
		}
		c.state(h.topic.Booth, m.At)
		c.send(h.topic.Booth, m.Cursors)
	}
}

func (c *cloud) store(b exchange.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	res, log, err := c.rules.Take(c.logs[b.Author], b, func(after uint64, n int) ([]fact.Record, error) {
		r := c.records[b.Author][after:]
		return r[:min(n, len(r))], nil
	})
	if err != nil || res.Verdict == exchange.Refused || res.Verdict == exchange.Forked {
		c.t.Errorf("batch of %s: %s %v %v", b.Author, res.Verdict, res.Cause, err)
		return
	}
	if res.Verdict == exchange.Accepted {
		c.logs[b.Author] = log
		c.records[b.Author] = append(c.records[b.Author], res.Records...)
	}
}

// say authors a fact of the cloud.
func (c *cloud) say(kind fact.Kind, body any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	log := c.logs[c.author]
	stamp := fact.Stamp{Lot: lotID, Author: c.author, Boot: "cloud", Now: time.Now()}
	r, _, head, err := fact.Seal(log.Head, c.key, stamp, fact.Draft{At: time.Now(), Source: "cloud", Kind: kind, Body: body})
	if err != nil {
		c.t.Fatal(err)
	}
	c.logs[c.author] = exchange.Log{Head: head, Key: c.key.Public().(ed25519.PublicKey)}
	c.records[c.author] = append(c.records[c.author], r)
}

func (c *cloud) cursors() exchange.Cursors {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := exchange.Cursors{}
	for a, l := range c.logs {
		out[a] = l.Head
	}
	return out
}

func (c *cloud) state(booth string, echo time.Time) {
	c.publish(booth, wire.CursorDown, false, wire.Cursor{At: time.Now().Add(c.ahead), Echo: echo, Cursors: c.cursors()})
}

func (c *cloud) send(booth string, theirs exchange.Cursors) {
	for _, n := range c.cursors().Lacks(theirs) {
		c.mu.Lock()
		b := exchange.Batch{Lot: lotID, Author: n.Author, Records: exchange.Cut(slices.Clone(c.records[n.Author][n.After:]))}
		c.mu.Unlock()
		c.publish(booth, wire.FactsDown, false, wire.Facts{Batch: b})
	}
}

func (c *cloud) publish(booth string, ch wire.Channel, retain bool, v any) {
	b, err := wire.Encode(v)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.broker.publish(wire.Topic{Lot: lotID, Booth: booth, Channel: ch}.String(), retain, b)
}

// got returns the messages on a channel so far.
func got[T any](c *cloud, ch wire.Channel) []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []T
	for _, b := range c.seen[ch] {
		v, err := wire.Decode[T](b)
		if err != nil {
			c.t.Errorf("%s: %v", ch, err)
		}
		out = append(out, v)
	}
	return out
}

// run starts Run and returns what stops it.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}
