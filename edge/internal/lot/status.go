package lot

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// Heard is what another booth of the lot, or the cloud, last said of its copies.
type Heard struct {
	At      time.Time
	Cursors exchange.Cursors
	Config  uint64 // number of the configuration it has in force
}

// Heard notes how far the copies of another booth, or of the cloud, reach.
func (l *Lot) Heard(booth string, cursors exchange.Cursors, config uint64) {
	h := Heard{l.o.Now(), cursors.Clone(), config}
	l.mu.Lock()
	l.heard[booth] = h
	told := l.hear(cursors)
	l.mu.Unlock()
	if told {
		l.keepTold()
	}
}

// Peers returns what the other booths and the cloud last said, by booth.
func (l *Lot) Peers() map[string]Heard {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return maps.Clone(l.heard)
}

// Status is how a booth's memory stands.
type Status struct {
	Facts  int           // facts held
	Poor   int           // of them, those that cannot be applied
	Closed []fact.Author // authors of which nothing more is taken
	Alone  uint64        // facts that, as far as is known, lie on this booth's disk only
	Ending string        // why this booth's present incarnation must end, "" when it need not: see [Lot.Ending]
	Fewer  uint64        // facts that, as far as is known, lie on fewer than two disks, whosever they are
	Lost   uint64        // facts that somebody told of and that nobody is known to hold
	Logs   []Extent      // the logs that Fewer and Lost are of, by author
	Config uint64        // number of the configuration in force; 0 when there is none
	Rights uint64        // number of the rights in force; 0 when there are none
}

// Status returns how the booth's memory stands.
func (l *Lot) Status() Status {
	closed := l.Closed()
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := Status{Facts: l.book.Len(), Poor: len(l.book.Poor()), Closed: closed, Ending: l.ending}
	s.Rights = l.rights.head.Number
	if l.config != nil {
		s.Config = l.config.config.Number
	}
	mine := l.cursors()
	for a, e := range l.extents(mine) {
		s.Alone += mine[a].Seq - min(mine[a].Seq, e.elsewhere)
		s.Fewer += e.Fewer
		s.Lost += e.Lost
		if e.Fewer > 0 || e.Lost > 0 {
			e.Author, e.Booth = a, l.boxes.openings[a].booth
			s.Logs = append(s.Logs, e.Extent)
		}
	}
	slices.SortFunc(s.Logs, func(x, y Extent) int { return strings.Compare(string(x.Author), string(y.Author)) })
	return s
}
