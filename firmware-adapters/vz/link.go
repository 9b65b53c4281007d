package vz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/transport"
)

// current is the link of the Run under way, nil outside one.
type current struct {
	mu   sync.Mutex
	link *link
}

func (c *current) set(l *link) {
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
}

func (c *current) get() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// link sends: one goroutine writes what a bounded queue holds, and a heartbeat when its time has come.
type link struct {
	conn  transport.Conn
	queue chan []byte
	done  chan struct{}

	mu      sync.Mutex
	count   int
	pending []*call // commands waiting for an answer, oldest first
}

type call struct {
	cmd, id string
	answer  chan message
}

func newLink(conn transport.Conn) *link {
	return &link{conn: conn, queue: make(chan []byte, 64), done: make(chan struct{})}
}

func (l *link) write(ctx context.Context) error {
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for {
		frame := AppendPacket(nil, Packet{Type: TypeHeartbeat})
		select {
		case <-ctx.Done():
			return nil
		case frame = <-l.queue:
		case <-beat.C:
		}
		if _, err := l.conn.Write(frame); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// send queues a JSON packet.
func (l *link) send(ctx context.Context, m map[string]any) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %v: %w", m["cmd"], err)
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().Bytes(text)
	if err != nil {
		return fmt.Errorf("encode %v: %w", m["cmd"], err)
	}
	select {
	case l.queue <- AppendPacket(nil, Packet{Type: TypeJSON, Body: gbk}):
		return nil
	case <-l.done:
		return driver.ErrOffline
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end tells commands under way that no answer will come.
func (l *link) end() { close(l.done) }

// answered gives an answer to the command it belongs to: by its id, or, from cameras that do not echo it, to the oldest
// command of that name.
func (l *link) answered(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := m.idText()
	for i, c := range l.pending {
		if c.cmd == m.Cmd && (id == "" || id == c.id) {
			l.pending = append(l.pending[:i], l.pending[i+1:]...)
			c.answer <- m
			return
		}
	}
}

func (l *link) begin(cmd string) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	c := &call{cmd: cmd, id: strconv.Itoa(l.count), answer: make(chan message, 1)}
	l.pending = append(l.pending, c)
	return c
}

func (l *link) forget(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range l.pending {
		if p == c {
			l.pending = append(l.pending[:i], l.pending[i+1:]...)
			return
		}
	}
}

var errNoAnswer = errors.New("the camera did not answer")

// Trigger implements [driver.Triggerer]: the read comes as an event with trigger "soft".
func (c *Camera) Trigger(ctx context.Context) (driver.Outcome, error) {
	l := c.current.get()
	if l == nil {
		return driver.Unknown, driver.ErrOffline
	}
	command := l.begin("trigger")
	defer l.forget(command)
	if err := l.send(ctx, map[string]any{"cmd": command.cmd, "id": command.id}); err != nil {
		return driver.Unknown, err
	}
	t := time.NewTimer(triggerTimeout)
	defer t.Stop()
	select {
	case m := <-command.answer:
		if m.State != nil && *m.State != 200 {
			c.env.Log.Warn("camera refused to trigger", "device", c.env.Device, "state", *m.State, "text", m.ErrorText)
			return driver.Refused, nil
		}
		return driver.Done, nil
	case <-l.done:
		return driver.Unknown, fmt.Errorf("%w: the link broke", errNoAnswer)
	case <-ctx.Done():
		return driver.Unknown, ctx.Err()
	case <-t.C:
		return driver.Unknown, fmt.Errorf("%w within %v", errNoAnswer, triggerTimeout)
	}
}
