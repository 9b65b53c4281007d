package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRootsDataGoesWhereOthersMayEnter(t *testing.T) {
	open, err := os.MkdirTemp("/tmp", "lk-") // what t.TempDir makes is closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(open); err != nil {
			t.Error(err)
		}
	})
	closed, spare := filepath.Join(open, "home"), filepath.Join(open, "spare")
	for dir, mode := range map[string]os.FileMode{closed: 0o700, open: 0o711} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		dir  string
		root bool
		want string
	}{
		{filepath.Join(open, "clone", ".cache", "demo"), true, ""},
		{filepath.Join(closed, "clone", ".cache", "demo"), false, ""},
		{filepath.Join(closed, "clone", ".cache", "demo"), true, filepath.Join(spare, closed, "clone", ".cache", "demo")},
		{closed, true, filepath.Join(spare, closed)},
	} {
		want := tc.want
		if want == "" {
			want = tc.dir
		}
		got, err := reachable(tc.dir, tc.root, spare)
		if err != nil || got != want {
			t.Errorf("%s, root %v: got %s, %v, want %s", tc.dir, tc.root, got, err, want)
		}
		if at, err := closedAt(got); tc.root && (err != nil || at != "") {
			t.Errorf("%s, root %v: %s cannot be entered at %s, %v", tc.dir, tc.root, got, at, err)
		}
	}
	// The spare folder stays where the first time put it.
	if again, err := reachable(filepath.Join(spare, closed), true, spare); err != nil || again != filepath.Join(spare, closed) {
		t.Errorf("got %s, %v, want it left alone", again, err)
	}
}
