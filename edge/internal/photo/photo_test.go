package photo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/edge/internal/journal/disktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, bound int64) *Store {
	t.Helper()
	s, err := Open(dir, bound)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Store, body []byte, at int) string {
	t.Helper()
	p, err := s.Put("scene", body, time.Unix(int64(at), 0))
	if err != nil || p.Bytes != len(body) || p.Kind != "scene" {
		t.Fatalf("put: %+v, %v", p, err)
	}
	return p.SHA256
}

func TestPicturesSurviveAndGoInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 64<<20)
	first, second := put(t, s, []byte("first"), 1), put(t, s, []byte("second"), 2)
	if again := put(t, s, []byte("first"), 3); again != first || s.Stats().Files != 2 {
		t.Errorf("the same picture again: %s, %+v", again, s.Stats())
	}
	if err := os.WriteFile(filepath.Join(dir, "files", first[:2], first+".part"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, 64<<20)
	if n, ok := s.Next(); !ok || n != first || s.Stats() != (Stats{Files: 2, Bytes: 11, Waiting: 2}) {
		t.Fatalf("next %s %v, %+v", n, ok, s.Stats())
	}
	select {
	case <-s.Queued():
	default:
		t.Error("nobody is woken for what an earlier run left")
	}
	if b, err := s.Read(first); err != nil || string(b) != "first" {
		t.Errorf("read %q, %v", b, err)
	}
	s.Sent(first)
	s = open(t, dir, 64<<20)
	if n, _ := s.Next(); n != second || s.Stats().Waiting != 1 || s.Stats().Files != 2 {
		t.Errorf("after the first was sent: next %s, %+v", n, s.Stats())
	}
}

func TestTornPictureIsDropped(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 64<<20)
	name := put(t, s, []byte("picture"), 1)
	if err := os.WriteFile(filepath.Join(dir, "files", name[:2], name), []byte("pic"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(name); !errors.Is(err, ErrTorn) {
		t.Errorf("read: %v", err)
	}
	if _, ok := s.Next(); ok || s.Stats().Dropped != 1 || s.Stats().Files != 0 {
		t.Errorf("still queued: %+v", s.Stats())
	}
	if _, err := s.Read(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read again: %v", err)
	}
}

func TestBoundDropsWhatTheCloudHasFirst(t *testing.T) {
	const bound = 2 * MaxBytes
	s := open(t, t.TempDir(), bound)
	picture := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, MaxBytes/4) }
	var names []string
	for i := range 7 {
		names = append(names, put(t, s, picture(i), i))
	}
	s.Sent(names[5])
	put(t, s, picture(7), 7)
	put(t, s, picture(8), 8)
	if st := s.Stats(); st.Bytes > bound {
		t.Errorf("%d bytes, bound %d", st.Bytes, bound)
	}
	if _, err := s.Read(names[5]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the picture that the cloud has stayed: %v", err)
	}
	if n, _ := s.Next(); s.Stats().Dropped == 0 || n == names[0] {
		t.Errorf("next %s, %+v: the oldest goes when nothing else can", n, s.Stats())
	}
	left := s.Stats()
	var on int64
	err := filepath.Walk(s.files(), func(_ string, i fs.FileInfo, err error) error {
		if err == nil && !i.IsDir() {
			on += i.Size()
		}
		return err
	})
	if err != nil || on != left.Bytes {
		t.Errorf("%d bytes on disk, %d counted, %v", on, left.Bytes, err)
	}
}

func TestBadNamesAndSizes(t *testing.T) {
	s := open(t, t.TempDir(), 64<<20)
	for _, name := range []string{"", "..", "../../etc/passwd", "ab", string(bytes.Repeat([]byte("A"), 64)), string(bytes.Repeat([]byte("g"), 64))} {
		if _, err := s.Read(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %q: %v", name, err)
		}
	}
	for _, n := range []int{0, MaxBytes + 1} {
		if _, err := s.Put("scene", make([]byte, n), time.Unix(0, 0)); err == nil {
			t.Errorf("a picture of %d bytes was taken", n)
		}
	}
	if _, err := Open(t.TempDir(), 1); err == nil {
		t.Error("a bound of one byte was taken")
	}
}

func TestManyHands(t *testing.T) {
	s := open(t, t.TempDir(), 64<<20)
	var group sync.WaitGroup
	for h := range 8 {
		group.Go(func() {
			for i := range 20 {
				p, err := s.Put("plate", fmt.Appendf(nil, "%d %d", h%4, i), time.Unix(int64(i), 0))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Read(p.SHA256); err != nil {
					t.Error(err)
				}
				if h%2 == 0 {
					s.Sent(p.SHA256)
				}
			}
		})
	}
	group.Wait()
	if st := s.Stats(); st.Files != 80 || st.Dropped != 0 {
		t.Errorf("%+v, want 80 files", st)
	}
}

// The booth's page and its uplink look at the store all the time: they must not hang with the disk.
func TestHowItStandsIsToldWhileTheDiskHangs(t *testing.T) {
	d := disktest.New(t, 16)
	s, err := Open(filepath.Join(d.Dir, "photos"), MaxBytes)
	if err != nil {
		t.Fatal(err)
	}
	d.Freeze()
	put, told := make(chan error, 1), make(chan Stats, 1)
	go func() {
		_, err := s.Put("scene", []byte("picture"), time.Now())
		put <- err
	}()
	begun := time.NewTimer(200 * time.Millisecond)
	defer begun.Stop()
	select {
	case err := <-put:
		t.Fatalf("the frozen disk took a picture: %v", err)
	case <-begun.C:
	}
	go func() { told <- s.Stats() }()
	select {
	case st := <-told:
		if st.Files != 0 {
			t.Errorf("%+v", st)
		}
	case <-time.After(5 * time.Second):
		t.Error("the store does not say how it stands")
	}
	d.Thaw()
	if err := <-put; err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Files != 1 || st.Waiting != 1 {
		t.Errorf("once the disk is back: %+v", st)
	}
}
