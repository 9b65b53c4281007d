package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goburrow/modbus"
	"go.uber.org/goleak"

	"lotkeeper/firmware-adapters/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes dials in-memory connections whose other end is served by serve.
type pipes struct {
	serve func(n int, peer net.Conn)
	dials atomic.Int32
	fail  atomic.Bool
	wg    sync.WaitGroup
}

func (p *pipes) String() string { return "pipe" }

func (p *pipes) Dial(context.Context) (transport.Conn, error) {
	if p.fail.Load() {
		return nil, errors.New("no carrier")
	}
	ours, theirs := net.Pipe()
	n := int(p.dials.Add(1))
	p.wg.Go(func() {
		defer func() { _ = theirs.Close() }()
		p.serve(n, theirs)
	})
	return transport.NewStream(ours), nil
}

// readRequest reads one Modbus TCP request; nil at the end.
func readRequest(c net.Conn) []byte {
	head := make([]byte, 7)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil
	}
	request := make([]byte, len(head)+int(binary.BigEndian.Uint16(head[4:]))-1)
	if _, err := io.ReadFull(c, request[copy(request, head):]); err != nil {
		return nil
	}
	return request
}

// reply answers writes, and reads with n bytes of ones.
func reply(req []byte) []byte {
	pdu := req[7:]
	out := append([]byte(nil), req[:7]...)
	if pdu[0] <= 2 {
		n := (int(binary.BigEndian.Uint16(pdu[3:])) + 7) / 8
		pdu = append([]byte{pdu[0], byte(n)}, bytes.Repeat([]byte{0xFF}, n)...)
	}
	binary.BigEndian.PutUint16(out[4:], uint16(len(pdu)+1))
	return append(out, pdu...)
}

// running starts a bus in a bubble and returns it with a stop that gives Run's error.
func running(t *testing.T, p *pipes) (*Bus, func() error) {
	t.Helper()
	b := New(Config{Link: p, Framing: TCP, Timeout: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- b.Run(ctx, func() { close(ready) }) }()
	<-ready
	return b, func() error {
		cancel()
		err := <-ended
		p.wg.Wait()
		return err
	}
}

// TestGateGoesFirst: requests that wait while the bus is busy are served commands first.
func TestGateGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []byte
		free := make(chan struct{})
		p := &pipes{serve: func(_ int, c net.Conn) {
			for req := readRequest(c); req != nil; req = readRequest(c) {
				if len(order) == 0 {
					<-free
				}
				mu.Lock()
				order = append(order, req[7])
				mu.Unlock()
				_, _ = c.Write(reply(req))
			}
		}}
		b, stop := running(t, p)
		var wg sync.WaitGroup
		poll := func() { _, _ = b.Inputs(t.Context(), Poll, 1, 0, 8) }
		wg.Go(poll)
		synctest.Wait()
		for range 3 {
			wg.Go(poll)
		}
		synctest.Wait()
		wg.Go(func() {
			if err := b.Flash(t.Context(), Gate, 1, 0, 500*time.Millisecond); err != nil {
				t.Errorf("Flash = %v", err)
			}
		})
		synctest.Wait()
		close(free)
		wg.Wait()
		if want := []byte{2, 5, 2, 2, 2}; !bytes.Equal(order, want) {
			t.Errorf("served functions %v, want %v", order, want)
		}
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestNothingIsSentForACallerWhoGaveUp: a command that waited too long does not act late.
func TestNothingIsSentForACallerWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int32
		p := &pipes{serve: func(_ int, c net.Conn) {
			for req := readRequest(c); req != nil; req = readRequest(c) {
				if req[7] == 5 {
					writes.Add(1)
				}
				<-time.After(150 * time.Millisecond) // a slow board
				_, _ = c.Write(reply(req))
			}
		}}
		b, stop := running(t, p)
		go func() { _, _ = b.Inputs(t.Context(), Poll, 1, 0, 8) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := b.SetCoil(ctx, Gate, 1, 0, true); !errors.Is(err, ErrNotSent) {
			t.Errorf("SetCoil = %v, want ErrNotSent", err)
		}
		<-time.After(time.Second)
		if n := writes.Load(); n != 0 {
			t.Errorf("%d writes reached the board after their caller gave up", n)
		}
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		if err := b.SetCoil(context.Background(), Gate, 1, 0, true); !errors.Is(err, ErrStopped) {
			t.Errorf("SetCoil after Run = %v, want ErrStopped", err)
		}
	})
}

