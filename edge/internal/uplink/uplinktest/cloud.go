// Package uplinktest is a cloud for tests: a real broker, and behind it the rules of exchange over a store in memory.
package uplinktest

import (
	"bytes"
	"crypto/ed25519"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// Cloud is the cloud of one lot.
type Cloud struct {
	Broker *Broker
	Quiet  float64       // share of its answers that are lost
	Ahead  time.Duration // its clock less the true time
	Author fact.Author

	t     testing.TB
	lot   string
	key   ed25519.PrivateKey
	in    chan heard
	done  chan struct{}
	rules exchange.Rules

	mu      sync.Mutex
	logs    map[fact.Author]exchange.Log
	records map[fact.Author][]fact.Record
	seen    map[wire.Channel][][]byte
}

type heard struct {
	topic   wire.Topic
	payload []byte
}

// New starts the cloud of a lot; it ends with the test.
func New(t testing.TB, ca *enrolltest.Authority, lot string) *Cloud {
	t.Helper()
	key, cert := ca.Cloud()
	c := &Cloud{
		t: t, lot: lot, key: key, Author: "cloudcloudcloud2", in: make(chan heard, 1024), done: make(chan struct{}),
		rules: exchange.Rules{Lot: lot, Keys: ca.Trust(lot), Judge: session.Judge},
		logs:  map[fact.Author]exchange.Log{}, records: map[fact.Author][]fact.Record{}, seen: map[wire.Channel][][]byte{},
	}
	c.Broker = &Broker{t: t, tls: ca.Server(), Addr: "127.0.0.1:0", hear: func(topic string, payload []byte) {
		if tp, err := wire.ParseTopic(topic); err == nil {
			select {
			case c.in <- heard{tp, bytes.Clone(payload)}:
			default: // as a busy cloud's queue would
			}
		}
	}}
	c.Broker.Start()
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
		c.Broker.Stop()
		close(c.done)
		<-ended
	})
	c.Say(fact.KindOpened, fact.Opened{Booth: "cloud", Key: key.Public().(ed25519.PublicKey), Cert: cert, Why: "new"})
	return c
}

func (c *Cloud) take(h heard) {
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
		if rand.Float64() >= c.Quiet {
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

func (c *Cloud) store(b exchange.Batch) {
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

// Say authors a fact of the cloud.
func (c *Cloud) Say(kind fact.Kind, body any, refs ...fact.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	log := c.logs[c.Author]
	stamp := fact.Stamp{Lot: c.lot, Author: c.Author, Boot: "cloud", Now: time.Now()}
	r, _, head, err := fact.Seal(log.Head, c.key, stamp, fact.Draft{At: time.Now(), Source: "cloud", Kind: kind, Refs: refs, Body: body})
	if err != nil {
		c.t.Fatal(err)
	}
	c.logs[c.Author] = exchange.Log{Head: head, Key: c.key.Public().(ed25519.PublicKey)}
	c.records[c.Author] = append(c.records[c.Author], r)
}

// Cursors says how far its copies reach.
func (c *Cloud) Cursors() exchange.Cursors {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := exchange.Cursors{}
	for a, l := range c.logs {
		out[a] = l.Head
	}
	return out
}

// Records are what it holds of an author.
func (c *Cloud) Records(a fact.Author) []fact.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.records[a])
}

// Forget makes it a cloud that was restored from an empty copy.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.logs)
	clear(c.records)
}

func (c *Cloud) state(booth string, echo time.Time) {
	c.Publish(booth, wire.CursorDown, false, wire.Cursor{At: time.Now().Add(c.Ahead), Echo: echo, Cursors: c.Cursors()})
}

func (c *Cloud) send(booth string, theirs exchange.Cursors) {
	for _, n := range c.Cursors().Lacks(theirs) {
		c.mu.Lock()
		b := exchange.Batch{Lot: c.lot, Author: n.Author, Records: exchange.Cut(slices.Clone(c.records[n.Author][n.After:]))}
		c.mu.Unlock()
		c.Publish(booth, wire.FactsDown, false, wire.Facts{Batch: b})
	}
}

// Publish sends a message to a booth.
func (c *Cloud) Publish(booth string, ch wire.Channel, retain bool, v any) {
	b, err := wire.Encode(v)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.Broker.Publish(wire.Topic{Lot: c.lot, Booth: booth, Channel: ch}.String(), retain, b)
}

// Got returns the messages on a channel so far.
func Got[T any](c *Cloud, ch wire.Channel) []T {
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
