package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/fangkong"
)

// Display is a 方控 LED board with voice on a serial line. It keeps what it shows and what it spoke.
type Display struct {
	env Env

	mu         sync.Mutex
	off        bool
	deaf       int
	refuse     int
	rows       [4]string
	hold       time.Duration
	spoken     []string
	brightness int
	volume     int
	frames     int
}

// Screen is what a display shows and said last.
type Screen struct {
	Rows  []string      `json:"rows"`
	Voice string        `json:"voice"`
	Hold  time.Duration `json:"hold_ns"` // 0: until something else comes
}

// NewDisplay makes a display.
func NewDisplay(env Env) *Display { return &Display{env: env, brightness: 100, volume: 100} }

// Screen is what the display shows now.
func (d *Display) Screen() Screen {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Screen{Hold: d.hold}
	for _, r := range d.rows {
		if r = strings.TrimRight(r, " "); r != "" {
			s.Rows = append(s.Rows, r)
		}
	}
	if len(d.spoken) > 0 {
		s.Voice = d.spoken[len(d.spoken)-1]
	}
	return s
}

// Spoken is everything that was spoken, oldest first, at most the last 100 texts.
func (d *Display) Spoken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.spoken...)
}

// Frames counts the frames received.
func (d *Display) Frames() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.frames
}

// Levels are brightness and volume in percent.
func (d *Display) Levels() (brightness, volume int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.brightness, d.volume
}

// SetPower switches the display; without power it goes dark and answers nothing.
func (d *Display) SetPower(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = !on
	if !on {
		d.rows = [4]string{}
	}
}

// Deafen makes the display do the next n frames without answering.
func (d *Display) Deafen(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf += n
}

// Refuse makes the display refuse the next n frames.
func (d *Display) Refuse(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse += n
}

// Run serves the line until ctx ends.
func (d *Display) Run(ctx context.Context, line *Line) error {
	var have []byte
	buf := make([]byte, 512)
	for {
		n, err := line.Read(ctx, buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
				return nil
			}
			return fmt.Errorf("display: %w", err)
		}
		have = append(have, buf[:n]...)
		for {
			f, used, ok := fangkong.Scan(have)
			have = have[used:]
			if !ok {
				break
			}
			if out := d.answer(f); out != nil {
				if err := line.Write(out); err != nil {
					return fmt.Errorf("display: %w", err)
				}
			}
		}
	}
}

// answer does what a frame says; nil is silence.
func (d *Display) answer(f fangkong.Frame) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frames++
	if d.off {
		return nil
	}
	data := []byte{0}
	switch {
	case d.refuse > 0:
		d.refuse--
		data[0] = 1
	case !d.do(f):
		data[0] = 2
	case f.Command == fangkong.CmdConnect:
		data = []byte{0, 1, 0, 2, 4, 6, 0, 1, 0, 0}
	}
	if d.deaf > 0 {
		d.deaf--
		return nil
	}
	out, err := fangkong.Frame{Address: f.Address, Command: f.Command, Data: data}.Append(nil)
	if err != nil {
		d.env.Log.Error("display cannot answer", "err", err)
	}
	return out
}

// do shows or speaks; false when the data make no sense.
func (d *Display) do(f fangkong.Frame) bool {
	b := f.Data
	switch f.Command {
	case fangkong.CmdConnect:
		return len(b) >= 6
	case fangkong.CmdBrightness, fangkong.CmdVolume:
		if len(b) != 1 || b[0] < 10 || b[0] > 100 {
			return false
		}
		if f.Command == fangkong.CmdVolume {
			d.volume = int(b[0])
		} else {
			d.brightness = int(b[0])
		}
		return true
	case fangkong.CmdText:
		if len(b) < 19 || len(b) != 19+int(b[17]) || b[0] > 3 {
			return false
		}
		d.rows[b[0]] = text(b[19:])
		d.hold = 0
		if b[3] != 255 {
			d.hold = time.Duration(b[3]) * time.Second
		}
		return true
	case fangkong.CmdLines:
		return d.lines(b)
	case fangkong.CmdVoice:
		if len(b) < 1 {
			return false
		}
		d.say(text(b[1:]))
		return true
	}
	return false
}

// lines reads the packed form: keep, count, lines, voice.
func (d *Display) lines(b []byte) bool {
	if len(b) < 2 || b[1] > 4 {
		return false
	}
	count := int(b[1])
	b = b[2:]
	var rows [4]string
	for i := range count {
		if len(b) < 11 || len(b) < 11+int(b[9]) || b[0] > 3 {
			return false
		}
		n := int(b[9])
		rows[b[0]] = text(b[10 : 10+n])
		want := byte(0x0D)
		if i == count-1 {
			want = 0
		}
		if b[10+n] != want {
			return false
		}
		b = b[11+n:]
	}
	if len(b) < 3 || b[0] != 0x0A || len(b) != 3+int(b[1]) || b[len(b)-1] != 0 {
		return false
	}
	d.rows = rows
	d.hold = 0
	if b[1] > 0 {
		d.say(text(b[2 : len(b)-1]))
	}
	return true
}

func (d *Display) say(s string) {
	if len(d.spoken) >= 100 {
		d.spoken = d.spoken[1:]
	}
	d.spoken = append(d.spoken, s)
}

func text(gbk []byte) string {
	s, err := simplifiedchinese.GBK.NewDecoder().Bytes(gbk)
	if err != nil {
		return fmt.Sprintf("?% x", gbk)
	}
	return string(s)
}
