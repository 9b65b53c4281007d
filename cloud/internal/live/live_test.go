package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/internal/live"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// screens is a hub that keeps what is sent to lots somebody follows.
type screens struct {
	mu       sync.Mutex
	sent     []string
	followed bool
}

func (h *screens) Send(_ string, message any) error {
	text, err := json.Marshal(message)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, string(text))
	return err
}

func (h *screens) Followed(string) bool { return h.followed }

func (h *screens) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sent
	h.sent = nil
	return out
}

type view struct {
	*lottest.World
	live    *live.Service
	screens *screens
	waiting []string // lots whose queue changed
	lanes   chan broker.Message
	cursors chan broker.Message
}

func newView(t *testing.T) *view {
	t.Helper()
	w := lottest.New(t)
	w.Riverside()
	v := &view{World: w, screens: &screens{followed: true}, lanes: make(chan broker.Message), cursors: make(chan broker.Message)}
	var err error
	v.live, err = live.New(live.Options{
		DB: w.DB, Hub: v.screens, Lots: w.Lots, Now: w.Now, Log: w.Log,
		OnWaiting: func(_ context.Context, lot string) { v.waiting = append(v.waiting, lot) },
	})
	lottest.Must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- v.live.Run(ctx, v.lanes, v.cursors) }()
	t.Cleanup(func() {
		cancel()
		lottest.Must(t, <-ended)
	})
	return v
}

// say hands a lane's state over and returns when it was taken.
func (v *view) say(t *testing.T, lot, booth, lane string, state any) {
	t.Helper()
	msg, err := wire.Encode(state)
	lottest.Must(t, err)
	v.lanes <- broker.Message{Topic: wire.Topic{Lot: lot, Booth: booth, Channel: wire.LiveFrom(lane)}.String(), Payload: msg, At: v.Now()}
	v.lanes <- broker.Message{Topic: "nonsense"} // taken when the one before is done
}

func TestTheLastStateOfALane(t *testing.T) {
	v := newView(t)
	since := v.Now()
	v.say(t, "riverside", "booth-b", "exit-1", wire.Live{Lane: "exit-1", Dir: fact.Exit, Arm: "down"})
	v.say(t, "riverside", "booth-b", "exit-1", wire.Live{Lane: "exit-1", Dir: fact.Exit, Arm: "down", Waiting: &since, Due: 100})
	if len(v.waiting) != 1 || v.waiting[0] != "riverside" {
		t.Errorf("the queue changed %v, want once", v.waiting)
	}
	v.say(t, "riverside", "booth-b", "exit-2", wire.Live{Lane: "exit-1"}) // not the topic's lane
	v.say(t, "riverside", "booth-b", "exit-1", "no state")
	if sent := v.screens.take(); len(sent) != 2 {
		t.Errorf("sent %v", sent)
	}
	lanes := v.live.Lanes("riverside")
	if len(lanes) != 1 || lanes[0].Due != 100 || lanes[0].Booth != "booth-b" || !lanes[0].Online || !lanes[0].SeenAt.Equal(v.Now()) {
		t.Errorf("lanes %+v", lanes)
	}
	if w := v.live.Waiting(); len(w) != 1 || w[0].Lane != "exit-1" || w[0].Lot != "riverside" {
		t.Errorf("waiting %+v", w)
	}
	v.live.Presence("riverside", "booth-b", false)
	v.live.Presence("riverside", "booth-b", false) // again changes nothing
	if sent := v.screens.take(); len(sent) != 1 || v.live.Online("riverside", "booth-b") || v.live.Lanes("riverside")[0].Online {
		t.Errorf("a booth that went: %v", sent)
	}
	v.say(t, "riverside", "booth-b", "exit-1", wire.Live{Lane: "exit-1"}) // who speaks is there
	if !v.live.Online("riverside", "booth-b") || len(v.live.Waiting()) != 0 || len(v.waiting) != 2 {
		t.Errorf("a booth that came back, nobody waiting: %v", v.waiting)
	}
}

