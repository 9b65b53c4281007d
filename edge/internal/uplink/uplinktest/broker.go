package uplinktest

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"lotkeeper/edge/internal/lot/lottest"
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

// Broker is an embedded broker that can be restarted on the same address; it forgets everything then.
type Broker struct {
	t    testing.TB
	tls  *tls.Config
	Addr string // host:port; the same after a restart

	mu     sync.Mutex
	server *mqtt.Server
	socket *socket
	hear   func(topic string, payload []byte)
}

// Start starts the broker, which is stopped.
func (b *Broker) Start() {
	b.t.Helper()
	var l net.Listener
	lottest.Until(b.t, 5*time.Second, "listen for the broker", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", b.Addr)
		return err == nil
	})
	b.Addr = l.Addr().String()
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

// Stop ends the broker and every connection to it.
func (b *Broker) Stop() {
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

// Publish sends a message, unless the broker is stopped.
func (b *Broker) Publish(topic string, retain bool, payload []byte) {
	b.mu.Lock()
	s := b.server
	b.mu.Unlock()
	if s != nil {
		_ = s.Publish(topic, payload, retain, 1) // may be lost: that is what the tests are about
	}
}
