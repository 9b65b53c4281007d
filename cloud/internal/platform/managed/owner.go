package managed

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is who the server runs as. The zero owner is ourselves.
type owner struct {
	name     string
	uid, gid uint32
	other    bool
}

// serverUser is ourselves, or for root the user postgres, else nobody.
func serverUser() (owner, error) {
	if os.Geteuid() != 0 {
		return owner{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return owner{}, fmt.Errorf("user %s has uid %q: %w", name, u.Uid, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return owner{}, fmt.Errorf("user %s has gid %q: %w", name, u.Gid, err)
		}
		return owner{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
	}
	return owner{}, errors.New("started by root, and there is neither a user postgres nor nobody to run the server as")
}

func (o owner) credential() *syscall.Credential {
	if !o.other {
		return nil
	}
	return &syscall.Credential{Uid: o.uid, Gid: o.gid}
}

func (o owner) own(path string) error {
	if !o.other {
		return nil
	}
	return os.Chown(path, int(o.uid), int(o.gid))
}

// MakeDir makes a folder, and what is missing above it, that the server's user can pass through whatever the umask is.
// Folders that exist stay as they are.
func MakeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := MakeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o711)
}

// canEnter checks every parent, because Postgres would only say "permission denied".
func (o owner) canEnter(dir string) error {
	if !o.other {
		return nil
	}
	for p := dir; ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("no owner known of %s", p)
		}
		bit := os.FileMode(0o001)
		switch {
		case st.Uid == o.uid:
			bit = 0o100
		case st.Gid == o.gid:
			bit = 0o010
		}
		if info.Mode().Perm()&bit == 0 {
			return fmt.Errorf("user %s, as which the server runs, may not enter %s (mode %v): choose another data folder, or chmod o+x %s",
				o.name, p, info.Mode().Perm(), p)
		}
		if p == filepath.Dir(p) {
			return nil
		}
	}
}
