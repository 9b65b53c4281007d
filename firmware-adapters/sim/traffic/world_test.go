package traffic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/all"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/sim/traffic"
	"lotkeeper/shared/plate"
)

// agent is the simplest agent that can run a lane: it opens for whoever the rule lets through and closes behind it.
type agent struct {
	lane    string
	barrier driver.Opener
	display driver.Shower
	rule    func(lane string, p plate.Plate) bool
	events  chan driver.Event
	kick    chan struct{}

	held   *plate.Plate
	arrive bool
}

func (a *agent) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.kick:
		case e := <-a.events:
			switch b := e.Body.(type) {
			case driver.PlateRead:
				if !e.Late {
					a.held = &b.Plate
				}
			case driver.InputChanged:
				if b.Input == driver.LoopArrive {
					a.arrive = b.On
					if !b.On {
						a.held = nil
					}
				}
				if b.Input == driver.LoopSafety && !b.On {
					_, _ = a.barrier.Close(ctx)
				}
			}
		}
		if a.held != nil && a.arrive && a.rule(a.lane, *a.held) {
			a.held = nil
			_, _ = a.display.Show(ctx, driver.Message{Lines: []string{"欢迎光临", "Welcome"}, Voice: "欢迎光临"})
			_, _ = a.barrier.Open(ctx)
		}
	}
}

// desk knows who has paid; it is payer and till at once.
type desk struct {
	mu     sync.Mutex
	paid   map[string]bool
	agents []*agent
	lanes  map[string]bool // let out by hand
}

func (d *desk) Pay(_ context.Context, p plate.Plate, before func()) (int64, error) {
	before()
	d.settle(func() { d.paid[p.Text] = true })
	return 500, nil
}

func (d *desk) Settle(_ context.Context, lane string, _ plate.Plate, before func(string)) (int64, error) {
	before("cash")
	d.settle(func() { d.lanes[lane] = true })
	return 700, nil
}

func (d *desk) settle(f func()) {
	d.mu.Lock()
	f()
	agents := d.agents
	d.mu.Unlock()
	for _, a := range agents {
		select {
		case a.kick <- struct{}{}:
		default:
		}
	}
}

