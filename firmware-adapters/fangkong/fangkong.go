// Package fangkong drives 方控 (FK) LED displays with voice on a serial line or a serial server.
//
// The board answers every frame with the same command and one byte, 0 for success. Boards set to one-way RS-485 never
// answer; with "answers": false a written frame counts as Done.
//
// Invariants: one message at a time, in the order of the calls; a frame is sent once; an answer counts only for the
// frame under way, by address and command; what comes unasked is thrown away.
package fangkong

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
)

// Kind is the adapter's name in a configuration.
const Kind = "fangkong"

// Settings is the settings document.
type Settings struct {
	transport.Link
	Address    int             `json:"address,omitempty"`    // of the board, 0 by default
	Password   string          `json:"password,omitempty"`   // of boards that want one, 6 to 32 characters; as delivered by default
	Rows       int             `json:"rows,omitempty"`       // lines of text, 1 to 4; 2 by default
	Columns    int             `json:"columns,omitempty"`    // half-width characters of a line; longer text scrolls; 8 by default
	Colour     string          `json:"colour,omitempty"`     // red (default), green or yellow
	Frames     string          `json:"frames,omitempty"`     // lines (default): one frame a line and one for the voice; packed: one for all
	Voice      *bool           `json:"voice,omitempty"`      // whether the board speaks; true by default
	Answers    *bool           `json:"answers,omitempty"`    // whether the board answers; true by default
	Timeout    driver.Duration `json:"timeout,omitempty"`    // of one answer; 500ms by default
	Check      driver.Duration `json:"check,omitempty"`      // how often an idle board is asked for its version; 5s by default
	Brightness int             `json:"brightness,omitempty"` // 10 to 100 %, set on connecting; 0 leaves it
	Volume     int             `json:"volume,omitempty"`     // 10 to 100 %, set on connecting; 0 leaves it
}

// Adapter is the row of the table of adapters.
func Adapter() driver.Adapter {
	return driver.Adapter{
		Kind:  Kind,
		Title: "方控 FK LED display with voice (serial) / 方控 LED 显示屏与语音",
		Sample: json.RawMessage(`{
			"serial": "/dev/serial/by-path/platform-usb-0:1.2-port0", "baud": 9600,
			"rows": 4, "columns": 8, "colour": "red", "volume": 80, "brightness": 90
		}`),
		New: func(settings json.RawMessage, env driver.Env) (driver.Device, error) { return New(settings, env) },
	}
}

// New makes a display of a settings document. It does no I/O.
func New(settings json.RawMessage, env driver.Env) (*Display, error) {
	var s Settings
	var faults driver.Faults
	faults.Decode(settings, &s)
	faults = append(faults, s.Faults()...)
	if s.Address < 0 || s.Address > 255 {
		faults.Add(`"address" must be 0 to 255, not %d`, s.Address)
	}
	if s.Password == "" {
		s.Password = "159753"
	}
	if len(s.Password) < 6 || len(s.Password) > 32 {
		faults.Add(`"password" must have 6 to 32 characters, not %d`, len(s.Password))
	}
	if s.Rows == 0 {
		s.Rows = 2
	}
	if s.Rows < 1 || s.Rows > 4 {
		faults.Add(`"rows" must be 1 to 4, not %d`, s.Rows)
	}
	if s.Columns == 0 {
		s.Columns = 8
	}
	if s.Columns < 4 || s.Columns > 64 {
		faults.Add(`"columns" must be 4 to 64, not %d`, s.Columns)
	}
	switch s.Colour {
	case "", "red", "green", "yellow":
	default:
		faults.Add(`"colour" must be red, green or yellow, not %q`, s.Colour)
	}
	switch s.Frames {
	case "", "lines", "packed":
	default:
		faults.Add(`"frames" must be lines or packed, not %q`, s.Frames)
	}
	if t := s.Timeout.Or(500 * time.Millisecond); t < 50*time.Millisecond || t > 5*time.Second {
		faults.Add(`"timeout" must be 50ms to 5s, not %v`, t)
	}
	if t := s.Check.Or(5 * time.Second); t < 100*time.Millisecond || t > time.Minute {
		faults.Add(`"check" must be 100ms to 1m, not %v`, t)
	}
	for name, v := range map[string]int{"brightness": s.Brightness, "volume": s.Volume} {
		if v != 0 && (v < 10 || v > 100) {
			faults.Add(`%q must be 10 to 100, not %d`, name, v)
		}
	}
	if err := errors.Join(faults.Err(), env.Check()); err != nil {
		return nil, err
	}
	return &Display{set: s, link: s.Link, env: env}, nil
}

// Display is one display. It implements [driver.Device] and [driver.Shower].
type Display struct {
	set  Settings
	link transport.Dialer
	env  driver.Env

	mu      sync.Mutex
	session *session
}

func on(v *bool) bool { return v == nil || *v }

// failuresToStop is how many frames running may go unanswered before the link counts as broken.
const failuresToStop = 3

type session struct {
	queue chan *job
	done  chan struct{}
}

// job is one message: its frames, sent one after the other.
type job struct {
	ctx    context.Context //nolint:containedctx // the caller's, checked before anything of the job is sent
	frames []Frame
	answer chan result
}

type result struct {
	outcome driver.Outcome
	err     error
}

