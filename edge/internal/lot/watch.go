package lot

import (
	"context"
	"slices"
	"sync"

	"lotkeeper/shared/session"
)

// maxKeys bounds what a watch remembers for a reader that is slow.
const maxKeys = 1024

// Changes is what happened since a watch was last read.
type Changes struct {
	Facts  bool          // facts came
	Config bool          // another configuration is in force
	Rights bool          // other rights are in force
	Keys   []session.Key // vehicles whose sessions may have changed, sorted
	All    bool          // there were too many to name: any vehicle's may have changed
}

// Watch tells one reader that the lot changed. It coalesces: however much happens, one value waits in C.
type Watch struct {
	C <-chan struct{}

	wake chan struct{}
	mu   sync.Mutex
	got  Changes
	keys map[session.Key]struct{}
}

// Watch returns a watch that is told of changes until ctx ends. C is not closed then: the reader watches ctx itself.
func (l *Lot) Watch(ctx context.Context) *Watch {
	wake := make(chan struct{}, 1)
	w := &Watch{C: wake, wake: wake, keys: map[session.Key]struct{}{}}
	l.mu.Lock()
	l.watches[w] = struct{}{}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		delete(l.watches, w)
		l.mu.Unlock()
	})
	return w
}

// Take returns what happened since the last Take and begins anew.
func (w *Watch) Take() Changes {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.got
	for k := range w.keys {
		c.Keys = append(c.Keys, k)
	}
	slices.Sort(c.Keys)
	w.got = Changes{}
	clear(w.keys)
	return c
}

func (w *Watch) add(c Changes) {
	w.mu.Lock()
	w.got.Facts = w.got.Facts || c.Facts
	w.got.Config = w.got.Config || c.Config
	w.got.Rights = w.got.Rights || c.Rights
	for _, k := range c.Keys {
		if len(w.keys) == maxKeys {
			w.got.All = true
			clear(w.keys)
		}
		if !w.got.All {
			w.keys[k] = struct{}{}
		}
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// tell wakes everybody. The caller holds the lot's mu.
func (l *Lot) tell(c Changes) {
	for w := range l.watches {
		w.add(c)
	}
}
