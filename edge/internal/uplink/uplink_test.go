package uplink_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/edge/internal/photo"
	"lotkeeper/edge/internal/uplink"
	"lotkeeper/edge/internal/uplink/uplinktest"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lotID = "riverside"

var quick = uplink.Pace{
	Cursor: 100 * time.Millisecond, Resend: 100 * time.Millisecond, Relay: 400 * time.Millisecond, Reconnect: 50 * time.Millisecond,
	Photo: 50 * time.Millisecond,
}

func connect(t testing.TB, c *uplinktest.Cloud, b *lottest.Booth, edit func(*uplink.Options)) (*uplink.Uplink, func()) {
	t.Helper()
	o := uplink.Options{
		Lot: b.Identity.Lot, Booth: b.Identity.Booth, Broker: "ssl://" + c.Broker.Addr, DeviceURL: "https://127.0.0.1:1",
		TLS: b.Identity.Client(), Memory: b.Lot, Software: "test", Boot: "boot", Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Pace: quick,
		Command: func(context.Context, wire.Command) wire.Result { return wire.Result{Verdict: "refused"} },
	}
	if edit != nil {
		edit(&o)
	}
	u, err := uplink.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return u, run(t, u.Run)
}

func level(t testing.TB, c *uplinktest.Cloud, b *lottest.Booth) {
	t.Helper()
	lottest.Until(t, 30*time.Second, "cloud and booth hold the same facts", func() bool {
		return c.Cursors().Digest() == b.Lot.Cursors().Digest()
	})
}

// The broker dies at random, again and again, and a third of the cloud's answers is lost: nothing is lost or doubled, up
// or down.
func TestNothingIsLostOrDoubledWhileTheBrokerRestarts(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	c.Quiet = 0.33
	b := lottest.New(t, ca, lotID, "booth-a")
	u, _ := connect(t, c, b, nil)
	var group sync.WaitGroup
	stop := make(chan struct{})
	group.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.Enter(fmt.Sprintf("粤B%05d", i))
			c.Say("test.note", i)
		}
	})
	for range 8 {
		wait := time.NewTimer(time.Duration(50+rand.IntN(200)) * time.Millisecond)
		<-wait.C
		c.Broker.Stop()
		c.Broker.Start()
	}
	close(stop)
	group.Wait()
	level(t, c, b)
	for a, l := range c.Cursors() {
		n := len(c.Records(a))
		if uint64(n) != l.Seq {
			t.Errorf("%s: %d records, cursor %d", a, n, l.Seq)
		}
	}
	lottest.Until(t, 10*time.Second, "the booth knows that the cloud has all", func() bool {
		s := u.Status()
		return s.Connected && s.Waiting == 0 && s.Lacking == 0
	})
	t.Logf("%d facts in %d messages over 8 restarts", b.Lot.Status().Facts, len(uplinktest.Got[wire.Facts](c, wire.FactsUp)))
}

func TestOneBatchIsUnderWay(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	for i := range 400 { // 1200 facts: three batches
		b.Enter(fmt.Sprintf("粤B%05d", i))
	}
	connect(t, c, b, func(o *uplink.Options) { o.Pace.Resend = time.Minute })
	level(t, c, b)
	if n := len(uplinktest.Got[wire.Facts](c, wire.FactsUp)); n != 3 {
		t.Errorf("%d messages for three batches", n)
	}
}

// TestCloudsClockIsToldByRoundTrip: only answers to what we said tell the time, and they are bounded by what they took.
func TestCloudsClockIsToldByRoundTrip(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	c.Ahead = 8 * time.Hour
	b := lottest.New(t, ca, lotID, "booth-a")
	told := make(chan [3]time.Time, 100)
	connect(t, c, b, func(o *uplink.Options) {
		o.Clock = func(theirs, asked, came time.Time) {
			select {
			case told <- [3]time.Time{theirs, asked, came}:
			default:
			}
		}
	})
	for range 5 {
		x := <-told
		trip := x[2].Sub(x[1])
		off := x[0].Sub(x[1].Add(trip / 2))
		if trip < 0 || (off-c.Ahead).Abs() > trip/2+time.Millisecond {
			t.Errorf("a trip of %v says that the cloud is %v ahead, want %v", trip, off, c.Ahead)
		}
	}
}

