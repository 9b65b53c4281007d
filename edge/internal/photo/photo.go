// Package photo keeps a booth's pictures: files named by their content, and the queue of those the cloud lacks.
//
// Invariants:
//   - a picture's name is the SHA-256 of its bytes, so it is stored once and cannot be swapped unseen;
//   - nothing here is synced: a lane never waits for a picture. One that a power cut tore is found by its hash and dropped;
//   - the folder never outgrows its bound. Pictures the cloud has go first, oldest first; then those it lacks, counted.
package photo

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lotkeeper/shared/fact"
)

// MaxBytes bounds one picture.
const MaxBytes = 4 << 20

// ErrTorn says that a picture's bytes are not those it is named after; it has been dropped.
var ErrTorn = errors.New("picture is torn")

// Store is a folder of pictures. It is safe for concurrent use; one process uses a folder.
type Store struct {
	dir   string
	bound int64
	wake  chan struct{}

	stats atomic.Pointer[Stats] // as of the last change: whoever asks must not wait for the disk

	mu      sync.Mutex // held while the disk is written
	all     map[string]*item
	queue   []string // names the cloud lacks, oldest first
	bytes   int64
	dropped int
}

type item struct {
	size   int64
	at     time.Time
	queued bool
}

// Stats is how a store stands.
type Stats struct {
	Files   int
	Bytes   int64
	Waiting int // not yet with the cloud
	Dropped int // never reached the cloud: torn, refused, or driven out by the bound; since start
}

// Open reads the folder dir, made when it is not there, which may grow to bound bytes.
func Open(dir string, bound int64) (*Store, error) {
	if bound < MaxBytes {
		return nil, fmt.Errorf("open photos: a bound of %d bytes holds less than one picture", bound)
	}
	s := &Store{dir: dir, bound: bound, wake: make(chan struct{}, 1), all: map[string]*item{}}
	for _, d := range []string{s.files(), s.marks()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open photos: %w", err)
		}
	}
	if err := s.scan(); err != nil {
		return nil, fmt.Errorf("open photos: %w", err)
	}
	s.note()
	return s, nil
}

func (s *Store) files() string { return filepath.Join(s.dir, "files") }
func (s *Store) marks() string { return filepath.Join(s.dir, "queue") }

func (s *Store) file(name string) string { return filepath.Join(s.files(), name[:2], name) }
func (s *Store) mark(name string) string { return filepath.Join(s.marks(), name) }

// scan reads what an earlier run left, and clears away what it was writing when it ended.
func (s *Store) scan() error {
	err := filepath.WalkDir(s.files(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !valid(d.Name()) {
			return os.Remove(path)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		s.all[d.Name()] = &item{size: info.Size(), at: info.ModTime()}
		s.bytes += info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	marks, err := os.ReadDir(s.marks())
	if err != nil {
		return err
	}
	for _, m := range marks {
		if it := s.all[m.Name()]; it != nil {
			it.queued = true
			s.queue = append(s.queue, m.Name())
		} else if err := os.Remove(s.mark(m.Name())); err != nil {
			return err
		}
	}
	slices.SortFunc(s.queue, func(a, b string) int {
		return cmp.Or(s.all[a].at.Compare(s.all[b].at), cmp.Compare(a, b))
	})
	if len(s.queue) > 0 {
		s.wake <- struct{}{}
	}
	return nil
}

// valid reports whether name is a SHA-256 in lower-case hexadecimal.
func valid(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == name
}

// Put stores a picture of a kind ("scene" or "plate") and queues it for the cloud. at is when it was taken.
func (s *Store) Put(kind string, picture []byte, at time.Time) (fact.Photo, error) {
	if len(picture) == 0 || len(picture) > MaxBytes {
		return fact.Photo{}, fmt.Errorf("store photo: %d bytes, want 1 to %d", len(picture), MaxBytes)
	}
	sum := sha256.Sum256(picture)
	name := hex.EncodeToString(sum[:])
	p := fact.Photo{Kind: kind, SHA256: name, Bytes: len(picture)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[name] != nil {
		return p, nil
	}
	defer s.note()
	s.makeRoom(int64(len(picture)))
	if err := s.write(name, picture, at); err != nil {
		return fact.Photo{}, fmt.Errorf("store photo: %w", err)
	}
	s.all[name] = &item{size: int64(len(picture)), at: at, queued: true}
	s.bytes += int64(len(picture))
	s.queue = append(s.queue, name)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return p, nil
}

func (s *Store) write(name string, picture []byte, at time.Time) error {
	to := s.file(name)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	part := to + ".part"
	if err := os.WriteFile(part, picture, 0o600); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Chtimes(part, at, at); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return os.WriteFile(s.mark(name), nil, 0o600)
}

// makeRoom drops pictures until size more bytes fit.
func (s *Store) makeRoom(size int64) {
	if s.bytes+size <= s.bound {
		return
	}
	names := make([]string, 0, len(s.all))
	for n := range s.all {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := s.all[a], s.all[b]
		if x.queued != y.queued {
			if y.queued {
				return -1
			}
			return 1
		}
		return cmp.Or(x.at.Compare(y.at), cmp.Compare(a, b))
	})
	for _, n := range names {
		// Down to nine tenths, so that a full store does not sort all its names for every picture.
		if s.bytes+size <= s.bound*9/10 {
			return
		}
		if s.all[n].queued {
			s.dropped++
		}
		s.remove(n)
	}
}

func (s *Store) remove(name string) {
	it := s.all[name]
	if it == nil {
		return
	}
	s.unqueue(name)
	_ = os.Remove(s.file(name)) // a leftover is found by the next scan
	delete(s.all, name)
	s.bytes -= it.size
}

func (s *Store) unqueue(name string) {
	if it := s.all[name]; it == nil || !it.queued {
		return
	}
	s.all[name].queued = false
	_ = os.Remove(s.mark(name)) // a leftover is uploaded once more, which the cloud takes as known
	if i := slices.Index(s.queue, name); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// Read returns a picture by its name. A torn one is dropped, and the error is [ErrTorn]; one that is not here gives
// fs.ErrNotExist.
func (s *Store) Read(name string) ([]byte, error) {
	if !valid(name) {
		return nil, fmt.Errorf("read photo %.70q: %w", name, fs.ErrNotExist)
	}
	b, err := os.ReadFile(s.file(name))
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	sum := sha256.Sum256(b)
	if hex.EncodeToString(sum[:]) != name {
		s.Drop(name)
		return nil, fmt.Errorf("read photo %s: %w", name, ErrTorn)
	}
	return b, nil
}

// Next returns the oldest picture the cloud lacks; ok is false when there is none.
func (s *Store) Next() (name string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return "", false
	}
	return s.queue[0], true
}

// Queued wakes one reader when a picture was queued since it last looked.
func (s *Store) Queued() <-chan struct{} { return s.wake }

// Sent takes a picture that the cloud has off the queue. It stays in the store until its room is needed.
func (s *Store) Sent(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.note()
	s.unqueue(name)
}

// Drop forgets a picture that is torn or that the cloud will never take, and counts it.
func (s *Store) Drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.note()
	if s.all[name] != nil {
		s.dropped++
		s.remove(name)
	}
}

// Stats returns how the store stood after its last change. It does not wait for the disk.
func (s *Store) Stats() Stats { return *s.stats.Load() }

// note keeps how the store stands. The caller holds mu, or is the only one who has the store.
func (s *Store) note() { s.stats.Store(&Stats{len(s.all), s.bytes, len(s.queue), s.dropped}) }
