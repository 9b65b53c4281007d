package lan_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lotkeeper/edge/edgetest/lan"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair opens a connection from a to b.
func pair(t *testing.T, n *lan.LAN) (near, far net.Conn) {
	t.Helper()
	addr, err := n.Address("b")
	must(t, err)
	l, err := n.Listen(addr)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	came := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		came <- c
	}()
	near, err = n.Dial("a")(t.Context(), "tcp", addr)
	must(t, err)
	far = <-came
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

func says(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	go func() {
		if _, err := io.WriteString(from, text); err != nil {
			t.Error(err)
		}
	}()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Errorf("read %q, %v; want %q", got, err, text)
	}
}

// A cut cable holds everything back, in both directions, without an error, until it is in again or a deadline passes.
func TestCutCable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := lan.Memory()
		near, far := pair(t, n)
		says(t, near, far, "hello")
		n.Cut("b", "a")
		for name, use := range map[string]func(net.Conn) error{
			"read":  func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
			"write": func(c net.Conn) error { _, err := c.Write([]byte("x")); return err },
		} {
			began := time.Now()
			must(t, near.SetDeadline(began.Add(time.Minute)))
			if _, err := far.Write([]byte("w")); err != nil {
				t.Error(err)
			}
			if err := use(near); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("%s over a cut cable: %v after %v", name, err, time.Since(began))
			}
			must(t, near.SetDeadline(time.Time{}))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial("a")(ctx, "tcp", "10.0.0.1:1001"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial over a cut cable: %v", err)
		}
		n.Heal()
		says(t, near, far, "again")
	})
}

func TestSplitCutsBetweenSidesOnly(t *testing.T) {
	n := lan.Loopback()
	near, far := pair(t, n)
	n.Split([]string{"a", "b"}, []string{"c"}, []string{"d"})
	says(t, near, far, "on one side")
	says(t, far, near, "and back")
	n.Split([]string{"a"}, []string{"b", "c"})
	must(t, near.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := far.Write([]byte("x"))
	must(t, err)
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("between the sides: %v", err)
	}
	n.Reset("b")
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the other's death: %v", err)
	}
}
