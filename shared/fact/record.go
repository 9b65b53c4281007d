package fact

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Hash is a SHA-256.
type Hash [32]byte

// HashOf returns the hash of b.
func HashOf(b []byte) Hash { return sha256.Sum256(b) }

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 64 {
		return errors.New("a hash has 64 hexadecimal digits")
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	return nil
}

// Limits on what one fact may weigh, in bytes. They bound what a receiver reads for a stranger.
const (
	MaxPublic  = 64 << 10
	MaxPrivate = 4 << 10
	MaxRefs    = 64
)

// Record is a fact as it is stored and sent: the author's exact bytes.
type Record struct {
	Public  []byte `json:"public"`            // the envelope as JSON; the chain covers these bytes
	Private []byte `json:"private,omitempty"` // the salted hidden part; absent when there is none or it was erased
	Sig     []byte `json:"sig"`               // Ed25519 by the author over the hash of Public
}

// Hash returns the hash that the author's next fact carries as Prev.
func (r Record) Hash() Hash { return HashOf(r.Public) }

// Head is the end of an author's log. The zero Head is the end of an empty one.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash Hash   `json:"hash"`
	HLC  HLC    `json:"hlc"`
}

// Stamp is what the surroundings give to a fact when it is sealed.
type Stamp struct {
	Lot    string
	Author Author
	Boot   string
	Mono   int64     // nanoseconds of the process' monotonic clock
	Now    time.Time // the author's wall clock, for the HLC
	Salt   [16]byte  // random; only used when the draft has a hidden part
}

type hidden struct {
	Salt []byte          `json:"salt"`
	Data json.RawMessage `json:"data"`
}

// Seal numbers, chains and signs a draft after head. It returns the bytes to keep, the fact they say and the new head;
// head itself is not changed, so a failed write is undone by forgetting the result.
func Seal(head Head, key ed25519.PrivateKey, s Stamp, d Draft) (Record, Fact, Head, error) {
	body, err := json.Marshal(d.Body)
	if err != nil {
		return Record{}, Fact{}, head, fmt.Errorf("seal %s: %w", d.Kind, err)
	}
	f := Fact{
		Lot: s.Lot, Author: s.Author, Seq: head.Seq + 1, HLC: head.HLC.Tick(s.Now),
		At: d.At.UTC().Truncate(time.Millisecond), Source: d.Source, Boot: cmp.Or(d.Boot, s.Boot), Mono: s.Mono,
		Kind: d.Kind, V: max(d.V, 1), Refs: d.Refs, Body: body, Prev: head.Hash,
	}
	var r Record
	if d.Hidden != nil {
		if f.Private, err = json.Marshal(d.Hidden); err != nil {
			return Record{}, Fact{}, head, fmt.Errorf("seal hidden part of %s: %w", d.Kind, err)
		}
		if r.Private, err = json.Marshal(hidden{s.Salt[:], f.Private}); err != nil {
			return Record{}, Fact{}, head, fmt.Errorf("seal hidden part of %s: %w", d.Kind, err)
		}
		h := HashOf(r.Private)
		f.Hidden = &h
	}
	if r.Public, err = json.Marshal(&f); err != nil {
		return Record{}, Fact{}, head, fmt.Errorf("seal %s: %w", d.Kind, err)
	}
	if err := check(&f, r); err != nil {
		return Record{}, Fact{}, head, fmt.Errorf("seal %s: %w", d.Kind, err)
	}
	hash := r.Hash()
	r.Sig = ed25519.Sign(key, signed(hash))
	return r, f, Head{f.Seq, hash, f.HLC}, nil
}

// Unseal decodes a record. It checks form and the hidden part's hash, not the chain or the signature.
func Unseal(r Record) (Fact, error) {
	if len(r.Public) > MaxPublic || len(r.Private) > MaxPrivate {
		return Fact{}, fmt.Errorf("fact of %d+%d bytes is too large", len(r.Public), len(r.Private))
	}
	var f Fact
	dec := json.NewDecoder(bytes.NewReader(r.Public))
	if err := dec.Decode(&f); err != nil {
		return Fact{}, fmt.Errorf("decode fact: %w", err)
	}
	if dec.More() {
		return Fact{}, errors.New("decode fact: more than one value")
	}
	if len(r.Private) > 0 {
		if f.Hidden == nil || HashOf(r.Private) != *f.Hidden {
			return Fact{}, errors.New("the hidden part is not the one the author sealed")
		}
		var h hidden
		if err := json.Unmarshal(r.Private, &h); err != nil {
			return Fact{}, fmt.Errorf("decode hidden part: %w", err)
		}
		f.Private = h.Data
	}
	return f, check(&f, r)
}

func check(f *Fact, r Record) error {
	switch {
	case f.Lot == "" || !f.Author.Valid() || f.Seq == 0:
		return errors.New("fact without lot, author or seq")
	case f.Kind == "" || f.V < 1 || len(f.Kind) > 64:
		return errors.New("fact without kind or version")
	case len(f.Refs) > MaxRefs:
		return fmt.Errorf("fact with %d refs, more than %d", len(f.Refs), MaxRefs)
	case len(r.Public) > MaxPublic || len(r.Private) > MaxPrivate:
		return fmt.Errorf("fact of %d+%d bytes is too large", len(r.Public), len(r.Private))
	case !utf8.Valid(r.Public):
		return errors.New("fact is not UTF-8")
	}
	return nil
}

// signed is what an author signs: a domain, so that no other signature of the key can pass for a fact, and the hash.
func signed(h Hash) []byte { return append([]byte("lotkeeper fact 1\n"), h[:]...) }

// VerifySig reports whether the record's signature is by key.
func VerifySig(r Record, key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, signed(r.Hash()), r.Sig)
}

// ErrBroken means that records do not continue a log: another author, a gap, or a hash that does not fit.
var ErrBroken = errors.New("log is broken")

// Follow checks that records continue the log of author in lot after head, and decodes them. The signature of the
// last record vouches for all of them, since it covers the chain; key nil skips it.
func Follow(head Head, lot string, author Author, records []Record, key ed25519.PublicKey) ([]Fact, Head, error) {
	facts := make([]Fact, 0, len(records))
	for i, r := range records {
		f, err := Unseal(r)
		if err != nil {
			return nil, head, fmt.Errorf("%w: after %s.%d: %w", ErrBroken, author, head.Seq, err)
		}
		if f.Lot != lot || f.Author != author || f.Seq != head.Seq+1 || f.Prev != head.Hash || f.HLC <= head.HLC {
			return nil, head, fmt.Errorf("%w: %s does not follow %s.%d", ErrBroken, f.ID(), author, head.Seq)
		}
		if i == len(records)-1 && key != nil && !VerifySig(r, key) {
			return nil, head, fmt.Errorf("%w: signature of %s is not by its author", ErrBroken, f.ID())
		}
		head = Head{f.Seq, r.Hash(), f.HLC}
		facts = append(facts, f)
	}
	return facts, head, nil
}
