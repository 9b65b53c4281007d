package simulation

import (
	"slices"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// truth is what truly happened, held outside the system.
type truth struct {
	cars   []*car
	logs   map[fact.Author]map[uint64]fact.Hash     // what was acknowledged, by number
	losses map[fact.Author]uint64                   // of authors whose disk was lost: the highest number that anybody else held then
	lostAt map[string][2]time.Duration              // by booth: from when on facts were lost, and when the disk was
	open   map[fact.ID]bool                         // reads that a recorded decision lets pass
	same   map[string]fact.Hash                     // by pair of nodes: at which cursors they were last compared
	cash   map[string]money.Amount                  // by action id: what a booth said it took
	wrong  []plate.Plate                            // what cameras made of plates
	times  map[fact.Author]map[uint64]time.Duration // when
}

func newTruth() truth {
	return truth{
		logs: map[fact.Author]map[uint64]fact.Hash{}, losses: map[fact.Author]uint64{}, lostAt: map[string][2]time.Duration{},
		open: map[fact.ID]bool{}, same: map[string]fact.Hash{}, cash: map[string]money.Amount{}, times: map[fact.Author]map[uint64]time.Duration{},
	}
}

// acked notes records that a booth acknowledged, the last of its log.
func (t *truth) acked(w *World, b *booth, records []fact.Record) {
	a := b.disk.author
	if t.logs[a] == nil {
		t.logs[a], t.times[a] = map[uint64]fact.Hash{}, map[uint64]time.Duration{}
	}
	first := b.disk.head.Seq - uint64(len(records)) + 1
	for i, r := range records {
		t.logs[a][first+uint64(i)] = r.Hash()
		t.times[a][first+uint64(i)] = w.now
	}
}

// lost notes that a booth's disk is gone: what nobody else holds of its log may be missing for ever.
func (t *truth) lost(w *World, b *booth) {
	a := b.disk.author
	held := w.cloud.store.Cursors()[a].Seq
	for _, o := range w.booths {
		if o != b && o.proc != nil {
			held = max(held, o.proc.lot.Cursors()[a].Seq)
		}
	}
	t.losses[a] = held
	from := w.now
	for seq, at := range t.times[a] {
		if seq > held {
			from = min(from, at)
			w.report.Lost++
		}
	}
	if from < w.now {
		t.lostAt[b.id] = [2]time.Duration{from, w.now}
	}
}

func (t *truth) misread(p plate.Plate) { t.wrong = append(t.wrong, p) }

// idle reports whether all cars have gone home.
func (t *truth) idle() bool {
	for _, c := range t.cars {
		for _, p := range c.trips {
			if p.began && !p.done {
				return false
			}
		}
	}
	return true
}

// witness sees what a lane has recorded.
func (w *World) witness(k *control, f *fact.Fact) {
	if f.Kind != fact.KindDecision || len(f.Refs) == 0 {
		return
	}
	d, err := fact.Decode[fact.Decision](f)
	w.must(err)
	w.report.Decisions[string(d.Dir)+" "+string(d.Action)+" "+d.Reason]++
	if d.Action == fact.Open {
		w.truth.open[f.Refs[0]] = true
	}
	switch d.Reason {
	case lane.ReasonNoEntry, lane.ReasonNoPlate, lane.ReasonNoPrice, lane.ReasonJournal, lane.ReasonTail:
		k.site.front.taint(d.Reason)
		k.site.under.taint(d.Reason)
	}
}

// judgeRaise is asked before each command to open: a recorded decision allows it, and a car is there.
func (w *World) judgeRaise(k *control, e lane.Raise) {
	if !w.truth.open[e.Read] && !(k.state.NoJournal && w.plan.Brave) {
		w.violate("barrier", "%s is opened for %s, and no recorded decision allows it", k.state.Lane, e.Read)
	}
	s := k.site
	if s.front == nil && s.under == nil && w.now-s.empty > 20*time.Second && !e.ByHand {
		w.violate("barrier", "%s is opened although nobody is there", k.state.Lane)
	}
}

// staleReads has a camera tell, as if it were now, what it saw hours ago.
func (w *World) staleReads(sp Spell) {
	s := w.lanes[sp.Target%len(w.lanes)]
	var again func()
	again = func() {
		if w.healed || w.now >= sp.To {
			return
		}
		c := w.cars[w.luck.IntN(len(w.cars))]
		if s.k != nil && s.front == nil && s.under == nil && !s.arrive && len(s.waiting) == 0 && w.now-s.empty > 30*time.Second && s.booth().skew().Abs() < time.Second {
			w.fire(StaleRead)
			s.reads++
			off := between(w.luck, 5*time.Minute, 8*time.Hour)
			if chance(w.luck, 0.2) {
				off = -off
			}
			for _, t := range c.trips {
				t.taints["stale"] = true // a stored reading of it is in the facts
			}
			s.deliver(lane.Read{
				Device: s.camera(), Event: "stale-" + time.Duration(s.reads).String(), Plate: c.plan.Plate, Confidence: 90, Trigger: "video",
				Stamp: w.wall().Add(-s.off - off),
			}, 0)
		}
		w.after(between(w.luck, time.Minute, 6*time.Minute), again)
	}
	again()
}

// heal ends all faults and brings everybody back.
func (w *World) heal() {
	w.healed = true
	w.note("heal")
	w.cloud.back, w.cloud.brokerBack = 0, 0
	for _, s := range w.lanes {
		if w.now < s.darkUntil {
			s.darkUntil = w.now
		}
	}
	for _, b := range w.booths {
		if b.later {
			w.join()
			b.later = false
		}
		b.ready = min(b.ready, w.now)
		if b.proc == nil {
			b.boot()
		}
	}
}

// level reports whether cloud and booths hold the same, and nothing waits.
func (w *World) level() bool {
	want := w.cloud.store.Cursors().Digest()
	for _, b := range w.booths {
		if b.proc == nil || b.proc.lot.Cursors().Digest() != want || b.proc.config() != w.config.Number {
			return false
		}
	}
	return len(w.cloud.outbox) == 0
}

// watch compares who holds equal cursors.
func (w *World) watch() {
	type node struct {
		who     string
		cursors exchange.Cursors
		digest  func() fact.Hash
	}
	nodes := []node{{"the cloud", w.cloud.store.Cursors(), w.cloud.store.Book().Digest}}
	for _, b := range w.booths {
		if p := b.proc; p != nil {
			p.settle()
			nodes = append(nodes, node{b.id, p.lot.Cursors(), func() fact.Hash { return p.digest() }})
		}
	}
	for i := 1; i < len(nodes); i++ {
		for j := range i {
			if nodes[i].cursors.Digest() != nodes[j].cursors.Digest() {
				continue
			}
			pair := nodes[i].who + " " + nodes[j].who
			if w.truth.same[pair] == nodes[i].cursors.Digest() {
				break // nothing came since they were last compared
			}
			w.truth.same[pair] = nodes[i].cursors.Digest()
			w.report.Compared++
			if a, b := nodes[i].digest(), nodes[j].digest(); a != b {
				w.violate("digest", "%s and %s hold the same facts and not the same sessions: %.12s and %.12s", nodes[i].who, nodes[j].who, a, b)
			}
			break
		}
	}
}

// near reports whether a car could have been taken for another: by a plate that a camera misread, or because a car that
// looks alike came or went unrecorded, so that this one's session was the only one that fitted.
func (t *truth) near(c *car) bool {
	if slices.ContainsFunc(t.wrong, func(x plate.Plate) bool { return plate.Similar(x, c.plan.Plate) }) {
		return true
	}
	return slices.ContainsFunc(t.cars, func(o *car) bool {
		return o != c && plate.Similar(o.plan.Plate, c.plan.Plate) && slices.ContainsFunc(o.trips, func(p *trip) bool { return len(p.taints) > 0 || t.touched(p) })
	})
}
