// Package lottest gives tests of cloud features a lot: a database, an authority, a broker that keeps what is published,
// a demonstration lot with two booths, and a server that asks as whoever the test says.
package lottest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// World is a cloud with operators op_a and op_b and, after [World.Riverside], a lot of op_a.
type World struct {
	T      testing.TB
	DB     *database.DB
	CA     *pki.Authority
	Broker *Tap
	Lots   *lot.Service
	Audit  *audit.Log
	Log    *slog.Logger

	mu  sync.Mutex
	now time.Time
}

// New makes a world whose clock stands still at a Monday morning.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{T: t, DB: databasetest.New(t), Broker: &Tap{}, Log: slog.New(slog.DiscardHandler), now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
	var err error
	w.CA, err = pki.Open(t.TempDir()+"/pki", w.Now())
	Must(t, err)
	w.Audit = audit.New(w.DB, w.Now)
	w.Lots, err = lot.New(lot.Options{
		DB: w.DB, Audit: w.Audit, Key: w.CA.ConfigKey(), Broker: w.Broker, PublicURL: "https://parking.example", Now: w.Now, Log: w.Log,
	})
	Must(t, err)
	w.Exec(`INSERT INTO operators (id, name, created_at) VALUES ('op_a', 'A', now()), ('op_b', 'B', now())`)
	return w
}

// Must fails the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Now is the world's time.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Pass lets time go by.
func (w *World) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Exec runs a statement.
func (w *World) Exec(query string, args ...any) {
	w.T.Helper()
	_, err := w.DB.SQL().ExecContext(context.Background(), query, args...)
	Must(w.T, err)
}

