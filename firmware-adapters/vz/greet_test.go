package vz_test

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/vz"
)

// gate lets one client through to a camera: so many packets towards it, and from it the serial number alone.
type gate struct {
	addr    string
	answers atomic.Int32 // packets that came from the camera
	cut     func()
}

func newGate(t *testing.T, camera string, most int) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Dial("tcp", camera)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: l.Addr().String()}
	var outer atomic.Pointer[net.Conn]
	g.cut = func() {
		_, _ = l.Close(), inner.Close()
		if c := outer.Load(); c != nil {
			_ = (*c).Close()
		}
	}
	t.Cleanup(g.cut)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		outer.Store(&conn)
		go func() {
			for r := bufio.NewReader(inner); ; {
				p, err := vz.ReadPacket(r)
				if err != nil {
					return
				}
				if g.answers.Add(1) == 1 { // the rest gets lost
					_, _ = conn.Write(vz.AppendPacket(nil, p))
				}
			}
		}()
		r := bufio.NewReader(conn)
		for range most {
			p, err := vz.ReadPacket(r)
			if err != nil {
				return
			}
			if _, err := inner.Write(vz.AppendPacket(nil, p)); err != nil {
				return
			}
		}
	}()
	return g
}

// TestNoReadIsLostDuringTheGreeting: the link dies after each of the greeting's packets, with a read under way. The camera
// must not have given the read away by then: it strikes at once what it sends to a client that did not register.
func TestNoReadIsLostDuringTheGreeting(t *testing.T) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprintf("after packet %d", n), func(t *testing.T) {
			camera, addr := startCamera(t)
			g := newGate(t, addr, n)
			first := listenTo(t, g.addr, nil)
			drivertest.Eventually(t, "the camera's answers", func() bool { return int(g.answers.Load()) == n })
			camera.Read(sim.Reading{Plate: car(t, 1), Trigger: 1})
			if camera.Connected() {
				drivertest.Eventually(t, "the read to be sent", func() bool { return camera.Stats().Sent == 1 })
			}
			g.cut()
			if err := <-first.ended; err == nil {
				t.Error("Run = nil when the link died, want an error")
			}
			second := listenTo(t, addr, nil)
			drivertest.Eventually(t, "the read", func() bool { return len(second.seen()) == 1 })
			if r := second.seen()[0].Body.(driver.PlateRead); r.Plate != car(t, 1) {
				t.Errorf("got %v, want the car's plate", r.Plate)
			}
		})
	}
}
