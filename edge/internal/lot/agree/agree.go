// Package agree is the booths' agreement on their lot's facts: a raft group whose entries are batches of facts.
//
// Raft is never on the path to a barrier and no job needs a leader. Facts reach the other booths by package peer; what
// raft adds is that every booth ends with every fact in a known order of batches, that membership is one list, and that
// one booth at a time knows itself to be the leader. With raft down the lot works.
//
// Invariants:
//   - an entry is a batch that the rules of exchange judge like any other, so an entry that is applied twice, or that
//     was proposed twice because the leader was lost meanwhile, changes nothing;
//   - the members are those of the lot's signed configuration; the leader moves there one change at a time;
//   - what cannot be written ends the member with an error, never the process.
package agree

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// Memory is the lot's facts: *lot.Lot.
type Memory interface {
	Cursors() exchange.Cursors
	Records(a fact.Author, after uint64, n int) ([]fact.Record, error)
	Batch(a fact.Author, after uint64, n, size int) (exchange.Batch, error)
	MergeAll(batches []exchange.Batch) ([]exchange.Result, error)
	Config() (wire.Config, bool)
	Recovered() (fact.Recovered, bool)
	Former(booth string, key ed25519.PublicKey) bool
	Watch(ctx context.Context) *lot.Watch
}

// Credentials are a booth's means to be known and to know others: *enroll.Identity.
type Credentials interface {
	Dial(booth string) *tls.Config
	Serve(allowed func(booth string) bool) *tls.Config
}

// Dial opens a plain connection to an address of the configuration.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// Options say who the member is. Listener is taken over by Run, which closes it.
type Options struct {
	Lot, Booth  string
	Dir         string // of raft's own files; made when it is not there
	Memory      Memory
	Credentials Credentials
	Listener    net.Listener // plain TCP on the address that the configuration gives; TLS is put on by Run
	Dial        Dial         // nil: TCP
	Now         func() time.Time
	Log         *slog.Logger // nil discards
	Timing      Timing
	// Members tells the name in the group that another booth's box gave itself, "" when it is not known. nil knows none.
	Members func(booth string) string
	// Replacement says that this box took a dead one's place: it never founds a group by itself.
	Replacement bool
}

// Timing is raft's patience. The zero value is for booths with slow disks: nobody waits for raft, so it need not hurry,
// and a leader that is lost to a stalled disk would be lost for nothing.
type Timing struct {
	Heartbeat time.Duration // 3 s; also the election timeout
	Lease     time.Duration // 1.5 s: how long a leader believes in itself without hearing from the others
	Reconcile time.Duration // 2 s: between looks at the list of members
	Gather    time.Duration // 50 ms: how long facts collect before they are proposed
}

func (t *Timing) fill() {
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{{&t.Heartbeat, 3 * time.Second}, {&t.Lease, 1500 * time.Millisecond}, {&t.Reconcile, 2 * time.Second}, {&t.Gather, 50 * time.Millisecond}} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
}

// Member is one booth in the group.
type Member struct {
	o   Options
	fsm *machine

	mu   sync.Mutex
	raft *raft.Raft // nil while Run is not going
	me   identity
}

// Status is how the agreement stands.
type Status struct {
	Running bool
	State   string           // "Leader", "Follower", "Candidate", "Shutdown"
	Leader  string           // booth that leads, as far as is known
	Voters  []string         // booths that vote
	Others  []string         // booths that listen
	Agreed  exchange.Cursors // of each author, what every member will have
	Behind  uint64           // facts here that are not agreed on yet
}