// TestLateAnswerIsNobodys: an answer that comes after its time-out must not be taken for the next request's.
func TestLateAnswerIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(n int, c net.Conn) {
			for req := readRequest(c); req != nil; req = readRequest(c) {
				if n == 1 {
					<-time.After(300 * time.Millisecond)
				}
				if _, err := c.Write(reply(req)); err != nil {
					return
				}
			}
		}}
		b, stop := running(t, p)
		if _, err := b.Inputs(t.Context(), Poll, 1, 0, 8); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("Inputs = %v, want ErrNoAnswer", err)
		}
		for range 5 {
			if _, err := b.Inputs(t.Context(), Poll, 1, 0, 8); err != nil {
				t.Errorf("Inputs on the fresh connection = %v", err)
			}
		}
		if n := p.dials.Load(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestBrokenBusEndsRun(t *testing.T) {
	for name, prepare := range map[string]func(*pipes){
		"peer gone":               func(p *pipes) { p.fail.Store(true) },
		"three silences in a row": func(*pipes) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pipes{serve: func(_ int, c net.Conn) {
					for readRequest(c) != nil { // never answers
					}
				}}
				b := New(Config{Link: p, Framing: TCP, Timeout: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
				ready, ended := make(chan struct{}), make(chan error, 1)
				go func() { ended <- b.Run(t.Context(), func() { close(ready) }) }()
				<-ready
				prepare(p)
				for range 3 {
					_, _ = b.Inputs(t.Context(), Poll, 1, 0, 8)
				}
				if err := <-ended; err == nil {
					t.Error("Run = nil on a broken bus")
				}
				p.wg.Wait()
			})
		})
	}
}

// TestConcurrentCallersGetTheirOwnAnswers: the failure that the library shows with four goroutines.
func TestConcurrentCallersGetTheirOwnAnswers(t *testing.T) {
	p := &pipes{serve: func(_ int, c net.Conn) {
		for req := readRequest(c); req != nil; req = readRequest(c) {
			out := append([]byte(nil), req[:7]...)
			out[5] = 5
			_, _ = c.Write(append(out, req[7], 2, req[8], req[9])) // the bits are the address asked for
		}
	}}
	b, stop := running(t, p)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				address := uint16(g*200 + i)
				bits, err := b.Inputs(t.Context(), Priority(g%2), 1, address, 16)
				if err != nil {
					t.Errorf("Inputs = %v", err)
					return
				}
				var got uint16
				for n, on := range bits {
					if on {
						got |= 1 << n
					}
				}
				if want := address<<8 | address>>8; got != want {
					t.Errorf("asked %04x, got %04x", want, got)
				}
			}
		})
	}
	wg.Wait()
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

// golden frames of the relay boards' documentation.
func TestGoldenRTUFrames(t *testing.T) {
	for want, pdu := range map[string]modbus.ProtocolDataUnit{
		"01 05 00 00 FF 00 8C 3A": {FunctionCode: 5, Data: words(0, 0xFF00)},
		"01 05 00 00 00 00 CD CA": {FunctionCode: 5, Data: words(0, 0)},
		"01 05 02 00 00 07 8D B0": {FunctionCode: 5, Data: words(flashOn, 7)},
		"01 01 00 00 00 08 3D CC": {FunctionCode: 1, Data: words(0, 8)},
		"01 02 00 00 00 08 79 CC": {FunctionCode: 2, Data: words(0, 8)},
	} {
		h := modbus.NewRTUClientHandler("")
		h.SlaveId = 1
		got, err := h.Encode(&pdu)
		w, herr := hex.DecodeString(strings.ReplaceAll(want, " ", ""))
		if err != nil || herr != nil || !bytes.Equal(got, w) {
			t.Errorf("% X, %v, want %s", got, err, want)
		}
	}
}

// FuzzAnswer: whatever a board answers, nothing panics, and what is accepted fits the request.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{1, 2, 1, 0xFF, 0xE1, 0xC8}, false)
	f.Add([]byte{1, 0x82, 2, 0xC1, 0x61}, false)
	f.Add([]byte{0, 1, 0, 0, 0, 4, 1, 2, 1, 0xFF}, true)
	f.Add([]byte{0, 1, 0, 0, 0xFF, 0xFF, 1}, true)
	f.Fuzz(func(t *testing.T, b []byte, tcp bool) {
		req := modbus.ProtocolDataUnit{FunctionCode: modbus.FuncCodeReadDiscreteInputs, Data: words(0, 8)}
		h := &handler{tcp: modbus.NewTCPClientHandler(""), rtu: modbus.NewRTUClientHandler("")}
		h.framing = RTU
		read := func() ([]byte, error) { return readRTU(bytes.NewReader(b), req.FunctionCode) }
		if tcp {
			h.framing = TCP
			read = func() ([]byte, error) { return readTCP(bytes.NewReader(b)) }
		}
		packager := h.packager(1)
		adu, err := packager.Encode(&req)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := read()
		if err != nil || packager.Verify(adu, resp) != nil {
			return
		}
		got, err := packager.Decode(resp)
		if err != nil {
			return
		}
		if check(req, *got) == nil && (got.FunctionCode != req.FunctionCode || len(got.Data) != 2) {
			t.Fatalf("accepted % x", b)
		}
	})
}
