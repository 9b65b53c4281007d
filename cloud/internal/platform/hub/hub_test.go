package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"lotkeeper/cloud/internal/platform/hub"
	"lotkeeper/cloud/internal/platform/scope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t testing.TB, change func(*hub.Config)) (*hub.Hub, string) {
	t.Helper()
	cfg := hub.Config{
		Logger:    slog.New(slog.DiscardHandler),
		Authorize: func(_ context.Context, _ scope.Principal, topic string) bool { return strings.HasPrefix(topic, "lot/") },
		Principal: func(r *http.Request) scope.Principal {
			return scope.NewPrincipal(scope.Claims{User: "u", Operator: "o", Session: r.URL.Query().Get("session")})
		},
	}
	if change != nil {
		change(&cfg)
	}
	h, err := hub.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() { h.Close(); s.Close() })
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

func dial(t testing.TB, url string) *websocket.Conn {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return ws
}

func read(t testing.TB, ws *websocket.Conn) map[string]any {
	t.Helper()
	_, text, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func say(t testing.TB, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func closeCode(t testing.TB, ws *websocket.Conn) int {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if err == nil {
			continue
		}
		var c *websocket.CloseError
		if !errors.As(err, &c) {
			t.Fatalf("ended without a close code: %v", err)
		}
		return c.Code
	}
}

func TestTopicsAndAuthorisation(t *testing.T) {
	h, url := serve(t, nil)
	a, b := dial(t, url), dial(t, url)
	say(t, a, `{"subscribe":["lot/1","secret/1"]}`)
	if got := fmt.Sprint(read(t, a)); got != "map[refused:[secret/1] subscribed:[lot/1]]" {
		t.Errorf("answer = %s", got)
	}
	say(t, b, `{"subscribe":["lot/2"]}`)
	read(t, b)
	for _, topic := range []string{"secret/1", "lot/2", "lot/1"} {
		if err := h.Publish(topic, map[string]int{"n": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if m := read(t, a); m["topic"] != "lot/1" {
		t.Errorf("a got %v", m)
	}
	if m := read(t, b); m["topic"] != "lot/2" {
		t.Errorf("b got %v", m)
	}
	say(t, a, `{"unsubscribe":["lot/1"],"subscribe":["lot/3"]}`)
	read(t, a)
	for _, topic := range []string{"lot/1", "lot/3"} {
		if err := h.Publish(topic, 1); err != nil {
			t.Fatal(err)
		}
	}
	if m := read(t, a); m["topic"] != "lot/3" {
		t.Errorf("after unsubscribing a got %v", m)
	}
	if err := h.Publish("lot/3", func() {}); err == nil {
		t.Error("published what JSON cannot hold")
	}
}

func TestSlowReaderIsDroppedAndOthersGoOn(t *testing.T) {
	h, url := serve(t, func(c *hub.Config) { c.Queue = 4 })
	slow, fast := dial(t, url), dial(t, url)
	for _, ws := range []*websocket.Conn{slow, fast} {
		say(t, ws, `{"subscribe":["lot/1"]}`)
		read(t, ws)
	}
	big := strings.Repeat("x", 1<<20) // fills the socket's buffers, then the queue
	for i := 0; h.Stats().Dropped == 0; i++ {
		if i > 200 {
			t.Fatal("the slow reader was never dropped")
		}
		if err := h.Publish("lot/1", big); err != nil {
			t.Fatal(err)
		}
		if m := read(t, fast); m["topic"] != "lot/1" {
			t.Fatalf("fast got %v", m["topic"])
		}
	}
	if err := h.Publish("lot/1", "after"); err != nil {
		t.Fatal(err)
	}
	if m := read(t, fast); m["data"] != "after" {
		t.Errorf("fast got %v", m["data"])
	}
}

func TestRevokeEndsOnlyThatSignIn(t *testing.T) {
	h, url := serve(t, nil)
	gone, stays := dial(t, url+"?session=s1"), dial(t, url+"?session=s2")
	for _, ws := range []*websocket.Conn{gone, stays} {
		say(t, ws, `{"subscribe":["lot/1"]}`)
		read(t, ws)
	}
	h.Revoke("s1")
	if code := closeCode(t, gone); code != websocket.ClosePolicyViolation {
		t.Errorf("close code %d", code)
	}
	if err := h.Publish("lot/1", 1); err != nil {
		t.Fatal(err)
	}
	read(t, stays)
}

func TestRecheckAtPingEndsASignInEndedElsewhere(t *testing.T) {
	_, url := serve(t, func(c *hub.Config) {
		c.Ping = 20 * time.Millisecond
		c.Recheck = func(context.Context, scope.Principal) error { return errors.New("ended") }
	})
	if code := closeCode(t, dial(t, url)); code != websocket.ClosePolicyViolation {
		t.Errorf("close code %d", code)
	}
}

func TestBadInputAndLimits(t *testing.T) {
	_, url := serve(t, func(c *hub.Config) { c.MaxTopics = 2; c.MaxConns = 3 })
	ws := dial(t, url)
	say(t, ws, `{"subscribe":["lot/1","lot/2","lot/3","","lot/`+strings.Repeat("x", 300)+`"]}`)
	if got := read(t, ws); len(got["subscribed"].([]any)) != 2 || len(got["refused"].([]any)) != 3 {
		t.Errorf("answer = %v", got)
	}
	bad := dial(t, url)
	say(t, bad, "not json")
	if code := closeCode(t, bad); code != websocket.CloseUnsupportedData {
		t.Errorf("close code %d", code)
	}
	huge := dial(t, url)
	say(t, huge, `{"subscribe":["`+strings.Repeat("x", 20_000)+`"]}`)
	if code := closeCode(t, huge); code != websocket.CloseMessageTooBig {
		t.Errorf("close code %d", code)
	}
	header := http.Header{"Origin": {"https://evil.example"}}
	if _, resp, err := websocket.DefaultDialer.Dial(url, header); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("foreign origin: %v", err)
	}
}

func BenchmarkFanOut(b *testing.B) {
	for _, viewers := range []int{100, 1000} {
		b.Run(fmt.Sprint(viewers), func(b *testing.B) {
			h, url := serve(b, func(c *hub.Config) { c.Queue = 1024 })
			arrived := make(chan struct{}, viewers)
			for range viewers {
				ws := dial(b, url)
				say(b, ws, `{"subscribe":["lot/1"]}`)
				read(b, ws)
				if err := ws.SetReadDeadline(time.Time{}); err != nil {
					b.Fatal(err)
				}
				go func() {
					for {
						if _, _, err := ws.ReadMessage(); err != nil {
							return
						}
						arrived <- struct{}{}
					}
				}()
			}
			event := map[string]string{"lane": "in", "state": "open"}
			b.ResetTimer()
			for b.Loop() {
				if err := h.Publish("lot/1", event); err != nil {
					b.Fatal(err)
				}
				for range viewers {
					<-arrived
				}
			}
			b.ReportMetric(float64(viewers*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
