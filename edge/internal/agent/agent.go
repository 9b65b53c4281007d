// Package agent is one booth: it puts journal, lot, lanes, console, exchange, agreement and uplink together.
//
// Invariants:
//   - lanes run from the journal alone: they are up before the exchange, raft or the uplink are, and none of these can
//     stop them;
//   - the lanes follow the configuration in force: one that is added, changed or taken away is started, restarted or
//     stopped, and the others go on;
//   - when Run returns, nothing it started is left, and the journal is closed last.
package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lotkeeper/edge/internal/alarm"
	"lotkeeper/edge/internal/clock"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/peer"
	"lotkeeper/edge/internal/photo"
	"lotkeeper/edge/internal/salvage"
	"lotkeeper/edge/internal/shift"
	"lotkeeper/edge/internal/uplink"
	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/wire"
)

// Options are an agent's surroundings. Identity, listeners, Dial, Timing and Pace are for tests; their zero values are what
// the configuration says.
type Options struct {
	Software string
	Built    time.Time // when the program was made; zero when that is not known
	Now      func() time.Time
	Mono     func() time.Duration // a monotonic clock; nil: that of Now, which time.Now has and a clock that is set has not
	Log      *slog.Logger
	Identity *enroll.Identity
	Console  net.Listener
	Peer     net.Listener
	Raft     net.Listener
	Dial     agree.Dial // to other booths
	Offline  bool       // no uplink
	Timing   agree.Timing
	Pace     uplink.Pace
	Device   func(d wire.Device, env driver.Env) (driver.Device, error) // nil: the table of adapters
	// Check judges a file of the booth before it is opened, as journal.Sound does; on a damaged one that may fault the
	// process, so the program does it in another one. nil is journal.Sound itself.
	Check func(ctx context.Context, path string) error
}

// Agent is one booth.
type Agent struct {
	c     Config
	o     Options
	boot  string
	clock *clock.Clock // the booth's own: parts that stamp or compare take it, sign-ins and deadlines take the machine's
	times *clock.Watch
	began time.Time
	ready chan struct{}
	bell  *bell

	alarms *alarm.Book
	disk   *watchdog.Disk

	// set before ready is closed
	identity *enroll.Identity
	journal  *journal.Journal
	lot      *lot.Lot
	photos   *photo.Store
	desk     *shift.Desk
	aside    *salvage.Store
	torn     []string // files that this run found damaged
	yard     *yard
	address  string

	mu     sync.Mutex
	uplink *uplink.Uplink
	peer   *peer.Exchange
	member *agree.Member
	kept   []console.Aside // what a.aside holds, as people see it
}

// New checks the configuration. It does no I/O.
func New(c Config, o Options) (*Agent, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if o.Now == nil || o.Log == nil {
		return nil, errors.New("agent: a clock and a logger are needed")
	}
	if o.Device == nil {
		o.Device = tableDevice
	}
	if o.Check == nil {
		o.Check = func(_ context.Context, path string) error { return journal.Sound(path) }
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("agent: name this run: %w", err)
	}
	if o.Mono == nil {
		start := o.Now()
		o.Mono = func() time.Duration { return o.Now().Sub(start) }
	}
	boot, zero := hex.EncodeToString(id[:]), o.Mono()
	own := clock.New(boot, o.Now, func() time.Duration { return o.Mono() - zero })
	a := &Agent{
		c: c, o: o, boot: boot, clock: own, times: clock.NewWatch(own), began: own.Now(), ready: make(chan struct{}), bell: newBell(),
		disk: watchdog.NewDisk(),
	}
	var err error
	if a.alarms, err = a.newAlarms(); err != nil {
		return nil, err
	}
	return a, nil
}

// mono is this run's monotonic clock in nanoseconds; it begins at one, so that zero can mean never.
func (a *Agent) mono() int64 { return a.clock.Mono() }

// Ready is closed when the lanes and the console are up.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Lot returns the booth's memory. Call it after Ready.
func (a *Agent) Lot() *lot.Lot { return a.lot }

// Address is where the console listens. Call it after Ready.
func (a *Agent) Address() string { return a.address }

// Boot names this run of the agent.
func (a *Agent) Boot() string { return a.boot }

// Run runs the booth until ctx ends, or until it cannot go on.
func (a *Agent) Run(ctx context.Context) (err error) {
	if err := a.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()

	// The journal's writer outlives the lanes, which write while they stop.
	writer, stopWriter := context.WithCancel(context.WithoutCancel(ctx))
	ctx, cancel := context.WithCancelCause(ctx)
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := a.journal.Run(writer); err != nil {
			cancel(err) // the file is damaged: the next start sets it aside
		}
	})
	defer writing.Wait()
	defer stopWriter()
	if err := a.settler().Now(ctx); err != nil {
		a.o.Log.Error("what files that were set aside hold is not salvaged yet; the next start tries again", "err", err)
	}
	a.tellAside()

	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil)

	a.carryAlarms()
	a.clearDamaged()
	group.Go(func() { a.keepUp(ctx, "alarms", a.alarms.Run) })
	a.yard = newYard(a)
	group.Go(func() { a.yard.run(ctx) })
	if err := a.openConsole(ctx, &group, cancel); err != nil {
		return err
	}
	<-a.yard.up
	close(a.ready)
	group.Go(func() { a.watch(ctx) })
	group.Go(func() { a.keepTime(ctx) })
	a.o.Log.Info("booth is up", "lot", a.identity.Lot, "booth", a.identity.Booth, "boot", a.boot, "author", string(a.journal.Author()), "console", a.address)

	group.Go(func() { a.keepConfig(ctx) })
	group.Go(func() { a.succeed(ctx) })
	group.Go(func() { a.keepUp(ctx, "exchange", a.runPeer) })
	group.Go(func() { a.keepUp(ctx, "agreement", a.runMember) })
	if a.identity.Replacement {
		group.Go(func() { a.keepUp(ctx, "rebuilding", a.runRebuild) })
	}
	if !a.o.Offline {
		group.Go(func() { a.keepUp(ctx, "uplink", a.runUplink) })
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (a *Agent) openConsole(ctx context.Context, group *sync.WaitGroup, cancel context.CancelCauseFunc) error {
	metrics := prometheus.NewRegistry()
	if err := metrics.Register(newCollector(a)); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	page, err := console.New(a, console.Options{
		Operators: a.c.Console.Operators, Staff: a.staff, Desk: a.desk, Metrics: metrics, Now: a.o.Now, Log: a.o.Log,
	})
	if err != nil {
		return err
	}
	l := a.o.Console
	if l == nil {
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.c.Listen.Console); err != nil {
			return fmt.Errorf("listen for the console: %w", err)
		}
	}
	a.address = l.Addr().String()
	group.Go(func() {
		if err := page.Run(ctx, l); err != nil {
			cancel(err)
		}
	})
	return nil
}

// keepUp runs a part of the booth that the lanes do not need, again and again, ever more seldom.
func (a *Agent) keepUp(ctx context.Context, what string, run func(context.Context) error) {
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		err := run(ctx)
		if ctx.Err() != nil {
			return
		}
		a.o.Log.Error("a part of the booth ended; the lanes go on", "part", what, "err", err, "again_in", pause)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}
