package watchdog

import (
	"fmt"
	"sync"
	"time"

	"lotkeeper/shared/alarm"
)

// The patience of a disk's watch.
const (
	// calmFor is how long no write may have been slow before the disk counts as well again.
	calmFor = time.Minute
	// What must be free: the journal of a busy week, and room to compact it.
	lowBytes = 256 << 20
	lowShare = 0.03
)

// Disk watches a disk's writes and room. It is safe for concurrent use.
type Disk struct {
	mu    sync.Mutex
	slow  bool          // a write that takes too long is under way
	since time.Duration // when it began to be too long
	last  time.Duration // when one last was; 0: never
	worst time.Duration // beyond what a write may take, since the disk was last well
	free  uint64
	total uint64
}

// NewDisk makes a watch.
func NewDisk() *Disk { return &Disk{} }

// Slow says that a write now takes longer than it may, and later that it is over.
func (d *Disk) Slow(on bool, at time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if on && !d.slow {
		d.since = at
	}
	d.look(at)
	d.slow = on
	if on {
		d.last = at
	}
}

// look notes how long the slow write has taken. The caller holds mu.
func (d *Disk) look(at time.Duration) {
	if d.slow {
		d.last, d.worst = at, max(d.worst, at-d.since)
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
	d.look(at)
	stalls := d.last > 0 && at-d.last < calmFor
	out := []Finding{{alarm.DiskStall, "", stalls, fmt.Sprintf("writes take too long, one for %v more than it may", d.worst.Round(10*time.Millisecond))}}
	if !stalls {
		d.worst = 0
	}
	if d.total > 0 {
		low := d.free < lowBytes || float64(d.free) < lowShare*float64(d.total)
		out = append(out, Finding{alarm.DiskLow, "", low, fmt.Sprintf("%d MB of %d MB are free", d.free>>20, d.total>>20)})
	}
	return out
}
