// Package exchange holds the rules by which two nodes come to hold the same facts: booth and cloud, booth and booth.
//
// Sync is one operation in every direction: "these are my cursors; send me what I lack". A [Cursors] says, per author,
// how far a node's copy of that author's log reaches. A node accepts only records that continue a log it has; what it
// already has it checks and passes over; after a gap it answers with the cursor it expects. Nothing depends on the
// order, the number or the path of the batches, so a lossy, repeating carrier is enough.
//
// The rules are pure: a [Ledger] decides about batches, its caller stores what was accepted in one transaction and only
// then publishes the new cursor.
package exchange

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lotkeeper/shared/fact"
)

// Cursors says how far a copy of each author's log reaches. Authors it does not name it has nothing of.
type Cursors map[fact.Author]fact.Head

// Clone returns a copy.
func (c Cursors) Clone() Cursors { return maps.Clone(c) }

// Authors returns the authors it has something of, sorted.
func (c Cursors) Authors() []fact.Author { return slices.Sorted(maps.Keys(c)) }

// Digest is a checksum of all the logs up to the cursors: two nodes with equal cursors hold the same bytes.
func (c Cursors) Digest() fact.Hash {
	h := sha256.New()
	for _, a := range c.Authors() {
		fmt.Fprintf(h, "%s %d %s\n", a, c[a].Seq, c[a].Hash)
	}
	return fact.Hash(h.Sum(nil))
}

// Need is a stretch of one author's log that a node lacks: from After+1 to To.
type Need struct {
	Author fact.Author `json:"author"`
	After  uint64      `json:"after"`
	To     uint64      `json:"to"`
}

// Lacks returns what a node with cursors theirs lacks of ours, sorted by author.
func (c Cursors) Lacks(theirs Cursors) []Need {
	var out []Need
	for _, a := range c.Authors() {
		if c[a].Seq > theirs[a].Seq {
			out = append(out, Need{a, theirs[a].Seq, c[a].Seq})
		}
	}
	return out
}

// Batch is a run of one author's records. Its last signature vouches for all of them.
type Batch struct {
	Lot     string        `json:"lot"`
	Author  fact.Author   `json:"author"`
	Records []fact.Record `json:"records"`
}

// Limits on a batch.
const (
	MaxRecords = 1000
	MaxBytes   = 1 << 20 // of records' bytes
)

// Cut returns the longest head of records that fits a batch.
func Cut(records []fact.Record) []fact.Record {
	size := 0
	for i, r := range records {
		size += len(r.Public) + len(r.Private) + len(r.Sig)
		if i == MaxRecords || i > 0 && size > MaxBytes {
			return records[:i]
		}
	}
	return records
}

// Verdict says what a ledger made of a batch.
type Verdict string

// The verdicts.
const (
	Accepted Verdict = "accepted" // some records were new
	Known    Verdict = "known"    // all of it was here already
	Gap      Verdict = "gap"      // it begins after what is here: answer with the cursor
	Forked   Verdict = "forked"   // it contradicts what is here: the author wrote two logs and must be closed
	Refused  Verdict = "refused"  // it is not a true piece of that author's log
)

// Result is what a ledger made of a batch.
type Result struct {
	Verdict Verdict
	Head    fact.Head // the author's cursor afterwards
	Facts   []fact.Fact
	Records []fact.Record // those that are new, in step with Facts
	Poor    []Poor        // of Facts, those that cannot be applied: stored, set aside with an alarm, and passed
	Cause   error         // why it was refused, forked or a gap
}

// Poor is a fact that cannot be applied.
type Poor struct {
	ID    fact.ID
	Cause error
}

// Keys tells who may be an author of a lot.
type Keys interface {
	// Admit judges the first fact of a log and returns the key that its author signs with.
	Admit(f fact.Fact, opened fact.Opened) (ed25519.PublicKey, error)
}

// Log is what a ledger knows of one author.
type Log struct {
	Head   fact.Head
	Key    ed25519.PublicKey
	Closed bool // forked or superseded: nothing more is taken from it
}

// Rules judges batches for one lot.
type Rules struct {
	Lot   string
	Keys  Keys
	Judge func(*fact.Fact) error // why a fact cannot be applied; nil applies everything
}

var errOther = errors.New("batch is of another lot")

