package seat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/internal/live"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/seat"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// screens is a hub that keeps what is sent; everything is followed.
type screens struct {
	mu   sync.Mutex
	sent []string
}

func (h *screens) Send(topic string, message any) error {
	text, err := json.Marshal(message)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, topic+" "+string(text))
	return err
}

func (h *screens) Followed(string) bool { return true }

func (h *screens) saw(part string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sent {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

type desk struct {
	*lottest.World
	live    *live.Service
	seats   *seat.Service
	screens *screens
	server  *lottest.Server
	results chan broker.Message
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	w := lottest.New(t)
	w.Riverside()
	d := &desk{World: w, screens: &screens{}, results: make(chan broker.Message)}
	var err error
	d.live, err = live.New(live.Options{DB: w.DB, Hub: d.screens, Lots: w.Lots, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	d.seats, err = seat.New(seat.Options{DB: w.DB, Audit: w.Audit, Lots: w.Lots, Live: d.live, Hub: d.screens, Broker: w.Broker, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	p, err := w.Authenticate(t.Context(), string(lottest.Seat))
	lottest.Must(t, err)
	d.seats.Resolve(p) // somebody of op_a watches
	d.server = w.Serve(d.seats.Register)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- d.seats.Run(ctx, d.results) }()
	t.Cleanup(func() {
		cancel()
		lottest.Must(t, <-ended)
	})
	return d
}

func order() map[string]any {
	return map[string]any{"lot": "riverside", "lane": "exit-1", "action": "open", "reason": "ambulance", "token": wire.Token{Boot: "b", Mono: 1, Car: 1}, "seen": "5"}
}

func (d *desk) give(t *testing.T, key string) string {
	t.Helper()
	var out struct{ Command string }
	if status, code := d.server.Do(lottest.Seat, http.MethodPost, "/api/v1/seat/commands", order(), &out, "Idempotency-Key", key); status != http.StatusAccepted {
		t.Fatalf("give: %d %s", status, code)
	}
	return out.Command
}

func (d *desk) answer(t *testing.T, booth, command, verdict string) {
	t.Helper()
	msg, err := wire.Encode(wire.Result{Command: command, Lane: "exit-1", Verdict: verdict, Text: "t"})
	lottest.Must(t, err)
	topic := wire.Topic{Lot: "riverside", Booth: booth, Channel: wire.ResultFrom}.String()
	d.results <- broker.Message{Topic: topic, Payload: msg, At: d.Now()}
	d.results <- broker.Message{Topic: "nonsense"} // taken when the one before is done
}

func (d *desk) state(t *testing.T, command string) string {
	t.Helper()
	var out struct{ State string }
	if status, code := d.server.Do(lottest.Seat, http.MethodGet, "/api/v1/seat/commands/"+command, nil, &out); status != 200 {
		t.Fatalf("read command: %d %s", status, code)
	}
	return out.State
}

func TestACommandIsSentOnceAndAnswered(t *testing.T) {
	d := newDesk(t)
	command := d.give(t, "key-0001")
	if again := d.give(t, "key-0001"); again != command {
		t.Errorf("the same key made %s and %s", command, again)
	}
	sent := d.Broker.On("booth-b", wire.CommandTo)
	if len(sent) != 1 || sent[0].Retained {
		t.Fatalf("sent %d times", len(sent))
	}
	c, err := wire.Decode[wire.Command](sent[0].Payload)
	if lottest.Must(t, err); c.ID != command || c.By != "seat" || c.TTL != wire.CommandTTL || c.Seen != 5 || c.Token.Car != 1 || c.Reason != "ambulance" {
		t.Errorf("sent %+v", c)
	}
	if s := d.state(t, command); s != "sent" {
		t.Errorf("before the answer: %s", s)
	}
	d.answer(t, "booth-a", command, "done") // not the booth that was asked
	if s := d.state(t, command); s != "sent" {
		t.Errorf("another booth's answer made it %s", s)
	}
	d.answer(t, "booth-b", command, "done")
	if s := d.state(t, command); s != "done" || !d.screens.saw(`"verdict":"done"`) {
		t.Errorf("after the answer: %s", s)
	}
	d.answer(t, "booth-b", command, "refused")
	if s := d.state(t, command); s != "done" {
		t.Errorf("a second answer made it %s", s)
	}
	other := order()
	other["reason"] = "another"
	if status, code := d.server.Do(lottest.Seat, http.MethodPost, "/api/v1/seat/commands", other, nil, "Idempotency-Key", "key-0001"); status != 409 {
		t.Errorf("the key for another order: %d %s", status, code)
	}
	if n := d.Count(`SELECT count(*) FROM audit WHERE action = 'barrier.open' AND subject = 'lane:riverside/exit-1'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

func TestNoAnswerIsNeverSuccess(t *testing.T) {
	d := newDesk(t)
	command := d.give(t, "key-0001")
	d.Pass(wire.CommandTTL + 4*time.Second)
	if s := d.state(t, command); s != "unknown" {
		t.Errorf("after its time: %s", s)
	}
	deadline := time.After(10 * time.Second)
	for !d.screens.saw(`"verdict":"unknown"`) {
		select {
		case <-deadline:
			t.Fatal("the seat was not told that no answer came")
		case d.results <- broker.Message{Topic: "nonsense"}:
		}
	}
	d.answer(t, "booth-b", command, "expired")
	if s := d.state(t, command); s != "expired" {
		t.Errorf("after a late answer: %s", s)
	}
	for _, verdict := range []string{"mismatched", "replayed", "refused", "unknown", "made-up"} {
		c := d.give(t, "key-"+verdict)
		d.answer(t, "booth-b", c, verdict)
		want := verdict
		if verdict == "made-up" {
			want = "unknown"
		}
		if s := d.state(t, c); s != want {
			t.Errorf("answered %s: %s", verdict, s)
		}
	}
}

func TestCommandsThatCannotBeSent(t *testing.T) {
	d := newDesk(t)
	d.Broker.Fail(errors.New("away"))
	command := d.give(t, "key-0001")
	if s := d.state(t, command); s != "unknown" {
		t.Errorf("with the broker away: %s", s)
	}
	d.Broker.Fail(nil)
	d.live.Presence("riverside", "booth-b", false)
	if status, code := d.server.Do(lottest.Seat, http.MethodPost, "/api/v1/seat/commands", order(), nil, "Idempotency-Key", "key-0002"); code != "command.booth_away" {
		t.Errorf("with the booth away: %d %s", status, code)
	}
	d.live.Presence("riverside", "booth-b", true)
	d.give(t, "key-0003")
}

func TestWhoMayCommandWhat(t *testing.T) {
	d := newDesk(t)
	post := func(who lottest.Who, key string, edit func(map[string]any)) (int, string) {
		o := order()
		edit(o)
		return d.server.Do(who, http.MethodPost, "/api/v1/seat/commands", o, nil, "Idempotency-Key", key)
	}
	for who, want := range map[lottest.Who]int{lottest.Anonymous: 401, lottest.OneLot: 404, lottest.Foreign: 404} {
		if status, code := post(who, "key-who-"+string(who), func(map[string]any) {}); status != want {
			t.Errorf("as %q: %d %s, want %d", who, status, code, want)
		}
	}
	for name, edit := range map[string]func(map[string]any){
		"no reason":             func(o map[string]any) { o["reason"] = " " },
		"no token":              func(o map[string]any) { o["token"] = wire.Token{} },
		"unknown action":        func(o map[string]any) { o["action"] = "explode" },
		"no such lane":          func(o map[string]any) { o["lane"] = "exit-9" },
		"bad lane":              func(o map[string]any) { o["lane"] = "../x" },
		"correct without plate": func(o map[string]any) { o["action"] = "correct" },
		"bad colour":            func(o map[string]any) { o["plate"] = map[string]any{"text": "粤B12345", "colour": "pink"} },
		"control character":     func(o map[string]any) { o["reason"] = "a\x00b" },
		"unknown field":         func(o map[string]any) { o["ttl"] = 1000 },
	} {
		if status, code := post(lottest.Seat, "key-"+strings.ReplaceAll(name, " ", "-"), edit); status != 422 && status != 404 {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	if status, _ := d.server.Do(lottest.Seat, http.MethodPost, "/api/v1/seat/commands", order(), nil); status != 422 {
		t.Errorf("without an Idempotency-Key: %d", status)
	}
	if sent := d.Broker.On("booth-b", wire.CommandTo); len(sent) != 0 {
		t.Errorf("%d commands were sent", len(sent))
	}
	correct := func(o map[string]any) {
		o["action"], o["plate"] = "correct", map[string]any{"text": "粤b-99999", "colour": "blue"}
	}
	if status, code := post(lottest.Seat, "key-correct", correct); status != http.StatusAccepted {
		t.Fatalf("correct: %d %s", status, code)
	}
	sent := d.Broker.On("booth-b", wire.CommandTo)
	c, err := wire.Decode[wire.Command](sent[0].Payload)
	if lottest.Must(t, err); c.Plate == nil || c.Plate.Text != "粤B99999" {
		t.Errorf("sent %+v", c.Plate)
	}
	command := d.give(t, "key-last")
	for _, who := range []lottest.Who{lottest.OneLot, lottest.Foreign} {
		if status, _ := d.server.Do(who, http.MethodGet, "/api/v1/seat/commands/"+command, nil, nil); status != 404 {
			t.Errorf("%s reads the command: %d", who, status)
		}
	}
}

func TestALanesModeIsOrdered(t *testing.T) {
	d := newDesk(t)
	for i, tc := range []struct {
		name   string
		mode   any
		action string
		want   int
		sent   wire.ModeOrder
	}{
		{"held open", map[string]any{"mode": "held_open", "seconds": 600, "unpaid": "waive"}, "mode", 202, wire.ModeOrder{Mode: fact.HeldOpen, Seconds: 600, Unpaid: "waive"}},
		{"a convoy", map[string]any{"mode": "convoy", "seconds": 600, "count": 12}, "mode", 202, wire.ModeOrder{Mode: fact.Convoy, Seconds: 600, Count: 12}},
		{"back to normal", map[string]any{"mode": "normal"}, "mode", 202, wire.ModeOrder{}},
		{"for ever", map[string]any{"mode": "locked"}, "mode", 422, wire.ModeOrder{}},
		{"a convoy of nobody", map[string]any{"mode": "convoy", "seconds": 600}, "mode", 422, wire.ModeOrder{}},
		{"unknown", map[string]any{"mode": "dance", "seconds": 600}, "mode", 422, wire.ModeOrder{}},
		{"which?", nil, "mode", 422, wire.ModeOrder{}},
		{"of an order that is another", map[string]any{"mode": "locked", "seconds": 600}, "open", 422, wire.ModeOrder{}},
	} {
		o := order()
		o["action"] = tc.action
		if tc.mode != nil {
			o["mode"] = tc.mode
		}
		before := len(d.Broker.On("booth-b", wire.CommandTo))
		status, code := d.server.Do(lottest.Seat, http.MethodPost, "/api/v1/seat/commands", o, nil, "Idempotency-Key", fmt.Sprint("mode-key-", i))
		sent := d.Broker.On("booth-b", wire.CommandTo)
		if status != tc.want || (len(sent) > before) != (tc.want == 202) {
			t.Errorf("%s: %d %s, %d sent", tc.name, status, code, len(sent)-before)
			continue
		}
		if tc.want == 202 {
			c, err := wire.Decode[wire.Command](sent[len(sent)-1].Payload)
			if lottest.Must(t, err); c.Action != wire.SetMode || c.Mode == nil || *c.Mode != tc.sent {
				t.Errorf("%s: sent %+v with mode %+v", tc.name, c, c.Mode)
			}
		}
	}
	if n := d.Count(`SELECT count(*) FROM audit WHERE action = 'barrier.mode' AND subject = 'lane:riverside/exit-1'`); n != 3 {
		t.Errorf("%d audit rows", n)
	}
}
