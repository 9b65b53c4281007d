package right

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// MaxRights bounds a lot's set.
const MaxRights = 500_000

// Entry is one right in a set, or the tombstone of one that was taken out.
type Entry struct {
	ID     string          `json:"id"`
	Number uint64          `json:"number"`          // of the set when it last changed
	Right  json.RawMessage `json:"right,omitempty"` // its exact bytes; none: it was taken out
}

// Gone reports whether it is a tombstone.
func (e *Entry) Gone() bool { return len(e.Right) == 0 }

// at is where the entry stands in the order in which entries travel.
func (e *Entry) at() Cursor { return Cursor{e.Number, e.ID} }

// Cursor is a place in the entries of a set, which stand by number and id. The zero Cursor is before all of them.
type Cursor struct {
	Number uint64 `json:"number"`
	ID     string `json:"id,omitempty"`
}

// Compare is negative when c comes before d.
func (c Cursor) Compare(d Cursor) int {
	return cmp.Or(cmp.Compare(c.Number, d.Number), cmp.Compare(c.ID, d.ID))
}

// After is the place behind all entries of a number.
func After(number uint64) Cursor {
	if number == 0 {
		return Cursor{}
	}
	return Cursor{Number: number + 1}
}

// Head says which set it is. It is what the cloud signs: whoever offers entries that fit the digest offers the right ones.
type Head struct {
	Lot    string    `json:"lot"`
	Number uint64    `json:"number"` // 1, 2, 3, …
	Issued time.Time `json:"issued"`
	Count  int       `json:"count"` // rights, tombstones left out
	Digest fact.Hash `json:"digest"`
}

// Set is a lot's rights. The zero Set has none. It is not changed after it was made.
type Set struct {
	entries map[string]entry
	order   []*Entry // by number and id
	plates  map[string][]*Right
	matches []*Right // those that go by Match, by id
	count   int
	poor    int
	digest  fact.Hash
}

// entry is an Entry with what was read of it.
type entry struct {
	*Entry
	right *Right // nil: a tombstone, or not understood
	sum   [sha256.Size]byte
}

// Apply returns the set with changed entries. Of two entries of an id the one with the higher number stays; changes whose
// form is wrong are an error.
func (s *Set) Apply(changes []Entry) (*Set, error) {
	n := &Set{entries: maps.Clone(s.entries)}
	if n.entries == nil {
		n.entries = make(map[string]entry, len(changes))
	}
	for i := range changes {
		e := changes[i]
		if !ValidID(e.ID) || e.Number == 0 {
			return nil, fmt.Errorf("entry %.80q of number %d makes no sense", e.ID, e.Number)
		}
		if old, had := n.entries[e.ID]; had && old.Number > e.Number {
			continue
		}
		n.entries[e.ID] = read(&e)
	}
	if len(n.entries) > MaxRights {
		return nil, fmt.Errorf("%d rights, at most %d", len(n.entries), MaxRights)
	}
	n.index()
	return n, nil
}

// read decodes an entry. A right that this release does not understand has no effect: a newer one wrote it.
func read(e *Entry) entry {
	out := entry{Entry: e}
	if e.Gone() {
		return out
	}
	out.sum = sha256.Sum256(e.Right)
	if r, err := Decode(e.Right); err == nil && r.ID == e.ID {
		out.right = &r
	}
	return out
}

// index lays out what is looked up.
func (s *Set) index() {
	ids := slices.Sorted(maps.Keys(s.entries))
	s.plates = make(map[string][]*Right, len(ids))
	s.order = make([]*Entry, 0, len(ids))
	var d Digest
	for _, id := range ids {
		e := s.entries[id]
		s.order = append(s.order, e.Entry)
		if e.Gone() {
			continue
		}
		s.count++
		d.Add(id, e.Number, e.sum)
		if e.right == nil {
			s.poor++
			continue
		}
		if e.right.Match != nil {
			s.matches = append(s.matches, e.right)
		}
		for i, p := range e.right.Plates {
			if !slices.ContainsFunc(e.right.Plates[:i], func(q Plate) bool { return q.Text == p.Text }) {
				s.plates[p.Text] = append(s.plates[p.Text], e.right)
			}
		}
	}
	slices.SortFunc(s.order, func(a, b *Entry) int { return a.at().Compare(b.at()) })
	s.digest = d.Sum()
}

