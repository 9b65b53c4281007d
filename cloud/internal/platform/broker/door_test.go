package broker

import (
	"io"
	"net"
	"testing"
	"time"
)

// A connection that says nothing, or begins a handshake and stops, does not stay.
func TestDoorShowsOutWhoSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(l, 50*time.Millisecond)
	defer d.shut()
	for _, sent := range []string{"", "\x16\x03\x01\x20\x00half a handshake"} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		g, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, g); err == nil || n != int64(len(sent)) {
			t.Errorf("after %q: read %d bytes, then %v; want the time to be over", sent, n, err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
