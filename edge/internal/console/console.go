// Package console is the booth's own page and API on the LAN. It works with the cloud gone: everything it shows and does
// is the booth's.
//
// Invariants:
//   - what shows a plate, a picture or a person, and what changes something, needs a signed-in operator of the booth; a
//     live page ends with its operator's sign-in;
//   - requests come from the booth's own page or from a program, never from another site (Origin);
//   - an operator's act names the vehicle that was seen (the lane's token) and carries the operator's name;
//   - a slow or dead browser holds up nothing: it is told the newest state when it can take it.
package console

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lotkeeper/edge/internal/amend"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/edge/internal/shift"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

//go:embed page
var files embed.FS

// Booth is what the console shows and moves.
type Booth interface {
	State() State
	// Ask asks something of a lane; ok is false when the booth has no such lane.
	Ask(ctx context.Context, id string, a lane.Ask) (r lane.Reply, ok bool, err error)
	// Amend records what a person says of a stay. It returns a [*amend.Refusal] for what makes no sense.
	Amend(ctx context.Context, a amend.Amendment) (fact.ID, error)
	// Passages returns what passed through the booth's lanes, newest first.
	Passages(n int) ([]Passage, error)
	// Photo returns a picture by the SHA-256 of its content; fs.ErrNotExist when it is not here.
	Photo(name string) ([]byte, error)
	// Changed returns a channel that is told, coalescing, of every change until ctx ends.
	Changed(ctx context.Context) <-chan struct{}
	// Slip returns what a session cost and how it was paid; ok is false when the booth does not know it.
	Slip(session fact.ID) (s Slip, ok bool)
	// Ticket signs the ticket of an entry that this booth recorded; ok is false for any other.
	Ticket(entry fact.ID) (t Ticket, ok bool, err error)
	// Fault says why the booth cannot do its work, or nil.
	Fault() error
	// Digest recomputes the facts' and sessions' checksums from the disk.
	Digest() (any, error)
}

// Options are a console's surroundings.
type Options struct {
	Operators []Operator          // of the booth's file
	Staff     func() []wire.Staff // of the configuration in force
	Desk      *shift.Desk
	Metrics   prometheus.Gatherer
	Now       func() time.Time
	Log       *slog.Logger
}

// Console serves the page.
type Console struct {
	booth Booth
	o     Options
	door  *door
	page  fs.FS
	open  sync.WaitGroup // websockets, which the server does not wait for
}

// New checks the options.
func New(b Booth, o Options) (*Console, error) {
	if b == nil || o.Staff == nil || o.Desk == nil || o.Now == nil || o.Log == nil || o.Metrics == nil {
		return nil, errors.New("console: booth, staff, desk, metrics, clock and logger are needed")
	}
	page, err := fs.Sub(files, "page")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	d, err := newDoor(o.Operators, o.Staff, o.Now, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return &Console{booth: b, o: o, door: d, page: page}, nil
}

// Run serves the console on l until ctx ends. It closes l.
func (c *Console) Run(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: c.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(c.o.Log.Handler(), slog.LevelDebug),
		// Requests end with the console, so that no websocket outlives Run.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("console: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		_ = s.Close()
	}
	err := <-served
	c.open.Wait()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}
