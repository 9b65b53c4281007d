package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// spare is where data goes that would else be where only root comes.
const spare = "/var/cache/lotkeeper"

// reachable returns dir, or its counterpart in the spare folder, made, when dir is closed to others and root runs us:
// Postgres refuses to run as root, so the cloud starts it as another user, who must get to its data. A clone in root's
// home is such a case.
func reachable(dir string, root bool, spare string) (string, error) {
	if !root {
		return dir, nil
	}
	closed, err := closedAt(dir)
	if err != nil || closed == "" {
		return dir, err
	}
	other := filepath.Join(spare, dir)
	if err := os.MkdirAll(other, 0o755); err != nil {
		return "", fmt.Errorf("make %s: %w", other, err)
	}
	fmt.Printf("Data goes to %s: the database is not run by root, and others may not enter %s\n", other, closed)
	return other, nil
}

// closedAt returns the innermost folder on the way to dir that others may not enter, or "". What does not exist yet will
// be open.
func closedAt(dir string) (string, error) {
	for p := dir; ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("look whether others may enter: %w", err)
		case info.Mode().Perm()&0o001 == 0:
			return p, nil
		}
		if p == filepath.Dir(p) {
			return "", nil
		}
	}
}
