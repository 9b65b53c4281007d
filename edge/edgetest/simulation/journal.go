package simulation

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/fact"
)

// log is what lies on a simulated disk: a journal's records. As in the real file, one append is one transaction: after a
// crash all of it is there, or none; and after a failed write the journal goes on by itself as soon as the disk does.
type log struct {
	author  fact.Author
	records []fact.Record
	head    fact.Head
}

// own is an open simulated journal: what package journal promises a lot, over a log. own_test.go holds both to it.
type own struct {
	lot   string
	log   *log
	key   ed25519.PrivateKey
	boot  string
	now   func() time.Time
	mono  func() int64
	salt  *rand.Rand
	fault func() error                // why the disk does not take a write; nil: it does
	at    func(where string)          // a boundary at which the process may die
	acked func(records []fact.Record) // told what was acknowledged

	seen fact.HLC
}

// openOwn opens a log, and writes the opening of a new one.
func openOwn(o own, opened fact.Opened) (*own, error) {
	j := &o
	if j.log.head.Seq > 0 {
		return j, nil
	}
	_, err := j.Append(context.Background(), func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: j.now(), Source: "booth", Kind: fact.KindOpened, Body: opened}}
	})
	return j, err
}

// Author, Head, Records, Observe and Append are lot.Own.
func (j *own) Author() fact.Author { return j.log.author }

func (j *own) Head() fact.Head { return j.log.head }

func (j *own) Observe(seen fact.HLC) { j.seen = j.seen.Observe(seen, j.now()) }

func (j *own) Records(after uint64, n int) ([]fact.Record, error) {
	all := j.log.records
	all = all[min(after, uint64(len(all))):]
	return all[:min(max(n, 0), len(all))], nil
}

func (j *own) Append(_ context.Context, c journal.Compose) ([]fact.Fact, error) {
	j.at("before the journal is written")
	head, first, asked := j.log.head, j.log.head.Seq+1, 0
	drafts := c(func(i int) fact.ID {
		asked = max(asked, i+1)
		return fact.ID{Author: j.log.author, Seq: first + uint64(max(i, 0))}
	})
	if asked > len(drafts) {
		return nil, errors.New("append: a draft names one that was not given")
	}
	var records []fact.Record
	var facts []fact.Fact
	for _, d := range drafts {
		from := head
		from.HLC = max(from.HLC, j.seen)
		stamp := fact.Stamp{Lot: j.lot, Author: j.log.author, Boot: j.boot, Mono: j.mono(), Now: j.now()}
		for i := range stamp.Salt {
			stamp.Salt[i] = byte(j.salt.Uint32())
		}
		r, f, next, err := fact.Seal(from, j.key, stamp, d)
		if err != nil {
			return nil, fmt.Errorf("append: %w", err)
		}
		head, records, facts = next, append(records, r), append(facts, f)
	}
	if err := j.fault(); err != nil {
		return nil, fmt.Errorf("%w: %w", journal.ErrBroken, err)
	}
	// Until it is synced the transaction does not count: the file's newest header still names the one before.
	j.at("journal written, not synced")
	j.log.records, j.log.head = append(j.log.records, records...), head
	j.at("journal synced, not answered")
	j.acked(records)
	return facts, nil
}
