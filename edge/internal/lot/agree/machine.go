package agree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/hashicorp/raft"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// machine is raft's state machine. Its own state is the agreed cursors: a function of the entries alone. The facts
// themselves go to the lot, which holds more than what is agreed on.
type machine struct {
	lot string
	mem Memory
	log *slog.Logger

	mu     sync.Mutex
	agreed exchange.Cursors
	err    error // what ended it
	cancel context.CancelCauseFunc
}

func newMachine(lot string, mem Memory, log *slog.Logger) *machine {
	return &machine{lot: lot, mem: mem, log: log, agreed: exchange.Cursors{}}
}

func (f *machine) onFailure(cancel context.CancelCauseFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel = cancel
	if f.err != nil {
		cancel(f.err)
	}
}

// fail ends the member: raft has no way to be told that an entry could not be applied, and must not go on as if it were.
func (f *machine) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	f.err = err
	f.log.Error("agreement between the booths stops", "err", err)
	if f.cancel != nil {
		f.cancel(err)
	}
}

func (f *machine) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *machine) cursors() exchange.Cursors {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.agreed.Clone()
}

// Apply implements raft.FSM.
func (f *machine) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM: what was committed together is stored with one sync.
func (f *machine) ApplyBatch(logs []*raft.Log) []any {
	out := make([]any, len(logs))
	if f.failure() != nil {
		return out
	}
	var batches []exchange.Batch
	for _, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		m, err := wire.Decode[wire.Facts](l.Data)
		if err != nil { // the same everywhere: it is passed over everywhere
			f.log.Error("entry cannot be read", "index", l.Index, "err", err)
			continue
		}
		batches = append(batches, m.Batch)
	}
	if len(batches) == 0 {
		return out
	}
	if err := f.merge(batches); err != nil {
		f.fail(err)
		return out
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range batches {
		advance(f.agreed, b)
	}
	return out
}

// merge hands batches to the lot, which judges them anew: raft's word that they are agreed on is no word that they are true.
func (f *machine) merge(batches []exchange.Batch) error {
	results, err := f.mem.MergeAll(batches)
	if err != nil {
		return fmt.Errorf("merge agreed facts: %w", err)
	}
	for i, r := range results {
		if r.Verdict == exchange.Gap {
			// The lot's store was lost while raft's was not: peers bring what is missing, by cursor.
			f.log.Warn("agreed facts come after a gap", "author", batches[i].Author, "seq", r.Head.Seq)
		}
	}
	return nil
}

// advance moves the agreed cursors over a batch that continues them. It reads the batch only, so that it does the same
// on every member.
func advance(agreed exchange.Cursors, b exchange.Batch) {
	for _, r := range b.Records {
		p, err := fact.Unseal(r)
		if err != nil || p.Author != b.Author || p.Seq > agreed[b.Author].Seq+1 {
			return
		}
		if p.Seq == agreed[b.Author].Seq+1 {
			agreed[b.Author] = fact.Head{Seq: p.Seq, Hash: r.Hash(), HLC: p.HLC}
		}
	}
}

// Snapshot implements raft.FSM.
func (f *machine) Snapshot() (raft.FSMSnapshot, error) {
	if err := f.failure(); err != nil {
		return nil, err
	}
	reach := f.cursors()
	mine := f.mem.Cursors()
	for a, head := range reach {
		if mine[a].Seq < head.Seq {
			return nil, fmt.Errorf("facts of %s are agreed on up to %d and here up to %d: no snapshot before they are here", a, head.Seq, mine[a].Seq)
		}
	}
	return &snapshot{f.lot, f.mem, reach}, nil
}

// Restore implements raft.FSM: it merges the snapshot's facts, and its cursors become the agreed ones.
func (f *machine) Restore(rc io.ReadCloser) error {
	agreed, err := restore(rc, f.lot, f.mem, f.merge)
	if err = errors.Join(err, rc.Close()); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agreed = agreed
	return nil
}
