package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"lotkeeper/edge/internal/clock"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/peer"
	"lotkeeper/edge/internal/uplink"
	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/firmware-adapters/all"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/wire"
)

func tableDevice(d wire.Device, env driver.Env) (driver.Device, error) {
	settings := d.Settings
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	return all.New(d.Kind, settings, env)
}

var errNotListed = errors.New("the lot's configuration does not list this booth")

// listen opens the address of a part: what the booth's file says, else what the lot's configuration says of this booth.
func (a *Agent) listen(ctx context.Context, given *net.Listener, file string, of func(wire.Booth) string) (net.Listener, error) {
	if l := *given; l != nil {
		*given = nil // a listener is used once: afterwards its address is opened anew
		return l, nil
	}
	addr := file
	if addr == "" {
		c, ok := a.lot.Config()
		if !ok {
			return nil, errors.New("the lot has no configuration yet")
		}
		for _, b := range c.Booths {
			if b.ID == a.identity.Booth {
				addr = of(b)
			}
		}
		if addr == "" {
			return nil, errNotListed
		}
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

func (a *Agent) runPeer(ctx context.Context) error {
	l, err := a.listen(ctx, &a.o.Peer, a.c.Listen.Peer, func(b wire.Booth) string { return b.Peer })
	if err != nil {
		return err
	}
	x, err := peer.New(peer.Options{
		Lot: a.identity.Lot, Booth: a.identity.Booth, Memory: a.lot, Credentials: a.identity, Listener: l, Dial: a.o.Dial,
		Member: a.memberID, Now: a.clock.Now, Log: a.o.Log,
		Clock: func(booth string, theirs, asked, came time.Time) {
			a.times.Hear(clock.Peer, booth, theirs, asked, came)
		},
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.mu.Lock()
	a.peer = x
	a.mu.Unlock()
	return x.Run(ctx)
}

func (a *Agent) runMember(ctx context.Context) error {
	l, err := a.listen(ctx, &a.o.Raft, a.c.Listen.Raft, func(b wire.Booth) string { return b.Raft })
	if err != nil {
		return err
	}
	m, err := agree.New(agree.Options{
		Lot: a.identity.Lot, Booth: a.identity.Booth, Dir: filepath.Join(a.c.Data, "raft"), Memory: a.lot,
		Credentials: a.identity, Listener: l, Dial: a.o.Dial, Now: a.o.Now, Log: a.o.Log, Timing: a.o.Timing,
		Members: a.memberOf, Replacement: a.identity.Replacement,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.mu.Lock()
	a.member = m
	a.mu.Unlock()
	return m.Run(ctx)
}

// memberID is how this box is named in the booths' group.
func (a *Agent) memberID() string {
	a.mu.Lock()
	m := a.member
	a.mu.Unlock()
	if m == nil {
		return ""
	}
	return m.ID()
}

// memberOf is how another booth's box said that it is named.
func (a *Agent) memberOf(booth string) string {
	a.mu.Lock()
	x := a.peer
	a.mu.Unlock()
	if x == nil {
		return ""
	}
	return x.Member(booth)
}

func (a *Agent) runUplink(ctx context.Context) error {
	id := a.identity
	u, err := uplink.New(uplink.Options{
		Lot: id.Lot, Booth: id.Booth, Broker: id.Broker, DeviceURL: id.DeviceURL, TLS: id.Client(), Memory: a.lot, Photos: a.photos,
		Command: a.command, Software: a.o.Software, Boot: a.boot, Now: a.clock.Now, Log: a.o.Log, Pace: a.o.Pace,
		Clock: func(theirs, asked, came time.Time) { a.times.Hear(clock.Cloud, "cloud", theirs, asked, came) },
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.uplink = u
	a.mu.Unlock()
	for _, l := range a.yard.lives() {
		u.Live(l)
	}
	return u.Run(ctx)
}

// told passes a lane's state on to who watches.
func (a *Agent) told(w *watchdog.Lane, l wire.Live) {
	w.Live(l, time.Duration(a.mono()))
	a.mu.Lock()
	u := a.uplink
	a.mu.Unlock()
	if u != nil {
		u.Live(l)
	}
	a.bell.ring()
}

// away is for how long the cloud has been away; 0 while it is there.
func (a *Agent) away() time.Duration {
	a.mu.Lock()
	u := a.uplink
	a.mu.Unlock()
	if u == nil {
		return a.o.Now().Sub(a.began)
	}
	if t := u.Status(); !t.Connected {
		return max(a.o.Now().Sub(t.Since), 1)
	}
	return 0
}

// command hands a command of the cloud to its lane.
func (a *Agent) command(ctx context.Context, c wire.Command) wire.Result {
	u := a.yard.find(c.Lane)
	if u == nil {
		return wire.Result{Command: c.ID, Lane: c.Lane, Verdict: string(lane.Refused), Text: fmt.Sprintf("本岗亭没有车道 %s / this booth has no lane %s", c.Lane, c.Lane)}
	}
	return u.controller.Command(ctx, c)
}
