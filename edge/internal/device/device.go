// Package device supervises the devices of a lane: it runs one adapter's device, reconnects it, drops what it says twice,
// and offers its commands with time-outs.
//
// Invariants:
//   - a device is run by one goroutine, and a run never outlives Run;
//   - the pause before a reconnect follows how long the link lived: a link that worked comes back at once, one that never
//     works is tried ever more seldom, up to [MaxPause]. There is no fixed period, so no link can live just shorter than it;
//   - events reach the lane once per ID, in order, through a bounded channel;
//   - a plate read is let go of (and so acknowledged to the camera) only when the lane says that it is recorded.
package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"lotkeeper/firmware-adapters/driver"
)

// The pauses before a reconnect.
const (
	MinPause = 200 * time.Millisecond
	MaxPause = 30 * time.Second
	// steady is how long a link must live to count as one that works.
	steady = 5 * time.Second
)

// CommandTimeout bounds one command to a device.
const CommandTimeout = 3 * time.Second

// ErrIncapable says that a device has no such command.
var ErrIncapable = errors.New("device has no such command")

// Role is what a device does in its lane.
type Role string

// The roles.
const (
	Camera  Role = "camera"
	Barrier Role = "barrier"
	Display Role = "display"
)

// Event is one thing a device said, on its way to the lane.
type Event struct {
	driver.Event
	Device string
	Role   Role
	Link   *Link // set instead of a body when the link came up or broke
	// Stored must be called once the lane has recorded the event or decided not to. It may be called often.
	Stored func()
}

// Link says that a device became reachable, or no longer is.
type Link struct {
	Up  bool
	Err error // why it is down
}

// Options are the surroundings of a device.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Jitter spreads pauses: a number in [0,1). Nil is random.
	Jitter func() float64
}

// Device is one supervised device.
type Device struct {
	id     string
	role   Role
	kind   string
	dev    driver.Device
	out    chan<- Event
	o      Options
	seen   *memory
	mu     sync.Mutex
	health Health
}

// New makes a supervised device that sends its events to out. It does no I/O.
func New(id string, role Role, kind string, dev driver.Device, out chan<- Event, o Options) (*Device, error) {
	switch {
	case id == "" || dev == nil || out == nil:
		return nil, errors.New("a device needs an id, an adapter and somebody to hear it")
	case role != Camera && role != Barrier && role != Display:
		return nil, fmt.Errorf("device %s: role %q is not camera, barrier or display", id, role)
	case o.Log == nil || o.Now == nil:
		return nil, fmt.Errorf("device %s: a logger and a clock are needed", id)
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	d := &Device{id: id, role: role, kind: kind, dev: dev, out: out, o: o, seen: newMemory(4096)}
	d.health = Health{Device: id, Role: role, Kind: kind, State: Starting, Since: o.Now()}
	return d, nil
}

// ID returns the device's id in the lot's configuration.
func (d *Device) ID() string { return d.id }

// Role returns what the device does in its lane.
func (d *Device) Role() Role { return d.role }

// Run runs the device and reconnects it until ctx ends.
func (d *Device) Run(ctx context.Context) error {
	pause := MinPause
	for ctx.Err() == nil {
		began := d.o.Now()
		err := d.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			err = errors.New("the device ended by itself")
		}
		if d.o.Now().Sub(began) >= steady && d.Health().State == Up {
			pause = MinPause
		}
		d.fell(ctx, err)
		wait := pause + time.Duration(float64(pause)*0.2*d.o.Jitter())
		pause = min(2*pause, MaxPause)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	d.set(func(h *Health) { h.State, h.Since, h.Error = Down, d.o.Now(), "stopped" })
	return nil
}

// once runs the device for the life of one link. A panic in an adapter is a broken link, not a broken booth.
func (d *Device) once(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("adapter panicked: %v", p)
		}
	}()
	return d.dev.Run(ctx, func(e driver.Event) { d.emit(ctx, e) })
}

func (d *Device) emit(ctx context.Context, e driver.Event) {
	d.alive(ctx, e)
	if _, ok := e.Body.(driver.Alive); ok || e.Body == nil {
		return
	}
	if e.ID != "" && d.seen.has(e.ID) {
		d.set(func(h *Health) { h.Doubled++ })
		return
	}
	stored := make(chan struct{})
	ev := Event{Event: e, Device: d.id, Role: d.role, Stored: sync.OnceFunc(func() { close(stored) })}
	select {
	case d.out <- ev:
	case <-ctx.Done():
		return
	}
	if e.ID != "" {
		d.seen.add(e.ID)
	}
	if _, ok := e.Body.(driver.PlateRead); !ok {
		return
	}
	select {
	case <-stored:
	case <-ctx.Done():
	}
}

func (d *Device) alive(ctx context.Context, e driver.Event) {
	now := d.o.Now()
	rose := false
	d.set(func(h *Health) {
		if h.State != Up {
			h.State, h.Since, h.Error, rose = Up, now, "", true
		}
		h.LastEvent = now
		switch e.Body.(type) {
		case driver.Alive, nil:
		default:
			h.LastBusiness = now
			h.Events++
		}
	})
	if rose {
		d.o.Log.Info("device is up", "device", d.id)
		d.tell(ctx, Link{Up: true})
	}
}

func (d *Device) fell(ctx context.Context, err error) {
	was := d.Health()
	d.set(func(h *Health) {
		h.Breaks++
		h.Error = err.Error()
		if h.State != Down {
			h.State, h.Since = Down, d.o.Now()
		}
	})
	if was.State != Down || was.Error != err.Error() {
		d.o.Log.Warn("device is down", "device", d.id, "err", err)
	}
	if was.State != Down {
		d.tell(ctx, Link{Err: err})
	}
}

func (d *Device) tell(ctx context.Context, l Link) {
	select {
	case d.out <- Event{Device: d.id, Role: d.role, Link: &l, Stored: func() {}}:
	case <-ctx.Done():
	}
}
