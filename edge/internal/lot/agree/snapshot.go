package agree

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/wire"
)

// A snapshot is a stream of parts, each a length (u32, big-endian) and a message as package wire writes it: first a
// header, then batches that together hold every agreed fact, last an empty part. Facts never change, so a snapshot
// copies nothing when it is taken: it remembers the cursors and reads the lot while it is written.

// header begins a snapshot.
type header struct {
	V       int              `json:"v"`
	Lot     string           `json:"lot"`
	Cursors exchange.Cursors `json:"cursors"`
}

const (
	partRecords = exchange.MaxRecords
	partBytes   = exchange.MaxBytes
)

type snapshot struct {
	lot   string
	mem   Memory
	reach exchange.Cursors
}

// Persist implements raft.FSMSnapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	w := bufio.NewWriterSize(sink, 64<<10)
	if err := errors.Join(s.write(w), w.Flush()); err != nil {
		return errors.Join(fmt.Errorf("write snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (s *snapshot) Release() {}

func (s *snapshot) write(w io.Writer) error {
	if err := writePart(w, header{1, s.lot, s.reach}); err != nil {
		return err
	}
	for _, a := range s.reach.Authors() {
		for after := uint64(0); after < s.reach[a].Seq; {
			n := min(uint64(partRecords), s.reach[a].Seq-after)
			b, err := s.mem.Batch(a, after, int(n), partBytes)
			if err != nil {
				return err
			}
			if len(b.Records) == 0 {
				return fmt.Errorf("facts of %s end at %d", a, after)
			}
			if err := writePart(w, wire.Facts{Batch: b}); err != nil {
				return err
			}
			after += uint64(len(b.Records))
		}
	}
	_, err := w.Write(make([]byte, 4))
	return err
}

func writePart(w io.Writer, v any) error {
	b, err := wire.Encode(v)
	if err != nil {
		return err
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// restore reads a snapshot and merges what the lot lacks of it. A lot that holds all of it already, as after a restart,
// is not made to read it.
func restore(r io.Reader, lot string, mem Memory, merge func([]exchange.Batch) error) (exchange.Cursors, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	h, _, err := readPart[header](br)
	if err != nil {
		return nil, err
	}
	if h.V != 1 || h.Lot != lot {
		return nil, fmt.Errorf("read snapshot: version %d of lot %.60q, want version 1 of lot %s", h.V, h.Lot, lot)
	}
	if h.Cursors == nil {
		h.Cursors = exchange.Cursors{}
	}
	if covered, err := covers(mem, h.Cursors); covered || err != nil {
		return h.Cursors, err
	}
	for {
		m, end, err := readPart[wire.Facts](br)
		if err != nil {
			return nil, err
		}
		if end {
			return h.Cursors, nil
		}
		if err := merge([]exchange.Batch{m.Batch}); err != nil {
			return nil, err
		}
	}
}

// covers reports whether the lot holds the very facts up to the cursors.
func covers(mem Memory, c exchange.Cursors) (bool, error) {
	mine := mem.Cursors()
	for a, head := range c {
		if mine[a].Seq < head.Seq {
			return false, nil
		}
		last, err := mem.Records(a, head.Seq-1, 1)
		if err != nil {
			return false, err
		}
		if len(last) != 1 || last[0].Hash() != head.Hash {
			return false, nil
		}
	}
	return true, nil
}

func readPart[T any](r io.Reader) (v T, end bool, err error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return v, false, fmt.Errorf("read snapshot: %w", err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n == 0 {
		return v, true, nil
	}
	if n > wire.MaxMessage {
		return v, false, fmt.Errorf("read snapshot: %w", wire.ErrTooLarge)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return v, false, fmt.Errorf("read snapshot: %w", err)
	}
	v, err = wire.Decode[T](b)
	return v, false, err
}
