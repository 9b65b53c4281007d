// Package edgetest runs whole lots in one process: booths with real journals, raft and exchange on loopback, and lanes of
// simulated devices that speak their real wires on TCP and pseudo-terminals. What the cloud would say is said by [Cloud].
package edgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lotkeeper/edge/edgetest/lan"
	"lotkeeper/edge/internal/agent"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/uplink"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Name is the lot's id in tests.
const Name = "riverside"

// perHour: the first 15 minutes free, then ¥5 an hour.
const perHour = `{"id": "per-hour", "version": 1, "name": {"zh": "按小时收费", "en": "By the hour"}, "tz": "Asia/Shanghai", "currency": "CNY",
  "grace_after_payment": 900, "plans": [{"id": "all", "free": {"up_to": 900, "then": "whole"},
  "bands": [{"id": "always", "name": {"zh": "全天", "en": "All day"}, "steps": [{"unit": 3600, "price": 500}]}],
  "caps": [{"amount": 4000, "window": "block", "length": 86400}]}]}`

// quick is raft's patience on one machine.
var quick = agree.Timing{Heartbeat: 500 * time.Millisecond, Lease: 300 * time.Millisecond, Reconcile: 100 * time.Millisecond, Gather: 10 * time.Millisecond}

// pace is the uplink's on one machine.
var pace = uplink.Pace{Cursor: 200 * time.Millisecond, Resend: 500 * time.Millisecond, Relay: time.Second, Reconnect: 200 * time.Millisecond}

// Lane is one lane of a plan.
type Lane struct {
	ID    string
	Dir   fact.Dir
	Booth string
	RTU   bool // the board is on a serial line
}

// Plan is a lot to be built. The zero value has two booths with a lane each: entry-1 at booth-a, exit-1 at booth-b.
type Plan struct {
	Lanes   []Lane
	Witness bool // one more booth, without lanes: it votes and keeps facts
	Voters  int  // how many booths vote; 0 is one, or three of three or more
	Travel  time.Duration
	Online  bool // booths have a line to the cloud
	Edit    func(*wire.Config)
}

// Lot is a running lot.
type Lot struct {
	T         testing.TB
	Authority *enrolltest.Authority
	Config    wire.Config
	Booths    map[string]*Booth
	Lanes     map[string]*sim.Lane
	Cloud     *Cloud
	LAN       *lan.LAN
	online    bool
	hash      string
}

// Booth is one booth of a lot.
type Booth struct {
	lot      *Lot
	ID       string
	Dir      string
	Agent    *agent.Agent
	URL      string
	Skew     time.Duration // the machine's clock less the true time, from the next Start on
	identity *enroll.Identity
	stop     context.CancelFunc
	done     chan error
}

// Operator and Code sign in at every booth page.
const (
	Operator = "zhang"
	Code     = "let-me-in"
)

// Start builds a lot and runs it until the test ends.
func Start(t testing.TB, p Plan) *Lot {
	t.Helper()
	if p.Lanes == nil {
		p.Lanes = []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-b", RTU: true}}
	}
	tf, err := tariff.Decode([]byte(perHour))
	must(t, err)
	l := &Lot{T: t, Authority: enrolltest.New(t), Booths: map[string]*Booth{}, Lanes: map[string]*sim.Lane{}, LAN: lan.Loopback(), online: p.Online, hash: Hash(t)}
	l.Config = wire.Config{
		Lot: Name, Number: 1, Issued: time.Now().UTC(), Name: tariff.Text{ZH: "河畔停车场", EN: "Riverside"}, TZ: "Asia/Shanghai", Currency: "CNY",
		Capacity: 100, Tariffs: []tariff.Tariff{tf}, Rules: []wire.TariffRule{{Tariff: fact.TariffRef{ID: "per-hour", Version: 1}}},
		Calendar: calendar.Calendar{ID: "plain", Version: 1},
	}
	painter, err := sim.NewPainter()
	must(t, err)
	var booths []string
	for _, ln := range p.Lanes {
		l.Config.Lanes = append(l.Config.Lanes, l.device(ln, painter, p.Travel))
		if !slices.Contains(booths, ln.Booth) {
			booths = append(booths, ln.Booth)
		}
	}
	if p.Witness {
		booths = append(booths, "witness")
	}
	if p.Voters == 0 {
		p.Voters = 1
		if len(booths) >= 3 {
			p.Voters = 3
		}
	}
	for i, b := range booths {
		l.Config.Booths = append(l.Config.Booths, wire.Booth{ID: b, Raft: l.port(b), Peer: l.port(b), Voter: i < p.Voters})
	}
	if p.Edit != nil {
		p.Edit(&l.Config)
	}
	l.Cloud = newCloud(l)
	signed := l.Authority.Sign(l.Config)
	for _, b := range booths {
		id := l.Authority.Booth(Name, b, func(r *enroll.Response) { r.Config, r.Broker = signed, "ssl://"+l.Cloud.Broker.Addr })
		l.Booths[b] = &Booth{lot: l, ID: b, Dir: filepath.Join(t.TempDir(), b), identity: id}
	}
	for _, b := range booths {
		l.Booths[b].Start()
	}
	for _, id := range booths {
		b := l.Booths[id]
		Until(t, 15*time.Second, "every device of "+id+" is up", func() bool { return b.devicesUp() })
	}
	return l
}

