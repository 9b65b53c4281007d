package sim

import (
	"bytes"
	"log/slog"
	"testing"
	"time"
)

// FuzzBoardRequest: whatever a master sends, nothing panics, and an answer is one to the request or a refusal.
func FuzzBoardRequest(f *testing.F) {
	f.Add([]byte{5, 0, 0, 0xFF, 0})
	f.Add([]byte{5, 2, 0, 0, 7})
	f.Add([]byte{15, 0, 0, 0, 8, 1, 0xFF})
	f.Add([]byte{2, 0, 0, 0xFF, 0xFF})
	f.Add([]byte{0x2B})
	b := NewBoard(time.Millisecond, Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	f.Fuzz(func(t *testing.T, pdu []byte) {
		if len(pdu) == 0 {
			return
		}
		out := answerPDU(b, pdu)
		if len(out) < 2 || out[0]&0x7F != pdu[0]&0x7F {
			t.Fatalf("% x is answered with % x", pdu, out)
		}
		frame := appendRTU(unit, pdu)
		if n := rtuRequest(frame); n > len(frame) {
			t.Fatalf("a request of %d bytes in %d", n, len(frame))
		}
		if _, _, err := readMBAP(bytes.NewReader(pdu)); err == nil && len(pdu) < 8 {
			t.Fatalf("% x is a whole request", pdu)
		}
	})
}
