// Package uplink is a booth's line to the cloud: facts up, facts, configuration and commands down, pictures last.
//
// What the cloud has is what the cloud says it has: facts are sent from the cursor it states, one batch of an author at
// a time, and sent again until that cursor moves. That the broker took a message means nothing. So the line may break
// anywhere, any number of times, and nothing is lost or doubled; and there is no queue of its own that could be lost.
//
// A booth sends its own log. Another author's it relays only when the cloud's cursor for it has not moved for a while
// although more of it is here: then that booth has no line of its own.
package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/photo"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// Memory is what the booth knows: *lot.Lot.
type Memory interface {
	Author() fact.Author
	Cursors() exchange.Cursors
	Closed() []fact.Author
	Batch(a fact.Author, after uint64, n, size int) (exchange.Batch, error)
	Merge(b exchange.Batch) (exchange.Result, error)
	Judged(by string, cursors exchange.Cursors, closed []fact.Author)
	Config() (wire.Config, bool)
	Configure(s wire.Signed) error
	Heard(who string, cursors exchange.Cursors, config uint64)
	RightsState() (number uint64, wants right.Cursor)
	TakeRights(p wire.Rights) error
	Watch(ctx context.Context) *lot.Watch
}

// Handler carries out a command and says what became of it. It may take as long as the device does; ctx ends with the
// uplink. Several may run at once.
type Handler func(ctx context.Context, c wire.Command) wire.Result

// Options say where the cloud is and who this booth is. Photos and Log may be nil.
type Options struct {
	Lot, Booth string
	Broker     string      // ssl://host:port
	DeviceURL  string      // https://host:port/…, where pictures go
	TLS        *tls.Config // with the booth's certificate and the pinned authority
	Memory     Memory
	Photos     *photo.Store
	Command    Handler
	Software   string
	Boot       string
	Now        func() time.Time
	Log        *slog.Logger
	Pace       Pace
	// Clock is told the cloud's time with ours when we asked and when the answer came. It may be nil.
	Clock func(theirs, asked, came time.Time)
}

// Pace is how often things are said. The zero value of a field means what stands beside it.
type Pace struct {
	Cursor    time.Duration // 5 s: between statements of our cursors
	Resend    time.Duration // 5 s: a batch is sent again when the cloud's cursor has not moved for so long
	Relay     time.Duration // 15 s: another author's facts are relayed when the cloud's cursor for it has not moved for so long
	Reconnect time.Duration // 30 s: the longest wait between attempts to connect
	Photo     time.Duration // 30 s: the longest wait between attempts to send a picture
}

func (p *Pace) fill() {
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&p.Cursor, 5 * time.Second}, {&p.Resend, 5 * time.Second}, {&p.Relay, 15 * time.Second},
		{&p.Reconnect, 30 * time.Second}, {&p.Photo, 30 * time.Second},
	} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
}

// Uplink is one booth's line to the cloud.
type Uplink struct {
	o     Options
	in    chan message    // from the broker
	conns chan connection // each new one
	news  chan struct{}   // lanes or commands have something to say
	cmds  chan wire.Command

	mu      sync.Mutex
	live    map[string]wire.Live // by lane: what is to be said; replaced by what is newer
	dirty   map[string]bool      // lanes not yet said
	results []wire.Result        // of commands, not yet said
	status  Status
}

// Status is how the line stands, for people.
type Status struct {
	Connected bool          // to the broker
	Since     time.Time     // since when it is so
	Heard     time.Time     // when the cloud last stated its cursors; zero when never
	Offset    time.Duration // the cloud's clock less ours, by its last statement; late by the time it travelled
	Waiting   uint64        // facts of this booth that the cloud is not known to have
	Lacking   uint64        // facts of any author here that the cloud is not known to have
	Refused   []fact.Author // authors of which the cloud takes nothing more
	Config    uint64        // number of the newest configuration the cloud speaks of
}

// New checks the options.
func New(o Options) (*Uplink, error) {
	switch {
	case !wire.ValidName(o.Lot) || !wire.ValidName(o.Booth):
		return nil, errors.New("uplink: lot and booth must be valid ids")
	case o.Memory == nil || o.Command == nil || o.Now == nil || o.TLS == nil:
		return nil, errors.New("uplink: memory, command handler, clock and TLS must be given")
	}
	for _, u := range []string{o.Broker, o.DeviceURL} {
		if p, err := url.Parse(u); err != nil || p.Host == "" {
			return nil, errors.New("uplink: broker and device URL must be given")
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = func(_, _, _ time.Time) {}
	}
	o.Pace.fill()
	return &Uplink{
		o: o, in: make(chan message, 64), conns: make(chan connection), news: make(chan struct{}, 1), cmds: make(chan wire.Command, 16),
		live: map[string]wire.Live{}, dirty: map[string]bool{}, status: Status{Since: o.Now()},
	}, nil
}

// Run keeps the line until ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for range commandHands {
		group.Go(func() { u.obey(ctx) })
	}
	if u.o.Photos != nil {
		group.Go(func() { u.sendPhotos(ctx) })
	}
	group.Go(func() { u.keepConnected(ctx) })
	newLine(u).run(ctx)
	return nil
}

// Live says how a lane is now. It never waits; of a lane only the newest is sent, and nothing while there is no line.
func (u *Uplink) Live(v wire.Live) {
	u.mu.Lock()
	u.live[v.Lane] = v
	u.dirty[v.Lane] = true
	u.mu.Unlock()
	u.wake()
}

func (u *Uplink) wake() {
	select {
	case u.news <- struct{}{}:
	default:
	}
}

// Status returns how the line stands.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

func (u *Uplink) set(f func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f(&u.status)
}

// takeLive returns the lanes' states that are to be said.
func (u *Uplink) takeLive() []wire.Live {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []wire.Live
	for lane := range u.dirty {
		out = append(out, u.live[lane])
	}
	clear(u.dirty)
	return out
}

// allLive marks every lane's state as to be said again.
func (u *Uplink) allLive() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for lane := range u.live {
		u.dirty[lane] = true
	}
}
