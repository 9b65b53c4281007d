package fangkong

import (
	"context"
	"fmt"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
)

// wire is the open line: read puts what the board says on frames.
type wire struct {
	conn   transport.Conn
	frames chan Frame
}

// longestHalf is how many bytes may wait for the rest of a frame: one frame.
const longestHalf = headBytes + MaxData + crcBytes

func (w *wire) read(ctx context.Context) error {
	var have []byte
	buf := make([]byte, 512)
	for {
		n, err := w.conn.Read(buf)
		if err != nil {
			return err
		}
		have = append(have, buf[:n]...)
		for {
			f, used, ok := Scan(have)
			have = have[used:]
			if !ok {
				break
			}
			select {
			case w.frames <- f:
			case <-ctx.Done():
				return ctx.Err()
			default: // nobody waits for it: the board says more than it was asked
			}
		}
		if len(have) > longestHalf {
			have = have[len(have)-longestHalf:]
		}
	}
}

// silenceError says that a frame was not answered.
type silenceError struct {
	command byte
	after   time.Duration
}

func (e *silenceError) Error() string {
	return fmt.Sprintf("no answer to command %02X within %v", e.command, e.after)
}

// send writes a frame and waits for its answer; without answers configured it is 0 when written.
func (d *Display) send(ctx context.Context, w *wire, f Frame) (code byte, err error) {
	for len(w.frames) > 0 { // late answers are not this one's
		<-w.frames
	}
	b, err := f.Append(nil)
	if err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(b); err != nil {
		return 0, err
	}
	if !on(d.set.Answers) {
		return 0, nil
	}
	timeout := d.set.Timeout.Or(500 * time.Millisecond)
	t := time.NewTimer(timeout)
	defer t.Stop()
	for {
		select {
		case got := <-w.frames:
			if got.Address == f.Address && got.Command == f.Command && len(got.Data) > 0 {
				return got.Data[0], nil
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-t.C:
			return 0, &silenceError{f.Command, timeout}
		}
	}
}

// do sends the frames of a job and answers it. It returns the error that counts for the link.
func (d *Display) do(ctx context.Context, w *wire, j *job) error {
	if err := j.ctx.Err(); err != nil {
		j.answer <- result{driver.Unknown, fmt.Errorf("not sent: %w", err)}
		return nil
	}
	outcome := driver.Done
	for _, f := range j.frames {
		code, err := d.send(ctx, w, f)
		if err != nil {
			j.answer <- result{driver.Unknown, err}
			return err
		}
		if code != 0 {
			d.env.Log.Warn("display refused", "device", d.env.Device, "command", f.Command, "code", code)
			outcome = driver.Refused
		}
	}
	j.answer <- result{outcome, nil}
	return nil
}
