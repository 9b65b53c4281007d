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
	buckets [Buckets][]string
	sums    [Buckets]fact.Hash
	digest  fact.Hash
	count   int
	poor    int
}

// entry is an Entry with what was read of it.
type entry struct {
	*Entry
	right *Right // nil: a tombstone, or not understood
	sum   [sha256.Size]byte
}

// Apply returns the set with changed entries. Of two entries of an id the one with the higher number stays; changes whose
// form is wrong are an error. It costs a copy of what is looked up and the checksums of the buckets that changed.
func (s *Set) Apply(changes []Entry) (*Set, error) {
	n := s.clone(len(changes))
	touched := map[int][]string{}
	for i := range changes {
		e := changes[i]
		if !ValidID(e.ID) || e.Number == 0 {
			return nil, fmt.Errorf("entry %.80q of number %d makes no sense", e.ID, e.Number)
		}
		if old, had := n.entries[e.ID]; !had || old.Number <= e.Number {
			n.replace(old, read(&e))
			touched[Bucket(e.ID)] = append(touched[Bucket(e.ID)], e.ID)
		}
	}
	if len(n.entries) > MaxRights {
		return nil, fmt.Errorf("%d rights, at most %d", len(n.entries), MaxRights)
	}
	n.reorder(touched)
	return n, nil
}

// clone copies what Apply changes. Slices in maps are shared and never changed in place.
func (s *Set) clone(more int) *Set {
	n := *s
	if n.entries, n.plates = maps.Clone(s.entries), maps.Clone(s.plates); n.entries == nil {
		n.entries, n.plates = make(map[string]entry, more), make(map[string][]*Right, more)
		for i := range n.sums {
			n.sums[i] = (&Digest{}).Sum()
		}
	}
	n.order, n.matches = slices.Clone(s.order), slices.Clone(s.matches)
	return &n
}

// replace puts an entry in the place of an older one.
func (s *Set) replace(old, e entry) {
	s.entries[e.ID] = e
	if old.Entry != nil && !old.Gone() {
		s.count--
		s.poor -= poorness(old)
	}
	if !e.Gone() {
		s.count++
		s.poor += poorness(e)
	}
	if r := old.right; r != nil {
		for _, p := range r.Plates {
			if rest := without(s.plates[p.Text], r); len(rest) > 0 {
				s.plates[p.Text] = rest
			} else {
				delete(s.plates, p.Text)
			}
		}
		s.matches = without(s.matches, r)
	}
	if r := e.right; r != nil {
		for _, p := range r.Plates {
			if !slices.Contains(s.plates[p.Text], r) {
				s.plates[p.Text] = append(slices.Clip(s.plates[p.Text]), r)
			}
		}
		if r.Match != nil {
			s.matches = append(s.matches, r)
		}
	}
}

func poorness(e entry) int {
	if e.right == nil {
		return 1
	}
	return 0
}

func without(of []*Right, r *Right) []*Right {
	return slices.DeleteFunc(slices.Clone(of), func(x *Right) bool { return x == r })
}

// reorder puts the entries in order and makes the checksums of the buckets with changed ids.
func (s *Set) reorder(touched map[int][]string) {
	changed := map[string]bool{}
	for b, ids := range touched {
		for _, id := range ids {
			changed[id] = true
		}
		ids = append(ids, s.buckets[b]...)
		slices.Sort(ids)
		ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { e := s.entries[id]; return e.Gone() })
		var d Digest
		for _, id := range ids {
			e := s.entries[id]
			d.Add(id, e.Number, e.sum)
		}
		s.buckets[b], s.sums[b] = ids, d.Sum()
	}
	s.order = slices.DeleteFunc(s.order, func(e *Entry) bool { return changed[e.ID] })
	for id := range changed {
		s.order = append(s.order, s.entries[id].Entry)
	}
	slices.SortFunc(s.order, func(a, b *Entry) int { return a.at().Compare(b.at()) })
	s.digest = Whole(&s.sums)
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

// Buckets is into how many parts a set's checksum is cut, so that who publishes one change need not read all of the set.
const Buckets = 256

// Bucket is the part of a right: the first byte of the SHA-256 of its id.
func Bucket(id string) int {
	sum := sha256.Sum256([]byte(id))
	return int(sum[0])
}

// Whole is a set's checksum from those of its buckets. An empty bucket's is that of no bytes.
func Whole(sums *[Buckets]fact.Hash) fact.Hash {
	h := sha256.New()
	for i := range sums {
		h.Write(sums[i][:])
	}
	return fact.Hash(h.Sum(nil))
}

// Digest makes the checksum of a bucket from its rights in the order of their ids, tombstones left out. Its zero value is
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
		return Whole(&s.clone(0).sums)
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