// New checks the options.
func New(o Options) (*Member, error) {
	if o.Lot == "" || o.Booth == "" || o.Dir == "" || o.Memory == nil || o.Credentials == nil || o.Listener == nil || o.Now == nil {
		return nil, errors.New("agree: lot, booth, folder, memory, credentials, listener and clock must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Members == nil {
		o.Members = func(string) string { return "" }
	}
	o.Timing.fill()
	return &Member{o: o, fsm: newMachine(o.Lot, o.Memory, o.Log)}, nil
}

// Run takes part until ctx ends, or until something it needs fails. It can be run again then by a new Member.
func (m *Member) Run(ctx context.Context) error {
	r, closeAll, err := m.open()
	if err != nil {
		return fmt.Errorf("agree: %w", errors.Join(err, m.o.Listener.Close()))
	}
	m.mu.Lock()
	m.raft = r
	m.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.fsm.onFailure(cancel)
	left := m.lead(ctx, r)
	m.mu.Lock()
	m.raft = nil
	m.mu.Unlock()
	err = errors.Join(left, closeAll())
	if cause := m.fsm.failure(); cause != nil {
		return fmt.Errorf("agree: %w", errors.Join(cause, err))
	}
	if err != nil {
		return fmt.Errorf("agree: %w", err)
	}
	return nil
}

// open starts raft. closeAll ends all of it.
func (m *Member) open() (r *raft.Raft, closeAll func() error, err error) {
	if err := os.MkdirAll(m.o.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	me, err := m.settle()
	if err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	m.me = me
	m.mu.Unlock()
	logger := newLogger(m.o.Log)
	path := filepath.Join(m.o.Dir, logFile)
	if err := disk.Whole(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	store, err := raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: disk.Options(), MsgpackUseNewTimeFormat: true})
	if err != nil {
		return nil, nil, fmt.Errorf("open raft's log: %w", err)
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(m.o.Dir, 2, logger)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open raft's snapshots: %w", err), store.Close())
	}
	has, err := raft.HasExistingState(store, store, snapshots)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read raft's state: %w", err), store.Close())
	}
	stream := newStream(m, has)
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: stream, MaxPool: 3, Timeout: 10 * time.Second, Logger: logger, MsgpackUseNewTimeFormat: true,
	})
	closeNet := func() error {
		return errors.Join(transport.Close(), stream.wait(), store.Close())
	}
	r, err = raft.NewRaft(m.config(logger, me), m.fsm, store, stable{store, m.fsm.fail}, snapshots, transport)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start raft: %w", err), closeNet())
	}
	closeRaft := func() error { return errors.Join(r.Shutdown().Error(), closeNet()) }
	if err := m.bootstrap(r, has); err != nil {
		return nil, nil, errors.Join(err, closeRaft())
	}
	return r, closeRaft, nil
}

func (m *Member) config(logger *logger, me identity) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(me.ID)
	c.HeartbeatTimeout, c.ElectionTimeout = m.o.Timing.Heartbeat, m.o.Timing.Heartbeat
	c.LeaderLeaseTimeout = m.o.Timing.Lease
	c.ShutdownOnRemove = false // a booth that is taken off the list may be put on it again
	c.NoLegacyTelemetry = true
	c.Logger = logger
	return c
}

// at returns the member that raft's list of members, or else the configuration, places at an address.
func (m *Member) at(addr string) (member string, ok bool) {
	m.mu.Lock()
	r := m.raft
	m.mu.Unlock()
	if r != nil {
		if f := r.GetConfiguration(); f.Error() == nil {
			for _, s := range f.Configuration().Servers {
				if string(s.Address) == addr {
					return string(s.ID), true
				}
			}
		}
	}
	return "", false
}

func (m *Member) listed(booth string) bool {
	c, _ := m.o.Memory.Config()
	for _, b := range c.Booths {
		if b.ID == booth {
			return true
		}
	}
	return false
}

// Leads reports whether this booth leads the group now.
func (m *Member) Leads() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raft != nil && m.raft.State() == raft.Leader
}

// Status returns how the agreement stands.
func (m *Member) Status() Status {
	s := Status{Agreed: m.fsm.cursors()}
	for _, n := range m.o.Memory.Cursors().Lacks(s.Agreed) {
		s.Behind += n.To - n.After
	}
	m.mu.Lock()
	r := m.raft
	m.mu.Unlock()
	if r == nil {
		return s
	}
	s.Running, s.State = true, r.State().String()
	_, leader := r.LeaderWithID()
	s.Leader = boothOf(string(leader))
	f := r.GetConfiguration()
	if f.Error() != nil {
		return s
	}
	for _, server := range f.Configuration().Servers {
		if server.Suffrage == raft.Voter {
			s.Voters = append(s.Voters, boothOf(string(server.ID)))
		} else {
			s.Others = append(s.Others, boothOf(string(server.ID)))
		}
	}
	return s
}
