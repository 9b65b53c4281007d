package agree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"lotkeeper/shared/wire"
)

// An entry is kept small, so that it does not hold up the heartbeats behind it.
const (
	entryRecords = 200
	entryBytes   = 256 << 10
)

// patience bounds how long a proposal or a change of members may take before the leader looks again.
const patience = 10 * time.Second

// errGivenUp ends a member whose group a person gave up; the next Run is of the new group.
var errGivenUp = errors.New("the booths' group was founded anew by a person")

// lead watches until ctx ends, or the group is given up. While this booth leads, it proposes whatever the lot holds beyond what is agreed on, and
// moves the members towards the configuration.
func (m *Member) lead(ctx context.Context, r *raft.Raft) error {
	watch := m.o.Memory.Watch(ctx)
	regular := time.NewTicker(m.o.Timing.Reconcile)
	defer regular.Stop()
	gather := time.NewTimer(m.o.Timing.Gather)
	defer gather.Stop()
	gathering := true
	said := "" // a trouble that lasts is told once
	for {
		if m.givenUp() { // perhaps before the watch began
			return errGivenUp
		}
		members := false
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			watch.Take()
			if !gathering {
				gathering = true
				gather.Reset(m.o.Timing.Gather)
			}
			continue
		case <-gather.C:
			gathering = false
		case <-r.LeaderCh():
		case <-regular.C:
			members = true
		}
		if r.State() != raft.Leader {
			continue
		}
		err := m.propose(ctx, r)
		if err == nil && members {
			err = m.reconcile(ctx, r)
		}
		switch {
		case err == nil:
			if members {
				said = ""
			}
		case ctx.Err() == nil && !lost(err) && err.Error() != said:
			said = err.Error()
			m.o.Log.Warn("leading the booths' group", "err", err)
		}
	}
}

// givenUp reports whether a person gave up the group that this member is of. One that is of none waits for the new one.
func (m *Member) givenUp() bool {
	r, ok := m.o.Memory.Recovered()
	me := m.self()
	return ok && r.Group != me.Group && (me.Group != "" || r.Member == me.ID)
}

// lost reports whether an error only says that another leads now, or nobody. Whether the entry stands is unknown then,
// and does not matter: who leads next proposes what is missing, and what is there twice counts once.
func lost(err error) bool {
	return errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipLost) || errors.Is(err, raft.ErrLeadershipTransferInProgress)
}

// propose puts what the lot holds beyond the agreed cursors into the group's log, one entry at a time.
func (m *Member) propose(ctx context.Context, r *raft.Raft) error {
	if len(m.o.Memory.Cursors().Lacks(m.fsm.cursors())) == 0 {
		return nil
	}
	// Entries of earlier leaders may not be applied here yet: the cursors count only after them.
	if err := wait(ctx, r.Barrier(patience)); err != nil {
		return err
	}
	for ctx.Err() == nil {
		needs := m.o.Memory.Cursors().Lacks(m.fsm.cursors())
		if len(needs) == 0 {
			return nil
		}
		for _, n := range needs {
			b, err := m.o.Memory.Batch(n.Author, n.After, entryRecords, entryBytes)
			if err != nil {
				return err
			}
			if len(b.Records) == 0 {
				return fmt.Errorf("facts of %s end at %d", n.Author, n.After)
			}
			entry, err := wire.Encode(wire.Facts{Batch: b})
			if err != nil {
				return err
			}
			if err := wait(ctx, r.Apply(entry, patience)); err != nil {
				return err
			}
			if m.fsm.cursors()[n.Author].Seq <= n.After {
				return fmt.Errorf("facts of %s after %d were proposed and are not agreed on", n.Author, n.After)
			}
		}
	}
	return nil
}

// wait waits for raft, which bounds only how long it takes to begin.
func wait(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }() // ends when raft decides or is shut down, which Run does before it returns
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errors.New("the group does not answer: too few voters are there")
	case <-ctx.Done():
		return ctx.Err()
	}
}
