package lan

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// conn is the dialler's end of a connection. It holds back what goes over a cable that is cut, in both directions: the
// other end writes into the system's buffers and reads nothing.
type conn struct {
	net.Conn
	n        *LAN
	from, to string
	closed   chan struct{}
	once     sync.Once

	mu          sync.Mutex
	read, write time.Time // deadlines
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		return n, err
	}
	return n, c.pass(func() time.Time { return c.read })
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.pass(func() time.Time { return c.write }); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// pass waits until the cable is in.
func (c *conn) pass(deadline func() time.Time) error {
	c.n.mu.Lock()
	healed := c.n.cut[cable(c.from, c.to)]
	c.n.mu.Unlock()
	if healed == nil {
		return nil
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	c.mu.Lock()
	until := deadline()
	c.mu.Unlock()
	if !until.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, until)
	}
	defer cancel()
	for healed != nil {
		select {
		case <-healed:
		case <-c.closed:
			return net.ErrClosed
		case <-ctx.Done():
			return os.ErrDeadlineExceeded
		}
		c.n.mu.Lock()
		healed = c.n.cut[cable(c.from, c.to)]
		c.n.mu.Unlock()
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.n.forget(c)
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.read, c.write = t, t
	c.mu.Unlock()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.read = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.write = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// pipe is a connection in memory. Unlike net.Pipe it has room for what was written and not read yet, as the system's
// buffers do: TLS writes where nobody reads at once.
func pipe(a, b address) (net.Conn, net.Conn) {
	ab, ba := newBuffer(), newBuffer()
	return &end{in: ba, out: ab, local: a, remote: b}, &end{in: ab, out: ba, local: b, remote: a}
}

type end struct {
	in, out       *buffer
	local, remote address
}

func (e *end) Read(p []byte) (int, error)         { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error)        { return e.out.write(p) }
func (e *end) LocalAddr() net.Addr                { return e.local }
func (e *end) RemoteAddr() net.Addr               { return e.remote }
func (e *end) SetReadDeadline(t time.Time) error  { e.in.setDeadline(t); return nil }
func (e *end) SetWriteDeadline(t time.Time) error { return nil } // writing never waits

func (e *end) SetDeadline(t time.Time) error { return e.SetReadDeadline(t) }

func (e *end) Close() error {
	e.in.close()
	e.out.close()
	return nil
}

// buffer is one direction.
type buffer struct {
	mu       sync.Mutex
	wake     sync.Cond
	data     []byte
	closed   bool
	deadline time.Time
	timer    *time.Timer
}

func newBuffer() *buffer {
	b := &buffer{}
	b.wake.L = &b.mu
	return b
}

func (b *buffer) read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case !b.deadline.IsZero() && !time.Now().Before(b.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(b.data) > 0:
			n := copy(p, b.data)
			b.data = b.data[n:]
			return n, nil
		case b.closed:
			return 0, io.EOF
		}
		b.wake.Wait()
	}
}

func (b *buffer) write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.data = append(b.data, p...)
	b.wake.Broadcast()
	return len(p), nil
}

func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.wake.Broadcast()
}

func (b *buffer) setDeadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadline = t
	if b.timer != nil {
		b.timer.Stop()
	}
	if left := time.Until(t); left > 0 { // one that is over needs no timer
		b.timer = time.AfterFunc(left, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.wake.Broadcast()
		})
	}
	b.wake.Broadcast()
}