// Take judges a batch against what is known of its author. stored reads the records of the author that are already
// here (after, n), to check the part that overlaps. It changes nothing: the caller stores the result.
func (r Rules) Take(log Log, b Batch, stored func(after uint64, n int) ([]fact.Record, error)) (Result, Log, error) {
	refuse := func(v Verdict, cause error) (Result, Log, error) {
		return Result{Verdict: v, Head: log.Head, Cause: cause}, log, nil
	}
	switch {
	case b.Lot != r.Lot:
		return refuse(Refused, errOther)
	case !b.Author.Valid():
		return refuse(Refused, fmt.Errorf("author %.20q is not an author id", b.Author))
	case log.Closed:
		return refuse(Refused, fmt.Errorf("author %s is closed", b.Author))
	case len(b.Records) == 0:
		return refuse(Refused, errors.New("batch is empty"))
	case len(b.Records) > MaxRecords:
		return refuse(Refused, fmt.Errorf("batch of %d records, more than %d", len(b.Records), MaxRecords))
	}
	first, err := fact.Unseal(b.Records[0])
	if err != nil {
		return refuse(Refused, err)
	}
	if first.Author != b.Author || first.Lot != b.Lot {
		return refuse(Refused, fmt.Errorf("batch of %s begins with %s", b.Author, first.ID()))
	}
	if first.Seq > log.Head.Seq+1 {
		return refuse(Gap, fmt.Errorf("begins at %s, expected %d", first.ID(), log.Head.Seq+1))
	}
	fresh := b.Records
	if overlap := log.Head.Seq + 1 - first.Seq; overlap > 0 {
		n := min(int(overlap), len(b.Records))
		have, err := stored(first.Seq-1, n)
		if err != nil {
			return Result{}, log, fmt.Errorf("read %s after %d: %w", b.Author, first.Seq-1, err)
		}
		for i := range min(len(have), n) {
			if !bytes.Equal(have[i].Public, b.Records[i].Public) {
				return r.forked(log, b, first.Seq, i)
			}
		}
		if fresh = b.Records[n:]; len(fresh) == 0 {
			return Result{Verdict: Known, Head: log.Head}, log, nil
		}
	}
	key := log.Key
	if key == nil {
		opened, err := fact.Decode[fact.Opened](&first)
		if err != nil || first.Kind != fact.KindOpened || first.Seq != 1 {
			return refuse(Refused, fmt.Errorf("log of %s does not begin with its opening", b.Author))
		}
		if key, err = r.Keys.Admit(first, opened); err != nil {
			return refuse(Refused, fmt.Errorf("author %s is not admitted: %w", b.Author, err))
		}
	}
	if next, err := fact.Unseal(fresh[0]); err == nil && log.Head.Seq > 0 && next.Prev != log.Head.Hash {
		// It goes on from another record than the last one here. Asked for what comes after, its sender shows no more.
		return r.forked(log, b, first.Seq, len(b.Records)-len(fresh))
	}
	facts, head, err := fact.Follow(log.Head, b.Lot, b.Author, fresh, key)
	if err != nil {
		return refuse(Refused, err)
	}
	res := Result{Verdict: Accepted, Head: head, Facts: facts, Records: fresh}
	if r.Judge != nil {
		for i := range facts {
			if err := r.Judge(&facts[i]); err != nil {
				res.Poor = append(res.Poor, Poor{facts[i].ID(), err})
			}
		}
	}
	return res, Log{Head: head, Key: key}, nil
}

// forked closes an author, if the other log truly is by the same key under the same name: a stranger's bytes, or those
// of another incarnation, close nobody. first is the number of the batch's first record, at the index of the one that
// differs.
func (r Rules) forked(log Log, b Batch, first uint64, at int) (Result, Log, error) {
	last := b.Records[len(b.Records)-1]
	if !fact.VerifySig(last, log.Key) || !r.chained(b, first, at) {
		return Result{Verdict: Refused, Head: log.Head, Cause: errors.New("contradicts the log and is not by its author")}, log, nil
	}
	log.Closed = true
	return Result{Verdict: Forked, Head: log.Head, Cause: fmt.Errorf("author %s wrote two logs", b.Author)}, log, nil
}

// chained reports whether the records from an index on are a run of the author's, each with the hash of the one before.
func (r Rules) chained(b Batch, first uint64, at int) bool {
	for i := at; i < len(b.Records); i++ {
		f, err := fact.Unseal(b.Records[i])
		if err != nil || f.Lot != r.Lot || f.Author != b.Author || f.Seq != first+uint64(i) || i > at && f.Prev != b.Records[i-1].Hash() {
			return false
		}
	}
	return true
}
