package salvage

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sort"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// Memory is the lot: *lot.Lot.
type Memory interface {
	Author() fact.Author
	Cursors() exchange.Cursors
	Records(a fact.Author, after uint64, n int) ([]fact.Record, error)
	Merge(b exchange.Batch) (exchange.Result, error)
	Append(ctx context.Context, c journal.Compose) ([]fact.Fact, error)
	View(f func(*session.Book))
	Watch(ctx context.Context) *lot.Watch
	Claims(a fact.Author) map[string]lot.Claim
	Expect(a fact.Author)
	Settled(a fact.Author, refold bool) error
}

// Settler gives a lot what ended logs hold.
type Settler struct {
	Store *Store
	Lot   string
	Key   ed25519.PublicKey // the booth's
	Spare string            // folder of the second copy of money facts
	Mem   Memory
	Log   *slog.Logger
}

// Now settles every open item that needs nobody else: the logs of damaged files. What of such a log follows its opening
// without a gap is taken as the ended author's own, which peers and the cloud take from us and complete. What comes after
// the first gap nobody could take: the new incarnation tells it again, at once, for it may be nowhere else. It is called
// before [Settler.Run] and before anything ends an incarnation.
func (s *Settler) Now(ctx context.Context) error {
	items, cut, err := s.open()
	if err != nil {
		return err
	}
	for _, it := range cut {
		if err := s.Store.Drop(it); err != nil {
			return err
		}
	}
	for _, it := range items {
		if it.Why != WhyDamaged {
			continue
		}
		if err := s.with(it, func(r *journal.Remains) error { return s.damaged(ctx, &it, r) }); err != nil {
			return fmt.Errorf("salvage %s: %w", it.Name, err)
		}
	}
	return nil
}

// Run settles the logs of incarnations that others ended, until ctx ends or nothing is open. It waits for what the others
// hold: only they know how far the log that counts goes.
func (s *Settler) Run(ctx context.Context) error {
	watch := s.Mem.Watch(ctx)
	for {
		items, _, err := s.open()
		if err != nil {
			return err
		}
		waits := false
		for _, it := range items {
			if it.Why == WhyDamaged {
				continue
			}
			s.Mem.Expect(it.Author)
			done := false
			err := s.with(it, func(r *journal.Remains) (err error) { done, err = s.ended(ctx, &it, r); return err })
			if err != nil {
				return fmt.Errorf("salvage %s: %w", it.Name, err)
			}
			waits = waits || !done
		}
		if !waits {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			watch.Take()
		}
	}
}

// open returns the journals with which something is to be done. One whose file is not there, or is the journal in use, is
// of a change of authors that is under way or was cut off.
func (s *Settler) open() (open, cut []Item, err error) {
	all, err := s.Store.Items()
	if err != nil {
		return nil, nil, err
	}
	for _, it := range all {
		_, missing := os.Lstat(s.Store.Path(it))
		switch {
		case !it.Open:
		case errors.Is(missing, os.ErrNotExist), it.Author != "" && it.Author == s.Mem.Author():
			cut = append(cut, it)
		default:
			open = append(open, it)
		}
	}
	return open, cut, nil
}

func (s *Settler) with(it Item, do func(*journal.Remains) error) error {
	r, err := journal.OpenRemains(s.Store.Path(it), s.Spare, s.Key)
	if err != nil {
		return err
	}
	return errors.Join(do(r), r.Close())
}

func (s *Settler) damaged(ctx context.Context, it *Item, r *journal.Remains) error {
	it.Author = r.Author
	if r.Author != "" {
		if err := s.take(r, it, r.Last); err != nil {
			return err
		}
		if err := s.tell(ctx, r, it, s.head(r).Seq, 0, ""); err != nil {
			return err
		}
	}
	it.Open = false
	s.Log.Warn("what a damaged journal held is salvaged", "author", it.Author, "file", it.Name, "last", r.Last, "taken", it.Taken, "told", it.Told, "missing", it.Missing)
	return s.Store.Note(*it)
}

func (s *Settler) head(r *journal.Remains) fact.Head { return s.Mem.Cursors()[r.Author] }

// take gives the lot the log's records up to a number, as far as they follow without a gap.
func (s *Settler) take(r *journal.Remains, it *Item, upto uint64) error {
	for {
		head := s.head(r)
		records := exchange.Cut(r.Follow(head, upto, exchange.MaxRecords))
		if len(records) == 0 {
			it.Taken = head.Seq
			return nil
		}
		res, err := s.Mem.Merge(exchange.Batch{Lot: s.Lot, Author: r.Author, Records: records})
		if err != nil {
			return err
		}
		if res.Verdict != exchange.Accepted {
			s.Log.Error("an ended log is not taken", "author", r.Author, "seq", head.Seq, "verdict", res.Verdict, "err", res.Cause)
			it.Taken = head.Seq
			return nil
		}
	}
}

// tellAtOnce is how many facts are told again in one append.
const tellAtOnce = 100

