package spare

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lotkeeper/shared/fact"
)

func record(i int) fact.Record {
	return fact.Record{Public: []byte(fmt.Sprintf("fact %d %s", i, strings.Repeat("x", 50))), Private: []byte("p"), Sig: []byte("s")}
}

func open(t *testing.T, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, dir string) (out []string) {
	t.Helper()
	if err := Read(dir, func(r fact.Record) { out = append(out, strings.Fields(string(r.Public))[1]) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatWasWrittenIsReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spare")
	if got := read(t, dir); got != nil {
		t.Errorf("a copy that is not there holds %v", got)
	}
	l := open(t, dir)
	if err := l.Write(record(1), record(2)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer l.Close()
	if err := l.Write(record(3)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("read %v", got)
	}
}

func TestTornAndForeignBytesCostOnlyThemselves(t *testing.T) {
	whole := frame(nil, record(1))
	flipped := frame(nil, record(2))
	flipped[len(flipped)-1] ^= 1
	for name, b := range map[string][]byte{
		"torn end":     slices.Concat(whole, frame(nil, record(2))[:30]),
		"torn middle":  slices.Concat(frame(nil, record(2))[:30], whole),
		"bit flipped":  slices.Concat(flipped, whole),
		"zeroed page":  slices.Concat(make([]byte, 4096), whole, make([]byte, 100)),
		"false marks":  slices.Concat([]byte("LKm1LKm1\xff\xff\xff\xff"), whole),
		"false length": slices.Concat([]byte("LKm1\x00\x01\x00\x00aaaa"), whole),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "money-00000001.log"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir) // goes on after what is there
		if err := l.Write(record(9)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if got := read(t, dir); !slices.Equal(got, []string{"1", "9"}) {
			t.Errorf("%s: read %v", name, got)
		}
	}
}

func TestTheCopyIsBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer l.Close()
	l.max = 1000
	const n = 300
	for i := range n {
		if err := l.Write(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := list(dir)
	if err != nil || len(files) != keepFiles {
		t.Errorf("%d files, %v; want %d", len(files), err, keepFiles)
	}
	got := read(t, dir)
	if len(got) < keepFiles*5 || got[len(got)-1] != fmt.Sprint(n-1) || len(got) == n {
		t.Errorf("keeps %d, the last is %s", len(got), got[len(got)-1])
	}
}

func FuzzScan(f *testing.F) {
	f.Add(slices.Concat(frame(nil, record(1)), []byte("LKm1"), frame(nil, record(2))))
	f.Add([]byte("LKm1\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		scan(b, func(fact.Record) { n++ })
		again := 0
		scan(slices.Concat(b, frame(nil, record(1))), func(fact.Record) { again++ })
		if again < n { // what follows may complete a frame, and never takes one away
			t.Errorf("%d frames, with one more %d", n, again)
		}
	})
}
