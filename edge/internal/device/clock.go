package device

import (
	"slices"
	"time"
)

// Clock is what a lane has learnt about a device's clock. It is a value without I/O.
//
// A sample is the booth's receipt time minus the device's stamp of a read for which a vehicle was standing at the lane:
// only then is it sure that the device spoke of now. The first sample is believed. A later one that disagrees by more
// than [ClockJump] is believed only when a sample of another vehicle agrees with it: so a single stale read that
// happened to come while somebody stood there cannot turn the clock.
type Clock struct {
	samples []time.Duration // the last agreeing ones
	doubt   time.Duration   // a disagreeing sample …
	doubtOf uint64          // … and the vehicle it came with; 0: none
}

// What is taken for the same clock, and how many samples are kept.
const (
	ClockJump    = 5 * time.Second
	clockSamples = 7
)

// Learn returns the clock after a sample that came with a vehicle (its number at the lane, not 0).
func (c Clock) Learn(stamp, received time.Time, car uint64) Clock {
	sample := received.Sub(stamp)
	if off, ok := c.Offset(); ok && (sample-off).Abs() > ClockJump {
		agrees := c.doubtOf != 0 && c.doubtOf != car && (sample-c.doubt).Abs() <= ClockJump
		if !agrees {
			c.doubt, c.doubtOf = sample, car
			return c
		}
		c.samples = nil
	}
	c.doubtOf = 0
	c.samples = append(slices.Clone(c.samples), sample)
	if n := len(c.samples) - clockSamples; n > 0 {
		c.samples = c.samples[n:]
	}
	return c
}

// Offset is what to add to the device's stamps to get the booth's time; ok is false before anything was learnt. It is
// the middle sample, so one slow delivery does not move it.
func (c Clock) Offset() (off time.Duration, ok bool) {
	if len(c.samples) == 0 {
		return 0, false
	}
	s := slices.Sorted(slices.Values(c.samples))
	return s[len(s)/2], true
}

// Shift returns the clock after the booth's own was set by so much.
func (c Clock) Shift(by time.Duration) Clock {
	c.samples = slices.Clone(c.samples)
	for i := range c.samples {
		c.samples[i] += by
	}
	c.doubt += by
	return c
}

// Error is half of what the samples differ by, and at least half a second: stamps are often whole seconds.
func (c Clock) Error() time.Duration {
	if len(c.samples) == 0 {
		return 0
	}
	return max((slices.Max(c.samples)-slices.Min(c.samples))/2, 500*time.Millisecond)
}

// Age is how old a read was when it came; ok is false when nobody can say.
func (c Clock) Age(stamp, received time.Time) (age time.Duration, ok bool) {
	off, known := c.Offset()
	if !known || stamp.IsZero() {
		return 0, false
	}
	return received.Sub(stamp) - off, true
}
