// Package ingest takes the facts of all lots into the cloud, exactly once, and keeps the tables that people read.
//
// What it promises:
//   - a batch is one transaction: the author's cursor row is locked, the rules of exchange judge, the author's exact bytes
//     are stored, the vehicles they touch are folded again; only after the commit is the cursor told to the booth;
//   - sessions and passages are projections: at every commit they equal the fold of the lot's stored facts, whatever the
//     order, number and size of the batches, and [Rebuild] makes the same rows from nothing;
//   - a fact that cannot be applied is stored and set aside with an alarm; the line moves on;
//   - an author that wrote two logs is closed; an author that the cloud did not certify for this lot is not heard;
//   - what the cloud has to say in a lot ([Service.Author]) is written in the transaction of what it tells, and numbered,
//     chained and signed later by one sequencer per lot.
//
// DESIGN.md beside this file says how, and why so.
package ingest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// Identity is what the cloud signs its own facts with.
type Identity struct {
	Key  ed25519.PrivateKey
	Cert []byte // DER; carries the public half, URI lotkeeper:cloud
}

// Broker is the part of the message broker that ingest speaks to.
type Broker interface {
	// Publish hands a message over; an error means that it was not taken. Delivery is known from cursors alone.
	Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error
}

// Options of a Service. All but OnCursor are required.
type Options struct {
	DB       *database.DB
	Trust    Trust
	Identity Identity
	Broker   Broker
	Software string
	Now      func() time.Time
	Log      *slog.Logger
	// OnCursor is told what a booth says of itself; it runs in the worker that got the message.
	OnCursor func(ctx context.Context, lot, booth string, c wire.Cursor) error
}

// Service ingests. Its methods are safe for concurrent use, by any number of replicas on one database.
type Service struct {
	o       Options
	store   store
	boot    string
	started time.Time
	wake    chan struct{} // the outbox has something

	mu   sync.Mutex
	sent map[flight]sending // what was last sent down, so that a restated cursor is not answered twice at once
}

// New makes a Service; Run makes it work.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Broker == nil || o.Now == nil || o.Log == nil || o.Trust == nil {
		return nil, errors.New("ingest: DB, Broker, Trust, Now and Log are required")
	}
	if len(o.Identity.Key) != ed25519.PrivateKeySize || len(o.Identity.Cert) == 0 {
		return nil, errors.New("ingest: the cloud's key and certificate are required")
	}
	return &Service{
		o: o, store: store{o.DB}, boot: newName(), started: o.Now(), wake: make(chan struct{}, 1), sent: map[flight]sending{},
	}, nil
}

// Taken is what became of a batch.
type Taken struct {
	Verdict exchange.Verdict
	Head    fact.Head // the author's cursor afterwards
	Fresh   int       // facts that were new
	Poor    int       // of them, set aside
	Cause   error     // why it was not accepted
}

// errRefused rolls a transaction back whose batch changed nothing.
var errRefused = errors.New("ingest: refused")

// Take ingests a batch. Its error is of the machinery (try again); what is wrong with the batch is in Taken.
func (s *Service) Take(ctx context.Context, b exchange.Batch) (Taken, error) {
	var out Taken
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		out = Taken{}
		log, exists, err := s.store.lockAuthor(tx, b.Lot, b.Author)
		if err != nil {
			return err
		}
		if !exists {
			out = Taken{Verdict: exchange.Refused, Cause: fmt.Errorf("there is no lot %.40q", b.Lot)}
			return errRefused
		}
		admitted := admission{lot: b.Lot, trust: s.o.Trust}
		rules := exchange.Rules{Lot: b.Lot, Keys: &admitted, Judge: session.Judge}
		res, after, err := rules.Take(log, b, func(seq uint64, n int) ([]fact.Record, error) {
			return s.store.records(tx, b.Lot, b.Author, seq, n)
		})
		if err != nil {
			return fmt.Errorf("judge batch of %s: %w", b.Author, err)
		}
		out = Taken{Verdict: res.Verdict, Head: res.Head, Cause: res.Cause, Fresh: len(res.Facts), Poor: len(res.Poor)}
		switch res.Verdict {
		case exchange.Accepted:
			return s.keep(tx, b.Lot, kept{author: b.Author, booth: admitted.booth, log: after, res: res})
		case exchange.Forked:
			return s.closeAuthor(tx, b.Lot, b.Author, res.Cause)
		}
		return errRefused
	})
	if errors.Is(err, errRefused) {
		err = nil
	}
	if err != nil {
		return Taken{}, fmt.Errorf("ingest batch of %s in %s: %w", b.Author, b.Lot, err)
	}
	return out, nil
}

// kept is an accepted piece of one author's log.
type kept struct {
	author fact.Author
	booth  string // of a new author
	log    exchange.Log
	res    exchange.Result
}

// keep stores accepted facts and folds the vehicles they touch. Folding is one at a time in a lot, after the facts are
// in: two batches of one vehicle by two authors would else each fold without the other's half.
func (s *Service) keep(tx *database.Tx, lot string, k kept) error {
	now := s.o.Now().UTC()
	if err := s.store.saveFacts(tx, lot, k.res.Facts, k.res.Records, now); err != nil {
		return err
	}
	if err := s.store.saveAuthor(tx, lot, k, now); err != nil {
		return err
	}
	if err := s.quarantine(tx, lot, k.res, now); err != nil {
		return err
	}
	if err := s.boothAlarms(tx, lot, k); err != nil {
		return err
	}
	if err := s.store.lockFold(tx, lot); err != nil {
		return err
	}
	return s.refold(tx, lot, k.res.Facts)
}

func (s *Service) closeAuthor(tx *database.Tx, lot string, author fact.Author, cause error) error {
	now := s.o.Now().UTC()
	if err := s.store.closeAuthor(tx, lot, author, cause.Error(), now); err != nil {
		return err
	}
	return s.store.raise(tx, Alarm{
		Lot: lot, Kind: "author.forked", Subject: string(author),
		ZH: "岗亭日志分叉，已停止接收：" + string(author), EN: "A booth's log forked and was closed: " + string(author),
	}, now)
}

func (s *Service) quarantine(tx *database.Tx, lot string, res exchange.Result, now time.Time) error {
	if len(res.Poor) == 0 {
		return nil
	}
	kinds := map[fact.ID]fact.Kind{}
	for i := range res.Facts {
		kinds[res.Facts[i].ID()] = res.Facts[i].Kind
	}
	for _, p := range res.Poor {
		if err := s.store.setAside(tx, lot, p.ID, kinds[p.ID], p.Cause, now); err != nil {
			return err
		}
	}
	author := res.Poor[0].ID.Author
	return s.store.raise(tx, Alarm{
		Lot: lot, Kind: "fact.quarantined", Subject: string(author),
		ZH: "有无法使用的记录被隔离，来自 " + string(author), EN: "Facts that cannot be used were set aside, by " + string(author),
	}, now)
}

// Cursors returns how far the cloud's copies of a lot's logs reach, and which authors are closed.
func (s *Service) Cursors(ctx context.Context, lot string) (exchange.Cursors, []fact.Author, error) {
	return s.store.cursors(ctx, lot)
}
