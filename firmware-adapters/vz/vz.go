// Package vz drives 臻识 (Vzenith) plate cameras over their TCP protocol, port 8131.
//
// After connecting it asks for the serial number, registers for offline records, subscribes to results with pictures, and
// answers every result so that the camera strikes it from its memory. Heartbeats go both ways.
//
// Invariants: a result is acknowledged only after emit took it; a malformed packet ends Run, because the stream has no
// known place to go on from, and the camera sends what was not acknowledged again; results from the camera's memory are
// marked Late; the camera's relay outputs are never driven here.
package vz

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
)

// Kind is the adapter's name in a configuration.
const Kind = "vz"

// Settings is the settings document.
type Settings struct {
	TCP       string          `json:"tcp"`                  // host:port of the camera, port 8131 as delivered
	Serial    string          `json:"serial,omitempty"`     // when set, a camera with another serial number is refused
	Pictures  string          `json:"pictures,omitempty"`   // both (default), scene, plate or none
	UTCOffset string          `json:"utc_offset,omitempty"` // of the camera's wall clock, "+08:00" by default
	Silence   driver.Duration `json:"silence,omitempty"`    // a camera silent for so long is lost; 15s by default
}

// Adapter is the row of the table of adapters.
func Adapter() driver.Adapter {
	return driver.Adapter{
		Kind:   Kind,
		Title:  "臻识 VZ plate camera (TCP 8131) / 臻识车牌识别相机",
		Sample: json.RawMessage(`{"tcp": "192.168.1.100:8131", "pictures": "both", "utc_offset": "+08:00", "silence": "15s"}`),
		New: func(settings json.RawMessage, env driver.Env) (driver.Device, error) {
			return New(settings, env)
		},
	}
}

// New makes a camera of a settings document. It does no I/O.
func New(settings json.RawMessage, env driver.Env) (*Camera, error) {
	var s Settings
	var faults driver.Faults
	faults.Decode(settings, &s)
	link := transport.Link{TCP: s.TCP}
	if s.TCP == "" {
		faults.Add(`"tcp" is required: host:port of the camera`)
	} else {
		faults = append(faults, link.Faults()...)
	}
	image, ok := map[string]int{"": 2, "both": 2, "scene": 0, "plate": 1, "none": -1}[s.Pictures]
	if !ok {
		faults.Add(`"pictures" must be both, scene, plate or none, not %q`, s.Pictures)
	}
	if s.UTCOffset == "" {
		s.UTCOffset = "+08:00"
	}
	offset, err := time.Parse("-07:00", s.UTCOffset)
	if err != nil {
		faults.Add(`"utc_offset" must be like +08:00, not %q`, s.UTCOffset)
	}
	silence := s.Silence.Or(15 * time.Second)
	if silence < 6*time.Second {
		faults.Add(`"silence" must be at least 6s, more than the camera's heartbeat of 5s, not %v`, silence)
	}
	if err := errors.Join(faults.Err(), env.Check()); err != nil {
		return nil, err
	}
	_, seconds := offset.Zone()
	return &Camera{
		env: env, link: link, serial: s.Serial, image: image, silence: silence,
		zone: time.FixedZone(s.UTCOffset, seconds),
	}, nil
}

// Camera is one camera. It implements [driver.Device] and [driver.Triggerer].
type Camera struct {
	env     driver.Env
	link    transport.Dialer
	serial  string
	image   int // the protocol's image_type, -1 for none
	silence time.Duration
	zone    *time.Location

	current current
}

const (
	heartbeatEvery = 5 * time.Second
	helloTimeout   = 5 * time.Second
	triggerTimeout = 3 * time.Second
	// packetTimeout bounds one packet from its first byte to its last, so that a trickle cannot hold the link.
	packetTimeout = 30 * time.Second
)

