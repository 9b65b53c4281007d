package journal

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lotkeeper/shared/fact"
)

// written makes a stopped journal of n facts, every tenth a bill, with its second copy. It returns the records.
func written(t testing.TB, n int) (path, spareDir string, records []fact.Record) {
	t.Helper()
	dir := t.TempDir()
	path, spareDir = filepath.Join(dir, "j.db"), filepath.Join(dir, "spare")
	o := options()
	o.Spare = spareDir
	j, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	for i := range n {
		kind := fact.Kind("n")
		if i%10 == 9 {
			kind = fact.KindBill
		}
		if _, err := j.Append(ctx, one(kind, strings.Repeat("y", 200))); err != nil {
			t.Fatal(err)
		}
	}
	if records, err = j.Records(0, n+1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, spareDir, records
}

func remains(t testing.TB, path, spareDir string) *Remains {
	t.Helper()
	r, err := OpenRemains(path, spareDir, publicKey())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRemainsOfAWholeFileAreTheLog(t *testing.T) {
	path, spareDir, want := written(t, 300)
	r := remains(t, path, spareDir)
	got := r.Follow(fact.Head{}, r.Last, 1000)
	if len(got) != len(want) || r.Last != uint64(len(want)) || r.Booth != "booth-a" {
		t.Fatalf("%d of %d records, the last %d, of %q", len(got), len(want), r.Last, r.Booth)
	}
	for i := range want {
		if got[i].Hash() != want[i].Hash() {
			t.Fatalf("record %d is another", i+1)
		}
	}
	facts, head, err := fact.Follow(fact.Head{}, "riverside", r.Author, got, publicKey())
	if err != nil || len(facts) != len(want) || r.Clock() != head.HLC {
		t.Errorf("%v", err)
	}
}

// TestRemainsOfADamagedFile: whatever is torn out of the file, what is given is the author's own, and the money facts are
// all there, from the second copy if need be.
func TestRemainsOfADamagedFile(t *testing.T) {
	path, spareDir, want := written(t, 300)
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	tear := func(f func(b []byte) []byte) string {
		p := filepath.Join(t.TempDir(), "j.db")
		if err := os.WriteFile(p, f(append([]byte(nil), body...)), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, c := range map[string]struct {
		path  string
		least int // records that must be found
	}{
		"cut to an eighth": {tear(func(b []byte) []byte { return b[:len(b)/8] }), 10},
		"no headers":       {tear(func(b []byte) []byte { clear(b[:2*page]); return b }), len(want)},
		"a hole":           {tear(func(b []byte) []byte { clear(b[8*page : 16*page]); return b }), 200},
		"every second page": {tear(func(b []byte) []byte {
			for at := 0; at < len(b); at += 2 * page {
				clear(b[at:min(at+page, len(b))])
			}
			return b
		}), 30},
		"nothing": {tear(func(b []byte) []byte { clear(b); return b }), 0},
		"empty":   {tear(func([]byte) []byte { return nil }), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := remains(t, c.path, spareDir)
			found, money := 0, 0
			for f, rec := range r.After(0) {
				if rec.Hash() != want[f.Seq-1].Hash() {
					t.Fatalf("record %d is another", f.Seq)
				}
				found++
				if f.Kind.Money() {
					money++
				}
			}
			if found < c.least {
				t.Errorf("found %d of %d records, want %d", found, len(want), c.least)
			}
			if c.least > 0 && money != 30 {
				t.Errorf("found %d of 30 money facts", money)
			}
		})
	}
}
