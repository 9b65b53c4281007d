// Package lot is a booth's memory of its whole lot: every author's facts and the sessions they fold to.
//
// Invariants:
//   - a fact is folded after it is on this booth's disk, never before: its own in the journal, others' in the store;
//   - of each author it holds the log's beginning up to a cursor, with no gap, in the author's own bytes;
//   - merging is commutative and idempotent: lots with equal cursors have equal digests, whatever came first, how often;
//   - nothing here waits for another machine.
//
// DESIGN.md beside this file says how the pieces lie and why so.
package lot

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// Own is the booth's own log, as package journal keeps it.
type Own interface {
	Author() fact.Author
	Head() fact.Head
	Append(ctx context.Context, c journal.Compose) ([]fact.Fact, error)
	Records(after uint64, n int) ([]fact.Record, error)
	Observe(seen fact.HLC)
}

// Options say which lot it is and whom to believe. Log may be nil.
type Options struct {
	Lot, Booth string
	Keys       exchange.Keys     // who may be an author
	ConfigKey  ed25519.PublicKey // the cloud's key for configurations
	Now        func() time.Time
	Log        *slog.Logger
	// Alarm is told of what people must know; nil is nobody. It may be told again of what it knows, and must not block.
	Alarm func(code, subject string, on bool, detail string)
}

// Lot is safe for concurrent use.
type Lot struct {
	o     Options
	own   Own
	db    *bbolt.DB
	rules exchange.Rules
	merge sync.Mutex // one merge at a time, from its judgement to its fold

	taking sync.Mutex // guards intake; held before merge and mu, never after
	intake *right.Intake

	mu      sync.RWMutex // guards what follows; never held while the disk is synced
	book    *session.Book
	logs    map[fact.Author]exchange.Log
	boxes   boxes
	config  *configuration
	rights  rights
	heard   map[string]Heard
	alarms  map[alarmKey]alarmWord
	told    map[fact.Author]uint64 // how far others said that a log reaches, when that is further than it is held here
	kept    map[fact.Author]bool   // of told, what is on the disk
	watches map[*Watch]struct{}
	ending  string    // why the present incarnation must end
	agreed  fact.Head // how far somebody is known to hold our very log
	endings chan struct{}
	ended   map[fact.Author]bool             // incarnations of ours whose logs are being settled
	claims  map[fact.Author]map[string]Claim // of these
}

// configuration is the one in force, with the bytes that were signed.
type configuration struct {
	signed wire.Signed
	config wire.Config
}

// Open reads a lot's facts from its store at path and from the booth's own journal, and folds them.
func Open(path string, own Own, o Options) (*Lot, error) {
	if o.Lot == "" || o.Booth == "" || o.Keys == nil || len(o.ConfigKey) != ed25519.PublicKeySize || o.Now == nil {
		return nil, errors.New("open lot: lot, booth, keys, configuration key and clock must be given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Alarm == nil {
		o.Alarm = func(string, string, bool, string) {}
	}
	db, err := disk.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open lot: %w", err)
	}
	l := &Lot{
		o: o, own: own, db: db, rules: exchange.Rules{Lot: o.Lot, Keys: o.Keys, Judge: session.Judge},
		book: session.NewBook(), logs: map[fact.Author]exchange.Log{}, boxes: newBoxes(), told: map[fact.Author]uint64{}, kept: map[fact.Author]bool{},
		heard: map[string]Heard{}, watches: map[*Watch]struct{}{}, alarms: map[alarmKey]alarmWord{},
		endings: make(chan struct{}, 1), ended: map[fact.Author]bool{}, claims: map[fact.Author]map[string]Claim{},
	}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open lot %s: %w", path, err), db.Close())
	}
	return l, nil
}

// Close releases the store. The journal is its owner's to close.
func (l *Lot) Close() error {
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("close lot: %w", err)
	}
	return nil
}

// Append writes facts to the booth's own journal, folds them and wakes everybody who watches. When it returns without
// error, the facts are on this booth's disk and in every later View.
func (l *Lot) Append(ctx context.Context, c journal.Compose) ([]fact.Fact, error) {
	facts, fold, err := l.Store(ctx, c)
	if err != nil {
		return nil, err
	}
	return facts, fold()
}

// Store writes facts to the booth's own journal. When it returns without error they are on this booth's disk; they are in
// the book, and whoever watches is told, once fold was called, which must be soon and may be later than another append.
// It is for who has something to do that waits for the disk and for nothing else.
//
// A [Late] error says that the disk had not answered when ctx ended; what became of the append is then to be waited for.
func (l *Lot) Store(ctx context.Context, c journal.Compose) (facts []fact.Fact, fold func() error, err error) {
	facts, err = l.own.Append(ctx, c)
	if pending, ok := errors.AsType[*journal.Pending](err); ok {
		return nil, nil, &Late{pending, l}
	}
	if err != nil {
		return nil, nil, err
	}
	return facts, l.folding(facts), nil
}

func (l *Lot) folding(facts []fact.Fact) func() error {
	return func() error {
		if len(facts) == 0 {
			return nil
		}
		if err := l.foldOwn(facts); err != nil {
			return fmt.Errorf("fold what was appended: %w", err)
		}
		return nil
	}
}

