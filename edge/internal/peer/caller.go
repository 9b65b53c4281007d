package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"lotkeeper/shared/wire"
)

// caller asks one other booth.
type caller struct {
	x           *Exchange
	booth, addr string
	client      *http.Client
	down        bool // the last request failed: only a change of that is logged
}

func newCaller(x *Exchange, booth, addr string) *caller {
	t := &http.Transport{
		TLSClientConfig: x.o.Credentials.Dial(booth), TLSHandshakeTimeout: 5 * time.Second,
		DialContext:           x.o.Dial,
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
			if !c.news() {
				continue
			}
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

// news reports whether we hold something that the other, as far as we know, does not. What came from it is none.
func (c *caller) news() bool {
	said, ok := c.x.word(c.booth)
	if !ok {
		return true
	}
	conf, _ := c.x.o.Memory.Config()
	rights, _ := c.x.o.Memory.RightsState()
	return conf.Number > said.config || rights > said.rights || len(c.x.o.Memory.Cursors().Lacks(said.cursors)) > 0
}

// ask makes one exchange. more says that it moved something and that there is still something to move.
func (c *caller) ask(ctx context.Context) (more bool, err error) {
	said, known := c.x.word(c.booth)
	if !known { // learn its cursors before sending it a whole log
		said = word{cursors: c.x.o.Memory.Cursors(), config: math.MaxUint64, rights: math.MaxUint64}
	}
	m, err := c.x.compose(said)
	if err != nil {
		return false, err
	}
	sent := c.x.o.Now()
	reply, err := c.post(ctx, m)
	if err != nil {
		return false, err
	}
	now := c.x.o.Now()
	c.x.o.Clock(c.booth, reply.At, sent, now)
	moved, err := c.x.absorb(reply)
	if err != nil {
		return false, err
	}
	moved = moved || !known || reply.Config > said.config || reply.Rights > said.rights || reply.RightsWant != said.wants
	for a, head := range reply.Cursors {
		moved = moved || head.Seq > said.cursors[a].Seq
	}
	c.x.note(c.booth, State{Reached: now, Offset: reply.At.Sub(sent.Add(now.Sub(sent) / 2))})
	mine := c.x.o.Memory.Cursors()
	rights, _ := c.x.o.Memory.RightsState()
	ahead := len(mine.Lacks(reply.Cursors)) > 0 || rights > reply.Rights
	behind := len(reply.Cursors.Lacks(mine)) > 0 || reply.Config < m.Config || rights < reply.Rights
	return moved && (ahead || behind), nil
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
	defer res.Body.Close() // read to its end
	answer, err := io.ReadAll(io.LimitReader(res.Body, wire.MaxMessage+1))
	if err != nil {
		return Message{}, fmt.Errorf("read answer: %w", err)
	}
	if !c.x.present(c.booth, res.TLS) {
		return Message{}, errors.New("it is a box whose place another one took: switch it off")
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
		c.x.mu.Lock()
		delete(c.x.said, c.booth) // it may come back with less
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