// may says whether an honest agent lets a plate out.
func (d *desk) may(lane string, p plate.Plate) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ok := d.paid[p.Text] && !p.None() || d.lanes[lane]
	if ok {
		delete(d.lanes, lane)
		delete(d.paid, p.Text)
	}
	return ok
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// startLot runs a lot of one entry (board over TCP) and one exit (board over RTU) with an agent that follows the rule.
func startLot(t *testing.T, set string, d *desk, rule func(lane string, p plate.Plate) bool) *traffic.World {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	env := sim.Env{Log: log, Now: time.Now}
	cfg, err := traffic.Parse([]byte("seed: 7\nhttp: 127.0.0.1:0\nlines: /tmp/x\nlanes:\n- {name: in, dir: entry, camera: 'h:1', board: 'h:2'}\n- {name: out, dir: exit, camera: 'h:3', board: serial}\n" + set))
	if err != nil {
		t.Fatal(err)
	}
	w, err := traffic.New(cfg, traffic.Options{Env: env, Payer: d, Till: d})
	if err != nil {
		t.Fatal(err)
	}
	painter, err := sim.NewPainter()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	line := func(name string) *sim.Line {
		l, err := sim.OpenLine(t.TempDir() + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	for _, c := range []sim.LaneConfig{
		{Name: "in", Entry: true, Camera: listen(t), Board: listen(t), Display: line("d")},
		{Name: "out", Camera: listen(t), BoardTo: line("b"), Display: line("d")},
	} {
		c.Painter, c.Rose, c.Travel = painter, w.Rose, 200*time.Millisecond
		w.Add(sim.NewLane(c, env))
		var board string
		if c.Board != nil {
			board = fmt.Sprintf(`{"tcp": %q}`, c.Board.Addr())
		} else {
			board = fmt.Sprintf(`{"serial": %q}`, c.BoardTo.Path())
		}
		a := &agent{lane: c.Name, rule: rule, events: make(chan driver.Event, 256), kick: make(chan struct{}, 1)}
		for kind, settings := range map[string]string{
			"vz": fmt.Sprintf(`{"tcp": %q}`, c.Camera.Addr()), "modbus-barrier": board, "fangkong": fmt.Sprintf(`{"serial": %q, "rows": 4}`, c.Display.Path()),
		} {
			dev, err := all.New(kind, json.RawMessage(settings), driver.Env{Device: c.Name + " " + kind, Log: log, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			switch v := dev.(type) {
			case driver.Opener:
				a.barrier = v
			case driver.Shower:
				a.display = v
			}
			wg.Go(func() {
				for ctx.Err() == nil {
					_ = dev.Run(ctx, func(e driver.Event) {
						select {
						case a.events <- e:
						case <-ctx.Done():
						}
					})
				}
			})
		}
		d.agents = append(d.agents, a)
		wg.Go(func() { a.run(ctx) })
	}
	wg.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Errorf("world: %v", err)
		}
	})
	drivertest.Eventually(t, "the agent to connect", func() bool {
		for _, l := range w.State() {
			if !l.Connected {
				return false
			}
		}
		return true
	})
	return w
}

func newDesk() *desk { return &desk{paid: map[string]bool{}, lanes: map[string]bool{}} }

func TestHonestAgentOpensNothingWrongly(t *testing.T) {
	d := newDesk()
	w := startLot(t, "traffic: {every: 1500ms, stay_min: 1s, stay_max: 2s, long_stays: 2, patience: 300ms, mischief: {misread: 15, reverse: 15, unlicensed: 15, cash: 30}}", d,
		func(lane string, p plate.Plate) bool { return lane == "in" || d.may(lane, p) })
	deadline := time.Now().Add(50 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, wrong := w.Report()
		if r.WronglyOpened > 0 {
			t.Fatalf("wrongly opened: %+v", wrong)
		}
		if r.Entries >= 5 && r.Exits >= 5 && r.PhonePaid > 0 && r.CashPaid > 0 && r.Reversed > 0 {
			if r.Crushed > 0 {
				t.Errorf("crushed %d", r.Crushed)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("too little happened: %+v\n%+v", r, w.Truth())
		}
		<-tick.C
	}
	for _, l := range w.State() {
		if len(l.Screen.Rows) == 0 || l.Screen.Voice == "" {
			t.Errorf("lane %s shows %+v, want the agent's welcome", l.Name, l.Screen)
		}
	}
}

func TestDishonestAgentIsCaught(t *testing.T) {
	d := newDesk()
	w := startLot(t, "traffic: {off: true, patience: 30s}", d, func(string, plate.Plate) bool { return true })
	p, err := plate.Parse("粤B12345", plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Arrive("out", p, "", "nothing"); err != nil {
		t.Fatal(err)
	}
	drivertest.Eventually(t, "the unpaid exit to be judged", func() bool { r, _ := w.Report(); return r.WronglyOpened == 1 && r.Exits == 1 })
	// With nobody there, and with somebody asked to do it.
	drivertest.Eventually(t, "the arm to be down again", func() bool { return w.State()[1].Arm == driver.ArmDown })
	if _, err := d.agents[0].barrier.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	drivertest.Eventually(t, "the opening for nobody to be judged", func() bool { r, _ := w.Report(); return r.WronglyOpened == 2 })
	if err := w.Asked("out"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.agents[1].barrier.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	drivertest.Eventually(t, "the opening that was asked for", func() bool { r, _ := w.Report(); return r.ByHand == 1 })
	if r, wrong := w.Report(); r.WronglyOpened != 2 {
		t.Errorf("wrongly opened %d, want 2: %+v", r.WronglyOpened, wrong)
	}
}

func TestControlAPI(t *testing.T) {
	d := newDesk()
	w := startLot(t, "traffic: {off: true, patience: 200ms}", d, func(lane string, p plate.Plate) bool { return lane == "in" || d.may(lane, p) })
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	post := func(path, body string) (int, string) {
		resp, err := server.Client().Post(server.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b := new(strings.Builder)
		if _, err := fmt.Fprint(b, resp.Status); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b.String()
	}
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"/arrive", `{"lane":"in","plate":"粤B12345","colour":"blue","pays":"phone"}`, 200},
		{"/arrive", `{"lane":"nowhere","plate":"粤B12345"}`, 422},
		{"/arrive", `{"lane":"in","plate":"粤B12345","kind":"ghost"}`, 422},
		{"/arrive", `{"lane":"in","speed":3}`, 400},
		{"/loop", `{"lane":"in","input":"door","on":true}`, 422},
		{"/power", `{"lane":"in","device":"toaster","off":true}`, 422},
		{"/link", `{"lane":"out","device":"display"}`, 200},
		{"/link", `{"lane":"out","device":"board"}`, 200},
		{"/link", `{"lane":"out","device":"camera"}`, 200},
		{"/remember", `{"lane":"in","plate":"粤B11111"}`, 422},
		{"/misread", `{"lane":"out"}`, 422},
		{"/asked", `{"lane":"out"}`, 200},
	} {
		if got, text := post(c.path, c.body); got != c.want {
			t.Errorf("POST %s %s = %s, want %d", c.path, c.body, text, c.want)
		}
	}
	inside := func() bool { r, _ := w.Report(); return r.Inside == 1 && r.Entries == 1 }
	drivertest.Eventually(t, "the car to enter", inside)
	// A torn frame at the exit: the camera sends the read again, and the booth hears of it late; the driver pays.
	if got, text := post("/tear", `{"lane":"out"}`); got != 200 {
		t.Fatalf("tear: %s", text)
	}
	if got, text := post("/arrive", `{"lane":"out","plate":"粤B12345","colour":"blue"}`); got != 200 {
		t.Fatalf("arrive: %s", text)
	}
	drivertest.Eventually(t, "the torn frame", func() bool { return w.State()[1].Camera.Torn == 1 })
	drivertest.Eventually(t, "a late read to be acknowledged", func() bool { return w.State()[1].Kept == 0 })
	if got, text := post("/misread", `{"lane":"out","plate":"粤B12345","colour":"blue"}`); got != 200 { // it is read once more
		t.Fatalf("misread: %s", text)
	}
	drivertest.Eventually(t, "the car to leave", func() bool { r, _ := w.Report(); return r.Exits == 1 })
	if r, wrong := w.Report(); r.WronglyOpened != 0 {
		t.Errorf("wrongly opened: %+v", wrong)
	}
}
