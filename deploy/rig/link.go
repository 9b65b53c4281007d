package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Link is a wire between the lot and the cloud: a TCP relay that can be cut.
type Link struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

func newLink(ctx context.Context, host, to string) (*Link, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("open the uplink: %w", err)
	}
	k := &Link{listener: l, to: to, conns: map[net.Conn]struct{}{}}
	k.wg.Go(func() { k.serve(ctx) })
	return k, nil
}

// Address is where the near end connects to.
func (k *Link) Address() string { return k.listener.Addr().String() }

func (k *Link) serve(ctx context.Context) {
	for {
		c, err := k.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			k.wg.Go(func() { k.relay(ctx, c) })
		}
	}
}

func (k *Link) relay(ctx context.Context, near net.Conn) {
	defer k.drop(near)
	if !k.hold(near) {
		return
	}
	far, err := new(net.Dialer).DialContext(ctx, "tcp", k.to)
	if err != nil {
		return
	}
	defer k.drop(far)
	if !k.hold(far) {
		return
	}
	var both sync.WaitGroup
	pump := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either end going away ends the relay
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { pump(near, far) })
	both.Go(func() { pump(far, near) })
	both.Wait()
}

func (k *Link) hold(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.cut {
		k.conns[c] = struct{}{}
	}
	return !k.cut
}

func (k *Link) drop(c net.Conn) {
	_ = c.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
}

// Set cuts or mends the wire. A cut breaks what is connected and refuses what comes.
func (k *Link) Set(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = cut
	if cut {
		for c := range k.conns {
			_ = c.Close()
		}
	}
}

// Close ends the wire.
func (k *Link) Close() {
	_ = k.listener.Close()
	k.Set(true)
	k.wg.Wait()
}
