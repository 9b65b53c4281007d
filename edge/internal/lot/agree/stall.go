package agree

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// writes times what raft writes. A leader whose disk hangs stays leader for ever: its heartbeats come from other
// goroutines than the one that waits for the disk, and the others are content with them (hashicorp/raft#503).
type writes struct {
	now    func() time.Time
	before func() // tests make the disk slow; nil does nothing

	mu      sync.Mutex
	next    int
	began   map[int]time.Time // of those under way
	longest time.Duration     // of those that ended since asked
}

func (w *writes) time(write func() error) error {
	w.mu.Lock()
	w.next++
	id, began := w.next, w.now()
	w.began[id] = began
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.began, id)
		w.longest = max(w.longest, w.now().Sub(began))
	}()
	if w.before != nil {
		w.before()
	}
	return write()
}

// ask returns how long the oldest write under way has taken so far, and the longest that ended since the last time.
func (w *writes) ask() (pending, longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, began := range w.began {
		pending = max(pending, w.now().Sub(began))
	}
	longest, w.longest = w.longest, 0
	return pending, longest
}

// logs is raft's log with its writes timed.
type logs struct {
	raft.LogStore
	w *writes
}

// StoreLog implements raft.LogStore.
func (l logs) StoreLog(e *raft.Log) error {
	return l.w.time(func() error { return l.LogStore.StoreLog(e) })
}

// StoreLogs implements raft.LogStore.
func (l logs) StoreLogs(e []*raft.Log) error {
	return l.w.time(func() error { return l.LogStore.StoreLogs(e) })
}

// watchDisk gives leadership up while the disk is slow, and breaks with the others when it does not answer: they elect
// another then. It ends with ctx.
func (m *Member) watchDisk(ctx context.Context, r *raft.Raft, breakOff func() error) {
	tick := time.NewTicker(m.o.Timing.Stall / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pending, longest := m.writes.ask()
		if r.State() != raft.Leader || m.soleVoter(r) {
			continue
		}
		switch {
		case pending >= m.o.Timing.Stall:
			_ = breakOff() // what is said of it is the failure
			m.fsm.fail(fmt.Errorf("raft's disk has not answered for %v; another booth leads", pending.Round(time.Millisecond)))
			return
		case longest >= m.o.Timing.Stall/2:
			m.o.Log.Warn("raft's disk is slow: leadership goes to another booth", "write_took", longest.Round(time.Millisecond))
			if err := wait(ctx, r.LeadershipTransfer()); err != nil && ctx.Err() == nil && !lost(err) {
				m.o.Log.Warn("leadership stays here", "err", err)
			}
		}
	}
}

func (m *Member) soleVoter(r *raft.Raft) bool {
	f, voters := r.GetConfiguration(), 0
	if f.Error() != nil {
		return true
	}
	for _, s := range f.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters < 2
}