func TestRelayForABoothWithoutALine(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	a, b := lottest.New(t, ca, lotID, "booth-a"), lottest.New(t, ca, lotID, "booth-b")
	b.Enter("粤B12345")
	got, err := b.Lot.Batch(b.Lot.Author(), 0, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Lot.Merge(got); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	connect(t, c, a, nil)
	level(t, c, a)
	if took := time.Since(start); took < quick.Relay {
		t.Errorf("relayed after %v, before the booth had its time", took)
	}
}

// A cloud restored from an older copy lacks what it acknowledged: it is sent again, the cloud's own lost facts too.
func TestCloudThatForgot(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	connect(t, c, b, nil)
	b.Enter("粤B12345")
	c.Say("test.note", 1)
	level(t, c, b)
	c.Forget()
	b.Enter("粤B54321")
	level(t, c, b)
	if len(c.Cursors()) != 2 {
		t.Errorf("cursors %v", c.Cursors())
	}
}

func TestCommandsAreCarriedOutBesideEverythingElse(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	release, running := make(chan struct{}), make(chan string, 8)
	_, stop := connect(t, c, b, func(o *uplink.Options) {
		o.Command = func(ctx context.Context, cmd wire.Command) wire.Result {
			running <- cmd.ID
			select {
			case <-release:
			case <-ctx.Done():
			}
			return wire.Result{Verdict: "done", Text: cmd.Reason}
		}
	})
	level(t, c, b)
	c.Publish("booth-a", wire.CommandTo, false, wire.Command{ID: "c1", Lane: "lane-1", Action: wire.OpenBarrier, Reason: "lost ticket"})
	if id := <-running; id != "c1" {
		t.Fatalf("command %q", id)
	}
	b.Enter("粤B12345")
	level(t, c, b) // while the command waits for its barrier
	close(release)
	lottest.Until(t, 5*time.Second, "the result", func() bool { return len(uplinktest.Got[wire.Result](c, wire.ResultFrom)) == 1 })
	if r := uplinktest.Got[wire.Result](c, wire.ResultFrom)[0]; r.Command != "c1" || r.Lane != "lane-1" || r.Verdict != "done" || r.Text != "lost ticket" {
		t.Errorf("result %+v", r)
	}
	stop()
}

func TestMalformedMessagesDoNothing(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	if err := b.Lot.Configure(ca.Sign(lottest.Config(lotID, 2))); err != nil {
		t.Fatal(err)
	}
	connect(t, c, b, func(o *uplink.Options) {
		o.Command = func(_ context.Context, cmd wire.Command) wire.Result {
			t.Errorf("carried out %+v", cmd)
			return wire.Result{}
		}
	})
	level(t, c, b)
	stranger := enrolltest.New(t)
	elsewhere := lottest.New(t, ca, "elsewhere", "booth-a")
	foreign, err := elsewhere.Lot.Batch(elsewhere.Lot.Author(), 0, 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	before := b.Lot.Cursors().Digest()
	for _, ch := range []wire.Channel{wire.FactsDown, wire.CommandTo, wire.ConfigDown, wire.CursorDown} {
		for _, body := range [][]byte{nil, []byte("{"), []byte("[]"), {0x1f, 0x8b, 1}, []byte(`{"batch":{"records":[{}]}}`), bytes.Repeat([]byte("x"), 100_000)} {
			c.Broker.Publish(wire.Topic{Lot: lotID, Booth: "booth-a", Channel: ch}.String(), false, body)
		}
	}
	c.Publish("booth-a", wire.FactsDown, false, wire.Facts{Batch: foreign})
	c.Publish("booth-a", wire.ConfigDown, false, ca.Sign(lottest.Config(lotID, 1)))
	c.Publish("booth-a", wire.ConfigDown, false, ca.Sign(lottest.Config("elsewhere", 9)))
	c.Publish("booth-a", wire.ConfigDown, false, stranger.Sign(lottest.Config(lotID, 9)))
	c.Publish("booth-a", wire.ConfigDown, true, ca.Sign(lottest.Config(lotID, 5)))
	lottest.Until(t, 5*time.Second, "the true configuration", func() bool { conf, _ := b.Lot.Config(); return conf.Number == 5 })
	if b.Lot.Cursors().Digest() != before {
		t.Error("made-up messages changed the facts")
	}
	b.Enter("粤B12345")
	level(t, c, b)
	lottest.Until(t, 5*time.Second, "the cloud hears which configuration is in force", func() bool {
		all := uplinktest.Got[wire.Cursor](c, wire.CursorUp)
		return all[len(all)-1].Config == 5
	})
}

func TestPresenceAndLive(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	u, stop := connect(t, c, b, nil)
	last := func() wire.Presence {
		all := uplinktest.Got[wire.Presence](c, wire.PresenceOf)
		if len(all) == 0 {
			return wire.Presence{}
		}
		return all[len(all)-1]
	}
	lottest.Until(t, 5*time.Second, "online", func() bool { return last().Online })
	if p := last(); p.Software != "test" || p.Boot != "boot" {
		t.Errorf("presence %+v", p)
	}
	lane := wire.LiveFrom("lane-1")
	for i := range 1000 {
		u.Live(wire.Live{Lane: "lane-1", Mono: wire.Mono(i)})
	}
	newest := func() int64 {
		all := uplinktest.Got[wire.Live](c, lane)
		if len(all) == 0 {
			return -1
		}
		return int64(all[len(all)-1].Mono)
	}
	lottest.Until(t, 5*time.Second, "the newest state of the lane", func() bool { return newest() == 999 })
	before := len(uplinktest.Got[wire.Live](c, lane))
	c.Broker.Stop()
	lottest.Until(t, 5*time.Second, "the loss is noticed", func() bool { return !u.Status().Connected })
	c.Broker.Start()
	lottest.Until(t, 10*time.Second, "the lane's state is said again", func() bool { return len(uplinktest.Got[wire.Live](c, lane)) > before && last().Online })
	stop()
	lottest.Until(t, 5*time.Second, "offline", func() bool { return !last().Online })
}

// A line that dies without a word leaves the last will.
func TestLastWill(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	through := newProxy(t, c.Broker.Addr)
	connect(t, c, b, func(o *uplink.Options) { o.Broker = "ssl://" + through.addr })
	online := func() []bool {
		var out []bool
		for _, p := range uplinktest.Got[wire.Presence](c, wire.PresenceOf) {
			out = append(out, p.Online)
		}
		return out
	}
	lottest.Until(t, 5*time.Second, "online", func() bool { return slices.Equal(online(), []bool{true}) })
	through.cut()
	lottest.Until(t, 10*time.Second, "gone, then back", func() bool { return slices.Equal(online(), []bool{true, false, true}) })
}

func TestWrongCertificateStaysOutAndTheLotGoesOn(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	stranger := enrolltest.New(t).Booth(lotID, "booth-a", nil)
	u, stop := connect(t, c, b, func(o *uplink.Options) { o.TLS = stranger.Client() })
	b.Enter("粤B12345")
	lottest.Until(t, 5*time.Second, "facts wait", func() bool { return u.Status().Waiting == 4 })
	if s := u.Status(); s.Connected || !s.Heard.IsZero() || len(uplinktest.Got[wire.Presence](c, wire.PresenceOf)) > 0 {
		t.Errorf("status %+v", s)
	}
	stop()
}

func TestPhotosGoUpLast(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	store, err := photo.Open(t.TempDir(), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	have, tries := map[string]bool{}, 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		mu.Lock()
		defer mu.Unlock()
		tries++
		switch {
		case r.Method != http.MethodPut || path.Dir(r.URL.Path) != "/d/photos" || path.Base(r.URL.Path) != hex.EncodeToString(sum[:]):
			t.Errorf("%s %s with %d bytes", r.Method, r.URL.Path, len(body))
			w.WriteHeader(http.StatusBadRequest)
		case tries <= 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case string(body) == "no jpeg":
			w.WriteHeader(http.StatusUnsupportedMediaType)
		case r.TLS.PeerCertificates[0].Subject.CommonName != "booth-a":
			w.WriteHeader(http.StatusForbidden)
		default:
			have[path.Base(r.URL.Path)] = true
			w.WriteHeader(http.StatusCreated)
		}
	}))
	srv.TLS = ca.Server()
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	put := func(body string) string {
		p, err := store.Put("scene", []byte(body), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return p.SHA256
	}
	want := []string{put("one"), put("two")}
	put("no jpeg")
	connect(t, c, b, func(o *uplink.Options) { o.Photos, o.DeviceURL = store, srv.URL+"/d" })
	lottest.Until(t, 10*time.Second, "the pictures are up", func() bool { return store.Stats().Waiting == 0 })
	want = append(want, put("three"))
	lottest.Until(t, 10*time.Second, "the next is up", func() bool { return store.Stats().Waiting == 0 })
	mu.Lock()
	defer mu.Unlock()
	for _, w := range want {
		if !have[w] {
			t.Errorf("%s is not up", w)
		}
	}
	if st := store.Stats(); st.Dropped != 1 || st.Files != 3 {
		t.Errorf("store %+v; what the cloud will never take is dropped and counted", st)
	}
}

// proxy passes TCP on and can cut it.
type proxy struct {
	addr string
	mu   sync.Mutex
	open []net.Conn
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, in, out)
			p.mu.Unlock()
			group.Go(func() { _, _ = io.Copy(out, in); out.Close() })
			group.Go(func() { _, _ = io.Copy(in, out); in.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(); group.Wait() })
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

// run starts Run and returns what stops it.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}
