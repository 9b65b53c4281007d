// Package hub fans live events out to browsers by websocket.
//
// A connection belongs to a principal and subscribes topics by name, as "lot/<lot>"; an authorisation callback
// decides on each. Publish never waits: every connection has a bounded queue, and one that is full is closed, for
// a reader that lost an event must resync anyway (it reconnects and reads the present state by API). A connection
// ends with the sign-in it was opened in: at once by Revoke, and at the latest at the next ping by the Recheck
// callback, which also covers sign-ins ended by another replica.
//
// On the wire, JSON text. From the browser: {"subscribe":["lot/x"]} and {"unsubscribe":["lot/x"]}. To it:
// {"topic":"lot/x","data":…}, {"subscribed":["lot/x"]}, {"refused":["lot/y"]}.
package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"lotkeeper/cloud/internal/platform/scope"
)

// Config of a hub. Logger and Authorize are required.
type Config struct {
	Logger      *slog.Logger
	Authorize   func(ctx context.Context, p scope.Principal, topic string) bool
	Recheck     func(ctx context.Context, p scope.Principal) error // nil: sign-ins end by Revoke only
	Principal   func(r *http.Request) scope.Principal
	CheckOrigin func(r *http.Request) bool // nil: same origin
	// Resolve gives the name under which a principal's subscription of a topic is kept, so that one topic may have other
	// content for other scopes; nil: the topic itself. Send and Publish take resolved names.
	Resolve func(p scope.Principal, topic string) string
	// Present tells a connection that just subscribed a topic how things stand, by calling send; nil: nothing. It must not
	// block. What is sent meanwhile may come before or after, unless it is sent under the same lock.
	Present   func(ctx context.Context, p scope.Principal, topic string, send func(message any))
	Queue     int           // messages a connection may lag behind; 0: 64
	MaxTopics int           // per connection; 0: 200
	MaxConns  int           // 0: 20,000
	Ping      time.Duration // 0: 54 s; a connection silent for a ninth longer, or a second, is dead
}

// Hub is the set of connections. Close ends them.
type Hub struct {
	cfg      Config
	upgrader websocket.Upgrader

	mu     sync.RWMutex
	closed bool
	conns  map[*conn]struct{}
	topics map[string]map[*conn]struct{}
	wg     sync.WaitGroup
	stats  Stats
}

// Stats of a hub.
type Stats struct {
	Connections int
	Topics      int
	Dropped     int64 // connections closed because they were slow
	Published   int64
}

// New makes a hub.
func New(cfg Config) (*Hub, error) {
	if cfg.Logger == nil || cfg.Authorize == nil || cfg.Principal == nil {
		return nil, errors.New("hub: Logger, Authorize and Principal are required")
	}
	cfg.Queue = orElse(cfg.Queue, 64)
	cfg.MaxTopics = orElse(cfg.MaxTopics, 200)
	cfg.MaxConns = orElse(cfg.MaxConns, 20_000)
	cfg.Ping = orElse(cfg.Ping, 54*time.Second)
	return &Hub{
		cfg:      cfg,
		upgrader: websocket.Upgrader{CheckOrigin: cfg.CheckOrigin, ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}},
		conns:    map[*conn]struct{}{},
		topics:   map[string]map[*conn]struct{}{},
	}, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// ServeHTTP upgrades a request and serves the connection until it ends.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	if h.closed || len(h.conns) >= h.cfg.MaxConns {
		h.mu.Unlock()
		w.Header().Set("Retry-After", "5")
		http.Error(w, "no room for another live connection", http.StatusServiceUnavailable)
		return
	}
	h.wg.Add(1)
	h.mu.Unlock()
	defer h.wg.Done()
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &conn{
		hub: h, ws: ws, principal: h.cfg.Principal(r), queue: make(chan *websocket.PreparedMessage, h.cfg.Queue),
		gone: make(chan struct{}), topics: map[string]struct{}{},
	}
	if !h.add(c) {
		_ = ws.Close()
		return
	}
	// The request's context ends when the connection was hijacked and this handler returns, which is what we want.
	c.serve(r.Context())
}

func (h *Hub) add(c *conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.conns[c] = struct{}{}
	return true
}

func (h *Hub) remove(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	for topic := range c.topics {
		h.leave(c, topic)
	}
}

// leave needs the lock.
func (h *Hub) leave(c *conn, topic string) {
	delete(c.topics, topic)
	delete(h.topics[topic], c)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
}

// name is what a principal's subscription of a topic is kept under.
func (h *Hub) name(c *conn, topic string) string {
	if h.cfg.Resolve == nil {
		return topic
	}
	return h.cfg.Resolve(c.principal, topic)
}

func (h *Hub) subscribe(c *conn, topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, has := c.topics[topic]; has {
		return true
	}
	if len(c.topics) >= h.cfg.MaxTopics {
		return false
	}
	c.topics[topic] = struct{}{}
	if h.topics[topic] == nil {
		h.topics[topic] = map[*conn]struct{}{}
	}
	h.topics[topic][c] = struct{}{}
	return true
}

func (h *Hub) unsubscribe(c *conn, topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(c, topic)
}

// Publish sends {"topic":…,"data":…} to every connection that subscribed the topic, as Send does.
func (h *Hub) Publish(topic string, data any) error {
	return h.Send(topic, struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}{topic, data})
}

// Send sends a message, which must encode as JSON, to every connection that subscribed the topic. It encodes and
// frames once, never waits, and closes connections that are too slow.
func (h *Hub) Send(topic string, payload any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(payload); err != nil {
		return fmt.Errorf("hub: encode for %s: %w", topic, err)
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, b.Bytes())
	if err != nil {
		return fmt.Errorf("hub: frame for %s: %w", topic, err)
	}
	var slow []*conn
	h.mu.RLock()
	for c := range h.topics[topic] {
		select {
		case c.queue <- message:
		default:
			slow = append(slow, c)
		}
	}
	h.mu.RUnlock()
	h.mu.Lock()
	h.stats.Published++
	for _, c := range slow {
		if c.end(websocket.CloseTryAgainLater, "too slow") {
			h.stats.Dropped++
		}
	}
	h.mu.Unlock()
	return nil
}

// Followed tells whether any connection subscribed the (resolved) topic: what nobody follows need not be made.
func (h *Hub) Followed(topic string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.topics[topic]) > 0
}

// Revoke ends the connections of a sign-in.
func (h *Hub) Revoke(session string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.conns {
		if c.principal.Session() == session {
			c.end(websocket.ClosePolicyViolation, "signed out")
		}
	}
}

// Stats of now.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.stats
	s.Connections, s.Topics = len(h.conns), len(h.topics)
	return s
}

// Close ends every connection and waits for them.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for c := range h.conns {
		c.end(websocket.CloseGoingAway, "the server restarts")
	}
	h.mu.Unlock()
	h.wg.Wait()
}
