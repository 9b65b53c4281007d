package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// hold keeps dir for this demonstration until it calls free or ends, however it ends: dir is emptied at the start, and
// must not be emptied under a lot that runs.
func hold(dir string) (free func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("hold %s: %w", dir, err)
	}
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("hold %s: %w", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another demonstration runs in %s: stop it first, or give this one a folder of its own with DEMO_DIR", dir)
		}
		return nil, fmt.Errorf("hold %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}
