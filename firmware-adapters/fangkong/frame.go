package fangkong

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The commands used, of the board maker's protocol description V2.0.
const (
	CmdConnect    byte = 0x00
	CmdBrightness byte = 0x0C
	CmdVolume     byte = 0x0D
	CmdVoice      byte = 0x30
	CmdText       byte = 0x62
	CmdLines      byte = 0x6E
)

const (
	version   = 0x64 // protocol 100: one length byte
	headBytes = 6    // address, version, packet number (2), command, length
	crcBytes  = 2
	// MaxData is the longest data field.
	MaxData = 255
)

// ErrFrame is what errors of a frame that cannot be built wrap.
var ErrFrame = errors.New("display frame")

// Frame is one frame: address, 64, FFFF, command, length, data, CRC-16/MODBUS low byte first over all before it.
type Frame struct {
	Address byte
	Command byte
	Data    []byte
}

// Append appends the frame's bytes.
func (f Frame) Append(b []byte) ([]byte, error) {
	if len(f.Data) > MaxData {
		return b, fmt.Errorf("%w: %d bytes of data, at most %d fit", ErrFrame, len(f.Data), MaxData)
	}
	at := len(b)
	b = append(b, f.Address, version, 0xFF, 0xFF, f.Command, byte(len(f.Data)))
	b = append(b, f.Data...)
	return binary.LittleEndian.AppendUint16(b, CRC(b[at:])), nil
}

// Scan looks for the first whole frame in b. It returns the frame and how many bytes of b are done with, noise before
// the frame included; with ok false the bytes done with are noise and more are needed for a frame.
func Scan(b []byte) (f Frame, used int, ok bool) {
	for used < len(b) {
		rest := b[used:]
		if !couldStart(rest) {
			used++
			continue
		}
		if len(rest) < headBytes {
			return Frame{}, used, false
		}
		n := headBytes + int(rest[5]) + crcBytes
		if len(rest) < n {
			// A damaged length can make noise look like the start of a long frame: if a whole frame stands further on, that
			// one counts.
			if g, skip, found := Scan(rest[1:]); found {
				return g, used + 1 + skip, true
			}
			return Frame{}, used, false
		}
		if CRC(rest[:n-crcBytes]) != binary.LittleEndian.Uint16(rest[n-crcBytes:]) {
			used++
			continue
		}
		return Frame{Address: rest[0], Command: rest[4], Data: append([]byte(nil), rest[headBytes:n-crcBytes]...)}, used + n, true
	}
	return Frame{}, used, false
}

// couldStart says whether b may be the beginning of a frame.
func couldStart(b []byte) bool {
	for i, want := range []byte{0, version, 0xFF, 0xFF} {
		if i > 0 && i < len(b) && b[i] != want {
			return false
		}
	}
	return true
}

// CRC is CRC-16/MODBUS.
func CRC(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			odd := crc&1 == 1
			crc >>= 1
			if odd {
				crc ^= 0xA001
			}
		}
	}
	return crc
}
