package edgetest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/vz"
	"lotkeeper/shared/wire"
)

// stopwatch stands between a booth and its devices and notes when bytes pass.
type stopwatch struct {
	sent  chan time.Time // just before the last byte of a frame with a read goes to the booth
	moved chan time.Time // a command to a coil came from the booth: when the kernel got it, not when we woke
}

func newStopwatch() *stopwatch {
	return &stopwatch{sent: make(chan time.Time, 4), moved: make(chan time.Time, 4)}
}

// between puts a relay before a device that is reached over TCP.
func (w *stopwatch) between(t testing.TB, d *wire.Device, relay func(booth, device *net.TCPConn)) {
	t.Helper()
	var settings map[string]any
	must(t, json.Unmarshal(d.Settings, &settings))
	to, err := net.ResolveTCPAddr("tcp", settings["tcp"].(string))
	must(t, err)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			booth, err := l.AcceptTCP()
			if err != nil {
				return
			}
			device, err := net.DialTCP("tcp", nil, to)
			if err != nil {
				_ = booth.Close()
				continue
			}
			group.Go(func() {
				relay(booth, device)
				_ = booth.Close()
				_ = device.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	settings["tcp"] = l.Addr().String()
	delete(settings, "poll") // as delivered
	b, err := json.Marshal(settings)
	must(t, err)
	d.Settings = b
}

// camera relays whole packets and keeps the last byte of each read back for a moment, to know when it goes.
func (w *stopwatch) camera(booth, device *net.TCPConn) {
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(device, booth)
		_ = device.Close()
	})
	defer up.Wait()
	defer booth.Close() // it ends the copy
	r := bufio.NewReader(device)
	for {
		p, err := vz.ReadPacket(r)
		if err != nil {
			return
		}
		b := vz.AppendPacket(nil, p)
		if len(p.Body) > 1000 { // a read with its pictures
			if _, err := booth.Write(b[:len(b)-1]); err != nil {
				return
			}
			b = b[len(b)-1:]
			note(w.sent, time.Now())
		}
		if _, err := booth.Write(b); err != nil {
			return
		}
	}
}

// board relays requests one by one, so that it sees the first byte of a command.
func (w *stopwatch) board(booth, device *net.TCPConn) {
	var down sync.WaitGroup
	down.Go(func() {
		_, _ = io.Copy(booth, device)
		_ = booth.Close()
	})
	defer down.Wait()
	defer device.Close() // it ends the copy
	in, err := newStamped(booth)
	if err != nil {
		return
	}
	var have []byte
	for {
		b, at, err := in.read()
		if err != nil {
			return
		}
		// A request is sent in one piece: the stamp of what ends it is that of its first byte too.
		for have = append(have, b...); len(have) >= 8; {
			n := 6 + int(binary.BigEndian.Uint16(have[4:]))
			if len(have) < n {
				break
			}
			if f := have[7]; f == 0x05 || f == 0x0F {
				note(w.moved, at)
			}
			if _, err := device.Write(have[:n]); err != nil {
				return
			}
			have = have[n:]
		}
	}
}

// stamped reads a connection together with the times at which the kernel received the bytes. So the time in which this
// process wakes up, which a real board would not share, is not counted.
type stamped struct {
	raw interface {
		Read(f func(fd uintptr) (done bool)) error
	}
	buf, oob []byte
}

func newStamped(c *net.TCPConn) (*stamped, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }); err != nil {
		return nil, err
	}
	return &stamped{raw, make([]byte, 4096), make([]byte, 256)}, set
}

func (s *stamped) read() (b []byte, at time.Time, err error) {
	var n, oobn int
	var failed error
	err = s.raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, failed = unix.Recvmsg(int(fd), s.buf, s.oob, unix.MSG_DONTWAIT)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	at = time.Now()
	switch {
	case err != nil:
		return nil, at, err
	case failed != nil:
		return nil, at, failed
	case n == 0:
		return nil, at, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(s.oob[:oobn])
	if err != nil {
		return nil, at, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			at = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:]))) //nolint:gosec // a time of the kernel
		}
	}
	return s.buf[:n], at, nil
}

func note(c chan time.Time, at time.Time) {
	select {
	case c <- at.Round(0): // both by the wall clock, which is the kernel's
	default:
	}
}

func drain(c chan time.Time) {
	for len(c) > 0 {
		<-c
	}
}

// exit drives one vehicle through and returns how long the lane took.
func (w *stopwatch) exit(t testing.TB, l *Lot, id, plate string) (time.Duration, bool) {
	t.Helper()
	lane, booth := l.Lanes[id], l.boothOf(id)
	drain(w.sent)
	drain(w.moved)
	lane.Board.SetInput(driver.LoopArrive, true)
	Until(t, 5*time.Second, "the booth sees the loop", func() bool { return booth.Live(id).Loop })
	settle(30 * time.Millisecond) // raft and the exchange are busy with what was appended before
	lane.Camera.Read(sim.Reading{Plate: Car(t, plate).Read, At: time.Now(), Trigger: 1, Confidence: 95})
	var from, to time.Time
	for _, x := range []struct {
		c  chan time.Time
		at *time.Time
	}{{w.sent, &from}, {w.moved, &to}} {
		select {
		case *x.at = <-x.c:
		case <-time.After(3 * time.Second):
			lane.Board.SetInput(driver.LoopArrive, false)
			return 0, false
		}
	}
	up := func(want driver.Arm) func() bool { return func() bool { return booth.Live(id).Arm == string(want) } }
	Until(t, 5*time.Second, "the arm is up", up(driver.ArmUp))
	lane.Board.SetInput(driver.LoopSafety, true)
	settle(60 * time.Millisecond) // longer than the board's poll
	lane.Board.SetInput(driver.LoopArrive, false)
	Until(t, 5*time.Second, "the booth sees the loop clear", func() bool { return !booth.Live(id).Loop })
	lane.Board.SetInput(driver.LoopSafety, false)
	Until(t, 5*time.Second, "the arm is down", up(driver.ArmDown))
	return to.Sub(from), true
}

// settle waits for the board to be asked, or for raft to be busy.
func settle(d time.Duration) { <-time.After(d) }
