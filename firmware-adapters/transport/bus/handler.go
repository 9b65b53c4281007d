package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/goburrow/modbus"

	"lotkeeper/firmware-adapters/transport"
)

const (
	rtuMax     = 256
	tcpMax     = 260
	mbapLength = 7
)

// handler is one connection with its own packager, thrown away after any error.
type handler struct {
	conn    transport.Conn
	framing Framing
	timeout time.Duration
	tcp     *modbus.TCPClientHandler // used as packager only
	rtu     *modbus.RTUClientHandler
	last    time.Time // end of the exchange before
}

func (b *Bus) open(ctx context.Context) (*handler, error) {
	conn, err := b.cfg.Link.Dial(ctx)
	if err != nil {
		return nil, err
	}
	h := &handler{conn: conn, framing: b.cfg.Framing, timeout: b.cfg.Timeout}
	if h.framing == TCP {
		h.tcp = modbus.NewTCPClientHandler("")
		return h, nil
	}
	h.rtu = modbus.NewRTUClientHandler("")
	if err := drain(conn, rtuDrain); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("drain %s: %w", b.cfg.Link, err)
	}
	return h, nil
}

func (h *handler) close() { _ = h.conn.Close() }

// drain reads until the line was silent for d, at most ten times d.
func drain(conn transport.Conn, d time.Duration) error {
	buf := make([]byte, rtuMax)
	for range 10 {
		if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
			return err
		}
		if _, err := conn.Read(buf); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return conn.SetReadDeadline(time.Time{})
			}
			return err
		}
	}
	return errors.New("the line never falls silent")
}

// exchange sends one request and reads its answer. When ctx ends the connection is closed under it.
func (h *handler) exchange(ctx context.Context, unit byte, pdu modbus.ProtocolDataUnit) (modbus.ProtocolDataUnit, error) {
	stop := context.AfterFunc(ctx, h.close)
	defer stop()
	none := modbus.ProtocolDataUnit{}
	packager := h.packager(unit)
	req, err := packager.Encode(&pdu)
	if err != nil {
		return none, err
	}
	if h.framing == RTU {
		if err := h.settle(ctx); err != nil {
			return none, err
		}
	}
	if _, err := h.conn.Write(req); err != nil {
		return none, err
	}
	if err := h.conn.SetReadDeadline(time.Now().Add(h.timeout)); err != nil {
		return none, err
	}
	var resp []byte
	if h.framing == TCP {
		resp, err = readTCP(h.conn)
	} else {
		resp, err = readRTU(h.conn, pdu.FunctionCode)
	}
	h.last = time.Now()
	if err != nil {
		return none, err
	}
	if err := packager.Verify(req, resp); err != nil {
		return none, err
	}
	got, err := packager.Decode(resp)
	if err != nil {
		return none, err
	}
	return *got, check(pdu, *got)
}

func (h *handler) packager(unit byte) modbus.Packager {
	if h.framing == TCP {
		h.tcp.SlaveId = unit
		return h.tcp
	}
	h.rtu.SlaveId = unit
	return h.rtu
}

// settle keeps the silence between two frames and forgets what came meanwhile: a late answer is not this one's.
func (h *handler) settle(ctx context.Context) error {
	if gap := rtuGap - time.Since(h.last); gap > 0 {
		t := time.NewTimer(gap)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return h.conn.Discard()
}

func readTCP(r io.Reader) ([]byte, error) {
	buf := make([]byte, tcpMax)
	if _, err := io.ReadFull(r, buf[:mbapLength]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(buf[4:])) + mbapLength - 1
	if n < mbapLength+2 || n > tcpMax {
		return nil, fmt.Errorf("answer of %d bytes", n)
	}
	if _, err := io.ReadFull(r, buf[mbapLength:n]); err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// readRTU reads the answer to a request with that function code. RTU has no length field: it follows from the function.
func readRTU(r io.Reader, function byte) ([]byte, error) {
	buf := make([]byte, rtuMax)
	if _, err := io.ReadFull(r, buf[:3]); err != nil {
		return nil, err
	}
	var n int
	switch {
	case buf[1] == function|0x80:
		n = 5
	case buf[1] != function:
		return nil, fmt.Errorf("answer to function %d while %d was asked", buf[1], function)
	case function <= modbus.FuncCodeReadInputRegisters:
		n = 5 + int(buf[2])
	default:
		n = 8
	}
	if n > rtuMax {
		return nil, fmt.Errorf("answer of %d bytes", n)
	}
	if _, err := io.ReadFull(r, buf[3:n]); err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// check compares an answer with its request: a refusal becomes a [*modbus.ModbusError], an answer to something else an
// error. A written coil or register is echoed.
func check(req, resp modbus.ProtocolDataUnit) error {
	switch {
	case resp.FunctionCode == req.FunctionCode|0x80:
		if len(resp.Data) != 1 {
			return fmt.Errorf("exception of %d bytes", len(resp.Data))
		}
		return &modbus.ModbusError{FunctionCode: req.FunctionCode, ExceptionCode: resp.Data[0]}
	case resp.FunctionCode != req.FunctionCode:
		return fmt.Errorf("answer to function %d while %d was asked", resp.FunctionCode, req.FunctionCode)
	}
	switch req.FunctionCode {
	case modbus.FuncCodeWriteSingleCoil, modbus.FuncCodeWriteSingleRegister:
		if !bytes.Equal(req.Data, resp.Data) {
			return fmt.Errorf("wrote % x and the echo is % x", req.Data, resp.Data)
		}
	case modbus.FuncCodeReadCoils, modbus.FuncCodeReadDiscreteInputs:
		want := (int(binary.BigEndian.Uint16(req.Data[2:])) + 7) / 8
		if len(resp.Data) != want+1 || int(resp.Data[0]) != want {
			return fmt.Errorf("%d bytes of bits, want %d", len(resp.Data)-1, want)
		}
	}
	return nil
}
