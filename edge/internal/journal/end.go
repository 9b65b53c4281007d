package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/alarm"
)

// next is the ending of the name of a file that is about to take the journal's place.
const next = ".next"

// Ending says how an incarnation ends.
type Ending struct {
	Why string // for the next one's opening fact
	To  string // where the ended log's file goes; on the journal's own disk
	// Around is called where the new log takes the old one's place. It calls swap once; nobody reads or writes the
	// journal meanwhile. nil is no more than that.
	Around func(swap func())
}

type turn struct {
	ending Ending
	done   chan error
}

// End closes the present log for ever and begins a new author in its place. The old file is kept; what is in it is no
// longer read through the journal. Appends that wait go to the new log. After an error the old log goes on.
func (j *Journal) End(ctx context.Context, e Ending) error {
	t := &turn{e, make(chan error, 1)}
	select {
	case j.turns <- t:
	case <-j.done:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("end incarnation: %w", ctx.Err())
	}
	return <-t.done
}

func (j *Journal) end(e Ending) error {
	o := j.o
	o.Begin = Begin{Why: e.Why, Replaces: j.author, After: max(j.head.HLC, j.seenClock())}
	c, err := open(j.path+next, o)
	if err != nil {
		return errors.Join(fmt.Errorf("begin incarnation: %w", err), gone(j.path+next))
	}
	// The old file has both names until the new one takes its first: there is always a whole journal.
	err = os.Link(j.path, e.To)
	if err == nil {
		err = disk.SyncDir(filepath.Dir(e.To))
	}
	if err == nil {
		err = os.Rename(j.path+next, j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("end incarnation: %w", err), c.db.Close(), gone(j.path+next), gone(e.To))
	}
	if err := disk.SyncDir(filepath.Dir(j.path)); err != nil {
		j.o.Log.Error("the new incarnation may not outlive a power cut yet", "err", err)
	}
	old, was := j.db, j.author
	around := e.Around
	if around == nil {
		around = func(swap func()) { swap() }
	}
	around(func() {
		j.files.Lock()
		defer j.files.Unlock()
		j.mu.Lock()
		defer j.mu.Unlock()
		j.db, j.author, j.head, j.err = c.db, c.author, c.head, nil
	})
	j.o.Alarm(alarm.JournalDown, "", false, "")
	j.o.Log.Warn("an incarnation ended; a new author begins", "why", e.Why, "ended", was, "author", c.author)
	if old != nil {
		if err := old.Close(); err != nil {
			j.o.Log.Warn("the ended log's file is not closed well", "err", err)
		}
	}
	return nil
}

func gone(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
