package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"lotkeeper/firmware-adapters/driver"
)

// The wiring of a simulated board, that of modbusbarrier's defaults with the fire alarm beside.
const (
	coilOpen, coilClose, coilStop = 0, 1, 2

	inLimitUp, inLimitDown, inArrive, inSafety, inManual, inFire = 0, 1, 2, 3, 5, 6

	boardSize = 8
	flashOn   = 0x0200
	allCoils  = 0x00FF
	unit      = 1
)

// Board is a relay and input board with a barrier wired to it: a Modbus server over TCP ([Board.RunTCP]) or RTU on a
// serial line ([Board.RunRTU]).
type Board struct {
	env Env
	arm *Arm

	mu       sync.Mutex
	relay    [boardSize]bool
	ends     [boardSize]*time.Timer // of flashes
	input    [boardSize]bool
	off      bool
	links    map[io.Closer]bool
	deaf     int // requests to do and not to answer
	garble   int // answers to spoil
	crushed  int
	requests int
	commands []string
	onArm    func(from, to driver.Arm)
}

// NewBoard makes a board whose arm takes travel from one limit to the other.
func NewBoard(travel time.Duration, env Env) *Board {
	b := &Board{env: env, links: map[io.Closer]bool{}}
	b.input[inLimitDown] = true
	b.arm = newArm(travel, b.armMoved)
	return b
}

// OnArm sets who is told of the arm's movements. Set it before running.
func (b *Board) OnArm(f func(from, to driver.Arm)) { b.onArm = f }

func (b *Board) armMoved(from, to driver.Arm) {
	b.mu.Lock()
	b.input[inLimitUp], b.input[inLimitDown] = to == driver.ArmUp, to == driver.ArmDown
	if to == driver.ArmDown && b.input[inSafety] {
		b.crushed++
	}
	b.mu.Unlock()
	if b.onArm != nil {
		b.onArm(from, to)
	}
}

// SetInput sets what a wired input says.
func (b *Board) SetInput(in driver.Input, on bool) {
	at, ok := map[driver.Input]int{
		driver.LoopArrive: inArrive, driver.LoopSafety: inSafety, driver.ManualOpen: inManual, driver.FireAlarm: inFire,
	}[in]
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.input[at] = on
}

// Input is what an input says.
func (b *Board) Input(in driver.Input) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch in {
	case driver.LoopArrive:
		return b.input[inArrive]
	case driver.LoopSafety:
		return b.input[inSafety]
	case driver.ManualOpen:
		return b.input[inManual]
	case driver.FireAlarm:
		return b.input[inFire]
	}
	return false
}

// Arm is where the arm is.
func (b *Board) Arm() driver.Arm {
	at, _ := b.arm.At()
	return at
}

// Crushed counts how often the arm came down to its limit while the safety loop was occupied.
func (b *Board) Crushed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.crushed
}

// Commands is what the relays were made to do so far: "open", "close", "stop".
func (b *Board) Commands() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.commands...)
}

// Relay says whether a relay is on.
func (b *Board) Relay(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return i >= 0 && i < boardSize && b.relay[i]
}

// Requests counts the requests served.
func (b *Board) Requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

// Deafen makes the board do the next n requests without answering; Garble spoils its next n answers.
func (b *Board) Deafen(n int) { b.fault(&b.deaf, n) }

// Garble spoils the next n answers.
func (b *Board) Garble(n int) { b.fault(&b.garble, n) }

func (b *Board) fault(which *int, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*which += n
}

// SetPower switches the board. Without power its relays fall and it answers nothing; the arm stays where it goes.
func (b *Board) SetPower(on bool) {
	b.mu.Lock()
	b.off = !on
	if !on {
		b.relay = [boardSize]bool{}
	}
	b.mu.Unlock()
	if !on {
		b.Cut()
	}
}

// Cut breaks TCP connections.
func (b *Board) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.links {
		_ = l.Close()
	}
}

func (b *Board) coils(address, n int) ([]bool, byte) { return b.bits(&b.relay, address, n) }

func (b *Board) inputs(address, n int) ([]bool, byte) { return b.bits(&b.input, address, n) }

func (b *Board) bits(from *[boardSize]bool, address, n int) ([]bool, byte) {
	if address+n > boardSize {
		return nil, illegalAddress
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]bool(nil), from[address:address+n]...), 0
}