// Run implements [driver.Device].
func (c *Camera) Run(ctx context.Context, emit func(driver.Event)) error {
	conn, err := c.link.Dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("camera: %w", err)
	}
	outer := ctx
	ctx, cancel := context.WithCancelCause(outer)
	link := newLink(conn)
	// The socket is closed as soon as anything ends the run, which frees whoever blocks on it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := link.write(ctx); err != nil {
			cancel(fmt.Errorf("send to camera: %w", err))
		}
	}()
	err = c.read(ctx, conn, link, emit)
	cause := context.Cause(ctx)
	c.current.set(nil)
	cancel(err)
	stop()
	_ = conn.Close()
	<-written
	link.end()
	switch {
	case outer.Err() != nil:
		return nil
	case cause != nil:
		return cause
	}
	return fmt.Errorf("camera: %w", err)
}

// read greets the camera and serves what it says; it returns only with an error.
func (c *Camera) read(ctx context.Context, conn transport.Conn, link *link, emit func(driver.Event)) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	serial, err := c.hello(ctx, conn, r, link)
	if err != nil {
		return err
	}
	c.current.set(link)
	alive := c.env.Now()
	emit(driver.Event{ID: fmt.Sprintf("%s/alive/%d", serial, alive.UnixNano()), Received: alive, Body: driver.Alive{}})
	for {
		p, err := c.next(conn, r)
		if err != nil {
			return err
		}
		now := c.env.Now()
		if p.Type != TypeJSON {
			if now.Sub(alive) >= time.Second {
				alive = now
				emit(driver.Event{ID: fmt.Sprintf("%s/alive/%d", serial, now.UnixNano()), Received: now, Body: driver.Alive{}})
			}
			continue
		}
		m, text, pictures, err := decode(p.Body)
		if err != nil {
			return err
		}
		if m.Cmd != "ivs_result" || m.Plate == nil {
			link.answered(m)
			continue
		}
		event, err := m.event(serial, text, pictures, now, c.zone)
		if err != nil {
			return err
		}
		emit(event)
		if err := link.send(ctx, map[string]any{"cmd": "ivs_result", "response": "ok"}); err != nil {
			return err
		}
	}
}

// hello learns the serial number, then registers and subscribes, in this order: a subscriber who is not registered has
// nothing to acknowledge, so what was sent to him when the link died would be gone. Results that a camera sends before the subscription are not taken:
// they stay in its memory and come again.
func (c *Camera) hello(ctx context.Context, conn transport.Conn, r *bufio.Reader, link *link) (string, error) {
	if err := link.send(ctx, map[string]any{"cmd": "getsn"}); err != nil {
		return "", err
	}
	if err := conn.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return "", err
	}
	for {
		p, err := ReadPacket(r)
		if err != nil {
			return "", fmt.Errorf("no serial number: %w", err)
		}
		if p.Type != TypeJSON {
			continue
		}
		m, _, _, err := decode(p.Body)
		if err != nil {
			return "", err
		}
		if m.Cmd != "getsn" {
			continue
		}
		if m.Value == "" {
			return "", fmt.Errorf("%w: empty serial number", ErrFrame)
		}
		if c.serial != "" && c.serial != m.Value {
			return "", fmt.Errorf("another camera answers: serial %q, the settings say %q", m.Value, c.serial)
		}
		subscribe := map[string]any{"cmd": "ivsresult", "id": "1", "enable": true, "format": "json", "image": c.image >= 0, "image_type": max(c.image, 0)}
		return m.Value, errors.Join(link.send(ctx, map[string]any{"cmd": "offline", "interval": 2}), link.send(ctx, subscribe))
	}
}

// next reads one packet: the camera may be silent for a while, but a packet once begun must come to its end.
func (c *Camera) next(conn transport.Conn, r *bufio.Reader) (Packet, error) {
	if err := conn.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return Packet{}, err
	}
	first, err := r.Peek(1)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Packet{}, fmt.Errorf("silent for %v: %w", c.silence, err)
	case err != nil:
		return Packet{}, err
	case first[0] != 'V': // told at once, not when eight bytes are there
		return Packet{}, fmt.Errorf("%w: it starts with %x", ErrFrame, first)
	}
	if err := conn.SetReadDeadline(time.Now().Add(packetTimeout)); err != nil {
		return Packet{}, err
	}
	return ReadPacket(r)
}
