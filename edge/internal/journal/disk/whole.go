package disk

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A bbolt file begins with two pages, each with a copy of the header; the valid one of the higher transaction counts.
// Layout of a header, little-endian, after 16 bytes of page header: magic u32, version u32, page size u32, flags u32,
// root page u64, root sequence u64, free list u64, high-water page u64, transaction u64, checksum u64 (FNV-1a of what
// is before it). Source: go.etcd.io/bbolt internal/common/meta.go and page.go.
const (
	pageHeader = 16
	metaSize   = 64
	metaMagic  = 0xED0CDAED
)

// Whole reports whether a file is at least as long as its header says. An empty file is one that was created and not
// yet written: bbolt makes a new one of it.
func Whole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil
	}
	size, txid, found := uint64(0), uint64(0), false
	for _, at := range []int64{0, int64(os.Getpagesize())} {
		if m, ok := readMeta(f, at); ok && (!found || m.txid > txid) {
			size, txid, found = m.pages*m.pageSize, m.txid, true
		}
	}
	if !found {
		return fmt.Errorf("%w: no valid header", ErrDamaged)
	}
	if uint64(info.Size()) < size {
		return fmt.Errorf("%w: %d bytes long, its header says %d", ErrDamaged, info.Size(), size)
	}
	return nil
}

type meta struct{ pageSize, pages, txid uint64 }

func readMeta(r io.ReaderAt, at int64) (meta, bool) {
	var b [metaSize]byte
	if _, err := r.ReadAt(b[:], at+pageHeader); err != nil {
		return meta{}, false
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	le := binary.LittleEndian
	m := meta{uint64(le.Uint32(b[8:])), le.Uint64(b[40:]), le.Uint64(b[48:])}
	ok := le.Uint32(b[0:]) == metaMagic && le.Uint64(b[56:]) == sum.Sum64() && m.pageSize > 0 && m.pages < 1<<40
	return m, ok
}
