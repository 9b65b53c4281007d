// Package transport carries bytes between the booth and a device: TCP or a serial line, behind one [Link].
//
// What it promises whatever the wire: Close returns within a second and makes a blocked Read or Write return; a Write
// does not block for ever when the other end stopped reading; a serial line is used by one program at a time; an
// unplugged serial line is an error and not a silence.
//
// The Modbus request queue stands in [lotkeeper/firmware-adapters/transport/bus].
package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Conn is an open byte stream to a device. One goroutine may read while another writes.
type Conn interface {
	io.ReadWriteCloser
	// SetReadDeadline makes Reads fail with [os.ErrDeadlineExceeded] after t; the zero time means never. On a serial line
	// it is exact to 100 ms only.
	SetReadDeadline(t time.Time) error
	// Discard throws away what was received and not yet read.
	Discard() error
}

// Dialer opens a [Conn]. [Link] is the one used outside tests.
type Dialer interface {
	Dial(ctx context.Context) (Conn, error)
	String() string
}

// Link is the part of an adapter's settings that says where the device is. Exactly one of TCP and Serial is set.
type Link struct {
	TCP      string `json:"tcp,omitempty"`       // host:port
	Serial   string `json:"serial,omitempty"`    // device path, best one below /dev/serial/by-path
	Baud     int    `json:"baud,omitempty"`      // serial; 9600 when zero
	Parity   string `json:"parity,omitempty"`    // serial; none (default), even or odd
	StopBits int    `json:"stop_bits,omitempty"` // serial; 1 (default) or 2
}

// Faults says what is wrong with the link, every fault at once.
func (l Link) Faults() []string {
	var faults []string
	switch {
	case l.TCP == "" && l.Serial == "":
		faults = append(faults, `one of "tcp" and "serial" is required`)
	case l.TCP != "" && l.Serial != "":
		faults = append(faults, `"tcp" and "serial" exclude each other`)
	}
	if l.TCP != "" {
		host, port, err := net.SplitHostPort(l.TCP)
		n, perr := strconv.Atoi(port)
		if err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
			faults = append(faults, fmt.Sprintf(`"tcp" must be host:port, not %q`, l.TCP))
		}
		if l.Baud != 0 || l.Parity != "" || l.StopBits != 0 {
			faults = append(faults, `"baud", "parity" and "stop_bits" belong to "serial"`)
		}
	}
	if l.Serial != "" {
		if l.Serial[0] != '/' {
			faults = append(faults, fmt.Sprintf(`"serial" must be an absolute path, not %q`, l.Serial))
		}
		if !knownBaud(l.baud()) {
			faults = append(faults, fmt.Sprintf(`"baud" must be a standard rate from 1200 to 921600, not %d`, l.Baud))
		}
		if _, ok := parities()[l.Parity]; !ok {
			faults = append(faults, fmt.Sprintf(`"parity" must be none, even or odd, not %q`, l.Parity))
		}
		if l.StopBits < 0 || l.StopBits > 2 {
			faults = append(faults, fmt.Sprintf(`"stop_bits" must be 1 or 2, not %d`, l.StopBits))
		}
	}
	return faults
}

// IsSerial says whether the link is a serial line.
func (l Link) IsSerial() bool { return l.Serial != "" }

// String is for logs: tcp://10.0.0.5:502 or /dev/ttyS1@9600.
func (l Link) String() string {
	if l.IsSerial() {
		return fmt.Sprintf("%s@%d", l.Serial, l.baud())
	}
	return "tcp://" + l.TCP
}

// Dial opens the link.
func (l Link) Dial(ctx context.Context) (Conn, error) {
	if l.IsSerial() {
		return openSerial(l)
	}
	return dialTCP(ctx, l.TCP)
}

func (l Link) baud() int {
	if l.Baud == 0 {
		return 9600
	}
	return l.Baud
}
