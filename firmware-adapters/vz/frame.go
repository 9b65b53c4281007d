package vz

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The packet types.
const (
	TypeJSON      byte = 0
	TypeHeartbeat byte = 1
)

const (
	headerLength = 8
	// MaxPacket is the longest packet accepted: a result with two pictures of the best camera stays far below.
	MaxPacket = 4 << 20
	// MaxJSON is the longest JSON part accepted.
	MaxJSON = 64 << 10
	// MaxPicture is the longest single picture accepted.
	MaxPicture = 3 << 20
)

// ErrFrame is what every error of a malformed packet wraps. After it the stream has no known place to go on from.
var ErrFrame = errors.New("malformed camera packet")

// Packet is one packet: 'V' 'Z' type reserved length(4, big-endian) body.
type Packet struct {
	Type byte
	Body []byte
}

// ReadPacket reads one packet. A body announced longer than [MaxPacket] is refused before it is read.
func ReadPacket(r *bufio.Reader) (Packet, error) {
	var h [headerLength]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return Packet{}, err
	}
	if h[0] != 'V' || h[1] != 'Z' {
		return Packet{}, fmt.Errorf("%w: it starts with % x", ErrFrame, h[:2])
	}
	n := binary.BigEndian.Uint32(h[4:])
	if n > MaxPacket {
		return Packet{}, fmt.Errorf("%w: %d bytes announced, at most %d are taken", ErrFrame, n, MaxPacket)
	}
	if h[2] == TypeHeartbeat && n != 0 {
		return Packet{}, fmt.Errorf("%w: heartbeat with %d bytes", ErrFrame, n)
	}
	body := make([]byte, 0, min(n, 4096)) // grows with what really comes, so that a lie about the length costs nothing
	for uint32(len(body)) < n {
		chunk := min(n-uint32(len(body)), 64<<10)
		at := len(body)
		body = append(body, make([]byte, chunk)...)
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			return Packet{}, fmt.Errorf("packet cut after %d of %d bytes: %w", at, n, err)
		}
	}
	return Packet{Type: h[2], Body: body}, nil
}

// AppendPacket appends the bytes of a packet.
func AppendPacket(b []byte, p Packet) []byte {
	b = append(b, 'V', 'Z', p.Type, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Body)))
	return append(b, p.Body...)
}
