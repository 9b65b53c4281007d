package simulation

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// booth is a controller box. What it has on disk outlives its process.
type booth struct {
	w     *World
	n     int
	id    string
	key   ed25519.PrivateKey
	later bool // it joins in the middle of a run
	disk  log
	file  string // of its copy of the others' facts
	lives int
	runs  int
	ready time.Duration // when its process may be started again
	proc  *process      // nil while it is down
	line  line
}

// process is one run of a booth's agent.
type process struct {
	b     *booth
	boot  string
	began time.Duration
	own   *own
	lot   *lot.Lot
	lanes []*control
	send  *exchange.Sender
	said  map[int]word // what each other booth last said
	fold  []func() error
	fresh bool // the lanes are to be told that something changed
}

func newBooth(w *World, n int) *booth {
	b := &booth{w: w, n: n, id: boothID(n), key: keyOf(w.plan.Seed, boothID(n))}
	if _, joins := w.joiner(); joins && n == w.plan.Booths-1 && n > 0 {
		b.later = true
	}
	b.wipe()
	return b
}

func boothID(n int) string { return fmt.Sprintf("booth-%c", 'a'+n) }

// wipe gives the booth an empty disk.
func (b *booth) wipe() {
	b.lives++
	b.disk = log{author: b.w.mint(rng(b.w.plan.Seed, b.id, b.lives))}
	b.file = b.w.path(fmt.Sprintf("%s-%d.db", b.id, b.lives))
}

// clock is the booth's wall clock.
func (b *booth) clock() time.Time { return b.w.wall().Add(b.skew()) }

// skew is how far the booth's wall clock is off.
func (b *booth) skew() time.Duration {
	off := time.Duration(b.n*211%700-350) * time.Millisecond
	for _, s := range b.w.active(ClockJump) {
		if !b.w.healed && s.Target%b.w.plan.Booths == b.n {
			off += time.Duration(s.Target%5-2) * 4 * time.Hour // up to 8 hours to either side
		}
	}
	for _, s := range b.w.active(ClockDrift) {
		if !b.w.healed && s.Target%b.w.plan.Booths == b.n {
			off += (b.w.now - s.From) / 500
		}
	}
	return off
}

func (p *process) mono() time.Duration { return p.b.w.now - p.began + 1 }

// boot starts the booth's process on what lies on its disk.
func (b *booth) boot() {
	w := b.w
	b.runs++
	p := &process{
		b: b, boot: fmt.Sprintf("%s-%d", b.id, b.runs), began: w.now, said: map[int]word{},
		send: exchange.NewSender(30*time.Second, 3*time.Minute),
	}
	opened := fact.Opened{Booth: b.id, Key: b.key.Public().(ed25519.PublicKey), Software: "simulation", Why: "new"}
	var err error
	p.own, err = openOwn(own{
		lot: Lot, log: &b.disk, key: b.key, boot: p.boot, now: b.clock, mono: func() int64 { return int64(p.mono()) },
		salt:  rng(w.plan.Seed, "salt "+b.id, b.runs),
		fault: b.diskFault, at: p.crashPoint, acked: func(r []fact.Record) { w.truth.acked(w, b, r) },
	}, opened)
	if err != nil { // the disk takes no opening fact: the agent ends and is started again
		b.ready = w.now + 10*time.Second
		w.after(10*time.Second, b.restart)
		return
	}
	p.lot, err = lot.Open(b.file, p.own, lot.Options{
		Lot: Lot, Booth: b.id, Keys: w.keys(), ConfigKey: w.issuer.Public().(ed25519.PublicKey), Now: b.clock,
	})
	if err != nil {
		w.violate("open", "booth %s does not open its memory: %v", b.id, err)
		return
	}
	b.proc = p
	w.note("boot", p.boot)
	if _, ok := p.lot.Config(); !ok {
		w.must(p.lot.Configure(w.sign(w.enrolled(b)))) // what the booth got when it was enrolled
	}
	p.driveLanes()
	p.runLine()
	p.runPeers()
}

func (b *booth) restart() {
	if b.proc == nil && b.w.now >= b.ready {
		b.boot()
	}
}

// diskFault says why the booth's disk does not take a write now.
func (b *booth) diskFault() error {
	switch {
	case b.w.struck(DiskFull, b.n, b.w.plan.Booths):
		return errors.New("no space left on device")
	case b.w.struck(DiskError, b.n, b.w.plan.Booths):
		return errors.New("input/output error")
	}
	return nil
}

