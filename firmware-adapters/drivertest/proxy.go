package drivertest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between an adapter and a TCP peer, to count, to spoil and to break.
type Proxy struct {
	t      *testing.T
	target string
	addr   string
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool // towards the adapter, and to the peer
	clients  []net.Conn
	contacts int
	mangle   func([]byte) [][]byte
}

// NewProxy starts a proxy before target. It ends with the test.
func NewProxy(t *testing.T, target string) *Proxy {
	p := &Proxy{t: t, target: target, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.Restore()
	t.Cleanup(func() {
		p.Break()
		p.wg.Wait()
	})
	return p
}

// Addr is where the adapter connects to.
func (p *Proxy) Addr() string { return p.addr }

// Contacts counts connections.
func (p *Proxy) Contacts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.contacts
}

// Mangle sets what becomes of what the peer sends.
func (p *Proxy) Mangle(f func([]byte) [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mangle = f
}

// Inject writes bytes to the adapter.
func (p *Proxy) Inject(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.clients) > 0 {
		_, _ = p.clients[len(p.clients)-1].Write(b)
	}
}

// Break closes everything.
func (p *Proxy) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		_ = c.Close()
	}
	p.conns, p.clients = map[net.Conn]bool{}, nil
}

// Restore listens again, at the same address.
func (p *Proxy) Restore() {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Errorf("proxy: %v", err)
		return
	}
	p.mu.Lock()
	p.listener, p.addr = l, l.Addr().String()
	p.mu.Unlock()
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			peer, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = c.Close()
				continue
			}
			p.mu.Lock()
			if p.listener != l {
				p.mu.Unlock()
				_ = c.Close()
				_ = peer.Close()
				return
			}
			p.conns[c], p.conns[peer] = true, true
			p.clients = append(p.clients, c)
			p.contacts++
			p.mu.Unlock()
			p.wg.Go(func() { p.copy(peer, c, false) })
			p.wg.Go(func() { p.copy(c, peer, true) })
		}
	})
}

func (p *Proxy) copy(to, from net.Conn, mangle bool) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		pieces := [][]byte{buf[:n]}
		p.mu.Lock()
		f := p.mangle
		p.mu.Unlock()
		if mangle && f != nil {
			pieces = f(buf[:n])
		}
		for i, piece := range pieces {
			if i > 0 {
				<-time.After(time.Millisecond)
			}
			if _, err := to.Write(piece); err != nil {
				return
			}
		}
	}
}