// Late is the error of a Store whose caller did not wait until the disk had answered.
type Late struct {
	*journal.Pending
	l *Lot
}

// Await waits for what became of it, as Store does. It may be called once.
func (e *Late) Await(ctx context.Context) (facts []fact.Fact, fold func() error, err error) {
	facts, err = e.Wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	return facts, e.l.folding(facts), nil
}

// foldOwn folds what was appended. Two appends may return in either order: whoever comes first folds what is between
// from the journal.
func (l *Lot) foldOwn(facts []fact.Fact) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if facts[0].Author != l.own.Author() { // that incarnation ended meanwhile; the facts are in what it left
		l.fold(facts)
		return nil
	}
	log, head := l.logs[l.own.Author()], l.own.Head()
	if facts[0].Seq == log.Head.Seq+1 && facts[len(facts)-1].Seq == head.Seq { // the usual case: nobody came between
		log.Head = head
		l.logs[l.own.Author()] = log
		l.fold(facts)
		return nil
	}
	return l.catchUp(facts[len(facts)-1].Seq)
}

// catchUp folds the journal up to a number. The caller holds mu.
func (l *Lot) catchUp(last uint64) error {
	log := l.logs[l.own.Author()]
	for log.Head.Seq < last {
		records, err := l.own.Records(log.Head.Seq, exchange.MaxRecords)
		if err != nil {
			return err
		}
		// The journal's own bytes: whole since it was opened, so only decoded here.
		more, head, err := fact.Follow(log.Head, l.o.Lot, l.own.Author(), records, nil)
		if err != nil {
			return err
		}
		if len(more) == 0 {
			return fmt.Errorf("journal ends at %d, before %d", log.Head.Seq, last)
		}
		log.Head = head
		l.logs[l.own.Author()] = log
		l.fold(more)
	}
	return nil
}

// fold takes stored facts into the book and tells the watches. The caller holds mu.
func (l *Lot) fold(facts []fact.Fact) {
	for i := range facts {
		l.boxes.note(&facts[i])
		if k := facts[i].Kind; k == fact.KindAlarmRaised || k == fact.KindAlarmCleared {
			l.noteAlarm(&facts[i])
		}
	}
	l.tell(Changes{Keys: l.book.Add(facts...), Facts: true})
}

// View calls f with the book of all facts. f must not keep the book, call the lot or wait for anything.
func (l *Lot) View(f func(*session.Book)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	f(l.book)
}

// Cursors says how far this booth's copy of each author's log reaches.
func (l *Lot) Cursors() exchange.Cursors {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.cursors()
}

func (l *Lot) cursors() exchange.Cursors {
	c := make(exchange.Cursors, len(l.logs))
	for a, log := range l.logs {
		if log.Head.Seq > 0 {
			c[a] = log.Head
		}
	}
	return c
}

// Author returns the booth's own author.
func (l *Lot) Author() fact.Author { return l.own.Author() }

// KeyOf returns the key that signs an author's log, nil for one that is not known here or of whom nothing more is taken.
func (l *Lot) KeyOf(a fact.Author) ed25519.PublicKey {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if log := l.logs[a]; !log.Closed {
		return log.Key
	}
	return nil
}

// Closed returns the authors of which nothing more is taken.
func (l *Lot) Closed() []fact.Author {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []fact.Author
	for _, a := range l.cursors().Authors() {
		if l.logs[a].Closed {
			out = append(out, a)
		}
	}
	return out
}

// Digest returns the cursors and a checksum of all facts up to them, both of one moment.
func (l *Lot) Digest() (exchange.Cursors, fact.Hash) {
	c := l.Cursors()
	return c, c.Digest()
}

// Records returns up to n records of an author after a number, none past the cursor.
func (l *Lot) Records(a fact.Author, after uint64, n int) ([]fact.Record, error) {
	l.mu.RLock()
	upto := l.logs[a].Head.Seq
	l.mu.RUnlock()
	if after >= upto {
		return nil, nil
	}
	n = int(min(uint64(max(n, 0)), upto-after))
	if a == l.own.Author() {
		return l.own.Records(after, n)
	}
	var out []fact.Record
	err := l.db.View(func(tx *bbolt.Tx) (err error) {
		out, err = disk.Range(tx.Bucket(factsBucket).Bucket([]byte(a)), after, upto, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s after %d: %w", a, after, err)
	}
	return out, nil
}

// Batch returns what an author's log holds after a number, as much as a batch of at most n records and size bytes may
// carry. It has no records when there is nothing.
func (l *Lot) Batch(a fact.Author, after uint64, n, size int) (exchange.Batch, error) {
	b := exchange.Batch{Lot: l.o.Lot, Author: a}
	records, err := l.Records(a, after, min(n, exchange.MaxRecords))
	if err != nil {
		return b, err
	}
	total := 0
	for i, r := range exchange.Cut(records) {
		total += len(r.Public) + len(r.Private) + len(r.Sig)
		if i > 0 && total > size {
			break
		}
		b.Records = append(b.Records, r)
	}
	return b, nil
}
