package booth_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/internal/booth"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/object"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

var system = scope.System("test")

func service(t *testing.T, w *lottest.World) *booth.Service {
	t.Helper()
	photos, err := object.OpenDir(t.TempDir(), booth.MaxPhoto)
	lottest.Must(t, err)
	t.Cleanup(func() { _ = photos.Close() })
	s, err := booth.New(booth.Options{
		DB: w.DB, Audit: w.Audit, Authority: w.CA, Lots: w.Lots, Photos: photos, Now: w.Now, Log: w.Log,
		Addresses: func() (string, string) { return "ssl://broker:8883", "https://devices:8443" },
	})
	lottest.Must(t, err)
	return s
}

func newCode(t *testing.T, s *booth.Service) booth.Code {
	t.Helper()
	c, err := s.NewCode(context.Background(), booth.By{Actor: "test"}, system, "riverside", "booth-a")
	lottest.Must(t, err)
	return c
}

func TestEnrolment(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := service(t, w)
	_, csr := lottest.Key(t)
	enroll := func(code, csr string) (booth.Enrolled, error) {
		return s.Enroll(context.Background(), "10.0.0.1", "r1", code, csr)
	}
	code := newCode(t, s)
	for name, csr := range map[string]string{
		"no request":      "",
		"not PEM":         "hello",
		"another PEM":     string(w.CA.CertificatePEM()),
		"altered request": strings.Replace(csr, "A", "B", 3),
	} {
		if _, err := enroll(code.Code, csr); err == nil || errors.Is(err, booth.ErrCode) {
			t.Errorf("%s: %v, want a fault of the request", name, err)
		}
	}
	for name, wrong := range map[string]string{"empty": "", "other": "0000-0000-0000-0000", "part": code.Code[:9], "more": code.Code + "0"} {
		if _, err := enroll(wrong, csr); !errors.Is(err, booth.ErrCode) {
			t.Errorf("%s code: %v", name, err)
		}
	}
	// Faulty tries did not use the code up; people may type it as they like.
	got, err := enroll(" "+strings.ToLower(strings.ReplaceAll(code.Code, "-", " ")), csr)
	lottest.Must(t, err)
	block, _ := pem.Decode([]byte(got.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	lottest.Must(t, err)
	who, err := pki.Identify(cert)
	if err != nil || who.Lot != "riverside" || who.Booth != "booth-a" {
		t.Errorf("the certificate is of %+v: %v", who, err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: w.CA.Pool(), CurrentTime: w.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if c, err := wire.OpenConfig(got.Config, got.ConfigKey); err != nil || c.Number != 1 || got.Broker != "ssl://broker:8883" || got.DeviceURL != "https://devices:8443/api/v1/device" {
		t.Errorf("got %+v: %v", got, err)
	}
	if _, err := enroll(code.Code, csr); !errors.Is(err, booth.ErrCode) {
		t.Errorf("a used code: %v", err)
	}
	late := newCode(t, s)
	w.Pass(booth.CodeLife)
	if _, err := enroll(late.Code, csr); !errors.Is(err, booth.ErrCode) {
		t.Errorf("an expired code: %v", err)
	}
	if n := w.Count(`SELECT count(*) FROM booth_codes WHERE encode(code_sha256, 'escape') LIKE '%' || $1 || '%'`, code.Code[:4]); n != 0 {
		t.Error("the code itself is stored")
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action IN ('booth.code', 'booth.enroll')`); n != 3 {
		t.Errorf("%d audit rows, want 3", n)
	}

	// A booth that left the lot cannot be enrolled with an old code.
	gone := newCode(t, s)
	spec := lottest.Spec(t, "booth")
	spec.Booths, spec.Lanes = spec.Booths[1:], spec.Lanes[1:]
	_, err = w.Lots.Update(t.Context(), lot.By{Actor: "test"}, system, "riverside", 1, spec)
	lottest.Must(t, err)
	if _, err := enroll(gone.Code, csr); !errors.Is(err, booth.ErrCode) {
		t.Errorf("a booth that left: %v", err)
	}
	if _, err := s.NewCode(t.Context(), booth.By{Actor: "test"}, system, "riverside", "booth-a"); !errors.Is(err, booth.ErrNone) {
		t.Errorf("a code for a booth that left: %v", err)
	}
}

func TestACodeWorksOnceAmongSixteen(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := service(t, w)
	code := newCode(t, s)
	var all sync.WaitGroup
	results := make(chan error, 16)
	for range 16 {
		_, csr := lottest.Key(t)
		all.Go(func() {
			_, err := s.Enroll(context.Background(), "10.0.0.1", "r", code.Code, csr)
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, booth.ErrCode) {
			t.Error(err)
		}
	}
	if certificates := w.Count(`SELECT count(*) FROM booth_certificates`); won != 1 || certificates != 1 {
		t.Errorf("%d of 16 enrolled, %d certificates", won, certificates)
	}
}

// A booth has one box. One that enrols again keeps its certificates; one with another key takes the other's place.
func TestAnotherBoxTakesThePlaceOfTheOneBefore(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := service(t, w)
	_, old := lottest.Key(t)
	_, fresh := lottest.Key(t)
	var ders [][]byte
	for _, c := range []struct {
		name, csr string
		replaces  bool
	}{{"the first", old, false}, {"the same again", old, false}, {"another box", fresh, true}, {"that one again", fresh, false}} {
		got, err := s.Enroll(t.Context(), "10.0.0.1", "r1", newCode(t, s).Code, c.csr)
		lottest.Must(t, err)
		if got.Replaces != c.replaces {
			t.Errorf("%s: replaces %v", c.name, got.Replaces)
		}
		block, _ := pem.Decode([]byte(got.Certificate))
		ders = append(ders, block.Bytes)
	}
	for i, want := range []bool{true, true, false, false} {
		if got, err := s.Withdrawn(ders[i]); err != nil || got != want {
			t.Errorf("certificate %d: withdrawn %v, %v", i, got, err)
		}
	}
	if !s.Admit(pki.Identity{Lot: "riverside", Booth: "booth-a"}) {
		t.Error("the booth is shut out")
	}
}

func TestWithdrawnBoothsAreShutOut(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := service(t, w)
	who := pki.Identity{Lot: "riverside", Booth: "booth-a"}
	if s.Admit(who) {
		t.Error("a booth that never enrolled is admitted")
	}
	_, csr := lottest.Key(t)
	got, err := s.Enroll(t.Context(), "", "", newCode(t, s).Code, csr)
	lottest.Must(t, err)
	block, _ := pem.Decode([]byte(got.Certificate))
	if gone, err := s.Withdrawn(block.Bytes); err != nil || gone || !s.Admit(who) {
		t.Errorf("a fresh booth: withdrawn %v, admitted %v: %v", gone, s.Admit(who), err)
	}
	if s.Admit(pki.Identity{Lot: "elsewhere", Booth: "booth-a"}) {
		t.Error("admitted for another lot")
	}
	lottest.Must(t, s.Withdraw(t.Context(), booth.By{Actor: "test"}, system, "riverside", "booth-a"))
	if gone, err := s.Withdrawn(block.Bytes); err != nil || !gone || s.Admit(who) {
		t.Errorf("a withdrawn booth: withdrawn %v, admitted %v: %v", gone, s.Admit(who), err)
	}
	_, err = s.Enroll(t.Context(), "", "", newCode(t, s).Code, csr)
	if lottest.Must(t, err); !s.Admit(who) {
		t.Error("a booth that enrolled again is not admitted")
	}
	if !s.Admit(pki.Identity{Cloud: true}) {
		t.Error("the cloud itself is not admitted")
	}
}

func TestWhatABoothSaysOfItself(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := service(t, w)
	state := func() lot.Booth {
		l, err := w.Lots.ByID(context.Background(), system, "riverside")
		lottest.Must(t, err)
		return l.Booths[0]
	}
	presence := make(chan broker.Message)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, presence) }()
	say := func(topic string, p any) {
		msg, err := wire.Encode(p)
		lottest.Must(t, err)
		presence <- broker.Message{Topic: topic, Payload: msg, At: w.Now()}
		presence <- broker.Message{Topic: "nonsense"} // taken when the one before is done
	}
	const topic = "lk/1/riverside/booth-a/presence"
	say(topic, wire.Presence{Online: true, Software: "v1\x00"})
	if b := state(); !b.Online || b.Software != "v1?" || b.SeenAt == nil {
		t.Errorf("after hello: %+v", b)
	}
	say(topic, wire.Presence{Online: false})
	if b := state(); b.Online || b.Software != "v1?" {
		t.Errorf("after the last will: %+v", b)
	}
	say(topic, "no presence")
	cancel()
	lottest.Must(t, <-ended)

	w.Broker.On("booth-a", wire.ConfigDown)
	author := fact.Author("aaaaaaaaaaaaaaaa")
	w.Exec(`INSERT INTO authors (lot_id, author, booth_id, key, seq, hash, hlc, opened_at, updated_at)
		VALUES ('riverside', 'aaaaaaaaaaaaaaaa', 'booth-a', decode(repeat('00', 32), 'hex'), 7, decode(repeat('00', 32), 'hex'), 1, now(), now())`)
	cursors := exchange.Cursors{author: {Seq: 10}, "bad\x00": {Seq: 1}}
	lottest.Must(t, s.Heard(context.Background(), "riverside", "booth-a", wire.Cursor{Cursors: cursors, Config: 0}))
	if b := state(); !b.Online || b.Author != string(author) || b.Seq != 7 || b.Lag != 3 || b.Config != 0 {
		t.Errorf("after a cursor: %+v", b)
	}
	if sent := w.Broker.On("booth-a", wire.ConfigDown); len(sent) != 1 {
		t.Errorf("an old configuration was answered with %d", len(sent))
	}
	lottest.Must(t, s.Heard(context.Background(), "riverside", "booth-a", wire.Cursor{Config: 1}))
	if sent := w.Broker.On("booth-a", wire.ConfigDown); len(sent) != 0 || state().Config != 1 {
		t.Errorf("the newest configuration was answered with %d", len(sent))
	}
	w.Pass(31 * time.Second)
	if state().Online {
		t.Error("a booth that has been silent for 31 s counts as connected")
	}
	if err := s.Heard(context.Background(), "riverside", "booth-z", wire.Cursor{}); err == nil {
		t.Error("a booth that is not there was heard")
	}
}

func TestBoothsOverHTTP(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	srv := w.Serve(service(t, w).Register)
	const one = "/api/v1/lots/riverside/booths/booth-a"
	for path, want := range map[string]map[lottest.Who]int{
		one + "/codes":    {lottest.Anonymous: 401, lottest.Seat: 403, lottest.OneLot: 404, lottest.Foreign: 404, lottest.Admin: 201},
		one + "/withdraw": {lottest.Anonymous: 401, lottest.Seat: 403, lottest.OneLot: 404, lottest.Foreign: 404, lottest.Admin: 204},
		"/api/v1/lots/riverside/booths/nope/codes": {lottest.Admin: 404},
	} {
		for who, status := range want {
			if got, code := srv.Do(who, http.MethodPost, path, nil, nil); got != status {
				t.Errorf("%s as %q: %d %s, want %d", path, who, got, code, status)
			}
		}
	}
	tooOften := false
	for range 40 {
		status, code := srv.Do(lottest.Anonymous, http.MethodPost, "/api/v1/enroll", map[string]string{"code": "guess-guess", "csr": ""}, nil)
		if status == http.StatusTooManyRequests {
			tooOften = true
		} else if code != "booth.code" {
			t.Fatalf("a guess: %d %s", status, code)
		}
	}
	if !tooOften {
		t.Error("forty guesses from one address were all looked at")
	}
	for _, path := range []string{"/api/v1/device/config"} {
		if status, _ := srv.Do(lottest.Admin, http.MethodGet, path, nil, nil); status != 401 {
			t.Errorf("%s without a booth's certificate: %d", path, status)
		}
	}
}
