// Package object keeps photos and other blobs, named by the SHA-256 of their bytes.
//
// Since the name is the content, a photo that is sent twice is kept once, a changed one cannot pass for the
// original, and nothing is ever overwritten. Who may see an object is the business of the row that names it:
// a name is not a permission.
package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"lotkeeper/cloud/internal/platform/fault"
)

// Key is the SHA-256 of an object in 64 lower-case hexadecimal digits.
type Key string

// Valid tells whether the key has that shape.
func (k Key) Valid() bool {
	if len(k) != 64 {
		return false
	}
	for i := range len(k) {
		if c := k[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Info of an object.
type Info struct {
	Key  Key
	Size int64
	Type string // image/jpeg or image/png
}

// Store keeps objects.
type Store interface {
	// Put keeps what r gives, up to the store's limit, if it is a picture of a known type.
	Put(ctx context.Context, r io.Reader) (Info, error)
	// Open reads an object. The caller closes it.
	Open(ctx context.Context, k Key) (io.ReadCloser, Info, error)
	// Remove forgets an object; one that is not there is no error.
	Remove(ctx context.Context, k Key) error
}

// The faults of stores.
var (
	ErrNone    = fault.New(fault.NotFound, "object.not_found", "没有这个文件", "there is no such object")
	ErrTooBig  = fault.New(fault.Invalid, "object.too_big", "文件过大", "the object is too big")
	ErrUnknown = fault.New(fault.Invalid, "object.unknown_type", "只接受 JPEG 或 PNG 图片", "only JPEG and PNG pictures are taken")
)

// Dir is a Store in a folder: <dir>/ab/cdef…
type Dir struct {
	root *os.Root
	max  int64
}

// OpenDir opens the folder, making it if missing. max is the largest object in bytes.
func OpenDir(dir string, max int64) (*Dir, error) {
	if max <= 0 {
		return nil, errors.New("object: the limit must be positive")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	if err := root.Mkdir("new", 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(fmt.Errorf("object: %w", err), root.Close())
	}
	return &Dir{root: root, max: max}, nil
}

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Put writes to a temporary file, then renames it to its hash. What a crash leaves in new/ is never read.
func (d *Dir) Put(ctx context.Context, r io.Reader) (info Info, err error) {
	var head [16]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Info{}, fmt.Errorf("object: read: %w", err)
	}
	kind := sniff(head[:n])
	if kind == "" {
		return Info{}, ErrUnknown
	}
	temp := path.Join("new", randomName())
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return Info{}, fmt.Errorf("object: %w", err)
	}
	defer func() {
		if err != nil {
			_ = d.root.Remove(temp) // a leftover is never read
		}
	}()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), io.MultiReader(bytes.NewReader(head[:n]), io.LimitReader(r, d.max+1-int64(n))))
	if err == nil && size <= d.max {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return Info{}, fmt.Errorf("object: write: %w", err)
	}
	if size > d.max {
		return Info{}, ErrTooBig
	}
	if err := ctx.Err(); err != nil {
		return Info{}, fmt.Errorf("object: %w", err)
	}
	key := Key(hex.EncodeToString(hash.Sum(nil)))
	if err := d.root.Mkdir(string(key[:2]), 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return Info{}, fmt.Errorf("object: %w", err)
	}
	if err := d.root.Rename(temp, place(key)); err != nil { // over an equal file, if it is there
		return Info{}, fmt.Errorf("object: %w", err)
	}
	return Info{Key: key, Size: size, Type: kind}, nil
}

// Open reads an object.
func (d *Dir) Open(_ context.Context, k Key) (io.ReadCloser, Info, error) {
	if !k.Valid() {
		return nil, Info{}, ErrNone
	}
	f, err := d.root.Open(place(k))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, ErrNone
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("object: %w", err)
	}
	var head [16]byte
	stat, err := f.Stat()
	if err == nil {
		_, err = f.ReadAt(head[:], 0)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, Info{}, errors.Join(fmt.Errorf("object: %w", err), f.Close())
	}
	return f, Info{Key: k, Size: stat.Size(), Type: sniff(head[:])}, nil
}

// Remove forgets an object.
func (d *Dir) Remove(_ context.Context, k Key) error {
	if !k.Valid() {
		return nil
	}
	if err := d.root.Remove(place(k)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("object: %w", err)
	}
	return nil
}

func place(k Key) string { return path.Join(string(k[:2]), string(k[2:])) }
