package enroll_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud answers enrolments as the contract says; each code works once.
func cloud(t *testing.T, a *enrolltest.Authority, codes map[string][2]string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q enroll.Request
		who, ok := [2]string{}, false
		if err := json.NewDecoder(r.Body).Decode(&q); err == nil {
			who, ok = codes[q.Code]
		}
		block, _ := pem.Decode([]byte(q.CSR))
		if r.URL.Path != "/api/v1/enroll" || r.Method != http.MethodPost || !ok || block == nil {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"status":403,"title":"denied","detail":"the code is not valid","detail_zh":"注册码无效"}`))
			return
		}
		delete(codes, q.Code)
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || csr.CheckSignature() != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		config := a.Sign(wire.Config{Lot: who[0], Number: 1, TZ: "Asia/Shanghai"})
		_ = json.NewEncoder(w).Encode(a.Answer(who[0], who[1], csr.PublicKey.(ed25519.PublicKey), config))
	}))
	t.Cleanup(func() { s.Close(); http.DefaultClient.CloseIdleConnections() })
	return s
}

func TestEnrolOnceThenLoad(t *testing.T) {
	a := enrolltest.New(t)
	s := cloud(t, a, map[string][2]string{"one": {"riverside", "booth-a"}, "two": {"riverside", "booth-a"}, "three": {"riverside", "booth-b"}})
	dir := t.TempDir()
	if _, err := enroll.Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("load before enrolment: %v", err)
	}
	id, err := enroll.Enroll(context.Background(), nil, s.URL, "one", dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := enroll.Load(dir)
	if err != nil || got.Lot != "riverside" || got.Booth != "booth-a" || !got.Key.Equal(id.Key) || string(got.Cert) != string(id.Cert) ||
		string(got.Config.Document) != string(id.Config.Document) || got.Broker != id.Broker || !got.ConfigKey.Equal(a.ConfigKey()) {
		t.Fatalf("loaded %+v, %v", got, err)
	}
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enroll.Enroll(context.Background(), nil, s.URL, "one", t.TempDir()); err == nil || !strings.Contains(err.Error(), "注册码无效") {
		t.Errorf("a used code: %v", err)
	}
	again, err := enroll.Enroll(context.Background(), nil, s.URL, "two", dir)
	if err != nil || !again.Key.Equal(id.Key) {
		t.Errorf("enrolled again: %v; the key must stay, the journal is signed with it", err)
	}
	if _, err := enroll.Enroll(context.Background(), nil, s.URL, "three", dir); err == nil {
		t.Error("the folder became another booth")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInterruptedSaveLeavesTheOldIdentity(t *testing.T) {
	a := enrolltest.New(t)
	dir := t.TempDir()
	if err := a.Booth("riverside", "booth-a", nil).Save(dir); err != nil {
		t.Fatal(err)
	}
	// A crash between the two renames.
	if err := os.Rename(filepath.Join(dir, "identity"), filepath.Join(dir, "identity.old")); err != nil {
		t.Fatal(err)
	}
	id, err := enroll.Load(dir)
	if err != nil || id.Booth != "booth-a" {
		t.Fatalf("load: %v", err)
	}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := enroll.Load(dir); err != nil {
		t.Fatal(err)
	}
}

func TestNewRefusesPartsThatDoNotBelongTogether(t *testing.T) {
	a, other := enrolltest.New(t), enrolltest.New(t)
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherPub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := a.Answer("riverside", "booth-a", pub, a.Sign(wire.Config{Lot: "riverside", Number: 1, TZ: "UTC"}))
	if _, err := enroll.New(key, good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*enroll.Response){
		"another authority":               func(r *enroll.Response) { r.CA = other.CA() },
		"no authority":                    func(r *enroll.Response) { r.CA = "" },
		"another booth":                   func(r *enroll.Response) { r.Booth = "booth-b" },
		"another lot":                     func(r *enroll.Response) { r.Lot = "elsewhere" },
		"no valid name":                   func(r *enroll.Response) { r.Booth = "../x" },
		"the cloud":                       func(r *enroll.Response) { r.Booth = "cloud" },
		"another key":                     func(r *enroll.Response) { *r = a.Answer("riverside", "booth-a", otherPub, wire.Signed{}) },
		"no certificate":                  func(r *enroll.Response) { r.Certificate = "hello" },
		"broker without TLS":              func(r *enroll.Response) { r.Broker = "tcp://127.0.0.1:1883" },
		"photos without TLS":              func(r *enroll.Response) { r.DeviceURL = "http://127.0.0.1" },
		"short key":                       func(r *enroll.Response) { r.ConfigKey = r.ConfigKey[:5] },
		"configuration signed by another": func(r *enroll.Response) { r.Config = other.Sign(wire.Config{Lot: "riverside", Number: 1, TZ: "UTC"}) },
		"configuration of another lot":    func(r *enroll.Response) { r.Config = a.Sign(wire.Config{Lot: "elsewhere", Number: 1, TZ: "UTC"}) },
	} {
		r := good
		edit(&r)
		if _, err := enroll.New(key, r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestAdmit(t *testing.T) {
	a := enrolltest.New(t)
	trust := a.Trust("riverside")
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherPub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	day := 24 * time.Hour
	booth := func(from, to time.Time) []byte {
		return a.Issue(pub, "booth-a", enroll.BoothURI("riverside", "booth-a"), from, to)
	}
	for _, c := range []struct {
		name string
		lot  string
		o    fact.Opened
		ok   bool
	}{
		{"booth", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: booth(now.Add(-day), now.Add(day))}, true},
		{"expired: it was true when it was written", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: booth(now.Add(-2*day/3), now.Add(-day/3))}, true},
		{"cloud", "riverside", fact.Opened{Booth: "cloud", Key: pub, Cert: a.Issue(pub, "cloud", enroll.CloudURI(), now, now.Add(day))}, true},
		{"fact of another lot", "elsewhere", fact.Opened{Booth: "booth-a", Key: pub, Cert: booth(now, now.Add(day))}, false},
		{"certificate of another lot", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: a.Issue(pub, "booth-a", enroll.BoothURI("elsewhere", "booth-a"), now, now.Add(day))}, false},
		{"another booth's certificate", "riverside", fact.Opened{Booth: "booth-b", Key: pub, Cert: booth(now, now.Add(day))}, false},
		{"another key", "riverside", fact.Opened{Booth: "booth-a", Key: otherPub, Cert: booth(now, now.Add(day))}, false},
		{"booth that calls itself the cloud", "riverside", fact.Opened{Booth: "cloud", Key: pub, Cert: a.Issue(pub, "cloud", enroll.BoothURI("riverside", "cloud"), now, now.Add(day))}, false},
		{"name and URI differ", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: a.Issue(pub, "booth-a", enroll.BoothURI("riverside", "booth-b"), now, now.Add(day))}, false},
		{"no URI", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: a.Issue(pub, "booth-a", nil, now, now.Add(day))}, false},
		{"another authority", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: enrolltest.New(t).Issue(pub, "booth-a", enroll.BoothURI("riverside", "booth-a"), now, now.Add(day))}, false},
		{"no certificate", "riverside", fact.Opened{Booth: "booth-a", Key: pub}, false},
		{"rubbish", "riverside", fact.Opened{Booth: "booth-a", Key: pub, Cert: []byte("rubbish")}, false},
	} {
		key, err := trust.Admit(fact.Fact{Lot: c.lot}, c.o)
		if (err == nil) != c.ok || c.ok && !key.Equal(pub) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// shake does one TLS handshake and returns both ends' errors.
func shake(t *testing.T, client, server *tls.Config) (error, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	result := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			result <- err
			return
		}
		defer c.Close()
		result <- tls.Server(c, server).HandshakeContext(t.Context())
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		defer c.Close()
	}
	return err, <-result
}

func TestBoothsKnowEachOther(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := ca.Booth("riverside", "booth-a", nil), ca.Booth("riverside", "booth-b", nil)
	elsewhere, strange := ca.Booth("elsewhere", "booth-b", nil), enrolltest.New(t).Booth("riverside", "booth-b", nil)
	for _, c := range []struct {
		name           string
		client, server *tls.Config
		cOK, sOK       bool
	}{
		{"peers", a.Dial("booth-b"), b.Serve(nil), true, true},
		{"not the booth that was meant", a.Dial("booth-c"), b.Serve(nil), false, false},
		{"server of another lot", a.Dial("booth-b"), elsewhere.Serve(nil), false, false},
		{"server of another authority", a.Dial("booth-b"), strange.Serve(nil), false, false},
		{"client of another lot", believing(elsewhere.Dial("booth-a")), a.Serve(nil), true, false},
		{"client of another authority", believing(strange.Dial("booth-a")), a.Serve(nil), true, false},
		{"client off the list", b.Dial("booth-a"), a.Serve(func(booth string) bool { return booth != "booth-b" }), true, false},
		{"client without a certificate", &tls.Config{InsecureSkipVerify: true}, a.Serve(nil), true, false},
	} {
		cErr, sErr := shake(t, c.client, c.server)
		if (cErr == nil) != c.cOK || (sErr == nil) != c.sOK {
			t.Errorf("%s: client %v, server %v", c.name, cErr, sErr)
		}
	}
}

// believing makes a client that takes any server, so that the server's own judgement is what is tested.
func believing(c *tls.Config) *tls.Config {
	c.VerifyConnection = nil
	return c
}

func FuzzParseResponse(f *testing.F) {
	a := enrolltest.New(f)
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(a.Answer("riverside", "booth-a", pub, wire.Signed{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"lot":"riverside","certificate":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}`))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := enroll.ParseResponse(b)
		if err != nil {
			return
		}
		if id, err := enroll.New(key, r); err == nil && (id.Lot != r.Lot || id.Booth != r.Booth) {
			t.Fatalf("identity %+v of %+v", id, r)
		}
	})
}