// Digest makes the checksum of a set from its rights in the order of their ids, tombstones left out. Its zero value is
// ready.
type Digest struct{ h hash.Hash }

// Add takes a right: the number at which it last changed, and the SHA-256 of its bytes.
func (d *Digest) Add(id string, number uint64, sum [sha256.Size]byte) {
	if d.h == nil {
		d.h = sha256.New()
	}
	row := binary.BigEndian.AppendUint64([]byte(id+"\n"), number) // an id has no line break
	d.h.Write(append(row, sum[:]...))
}

// Sum is the checksum of what was added.
func (d *Digest) Sum() fact.Hash {
	if d.h == nil {
		return sha256.Sum256(nil)
	}
	return fact.Hash(d.h.Sum(nil))
}

// Digest is a checksum of all rights and the numbers at which they changed.
func (s *Set) Digest() fact.Hash {
	if s.entries == nil {
		return (&Digest{}).Sum()
	}
	return s.digest
}

// Count is how many rights there are; Poor how many of them this release does not understand.
func (s *Set) Count() int { return s.count }

// Poor is how many rights this release does not understand.
func (s *Set) Poor() int { return s.poor }

// For returns the rights of a vehicle, by id.
func (s *Set) For(p plate.Plate) []*Right {
	var out []*Right
	for _, r := range s.plates[p.Text] {
		if r.holdsFor(p) {
			out = append(out, r)
		}
	}
	for _, r := range s.matches {
		if r.holdsFor(p) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Right) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// ByID returns a right.
func (s *Set) ByID(id string) (*Right, bool) {
	e := s.entries[id]
	return e.right, e.right != nil
}

// Page returns the entries after a place, at most n of them and about so many bytes. more says that others follow. A page
// after the zero Cursor has no tombstones to tell, but has them all the same: its reader may have to pass them on.
func (s *Set) Page(after Cursor, n, bytes int) (page []Entry, more bool) {
	from, _ := slices.BinarySearchFunc(s.order, after, func(e *Entry, c Cursor) int {
		if e.at().Compare(c) <= 0 {
			return -1
		}
		return 1
	})
	for _, e := range s.order[from:] {
		if len(page) > 0 && (len(page) >= n || bytes < len(e.Right)) {
			return page, true
		}
		bytes -= len(e.Right) + len(e.ID) + 40
		page = append(page, *e)
	}
	return page, false
}

// Entries returns all entries, tombstones too, in the order in which they travel.
func (s *Set) Entries() []Entry {
	page, _ := s.Page(Cursor{}, len(s.order), 1<<62)
	return page
}

// HeadOf describes the set, to be signed.
func (s *Set) HeadOf(lot string, number uint64, issued time.Time) Head {
	return Head{Lot: lot, Number: number, Issued: issued, Count: s.count, Digest: s.Digest()}
}

// Is reports whether the head speaks of this set.
func (h *Head) Is(s *Set) error {
	if h.Count != s.Count() || h.Digest != s.Digest() {
		return fmt.Errorf("%w: number %d has %d rights, here are %d", ErrDigest, h.Number, h.Count, s.Count())
	}
	return nil
}

// The reasons for which pages are refused.
var (
	ErrDigest = errors.New("rights are not those that the cloud signed")
	ErrOlder  = errors.New("rights are older than those in force")
	ErrTwo    = errors.New("two sets of rights carry one number")
	ErrGap    = errors.New("rights before these are missing")
)
