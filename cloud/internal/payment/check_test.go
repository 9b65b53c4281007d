package payment

import (
	"testing"
	"time"
)

func TestWhenAnOrderIsAskedFor(t *testing.T) {
	made := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	expires := made.Add(orderFor)
	var asked []time.Duration
	now := made
	for checks := 0; now.Before(expires); checks++ {
		next := nextCheck(now, made, expires, checks)
		if !next.After(now) {
			t.Fatalf("check %d at %s is followed by one at %s", checks, now.Sub(made), next.Sub(made))
		}
		asked = append(asked, next.Sub(made))
		now = next
	}
	want := []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 7 * time.Minute, orderFor}
	if len(asked) != len(want) {
		t.Fatalf("asked at %v, want %v", asked, want)
	}
	for i := range want {
		if asked[i] != want[i] {
			t.Fatalf("asked at %v, want %v", asked, want)
		}
	}
	// Once it has expired and cannot be closed, at growing distances and for ever.
	last := time.Duration(0)
	for checks := len(checkAfter); checks < 1000; checks++ {
		d := nextCheck(expires, made, expires, checks).Sub(expires)
		if d < last || d < 5*time.Second || d > 5*time.Minute {
			t.Fatalf("check %d: wait %s after %s", checks, d, last)
		}
		last = d
	}
	// A replica that was away asks at once what is next, not what it missed.
	if got := nextCheck(made.Add(5*time.Minute), made, expires, 1).Sub(made); got != 7*time.Minute {
		t.Errorf("after 5 minutes without checks the next is at %s, want 7m", got)
	}
	// And one that is behind by count only does not ask twice for the same moment.
	if got := nextCheck(made.Add(3*time.Second), made, made.Add(5*time.Second), 1).Sub(made); got != 5*time.Second {
		t.Errorf("an order of 5 seconds is next asked for at %s, want when it expires", got)
	}
}
