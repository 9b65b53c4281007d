package simulation

import (
	"errors"
	"math"
	"slices"
	"time"

	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// cloudNode is the cloud's number among the nodes; booths have theirs.
const cloudNode = 5

// carry brings a message from one node to another, or loses, delays, doubles or overtakes it.
func (w *World) carry(from, to int, do func()) {
	w.report.Messages++
	if w.struck(Partition, slices.Index(w.paths, [2]int{from, to}), len(w.paths)) || w.struck(Drop, 0, 0) {
		return
	}
	times := 1
	if w.struck(Duplicate, 0, 0) {
		times = 2
	}
	for range times {
		d := between(w.luck, 15*time.Millisecond, 60*time.Millisecond)
		if w.struck(Delay, 0, 0) {
			d += between(w.luck, time.Second, 90*time.Second)
		}
		if w.struck(Reorder, 0, 0) {
			d += between(w.luck, 0, 5*time.Second)
		}
		w.after(d, do)
	}
}

// paths lists who speaks to whom, each direction by itself.
func paths(booths int) (out [][2]int) {
	for i := range booths {
		out = append(out, [2]int{i, cloudNode}, [2]int{cloudNode, i})
		for j := range booths {
			if i != j {
				out = append(out, [2]int{i, j})
			}
		}
	}
	return out
}

// line is a booth's connection to the broker.
type line struct{ up bool }

// runLine keeps the process' line to the cloud, as package uplink does: connect, state cursors, send what is due.
func (p *process) runLine() {
	w, b := p.b.w, p.b
	check := func() {
		switch {
		case w.within(Outage, b.n, w.plan.Booths):
			if b.line.up {
				w.fire(Outage)
			}
			b.line.up = false
		case w.now < w.cloud.brokerBack:
			b.line.up = false
		case !b.line.up:
			b.line.up = true
			p.send.Connected()
			p.stateCursor()
		default:
			p.sendUp()
		}
	}
	check()
	p.every(12*time.Second, check)
	p.every(time.Minute, p.stateCursor)
}

func (p *process) stateCursor() {
	if !p.b.line.up {
		return
	}
	c := p.lot.Cursors()
	number := uint64(0)
	if conf, ok := p.lot.Config(); ok {
		number = conf.Number
	}
	b := p.b
	b.w.carry(b.n, cloudNode, func() { b.w.cloud.cursorUp(b, c, number) })
}

// sendUp sends what the cloud lacks and is due.
func (p *process) sendUp() {
	b := p.b
	if !b.line.up {
		return
	}
	now := b.clock()
	for _, n := range p.send.Due(p.lot.Cursors(), p.own.Author(), now) {
		batch, err := p.lot.Batch(n.Author, n.After, 500, 512<<10)
		if err != nil {
			b.w.violate("batch", "booth %s: %v", b.id, err)
			continue
		}
		if len(batch.Records) == 0 {
			continue
		}
		p.crashPoint("before a batch is sent")
		b.w.note("up", b.id, " ", n.Author, " ", n.After, " ", len(batch.Records))
		b.w.carry(b.n, cloudNode, func() { b.w.cloud.factsUp(b, batch) })
		p.send.Sent(n.Author, n.After+uint64(len(batch.Records)), now)
	}
	p.send.Lacking(p.lot.Cursors())
}

// heard is what a booth does with the cloud's word; a process that is down, or has no line, hears nothing.
func (b *booth) heard(do func(p *process)) {
	if p := b.proc; p != nil && b.line.up {
		p.after(0, func() { do(p) })
	}
}

func (p *process) takeCursor(c exchange.Cursors, closed []fact.Author) {
	p.lot.Judged("cloud", c, closed)
	p.send.Stated(c, closed, p.b.clock())
	p.sendUp()
}

// merge takes others' facts.
func (p *process) merge(batches []exchange.Batch) bool {
	w := p.b.w
	p.settle()
	p.crashPoint("before a merge")
	if err := p.b.diskFault(); err != nil {
		return false // nothing was taken; it comes again
	}
	results, err := p.lot.MergeAll(batches)
	if err != nil {
		w.violate("merge", "booth %s: %v", p.b.id, err)
		return false
	}
	p.crashPoint("merged, not told")
	fresh := false
	for i, r := range results {
		w.note("merge", p.b.id, " ", batches[i].Author, " ", r.Verdict, " ", r.Head.Seq)
		w.report.Verdicts[string(r.Verdict)]++
		fresh = fresh || r.Verdict == exchange.Accepted
		if r.Verdict == exchange.Forked || r.Verdict == exchange.Refused {
			w.violate("exchange", "booth %s: facts of %s are %s: %v", p.b.id, batches[i].Author, r.Verdict, r.Cause)
		}
	}
	if fresh {
		p.changed()
		p.tellPeers()
	}
	return fresh
}

func (p *process) configure(s wire.Signed) {
	if err := p.lot.Configure(s); err != nil && !errors.Is(err, lot.ErrOlder) {
		p.b.w.violate("configure", "booth %s: %v", p.b.id, err)
		return
	}
	p.changed()
	p.tellPeers()
}

// word is how far another booth said that it reaches.
type word struct {
	cursors exchange.Cursors
	config  uint64
}

// letter is what booths say to each other.
type letter struct {
	word
	signed  *wire.Signed
	batches []exchange.Batch
}

// runPeers keeps the booth level with the others, as package peer does.
func (p *process) runPeers() {
	for _, o := range p.b.w.booths {
		if o == p.b {
			continue
		}
		p.after(time.Duration(o.n)*50*time.Millisecond, func() { p.askPeer(o) })
		p.every(time.Minute, func() { p.askPeer(o) })
	}
}

// tellPeers asks the others soon after something new came.
func (p *process) tellPeers() {
	for _, o := range p.b.w.booths {
		if o != p.b {
			p.after(10*time.Millisecond, func() {
				if said, ok := p.said[o.n]; !ok || p.config() > said.config || len(p.lot.Cursors().Lacks(said.cursors)) > 0 {
					p.askPeer(o)
				}
			})
		}
	}
}

func (p *process) config() uint64 {
	c, _ := p.lot.Config()
	return c.Number
}

func (p *process) askPeer(o *booth) {
	w, b := p.b.w, p.b
	if b.w.linked(b, o) {
		m := p.compose(o.n)
		w.carry(b.n, o.n, func() {
			other := o.proc
			if other == nil {
				return
			}
			other.after(0, func() {
				other.absorb(b.n, m)
				reply := other.compose(b.n)
				w.carry(o.n, b.n, func() {
					if b.proc == p {
						p.absorb(o.n, reply)
					}
				})
			})
		})
	}
}

// linked reports whether both booths are of the configuration that is in force.
func (w *World) linked(a, b *booth) bool { return a.member() && b.member() }

func (b *booth) member() bool {
	return slices.ContainsFunc(b.w.config.Booths, func(x wire.Booth) bool { return x.ID == b.id })
}

func (p *process) compose(to int) letter {
	mine := p.lot.Cursors()
	m := letter{word: word{mine, p.config()}}
	said, known := p.said[to]
	if !known { // learn its cursors before sending it a whole log
		said = word{mine, math.MaxUint64}
	}
	if s, ok := p.lot.Signed(); ok && said.config < m.config {
		m.signed = &s
	}
	records := 1000
	for _, n := range mine.Lacks(said.cursors) {
		if records <= 0 || len(m.batches) == 16 {
			break
		}
		batch, err := p.lot.Batch(n.Author, n.After, records, 1<<20)
		if err != nil {
			p.b.w.violate("batch", "booth %s: %v", p.b.id, err)
			return m
		}
		if len(batch.Records) > 0 {
			m.batches = append(m.batches, batch)
			records -= len(batch.Records)
		}
	}
	return m
}

func (p *process) absorb(from int, m letter) {
	if m.signed != nil {
		p.configure(*m.signed)
	}
	if len(m.batches) > 0 {
		p.merge(m.batches)
	}
	p.lot.Heard(boothID(from), m.cursors, m.config)
	p.lot.Judged(boothID(from), m.cursors, nil)
	p.said[from] = m.word
}
