// Package disk opens a booth's bbolt files the way they must be opened, and says how records lie in them.
//
// bbolt maps its file into memory: reading past the end of a truncated file kills the process with a fault that nothing
// can catch. [Open] therefore reads the file's own headers first and refuses a file that is shorter than they say.
// What only a full walk finds (a page torn in the middle) is for [Check], which is run in a child process.
package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"lotkeeper/shared/fact"
)

// ErrDamaged says that a file cannot be opened without risking the process. Its owner moves it aside and rebuilds it
// from the other copies; nobody repairs it by guessing.
var ErrDamaged = errors.New("file is damaged")

// ErrNewer says that a newer release wrote a file. Nothing is wrong with it, and nothing here may touch it.
var ErrNewer = errors.New("file is of a newer release")

// Options returns how every bbolt file of a booth is opened: a free list that is not written with each commit (an old
// file's commits stay small), and an error instead of waiting for ever when another process holds the file.
func Options() *bbolt.Options {
	return &bbolt.Options{Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType}
}

// Open opens a file for writing, and creates it when it is not there.
func Open(path string) (*bbolt.DB, error) { return open(path, Options()) }

// OpenReadOnly opens a file that exists. A process that holds it for writing makes this fail after a second.
func OpenReadOnly(path string) (*bbolt.DB, error) {
	o := Options()
	o.ReadOnly = true
	return open(path, o)
}

func open(path string, o *bbolt.Options) (*bbolt.DB, error) {
	if err := Whole(path); err != nil && (o.ReadOnly || !errors.Is(err, os.ErrNotExist)) {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db, err := bbolt.Open(path, 0o600, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// Check walks a closed file and reports the first inconsistency. On a damaged file it may fault: call it in a process
// that can be lost.
func Check(path string) error {
	db, err := OpenReadOnly(path)
	if err != nil {
		return err
	}
	defer db.Close() // read only
	return db.View(func(tx *bbolt.Tx) error {
		var first error
		for err := range tx.Check() { // to its end: it is a goroutine that reads the transaction
			if first == nil {
				first = fmt.Errorf("check %s: %w: %w", path, ErrDamaged, err)
			}
		}
		return first
	})
}

// Key returns the key of an author's record: its number, so that keys sort as the log runs.
func Key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// Encode lays out a record: each part's length, then the part.
func Encode(r fact.Record) []byte {
	b := make([]byte, 0, len(r.Public)+len(r.Private)+len(r.Sig)+3*binary.MaxVarintLen32)
	for _, part := range [][]byte{r.Public, r.Private, r.Sig} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Decode reads what [Encode] wrote. The record's bytes are its own: they outlive the transaction that v came from.
func Decode(v []byte) (fact.Record, error) {
	var parts [3][]byte
	for i := range parts {
		n, w := binary.Uvarint(v)
		if w <= 0 || n > uint64(len(v)-w) {
			return fact.Record{}, errors.New("stored record is cut short")
		}
		if n > 0 {
			parts[i] = append([]byte(nil), v[w:w+int(n)]...)
		}
		v = v[w+int(n):]
	}
	if len(v) > 0 {
		return fact.Record{}, fmt.Errorf("stored record has %d bytes too many", len(v))
	}
	return fact.Record{Public: parts[0], Private: parts[1], Sig: parts[2]}, nil
}

// Put stores a record. Logs only grow at their end, so pages are filled nearly full instead of half.
func Put(b *bbolt.Bucket, seq uint64, r fact.Record) error {
	b.FillPercent = 0.9
	if err := b.Put(Key(seq), Encode(r)); err != nil {
		return fmt.Errorf("store record %d: %w", seq, err)
	}
	return nil
}

// Range reads up to n records after a number, none past upto. A hole in the numbers is damage.
func Range(b *bbolt.Bucket, after, upto uint64, n int) ([]fact.Record, error) {
	if b == nil || upto <= after || n <= 0 {
		return nil, nil
	}
	out := make([]fact.Record, 0, min(uint64(n), upto-after))
	c := b.Cursor()
	want := after + 1
	for k, v := c.Seek(Key(want)); k != nil && want <= upto && len(out) < n; k, v = c.Next() {
		if len(k) != 8 || binary.BigEndian.Uint64(k) != want {
			return nil, fmt.Errorf("%w: record %d is missing", ErrDamaged, want)
		}
		r, err := Decode(v)
		if err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrDamaged, want, err)
		}
		out = append(out, r)
		want++
	}
	if len(out) < n && want <= upto {
		return nil, fmt.Errorf("%w: record %d is missing", ErrDamaged, want)
	}
	return out, nil
}

// SyncDir makes names that were made, changed or removed in a folder last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Replace writes a file so that, whatever happens, either the old or the new content is under its name.
func Replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(filepath.Dir(path))
}
