package console

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// The pace of a live page.
const (
	liveGap  = 100 * time.Millisecond // at most so often
	liveIdle = 2 * time.Second        // at least so often
	liveWait = 5 * time.Second        // a browser that takes longer is let go
)

// signedOut closes a live page whose operator's sign-in has ended.
const signedOut = 4401

// live tells a browser the state whenever it changes, for as long as its operator is signed in. It always gets the
// newest whole state, so nothing piles up.
func (c *Console) live(w http.ResponseWriter, r *http.Request, by person) {
	c.open.Add(1)
	defer c.open.Done()
	up := websocket.Upgrader{CheckOrigin: sameOrigin, HandshakeTimeout: liveWait}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	read := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		cancel()
		_ = conn.Close()
		<-read
		stop()
	}()
	conn.SetReadLimit(1 << 10)
	go func() { // notices that the browser went away, and answers its pings
		defer close(read)
		defer cancel()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	changed := c.booth.Changed(ctx)
	idle := time.NewTicker(liveIdle)
	defer idle.Stop()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for {
		select { // first the pause …
		case <-ctx.Done():
			return
		case <-gap.C:
		}
		if _, in := c.door.who(by.token); !in {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(signedOut, "signed out"), c.o.Now().Add(liveWait)) // the browser may be gone
			return
		}
		if conn.SetWriteDeadline(c.o.Now().Add(liveWait)) != nil || conn.WriteJSON(map[string]any{"type": "state", "data": c.booth.State()}) != nil {
			return
		}
		select { // … then the next change
		case <-ctx.Done():
			return
		case <-changed:
		case <-idle.C:
		}
		gap.Reset(liveGap)
	}
}
