// Package journal is a booth's own log: the facts it authored, in one bbolt file.
//
// Invariants:
//   - what Append returned without an error is on the disk, synced, and stays;
//   - what it returned an error for that is not a [Pending] is not in the log and never will be;
//   - facts are numbered, chained and signed in the order they are stored, by one goroutine;
//   - one Append is one transaction: all of its facts are there, or none;
//   - after a failed write the journal reads what truly is on the disk before it goes on, and goes on when it can.
//
// DESIGN.md beside this file says why it is as it is.
package journal

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/journal/spare"
	"lotkeeper/shared/fact"
)

// ErrBroken says that the disk does not take what is written. The journal tries again by itself.
var ErrBroken = errors.New("journal cannot be written")

// ErrClosed says that the journal is closed or its Run has ended.
var ErrClosed = errors.New("journal is closed")

// Options say whose journal it is. Those up to Mono must be set, but for Cert.
type Options struct {
	Lot, Booth string
	Key        ed25519.PrivateKey // signs the facts
	Cert       []byte             // DER of the certificate that carries the key
	Software   string             // release, for the opening fact
	Boot       string             // names this run of the process
	Epoch      func() string      // names this run of the process and of its clock; nil: Boot, for ever
	Now        func() time.Time
	Mono       func() int64 // nanoseconds of this run's monotonic clock
	Log        *slog.Logger // nil discards

	Spare string             // folder of the second copy of money facts; "" keeps none
	Begin Begin              // why a new file has a new author
	Check func(string) error // judges a file before it is opened again after a failed write, see [Check]; nil trusts it
	Retry time.Duration      // between attempts to write again after a failed write; 0 means 500 ms
	// Alarm is told of what a person must see to; nil is nobody. It must not block.
	Alarm func(code, subject string, on bool, detail string)
	// Watch is told that a write to the disk begins; what it returns, that the write has ended. It may be nil.
	Watch func() (end func())
}

// Begin is why an author begins and whom it follows. The zero value is a new booth's.
type Begin struct {
	Why      string // "" means "new"
	Replaces fact.Author
	After    fact.HLC // the new log's clock is past it
}

// Compose makes the drafts of one append. It runs while the journal's writer waits, so it must be quick and must not
// call the journal. id(i) is the id that the i-th returned draft will get: drafts may name each other in Refs and Body.
type Compose func(id func(i int) fact.ID) []fact.Draft

// Journal is an open journal. It is safe for concurrent use. Between Open and Close exactly one Run must be going for
// Append to make progress.
type Journal struct {
	o     Options
	path  string
	asks  chan *ask
	turns chan *turn
	done  chan struct{} // closed when Run ends
	ended sync.Once
	spare *spare.Log // owned by Run; nil when there is none

	files sync.RWMutex // held for reading while the file is read, for writing while it is exchanged
	db    *bbolt.DB    // nil while it cannot be opened

	mu     sync.Mutex
	author fact.Author
	head   fact.Head // of what is acknowledged
	seen   fact.HLC  // latest clock heard of
	err    error     // why nothing is appended
}

type ask struct {
	compose Compose
	answer  chan answer // room for one: the writer never waits for a caller that went away
	claim   atomic.Bool // set by the writer that takes it, or by the caller that takes it back
}

type answer struct {
	facts []fact.Fact
	err   error
}

var (
	metaBucket = []byte("meta")
	logBucket  = []byte("log")
	metaKey    = []byte("journal")
)

// version is of the layout of the file. A reader reads it and the two before; it refuses a newer one. testdata of package
// lot has a journal of each that was released.
const version = 1

// header is what a journal's file says of itself.
type header struct {
	V      int         `json:"v"`
	Lot    string      `json:"lot"`
	Booth  string      `json:"booth"`
	Author fact.Author `json:"author"`
}

// Open opens a booth's journal. A new file gets a new author, whose opening fact is on the disk when Open returns. An
// old file must be of the same lot, booth and key, and the end of its chain must hold.
func Open(path string, o Options) (*Journal, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Epoch == nil {
		o.Epoch = func() string { return o.Boot }
	}
	if o.Retry == 0 {
		o.Retry = 500 * time.Millisecond
	}
	if o.Watch == nil {
		o.Watch = func() func() { return func() {} }
	}
	if o.Alarm == nil {
		o.Alarm = func(string, string, bool, string) {}
	}
	if err := os.Remove(path + next); err != nil && !errors.Is(err, os.ErrNotExist) { // of a change of author that was cut off
		return nil, fmt.Errorf("open journal: %w", err)
	}
	c, err := open(path, o)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	j := &Journal{
		o: o, path: path, db: c.db, author: c.author, head: c.head,
		asks: make(chan *ask, 64), turns: make(chan *turn), done: make(chan struct{}),
	}
	j.copy(nil) // tells at once when there is none
	return j, nil
}

func (o *Options) validate() error {
	switch {
	case o.Lot == "" || o.Booth == "":
		return errors.New("lot and booth must be given")
	case len(o.Key) != ed25519.PrivateKeySize:
		return errors.New("an Ed25519 key must be given")
	case o.Boot == "" || o.Now == nil || o.Mono == nil:
		return errors.New("boot and clocks must be given")
	}
	return nil
}

// content is an open file and what it holds.
type content struct {
	db     *bbolt.DB
	author fact.Author
	head   fact.Head
}

// open opens a file, or begins one where there is none.
func open(path string, o Options) (content, error) {
	db, err := disk.Open(path)
	if err != nil {
		return content{}, err
	}
	c := content{db: db}
	if err := c.load(o); err != nil {
		return content{}, errors.Join(err, db.Close())
	}
	return c, nil
}

