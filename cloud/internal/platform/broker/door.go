package broker

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// greeting is how long a connection may take to show its certificate and introduce itself.
const greeting = 10 * time.Second

// door is a listener that knows who is inside. The broker knows only those who have introduced themselves, and at its end
// waits for all; door can show out also who came in a moment ago and says nothing. Who says nothing for too long is shown
// out anyway: the broker sets a time for each packet, but not for the first.
type door struct {
	net.Listener
	greeting time.Duration
	mu       sync.Mutex
	inside   map[*guest]struct{} // nil once shut
}

func newDoor(l net.Listener, greeting time.Duration) *door {
	return &door{Listener: l, greeting: greeting, inside: map[*guest]struct{}{}}
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(d.greeting)); err != nil {
		_ = conn.Close() // it is of no use
		return nil, fmt.Errorf("broker: limit a connection's greeting: %w", err)
	}
	g := &guest{Conn: conn, door: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside == nil {
		_ = conn.Close() // it came while we shut
		return nil, net.ErrClosed
	}
	d.inside[g] = struct{}{}
	return g, nil
}

// shut lets nobody in any more and ends every connection.
func (d *door) shut() {
	_ = d.Close() // it may be closed already
	d.mu.Lock()
	inside := d.inside
	d.inside = nil
	d.mu.Unlock()
	for g := range inside {
		_ = g.Conn.Close() // the far end may have been faster
	}
}

// guest is a connection that came through a door.
type guest struct {
	net.Conn
	door *door
}

// Close implements [net.Conn].
func (g *guest) Close() error {
	g.door.mu.Lock()
	delete(g.door.inside, g)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
