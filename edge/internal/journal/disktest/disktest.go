// Package disktest gives a test a disk of its own that can be made to fail: a small ext4 on a loop device, mounted for the
// test. The faults are the kernel's own: a full disk, one that takes no writes for a while (frozen), one that answers
// every write with an I/O error (shut down), one that is read-only. It needs root and says so when it is not.
package disktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Requests of ext4 and the VFS that golang.org/x/sys/unix does not name. Source: include/uapi/linux/fs.h, fs/ext4/ext4.h.
const (
	fiFreeze     = 0xC0045877
	fiThaw       = 0xC0045878
	ext4Shutdown = 0x8004587D
	noLogFlush   = 2
)

// Disk is a mounted file system.
type Disk struct {
	Dir   string // where it is mounted
	t     testing.TB
	image string
	held  *os.File // of Freeze
}

// New makes a disk of so many megabytes and mounts it until the test ends.
func New(t testing.TB, megabytes int64) *Disk {
	t.Helper()
	base := t.TempDir()
	d := &Disk{Dir: filepath.Join(base, "mnt"), t: t, image: filepath.Join(base, "image")}
	if err := errors.Join(os.Mkdir(d.Dir, 0o700), os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, megabytes<<20)); err != nil {
		t.Fatal(err)
	}
	d.run("mkfs.ext4", "-q", "-m", "0", d.image)
	d.mount("rw")
	t.Cleanup(func() {
		d.Thaw()
		d.unmount()
	})
	return d
}

func (d *Disk) run(name string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %s (this test needs root and loop devices): %v: %s", name, strings.Join(args, " "), err, out)
	}
}

func (d *Disk) mount(mode string) {
	d.t.Helper()
	d.run("mount", "-o", "loop,"+mode, d.image, d.Dir)
}

// unmount waits until nobody holds a file on it.
func (d *Disk) unmount() {
	d.t.Helper()
	end := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond) // the kernel tells nobody when the last file is closed
	defer tick.Stop()
	for ; ; <-tick.C {
		err := unix.Unmount(d.Dir, 0)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("unmount %s: %v", d.Dir, err)
		}
	}
}

// Fill takes all the room there is, but for keep bytes.
func (d *Disk) Fill(keep int64) {
	d.t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(d.Dir, &st); err != nil {
		d.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(d.Dir, "ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	room := int64(st.Bavail)*st.Bsize - keep
	block := make([]byte, 4096)
	for ; room > 0; room -= int64(len(block)) {
		if _, err := f.Write(block); err != nil {
			break // it is full
		}
	}
	_ = f.Sync()
	_ = f.Close()
}

// Free gives the room back.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.Dir, "ballast")); err != nil {
		d.t.Fatal(err)
	}
}

// Freeze makes every write wait until Thaw.
func (d *Disk) Freeze() {
	d.t.Helper()
	d.held = d.open()
	if err := unix.IoctlSetInt(int(d.held.Fd()), fiFreeze, 0); err != nil {
		d.t.Fatalf("freeze (this test needs root): %v", err)
	}
}

// Thaw ends Freeze.
func (d *Disk) Thaw() {
	d.t.Helper()
	if d.held == nil {
		return
	}
	if err := errors.Join(unix.IoctlSetInt(int(d.held.Fd()), fiThaw, 0), d.held.Close()); err != nil {
		d.t.Errorf("thaw: %v", err)
	}
	d.held = nil
}

// Break makes every write fail with an I/O error, as a disk that died does. What was synced stays.
func (d *Disk) Break() {
	d.t.Helper()
	f := d.open()
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), ext4Shutdown, noLogFlush); err != nil {
		d.t.Fatalf("shut down (this test needs root): %v", err)
	}
}

// Replace ends Break, or ReadOnly: the disk is taken off and put on again, as after a change of the cable. Whoever has files
// on it must let go of them first.
func (d *Disk) Replace() {
	d.t.Helper()
	d.unmount()
	d.mount("rw")
}

// ReadOnly takes the disk off and puts it on again so that it can only be read.
func (d *Disk) ReadOnly() {
	d.t.Helper()
	d.unmount()
	d.mount("ro")
}

func (d *Disk) open() *os.File {
	d.t.Helper()
	f, err := os.Open(d.Dir)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}