// Run implements [driver.Device].
func (d *Display) Run(ctx context.Context, emit func(driver.Event)) error {
	conn, err := d.link.Dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("display: %w", err)
	}
	outer := ctx
	ctx, cancel := context.WithCancelCause(outer)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	s := &session{queue: make(chan *job, 8), done: make(chan struct{})}
	w := wire{conn: conn, frames: make(chan Frame, 16)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		cancel(w.read(ctx))
	}()
	d.hold(s)
	err = d.serve(ctx, s, &w, emit)
	d.hold(nil)
	cancel(err)
	stop()
	_ = conn.Close()
	<-read
	close(s.done)
	if outer.Err() != nil {
		return nil
	}
	return fmt.Errorf("display: %w", context.Cause(ctx))
}

func (d *Display) hold(s *session) {
	d.mu.Lock()
	d.session = s
	d.mu.Unlock()
}

// serve sends what is asked for, and asks an idle board whether it lives.
func (d *Display) serve(ctx context.Context, s *session, w *wire, emit func(driver.Event)) error {
	if err := d.prepare(ctx, w); err != nil {
		return err
	}
	d.alive(emit)
	check := time.NewTicker(d.set.Check.Or(5 * time.Second))
	defer check.Stop()
	failures := 0
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case j := <-s.queue:
			err = d.do(ctx, w, j)
		case <-check.C:
			if !on(d.set.Answers) {
				continue
			}
			err = d.greet(ctx, w)
		}
		var silence *silenceError
		switch {
		case err == nil:
			failures = 0
			d.alive(emit)
		case errors.As(err, &silence):
			if failures++; failures >= failuresToStop {
				return fmt.Errorf("%d frames running went unanswered: %w", failures, err)
			}
		default:
			return err
		}
	}
}

// prepare greets the board and sets what the settings say.
func (d *Display) prepare(ctx context.Context, w *wire) error {
	if on(d.set.Answers) {
		if err := d.greet(ctx, w); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		command byte
		value   int
	}{{CmdBrightness, d.set.Brightness}, {CmdVolume, d.set.Volume}} {
		if p.value == 0 {
			continue
		}
		code, err := d.send(ctx, w, Frame{Address: byte(d.set.Address), Command: p.command, Data: []byte{byte(p.value)}})
		if err != nil {
			return err
		}
		if code != 0 {
			d.env.Log.Warn("display refused a setting", "device", d.env.Device, "command", p.command, "code", code)
		}
	}
	return nil
}

// greet asks for the version with the password. A refusal is an answer too: boards without a password ignore it, and
// boards with another one will refuse what is shown.
func (d *Display) greet(ctx context.Context, w *wire) error {
	code, err := d.send(ctx, w, Frame{Address: byte(d.set.Address), Command: CmdConnect, Data: []byte(d.set.Password)})
	if err == nil && code != 0 {
		d.env.Log.Warn("display refused the password", "device", d.env.Device, "code", code)
	}
	return err
}

func (d *Display) alive(emit func(driver.Event)) {
	now := d.env.Now()
	emit(driver.Event{ID: fmt.Sprintf("alive-%d", now.UnixNano()), Received: now, Body: driver.Alive{}})
}

// Show implements [driver.Shower].
func (d *Display) Show(ctx context.Context, m driver.Message) (driver.Outcome, error) {
	frames, err := d.frames(m)
	if err != nil {
		return driver.Refused, err
	}
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s == nil {
		return driver.Unknown, driver.ErrOffline
	}
	j := &job{ctx: ctx, frames: frames, answer: make(chan result, 1)}
	select {
	case s.queue <- j:
	case <-s.done:
		return driver.Unknown, driver.ErrOffline
	case <-ctx.Done():
		return driver.Unknown, fmt.Errorf("display busy: %w", ctx.Err())
	}
	select {
	case r := <-j.answer:
		return r.outcome, r.err
	case <-s.done:
		select {
		case r := <-j.answer:
			return r.outcome, r.err
		default:
			return driver.Unknown, driver.ErrOffline
		}
	case <-ctx.Done():
		return driver.Unknown, ctx.Err()
	}
}

// frames makes the frames of a message. Rows that the message does not fill are cleared: they belong to the car before.
func (d *Display) frames(m driver.Message) ([]Frame, error) {
	voice := m.Voice
	if !on(d.set.Voice) {
		voice = ""
	}
	lines := make([]Line, d.set.Rows)
	for i := range lines {
		lines[i] = Line{Row: i, Text: " ", Width: d.set.Columns, Hold: m.Hold, Red: d.set.Colour != "green", Green: d.set.Colour == "green" || d.set.Colour == "yellow"}
		if i < len(m.Lines) && m.Lines[i] != "" {
			lines[i].Text = m.Lines[i]
		}
	}
	address := byte(d.set.Address)
	if d.set.Frames == "packed" {
		data, err := linesData(lines, voice)
		return []Frame{{Address: address, Command: CmdLines, Data: data}}, err
	}
	var frames []Frame
	for _, l := range lines {
		data, err := l.textData()
		if err != nil {
			return nil, err
		}
		frames = append(frames, Frame{Address: address, Command: CmdText, Data: data})
	}
	if voice != "" {
		data, err := voiceData(voice)
		if err != nil {
			return nil, err
		}
		frames = append(frames, Frame{Address: address, Command: CmdVoice, Data: data})
	}
	return frames, nil
}
