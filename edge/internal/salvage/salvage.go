// Package salvage keeps what a booth no longer uses and still needs: damaged files, and the logs of incarnations that
// ended. Nothing is ever deleted here. From a log that is out of use it gives the lot whatever is whole, so that the lot,
// its other booths and the cloud lose as little as can be.
//
// Each file lies in the folder under the name it had, a dash and the time; beside it a document says why it is there and
// what became of it. Work that was cut off begins again from the document: every step may be done twice.
package salvage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

// WhyDamaged is why a file that did not pass its check was set aside.
const WhyDamaged = "damaged"

// Item is one file that was set aside.
type Item struct {
	Name   string      `json:"name"` // of the file in the folder
	Was    string      `json:"was"`  // its name before
	At     time.Time   `json:"at"`
	Why    string      `json:"why"`
	Detail string      `json:"detail,omitempty"`
	Author fact.Author `json:"author,omitempty"` // of a journal
	Agreed fact.Head   `json:"agreed,omitzero"`  // how far another node is known to hold the very log
	Open   bool        `json:"open,omitempty"`   // something is still to be done with it
	// What became of an ended log's facts: taken over as they are, told again by the next incarnation, and numbers that
	// were not found here.
	Taken   uint64 `json:"taken,omitempty"`
	Told    uint64 `json:"told,omitempty"`
	Missing uint64 `json:"missing,omitempty"`
	Forked  uint64 `json:"forked,omitempty"` // number at which it parted from the log that others hold
}

// Store is the folder. It is safe for concurrent use.
type Store struct {
	dir string
	mu  sync.Mutex
}

const suffix = ".json"

// Open opens the folder, which it makes when it is not there.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open quarantine: %w", err)
	}
	return &Store{dir: dir}, nil
}

// Path is where an item's file lies.
func (s *Store) Path(it Item) string { return filepath.Join(s.dir, it.Name) }

// Name gives an item that is about to be set aside its name, by what it was and the time, and writes its document. The
// file is moved there by the caller.
func (s *Store) Name(it Item) (Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it.At = it.At.UTC()
	stem := it.Was + "-" + it.At.Format("20060102T150405.000Z")
	for n := 1; ; n++ {
		it.Name = stem
		if n > 1 {
			it.Name = fmt.Sprintf("%s-%d", stem, n)
		}
		free := true
		for _, name := range []string{it.Name, it.Name + suffix} {
			_, err := os.Lstat(filepath.Join(s.dir, name))
			free = free && errors.Is(err, os.ErrNotExist)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return it, fmt.Errorf("quarantine %s: %w", it.Was, err)
			}
		}
		if free {
			return it, s.write(it)
		}
	}
}

// Take moves a file into the folder.
func (s *Store) Take(path string, it Item) (Item, error) {
	it.Was = filepath.Base(path)
	it, err := s.Name(it)
	if err != nil {
		return it, err
	}
	if err := os.Rename(path, s.Path(it)); err != nil {
		return it, errors.Join(fmt.Errorf("quarantine: %w", err), s.Drop(it))
	}
	return it, errors.Join(disk.SyncDir(s.dir), disk.SyncDir(filepath.Dir(path)))
}

// Note writes what is known of an item.
func (s *Store) Note(it Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(it)
}

func (s *Store) write(it Item) error {
	b, err := json.MarshalIndent(it, "", "  ")
	if err != nil {
		return fmt.Errorf("quarantine %s: %w", it.Name, err)
	}
	if err := disk.Replace(filepath.Join(s.dir, it.Name+suffix), append(b, '\n')); err != nil {
		return fmt.Errorf("quarantine %s: %w", it.Name, err)
	}
	return nil
}

// Drop forgets an item whose file never came, or is in use under its old name.
func (s *Store) Drop(it Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{it.Name, it.Name + suffix} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	return nil
}

// Items lists what is there, oldest first. A document that cannot be read is an item with no more than its name.
func (s *Store) Items() ([]Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	var out []Item
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		it := Item{}
		b, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err != nil || json.Unmarshal(b, &it) != nil || it.Name != name {
			it = Item{Name: name, Was: name, Why: "unknown"}
		}
		out = append(out, it)
	}
	slices.SortStableFunc(out, func(x, y Item) int { return x.At.Compare(y.At) })
	return out, nil
}