// alive reports whether the process is the booth's present one.
func (p *process) alive() bool { return p.b.proc == p }

// after lets something happen in the process, if that still runs then.
func (p *process) after(d time.Duration, do func()) {
	w := p.b.w
	if w.within(Slow, p.b.n, w.plan.Booths) {
		w.fire(Slow)
		d += between(w.luck, 0, 3*time.Second)
	}
	w.after(d, func() {
		if p.alive() {
			do()
		}
	})
}

func (p *process) every(d time.Duration, do func()) {
	p.b.w.after(d, func() {
		if p.alive() {
			p.every(d, do)
			do()
		}
	})
}

// crashPoint is a boundary at which the process may be killed, or its power be cut.
func (p *process) crashPoint(where string) {
	w, b := p.b.w, p.b
	w.crashPoint(Crash, b.n, w.plan.Booths, where, func() { b.die(between(w.luck, 2*time.Second, 40*time.Second)) })
	w.crashPoint(Power, b.n, w.plan.Booths, where, func() { b.cut() })
}

// die ends the process at once; it is started again in a while.
func (b *booth) die(rest time.Duration) {
	b.stop()
	b.ready = b.w.now + rest
	b.w.after(rest, b.restart)
}

// cut takes the power from the booth and its lanes.
func (b *booth) cut() {
	rest := between(b.w.luck, 30*time.Second, 10*time.Minute)
	for _, s := range b.w.lanes {
		if s.booth() == b {
			s.darkUntil = b.w.now + rest
		}
	}
	b.die(rest)
}

// stop ends the process. What it had in memory is gone.
func (b *booth) stop() {
	p := b.proc
	if p == nil {
		return
	}
	b.proc = nil
	for _, l := range p.lanes {
		l.site.unplugged(l)
	}
	b.line.up = false
	if err := p.lot.Close(); err != nil {
		b.w.violate("close", "booth %s: %v", b.id, err)
	}
}

// loseDisk takes all that the booth had on disk. What nobody else held is lost, and counted.
func (b *booth) loseDisk() {
	w := b.w
	b.stop()
	w.truth.lost(w, b)
	w.must(os.Remove(b.file))
	b.wipe()
	rest := between(w.luck, 10*time.Minute, time.Hour) // a technician brings a new one
	b.ready = w.now + rest
	w.after(rest, b.restart)
}

// keys admits the booths of the lot and the cloud by their keys: what certificates say in the field.
type keys map[string]ed25519.PublicKey

func (k keys) Admit(_ fact.Fact, o fact.Opened) (ed25519.PublicKey, error) {
	if known, ok := k[o.Booth]; !ok || !known.Equal(o.Key) {
		return nil, errors.New("not a key of this lot")
	}
	return o.Key, nil
}

func (w *World) keys() keys {
	k := keys{"cloud": keyOf(w.plan.Seed, "cloud").Public().(ed25519.PublicKey)}
	for i := range w.plan.Booths {
		k[boothID(i)] = keyOf(w.plan.Seed, boothID(i)).Public().(ed25519.PublicKey)
	}
	return k
}

// store appends facts; folding them is put off, as a lane does it: the barrier's command comes first.
func (p *process) store(drafts []fact.Draft, resolve func([]fact.Draft, func(int) fact.ID) []fact.Draft) ([]fact.Fact, error) {
	facts, fold, err := p.lot.Store(background, func(id func(int) fact.ID) []fact.Draft { return resolve(drafts, id) })
	if err != nil {
		p.b.w.note("not recorded", p.boot)
		return nil, err
	}
	p.fold = append(p.fold, fold)
	for i := range facts {
		p.b.w.note("fact", facts[i].ID().String(), " ", facts[i].Kind)
	}
	return facts, nil
}

// settle folds what was recorded.
func (p *process) settle() {
	if len(p.fold) == 0 {
		return
	}
	folds := p.fold
	p.fold = nil
	p.crashPoint("recorded, not folded")
	for _, f := range folds {
		if err := f(); err != nil {
			p.b.w.violate("fold", "booth %s: %v", p.b.id, err)
		}
	}
	p.changed()
	p.tellPeers()
	p.after(time.Millisecond, p.sendUp)
}

// changed tells the lanes that the lot's facts or configuration changed.
func (p *process) changed() {
	if p.fresh {
		return
	}
	p.fresh = true
	p.after(time.Millisecond, func() {
		p.fresh = false
		p.followConfig()
		for _, l := range slices.Clone(p.lanes) {
			l.changed()
		}
	})
}
