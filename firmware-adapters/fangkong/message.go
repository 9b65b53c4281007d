package fangkong

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	maxText  = 200 // bytes of one line, so that every frame that holds it stays below MaxData
	maxVoice = 254

	modeStill  = 0x00
	modeScroll = 0x15 // from right to left without a stop
	fontSong16 = 0x03
)

// gbk encodes text as the board wants it; characters that GBK lacks become question marks, control characters spaces.
func gbk(s string, limit int) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	enc := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder())
	b, err := enc.Bytes([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("%w: encode text: %w", ErrFrame, err)
	}
	for i, c := range b {
		if c == 0x1A { // what the encoder puts for a character it lacks
			b[i] = '?'
		}
	}
	return cut(b, limit), nil
}

// cut shortens GBK text to at most limit bytes without halving a character.
func cut(b []byte, limit int) []byte {
	end := 0
	for end < len(b) {
		width := 1
		if b[end] >= 0x81 && end+1 < len(b) {
			width = 2
		}
		if end+width > limit {
			break
		}
		end += width
	}
	return b[:end]
}

// Line is one line of text on a display.
type Line struct {
	Row   int
	Text  string
	Red   bool
	Green bool
	Hold  time.Duration // how long it stays; 0: until something else is shown
	Width int           // bytes that fit without moving; longer text scrolls
}

func (l Line) colour() [4]byte {
	var c [4]byte
	if l.Red {
		c[0] = 0xFF
	}
	if l.Green {
		c[1] = 0xFF
	}
	return c
}

func (l Line) mode(text []byte) byte {
	if len(text) > l.Width {
		return modeScroll
	}
	return modeStill
}

// seconds is a time as the board's one byte, 1 to 254; 0 and what is longer is "as long as nothing else comes" (255).
func seconds(d time.Duration) byte {
	s := (d + time.Second - 1) / time.Second
	if s <= 0 || s > 254 {
		return 255
	}
	return byte(s)
}

// textData is the data of [CmdText]: row, mode, speed, seconds on screen, pause, 2 reserved, font, repeats, colour RGBA,
// 4 reserved, length, 1 reserved, text.
func (l Line) textData() ([]byte, error) {
	text, err := gbk(l.Text, maxText)
	if err != nil {
		return nil, err
	}
	c := l.colour()
	d := []byte{byte(l.Row), l.mode(text), 1, seconds(l.Hold), 5, 0, 0, fontSong16, 0, c[0], c[1], c[2], c[3], 0, 0, 0, 0, byte(len(text)), 0}
	return append(d, text...), nil
}

// linesData is the data of [CmdLines]: where to keep it, number of lines, and for each: row, mode, speed, pause, repeats,
// colour RGBA, length, text, 0D (00 after the last); then 0A, length and text of what is spoken, 00. Lines that do not
// all fit are shortened, what is spoken before what is shown.
func linesData(lines []Line, voice string) ([]byte, error) {
	const perLine, around = 11, 2 + 3
	room := (MaxData - around - perLine*len(lines)) / (len(lines) + 1)
	d := []byte{0, byte(len(lines))}
	for i, l := range lines {
		text, err := gbk(l.Text, room)
		if err != nil {
			return nil, err
		}
		c := l.colour()
		d = append(d, byte(l.Row), l.mode(text), 1, 5, 0, c[0], c[1], c[2], c[3], byte(len(text)))
		d = append(d, text...)
		if i < len(lines)-1 {
			d = append(d, 0x0D)
		} else {
			d = append(d, 0x00)
		}
	}
	spoken, err := gbk(voice, MaxData-len(d)-3)
	if err != nil {
		return nil, err
	}
	d = append(d, 0x0A, byte(len(spoken)))
	return append(append(d, spoken...), 0x00), nil
}

// voiceData is the data of [CmdVoice]. What still waits to be spoken is dropped first: it belongs to the car before.
func voiceData(voice string) ([]byte, error) {
	text, err := gbk(voice, maxVoice)
	if err != nil {
		return nil, err
	}
	return append([]byte{voiceReplace}, text...), nil
}

// The first byte of voice data.
const (
	voiceQueue   = 0x00
	voiceSpeak   = 0x01
	voiceReplace = 0x02
)
