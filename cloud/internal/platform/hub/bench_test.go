package hub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lotkeeper/cloud/internal/platform/hub"
	"lotkeeper/scripts/bench/measure"
)

const viewers = 2000

// bare is a fan-out with nothing in it: a writer for each connection behind a channel, one frame made for all.
type bare struct {
	mu    sync.Mutex
	conns []chan *websocket.PreparedMessage
}

func (s *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close() // it is over
	queue, gone := make(chan *websocket.PreparedMessage, 64), make(chan struct{})
	s.mu.Lock()
	s.conns = append(s.conns, queue)
	s.mu.Unlock()
	go func() {
		defer close(gone)
		_, _, _ = ws.ReadMessage()
	}()
	for {
		select {
		case m := <-queue:
			if ws.WritePreparedMessage(m) != nil {
				<-gone
				return
			}
		case <-gone:
			return
		}
	}
}

func (s *bare) send(b *testing.B, text []byte) {
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		b.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c <- m
	}
}

// crowd is the viewers of one server.
type crowd struct{ arrived chan time.Time }

func gather(b *testing.B, url, hello string) *crowd {
	b.Helper()
	c := &crowd{make(chan time.Time, viewers)}
	for range viewers {
		ws := dial(b, url)
		if hello != "" {
			say(b, ws, hello)
			read(b, ws)
		}
		if err := ws.SetReadDeadline(time.Time{}); err != nil {
			b.Fatal(err)
		}
		go func() {
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
				c.arrived <- time.Now()
			}
		}()
	}
	return c
}

// tell broadcasts some messages, each when the one before has reached all, and returns messages per second and how long
// each took to each viewer, in microseconds.
func (c *crowd) tell(send func()) (rate float64, took []float64) {
	const messages = 15
	began := time.Now()
	for range messages {
		at := time.Now()
		send()
		for range viewers {
			took = append(took, float64((<-c.arrived).Sub(at).Nanoseconds())/1e3)
		}
	}
	return messages * viewers / time.Since(began).Seconds(), took
}

// BenchmarkP12FanOut: one event to 2,000 browsers, beside gorilla with nothing around it. Readers and writers share the
// machine.
func BenchmarkP12FanOut(b *testing.B) {
	event := map[string]string{"lane": "entry-1", "state": "open", "text": strings.Repeat("x", 150)}
	h, url := serve(b, func(*hub.Config) {})
	ours := gather(b, url, `{"subscribe":["lot/1"]}`)
	s := &bare{}
	front := httptest.NewServer(s)
	b.Cleanup(front.Close)
	floor := gather(b, "ws"+strings.TrimPrefix(front.URL, "http"), "")
	text := []byte(`{"topic":"lot/1","data":{"lane":"entry-1","state":"open","text":"` + strings.Repeat("x", 150) + `"}}`)
	publish := func() {
		if err := h.Publish("lot/1", event); err != nil {
			b.Fatal(err)
		}
	}
	var floorTook, took [][]float64
	measure.Compare(b, "P12", "websocket fan-out, 2,000 viewers", "messages/s", measure.Goal{Least: 0.7},
		func() float64 {
			rate, t := floor.tell(func() { s.send(b, text) })
			floorTook = append(floorTook, t)
			return rate
		},
		func() float64 {
			rate, t := ours.tell(publish)
			took = append(took, t)
			return rate
		})
	measure.Paired(b, "P12", "websocket fan-out, 2,000 viewers, p99", "µs", measure.Goal{Most: 1.5}, 0.99, floorTook, took)
	if n := h.Stats().Dropped; n > 0 {
		b.Errorf("%d viewers were dropped as slow", n)
	}
}