// Hash is that of the usual code, for the staff of a configuration.
func Hash(t testing.TB) string {
	t.Helper()
	h, err := console.HashCode(Code)
	must(t, err)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Until polls until ok, and fails the test when that takes longer than d.
func Until(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
		<-tick.C
	}
}

// port finds a free address for a booth.
func (l *Lot) port(booth string) string {
	l.T.Helper()
	addr, err := l.LAN.Address(booth)
	must(l.T, err)
	return addr
}

// device builds the simulated devices of a lane, runs them, and returns the lane's set-up for the configuration.
func (l *Lot) device(ln Lane, painter *sim.Painter, travel time.Duration) wire.Lane {
	t := l.T
	t.Helper()
	cam, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	display, err := sim.OpenLine("")
	must(t, err)
	if travel == 0 {
		travel = 150 * time.Millisecond
	}
	c := sim.LaneConfig{Name: ln.ID, Entry: ln.Dir == fact.Entry, Travel: travel, Camera: cam, Display: display, Painter: painter}
	board := map[string]any{}
	inputs := map[string]int{"limit_up": 0, "limit_down": 1, "loop_arrive": 2, "loop_safety": 3, "manual_open": 5, "fire_alarm": 6}
	if ln.RTU {
		c.BoardTo, err = sim.OpenLine("")
		must(t, err)
		board["serial"], board["baud"] = c.BoardTo.Path(), 115200
	} else {
		c.Board, err = net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		board["tcp"] = c.Board.Addr().String()
	}
	board["inputs"], board["poll"] = inputs, "20ms"
	lane := sim.NewLane(c, sim.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- lane.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulated lane %s: %v", ln.ID, err)
		}
		_ = display.Close()
		if c.BoardTo != nil {
			_ = c.BoardTo.Close()
		}
	})
	l.Lanes[ln.ID] = lane
	settings := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		must(t, err)
		return b
	}
	return wire.Lane{ID: ln.ID, Name: tariff.Text{ZH: ln.ID, EN: ln.ID}, Dir: ln.Dir, Booth: ln.Booth, Devices: []wire.Device{
		{ID: ln.ID + "-cam", Role: "camera", Kind: "vz", Settings: settings(map[string]any{"tcp": cam.Addr().String()})},
		{ID: ln.ID + "-bar", Role: "barrier", Kind: "modbus-barrier", Settings: settings(board)},
		{ID: ln.ID + "-led", Role: "display", Kind: "fangkong", Settings: settings(map[string]any{"serial": display.Path(), "baud": 9600})},
	}}
}

