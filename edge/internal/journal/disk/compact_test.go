package disk_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/journal/disktest"
)

// emptied makes a file of some megabytes of which only every n-th value is left, and returns these.
func emptied(t *testing.T, path string, n int) map[string][]byte {
	t.Helper()
	db, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string][]byte{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("facts"))
		if err != nil {
			return err
		}
		for i := range 12_000 {
			if err := b.Put(disk.Key(uint64(i)), bytes.Repeat([]byte{byte(i)}, 600)); err != nil {
				return err
			}
		}
		return b.SetSequence(77)
	}))
	must(db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("facts"))
		for i := range 12_000 {
			if i%n == 0 {
				left[string(disk.Key(uint64(i)))] = bytes.Repeat([]byte{byte(i)}, 600)
			} else if err := b.Delete(disk.Key(uint64(i))); err != nil {
				return err
			}
		}
		return nil
	}))
	must(db.Close())
	return left
}

func wantContent(t *testing.T, path string, want map[string][]byte) {
	t.Helper()
	if err := disk.Check(path); err != nil {
		t.Fatal(err)
	}
	db, err := disk.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("facts"))
		if b.Sequence() != 77 {
			t.Errorf("sequence %d", b.Sequence())
		}
		return b.ForEach(func(k, v []byte) error {
			if n++; !bytes.Equal(want[string(k)], v) {
				t.Fatalf("%x holds another value", k)
			}
			return nil
		})
	})
	if err != nil || n != len(want) {
		t.Errorf("%d values of %d, %v", n, len(want), err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestCompactRewritesWhatIsMostlyFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	want := emptied(t, path, 20)
	before := size(t, path)
	if err := os.WriteFile(path+".compact", []byte("what an earlier attempt left"), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := disk.Compact(path)
	if err != nil || !done || size(t, path) > before/4 {
		t.Errorf("done %v, %v, %d bytes of %d", done, err, size(t, path), before)
	}
	wantContent(t, path, want)
	if done, err := disk.Compact(path); err != nil || done {
		t.Errorf("the second time: %v, %v", done, err)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

func TestCompactLeavesWhatIsFullOrNotThereAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if done, err := disk.Compact(path); done || err != nil {
		t.Errorf("nothing: %v, %v", done, err)
	}
	emptied(t, path, 1)
	if done, err := disk.Compact(path); done || err != nil {
		t.Errorf("a full file: %v, %v", done, err)
	}
}

// TestCompactOnAFullDiskChangesNothing: there is no room for the copy.
func TestCompactOnAFullDiskChangesNothing(t *testing.T) {
	d := disktest.New(t, 48)
	path := filepath.Join(d.Dir, "x.db")
	want := emptied(t, path, 3)
	d.Fill(64 << 10)
	if done, err := disk.Compact(path); done || err == nil {
		t.Errorf("done %v, %v", done, err)
	}
	d.Free()
	wantContent(t, path, want)
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	if done, err := disk.Compact(path); !done || err != nil {
		t.Errorf("with room: %v, %v", done, err)
	}
	wantContent(t, path, want)
}
