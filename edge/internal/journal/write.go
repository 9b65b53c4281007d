package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/journal/spare"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

// maxGroup bounds how many appends share a transaction, so that the first of them does not wait for all the world.
const maxGroup = 256

// Run writes until ctx ends. Appends that wait when it ends are answered with [ErrClosed], or were stored. It ends with
// an error when the file turns out to be damaged: it must be checked and set aside before it is opened again. A journal
// runs once.
func (j *Journal) Run(ctx context.Context) error {
	defer j.ended.Do(func() { close(j.done) })
	again := time.NewTimer(j.o.Retry)
	defer again.Stop()
	var retry <-chan time.Time // set while another attempt is due
	for {
		var err error
		switch broken := j.Err() != nil; {
		case broken && retry == nil:
			again.Reset(j.o.Retry)
			retry = again.C
		case !broken:
			retry = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case first := <-j.asks:
			err = j.commit(j.gather(first))
		case t := <-j.turns:
			t.done <- j.end(t.ending)
		case <-retry:
			retry = nil
			err = j.reopen(nil)
		}
		if err != nil {
			return err
		}
	}
}

// gather takes everything that waits: while one transaction syncs, the next one's appends collect.
func (j *Journal) gather(first *ask) []*ask {
	group := make([]*ask, 0, 4)
	take := func(a *ask) {
		if a.claim.CompareAndSwap(false, true) {
			group = append(group, a)
		}
	}
	take(first)
	for len(group) < maxGroup {
		select {
		case a := <-j.asks:
			take(a)
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
	end     fact.Head // of the log with it
}

func (j *Journal) commit(group []*ask) error {
	j.mu.Lock()
	head, seen, broken := j.head, j.seen, j.err
	j.mu.Unlock()
	if broken != nil {
		for _, a := range group {
			a.answer <- answer{err: broken}
		}
		return nil
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
			j.fail(err)
			return j.reopen(all)
		}
		j.mu.Lock()
		j.head = head
		j.mu.Unlock()
	}
	for _, s := range all {
		s.ask.answer <- answer{facts: s.facts}
	}
	j.copy(all)
	return nil
}

// copy keeps the second copy of what was stored. It comes after the answers: no barrier waits for it.
func (j *Journal) copy(all []sealed) {
	if j.o.Spare == "" {
		return
	}
	var money []fact.Record
	for _, s := range all {
		for i, f := range s.facts {
			if f.Kind.Money() {
				money = append(money, s.records[i])
			}
		}
	}
	if len(money) == 0 && j.spare != nil {
		return
	}
	if err := j.copyMoney(money); err != nil {
		j.o.Log.Error("money facts have no second copy", "author", j.author, "err", err)
		j.o.Alarm(alarm.SecondCopy, "", true, err.Error())
		return
	}
	j.o.Alarm(alarm.SecondCopy, "", false, "")
}

// copyMoney opens the copy when it is not open. After an error it is not.
func (j *Journal) copyMoney(records []fact.Record) (err error) {
	if j.spare == nil {
		if j.spare, err = spare.Open(j.o.Spare); err != nil {
			return err
		}
	}
	if len(records) == 0 {
		return nil
	}
	if err := j.spare.Write(records...); err != nil {
		return errors.Join(err, j.letGo())
	}
	return nil
}

// letGo closes the second copy.
func (j *Journal) letGo() error {
	if j.spare == nil {
		return nil
	}
	err := j.spare.Close()
	j.spare = nil
	return err
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
		r, f, next, err := fact.Seal(from, j.o.Key, j.o.stamp(j.author), d)
		if err != nil {
			return s, start, fmt.Errorf("append: %w", err)
		}
		head = next
		s.records = append(s.records, r)
		s.facts = append(s.facts, f)
	}
	s.end = head
	return s, head, nil
}

func (j *Journal) store(after uint64, all []sealed) error {
	defer j.o.Watch()()
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
