package fangkong

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenFrames holds frames that were published with their checksums, requests and answers.
func TestGoldenFrames(t *testing.T) {
	doc, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(doc)) {
		text, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		n++
		want := unhex(t, text)
		f, used, ok := Scan(want)
		if !ok || used != len(want) {
			t.Errorf("Scan(%s) = %d of %d bytes, %v", text, used, len(want), ok)
			continue
		}
		got, err := f.Append(nil)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("frame % x, %v, want % x", got, err, want)
		}
	}
	if n < 12 {
		t.Errorf("%d golden frames, want at least 12", n)
	}
}

// TestGoldenMessages builds the published examples from what they mean.
func TestGoldenMessages(t *testing.T) {
	text, err := Line{Row: 0, Text: "欢迎光临", Red: true, Width: 8}.textData()
	if err != nil {
		t.Fatal(err)
	}
	// The published example leaves the time on screen to the board's template (0); ours is "until something else" (FF).
	want := unhex(t, "00 00 01 FF 05 00 00 03 00 FF 00 00 00 00 00 00 00 08 00 BB B6 D3 AD B9 E2 C1 D9")
	if !bytes.Equal(text, want) {
		t.Errorf("text % x, want % x", text, want)
	}
	voice, err := voiceData("欢迎光临,请入场停车")
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "02 BB B6 D3 AD B9 E2 C1 D9 2C C7 EB C8 EB B3 A1 CD A3 B3 B5"); !bytes.Equal(voice, want) {
		t.Errorf("voice % x, want % x", voice, want)
	}
	lines, err := linesData([]Line{{Row: 0, Text: "一路顺风", Red: true, Width: 8}, {Row: 1, Text: "沪AAP6375", Green: true, Width: 9}}, "祝您一路顺风")
	if err != nil {
		t.Fatal(err)
	}
	want = unhex(t, "00 02 00 00 01 05 00 FF 00 00 00 08 D2 BB C2 B7 CB B3 B7 E7 0D 01 00 01 05 00 00 FF 00 00 09 BB A6 41 41 50 36 33 37 35 00 0A 0C D7 A3 C4 FA D2 BB C2 B7 CB B3 B7 E7 00")
	if !bytes.Equal(lines, want) {
		t.Errorf("lines % x, want % x", lines, want)
	}
}

func TestTextFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, limit := rapid.String().Draw(t, "text"), rapid.IntRange(0, 300).Draw(t, "limit")
		b, err := gbk(s, limit)
		if err != nil || len(b) > limit {
			t.Fatalf("gbk(%q, %d) = %d bytes, %v", s, limit, len(b), err)
		}
		var lines []Line
		for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
			lines = append(lines, Line{Row: i, Text: s, Width: 8})
		}
		data, err := linesData(lines, s)
		if err != nil || len(data) > MaxData {
			t.Fatalf("packed %q is %d bytes, %v", s, len(data), err)
		}
		one, err := lines[0].textData()
		if err != nil || len(one) > MaxData {
			t.Fatalf("line %q is %d bytes, %v", s, len(one), err)
		}
	})
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]byte{0: 255, time.Millisecond: 1, 5 * time.Second: 5, 254 * time.Second: 254, time.Hour: 255, -1: 255} {
		if got := seconds(d); got != want {
			t.Errorf("seconds(%v) = %d, want %d", d, got, want)
		}
	}
}

// FuzzScan: whatever comes, nothing panics, progress is made, and a frame found is one that stands in the bytes.
func FuzzScan(f *testing.F) {
	f.Add(unhex(f, "00 64 FF FF 30 01 00 36 BB"))
	f.Add(unhex(f, "11 22 00 64 FF FF 62 01 00 97 6A 00 64"))
	f.Add(unhex(f, "00 64 FF FF 30 FF 01"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, used, ok := Scan(b)
		if used < 0 || used > len(b) {
			t.Fatalf("used %d of %d", used, len(b))
		}
		if !ok {
			return
		}
		frame, err := got.Append(nil)
		if err != nil || !bytes.HasSuffix(b[:used], frame) {
			t.Fatalf("found % x, %v, which does not end % x", frame, err, b[:used])
		}
	})
}
