package fact

import (
	"fmt"
	"strconv"
	"time"
)

// HLC is a hybrid logical clock: 48 bits of Unix milliseconds above 16 bits of counter. It grows along every chain of
// cause and effect, and stays near the wall clock. Its text form is 16 hexadecimal digits, so text sorts as time does.
type HLC uint64

// MaxLead is how far a received clock may run ahead of ours before it is no longer followed. A peer whose clock is
// wrong by more than that is heard, but does not drag everybody's clock along.
const MaxLead = 5 * time.Minute

// Tick returns the clock of the next event at now, after an event with clock h.
func (h HLC) Tick(now time.Time) HLC {
	wall := HLC(max(now.UnixMilli(), 0)) << 16
	if wall > h {
		return wall
	}
	return h + 1
}

// Observe returns h moved past seen, unless seen runs more than [MaxLead] ahead of now.
func (h HLC) Observe(seen HLC, now time.Time) HLC {
	if seen > h && seen.Time().Sub(now) <= MaxLead {
		return seen
	}
	return h
}

// Time returns the millisecond in h.
func (h HLC) Time() time.Time { return time.UnixMilli(int64(h >> 16)).UTC() }

// MarshalText writes 16 hexadecimal digits.
func (h HLC) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(h)), nil }

// UnmarshalText reads 16 hexadecimal digits.
func (h *HLC) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 16, 64)
	if err != nil || len(b) != 16 {
		return fmt.Errorf("hlc %.20q is not 16 hexadecimal digits", b)
	}
	*h = HLC(v)
	return nil
}
