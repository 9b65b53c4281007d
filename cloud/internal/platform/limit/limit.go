// Package limit bounds how often somebody may try something, in the memory of this process: a brake on guessing,
// not an accounting. What must be exact is counted in the database.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter is a token bucket per key. It remembers a bounded number of keys and forgets full buckets first.
type Limiter struct {
	every time.Duration
	burst int
	max   int
	now   func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// New allows burst tries at once per key and one more each every. At most maxKeys keys are remembered; when more
// come at once (an attack from many addresses) the unknown ones share one bucket.
func New(every time.Duration, burst, maxKeys int, now func() time.Time) *Limiter {
	if every <= 0 || burst < 1 || maxKeys < 1 || now == nil {
		panic("limit: every, burst, maxKeys and now must be set")
	}
	return &Limiter{every: every, burst: burst, max: maxKeys, now: now, buckets: map[string]*rate.Limiter{}}
}

// Allow takes one try. When it is refused, wait tells how long until the next one is granted.
func (l *Limiter) Allow(key string) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	b, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= l.max {
			l.forget(at)
		}
		if len(l.buckets) >= l.max {
			key = ""
			b = l.buckets[key]
		}
		if b == nil {
			b = rate.NewLimiter(rate.Every(l.every), l.burst)
			l.buckets[key] = b
		}
	}
	r := b.ReserveN(at, 1)
	if wait := r.DelayFrom(at); wait > 0 {
		r.CancelAt(at)
		return false, wait
	}
	return true, 0
}

func (l *Limiter) forget(at time.Time) {
	for key, b := range l.buckets {
		if b.TokensAt(at) >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
}
