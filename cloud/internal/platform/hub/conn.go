package hub

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"lotkeeper/cloud/internal/platform/scope"
)

const (
	writeWait  = 10 * time.Second
	readLimit  = 16 * 1024
	topicLimit = 200
)

// conn is one websocket. serve reads; one other goroutine writes.
type conn struct {
	hub       *Hub
	ws        *websocket.Conn
	principal scope.Principal
	queue     chan *websocket.PreparedMessage
	topics    map[string]struct{} // guarded by hub.mu

	once sync.Once
	gone chan struct{}
	code int
	why  string
}

// end starts closing, once; it tells whether this call was the one.
func (c *conn) end(code int, why string) (first bool) {
	c.once.Do(func() {
		c.code, c.why, first = code, why, true
		close(c.gone)
	})
	return first
}

func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(ctx)
	}()
	c.read(ctx)
	c.end(websocket.CloseNormalClosure, "")
	c.hub.remove(c)
	cancel()
	<-written
}

type request struct {
	Subscribe   []string `json:"subscribe"`
	Unsubscribe []string `json:"unsubscribe"`
}

type answer struct {
	Subscribed []string `json:"subscribed,omitempty"`
	Refused    []string `json:"refused,omitempty"`
}

func (c *conn) read(ctx context.Context) {
	c.ws.SetReadLimit(readLimit)
	silence := c.hub.cfg.Ping + max(c.hub.cfg.Ping/9, time.Second)        // a pong is on its way for a while, however often we ping
	alive := func() { _ = c.ws.SetReadDeadline(time.Now().Add(silence)) } // fails when closed; the read tells
	alive()
	c.ws.SetPongHandler(func(string) error { alive(); return nil })
	for {
		_, text, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(text, &r); err != nil {
			c.end(websocket.CloseUnsupportedData, "not the JSON we speak")
			return
		}
		for _, topic := range r.Unsubscribe {
			c.hub.unsubscribe(c, c.hub.name(c, topic))
		}
		if len(r.Subscribe) == 0 {
			continue
		}
		var a answer
		for _, topic := range r.Subscribe {
			if topic != "" && len(topic) <= topicLimit && c.hub.cfg.Authorize(ctx, c.principal, topic) && c.hub.subscribe(c, c.hub.name(c, topic)) {
				a.Subscribed = append(a.Subscribed, topic)
			} else {
				a.Refused = append(a.Refused, topic)
			}
		}
		if !c.answer(a) {
			return
		}
		if c.hub.cfg.Present != nil {
			for _, topic := range a.Subscribed {
				c.hub.cfg.Present(ctx, c.principal, topic, c.tell)
			}
		}
	}
}

// tell queues a message if there is room; without room the connection is too slow already.
func (c *conn) tell(payload any) {
	text, err := json.Marshal(payload)
	if err != nil {
		c.end(websocket.CloseInternalServerErr, "")
		return
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		c.end(websocket.CloseInternalServerErr, "")
		return
	}
	select {
	case c.queue <- message:
	default:
		c.end(websocket.CloseTryAgainLater, "too slow")
	}
}

// answer queues a reply behind what is queued.
func (c *conn) answer(a answer) bool {
	text, err := json.Marshal(a)
	if err != nil {
		return false // strings encode
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		return false
	}
	select {
	case c.queue <- message:
		return true
	case <-c.gone:
		return false
	case <-time.After(writeWait):
		c.end(websocket.CloseTryAgainLater, "too slow")
		return false
	}
}

func (c *conn) write(ctx context.Context) {
	ping := time.NewTicker(c.hub.cfg.Ping)
	defer ping.Stop()
	defer func() { _ = c.ws.Close() }() // ends read too
	for {
		select {
		case message := <-c.queue:
			_ = c.ws.SetWriteDeadline(time.Now().Add(writeWait)) // the write tells
			if c.ws.WritePreparedMessage(message) != nil {
				return
			}
		case <-ping.C:
			if c.hub.cfg.Recheck != nil {
				if err := c.hub.cfg.Recheck(ctx, c.principal); err != nil {
					c.end(websocket.ClosePolicyViolation, "signed out")
					continue
				}
			}
			if c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		case <-c.gone:
			text := websocket.FormatCloseMessage(c.code, c.why)
			_ = c.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(time.Second)) // it may be gone already
			return
		}
	}
}
