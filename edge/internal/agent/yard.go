package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// yard runs the booth's lanes as the configuration in force says.
type yard struct {
	a  *Agent
	up chan struct{} // closed when the first lanes run

	mu    sync.Mutex
	units map[string]*unit
}

// unit is one running lane with its devices.
type unit struct {
	lane       wire.Lane
	text       []byte // the lane's set-up, to see whether it changed
	controller *lane.Controller
	devices    []*device.Device
	watch      *watchdog.Lane
	stop       context.CancelFunc
	done       chan struct{}
}

func newYard(a *Agent) *yard {
	return &yard{a: a, up: make(chan struct{}), units: map[string]*unit{}}
}

// run follows the configuration until ctx ends, and then waits for the lanes.
func (y *yard) run(ctx context.Context) {
	watch := y.a.lot.Watch(ctx)
	y.follow(ctx)
	close(y.up)
	for {
		select {
		case <-ctx.Done():
			y.mu.Lock()
			units := y.all()
			y.mu.Unlock()
			for _, u := range units {
				<-u.done
			}
			return
		case <-watch.C:
			if watch.Take().Config {
				y.follow(ctx)
			}
			y.a.bell.ring()
		}
	}
}

// follow starts, restarts and stops lanes so that those run that the configuration gives this booth.
func (y *yard) follow(ctx context.Context) {
	c, ok := y.a.lot.Config()
	if !ok {
		y.a.o.Log.Warn("the lot has no configuration yet: no lanes")
		return
	}
	want := map[string]wire.Lane{}
	for _, l := range c.Lanes {
		if l.Booth == y.a.identity.Booth {
			want[l.ID] = l
		}
	}
	y.mu.Lock()
	now := y.all()
	y.mu.Unlock()
	for _, u := range now {
		l, still := want[u.lane.ID]
		if still && bytes.Equal(setup(l), u.text) {
			delete(want, u.lane.ID)
			continue
		}
		u.stop()
		<-u.done
		y.mu.Lock()
		delete(y.units, u.lane.ID)
		y.mu.Unlock()
		y.a.found(u.watch.Over())
		y.a.o.Log.Info("lane stopped", "lane", u.lane.ID)
	}
	for _, l := range want {
		u, err := y.start(ctx, l)
		if err != nil {
			y.a.o.Log.Error("lane cannot run", "lane", l.ID, "err", err)
			continue
		}
		y.mu.Lock()
		y.units[l.ID] = u
		y.mu.Unlock()
		y.a.o.Log.Info("lane runs", "lane", l.ID, "config", c.Number)
	}
}

// setup is what of a lane needs a restart when it changes.
func setup(l wire.Lane) []byte {
	l.Name.ZH, l.Name.EN = "", ""
	b, err := json.Marshal(l)
	if err != nil {
		return nil // a configuration was decoded from JSON, so it encodes
	}
	return b
}

// eventRoom bounds what a lane's devices say ahead of it.
const eventRoom = 64

func (y *yard) start(ctx context.Context, l wire.Lane) (*unit, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := y.a
	log := a.o.Log.With("lane", l.ID)
	events := make(chan device.Event, eventRoom)
	u := &unit{lane: l, text: setup(l), stop: cancel, done: make(chan struct{}), watch: watchOf(l, time.Duration(a.mono()))}
	o := lane.Options{
		Memory: memory{a, u.watch}, Events: events, Photos: a.photos, Alarm: a.alarms.Set, Live: func(v wire.Live) { a.told(u.watch, v) }, Now: a.clock.Now, Mono: a.mono, Clock: a.moment, Log: a.o.Log,
		Changed: a.lot.Watch(ctx).C, Away: a.away, Signers: lane.Signers{Receipts: a.identity.ConfigKey, Tickets: a.lot.KeyOf},
	}
	var dead []device.Event
	for _, d := range l.Devices {
		dev, err := a.o.Device(d, driver.Env{Device: d.ID, Log: log.With("device", d.ID), Now: a.clock.Now})
		var sup *device.Device
		if err == nil {
			sup, err = device.New(d.ID, device.Role(d.Role), d.Kind, dev, events, device.Options{Log: log, Now: a.clock.Now})
		}
		if err != nil {
			// The lane runs without it, and says so.
			log.Error("device cannot run", "device", d.ID, "err", err)
			dead = append(dead, device.Event{Device: d.ID, Role: device.Role(d.Role), Link: &device.Link{Err: err}, Stored: func() {}})
			continue
		}
		u.devices = append(u.devices, sup)
		switch sup.Role() {
		case device.Camera:
			o.Camera = sup
		case device.Barrier:
			o.Barrier = sup
		case device.Display:
			o.Display = sup
		}
	}
	faces := map[string]fact.Dir{}
	for _, d := range l.Devices {
		if d.Dir != "" {
			faces[d.ID] = d.Dir
		}
	}
	c, err := lane.NewController(lane.Setting{
		Lane: l.ID, Dir: l.Dir, Boot: a.clock.Boot(), Faces: faces, From: l.From, To: l.To,
	}, o)
	if err != nil {
		cancel()
		return nil, err
	}
	u.controller = c
	var group sync.WaitGroup
	group.Go(func() {
		if err := c.Run(ctx); err != nil {
			log.Error("lane ended", "err", err)
		}
	})
	for _, d := range u.devices {
		group.Go(func() {
			if err := d.Run(ctx); err != nil {
				log.Error("device ended", "device", d.ID(), "err", err)
			}
		})
	}
	group.Go(func() {
		for _, e := range dead {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		}
	})
	go func() {
		group.Wait()
		cancel()
		close(u.done)
	}()
	return u, nil
}

// all returns the running lanes in the order of their ids. The caller holds mu.
func (y *yard) all() []*unit {
	out := make([]*unit, 0, len(y.units))
	for _, u := range y.units {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b *unit) int { return bytes.Compare([]byte(a.lane.ID), []byte(b.lane.ID)) })
	return out
}

func (y *yard) list() []*unit {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.all()
}

func (y *yard) find(id string) *unit {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.units[id]
}

func (y *yard) lives() []wire.Live {
	var out []wire.Live
	for _, u := range y.list() {
		out = append(out, u.controller.Live())
	}
	return out
}
