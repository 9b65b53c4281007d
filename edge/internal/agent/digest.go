package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// Digest is what a booth holds, recomputed from its disk: nodes with equal cursors have equal digests.
type Digest struct {
	Lot      string            `json:"lot"`
	Booth    string            `json:"booth"`
	Facts    uint64            `json:"facts"`
	Cursors  map[string]uint64 `json:"cursors"` // by author
	FactsSum fact.Hash         `json:"facts_digest"`
	Sessions fact.Hash         `json:"sessions_digest"`
	Bills    fact.Hash         `json:"bills_digest"`
	Inside   int               `json:"inside"`
	Sums     session.Sums      `json:"sums"`
}

// source is what a digest is made of: *lot.Lot.
type source interface {
	Cursors() exchange.Cursors
	Records(a fact.Author, after uint64, n int) ([]fact.Record, error)
}

// digest reads every log from the disk, follows its chain, and folds it anew.
func digest(l source, lotID, booth string) (Digest, error) {
	d := Digest{Lot: lotID, Booth: booth, Cursors: map[string]uint64{}}
	cursors := l.Cursors()
	book := session.NewBook()
	for _, a := range cursors.Authors() {
		head, end := fact.Head{}, cursors[a]
		for head.Seq < end.Seq {
			records, err := l.Records(a, head.Seq, int(min(end.Seq-head.Seq, exchange.MaxRecords)))
			if err != nil {
				return d, err
			}
			facts, next, err := fact.Follow(head, lotID, a, records, nil)
			if err != nil {
				return d, err
			}
			if next.Seq == head.Seq {
				return d, fmt.Errorf("log of %s ends at %d, its cursor says %d", a, head.Seq, end.Seq)
			}
			book.Add(facts...)
			head = next
		}
		if head.Hash != end.Hash {
			return d, fmt.Errorf("log of %s has another hash at %d than its cursor", a, head.Seq)
		}
		d.Cursors[string(a)] = end.Seq
		d.Facts += end.Seq
	}
	d.FactsSum, d.Sessions, d.Bills = cursors.Digest(), book.Digest(), book.BillDigest()
	d.Inside, d.Sums = len(book.Inside()), book.Sums()
	return d, nil
}

// Digest implements [console.Booth].
func (a *Agent) Digest() (any, error) {
	return digest(a.lot, a.identity.Lot, a.identity.Booth)
}

// DigestAt recomputes the digest of a stopped booth from its data folder. A running one holds its files locked: ask its
// console.
func DigestAt(data string, log *slog.Logger) (d Digest, err error) {
	id, err := enroll.Load(data)
	if err != nil {
		return d, err
	}
	// Opening a journal that is not there would begin one.
	path := filepath.Join(data, journalFile)
	if _, err := os.Stat(path); err != nil {
		return d, fmt.Errorf("the booth has no journal yet: %w", err)
	}
	now := time.Now //nolint:forbidigo // a tool's own clock: only stamps what is appended, and nothing is
	j, err := journal.Open(path, journal.Options{
		Lot: id.Lot, Booth: id.Booth, Key: id.Key, Cert: id.Cert, Boot: "digest", Now: now,
		Mono: func() int64 { return 1 }, Log: log,
	})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	l, err := lot.Open(filepath.Join(data, lotFile), j, lot.Options{
		Lot: id.Lot, Booth: id.Booth, Keys: id.Trust(), ConfigKey: id.ConfigKey, Now: now, Log: log,
	})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return digest(l, id.Lot, id.Booth)
}
