package lot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// Extent is how well an author's log is kept: by the disks of this booth, of the other booths and of the cloud, as far as
// each last said.
type Extent struct {
	Author fact.Author
	Booth  string // "" when its opening is not held here
	Fewer  uint64 // facts on fewer than two disks
	Lost   uint64 // facts that somebody told of and nobody holds
}

type extent struct {
	Extent
	best      uint64 // the furthest that any disk reaches
	elsewhere uint64 // the furthest that any other disk reaches
}

// extents measures every log that anybody told of. The caller holds mu.
func (l *Lot) extents(mine exchange.Cursors) map[fact.Author]extent {
	out := map[fact.Author]extent{}
	all := []exchange.Cursors{mine}
	for _, h := range l.heard {
		all = append(all, h.Cursors)
	}
	authors := map[fact.Author]struct{}{}
	for a := range l.told {
		authors[a] = struct{}{}
	}
	for _, c := range all {
		for a := range c {
			authors[a] = struct{}{}
		}
	}
	for a := range authors {
		var e extent
		second := uint64(0)
		for i, c := range all {
			seq := c[a].Seq
			if i > 0 {
				e.elsewhere = max(e.elsewhere, seq)
			}
			second = max(second, min(seq, e.best))
			e.best = max(e.best, seq)
		}
		e.Fewer = e.best - second
		e.Lost = max(l.told[a], e.best) - e.best
		out[a] = e
	}
	return out
}

// hear remembers how far logs are said to reach beyond what is held here, and reports whether that is to be kept: it was
// said twice and did not come meanwhile. Who said it may be dead when it is asked for. The caller holds mu.
func (l *Lot) hear(cursors exchange.Cursors) (keep bool) {
	for a, h := range cursors {
		switch told := l.told[a]; {
		case h.Seq <= l.logs[a].Head.Seq:
			if told != 0 && told <= l.logs[a].Head.Seq {
				delete(l.told, a)
				keep = true
			}
		case h.Seq > told:
			l.told[a] = h.Seq
			delete(l.kept, a)
		case h.Seq == told && !l.kept[a]:
			l.kept[a], keep = true, true
		}
	}
	return keep
}

// Told returns how far logs were said to reach beyond what is held here, for others who may ask after them.
func (l *Lot) Told() map[fact.Author]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[fact.Author]uint64{}
	for a, seq := range l.told {
		if seq > l.logs[a].Head.Seq {
			out[a] = seq
		}
	}
	return out
}

// Tell remembers how far another booth heard that logs reach.
func (l *Lot) Tell(told map[fact.Author]uint64) {
	c := exchange.Cursors{}
	for a, seq := range told {
		if a.Valid() {
			c[a] = fact.Head{Seq: seq}
		}
	}
	if len(c) == 0 {
		return
	}
	l.mu.Lock()
	keep := l.hear(c)
	l.mu.Unlock()
	if keep {
		l.keepTold()
	}
}

// keepTold writes what logs are said to reach. It is a figure for people: when it cannot be written, it is not.
func (l *Lot) keepTold() {
	l.merge.Lock()
	defer l.merge.Unlock()
	l.mu.RLock()
	v, err := json.Marshal(l.told)
	l.mu.RUnlock()
	if err == nil {
		err = l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(toldKey, v) })
	}
	if err != nil {
		l.o.Log.Warn("how far other logs reach is not kept", "err", err)
	}
}

func (l *Lot) loadTold() error {
	return l.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(metaBucket).Get(toldKey)
		if v == nil {
			return nil
		}
		if err := json.Unmarshal(v, &l.told); err != nil {
			return fmt.Errorf("how far other logs reach: %w", err)
		}
		for a := range l.told {
			l.kept[a] = true
		}
		return nil
	})
}

// Before returns the logs of this booth's boxes before the present one, by author: how far each can be had, and how far
// it was told to reach.
func (l *Lot) Before() []fact.Rest {
	own := l.own.Author()
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []fact.Rest
	for a, e := range l.extents(l.cursors()) {
		if a != own && l.boxes.openings[a].booth == l.o.Booth {
			out = append(out, fact.Rest{Author: a, Held: l.logs[a].Head.Seq, Told: max(e.best, l.told[a])})
		}
	}
	slices.SortFunc(out, func(x, y fact.Rest) int { return strings.Compare(string(x.Author), string(y.Author)) })
	return out
}
