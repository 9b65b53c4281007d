package agree

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// handshakeTime is how long a connection may take to show who it is.
const handshakeTime = 5 * time.Second

// strangers bounds the connections that have not shown yet who they are.
const strangers = 16

// stream is raft's network: TCP with certificates at both ends. It accounts for every connection and goroutine, because
// raft's transport leaves those it accepted open when it is closed.
type stream struct {
	m      *Member
	server *tls.Config
	ready  chan net.Conn
	slots  chan struct{}
	done   chan struct{}
	group  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	bound  bool // this member has state of its group: it joins no other
}

func newStream(m *Member, bound bool) *stream {
	s := &stream{
		m: m, server: m.o.Credentials.Serve(m.listed), ready: make(chan net.Conn), bound: bound,
		slots: make(chan struct{}, strangers), done: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	s.server.GetConfigForClient = s.choose
	s.group.Go(s.accept)
	return s
}

func (s *stream) accept() {
	for {
		select {
		case s.slots <- struct{}{}:
		case <-s.done:
			return
		}
		c, err := s.m.o.Listener.Accept()
		if err != nil {
			<-s.slots
			select {
			case <-s.done:
				return
			case <-time.After(100 * time.Millisecond): // out of file descriptors, most likely
				continue
			}
		}
		if !s.track(c) {
			return
		}
		s.group.Go(func() { s.greet(c) })
	}
}

// greet lets a connection in that shows a certificate of the lot.
func (s *stream) greet(c net.Conn) {
	defer func() { <-s.slots }()
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	t := tls.Server(c, s.server)
	if err := t.HandshakeContext(ctx); err != nil {
		s.drop(c)
		return
	}
	if err := s.let(t.ConnectionState()); err != nil {
		s.m.o.Log.Info("connection to the booths' group refused", "err", err)
		s.drop(c)
		return
	}
	select {
	case s.ready <- &tracked{Conn: t, raw: c, s: s}:
	case <-s.done:
		s.drop(c)
	}
}

func (s *stream) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *stream) drop(c net.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.Close()
}

// tracked is a connection that raft holds.
type tracked struct {
	net.Conn
	raw net.Conn
	s   *stream
}

// Close ends the connection at once: raft's messages need no last word.
func (t *tracked) Close() error {
	t.s.drop(t.raw)
	return nil
}

// Accept implements net.Listener.
func (s *stream) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (s *stream) Addr() net.Addr { return s.m.o.Listener.Addr() }

// Close implements net.Listener. It ends every connection, whoever opened it.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.done)
	for c := range s.conns {
		_ = c.Close()
	}
	return s.m.o.Listener.Close()
}

// wait returns when nothing of the stream runs any more.
func (s *stream) wait() error {
	err := s.Close()
	s.group.Wait()
	return err
}

// Dial implements raft.StreamLayer. Only booths of the configuration are called, and the one that answers must be the
// one that is meant.
func (s *stream) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	member, ok := s.m.at(string(addr))
	if !ok {
		return nil, fmt.Errorf("no booth of the group is at %s", addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := s.m.o.Dial(ctx, "tcp", string(addr))
	if err != nil {
		return nil, err
	}
	if !s.track(c) {
		return nil, errors.New("closed")
	}
	t, err := s.m.meet(ctx, c, member)
	if err != nil {
		s.drop(c)
		return nil, fmt.Errorf("%s at %s: %w", member, addr, err)
	}
	return &tracked{Conn: t, raw: c, s: s}, nil
}

// meet shows who we are to a member at the other end of a connection, and makes sure that it is that member.
func (m *Member) meet(ctx context.Context, c net.Conn, member string) (*tls.Conn, error) {
	conf := m.o.Credentials.Dial(boothOf(member))
	conf.NextProtos = []string{protocol(m.self().Group, member)}
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return t, m.present(t.ConnectionState())
}
