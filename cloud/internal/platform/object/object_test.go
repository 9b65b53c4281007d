package object_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"lotkeeper/cloud/internal/platform/object"
)

const jpeg = "\xFF\xD8\xFF\xE0rest of a picture"

func open(t testing.TB) (*object.Dir, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := object.OpenDir(dir, 1000)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, dir
}

func TestPutTwiceKeepsOne(t *testing.T) {
	d, dir := open(t)
	sum := sha256.Sum256([]byte(jpeg))
	for range 2 {
		info, err := d.Put(t.Context(), iotest.OneByteReader(strings.NewReader(jpeg)))
		if err != nil {
			t.Fatal(err)
		}
		if want := (object.Info{Key: object.Key(hex.EncodeToString(sum[:])), Size: int64(len(jpeg)), Type: "image/jpeg"}); info != want {
			t.Fatalf("info = %+v, want %+v", info, want)
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if !e.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 1 {
		t.Errorf("%d files (%v), want 1", files, err)
	}
	k := object.Key(hex.EncodeToString(sum[:]))
	r, info, err := d.Open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != jpeg || info.Type != "image/jpeg" {
		t.Errorf("read %q %+v %v", got, info, err)
	}
	_ = r.Close()
	for range 2 {
		if err := d.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := d.Open(t.Context(), k); !errors.Is(err, object.ErrNone) {
		t.Errorf("after Remove: %v", err)
	}
}

func TestWhatIsRefusedLeavesNothing(t *testing.T) {
	d, dir := open(t)
	for name, tc := range map[string]struct {
		body io.Reader
		want error
	}{
		"empty":   {strings.NewReader(""), object.ErrUnknown},
		"html":    {strings.NewReader("<html><script>"), object.ErrUnknown},
		"too big": {strings.NewReader(jpeg + strings.Repeat("x", 1000)), object.ErrTooBig},
		"broken":  {io.MultiReader(strings.NewReader(jpeg), iotest.ErrReader(io.ErrClosedPipe)), io.ErrClosedPipe},
	} {
		if _, err := d.Put(t.Context(), tc.body); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	left, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("../../../etc/passwd")
	f.Add(strings.Repeat("a", 64))
	d, _ := open(f)
	f.Fuzz(func(t *testing.T, k string) {
		if r, _, err := d.Open(t.Context(), object.Key(k)); err == nil {
			_ = r.Close()
			t.Errorf("opened %q in an empty store", k)
		} else if !errors.Is(err, object.ErrNone) {
			t.Errorf("%q: %v", k, err)
		}
	})
}

func FuzzPut(f *testing.F) {
	f.Add([]byte(jpeg))
	f.Add([]byte("\x89PNG\r\n\x1a\nx"))
	d, _ := open(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := d.Put(t.Context(), bytes.NewReader(body))
		if err == nil && info.Size != int64(len(body)) {
			t.Errorf("kept %d of %d bytes", info.Size, len(body))
		}
	})
}
