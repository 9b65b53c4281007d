// Package memory keeps a lot's facts in memory by the rules of exchange, as the cloud's ingest keeps them in Postgres and
// a booth in its file. It is what the simulated cloud stands on; exchangetest holds all three to the same promises.
package memory

import (
	"slices"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// Store holds one lot's facts and their fold. It is not safe for concurrent use.
type Store struct {
	rules   exchange.Rules
	logs    map[fact.Author]exchange.Log
	records map[fact.Author][]fact.Record
	book    *session.Book
}

// New returns an empty store of a lot whose authors keys admits.
func New(lot string, keys exchange.Keys) *Store {
	return &Store{
		rules: exchange.Rules{Lot: lot, Keys: keys, Judge: session.Judge},
		logs:  map[fact.Author]exchange.Log{}, records: map[fact.Author][]fact.Record{}, book: session.NewBook(),
	}
}

// Take judges a batch, and stores and folds what of it is new.
func (s *Store) Take(b exchange.Batch) exchange.Result {
	res, log, err := s.rules.Take(s.logs[b.Author], b, func(after uint64, n int) ([]fact.Record, error) {
		return s.Records(b.Author, after, n), nil
	})
	if err != nil { // the reader above has none
		return exchange.Result{Verdict: exchange.Refused, Head: s.logs[b.Author].Head, Cause: err}
	}
	switch res.Verdict {
	case exchange.Accepted:
		s.records[b.Author] = append(s.records[b.Author], res.Records...)
		s.logs[b.Author] = log
		s.book.Add(res.Facts...)
	case exchange.Forked:
		s.logs[b.Author] = log
	}
	return res
}

// Cursors says how far the copies of the logs reach.
func (s *Store) Cursors() exchange.Cursors {
	c := exchange.Cursors{}
	for a, log := range s.logs {
		if log.Head.Seq > 0 {
			c[a] = log.Head
		}
	}
	return c
}

// Closed returns the authors of which nothing more is taken, sorted.
func (s *Store) Closed() []fact.Author {
	var out []fact.Author
	for a, log := range s.logs {
		if log.Closed {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// Records returns up to n records of an author after a number.
func (s *Store) Records(a fact.Author, after uint64, n int) []fact.Record {
	kept := s.records[a]
	kept = kept[min(after, uint64(len(kept))):]
	return kept[:min(n, len(kept))]
}

// Book returns the fold. The caller must not change it.
func (s *Store) Book() *session.Book { return s.book }

// Copy returns a store that holds the same now and goes its own way from here: a backup.
func (s *Store) Copy() *Store {
	c := New(s.rules.Lot, s.rules.Keys)
	for a, log := range s.logs {
		c.logs[a] = log
		c.records[a] = slices.Clip(s.records[a])
		for _, r := range s.records[a] {
			if f, err := fact.Unseal(r); err == nil { // it was unsealed when it was taken
				c.book.Add(f)
			}
		}
	}
	return c
}
