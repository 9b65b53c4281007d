package journal

import (
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/journal/spare"
	"lotkeeper/shared/fact"
)

// Remains is what can be read of a journal's file that is out of use, whole or damaged, with the second copy of its money
// facts. Every record that it gives carries the author's valid signature. It never fails on what the file holds.
type Remains struct {
	Lot, Booth string
	Author     fact.Author // "" when nothing could be read
	Last       uint64      // the highest number of a record that was found

	key    ed25519.PublicKey
	f      *os.File
	places []place       // by number
	copies []fact.Record // by number, of the author
	seqs   []uint64      // of copies
}

// place is where a record lies, or did once.
type place struct {
	seq  uint64
	at   int64
	size int
}

// OpenRemains reads through a file of a booth that signs with key. spareDir is the folder of the second copy; "" is none.
func OpenRemains(path, spareDir string, key ed25519.PublicKey) (*Remains, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read remains: %w", err)
	}
	r := &Remains{key: key, f: f}
	err = disk.Scan(f, func(e disk.Element) {
		switch {
		case string(e.Key) == string(metaKey):
			r.header(e)
		case len(e.Key) == 8:
			r.places = append(r.places, place{binary.BigEndian.Uint64(e.Key), e.At, e.Size})
		}
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	slices.SortStableFunc(r.places, func(x, y place) int { return cmp.Compare(x.seq, y.seq) })
	r.name()
	if spareDir != "" {
		if err := r.readCopies(spareDir); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	for _, p := range slices.Backward(r.places) {
		if _, _, ok := r.read(p); ok {
			r.Last = max(r.Last, p.seq)
			break
		}
	}
	return r, nil
}

func (r *Remains) header(e disk.Element) {
	b := make([]byte, e.Size)
	if _, err := r.f.ReadAt(b, e.At); err != nil {
		return
	}
	var h header
	if json.Unmarshal(b, &h) == nil && h.Author.Valid() {
		r.Lot, r.Booth, r.Author = h.Lot, h.Booth, h.Author
	}
}

// name finds out whose log it is when the header is gone: every record says so.
func (r *Remains) name() {
	for i := 0; r.Author == "" && i < len(r.places); i++ {
		if f, _, ok := r.read(r.places[i]); ok {
			r.Lot, r.Author = f.Lot, f.Author
		}
	}
}

// readCopies takes the author's facts out of the second copy. Where nothing of the file can be read, the last one there
// says who the author was.
func (r *Remains) readCopies(dir string) error {
	type numbered struct {
		fact   fact.Fact
		record fact.Record
	}
	var all []numbered
	err := spare.Read(dir, func(rec fact.Record) {
		if f, err := fact.Unseal(rec); err == nil && fact.VerifySig(rec, r.key) {
			f.Body, f.Private = nil, nil // only who and where
			all = append(all, numbered{f, rec})
		}
	})
	if n := len(all); r.Author == "" && n > 0 {
		r.Lot, r.Author = all[n-1].fact.Lot, all[n-1].fact.Author
	}
	all = slices.DeleteFunc(all, func(n numbered) bool { return n.fact.Author != r.Author || n.fact.Lot != r.Lot })
	slices.SortStableFunc(all, func(x, y numbered) int { return cmp.Compare(x.fact.Seq, y.fact.Seq) })
	for _, n := range all {
		r.copies, r.seqs = append(r.copies, n.record), append(r.seqs, n.fact.Seq)
		r.Last = n.fact.Seq
	}
	return err
}

// Close releases the file.
func (r *Remains) Close() error { return r.f.Close() }

// read returns the record at a place, if it is one of the author's.
func (r *Remains) read(p place) (fact.Fact, fact.Record, bool) {
	b := make([]byte, p.size)
	if _, err := r.f.ReadAt(b, p.at); err != nil {
		return fact.Fact{}, fact.Record{}, false
	}
	rec, err := disk.Decode(b)
	if err != nil {
		return fact.Fact{}, fact.Record{}, false
	}
	f, err := fact.Unseal(rec)
	ok := err == nil && f.Seq == p.seq && (r.Author == "" || f.Author == r.Author && f.Lot == r.Lot) && fact.VerifySig(rec, r.key)
	return f, rec, ok
}

// candidate is one record that was found under a number. A page that is no longer in use may hold one that was never
// committed, beside the one that was.
type candidate struct {
	fact   fact.Fact
	record fact.Record
	hash   fact.Hash
}

func (r *Remains) candidates(seq uint64) []candidate {
	var out []candidate
	add := func(f fact.Fact, rec fact.Record) {
		h := rec.Hash()
		if !slices.ContainsFunc(out, func(c candidate) bool { return c.hash == h }) {
			out = append(out, candidate{f, rec, h})
		}
	}
	i, _ := slices.BinarySearchFunc(r.places, seq, func(p place, s uint64) int { return cmp.Compare(p.seq, s) })
	for ; i < len(r.places) && r.places[i].seq == seq; i++ {
		if f, rec, ok := r.read(r.places[i]); ok {
			add(f, rec)
		}
	}
	k, _ := slices.BinarySearch(r.seqs, seq)
	for ; k < len(r.seqs) && r.seqs[k] == seq; k++ {
		if f, err := fact.Unseal(r.copies[k]); err == nil {
			add(f, r.copies[k])
		}
	}
	return out
}

// pick returns the one of several records of a number that was committed: what the next one follows, else what was
// written last.
func (r *Remains) pick(all []candidate) (candidate, bool) {
	if len(all) == 0 {
		return candidate{}, false
	}
	best := all[0]
	if len(all) == 1 {
		return best, true
	}
	next := r.candidates(all[0].fact.Seq + 1)
	for _, c := range all {
		if slices.ContainsFunc(next, func(n candidate) bool { return n.fact.Prev == c.hash }) {
			return c, true
		}
		if c.fact.HLC > best.fact.HLC {
			best = c
		}
	}
	return best, true
}

// Has reports whether the remains hold the record with a number and hash.
func (r *Remains) Has(seq uint64, hash fact.Hash) bool {
	return slices.ContainsFunc(r.candidates(seq), func(c candidate) bool { return c.hash == hash })
}

// Clock returns the clock of the last record.
func (r *Remains) Clock() fact.HLC {
	c, _ := r.pick(r.candidates(r.Last))
	return c.fact.HLC
}

// Follow returns up to n records that go on from a head without a gap, none past upto.
func (r *Remains) Follow(head fact.Head, upto uint64, n int) []fact.Record {
	var out []fact.Record
	for len(out) < n && head.Seq < upto {
		c, ok := r.pick(slices.DeleteFunc(r.candidates(head.Seq+1), func(c candidate) bool {
			return c.fact.Prev != head.Hash || c.fact.HLC <= head.HLC
		}))
		if !ok {
			break
		}
		out = append(out, c.record)
		head = fact.Head{Seq: c.fact.Seq, Hash: c.hash, HLC: c.fact.HLC}
	}
	return out
}

// After returns every record with a higher number than seq, in order, gaps or not.
func (r *Remains) After(seq uint64) iter.Seq2[fact.Fact, fact.Record] {
	return func(yield func(fact.Fact, fact.Record) bool) {
		for n := seq + 1; n <= r.Last; n++ {
			if c, ok := r.pick(r.candidates(n)); ok && !yield(c.fact, c.record) {
				return
			}
		}
	}
}