func TestALotCannotFillTheMemory(t *testing.T) {
	v := newView(t)
	for i := range 250 {
		lane := fmt.Sprintf("lane-%d", i)
		v.say(t, "riverside", "booth-a", lane, wire.Live{Lane: lane})
	}
	if n := len(v.live.Lanes("riverside")); n != 200 {
		t.Errorf("%d lanes are kept, want 200", n)
	}
	v.say(t, "harbour", "booth-h", "entry-1", wire.Live{Lane: "entry-1"})
	if n := len(v.live.Lanes("harbour")); n != 1 {
		t.Errorf("another lot has %d lanes, want 1", n)
	}
}

func TestANewFollowerIsToldHowThingsStand(t *testing.T) {
	v := newView(t)
	v.say(t, "riverside", "booth-a", "entry-1", wire.Live{Lane: "entry-1"})
	v.say(t, "riverside", "booth-b", "exit-1", wire.Live{Lane: "exit-1"})
	var told []map[string]any
	v.live.Present(t.Context(), "riverside", func(m any) {
		text, err := json.Marshal(m)
		lottest.Must(t, err)
		var x map[string]any
		lottest.Must(t, json.Unmarshal(text, &x))
		told = append(told, x)
	})
	if len(told) != 3 || told[0]["type"] != "lane" || told[2]["type"] != "counts" || told[0]["topic"] != "lot:riverside" {
		t.Errorf("told %v", told)
	}
	for who, want := range map[lottest.Who]bool{lottest.Seat: true, lottest.OneLot: false, lottest.Foreign: false} {
		p, err := v.Authenticate(t.Context(), string(who))
		lottest.Must(t, err)
		if got := v.live.Follow(t.Context(), p, "riverside"); got != want {
			t.Errorf("%s may follow: %v", who, got)
		}
	}
}

func TestNobodyWatchesNothingIsMade(t *testing.T) {
	v := newView(t)
	v.screens.followed = false
	msg, err := wire.Encode(wire.Cursor{Cursors: map[fact.Author]fact.Head{"aaaaaaaaaaaaaaaa": {Seq: 9}}})
	lottest.Must(t, err)
	for range 2 {
		v.cursors <- broker.Message{Topic: "lk/1/riverside/booth-a/cursor/down", Payload: msg, At: v.Now()}
	}
	v.cursors <- broker.Message{Topic: "nonsense"}
	if sent := v.screens.take(); len(sent) != 0 {
		t.Errorf("sent %v", sent)
	}
}

func TestLiveOverHTTP(t *testing.T) {
	v := newView(t)
	srv := v.Serve(v.live.Register)
	v.say(t, "riverside", "booth-b", "exit-1", wire.Live{Lane: "exit-1", Due: 100})
	v.Exec(`UPDATE booths SET online = true, seen_at = $1`, v.Now())
	var got struct {
		Capacity int
		Lanes    []struct {
			Lane        string
			Due         int64
			BoothOnline bool       `json:"booth_online"`
			SeenAt      *time.Time `json:"seen_at"`
		}
	}
	if status, code := srv.Do(lottest.Seat, http.MethodGet, "/api/v1/lots/riverside/live", nil, &got); status != 200 {
		t.Fatalf("%d %s", status, code)
	}
	if got.Capacity != 100 || len(got.Lanes) != 2 || got.Lanes[0].SeenAt != nil || !got.Lanes[0].BoothOnline || got.Lanes[1].Due != 100 || got.Lanes[1].SeenAt == nil {
		t.Errorf("got %+v", got)
	}
	for who, want := range map[lottest.Who]int{lottest.Anonymous: 401, lottest.OneLot: 404, lottest.Foreign: 404} {
		if status, _ := srv.Do(who, http.MethodGet, "/api/v1/lots/riverside/live", nil, nil); status != want {
			t.Errorf("as %q: %d, want %d", who, status, want)
		}
	}
}
