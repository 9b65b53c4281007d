// Package lossy is a disk that loses its power: a file system in user space over a folder, which keeps what was written in
// memory until it is synced, and forgets the rest when it is cut.
//
// What a cut leaves of unsynced writes is what a real disk may leave: any part of them, in sectors of 512 bytes. Names
// (files made, renamed, removed) are there at once, as with a journalling file system; their content is not.
package lossy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is a folder on a lossy disk.
type Disk struct {
	dir, under string
	server     *fuse.Server

	mu    sync.Mutex
	files map[uint64]*content // by inode of the folder beneath
	dead  bool
	lost  int // sectors that cuts have taken
}

// Mount lays a lossy disk over dir, with its synced content in under. It needs /dev/fuse, and either root or fusermount3.
func Mount(dir, under string) (*Disk, error) {
	for _, d := range []string{dir, under} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("lossy disk: %w", err)
		}
	}
	d := &Disk{dir: dir, under: under}
	return d, d.mount()
}

func (d *Disk) mount() error {
	var st syscall.Stat_t
	if err := syscall.Stat(d.under, &st); err != nil {
		return fmt.Errorf("lossy disk: %w", err)
	}
	d.mu.Lock()
	d.files, d.dead = map[uint64]*content{}, false
	d.mu.Unlock()
	root := &fs.LoopbackRoot{Path: d.under, Dev: st.Dev}
	top := &node{LoopbackNode: fs.LoopbackNode{RootData: root}, disk: d}
	root.RootNode = top
	none := time.Duration(0)
	server, err := fs.Mount(d.dir, top, &fs.Options{
		AttrTimeout: &none, EntryTimeout: &none,
		MountOptions: fuse.MountOptions{DirectMount: os.Geteuid() == 0, FsName: "lossy", Name: "lossy", AllowOther: os.Geteuid() == 0},
	})
	if err != nil {
		return fmt.Errorf("lossy disk: mount on %s (is there /dev/fuse, and root or fusermount3?): %w", d.dir, err)
	}
	d.server = server
	return nil
}

// Cut takes the power: of everything that was not synced each sector is lost with the given odds, and nothing is written
// or read any more. Whoever uses the disk must be gone before [Disk.Restore].
func (d *Disk) Cut(rnd *rand.Rand, odds float64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	var faults []error
	for _, c := range d.files {
		lost, err := c.cut(rnd, odds)
		d.lost += lost
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Lost is how many sectors the cuts have taken so far.
func (d *Disk) Lost() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Restore brings the power back: the disk holds what it held.
func (d *Disk) Restore() error {
	if err := d.Unmount(); err != nil {
		return err
	}
	return d.mount()
}

// Unmount takes the disk away.
func (d *Disk) Unmount() error {
	if err := d.server.Unmount(); err != nil {
		return fmt.Errorf("lossy disk: %w", err)
	}
	d.server.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.files {
		_ = c.file.Close() // all that counts is synced
	}
	d.files = nil
	return nil
}

// open returns the content of a file beneath, and forgets what it knew of the inode when the file is new.
func (d *Disk) open(path string, fresh bool) (*content, syscall.Errno) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fs.ToErrno(err)
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		_ = f.Close()
		return nil, fs.ToErrno(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.files[st.Ino]; c != nil && !fresh {
		_ = f.Close()
		return c, 0
	}
	c := &content{file: f, size: st.Size, kept: st.Size, dirty: map[int64][]byte{}}
	d.files[st.Ino] = c
	return c, 0
}

// size corrects a file's size by what is not synced yet.
func (d *Disk) size(a *fuse.Attr) {
	d.mu.Lock()
	c := d.files[a.Ino]
	d.mu.Unlock()
	if c != nil && a.Mode&syscall.S_IFMT == syscall.S_IFREG {
		c.mu.Lock()
		a.Size = uint64(c.size)
		c.mu.Unlock()
	}
}

func (d *Disk) alive() syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	return 0
}

// node is a file or a folder.
type node struct {
	fs.LoopbackNode
	disk *Disk
}

// WrapChild makes the nodes below ours too.
func (n *node) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	if l, ok := ops.(*fs.LoopbackNode); ok {
		return &node{LoopbackNode: fs.LoopbackNode{RootData: l.RootData}, disk: n.disk}
	}
	return ops
}

func (n *node) path() string { return filepath.Join(n.disk.under, n.Path(n.Root())) }

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	child, errno := n.LoopbackNode.Lookup(ctx, name, out)
	if errno == 0 {
		n.disk.size(&out.Attr)
	}
	return child, errno
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.disk.alive(); errno != 0 {
		return nil, nil, 0, errno
	}
	child, h, _, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	if r, ok := h.(fs.FileReleaser); ok {
		_ = r.Release(ctx)
	}
	c, errno := n.disk.open(filepath.Join(n.path(), name), true)
	return child, &handle{n.disk, c}, 0, errno
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.disk.alive(); errno != 0 {
		return nil, 0, errno
	}
	c, errno := n.disk.open(n.path(), false)
	return &handle{n.disk, c}, 0, errno
}

func (n *node) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	errno := n.LoopbackNode.Getattr(ctx, nil, out)
	n.disk.size(&out.Attr)
	return errno
}

func (n *node) Setattr(ctx context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if errno := n.disk.alive(); errno != 0 {
		return errno
	}
	if size, ok := in.GetSize(); ok {
		c, errno := n.disk.open(n.path(), false)
		if errno != 0 {
			return errno
		}
		c.truncate(int64(size))
		in.Valid &^= fuse.FATTR_SIZE
	}
	errno := n.LoopbackNode.Setattr(ctx, nil, in, out)
	n.disk.size(&out.Attr)
	return errno
}

// handle is an open file.
type handle struct {
	disk *Disk
	c    *content
}

var (
	_ fs.FileReader  = (*handle)(nil)
	_ fs.FileWriter  = (*handle)(nil)
	_ fs.FileFsyncer = (*handle)(nil)
)

func (h *handle) Read(_ context.Context, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if errno := h.disk.alive(); errno != 0 {
		return nil, errno
	}
	b, err := h.c.read(to, at)
	return fuse.ReadResultData(b), fs.ToErrno(err)
}

func (h *handle) Write(_ context.Context, b []byte, at int64) (uint32, syscall.Errno) {
	if errno := h.disk.alive(); errno != 0 {
		return 0, errno
	}
	err := h.c.write(b, at)
	return uint32(len(b)), fs.ToErrno(err) //nolint:gosec // the kernel writes at most some hundred kilobytes at once
}

func (h *handle) Fsync(context.Context, uint32) syscall.Errno {
	if errno := h.disk.alive(); errno != 0 {
		return errno
	}
	return fs.ToErrno(h.c.sync())
}
