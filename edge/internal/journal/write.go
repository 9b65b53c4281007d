package journal

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

// maxGroup bounds how many appends share a transaction, so that the first of them does not wait for all the world.
const maxGroup = 256

// Run writes until ctx ends. Appends that wait when it ends are answered with [ErrClosed], or were stored. A journal
// runs once.
func (j *Journal) Run(ctx context.Context) error {
	defer j.ended.Do(func() { close(j.done) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-j.asks:
			j.commit(j.gather(first))
		}
	}
}

// gather takes everything that waits: while one transaction syncs, the next one's appends collect.
func (j *Journal) gather(first *ask) []*ask {
	group := []*ask{first}
	for len(group) < maxGroup {
		select {
		case a := <-j.asks:
			group = append(group, a)
		default:
			return group
		}
	}
	return group
}

// sealed is one append, ready to be stored.
type sealed struct {
	ask     *ask
	facts   []fact.Fact
	records []fact.Record
}

func (j *Journal) commit(group []*ask) {
	j.mu.Lock()
	head, seen, broken := j.head, j.seen, j.err
	j.mu.Unlock()
	if broken != nil {
		for _, a := range group {
			a.answer <- answer{err: broken}
		}
		return
	}
	start := head.Seq
	var all []sealed
	for _, a := range group {
		s, next, err := j.seal(a, head, seen)
		if err != nil { // its own fault: the others of the group go on
			a.answer <- answer{err: err}
			continue
		}
		head = next
		all = append(all, s)
	}
	if head.Seq > start {
		if err := j.store(start, all); err != nil {
			err = fmt.Errorf("%w: %w", ErrBroken, err)
			j.o.Log.Error("journal write failed; refusing appends until reopened", "author", j.author, "seq", start, "err", err)
			j.mu.Lock()
			j.err = err
			j.mu.Unlock()
			for _, s := range all {
				s.ask.answer <- answer{err: err}
			}
			return
		}
		j.mu.Lock()
		j.head = head
		j.mu.Unlock()
	}
	for _, s := range all {
		s.ask.answer <- answer{facts: s.facts}
	}
}

func (j *Journal) seal(a *ask, head fact.Head, seen fact.HLC) (sealed, fact.Head, error) {
	s := sealed{ask: a}
	first, asked := head.Seq+1, 0
	drafts := a.compose(func(i int) fact.ID {
		asked = max(asked, i+1)
		return fact.ID{Author: j.author, Seq: first + uint64(max(i, 0))}
	})
	if asked > len(drafts) {
		return s, head, errors.New("append: a draft names one that was not given")
	}
	start := head
	for _, d := range drafts {
		from := head
		from.HLC = max(from.HLC, seen)
		r, f, next, err := fact.Seal(from, j.o.Key, j.stamp(), d)
		if err != nil {
			return s, start, fmt.Errorf("append: %w", err)
		}
		head = next
		s.records = append(s.records, r)
		s.facts = append(s.facts, f)
	}
	return s, head, nil
}

func (j *Journal) store(after uint64, all []sealed) error {
	return j.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		for _, s := range all {
			for _, r := range s.records {
				after++
				if err := disk.Put(b, after, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
