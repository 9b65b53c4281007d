package watchdog

import (
	"fmt"
	"sync"
	"time"

	"lotkeeper/shared/alarm"
)

// The patience of a disk's watch.
const (
	// stallAfter is how long a write may take. The slowest cards that are sold sync in a tenth of it.
	stallAfter = 500 * time.Millisecond
	// calmFor is how long no write may have been slow before the disk counts as well again.
	calmFor = time.Minute
	// What must be free: the journal of a busy week, and room to compact it.
	lowBytes = 256 << 20
	lowShare = 0.03
)

// Disk watches a disk's writes and room. It is safe for concurrent use.
type Disk struct {
	mu      sync.Mutex
	next    uint64
	writing map[uint64]time.Duration // when each write that is under way began
	slowAt  time.Duration            // when the last slow one was seen; 0: never
	worst   time.Duration            // since the disk was last well
	free    uint64
	total   uint64
}

// NewDisk makes a watch.
func NewDisk() *Disk { return &Disk{writing: map[uint64]time.Duration{}} }

// Begin says that a write begins. The answer is to be called when it has ended, with that moment.
func (d *Disk) Begin(at time.Duration) (end func(at time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	n := d.next
	d.writing[n] = at
	return func(done time.Duration) {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.writing, n)
		d.took(done-at, done)
	}
}

// took judges how long a write has taken so far. The caller holds mu.
func (d *Disk) took(long, at time.Duration) {
	if long >= stallAfter {
		d.slowAt, d.worst = at, max(d.worst, long)
	}
}

// Room says how many bytes of how many are free.
func (d *Disk) Room(free, total uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free, d.total = free, total
}

// Find says what is wrong, and what no longer is.
func (d *Disk) Find(at time.Duration) []Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, began := range d.writing {
		d.took(at-began, at)
	}
	stalls := d.slowAt > 0 && at-d.slowAt < calmFor
	out := []Finding{{alarm.DiskStall, "", stalls, fmt.Sprintf("a write took %v", d.worst.Round(10*time.Millisecond))}}
	if !stalls {
		d.worst = 0
	}
	if d.total > 0 {
		low := d.free < lowBytes || float64(d.free) < lowShare*float64(d.total)
		out = append(out, Finding{alarm.DiskLow, "", low, fmt.Sprintf("%d MB of %d MB are free", d.free>>20, d.total>>20)})
	}
	return out
}
