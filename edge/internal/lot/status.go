package lot

import (
	"maps"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// Heard is what another booth of the lot last said of its copies.
type Heard struct {
	At      time.Time
	Cursors exchange.Cursors
	Config  uint64 // number of the configuration it has in force
}

// Heard notes how far another booth's copies reach.
func (l *Lot) Heard(booth string, cursors exchange.Cursors, config uint64) {
	h := Heard{l.o.Now(), cursors.Clone(), config}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard[booth] = h
}

// Peers returns what the other booths last said, by booth.
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
	Config uint64        // number of the configuration in force; 0 when there is none
}

// Status returns how the booth's memory stands.
func (l *Lot) Status() Status {
	closed := l.Closed()
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := Status{Facts: l.book.Len(), Poor: len(l.book.Poor()), Closed: closed, Ending: l.ending}
	if l.config != nil {
		s.Config = l.config.config.Number
	}
	for a, head := range l.cursors() {
		elsewhere := uint64(0)
		for _, h := range l.heard {
			elsewhere = max(elsewhere, min(h.Cursors[a].Seq, head.Seq))
		}
		s.Alone += head.Seq - elsewhere
	}
	return s
}
