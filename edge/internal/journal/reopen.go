package journal

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
)

var probeKey = []byte("probe")

// fail says that nothing can be appended for now.
func (j *Journal) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	j.mu.Lock()
	was := j.err
	j.err = err
	j.mu.Unlock()
	if was == nil {
		j.o.Log.Error("journal write failed; trying again", "author", j.author, "seq", j.head.Seq, "err", err)
	}
	j.o.Alarm(alarm.JournalDown, "", true, err.Error())
}

// reopen reads what is on the disk after a failed write, answers the appends of that write by it, and goes on if the
// disk takes writes again. Its error says that the file is damaged.
func (j *Journal) reopen(limbo []sealed) error {
	c, err := j.reread()
	if err != nil {
		for _, s := range limbo {
			s.ask.answer <- answer{err: j.Err()}
		}
		if errors.Is(err, disk.ErrDamaged) || errors.Is(err, fact.ErrBroken) {
			return fmt.Errorf("journal after a failed write: %w", err)
		}
		j.fail(err)
		return nil
	}
	// What a failed write left on the disk whole counts: it is in the log, and its caller hears so.
	j.files.Lock()
	j.db = c.db
	j.mu.Lock()
	j.head = c.head
	j.mu.Unlock()
	j.files.Unlock()
	for _, s := range limbo {
		if s.end.Seq <= c.head.Seq {
			s.ask.answer <- answer{facts: s.facts}
		} else {
			s.ask.answer <- answer{err: j.Err()}
		}
	}
	j.copy(stored(limbo, c.head))
	if err := j.probe(); err != nil {
		j.fail(err)
		return nil
	}
	j.mu.Lock()
	j.err = nil
	j.mu.Unlock()
	j.o.Log.Info("journal is written again", "author", j.author, "seq", j.head.Seq)
	j.o.Alarm(alarm.JournalDown, "", false, "")
	return nil
}

func stored(limbo []sealed, head fact.Head) []sealed {
	for i, s := range limbo {
		if s.end.Seq > head.Seq {
			return limbo[:i]
		}
	}
	return limbo
}

// reread opens the file anew and checks that it goes on from what was acknowledged.
func (j *Journal) reread() (content, error) {
	j.files.Lock()
	if j.db != nil {
		if err := j.db.Close(); err != nil {
			j.o.Log.Warn("journal file is not closed well", "err", err)
		}
		j.db = nil
	}
	j.files.Unlock()
	if err := j.letGo(); err != nil {
		j.o.Log.Warn("second copy is not closed well", "err", err)
	}
	if j.o.Check != nil {
		if err := j.o.Check(j.path); err != nil {
			return content{}, err
		}
	}
	if err := disk.Whole(j.path); err != nil { // opening one that is not there would begin a new one
		return content{}, err
	}
	c, err := open(j.path, j.o)
	if err != nil {
		return content{}, err
	}
	if err := j.follows(c); err != nil {
		return content{}, errors.Join(err, c.db.Close())
	}
	return c, nil
}

// follows reports whether a file holds everything that was acknowledged.
func (j *Journal) follows(c content) error {
	if c.author != j.author || c.head.Seq < j.head.Seq {
		return fmt.Errorf("%w: it ends at %s.%d, acknowledged is %s.%d", disk.ErrDamaged, c.author, c.head.Seq, j.author, j.head.Seq)
	}
	return c.db.View(func(tx *bbolt.Tx) error {
		at, err := disk.Range(tx.Bucket(logBucket), j.head.Seq-1, j.head.Seq, 1)
		if err == nil && at[0].Hash() != j.head.Hash {
			err = fmt.Errorf("%w: record %d is another than was acknowledged", disk.ErrDamaged, j.head.Seq)
		}
		return err
	})
}

// probe writes something, to see whether the disk takes it.
func (j *Journal) probe() error {
	defer j.o.Watch()()
	return j.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(metaBucket).Put(probeKey, strconv.AppendInt(nil, j.o.Now().UnixMilli(), 10))
	})
}
