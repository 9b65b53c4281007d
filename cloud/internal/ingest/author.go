package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// sequenceMax is how many waiting drafts one transaction numbers.
const sequenceMax = 200

// draft is a fact.Draft in the outbox.
type draft struct {
	At     time.Time       `json:"at"`
	Kind   fact.Kind       `json:"kind"`
	V      int             `json:"v"`
	Refs   []fact.ID       `json:"refs,omitempty"`
	Body   json.RawMessage `json:"body"`
	Hidden json.RawMessage `json:"hidden,omitempty"`
}

// Author says something in a lot's log, in the caller's transaction: after its commit the fact is numbered, chained,
// signed, folded and sent to the lot's booths; after a rollback it was never said. The number returned names the row
// of the outbox; [Service.Authored] tells which fact became of it. A draft that the fold could not use is an error now.
func (s *Service) Author(tx *database.Tx, lot string, d fact.Draft) (int64, error) {
	row := draft{At: d.At.UTC(), Kind: d.Kind, V: max(d.V, 1), Refs: d.Refs}
	var err error
	if row.Body, err = json.Marshal(d.Body); err != nil {
		return 0, fmt.Errorf("author %s: %w", d.Kind, err)
	}
	if d.Hidden != nil {
		if row.Hidden, err = json.Marshal(d.Hidden); err != nil {
			return 0, fmt.Errorf("author %s: %w", d.Kind, err)
		}
	}
	// A draft that cannot be sealed later would stop the lot's line, so it is tried now.
	_, f, _, err := fact.Seal(fact.Head{Seq: 1, Hash: fact.Hash{1}}, s.o.Identity.Key, fact.Stamp{Lot: lot, Author: "aaaaaaaaaaaaaaaa", Boot: s.boot, Now: d.At}, row.draft())
	if err != nil {
		return 0, fmt.Errorf("author: %w", err)
	}
	if err := session.Judge(&f); err != nil {
		return 0, fmt.Errorf("author: %w", err)
	}
	doc, err := json.Marshal(row)
	if err != nil {
		return 0, fmt.Errorf("author %s: %w", d.Kind, err)
	}
	n, err := s.store.putDraft(tx, lot, doc, s.o.Now().UTC())
	if err != nil {
		return 0, err
	}
	tx.AfterCommit(s.poke)
	return n, nil
}

func (d draft) draft() fact.Draft {
	out := fact.Draft{At: d.At, Source: Cloud, Kind: d.Kind, V: d.V, Refs: d.Refs, Body: d.Body}
	if d.Hidden != nil {
		out.Hidden = d.Hidden
	}
	return out
}

// Authored returns the fact that became of a draft; ok is false while it waits.
func (s *Service) Authored(ctx context.Context, outbox int64) (fact.ID, bool, error) {
	return s.store.authored(ctx, outbox)
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sequence numbers what waits in all lots, until nothing waits.
func (s *Service) sequence(ctx context.Context) error {
	lots, err := s.store.waiting(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, lot := range lots {
		for {
			n, err := s.Sequence(ctx, lot)
			if err != nil {
				errs = append(errs, err)
			}
			if err != nil || n < sequenceMax {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// Sequence numbers, chains and signs up to 200 of a lot's waiting drafts, stores and folds them, and sends them to the
// lot's booths. One replica at a time works on a lot. It returns how many drafts it took.
func (s *Service) Sequence(ctx context.Context, lot string) (int, error) {
	var batch exchange.Batch
	taken := 0
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		batch, taken = exchange.Batch{Lot: lot}, 0
		drafts, err := s.store.takeDrafts(tx, lot, sequenceMax)
		if err != nil || len(drafts) == 0 {
			return err
		}
		taken = len(drafts)
		return s.seal(tx, lot, drafts, &batch)
	})
	if err != nil {
		return 0, fmt.Errorf("sequence %s: %w", lot, err)
	}
	if taken > 0 {
		s.spread(ctx, batch)
	}
	return taken, nil
}

type waitingDraft struct {
	outbox int64
	draft  draft
}

func (s *Service) seal(tx *database.Tx, lot string, drafts []waitingDraft, batch *exchange.Batch) error {
	now := s.o.Now().UTC()
	author, err := s.store.cloudAuthor(tx, lot)
	if err != nil {
		return err
	}
	opening := author == ""
	if opening {
		author = fact.Author(newName())
		if err := s.store.putCloudAuthor(tx, lot, author, s.boot, now); err != nil {
			return err
		}
	}
	log, exists, err := s.store.lockAuthor(tx, lot, author)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("there is no lot %s", lot)
	}
	head, err := s.store.newestClock(tx, lot, log.Head, now)
	if err != nil {
		return err
	}
	k := kept{author: author, booth: Cloud, res: exchange.Result{Verdict: exchange.Accepted}}
	add := func(d fact.Draft) (fact.ID, error) {
		stamp := fact.Stamp{Lot: lot, Author: author, Boot: s.boot, Mono: s.o.Now().Sub(s.started).Nanoseconds(), Now: now, Salt: newSalt()}
		r, f, next, err := fact.Seal(head, s.o.Identity.Key, stamp, d)
		if err != nil {
			return fact.ID{}, err
		}
		head = next
		k.res.Records, k.res.Facts = append(k.res.Records, r), append(k.res.Facts, f)
		return f.ID(), nil
	}
	key := publicKey(s.o.Identity.Key)
	if opening {
		opened := fact.Opened{Booth: Cloud, Key: key, Cert: s.o.Identity.Cert, Software: s.o.Software, Why: "new"}
		if _, err := add(fact.Draft{At: now, Source: Cloud, Kind: fact.KindOpened, Body: opened}); err != nil {
			return err
		}
	}
	done := map[int64]fact.ID{}
	for _, w := range drafts {
		id, err := add(w.draft.draft())
		if err != nil {
			return err
		}
		done[w.outbox] = id
	}
	k.log = exchange.Log{Head: head, Key: key}
	if err := s.store.markDrafts(tx, done); err != nil {
		return err
	}
	batch.Author, batch.Records = author, k.res.Records
	return s.keep(tx, lot, k)
}
