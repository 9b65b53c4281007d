package modbusbarrier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goburrow/modbus"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport/bus"
)

const (
	readBackEvery = 100 * time.Millisecond
	readBackFor   = time.Second
)

// Open implements [driver.Opener].
func (b *Barrier) Open(ctx context.Context) (driver.Outcome, error) {
	// A close under way is overruled: the arm is wanted up.
	b.mu.Lock()
	b.closing = time.Time{}
	b.mu.Unlock()
	return b.command(ctx, "open", b.plan.openCoil, driver.ArmDown, driver.ArmUp)
}

// Close implements [driver.Opener].
func (b *Barrier) Close(ctx context.Context) (driver.Outcome, error) {
	if b.plan.closeCoil < 0 {
		return driver.Refused, nil
	}
	in, err := b.read(ctx, bus.Gate)
	if err != nil {
		return b.outcome("close", fmt.Errorf("read the safety loop before closing: %w", err))
	}
	if in[string(driver.LoopSafety)] {
		b.env.Log.Info("not closing: safety loop occupied", "device", b.env.Device)
		return driver.Refused, nil
	}
	// Set before the pulse, so that the poll that runs meanwhile guards already.
	b.mu.Lock()
	b.closing = b.env.Now().Add(closingWindow)
	b.mu.Unlock()
	return b.command(ctx, "close", b.plan.closeCoil, driver.ArmUp, driver.ArmDown)
}

// command pulses a coil to send the arm from one limit to the other. When the answer does not come it looks what
// happened.
func (b *Barrier) command(ctx context.Context, name string, coil int, from, to driver.Arm) (driver.Outcome, error) {
	b.mu.Lock()
	before := b.arm
	b.mu.Unlock()
	err := b.pulse(ctx, coil)
	if !errors.Is(err, bus.ErrNoAnswer) {
		return b.outcome(name, err)
	}
	b.env.Log.Warn("no answer to a barrier command, reading back", "device", b.env.Device, "command", name, "err", err)
	taken := func(arm driver.Arm) bool {
		return arm == to || before == from && arm == driver.ArmMoving
	}
	if b.readBack(ctx, coil, taken) {
		return driver.Done, nil
	}
	return b.outcome(name, err)
}

// outcome maps the bus's errors to the contract's outcomes. A refusal is an answer and no error.
func (b *Barrier) outcome(name string, err error) (driver.Outcome, error) {
	var exception *modbus.ModbusError
	switch {
	case err == nil:
		return driver.Done, nil
	case errors.As(err, &exception) && !errors.Is(err, bus.ErrNoAnswer):
		b.env.Log.Warn("the board refused", "device", b.env.Device, "command", name, "err", err)
		return driver.Refused, nil
	case errors.Is(err, bus.ErrStopped) && !errors.Is(err, bus.ErrNoAnswer):
		return driver.Unknown, driver.ErrOffline
	}
	return driver.Unknown, fmt.Errorf("%s: %w", name, err)
}

// readBack looks for a sign that a pulse was taken: its coil on, or the arm gone where the command wanted it.
func (b *Barrier) readBack(ctx context.Context, coil int, taken func(driver.Arm) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, readBackFor)
	defer cancel()
	tick := time.NewTicker(readBackEvery)
	defer tick.Stop()
	for {
		coils, err := b.bus.Coils(ctx, bus.Gate, b.plan.unit, uint16(coil), 1)
		if err == nil && coils[0] {
			return true
		}
		if errors.Is(err, bus.ErrStopped) {
			return false
		}
		if in, err := b.read(ctx, bus.Gate); err == nil && taken(b.place(in)) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// pulse switches a coil on for the configured time. A barrier acts when a contact closes: a coil still on from the
// pulse before would hide this one, and the other direction's coil would speak against it, so both are switched off
// first.
func (b *Barrier) pulse(ctx context.Context, coil int) error {
	now := b.env.Now()
	b.mu.Lock()
	over, pulses := b.over, b.pulses
	if over == nil {
		b.mu.Unlock()
		return bus.ErrStopped
	}
	var still []int
	for c, until := range b.on {
		if now.Before(until) {
			still = append(still, c)
		}
		delete(b.on, c)
	}
	until := now.Add(b.plan.pulse + b.plan.timeout)
	b.on[coil] = until
	pulses.Add(1)
	b.mu.Unlock()
	err := b.switchOn(ctx, still, coil)
	// Even when the answer did not come the coil may be on: it is switched off in any case.
	if owed := !b.plan.flash && (err == nil || errors.Is(err, bus.ErrNoAnswer)); !owed {
		pulses.Done()
		return err
	}
	go func() {
		defer pulses.Done()
		b.release(over, coil, until)
	}()
	return err
}

func (b *Barrier) switchOn(ctx context.Context, off []int, coil int) error {
	for _, c := range off {
		if err := b.bus.SetCoil(ctx, bus.Gate, b.plan.unit, uint16(c), false); err != nil {
			b.env.Log.Warn("the pulse before could not be ended", "device", b.env.Device, "coil", c, "err", err)
		}
	}
	if b.plan.flash {
		return b.bus.Flash(ctx, bus.Gate, b.plan.unit, uint16(coil), b.plan.pulse)
	}
	return b.bus.SetCoil(ctx, bus.Gate, b.plan.unit, uint16(coil), true)
}

// release ends a pulse of ours: after its time, or at once when Run ends; it tries again until the board has answered
// or the bus is gone. A newer pulse of the coil is not cut short: it has a release of its own.
func (b *Barrier) release(over <-chan struct{}, coil int, until time.Time) {
	t := time.NewTimer(b.plan.pulse)
	defer t.Stop()
	select {
	case <-t.C:
	case <-over:
	}
	for {
		b.mu.Lock()
		newer, on := b.on[coil]
		b.mu.Unlock()
		if on && !newer.Equal(until) {
			return
		}
		// The bus bounds the exchange; the caller's context has no say in it, because the pulse must end.
		err := b.bus.SetCoil(context.Background(), bus.Gate, b.plan.unit, uint16(coil), false)
		switch {
		case err == nil:
			return
		case errors.Is(err, bus.ErrStopped) || !errors.Is(err, bus.ErrNoAnswer):
			b.env.Log.Error("a pulse could not be ended", "device", b.env.Device, "coil", coil, "err", err)
			return
		}
	}
}
