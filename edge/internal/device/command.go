package device

import (
	"context"
	"errors"
	"fmt"

	"lotkeeper/firmware-adapters/driver"
)

// Open raises the barrier. The outcome is Unknown with the cause when no answer came within [CommandTimeout].
func (d *Device) Open(ctx context.Context) (driver.Outcome, error) {
	o, ok := d.dev.(driver.Opener)
	if !ok {
		return driver.Refused, fmt.Errorf("open %s: %w", d.id, ErrIncapable)
	}
	return d.command(ctx, "open", o.Open)
}

// Close lowers the barrier.
func (d *Device) Close(ctx context.Context) (driver.Outcome, error) {
	o, ok := d.dev.(driver.Opener)
	if !ok {
		return driver.Refused, fmt.Errorf("close %s: %w", d.id, ErrIncapable)
	}
	return d.command(ctx, "close", o.Close)
}

// Show shows a message on the display.
func (d *Device) Show(ctx context.Context, m driver.Message) (driver.Outcome, error) {
	s, ok := d.dev.(driver.Shower)
	if !ok {
		return driver.Refused, fmt.Errorf("show on %s: %w", d.id, ErrIncapable)
	}
	return d.command(ctx, "show on", func(ctx context.Context) (driver.Outcome, error) { return s.Show(ctx, m) })
}

// Trigger makes the camera take a read now.
func (d *Device) Trigger(ctx context.Context) (driver.Outcome, error) {
	t, ok := d.dev.(driver.Triggerer)
	if !ok {
		return driver.Refused, fmt.Errorf("trigger %s: %w", d.id, ErrIncapable)
	}
	return d.command(ctx, "trigger", t.Trigger)
}

func (d *Device) command(ctx context.Context, verb string, f func(context.Context) (driver.Outcome, error)) (driver.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	out, err := f(ctx)
	if err != nil {
		if out == "" {
			out = driver.Unknown
		}
		if errors.Is(err, driver.ErrOffline) {
			out = driver.Refused // it was never sent
		}
		return out, fmt.Errorf("%s %s: %w", verb, d.id, err)
	}
	return out, nil
}
