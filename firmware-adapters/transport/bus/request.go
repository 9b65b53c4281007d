package bus

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/goburrow/modbus"
)

// flashOn is where relay boards of the Waveshare family keep "on for a while": this plus the coil, the value in tenths of
// a second. The library's WriteSingleCoil refuses such values, so it is sent as a raw message.
const flashOn = 0x0200

// LongestFlash is the longest pulse the board's 16 bits can hold, far beyond any barrier's.
const LongestFlash = 0x7FFF * 100 * time.Millisecond

// Inputs reads n discrete inputs from address on.
func (b *Bus) Inputs(ctx context.Context, p Priority, unit byte, address, n uint16) ([]bool, error) {
	return b.bits(ctx, p, unit, modbus.FuncCodeReadDiscreteInputs, address, n)
}

// Coils reads n coils from address on.
func (b *Bus) Coils(ctx context.Context, p Priority, unit byte, address, n uint16) ([]bool, error) {
	return b.bits(ctx, p, unit, modbus.FuncCodeReadCoils, address, n)
}

// SetCoil switches a coil.
func (b *Bus) SetCoil(ctx context.Context, p Priority, unit byte, coil uint16, on bool) error {
	var v uint16
	if on {
		v = 0xFF00
	}
	return b.write(ctx, p, unit, coil, v)
}

// Flash switches a coil on for d, which the board itself ends: a program that dies cannot hold a barrier open. d is
// rounded up to tenths of a second.
func (b *Bus) Flash(ctx context.Context, p Priority, unit byte, coil uint16, d time.Duration) error {
	if d <= 0 || d > LongestFlash {
		return fmt.Errorf("%w: pulse of %v", ErrNotSent, d)
	}
	tenths := (d + 100*time.Millisecond - 1) / (100 * time.Millisecond)
	return b.write(ctx, p, unit, flashOn+coil, uint16(tenths))
}

func (b *Bus) write(ctx context.Context, p Priority, unit byte, address, value uint16) error {
	_, err := b.Do(ctx, p, unit, modbus.ProtocolDataUnit{FunctionCode: modbus.FuncCodeWriteSingleCoil, Data: words(address, value)})
	return err
}

func (b *Bus) bits(ctx context.Context, p Priority, unit, function byte, address, n uint16) ([]bool, error) {
	if n == 0 || n > 2000 {
		return nil, fmt.Errorf("%w: %d bits asked for", ErrNotSent, n)
	}
	resp, err := b.Do(ctx, p, unit, modbus.ProtocolDataUnit{FunctionCode: function, Data: words(address, n)})
	if err != nil {
		return nil, err
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = resp.Data[1+i/8]>>(i%8)&1 == 1
	}
	return out, nil
}

func words(v ...uint16) []byte {
	var out []byte
	for _, w := range v {
		out = binary.BigEndian.AppendUint16(out, w)
	}
	return out
}