// Count reads a number.
func (w *World) Count(query string, args ...any) (n int) {
	w.T.Helper()
	Must(w.T, w.DB.SQL().QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}

const tariffJSON = `{"id":"short","version":1,"name":{"zh":"演示","en":"Demo"},"tz":"Asia/Shanghai","currency":"CNY",
	"plans":[{"id":"all","bands":[{"id":"any","steps":[{"unit":10,"price":100}]}],"caps":[{"amount":6000,"window":"block","length":86400}]}]}`

// Tariff is ¥1 for each 10 seconds begun.
func Tariff(t testing.TB, version int) tariff.Tariff {
	t.Helper()
	out, err := tariff.Decode([]byte(tariffJSON))
	Must(t, err)
	out.Version = version
	return out
}

// Spec is a lot with an entry lane at one booth and an exit lane at the other.
func Spec(t testing.TB, prefix string) lot.Spec {
	device := func(id, role string) wire.Device {
		return wire.Device{ID: id, Role: role, Kind: "vz", Settings: json.RawMessage(`{"address":"127.0.0.1:8131"}`)}
	}
	return lot.Spec{
		Kind: lot.OffStreet, Name: tariff.Text{ZH: "河滨停车场", EN: "Riverside"}, TZ: "Asia/Shanghai", Currency: "CNY", Capacity: 100,
		Booths: []wire.Booth{
			{ID: prefix + "-a", Name: tariff.Text{ZH: "入口岗亭", EN: "Entry booth"}, Voter: true},
			{ID: prefix + "-b", Name: tariff.Text{ZH: "出口岗亭", EN: "Exit booth"}},
		},
		Lanes: []wire.Lane{
			{ID: "entry-1", Name: tariff.Text{ZH: "入口一", EN: "Entry 1"}, Dir: fact.Entry, Booth: prefix + "-a", Devices: []wire.Device{device("cam-in", "camera")}},
			{ID: "exit-1", Name: tariff.Text{ZH: "出口一", EN: "Exit 1"}, Dir: fact.Exit, Booth: prefix + "-b", Devices: []wire.Device{device("cam-out", "camera")}},
		},
		Tariffs: []tariff.Tariff{Tariff(t, 1)},
		Rules:   []wire.TariffRule{{Tariff: fact.TariffRef{ID: "short", Version: 1}}},
	}
}

// Riverside makes the lot riverside with booths booth-a and booth-b.
func (w *World) Riverside() wire.Config {
	w.T.Helper()
	c, err := w.Lots.Create(context.Background(), lot.By{Actor: "test"}, "op_a", "riverside", Spec(w.T, "booth"))
	Must(w.T, err)
	return c
}

// Key makes a booth's key and signing request.
func Key(t testing.TB) (ed25519.PrivateKey, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	Must(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	Must(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// Pair is a certificate for TLS.
func Pair(t testing.TB, certPEM string, key ed25519.PrivateKey) tls.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(certPEM))
	if block == nil {
		t.Fatalf("no certificate in %q", certPEM)
	}
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

// Who asks. The empty one is anonymous.
type Who string

// People of the operators.
const (
	Anonymous Who = ""
	Admin     Who = "admin"   // of op_a
	Seat      Who = "seat"    // of op_a
	OneLot    Who = "one-lot" // of op_a, may do everything in the lot elsewhere
	Foreign   Who = "foreign" // admin of op_b
)

// Authenticate takes the token for the name.
func (w *World) Authenticate(_ context.Context, token string) (scope.Principal, error) {
	c := scope.Claims{User: id.User("usr_" + token), Name: token, Operator: "op_a", Role: "admin", Permissions: permission.All(), AllLots: true, Session: token}
	switch Who(token) {
	case Admin:
	case Seat:
		c.Permissions = []scope.Permission{
			permission.BarrierOpen, permission.BoothRead, permission.LiveRead, permission.LotRead, permission.PassageRead, permission.PaymentRead,
			permission.PhotoRead, permission.SessionCorrect, permission.SessionRead,
		}
	case OneLot:
		c.AllLots, c.Lots = false, []id.Lot{"elsewhere"}
	case Foreign:
		c.Operator = "op_b"
	default:
		return scope.Principal{}, fault.New(fault.Unauthenticated, "test", "测试", "test")
	}
	return scope.NewPrincipal(c), nil
}

// Server serves what is registered.
type Server struct {
	t   testing.TB
	url string
	api *web.API
}

// Serve starts a server.
func (w *World) Serve(register ...func(*web.API)) *Server {
	w.T.Helper()
	api, err := web.New(web.Config{Logger: w.Log, Auth: w})
	Must(w.T, err)
	for _, r := range register {
		r(api)
	}
	s := httptest.NewServer(api.Handler())
	w.T.Cleanup(s.Close)
	return &Server{w.T, s.URL, api}
}

// URL is where it listens.
func (s *Server) URL() string { return s.url }

// API is what it serves.
func (s *Server) API() *web.API { return s.api }

// Do asks as somebody. body is sent as JSON unless nil; the answer is decoded into out unless nil. It returns the status
// and, of a problem, its code.
func (s *Server) Do(who Who, method, path string, body, out any, headers ...string) (status int, code string) {
	s.t.Helper()
	status, text, _ := s.Raw(who, method, path, body, headers...)
	if status >= 400 {
		var p web.Problem
		_ = json.Unmarshal(text, &p) // a route without a problem has no code
		s.t.Logf("%s %s as %q: %s", method, path, who, text)
		return status, p.Code
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return status, ""
}

// Raw is Do with the bytes of the answer. headers are names and values in turn.
func (s *Server) Raw(who Who, method, path string, body any, headers ...string) (int, []byte, http.Header) {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		Must(s.t, err)
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, in)
	Must(s.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if who != Anonymous {
		req.AddCookie(&http.Cookie{Name: s.api.CookieName(), Value: string(who)})
	}
	res, err := http.DefaultClient.Do(req)
	Must(s.t, err)
	text, err := io.ReadAll(res.Body)
	Must(s.t, err)
	Must(s.t, res.Body.Close())
	return res.StatusCode, text, res.Header
}

// Tap is a broker that keeps what is published.
type Tap struct {
	mu   sync.Mutex
	sent []Published
	down error
}

// Published is a message.
type Published struct {
	Topic    wire.Topic
	Retained bool
	Payload  []byte
}

// Publish keeps a message.
func (b *Tap) Publish(_ context.Context, topic string, _ byte, retained bool, payload []byte) error {
	t, err := wire.ParseTopic(topic)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return b.down
	}
	b.sent = append(b.sent, Published{t, retained, payload})
	return nil
}

// Fail makes every Publish fail; nil ends that.
func (b *Tap) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// On returns what went out on a channel to a booth, and forgets it.
func (b *Tap) On(booth string, c wire.Channel) (out []Published) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []Published
	for _, p := range b.sent {
		if p.Topic.Booth == booth && p.Topic.Channel == c {
			out = append(out, p)
		} else {
			rest = append(rest, p)
		}
	}
	b.sent = rest
	return out
}
