package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

const (
	compacting = ".compact"
	// minCompact is the size below which nothing is gained.
	minCompact = 4 << 20
	copyTx     = 4 << 20 // bytes in one transaction of the copy
)

// Compact rewrites a closed file without its free pages when these are more than half of it: bbolt never makes a file
// smaller. It reports whether it did. The file is under its name at every moment, as it was or as it will be: the copy is
// written beside it, checked, and renamed; what an earlier attempt left is removed. After an error the file is as it was.
func Compact(path string) (done bool, err error) {
	if err := os.Remove(path + compacting); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("compact %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() < minCompact {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("compact %s: %w", path, err)
	}
	db, err := Open(path) // for writing: it locks the file, and only then counts its free pages
	if err != nil {
		return false, fmt.Errorf("compact %s: %w", path, err)
	}
	free, used, err := pages(db)
	if err == nil && free <= used/2 {
		return false, db.Close()
	}
	if err == nil {
		err = rewrite(db, path)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return false, errors.Join(fmt.Errorf("compact %s: %w", path, err), remove(path+compacting))
	}
	return true, nil
}

// pages is how many bytes of a file are in free pages, and in all that were ever used: the file may be longer, in advance.
// bbolt counts the free ones when a transaction ends.
func pages(db *bbolt.DB) (free, used int64, err error) {
	tx, err := db.Begin(true)
	if err != nil {
		return 0, 0, err
	}
	used = tx.Size()
	if err := tx.Rollback(); err != nil {
		return 0, 0, err
	}
	s := db.Stats()
	return int64(s.FreePageN+s.PendingPageN) * int64(db.Info().PageSize), used, nil
}

func rewrite(db *bbolt.DB, path string) error {
	to, err := bbolt.Open(path+compacting, 0o600, Options())
	if err != nil {
		return err
	}
	if err := errors.Join(bbolt.Compact(to, db, copyTx), to.Sync(), to.Close()); err != nil {
		return err
	}
	if err := Check(path + compacting); err != nil {
		return err
	}
	if err := os.Rename(path+compacting, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
