// Package lan is the network between the booths of a lot, for tests: each two booths have a cable that can be cut.
//
// A cut cable behaves as one that was pulled out: nothing arrives, nothing is refused, and who waits finds out by its
// own deadline. What was on its way arrives when the cable is in again, as TCP would send it again. The network is real
// TCP on loopback, or in memory, where it runs on the clock of testing/synctest.
package lan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
)

// LAN is one network.
type LAN struct {
	memory bool

	mu        sync.Mutex
	owners    map[string]string // address to booth
	listeners map[string]*listener
	cut       map[[2]string]chan struct{} // closed when the cable is in again
	conns     map[*conn]struct{}
	next      int
}

// Memory makes a network in memory.
func Memory() *LAN { return newLAN(true) }

// Loopback makes a network of TCP on loopback.
func Loopback() *LAN { return newLAN(false) }

func newLAN(memory bool) *LAN {
	return &LAN{memory: memory, owners: map[string]string{}, listeners: map[string]*listener{}, cut: map[[2]string]chan struct{}{}, conns: map[*conn]struct{}{}}
}

// Address finds a free address for a booth.
func (n *LAN) Address(booth string) (string, error) {
	if !n.memory {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		addr := l.Addr().String()
		n.Own(booth, addr)
		return addr, l.Close()
	}
	n.mu.Lock()
	n.next++
	addr := fmt.Sprintf("10.0.0.%d:%d", 1+n.next/100, 1000+n.next)
	n.mu.Unlock()
	n.Own(booth, addr)
	return addr, nil
}

// Own says whose address it is.
func (n *LAN) Own(booth, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owners[addr] = booth
}

// Listen listens at an address.
func (n *LAN) Listen(addr string) (net.Listener, error) {
	if !n.memory {
		return net.Listen("tcp", addr)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, syscall.EADDRINUSE)
	}
	l := &listener{n: n, addr: address(addr), in: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dial returns how a booth opens connections.
func (n *LAN) Dial(from string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.mu.Lock()
		to, l := n.owners[addr], n.listeners[addr]
		n.mu.Unlock()
		if to == "" {
			return nil, fmt.Errorf("dial %s: nobody has this address", addr)
		}
		if err := n.plugged(ctx, from, to); err != nil {
			return nil, fmt.Errorf("dial %s: %w", addr, err)
		}
		var raw net.Conn
		var err error
		switch {
		case !n.memory:
			raw, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		case l == nil:
			err = fmt.Errorf("dial %s: %w", addr, syscall.ECONNREFUSED)
		default:
			raw, err = l.connect(ctx, address(from))
		}
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, n: n, from: from, to: to, closed: make(chan struct{})}
		n.mu.Lock()
		n.conns[c] = struct{}{}
		n.mu.Unlock()
		return c, nil
	}
}

func cable(a, b string) [2]string {
	if a > b {
		a, b = b, a
	}
	return [2]string{a, b}
}

// Cut pulls the cable between two booths out.
func (n *LAN) Cut(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut[cable(a, b)] == nil {
		n.cut[cable(a, b)] = make(chan struct{})
	}
}

// Split cuts every cable between booths of one side and booths of others.
func (n *LAN) Split(sides ...[]string) {
	for i, side := range sides {
		for _, a := range side {
			for _, b := range slices.Concat(sides[i+1:]...) {
				n.Cut(a, b)
			}
		}
	}
}

// Heal puts every cable in again.
func (n *LAN) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, healed := range n.cut {
		close(healed)
		delete(n.cut, c)
	}
}

// Reset ends every connection of a booth at once, as its death does.
func (n *LAN) Reset(booth string) {
	n.mu.Lock()
	var of []*conn
	for c := range n.conns {
		if c.from == booth || c.to == booth {
			of = append(of, c)
		}
	}
	n.mu.Unlock()
	for _, c := range of {
		_ = c.Close()
	}
}

// plugged waits until the cable between two booths is in.
func (n *LAN) plugged(ctx context.Context, a, b string) error {
	for {
		n.mu.Lock()
		healed := n.cut[cable(a, b)]
		n.mu.Unlock()
		if healed == nil {
			return nil
		}
		select {
		case <-healed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *LAN) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// address is an address in memory.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// listener accepts in memory.
type listener struct {
	n    *LAN
	addr address
	in   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (l *listener) connect(ctx context.Context, from address) (net.Conn, error) {
	near, far := pipe(from, l.addr)
	select {
	case l.in <- far:
		return near, nil
	case <-l.done:
		return nil, fmt.Errorf("dial %s: %w", l.addr, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.in:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	err := errors.New("closed already")
	l.once.Do(func() {
		err = nil
		l.n.mu.Lock()
		delete(l.n.listeners, string(l.addr))
		l.n.mu.Unlock()
		close(l.done)
	})
	return err
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }
