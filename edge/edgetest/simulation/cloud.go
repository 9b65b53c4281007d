package simulation

import (
	"crypto/ed25519"
	"slices"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/exchange/memory"
	"lotkeeper/shared/fact"
)

// database is what the cloud's transactions have committed.
type database struct {
	store   *memory.Store
	author  fact.Author
	outbox  []fact.Draft
	settled map[string]bool // orders whose payment is in the books and in the outbox: one transaction
	head    fact.Head
}

func (d *database) copy() *database {
	c := *d
	c.store, c.outbox, c.settled = d.store.Copy(), slices.Clone(d.outbox), map[string]bool{}
	for o := range d.settled {
		c.settled[o] = true
	}
	return &c
}

// cloud is the cloud as a lot sees it: ingest by the rules of exchange, one sequencer of its own facts, configurations,
// payments. A transaction is a step that a crash comes before or after, never into.
type cloud struct {
	w *World
	*database
	backup     *database
	sent       map[[2]string]sending
	back       time.Duration // down until then
	brokerBack time.Duration
	mints      int
}

type sending struct {
	to uint64
	at time.Duration
}

func newCloud(w *World) *cloud {
	c := &cloud{w: w, sent: map[[2]string]sending{}}
	c.database = &database{store: memory.New(Lot, w.keys()), settled: map[string]bool{}}
	return c
}

func (c *cloud) begin() { c.w.every(10*time.Second, c.sequence) }

func (c *cloud) down() bool { return c.w.now < c.back }

func (c *cloud) crashPoint(where string) {
	w := c.w
	w.crashPoint(CloudCrash, 0, 0, where, func() {
		clear(c.sent)
		c.back = w.now + between(w.luck, 2*time.Second, time.Minute)
	})
}

// factsUp ingests a batch: one transaction, and only then the cursor.
func (c *cloud) factsUp(b *booth, batch exchange.Batch) {
	w := c.w
	if c.down() {
		return
	}
	c.crashPoint("cloud: before the commit")
	res := c.store.Take(batch)
	w.note("ingest", batch.Author, " ", res.Verdict, " ", res.Head.Seq)
	w.report.Verdicts[string(res.Verdict)]++
	if res.Verdict == exchange.Forked || res.Verdict == exchange.Refused {
		w.violate("exchange", "the cloud: facts of %s are %s: %v", batch.Author, res.Verdict, res.Cause)
	}
	if len(res.Poor) > 0 {
		w.violate("poor", "facts of %s cannot be applied: %v", batch.Author, res.Poor[0].Cause)
	}
	c.crashPoint("cloud: committed, not told")
	c.stateCursor(b, time.Time{})
}

// stateCursor tells a booth how far the cloud's copies reach, and what time it is when the booth asked at one of its own.
func (c *cloud) stateCursor(b *booth, asked time.Time) {
	at := c.w.wall()
	cursors, closed := c.store.Cursors(), c.store.Closed()
	c.w.carry(cloudNode, b.n, func() { b.heard(func(p *process) { p.takeCursor(cursors, closed, at, asked) }) })
}

// cursorUp answers a booth that said how far it reaches: with our cursors, and with what it lacks.
func (c *cloud) cursorUp(b *booth, theirs exchange.Cursors, config uint64, asked time.Time) {
	w := c.w
	if c.down() {
		return
	}
	c.stateCursor(b, asked)
	if config < w.config.Number && b.member() {
		s := w.sign(w.config)
		w.carry(cloudNode, b.n, func() { b.heard(func(p *process) { p.configure(s) }) })
	}
	for _, need := range c.store.Cursors().Lacks(theirs) {
		c.supply(b, need)
	}
}

// supply sends a booth what it lacks, unless that is on its way.
func (c *cloud) supply(b *booth, need exchange.Need) {
	key := [2]string{b.id, string(need.Author)}
	if last, flying := c.sent[key]; flying && need.After < last.to && c.w.now-last.at < 10*time.Second {
		return
	}
	after := need.After
	for range 4 {
		records := exchange.Cut(c.store.Records(need.Author, after, exchange.MaxRecords))
		if len(records) == 0 {
			break
		}
		c.sendDown(b, exchange.Batch{Lot: Lot, Author: need.Author, Records: records})
		after += uint64(len(records))
	}
	c.sent[key] = sending{after, c.w.now}
}

func (c *cloud) sendDown(b *booth, batch exchange.Batch) {
	c.w.carry(cloudNode, b.n, func() {
		b.heard(func(p *process) {
			p.merge([]exchange.Batch{batch})
			p.stateCursor()
		})
	})
}

// say puts something into the lot's log, in the transaction of what it tells: [cloud.sequence] numbers it later.
func (c *cloud) say(d fact.Draft) { c.outbox = append(c.outbox, d) }

// sequence numbers, chains and signs what waits, stores it, and sends it to the booths.
func (c *cloud) sequence() {
	w := c.w
	if c.down() || len(c.outbox) == 0 {
		return
	}
	c.crashPoint("cloud: before the sequencer's commit")
	key := keyOf(w.plan.Seed, "cloud")
	drafts := c.outbox
	if c.database.author == "" {
		c.mints++
		c.database.author, c.head = w.mint(rng(w.plan.Seed, "cloud", c.mints)), fact.Head{}
		opened := fact.Opened{Booth: "cloud", Key: key.Public().(ed25519.PublicKey), Software: "simulation", Why: "new"}
		drafts = append([]fact.Draft{{At: w.wall(), Source: "cloud", Kind: fact.KindOpened, Body: opened}}, drafts...)
	}
	batch := exchange.Batch{Lot: Lot, Author: c.database.author}
	head := c.head
	for _, d := range drafts {
		from := head
		for _, h := range c.store.Cursors() {
			from.HLC = from.HLC.Observe(h.HLC, w.wall())
		}
		stamp := fact.Stamp{Lot: Lot, Author: c.database.author, Boot: "cloud", Mono: int64(w.now) + 1, Now: w.wall()}
		r, _, next, err := fact.Seal(from, key, stamp, d)
		w.must(err)
		head, batch.Records = next, append(batch.Records, r)
	}
	if res := c.store.Take(batch); res.Verdict != exchange.Accepted {
		w.violate("exchange", "the cloud does not take its own facts: %s %v", res.Verdict, res.Cause)
		return
	}
	c.head, c.outbox = head, nil
	w.note("sequence", c.database.author, " ", head.Seq)
	c.crashPoint("cloud: sequenced, not sent")
	for _, b := range w.booths {
		c.sendDown(b, batch)
		c.stateCursor(b, time.Time{})
	}
}

// restore puts the cloud back on its backup. It is a new incarnation: its former log goes on as far as booths hold it.
func (c *cloud) restore() {
	if c.backup == nil {
		return
	}
	c.w.fire(CloudRestored)
	c.database, c.backup = c.backup, nil
	c.database.author = ""
	clear(c.sent)
	c.back = c.w.now + 5*time.Minute
	c.w.bank.reconcile(c.w.now + 6*time.Minute)
}
