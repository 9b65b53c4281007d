package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"lotkeeper/shared/plate"
)

// Reading is one recognition by a camera.
type Reading struct {
	Plate      plate.Plate // what the camera says it read; zero is a car without a plate
	Shown      plate.Plate // what the picture shows; zero: the same as Plate
	At         time.Time   // by the camera's clock
	Trigger    int         // the protocol's trigger bits: 1 video, 2 loop, 4 soft
	Confidence int
}

// memory is how many records a camera keeps; the oldest go first.
const memory = 9000

// Camera is a 臻识 plate camera: a server on its TCP port. What nobody acknowledged it keeps and sends again, marked as
// offline, to the next client that registers for offline records.
type Camera struct {
	env     Env
	serial  string
	caption string
	painter *Painter

	mu      sync.Mutex
	off     bool
	clients []*client
	number  int64
	records []*record // not acknowledged, oldest first
	tear    int
	mute    bool
	trigger func() (Reading, bool)
	stats   CameraStats
}

// CameraStats counts what a camera did.
type CameraStats struct{ Sent, Resent, Acknowledged, Torn int }

type record struct {
	number  int64
	reading Reading
	sent    time.Time // last time, by real time
	tries   int
	client  *client // to whom; nil when nobody was there
	late    bool
}

// NewCamera makes a camera. caption stands in its pictures.
func NewCamera(serial, caption string, painter *Painter, env Env) *Camera {
	return &Camera{env: env, serial: serial, caption: caption, painter: painter}
}

// Run serves clients on l until ctx ends, then closes l.
func (c *Camera) Run(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("camera %s: %w", c.serial, err)
		}
		cl := newClient(c, conn)
		if !c.admit(cl) {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			defer c.leave(cl)
			cl.serve(ctx)
		})
	}
}

func (c *Camera) admit(cl *client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return false
	}
	c.clients = append(c.clients, cl)
	return true
}

func (c *Camera) leave(cl *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients = slices.DeleteFunc(c.clients, func(other *client) bool { return other == cl })
	for _, r := range c.records {
		if r.client == cl {
			r.client, r.late = nil, true
		}
	}
}

// Read makes the camera recognise something now. It is sent live when somebody is subscribed, else kept.
func (c *Camera) Read(r Reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return
	}
	rec := c.keep(r)
	rec.late = !slices.ContainsFunc(c.clients, func(cl *client) bool { return cl.subscribed })
	c.wake()
}

// Remember puts a record in the camera's memory as if it had been recognised at r.At with nobody connected.
func (c *Camera) Remember(r Reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(r).late = true
	c.wake()
}

func (c *Camera) keep(r Reading) *record {
	if r.At.IsZero() {
		r.At = c.env.Now()
	}
	if r.Shown == (plate.Plate{}) {
		r.Shown = r.Plate
	}
	c.number++
	rec := &record{number: c.number, reading: r}
	c.records = append(c.records, rec)
	if len(c.records) > memory {
		c.records = slices.Delete(c.records, 0, 1)
	}
	return rec
}

// OnTrigger sets what the camera reads when a client triggers it; without, a trigger is refused; false: there is nothing to read.
func (c *Camera) OnTrigger(f func() (Reading, bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trigger = f
}

// SetPower switches the camera. Without power it reads nothing and its connections die; its memory stays.
func (c *Camera) SetPower(on bool) {
	c.mu.Lock()
	c.off = !on
	c.mu.Unlock()
	if !on {
		c.Cut()
	}
}

// Cut breaks the connections; clients may come back at once.
func (c *Camera) Cut() {
	c.mu.Lock()
	clients := slices.Clone(c.clients)
	c.mu.Unlock()
	for _, cl := range clients {
		cl.cut()
	}
}

// TearNext makes the next n results stop in the middle, with the connection.
func (c *Camera) TearNext(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tear += n
}

// Mute makes the camera do commands without answering them.
func (c *Camera) Mute(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = on
}

// Connected says whether somebody is subscribed to results.
func (c *Camera) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.clients, func(cl *client) bool { return cl.subscribed })
}

// Kept is how many records nobody acknowledged yet.
func (c *Camera) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.records)
}

// Stats is what the camera did so far.
func (c *Camera) Stats() CameraStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Camera) wake() {
	for _, cl := range c.clients {
		cl.wake()
	}
}