func (c *content) load(o Options) error {
	h, err := readHeader(c.db)
	if err != nil {
		return err
	}
	if h == nil {
		return c.create(o)
	}
	if h.Lot != o.Lot || h.Booth != o.Booth {
		return fmt.Errorf("it belongs to booth %s of lot %s", h.Booth, h.Lot)
	}
	c.author = h.Author
	tail, key, err := readTail(c.db, *h)
	if err != nil {
		return err
	}
	if !key.Equal(o.Key.Public()) {
		return errors.New("its author signs with another key")
	}
	c.head = tail
	return nil
}

// create mints an author and writes its opening fact.
func (c *content) create(o Options) error {
	c.author = mint()
	draft := fact.Draft{
		At: o.Now(), Source: "booth", Kind: fact.KindOpened,
		Body: fact.Opened{
			Booth: o.Booth, Key: o.Key.Public().(ed25519.PublicKey), Cert: o.Cert,
			Software: o.Software, Why: cmp.Or(o.Begin.Why, "new"), Replaces: o.Begin.Replaces,
		},
	}
	r, _, head, err := fact.Seal(fact.Head{HLC: o.Begin.After}, o.Key, o.stamp(c.author), draft)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(header{version, o.Lot, o.Booth, c.author})
	if err != nil {
		return fmt.Errorf("encode header: %w", err)
	}
	err = c.db.Update(func(tx *bbolt.Tx) error {
		m, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		b, err := tx.CreateBucketIfNotExists(logBucket)
		if err != nil {
			return err
		}
		if err := m.Put(metaKey, doc); err != nil {
			return err
		}
		return disk.Put(b, head.Seq, r)
	})
	if err != nil {
		return fmt.Errorf("write opening fact: %w", err)
	}
	c.head = head
	return nil
}

// mint returns a new author id: 80 random bits.
func mint() fact.Author {
	var b [10]byte
	rand.Read(b[:]) // crypto/rand never fails
	return fact.Author(strings.ToLower(base32.StdEncoding.EncodeToString(b[:])))
}

func (o *Options) stamp(author fact.Author) fact.Stamp {
	s := fact.Stamp{Lot: o.Lot, Author: author, Boot: o.Epoch(), Mono: o.Mono(), Now: o.Now()}
	rand.Read(s.Salt[:]) // crypto/rand never fails
	return s
}

// Author returns the id of the present incarnation: see [Journal.End].
func (j *Journal) Author() fact.Author {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.author
}

// Head returns the end of what is acknowledged.
func (j *Journal) Head() fact.Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// Err says why nothing more can be appended; nil while all is well.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func (j *Journal) seenClock() fact.HLC {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen
}

// Observe moves the journal's clock past one that was seen in another's fact.
func (j *Journal) Observe(seen fact.HLC) {
	now := j.o.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = j.seen.Observe(seen, now)
}

// Records returns up to n acknowledged records after a number.
func (j *Journal) Records(after uint64, n int) ([]fact.Record, error) {
	j.files.RLock()
	defer j.files.RUnlock()
	if j.db == nil {
		return nil, fmt.Errorf("read journal after %d: %w", after, ErrBroken)
	}
	upto := j.Head().Seq
	var out []fact.Record
	err := j.db.View(func(tx *bbolt.Tx) (err error) {
		out, err = disk.Range(tx.Bucket(logBucket), after, upto, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read journal after %d: %w", after, err)
	}
	return out, nil
}

// Pending is the error of an append whose caller did not wait until the disk had answered.
type Pending struct {
	j      *Journal
	answer <-chan answer
	cause  error
}

func (p *Pending) Error() string {
	return "append to journal: the disk has not answered: " + p.cause.Error()
}
func (p *Pending) Unwrap() error { return p.cause }

// Wait waits for what became of the append, as [Journal.Append] does. It may be called once.
func (p *Pending) Wait(ctx context.Context) ([]fact.Fact, error) {
	facts, err, known := p.j.await(ctx, p.answer)
	if !known {
		return nil, p
	}
	return facts, err
}

// Append stores the composed drafts and returns them as facts, synced to disk. A [Pending] error says that ctx ended
// while the write was under way: it tells later what became of it. Any other error means that none was stored.
func (j *Journal) Append(ctx context.Context, c Compose) ([]fact.Fact, error) {
	if err := j.Err(); err != nil {
		return nil, err
	}
	a := &ask{compose: c, answer: make(chan answer, 1)}
	select {
	case j.asks <- a:
	case <-j.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("append to journal: %w", ctx.Err())
	}
	facts, err, known := j.await(ctx, a.answer)
	if known {
		return facts, err
	}
	if a.claim.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("append to journal: it came too late to be stored: %w", ctx.Err())
	}
	return nil, &Pending{j, a.answer, ctx.Err()}
}

// await returns the answer to an append. It is not known when ctx ended first.
func (j *Journal) await(ctx context.Context, from <-chan answer) (facts []fact.Fact, err error, known bool) {
	select {
	case r := <-from:
		return r.facts, r.err, true
	case <-j.done:
		select { // it may have been answered before Run ended
		case r := <-from:
			return r.facts, r.err, true
		default:
			return nil, ErrClosed, true
		}
	case <-ctx.Done():
		return nil, nil, false
	}
}

// Close releases the file. Call it after Run has returned.
func (j *Journal) Close() error {
	j.ended.Do(func() { close(j.done) })
	j.files.Lock()
	defer j.files.Unlock()
	var faults []error
	if j.db != nil {
		faults = append(faults, j.db.Close())
		j.db = nil
	}
	faults = append(faults, j.letGo())
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}
