package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

// tail is how many records at the end of a log are verified each time it is opened: a torn write hits the end.
const tail = 256

// Report is what a full check found.
type Report struct {
	Lot    string      `json:"lot"`
	Booth  string      `json:"booth"`
	Author fact.Author `json:"author"`
	Head   fact.Head   `json:"head"`
}

// Check verifies a closed journal from end to end: the file's pages, then every record's chain and signature. A damaged
// file may fault the process, so it is run in one that can be lost.
func Check(path string) (Report, error) {
	if err := disk.Check(path); err != nil {
		return Report{}, err
	}
	db, err := disk.OpenReadOnly(path)
	if err != nil {
		return Report{}, err
	}
	defer db.Close() // read only
	h, err := readHeader(db)
	if err != nil {
		return Report{}, err
	}
	if h == nil {
		return Report{}, fmt.Errorf("check %s: it is not a journal", path)
	}
	rep := Report{Lot: h.Lot, Booth: h.Booth, Author: h.Author}
	last, key, err := readTail(db, *h)
	if err != nil {
		return rep, fmt.Errorf("check %s: %w", path, err)
	}
	for rep.Head.Seq < last.Seq {
		var records []fact.Record
		err := db.View(func(tx *bbolt.Tx) (err error) {
			records, err = disk.Range(tx.Bucket(logBucket), rep.Head.Seq, last.Seq, 1000)
			return err
		})
		if err != nil {
			return rep, fmt.Errorf("check %s: %w", path, err)
		}
		for _, r := range records {
			if !fact.VerifySig(r, key) {
				return rep, fmt.Errorf("check %s: %w: a record after %d is not signed by the author", path, fact.ErrBroken, rep.Head.Seq)
			}
		}
		if _, rep.Head, err = fact.Follow(rep.Head, h.Lot, h.Author, records, key); err != nil {
			return rep, fmt.Errorf("check %s: %w", path, err)
		}
	}
	return rep, nil
}

// Sound is the check that a booth's files (its journal, its lot's store) pass each time before they are opened: every page,
// and of a journal the end of its log. A damaged file may fault the process, so it is run in one that can be lost.
func Sound(path string) error {
	if err := disk.Check(path); err != nil {
		return err
	}
	db, err := disk.OpenReadOnly(path)
	if err != nil {
		return err
	}
	defer db.Close() // read only
	ours := false
	if err := db.View(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		ours = m != nil && m.Get(metaKey) != nil
		return nil
	}); err != nil || !ours {
		return err
	}
	h, err := readHeader(db)
	if err == nil && h != nil {
		_, _, err = readTail(db, *h)
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}

// readHeader returns nil for a file that nothing was written into.
func readHeader(db *bbolt.DB) (*header, error) {
	var h *header
	err := db.View(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		if m == nil {
			if k, _ := tx.Cursor().First(); k != nil {
				return errors.New("it is not a journal")
			}
			return nil
		}
		h = &header{}
		if err := json.Unmarshal(m.Get(metaKey), h); err != nil {
			return fmt.Errorf("%w: header: %w", disk.ErrDamaged, err)
		}
		if h.V > version {
			return fmt.Errorf("%w: layout %d, this release reads up to %d; install that release again", disk.ErrNewer, h.V, version)
		}
		if h.V < 1 || !h.Author.Valid() || tx.Bucket(logBucket) == nil {
			return fmt.Errorf("%w: header of layout %d, author %.20q", disk.ErrDamaged, h.V, h.Author)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// readTail verifies the end of the log and returns it with the key of the opening fact.
func readTail(db *bbolt.DB, h header) (fact.Head, ed25519.PublicKey, error) {
	var first, end []fact.Record
	err := db.View(func(tx *bbolt.Tx) (err error) {
		b := tx.Bucket(logBucket)
		k, _ := b.Cursor().Last()
		if len(k) != 8 {
			return fmt.Errorf("%w: it has no opening fact", disk.ErrDamaged)
		}
		last := binary.BigEndian.Uint64(k)
		if first, err = disk.Range(b, 0, last, 1); err != nil {
			return err
		}
		end, err = disk.Range(b, last-min(last, tail), last, tail)
		return err
	})
	if err != nil {
		return fact.Head{}, nil, err
	}
	if len(first) == 0 || len(end) == 0 {
		return fact.Head{}, nil, fmt.Errorf("%w: it has no opening fact", disk.ErrDamaged)
	}
	opening, err := fact.Unseal(first[0])
	if err != nil {
		return fact.Head{}, nil, fmt.Errorf("opening fact: %w", err)
	}
	opened, err := fact.Decode[fact.Opened](&opening)
	if err != nil {
		return fact.Head{}, nil, err
	}
	head, err := before(end)
	if err != nil {
		return fact.Head{}, nil, err
	}
	if _, head, err = fact.Follow(head, h.Lot, h.Author, end, opened.Key); err != nil {
		return fact.Head{}, nil, err
	}
	return head, opened.Key, nil
}

// before returns a head that the first of the records may follow: its own word for it. Where the records are the whole
// log that is the empty head, else what is before them was verified when it was written.
func before(records []fact.Record) (fact.Head, error) {
	f, err := fact.Unseal(records[0])
	if err != nil {
		return fact.Head{}, err
	}
	if f.Seq == 1 && !bytes.Equal(f.Prev[:], make([]byte, len(f.Prev))) {
		return fact.Head{}, fmt.Errorf("%w: the opening fact follows something", fact.ErrBroken)
	}
	if f.Seq == 1 {
		return fact.Head{}, nil
	}
	return fact.Head{Seq: f.Seq - 1, Hash: f.Prev, HLC: f.HLC - 1}, nil
}
