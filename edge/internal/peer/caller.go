package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// caller asks one other booth.
type caller struct {
	x           *Exchange
	booth, addr string
	client      *http.Client

	theirs exchange.Cursors // what it last said; nil before
	closed []fact.Author
	config uint64
	down   bool // the last request failed: only a change of that is logged
}

func newCaller(x *Exchange, booth, addr string) *caller {
	t := &http.Transport{
		TLSClientConfig: x.o.Credentials.Dial(booth), TLSHandshakeTimeout: 5 * time.Second,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		ResponseHeaderTimeout: 10 * time.Second, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute,
	}
	return &caller{x: x, booth: booth, addr: addr, client: &http.Client{Transport: t, Timeout: 20 * time.Second}}
}

// run asks on news and every so often, and again at once while that brings something.
func (c *caller) run(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	watch := c.x.o.Memory.Watch(ctx)
	regular := time.NewTicker(c.x.o.Every)
	defer regular.Stop()
	gather := time.NewTimer(0)
	defer gather.Stop()
	gathering := true // the first request is made at once
	for {
		select {
		case <-ctx.Done():
			return
		case <-watch.C:
			watch.Take()
			if !gathering && !c.down { // a booth that is away is asked each second, not for each car
				gathering = true
				gather.Reset(c.x.o.Gather)
			}
			continue
		case <-gather.C:
			gathering = false
		case <-regular.C:
		}
		for ctx.Err() == nil {
			more, err := c.ask(ctx)
			c.report(ctx, err)
			if err != nil || !more {
				break
			}
		}
	}
}

// ask makes one exchange. more says that it moved something and that there is still something to move.
func (c *caller) ask(ctx context.Context) (more bool, err error) {
	theirs, config := c.theirs, c.config
	if theirs == nil { // nothing is known of it: learn its cursors before sending it a whole log
		theirs, config = c.x.o.Memory.Cursors(), ^uint64(0)
	}
	m, err := c.x.compose(theirs, c.closed, config)
	if err != nil {
		return false, err
	}
	sent := c.x.o.Now()
	reply, err := c.post(ctx, m)
	if err != nil {
		return false, err
	}
	fresh, err := c.x.absorb(reply)
	if err != nil {
		return false, err
	}
	learnt := c.theirs == nil
	moved := fresh || learnt || reply.Config > c.config
	for a, head := range reply.Cursors {
		moved = moved || head.Seq > c.theirs[a].Seq
	}
	c.theirs, c.closed, c.config = reply.Cursors, reply.Closed, reply.Config
	now := c.x.o.Now()
	state := State{Reached: now, Offset: reply.At.Sub(sent.Add(now.Sub(sent) / 2))}
	mine := c.x.o.Memory.Cursors()
	for _, n := range mine.Lacks(c.theirs) {
		state.Lacks += n.To - n.After
	}
	c.x.note(c.booth, state)
	behind := len(c.theirs.Lacks(mine)) > 0
	return moved && (state.Lacks > 0 || behind), nil
}

func (c *caller) post(ctx context.Context, m Message) (Message, error) {
	body, err := wire.Encode(m)
	if err != nil {
		return Message{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.addr+path, bytes.NewReader(body))
	if err != nil {
		return Message{}, err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return Message{}, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(io.LimitReader(res.Body, wire.MaxMessage+1))
	if err != nil {
		return Message{}, fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return Message{}, fmt.Errorf("answers %s: %.200s", res.Status, bytes.TrimSpace(answer))
	}
	return decode(answer, c.x.o.Lot, c.booth)
}

func (c *caller) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	log := c.x.o.Log.With("booth", c.booth)
	switch {
	case err != nil:
		c.theirs, c.config = nil, 0 // it may come back with less
		c.x.mu.Lock()
		s := c.x.peers[c.booth]
		s.Error = err.Error()
		c.x.peers[c.booth] = s
		c.x.mu.Unlock()
		if !c.down {
			log.Warn("booth cannot be reached", "err", err)
		}
	case c.down:
		log.Info("booth is reached again")
	}
	c.down = err != nil
}
