package disk

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// Layout of a page, little-endian: id u64, flags u16, count u16, overflow u32, then in a leaf count elements of flags
// u32, offset u32 (from the element), key size u32, value size u32. A leaf with overflow goes on in the pages after it.
// Source: go.etcd.io/bbolt internal/common/page.go.
const (
	leafPage    = 0x02
	leafElement = 16
	bucketLeaf  = 0x01
	// A bucket's value: root page u64 (0: it lies here), sequence u64. Source: internal/common/bucket.go.
	bucketHeader = 16
	maxOverflow  = 256 // pages; the largest record takes 18
)

// Element is one key of a file with the place of its value.
type Element struct {
	Key  []byte
	At   int64 // of the value in the file
	Size int   // of the value in bytes
}

// Scan reads every leaf page of a file that can be read, whether or not anything still points to it, without mapping the
// file: what it finds may be old, or never have been committed, and the caller checks it. Pages that make no sense are
// passed over; so are those that the disk does not give. Nothing in the file can make it fail.
func Scan(f *os.File, visit func(Element)) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	scan(f, info.Size(), visit)
	return nil
}

func scan(r io.ReaderAt, size int64, visit func(Element)) {
	page := int64(os.Getpagesize())
	for _, at := range []int64{0, page} {
		if m, ok := readMeta(r, at); ok && m.pageSize >= 512 && m.pageSize <= 1<<16 {
			page = int64(m.pageSize)
			break
		}
	}
	var head [pageHeader]byte
	buf := make([]byte, (maxOverflow+1)*page)
	for n := int64(0); n*page < size; n++ {
		if _, err := r.ReadAt(head[:], n*page); err != nil {
			continue
		}
		le := binary.LittleEndian
		overflow := int64(le.Uint32(head[12:]))
		if le.Uint64(head[0:]) != uint64(n) || le.Uint16(head[8:]) != leafPage || overflow > maxOverflow {
			continue
		}
		whole := buf[:(overflow+1)*page]
		got, err := r.ReadAt(whole, n*page)
		if err != nil && err != io.EOF {
			continue
		}
		leaf(whole[:got], n*page, visit)
	}
}

// leaf visits the elements of a leaf page that lie within it.
func leaf(page []byte, at int64, visit func(Element)) {
	each(page, func(bucket bool, key, value []byte, pos int) {
		if !bucket {
			visit(Element{Key: key, At: at + int64(pos), Size: len(value)})
			return
		}
		// A small bucket lies whole in its value, as one page behind its header. There are none inside it.
		if len(value) <= bucketHeader+pageHeader || binary.LittleEndian.Uint16(value[bucketHeader+8:]) != leafPage {
			return
		}
		each(value[bucketHeader:], func(bucket bool, key, value []byte, inside int) {
			if !bucket {
				visit(Element{Key: key, At: at + int64(pos+bucketHeader+inside), Size: len(value)})
			}
		})
	})
}

// each visits the elements of a leaf page that lie within it, with the places of their values.
func each(page []byte, visit func(bucket bool, key, value []byte, pos int)) {
	le, size, used := binary.LittleEndian, int64(len(page)), int64(0)
	for i := range int(le.Uint16(page[10:])) {
		e := pageHeader + i*leafElement
		if e+leafElement > len(page) {
			return
		}
		pos, ksize, vsize := int64(le.Uint32(page[e+4:])), int64(le.Uint32(page[e+8:])), int64(le.Uint32(page[e+12:]))
		if used += ksize + vsize; used > size {
			return // they overlap: it is no page of ours, and could keep us busy for ever
		}
		if key := int64(e) + pos; pos >= leafElement && key+ksize+vsize <= size {
			value := key + ksize
			visit(le.Uint32(page[e:])&bucketLeaf != 0, page[key:value:value], page[value:value+vsize], int(value))
		}
	}
}