// Start runs the booth; it was stopped or never ran.
func (b *Booth) Start() {
	t := b.lot.T
	t.Helper()
	c := agent.Default()
	c.Data, c.Listen.Console = b.Dir, "127.0.0.1:0"
	c.Console.Operators = []console.Operator{{Name: Operator, Hash: b.lot.hash}}
	log := slog.New(slog.NewTextHandler(logTo{t, b.ID}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	skew := b.Skew
	now := func() time.Time { return time.Now().Add(skew) }
	a, err := agent.New(c, agent.Options{
		Software: "test", Now: now, Log: log, Identity: b.identity, Dial: b.lot.LAN.Dial(b.ID), Offline: !b.lot.online, Timing: quick, Pace: pace,
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	select {
	case <-a.Ready():
	case err := <-done:
		cancel()
		t.Fatalf("booth %s did not start: %v", b.ID, err)
	}
	b.Agent, b.URL, b.stop, b.done = a, "http://"+a.Address(), cancel, done
	t.Cleanup(b.Stop)
}

// Stop stops the booth at once, in the middle of whatever it does.
func (b *Booth) Stop() {
	if b.stop == nil {
		return
	}
	b.stop()
	b.stop = nil
	if err := <-b.done; err != nil {
		b.lot.T.Errorf("booth %s: %v", b.ID, err)
	}
}

// Replace puts a new box with an empty disk in the place of the booth's, which was stopped and does not come back, and
// starts it.
func (b *Booth) Replace() {
	b.lot.T.Helper()
	signed := b.lot.Authority.Sign(b.lot.Config)
	b.identity = b.lot.Authority.Booth(Name, b.ID, func(r *enroll.Response) {
		r.Config, r.Broker, r.Replaces = signed, "ssl://"+b.lot.Cloud.Broker.Addr, true
	})
	b.Dir = filepath.Join(b.lot.T.TempDir(), b.ID)
	b.Start()
}

// logTo writes a booth's warnings into the test's log, as long as it runs.
type logTo struct {
	t     testing.TB
	booth string
}

func (l logTo) Write(b []byte) (int, error) {
	l.t.Logf("%s: %s", l.booth, bytes.TrimSpace(b))
	return len(b), nil
}

func (b *Booth) devicesUp() bool {
	for _, l := range b.Agent.State().Lanes {
		if l.Arm != "down" {
			return false
		}
		for _, d := range l.Devices {
			if d.State != "up" {
				return false
			}
		}
	}
	return true
}

// Lot is the booth's memory.
func (b *Booth) Lot() *lot.Lot { return b.Agent.Lot() }

// Sessions are the sessions of a plate as the booth knows them.
func (b *Booth) Sessions(text string) (out []session.Session) {
	b.Lot().View(func(k *session.Book) { out = k.Of(session.Key(text)) })
	return out
}

// Configure puts an edited configuration, one number up, in force at this booth; the others hear of it.
func (b *Booth) Configure(edit func(*wire.Config)) {
	b.lot.T.Helper()
	edit(&b.lot.Config)
	b.lot.Config.Number++
	must(b.lot.T, b.Lot().Configure(b.lot.Authority.Sign(b.lot.Config)))
}

// Do sends a request to the booth page, as an operator when token is not empty, and returns status and body.
func (b *Booth) Do(method, path, token string, body any, header ...string) (int, []byte) {
	t := b.lot.T
	t.Helper()
	var in io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		in = bytes.NewBufferString(v)
	default:
		j, err := json.Marshal(v)
		must(t, err)
		in = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, b.URL+path, in)
	must(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	must(t, err)
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, out
}

// SignIn signs the operator in and returns the token.
func (b *Booth) SignIn() string {
	b.lot.T.Helper()
	return b.SignInAs(Operator)
}

// SignInAs signs a person with the usual code in and returns the token.
func (b *Booth) SignInAs(name string) string {
	b.lot.T.Helper()
	code, body := b.Do("POST", "/api/sign-in", "", map[string]string{"name": name, "code": Code})
	var v struct{ Token string }
	if code != http.StatusOK || json.Unmarshal(body, &v) != nil || v.Token == "" {
		b.lot.T.Fatalf("sign in: %d %s", code, body)
	}
	return v.Token
}

// Live is a lane as the booth's page shows it.
func (b *Booth) Live(lane string) console.Lane {
	b.lot.T.Helper()
	for _, l := range b.Agent.State().Lanes {
		if l.Lane == lane {
			return l
		}
	}
	b.lot.T.Fatalf("booth %s has no lane %s", b.ID, lane)
	return console.Lane{}
}

// Car is a vehicle of this plate (blue), read as it is; "" shows none.
func Car(t testing.TB, text string) *sim.Vehicle {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	must(t, err)
	if p.None() {
		p.Colour = plate.ColourUnknown
	}
	return &sim.Vehicle{ID: text, Shown: p, Read: p, Confidence: 95}
}

// boothOf is the booth that drives a lane.
func (l *Lot) boothOf(lane string) *Booth {
	l.T.Helper()
	for _, x := range l.Config.Lanes {
		if x.ID == lane {
			return l.Booths[x.Booth]
		}
	}
	l.T.Fatalf("the lot has no lane %s", lane)
	return nil
}

// Arrive brings a vehicle before the barrier.
func (l *Lot) Arrive(lane string, v *sim.Vehicle) {
	l.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(l.T, l.Lanes[lane].Arrive(ctx, v, func() {}))
}

// Cross drives the vehicle through once the arm is up, and waits until the arm is down again.
func (l *Lot) Cross(lane string) {
	l.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := sim.ErrArmFell
	for errors.Is(err, sim.ErrArmFell) {
		err = l.Lanes[lane].Cross(ctx, nil, func() {})
	}
	if err != nil {
		l.T.Fatalf("%s: the vehicle cannot cross: %v", lane, err)
	}
	Until(l.T, 10*time.Second, lane+": the arm is down again", func() bool { return l.Lanes[lane].Board.Arm() == "down" })
}

// Inside puts a vehicle into the lot as cameras do it in the field that were off line: a record from the entry camera's
// memory, of so long ago.
func (l *Lot) Inside(booth, lane, text string, ago time.Duration) session.Session {
	l.T.Helper()
	v := Car(l.T, text)
	l.Lanes[lane].Camera.Remember(sim.Reading{Plate: v.Read, At: time.Now().Add(-ago), Trigger: 1, Confidence: 90})
	b := l.Booths[booth]
	Until(l.T, 10*time.Second, text+" is inside", func() bool { return len(b.Sessions(text)) == 1 })
	return b.Sessions(text)[0]
}
