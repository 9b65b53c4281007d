// Package modbusbarrier drives a barrier and its loops through a Modbus relay and input board, over TCP, a serial line,
// or RTU inside TCP.
//
// Invariants:
//   - a pulse is ended by the board (flash), so that a program that dies cannot hold "open"; only with "pulse_by": "write",
//     for boards that cannot, we end it ourselves
//   - Close reads the safety loop in the same breath and refuses while it is occupied; a loop that gets occupied while
//     the arm comes down after our Close makes it go up again
//   - a pulse is sent once; when no answer came, the state is read back: Done if it shows that the pulse was taken, else
//     Unknown
//   - commands go before polls
package modbusbarrier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/goburrow/modbus"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
	"lotkeeper/firmware-adapters/transport/bus"
)

// Kind is the adapter's name in a configuration.
const Kind = "modbus-barrier"

// closingWindow is how long after a Close an occupied safety loop makes the arm go up again, if the lower limit has not
// been reached before.
const closingWindow = 10 * time.Second

// finishWithin is what Run takes at most, after its end was asked for, to end pulses.
const finishWithin = 600 * time.Millisecond

// Barrier is one barrier. It implements [driver.Device] and [driver.Opener].
type Barrier struct {
	plan plan
	env  driver.Env
	bus  *bus.Bus

	mu      sync.Mutex
	closing time.Time         // until when a Close is under way
	arm     driver.Arm        // as last polled
	on      map[int]time.Time // until when a coil is on by a pulse of this Run
	over    <-chan struct{}   // closed when Run ends; nil outside Run
	pulses  *sync.WaitGroup   // pulses that we must end ourselves
}

func newBarrier(p plan, link transport.Dialer, env driver.Env) *Barrier {
	return &Barrier{
		plan: p, env: env,
		bus: bus.New(bus.Config{Link: link, Framing: p.framing, Timeout: p.timeout, Log: env.Log.With("device", env.Device)}),
	}
}

// Run implements [driver.Device].
func (b *Barrier) Run(ctx context.Context, emit func(driver.Event)) error {
	// The bus outlives ctx by the moment it takes to end the pulses we owe.
	busCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ready := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- b.bus.Run(busCtx, func() { close(ready) }) }()
	var err error
	select {
	case <-ctx.Done():
		cancel()
		err = <-ended
	case err = <-ended:
	case <-ready:
		over := make(chan struct{})
		b.begin(over)
		err = b.poll(ctx, emit)
		close(over)
		b.finish()
		cancel()
		// The bus knows why it ended better than the poll that noticed.
		if busErr := <-ended; busErr != nil {
			err = busErr
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("barrier board: %w", err)
}

// begin and finish bracket the time in which pulses may be owed.
func (b *Barrier) begin(over <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over, b.pulses, b.closing, b.arm = over, &sync.WaitGroup{}, time.Time{}, driver.ArmUnknown
	b.on = map[int]time.Time{}
}

// finish waits for the pulses to be ended, but not longer than a Run may take to end.
func (b *Barrier) finish() {
	b.mu.Lock()
	pulses := b.pulses
	b.over, b.pulses = nil, nil
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		pulses.Wait()
		close(done)
	}()
	t := time.NewTimer(finishWithin)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C: // the board is gone; the end of the bus frees who still waits
	}
}

// poll reads the inputs in a steady rhythm and tells what changed. It ends with ctx or with the bus.
func (b *Barrier) poll(ctx context.Context, emit func(driver.Event)) error {
	w := watch{barrier: b, emit: emit, base: b.env.Now().UnixNano()}
	tick := time.NewTicker(b.plan.poll)
	defer tick.Stop()
	for {
		bits, err := b.read(ctx, bus.Poll)
		switch {
		case err == nil:
			if err := b.guard(ctx, bits); err != nil { // before emit, which may block
				return err
			}
			w.saw(bits)
		case errors.Is(err, bus.ErrStopped) || ctx.Err() != nil:
			return err
		default: // the bus judges how many failures are too many
			if exception := (*modbus.ModbusError)(nil); errors.As(err, &exception) {
				return fmt.Errorf("the board refuses to tell inputs %d to %d: %w", b.plan.first, b.plan.first+b.plan.count-1, err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// inputs is what the wired inputs say, after inversion.
type inputs map[string]bool

func (b *Barrier) read(ctx context.Context, p bus.Priority) (inputs, error) {
	bits, err := b.bus.Inputs(ctx, p, b.plan.unit, b.plan.first, b.plan.count)
	if err != nil {
		return nil, err
	}
	out := make(inputs, len(b.plan.inputs))
	for name, at := range b.plan.inputs {
		out[name] = bits[at-int(b.plan.first)] != b.plan.inverted[name]
	}
	return out, nil
}

// place says where the arm is, as far as the wired limits can tell.
func (b *Barrier) place(in inputs) driver.Arm {
	up, hasUp := in[limitUp]
	down, hasDown := in[limitDown]
	switch {
	case up && down:
		return driver.ArmUnknown
	case up:
		return driver.ArmUp
	case down:
		return driver.ArmDown
	case hasUp && hasDown:
		return driver.ArmMoving
	}
	return driver.ArmUnknown
}

// guard is the anti-crush reflex.
func (b *Barrier) guard(ctx context.Context, in inputs) error {
	b.mu.Lock()
	b.arm = b.place(in)
	closing := b.env.Now().Before(b.closing)
	if closing && b.place(in) == driver.ArmDown {
		b.closing, closing = time.Time{}, false
	}
	crush := closing && in[string(driver.LoopSafety)]
	if crush {
		b.closing = time.Time{}
	}
	b.mu.Unlock()
	if !crush {
		return nil
	}
	b.env.Log.Warn("safety loop occupied while closing, the arm goes up", "device", b.env.Device)
	if err := b.pulse(ctx, b.plan.openCoil); err != nil {
		b.env.Log.Error("the arm could not be sent up", "device", b.env.Device, "err", err)
		if errors.Is(err, bus.ErrStopped) {
			return err
		}
		b.mu.Lock()
		b.closing = b.env.Now().Add(closingWindow) // the reflex stays armed: unlike a command it may be repeated
		b.mu.Unlock()
	}
	return nil
}

// watch turns readings of the inputs into events.
type watch struct {
	barrier *Barrier
	emit    func(driver.Event)
	base    int64
	count   int
	last    inputs
	arm     driver.Arm
	alive   time.Time
}

func (w *watch) saw(in inputs) {
	now := w.barrier.env.Now()
	for _, name := range inputNames() {
		on, wired := in[name]
		before, known := w.last[name]
		if wired && name != limitUp && name != limitDown && (!known || before != on) {
			w.tell(now, driver.InputChanged{Input: driver.Input(name), On: on})
		}
	}
	_, hasUp := in[limitUp]
	_, hasDown := in[limitDown]
	if arm := w.barrier.place(in); (hasUp || hasDown) && (w.last == nil || arm != w.arm) {
		w.arm = arm
		w.tell(now, driver.ArmMoved{Arm: arm})
	}
	if now.Sub(w.alive) >= time.Second {
		w.alive = now
		w.tell(now, driver.Alive{})
	}
	w.last = in
}

func (w *watch) tell(now time.Time, body driver.Body) {
	w.count++
	w.emit(driver.Event{ID: fmt.Sprintf("%d-%d", w.base, w.count), Received: now, Body: body})
}