// tell tells again what the log holds after a number, but for what the lot has already.
func (s *Settler) tell(ctx context.Context, r *journal.Remains, it *Item, after, fork uint64, other fact.Author) error {
	var drafts []fact.Draft
	flush := func() error {
		if len(drafts) == 0 {
			return nil
		}
		_, err := s.Mem.Append(ctx, func(func(int) fact.ID) []fact.Draft { return drafts })
		drafts = nil
		return err
	}
	found := uint64(0)
	for f, rec := range r.After(after) {
		found++
		d, ok := s.draft(f, rec, fork, other)
		if !ok {
			continue
		}
		it.Told++
		if drafts = append(drafts, d); len(drafts) == tellAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	it.Missing = r.Last - min(r.Last, after+found)
	return flush()
}

// draft says how a fact is told again; ok is false when it need not be.
func (s *Settler) draft(f fact.Fact, rec fact.Record, fork uint64, other fact.Author) (fact.Draft, bool) {
	if f.Kind == fact.KindRetold { // what it carries goes on its way
		d := fact.Draft{At: f.At, Source: f.Source, Kind: f.Kind, Refs: f.Refs, Body: f.Body}
		if f.Private != nil {
			d.Hidden = f.Private
		}
		return d, !s.has(f.Refs[0])
	}
	if f.Kind == fact.KindOpened || f.Kind == fact.KindClock {
		return fact.Draft{}, false
	}
	d, err := fact.Tell(rec, fork, other)
	if err != nil {
		s.Log.Error("a fact cannot be told again", "author", f.Author, "seq", f.Seq, "err", err)
		return fact.Draft{}, false
	}
	return d, !s.has(d.Refs[0])
}

// has reports whether a fact came by another's log, or was told again already.
func (s *Settler) has(id fact.ID) bool {
	if s.Mem.Cursors()[id.Author].Seq >= id.Seq {
		return true
	}
	told := false
	s.Mem.View(func(b *session.Book) { told = b.Retold(id) })
	return told
}

// ended settles a whole log that others ended, if what they hold of it is here by now.
func (s *Settler) ended(ctx context.Context, it *Item, r *journal.Remains) (done bool, err error) {
	if err := s.take(r, it, it.Agreed.Seq); err != nil { // what somebody else is known to hold too
		return false, err
	}
	head := s.head(r)
	if head.Seq == 0 {
		return false, nil
	}
	parted, err := s.parted(r, head)
	switch {
	case err != nil:
		return false, err
	case parted > 0:
		return true, s.forked(ctx, it, r, parted)
	case head.Seq < r.Last && !s.level(r.Author, head):
		return false, nil
	}
	if err := s.tell(ctx, r, it, head.Seq, 0, ""); err != nil {
		return false, err
	}
	it.Taken = head.Seq
	return true, s.settled(it, false)
}

func (s *Settler) forked(ctx context.Context, it *Item, r *journal.Remains, parted uint64) error {
	var first fact.Record
	for _, rec := range r.After(parted - 1) {
		first = rec
		break
	}
	it.Taken, it.Forked = parted-1, parted
	if err := s.tell(ctx, r, it, parted-1, parted, fact.Branch(first)); err != nil {
		return err
	}
	return s.settled(it, true)
}

func (s *Settler) settled(it *Item, refold bool) error {
	if err := s.Mem.Settled(it.Author, refold); err != nil {
		return err
	}
	it.Open = false
	s.Log.Warn("an ended incarnation is settled", "author", it.Author, "why", it.Why, "taken", it.Taken, "told", it.Told, "forked", it.Forked)
	return s.Store.Note(*it)
}

// level reports whether nobody claims to hold more of a log than we do by now, and somebody has spoken.
func (s *Settler) level(a fact.Author, head fact.Head) bool {
	claims := s.Mem.Claims(a)
	for _, c := range claims {
		if c.Head.Seq > head.Seq {
			return false
		}
	}
	return len(claims) > 0
}

// parted returns the first number at which what others hold of a log is not what the remains hold; 0 when there is none.
func (s *Settler) parted(r *journal.Remains, head fact.Head) (uint64, error) {
	same := func(seq uint64) (bool, error) {
		if seq == head.Seq {
			return r.Has(seq, head.Hash), nil
		}
		at, err := s.Mem.Records(r.Author, seq-1, 1)
		if err != nil || len(at) == 0 {
			return false, errors.Join(fmt.Errorf("record %d of %s is not here", seq, r.Author), err)
		}
		return r.Has(seq, at[0].Hash()), nil
	}
	reach := min(head.Seq, r.Last)
	if reach == 0 {
		return 0, nil
	}
	if ok, err := same(reach); ok || err != nil {
		return 0, err
	}
	var fault error
	n := sort.Search(int(reach), func(i int) bool {
		ok, err := same(uint64(i) + 1)
		fault = errors.Join(fault, err)
		return !ok
	})
	return uint64(n) + 1, fault
}
