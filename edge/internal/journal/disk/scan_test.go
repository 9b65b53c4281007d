package disk

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"lotkeeper/shared/fact"
)

// filled makes a file with records of rising size in a bucket.
func filled(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("log"))
			if err != nil {
				return err
			}
			return Put(b, uint64(i+1), fact.Record{Public: []byte(strings.Repeat("x", 1+i*37)), Sig: []byte("s")})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func scanned(t testing.TB, path string) map[uint64]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := map[uint64]int{}
	err = Scan(f, func(e Element) {
		v := make([]byte, e.Size)
		if _, err := f.ReadAt(v, e.At); err != nil {
			t.Fatal(err)
		}
		r, err := Decode(v)
		if err != nil || len(e.Key) != 8 {
			return
		}
		seq := binary.BigEndian.Uint64(e.Key)
		if want := 1 + int(seq-1)*37; len(r.Public) != want {
			t.Errorf("record %d has %d bytes, want %d", seq, len(r.Public), want)
		}
		got[seq]++
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestScanFindsEveryRecordWithoutAnyHeader(t *testing.T) {
	const n = 400 // the last ones take several pages each
	path := filled(t, n)
	if got := scanned(t, path); len(got) != n {
		t.Errorf("found %d of %d records", len(got), n)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(body[:2*os.Getpagesize()])
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := scanned(t, path); len(got) != n {
		t.Errorf("without headers: found %d of %d records", len(got), n)
	}
	if err := os.Truncate(path, int64(len(body)/2)); err != nil {
		t.Fatal(err)
	}
	if got := scanned(t, path); len(got) < n/4 {
		t.Errorf("of the first half: found %d of %d records", len(got), n)
	}
}

func FuzzScan(f *testing.F) {
	body, err := os.ReadFile(filled(f, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(body[:len(body)-100])
	f.Add(bytes.Repeat([]byte{0xff}, 8192))
	f.Fuzz(func(t *testing.T, b []byte) {
		scan(bytes.NewReader(b), int64(len(b)), func(e Element) {
			if e.At < 0 || e.At+int64(e.Size) > int64(len(b)) {
				t.Fatalf("an element of %d bytes at %d of %d", e.Size, e.At, len(b))
			}
		})
	})
}
