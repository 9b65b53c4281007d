package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The Modbus functions that boards know, and the refusals.
const (
	readCoils, readInputs, readHolding = 1, 2, 3
	writeCoil, writeCoils              = 5, 15

	illegalFunction, illegalAddress, illegalValue = 1, 2, 3
)

// modbusMemory is what a Modbus server serves. The methods answer the exception code, 0 for none.
type modbusMemory interface {
	coils(address, n int) ([]bool, byte)
	inputs(address, n int) ([]bool, byte)
	register(address int) (uint16, byte)
	set(coil int, value uint16) byte
}

// answerPDU serves one request.
func answerPDU(m modbusMemory, pdu []byte) []byte {
	if len(pdu) < 5 {
		return []byte{pdu[0] | 0x80, illegalValue}
	}
	function := pdu[0]
	address, value := int(binary.BigEndian.Uint16(pdu[1:])), binary.BigEndian.Uint16(pdu[3:])
	out, code := []byte{function}, byte(illegalFunction)
	switch function {
	case readCoils, readInputs:
		var bits []bool
		if value == 0 || value > 2000 {
			code = illegalValue
			break
		}
		if function == readCoils {
			bits, code = m.coils(address, int(value))
		} else {
			bits, code = m.inputs(address, int(value))
		}
		packed := make([]byte, (len(bits)+7)/8)
		for i, on := range bits {
			if on {
				packed[i/8] |= 1 << (i % 8)
			}
		}
		out = append(append(out, byte(len(packed))), packed...)
	case readHolding:
		var v uint16
		if value != 1 {
			code = illegalValue
			break
		}
		v, code = m.register(address)
		out = binary.BigEndian.AppendUint16(append(out, 2), v)
	case writeCoil:
		code = m.set(address, value)
		out = append(out, pdu[1:5]...)
	case writeCoils:
		if len(pdu) < 6 || len(pdu) != 6+int(pdu[5]) || int(pdu[5]) != (int(value)+7)/8 {
			code = illegalValue
			break
		}
		for i := range int(value) {
			v := uint16(0)
			if pdu[6+i/8]>>(i%8)&1 == 1 {
				v = 0xFF00
			}
			if code = m.set(address+i, v); code != 0 {
				break
			}
		}
		out = append(out, pdu[1:5]...)
	}
	if code != 0 {
		return []byte{function | 0x80, code}
	}
	return out
}

var errModbusFrame = errors.New("malformed modbus frame")

// readMBAP reads one request in Modbus TCP framing.
func readMBAP(r io.Reader) (head [7]byte, pdu []byte, err error) {
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return head, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[4:]))
	if head[2] != 0 || head[3] != 0 || n < 2 || n > 254 {
		return head, nil, fmt.Errorf("%w: header % x", errModbusFrame, head)
	}
	pdu = make([]byte, n-1)
	_, err = io.ReadFull(r, pdu)
	return head, pdu, err
}

func appendMBAP(head [7]byte, pdu []byte) []byte {
	out := slices.Clone(head[:])
	binary.BigEndian.PutUint16(out[4:], uint16(len(pdu)+1))
	return append(out, pdu...)
}

// rtuRequest looks for a whole request at the start of b: its length, 0 when more bytes are needed, -1 when b cannot be
// the start of one.
func rtuRequest(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	n := 8
	switch b[1] {
	case readCoils, readInputs, readHolding, 4, writeCoil, 6:
	case writeCoils, 16:
		if len(b) < 7 {
			return 0
		}
		n = 9 + int(b[6])
	default:
		return -1
	}
	if len(b) < n {
		return 0
	}
	if modbusCRC(b[:n-2]) != binary.LittleEndian.Uint16(b[n-2:]) {
		return -1
	}
	return n
}

func appendRTU(unit byte, pdu []byte) []byte {
	out := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(out, modbusCRC(out))
}

// modbusCRC is CRC-16/MODBUS.
func modbusCRC(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low == 1 {
				crc ^= 0xA001
			}
		}
	}
	return crc
}
