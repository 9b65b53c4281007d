// Package spare keeps a second copy of a journal's money facts, in files of its own with a form of its own, so that no
// fault of the one store takes both.
//
// A folder holds numbered files; only the newest grows, and the oldest goes when there are too many. A file is a run of
// frames: the mark, the payload's length and CRC-32C (little-endian, 4 bytes each), the payload (a record as package disk
// encodes it). A frame that was torn, or bytes that make no sense, are passed over up to the next mark that holds.
package spare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
)

const (
	mark      = "LKm1"
	frameHead = len(mark) + 8
	maxFrame  = fact.MaxPublic + fact.MaxPrivate + 1024
)

// Bounds of a copy: what stays is the newest keepFiles × maxFile bytes, more than a month of a busy booth.
const (
	maxFile   = 8 << 20
	keepFiles = 8
)

var table = crc32.MakeTable(crc32.Castagnoli)

// Log is an open copy. One goroutine uses it.
type Log struct {
	dir  string
	n    int // of the newest file
	size int64
	f    *os.File
	max  int64
}

// Open opens the copy in a folder, which it makes when it is not there.
func Open(dir string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open second copy: %w", err)
	}
	l := &Log{dir: dir, max: maxFile}
	files, err := list(dir)
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		l.n = files[len(files)-1]
	} else {
		l.n = 1
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Log) open() error {
	f, err := os.OpenFile(name(l.dir, l.n), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open second copy: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open second copy: %w", err), f.Close())
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write appends records and syncs them.
func (l *Log) Write(records ...fact.Record) error {
	var b []byte
	for _, r := range records {
		b = frame(b, r)
	}
	if l.size > 0 && l.size+int64(len(b)) > l.max {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	if err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write second copy: %w", err)
	}
	return nil
}

// rotate begins the next file and removes the oldest beyond the bound.
func (l *Log) rotate() error {
	old := l.f
	l.n++
	if err := l.open(); err != nil {
		l.n--
		return err
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("close second copy: %w", err)
	}
	files, err := list(l.dir)
	if err != nil {
		return err
	}
	for len(files) > keepFiles {
		if err := os.Remove(name(l.dir, files[0])); err != nil {
			return fmt.Errorf("bound second copy: %w", err)
		}
		files = files[1:]
	}
	return disk.SyncDir(l.dir)
}

// Close releases the file.
func (l *Log) Close() error { return l.f.Close() }

// Read visits what of a folder's copy is whole, oldest first. A folder that is not there is empty.
func Read(dir string, visit func(fact.Record)) error {
	files, err := list(dir)
	if err != nil {
		return err
	}
	var faults []error
	for _, n := range files {
		b, err := os.ReadFile(name(dir, n))
		if err != nil { // the others may be whole
			faults = append(faults, fmt.Errorf("read second copy: %w", err))
			continue
		}
		scan(b, visit)
	}
	return errors.Join(faults...)
}

func name(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("money-%08d.log", n)) }

// list returns the numbers of a folder's files, oldest first.
func list(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list second copy: %w", err)
	}
	var out []int
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "money-%08d.log", &n); err == nil && n > 0 && name(dir, n) == filepath.Join(dir, e.Name()) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

func frame(b []byte, r fact.Record) []byte {
	payload := disk.Encode(r)
	b = append(b, mark...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(payload, table))
	return append(b, payload...)
}

// scan visits the frames in b that are whole.
func scan(b []byte, visit func(fact.Record)) {
	for len(b) >= frameHead {
		if r, n, err := next(b); err == nil {
			visit(r)
			b = b[n:]
			continue
		}
		b = b[1:]
	}
}

var errFrame = errors.New("not a whole frame")

// next reads the frame that b begins with and returns its length.
func next(b []byte) (fact.Record, int, error) {
	if string(b[:len(mark)]) != mark {
		return fact.Record{}, 0, errFrame
	}
	size := int(binary.LittleEndian.Uint32(b[len(mark):]))
	if size > maxFrame || frameHead+size > len(b) {
		return fact.Record{}, 0, io.ErrUnexpectedEOF
	}
	payload := b[frameHead : frameHead+size]
	if crc32.Checksum(payload, table) != binary.LittleEndian.Uint32(b[len(mark)+4:]) {
		return fact.Record{}, 0, errFrame
	}
	r, err := disk.Decode(payload)
	return r, frameHead + size, err
}
