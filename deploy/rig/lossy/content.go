package lossy

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
)

const sector = 512

// content is a file's: what is synced, beneath, and the sectors that are not.
type content struct {
	mu    sync.Mutex
	file  *os.File
	size  int64            // as its users see it
	kept  int64            // what lies beneath counts up to here
	dirty map[int64][]byte // by number of the sector
}

// beneath reads a sector as it lies below, with zeros where nothing does.
func (c *content) beneath(number int64) ([]byte, error) {
	b := make([]byte, sector)
	at := number * sector
	if at >= c.kept {
		return b, nil
	}
	n := min(c.kept-at, sector)
	if _, err := c.file.ReadAt(b[:n], at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

func (c *content) at(number int64) ([]byte, error) {
	if b := c.dirty[number]; b != nil {
		return b, nil
	}
	return c.beneath(number)
}

func (c *content) read(to []byte, at int64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to = to[:max(min(int64(len(to)), c.size-at), 0)]
	for done := 0; done < len(to); {
		number, from := (at+int64(done))/sector, (at+int64(done))%sector
		b, err := c.at(number)
		if err != nil {
			return nil, err
		}
		done += copy(to[done:], b[from:])
	}
	return to, nil
}

func (c *content) write(b []byte, at int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for done := 0; done < len(b); {
		number, from := (at+int64(done))/sector, (at+int64(done))%sector
		s, err := c.at(number)
		if err != nil {
			return err
		}
		c.dirty[number] = s
		done += copy(s[from:], b[done:])
	}
	c.size = max(c.size, at+int64(len(b)))
	return nil
}

func (c *content) truncate(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = min(c.kept, size)
	for number, b := range c.dirty {
		switch from := number * sector; {
		case from >= size:
			delete(c.dirty, number)
		case from+sector > size:
			clear(b[size-from:])
		}
	}
	c.size = size
}

// sync brings everything down.
func (c *content) sync() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.file.Truncate(c.kept); err != nil {
		return err
	}
	for number, b := range c.dirty {
		if err := c.put(number, b); err != nil {
			return err
		}
	}
	clear(c.dirty)
	if err := c.file.Truncate(c.size); err != nil {
		return err
	}
	c.kept = c.size
	return nil
}

func (c *content) put(number int64, b []byte) error {
	at := number * sector
	_, err := c.file.WriteAt(b[:max(min(c.size-at, sector), 0)], at)
	return err
}

// cut loses each unsynced sector with the odds. What was cut off without a sync is there again.
func (c *content) cut(rnd *rand.Rand, odds float64) (lost int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for number, b := range c.dirty {
		if rnd.Float64() < odds {
			lost++
		} else if err := c.put(number, b); err != nil {
			return lost, err
		}
	}
	clear(c.dirty)
	return lost, nil
}
