// Package bus is a Modbus bus: one goroutine that owns one connection (TCP, RTU on a serial line, or RTU over TCP) and
// serves a queue of requests, barrier commands before polls.
//
// It stands over goburrow/modbus, whose packagers make and check the frames. Its transports are not used: they answer
// concurrent callers wrongly without an error, keep a late reply for the next request, never reconnect a broken TCP
// connection and sleep a fixed time before reading.
//
// Invariants:
//   - one exchange at a time; an answer that does not match its request is an error, never somebody's answer
//   - after any error but a Modbus exception the connection is closed and a fresh one with a fresh handler is opened and
//     drained before the next request
//   - a request is sent at most once, and never after its caller gave up
//   - Run ends with an error when the fresh connection cannot be made or three requests running failed
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goburrow/modbus"

	"lotkeeper/firmware-adapters/transport"
)

var (
	// ErrStopped says that the bus is not running; nothing was sent.
	ErrStopped = errors.New("modbus bus is not running")
	// ErrNotSent says that the caller gave up while the request waited; nothing was sent.
	ErrNotSent = errors.New("modbus request was not sent")
	// ErrNoAnswer says that the request was sent, or may have been, and no answer that can be trusted came.
	ErrNoAnswer = errors.New("no modbus answer")
)

// Framing is how a Modbus message is wrapped.
type Framing string

// The framings. RTU runs on serial lines and, raw, over TCP to serial servers and to boards that expect it.
const (
	TCP Framing = "tcp"
	RTU Framing = "rtu"
)

// Priority orders waiting requests.
type Priority uint8

// The priorities: every waiting Gate request is served before any Poll.
const (
	Poll Priority = iota
	Gate
)

const (
	queueLength    = 16
	failuresToStop = 3
	rtuGap         = 5 * time.Millisecond // 3.5 characters at 9600 baud, rounded up
	rtuDrain       = 50 * time.Millisecond
)

// Config is what a bus needs. Timeout bounds one exchange; zero means 500 ms.
type Config struct {
	Link    transport.Dialer
	Framing Framing
	Timeout time.Duration
	Log     *slog.Logger
}

// Bus is one Modbus bus. Its methods may be called from any goroutine.
type Bus struct {
	cfg Config

	mu      sync.Mutex
	session *session
}

// session is what lives from a Run's connection to its end.
type session struct {
	gate, poll chan *request
	done       chan struct{}
}

// New makes a bus. It does no I/O.
func New(cfg Config) *Bus {
	if cfg.Timeout == 0 {
		cfg.Timeout = 500 * time.Millisecond
	}
	return &Bus{cfg: cfg}
}

type request struct {
	unit   byte
	pdu    modbus.ProtocolDataUnit
	state  atomic.Int32 // waiting, then taken by the bus or dropped by the caller
	answer chan answer
}

type answer struct {
	pdu modbus.ProtocolDataUnit
	err error
}

const (
	waiting int32 = iota
	taken
	dropped
)

// Run connects and serves requests until ctx ends (nil) or the bus is broken (the cause). ready is called, when not
// nil, once the connection stands.
func (b *Bus) Run(ctx context.Context, ready func()) error {
	h, err := b.open(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s := &session{gate: make(chan *request, queueLength), poll: make(chan *request, queueLength), done: make(chan struct{})}
	b.mu.Lock()
	if b.session != nil {
		b.mu.Unlock()
		h.close()
		return errors.New("modbus bus is running already")
	}
	b.session = s
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.session = nil
		b.mu.Unlock()
		close(s.done)
	}()
	if ready != nil {
		ready()
	}
	return b.serve(ctx, s, h)
}

func (b *Bus) serve(ctx context.Context, s *session, h *handler) error {
	defer func() { h.close() }()
	failures := 0
	for {
		r := s.next(ctx)
		if r == nil {
			return nil
		}
		if !r.state.CompareAndSwap(waiting, taken) {
			continue
		}
		pdu, err := h.exchange(ctx, r.unit, r.pdu)
		var exception *modbus.ModbusError
		if err == nil || errors.As(err, &exception) {
			failures = 0
			r.answer <- answer{pdu, err}
			continue
		}
		err = fmt.Errorf("%w from %s unit %d: %w", ErrNoAnswer, b.cfg.Link, r.unit, err)
		failures++
		h.close()
		fresh, openErr := b.open(ctx)
		// The answer goes out only now, so that a caller who reads back does so on the fresh connection.
		r.answer <- answer{err: err}
		switch {
		case ctx.Err() != nil:
			if openErr == nil {
				fresh.close()
			}
			return nil
		case openErr != nil:
			return errors.Join(err, openErr)
		case failures >= failuresToStop:
			fresh.close()
			return fmt.Errorf("%d requests running failed, last: %w", failures, err)
		}
		b.cfg.Log.Warn("modbus exchange failed, connection replaced", "link", b.cfg.Link.String(), "err", err)
		h = fresh
	}
}

// next waits for a request, barrier first; nil when ctx ended.
func (s *session) next(ctx context.Context) *request {
	select {
	case <-ctx.Done():
		return nil
	case r := <-s.gate:
		return r
	default:
	}
	select {
	case <-ctx.Done():
		return nil
	case r := <-s.gate:
		return r
	case r := <-s.poll:
		return r
	}
}

// Do sends one request to a unit and waits for its answer. Errors: [ErrStopped] and [ErrNotSent] when nothing was sent,
// [*modbus.ModbusError] when the unit refused, [ErrNoAnswer] when the outcome is unknown.
func (b *Bus) Do(ctx context.Context, p Priority, unit byte, pdu modbus.ProtocolDataUnit) (modbus.ProtocolDataUnit, error) {
	none := modbus.ProtocolDataUnit{}
	b.mu.Lock()
	s := b.session
	b.mu.Unlock()
	if s == nil {
		return none, ErrStopped
	}
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	r := &request{unit: unit, pdu: pdu, answer: make(chan answer, 1)}
	queue := s.poll
	if p == Gate {
		queue = s.gate
	}
	select {
	case queue <- r:
	case <-s.done:
		return none, ErrStopped
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", ErrNotSent, ctx.Err())
	}
	select {
	case a := <-r.answer:
		return a.pdu, a.err
	case <-s.done:
		select {
		case a := <-r.answer:
			return a.pdu, a.err
		default:
		}
		if r.state.CompareAndSwap(waiting, dropped) {
			return none, ErrStopped
		}
		return none, fmt.Errorf("%w: %w", ErrNoAnswer, ErrStopped)
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, dropped) {
			return none, fmt.Errorf("%w: %w", ErrNotSent, ctx.Err())
		}
		return none, fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	}
}
