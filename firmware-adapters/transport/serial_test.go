package transport_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openLine(t *testing.T) (*sim.Line, transport.Link) {
	t.Helper()
	line, err := sim.OpenLine(t.TempDir() + "/line")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	return line, transport.Link{Serial: line.Path()}
}

func dial(t *testing.T, l transport.Link) transport.Conn {
	t.Helper()
	c, err := l.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestSerialLineIsUsedByOneProgram(t *testing.T) {
	_, link := openLine(t)
	c := dial(t, link)
	if second, err := link.Dial(context.Background()); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a second Dial = %v, %v", second, err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	dial(t, link)
}

func TestSerialReadWriteDeadline(t *testing.T) {
	line, link := openLine(t)
	c := dial(t, link)
	if err := line.Write([]byte{0, 1, 0x11, 0x13, 0xFF}); err != nil { // XON and XOFF are bytes like others
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	n := 0
	for n < 5 {
		k, err := c.Read(buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if string(buf[:5]) != "\x00\x01\x11\x13\xff" {
		t.Errorf("read % x", buf[:n])
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v, want the deadline", err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if n, err := line.Read(context.Background(), buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("the other end read %q, %v", buf[:n], err)
	}
}

// TestUnpluggedIsNotSilence: the library reports both by the same io.EOF.
func TestUnpluggedIsNotSilence(t *testing.T) {
	line, link := openLine(t)
	c := dial(t, link)
	got := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		got <- err
	}()
	line.Unplug()
	select {
	case err := <-got:
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read of an unplugged line = %v", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("an unplugged line looks like a silent one")
	}
}

func TestCloseFreesReader(t *testing.T) {
	_, link := openLine(t)
	c := dial(t, link)
	got := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		got <- err
	}()
	begin := time.Now()
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := <-got; err == nil || time.Since(begin) > time.Second {
		t.Errorf("Read = %v, %v after Close", err, time.Since(begin))
	}
}

// TestWriteIntoAFullLineEnds: the other end reads nothing, and the kernel's buffer is full.
// Whoever closes does so from another goroutine, as the end of a context does; the race detector watches.
func TestDiscardBesideClose(t *testing.T) {
	for range 10 {
		_, link := openLine(t)
		c := dial(t, link)
		running := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			err := c.Discard()
			for close(running); err == nil; {
				err = c.Discard()
			}
			ended <- err
		}()
		<-running
		if err := c.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("Discard after Close = %v, want %v", err, os.ErrClosed)
		}
	}
}

func TestWriteIntoAFullLineEnds(t *testing.T) {
	_, link := openLine(t)
	c := dial(t, link)
	begin := time.Now()
	var err error
	for err == nil && time.Since(begin) < 10*time.Second {
		_, err = c.Write(make([]byte, 4096))
	}
	if err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("Write = %v after %v", err, time.Since(begin))
	}
	if _, err := c.Write([]byte{1}); err == nil {
		t.Error("a line that was given up takes bytes")
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		link transport.Link
		want []string
	}{
		{transport.Link{TCP: "10.0.0.5:502"}, nil},
		{transport.Link{Serial: "/dev/ttyS0", Baud: 115200, Parity: "even", StopBits: 2}, nil},
		{transport.Link{}, []string{"required"}},
		{transport.Link{TCP: "10.0.0.5", Baud: 9600}, []string{"host:port", "belong"}},
		{transport.Link{TCP: "a:0", Serial: "x", Baud: 42, Parity: "q", StopBits: 7}, []string{"exclude", "host:port", "absolute", "baud", "parity", "stop_bits"}},
	} {
		got := strings.Join(c.link.Faults(), "; ")
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%+v: faults %q lack %q", c.link, got, w)
			}
		}
		if c.want == nil && got != "" {
			t.Errorf("%+v: faults %q", c.link, got)
		}
	}
}
