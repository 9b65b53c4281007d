// Package journal is a booth's own log: the facts it authored, in one bbolt file.
//
// Invariants:
//   - what Append returned without an error is on the disk, synced, and stays;
//   - facts are numbered, chained and signed in the order they are stored, by one goroutine;
//   - one Append is one transaction: all of its facts are there, or none;
//   - after a failed write the journal refuses to go on until it is opened again and has read what truly is on the disk.
//
// DESIGN.md beside this file says why it is as it is.
package journal

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

// ErrBroken says that a write failed. What reached the disk is unknown until the journal is opened again.
var ErrBroken = errors.New("journal cannot be written")

// ErrClosed says that the journal is closed or its Run has ended.
var ErrClosed = errors.New("journal is closed")

// Options say whose journal it is. All but Cert and Log must be set.
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
}

// Compose makes the drafts of one append. It runs while the journal's writer waits, so it must be quick and must not
// call the journal. id(i) is the id that the i-th returned draft will get: drafts may name each other in Refs and Body.
type Compose func(id func(i int) fact.ID) []fact.Draft

// Journal is an open journal. It is safe for concurrent use. Between Open and Close exactly one Run must be going for
// Append to make progress.
type Journal struct {
	o      Options
	db     *bbolt.DB
	author fact.Author
	asks   chan *ask
	done   chan struct{} // closed when Run ends
	ended  sync.Once

	mu   sync.Mutex
	head fact.Head // of what is acknowledged
	seen fact.HLC  // latest clock heard of
	err  error     // why nothing more is appended
}

type ask struct {
	compose Compose
	answer  chan answer // room for one: the writer never waits for a caller that went away
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
	db, err := disk.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{o: o, db: db, asks: make(chan *ask, 64), done: make(chan struct{})}
	if err := j.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), db.Close())
	}
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

func (j *Journal) load() error {
	h, err := readHeader(j.db)
	if err != nil {
		return err
	}
	if h == nil {
		return j.create()
	}
	if h.Lot != j.o.Lot || h.Booth != j.o.Booth {
		return fmt.Errorf("it belongs to booth %s of lot %s", h.Booth, h.Lot)
	}
	j.author = h.Author
	tail, key, err := readTail(j.db, *h)
	if err != nil {
		return err
	}
	if !key.Equal(j.o.Key.Public()) {
		return errors.New("its author signs with another key")
	}
	j.head = tail
	return nil
}

// create mints the author and writes its opening fact.
func (j *Journal) create() error {
	j.author = mint()
	draft := fact.Draft{
		At: j.o.Now(), Source: "booth", Kind: fact.KindOpened,
		Body: fact.Opened{
			Booth: j.o.Booth, Key: j.o.Key.Public().(ed25519.PublicKey), Cert: j.o.Cert,
			Software: j.o.Software, Why: "new",
		},
	}
	r, _, head, err := fact.Seal(fact.Head{}, j.o.Key, j.stamp(), draft)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(header{1, j.o.Lot, j.o.Booth, j.author})
	if err != nil {
		return fmt.Errorf("encode header: %w", err)
	}
	err = j.db.Update(func(tx *bbolt.Tx) error {
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
	j.head = head
	return nil
}

// mint returns a new author id: 80 random bits.
func mint() fact.Author {
	var b [10]byte
	rand.Read(b[:]) // crypto/rand never fails
	return fact.Author(strings.ToLower(base32.StdEncoding.EncodeToString(b[:])))
}

func (j *Journal) stamp() fact.Stamp {
	s := fact.Stamp{Lot: j.o.Lot, Author: j.author, Boot: j.o.Epoch(), Mono: j.o.Mono(), Now: j.o.Now()}
	rand.Read(s.Salt[:]) // crypto/rand never fails
	return s
}

// Author returns this incarnation's id.
func (j *Journal) Author() fact.Author { return j.author }

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

// Observe moves the journal's clock past one that was seen in another's fact.
func (j *Journal) Observe(seen fact.HLC) {
	now := j.o.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = j.seen.Observe(seen, now)
}

// Records returns up to n acknowledged records after a number.
func (j *Journal) Records(after uint64, n int) ([]fact.Record, error) {
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

// Append stores the composed drafts and returns them as facts, synced to disk. When ctx ends first, whether they were
// stored is unknown to the caller; the log itself is whole either way. An error that is not of ctx means that none was.
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
	select {
	case r := <-a.answer:
		return r.facts, r.err
	case <-j.done:
		select { // it may have been answered before Run ended
		case r := <-a.answer:
			return r.facts, r.err
		default:
			return nil, ErrClosed
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("append to journal: %w", ctx.Err())
	}
}

// Close releases the file. Call it after Run has returned.
func (j *Journal) Close() error {
	j.ended.Do(func() { close(j.done) })
	if err := j.db.Close(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}