func (b *Board) register(address int) (uint16, byte) {
	switch address {
	case 0x4000:
		return unit, 0
	case 0x8000:
		return 100, 0 // version 1.00
	}
	return 0, illegalAddress
}

func (b *Board) set(coil int, value uint16) byte {
	switch {
	case coil >= 0 && coil < boardSize:
		switch value {
		case 0xFF00:
			b.switchRelay(coil, true, 0)
		case 0:
			b.switchRelay(coil, false, 0)
		case 0x5500:
			b.mu.Lock()
			on := !b.relay[coil]
			b.mu.Unlock()
			b.switchRelay(coil, on, 0)
		default:
			return illegalValue
		}
		return 0
	case coil >= flashOn && coil < flashOn+boardSize:
		if value == 0 || value > 0x7FFF {
			return illegalValue
		}
		b.switchRelay(coil-flashOn, true, time.Duration(value)*100*time.Millisecond)
		return 0
	case coil == allCoils && (value == 0 || value == 0xFF00):
		for i := range boardSize {
			b.switchRelay(i, value != 0, 0)
		}
		return 0
	}
	return illegalAddress
}

// switchRelay switches a relay, for a while when d is not zero. A rising contact moves the arm.
func (b *Board) switchRelay(i int, on bool, d time.Duration) {
	b.mu.Lock()
	rising := on && !b.relay[i]
	b.relay[i] = on
	if b.ends[i] != nil {
		b.ends[i].Stop()
	}
	if on && d > 0 {
		b.ends[i] = time.AfterFunc(d, func() { b.switchRelay(i, false, 0) })
	}
	name, direction := "", 0
	if rising {
		switch i {
		case coilOpen:
			name, direction = "open", 1
		case coilClose:
			name, direction = "close", -1
		case coilStop:
			name = "stop"
		}
	}
	if name != "" {
		b.commands = append(b.commands, name)
	}
	b.mu.Unlock()
	if name != "" {
		b.arm.move(direction)
	}
}

// answer serves a request unless a fault is due; nil is silence.
func (b *Board) answer(pdu []byte) []byte {
	b.mu.Lock()
	off, deaf := b.off, b.deaf > 0
	if deaf {
		b.deaf--
	}
	b.requests++
	b.mu.Unlock()
	if off {
		return nil
	}
	out := answerPDU(b, pdu)
	if deaf {
		return nil
	}
	return out
}

// spoil damages an answer when that is due.
func (b *Board) spoil(frame []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.garble > 0 {
		b.garble--
		frame[0] ^= 0x5A
		frame[len(frame)-1] ^= 0xA5
	}
	return frame
}

// RunTCP serves Modbus TCP on l until ctx ends, then closes l.
func (b *Board) RunTCP(ctx context.Context, l net.Listener) error {
	defer b.arm.stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("board: %w", err)
		}
		if !b.hold(conn) {
			continue
		}
		wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			defer b.drop(conn)
			for {
				head, pdu, err := readMBAP(conn)
				if err != nil {
					return
				}
				if head[6] != unit && head[6] != 0xFF {
					continue
				}
				if out := b.answer(pdu); out != nil {
					if _, err := conn.Write(b.spoil(appendMBAP(head, out))); err != nil {
						return
					}
				}
			}
		})
	}
}

func (b *Board) hold(c io.Closer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.off {
		_ = c.Close()
		return false
	}
	b.links[c] = true
	return true
}

func (b *Board) drop(c io.Closer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = c.Close()
	delete(b.links, c)
}

// RunRTU serves Modbus RTU on a line until ctx ends.
func (b *Board) RunRTU(ctx context.Context, line *Line) error {
	defer b.arm.stop()
	var have []byte
	buf := make([]byte, 256)
	for {
		n, err := line.Read(ctx, buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
				return nil
			}
			return fmt.Errorf("board: %w", err)
		}
		have = append(have, buf[:n]...)
		for len(have) > 0 {
			n := rtuRequest(have)
			if n == 0 {
				break
			}
			if n < 0 { // not a request: the start of the next frame is looked for byte by byte
				have = have[1:]
				continue
			}
			frame := have[:n]
			have = have[n:]
			if frame[0] != unit {
				continue
			}
			if out := b.answer(frame[1 : n-2]); out != nil {
				if err := line.Write(b.spoil(appendRTU(unit, out))); err != nil {
					return fmt.Errorf("board: %w", err)
				}
			}
		}
	}
}
