package agent

import (
	"context"
	"sync"
)

// bell wakes everybody who listens; it coalesces and never waits.
type bell struct {
	mu    sync.Mutex
	hears map[chan struct{}]struct{}
}

func newBell() *bell { return &bell{hears: map[chan struct{}]struct{}{}} }

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.hears {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// listen returns a channel that is told until ctx ends.
func (b *bell) listen(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	b.hears[c] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		delete(b.hears, c)
		b.mu.Unlock()
	})
	return c
}
