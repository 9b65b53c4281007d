package systemtest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
)

// TestHostile sends what nobody should send to everything that listens. Each is refused; nothing opens, nothing is lost,
// nothing is taken, and the lot works on.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := start(t, quiet())
	if err := r.EnrolOther(t.Context()); err != nil {
		t.Fatal(err)
	}
	const plate = "粤D12345"
	car := enter(t, r, plate, "nothing")
	if _, err := r.Console(t.Context(), rig.ExitBooth); err != nil { // a shift begins, which is a fact
		t.Fatal(err)
	}
	before := settled(t, r)
	still := movements(t, r)

	t.Run("noise on every socket", func(t *testing.T) { noise(t, r) })
	t.Run("wrong certificates on every TLS socket", func(t *testing.T) { certificates(t, r) })
	t.Run("cloud over HTTP", func(t *testing.T) { cloudHTTP(t, r) })
	t.Run("device listener", func(t *testing.T) { devices(t, r) })
	t.Run("console", func(t *testing.T) { console(t, r) })
	t.Run("exchange between booths", func(t *testing.T) { peers(t, r) })
	t.Run("broker: our own topics, bad messages", func(t *testing.T) { badMessages(t, r) })
	t.Run("broker: another lot's topics", func(t *testing.T) { otherLot(t, r) })
	if now := movements(t, r); now != still {
		t.Errorf("the exit's barrier: got %+v, want %+v as before", now, still)
	}
	after := settled(t, r)
	if !after.Same(before) {
		t.Errorf("what is held: got %+v, want %+v as before", after, before)
	}
	t.Run("torn camera frames, cut device links", func(t *testing.T) { tornFrames(t, r) })

	// And the lot works as ever.
	if err := r.SimCall(t.Context(), http.MethodPost, "/link", map[string]any{"lane": rig.ExitLane, "device": "camera"}, nil); err != nil {
		t.Fatal(err)
	}
	leave(t, r, car, plate, "cash")
	settled(t, r)
	oneSession(t, r, plate)
	report(t, r)
}

// TestHostileMosquitto: an external broker knows booths by name alone, so the rest of the judgement is the cloud's.
func TestHostileMosquitto(t *testing.T) {
	t.Parallel()
	o := quiet()
	o.Mosquitto = true
	r := start(t, o)
	if err := r.EnrolOther(t.Context()); err != nil {
		t.Fatal(err)
	}
	enter(t, r, "粤D23456", "nothing")
	if _, err := r.Console(t.Context(), rig.ExitBooth); err != nil { // a shift begins, which is a fact
		t.Fatal(err)
	}
	before := settled(t, r)
	still := movements(t, r)
	t.Run("bad messages", func(t *testing.T) { badMessages(t, r) })
	t.Run("another lot's topics", func(t *testing.T) { otherLot(t, r) })
	if after := settled(t, r); !after.Same(before) {
		t.Errorf("what is held: got %+v, want %+v as before", after, before)
	}
	if now := movements(t, r); now != still {
		t.Errorf("the exit's barrier: got %+v, want %+v as before", now, still)
	}
	report(t, r)
}

// sockets are all that listen for others than the lot's own people and programs.
func sockets(r *rig.Rig) map[string]string {
	a := r.Addresses()
	return map[string]string{
		"cloud http": a.HTTP, "entry console": a.Console[rig.EntryBooth], "exit console": a.Console[rig.ExitBooth],
		"devices": a.Devices, "broker": a.Broker, "entry peer": a.Peer[rig.EntryBooth], "exit peer": a.Peer[rig.ExitBooth],
		"entry raft": a.Raft[rig.EntryBooth], "exit raft": a.Raft[rig.ExitBooth],
	}
}

// noise writes what is no request, no handshake and no packet; the other end must hang up by itself.
func noise(t *testing.T, r *rig.Rig) {
	random := make([]byte, 64<<10)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup // most only end by the time that a greeting may take
	for name, addr := range sockets(r) {
		for what, sent := range map[string][]byte{
			"random bytes":     random,
			"zeroes":           make([]byte, 64<<10),
			"a huge header":    []byte("GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 2<<20) + "\r\n\r\n"),
			"a bad method":     []byte("\x00\x01\x02 / HTTP/9.9\r\n\r\n"),
			"a huge record":    {0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff, 0xff},
			"half a handshake": {0x16, 3, 1, 2, 0, 1, 0},
			"a first letter":   []byte("G"),
		} {
			all.Go(func() {
				if answer, err := hangsUp(addr, sent); err != nil {
					t.Errorf("%s, %s: got %q, %v, want it to hang up", name, what, answer, err)
				}
			})
		}
	}
	all.Wait()
}

// hangsUp reports what came back until the other end hung up.
func hangsUp(addr string, sent []byte) (answer []byte, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, _ = c.Write(sent) // it may hang up before it has read everything
	answer, err = io.ReadAll(io.LimitReader(c, 64<<10))
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return answer, err
	}
	return answer, nil
}

// certificates shows none, a stranger's, and another lot's.
func certificates(t *testing.T, r *rig.Rig) {
	stranger, err := rig.Stranger(rig.Lot, rig.EntryBooth)
	if err != nil {
		t.Fatal(err)
	}
	other := certificateOf(t, r, rig.OtherBooth)
	a := r.Addresses()
	for name, addr := range map[string]string{
		"entry peer": a.Peer[rig.EntryBooth], "exit peer": a.Peer[rig.ExitBooth], "entry raft": a.Raft[rig.EntryBooth], "exit raft": a.Raft[rig.ExitBooth],
	} {
		for what, cert := range map[string]*tls.Certificate{"no certificate": nil, "a stranger's": &stranger, "another lot's": &other} {
			if err := refusedTLS(addr, cert); err != nil {
				t.Errorf("%s with %s: %v", name, what, err)
			}
		}
	}
	for what, cert := range map[string]*tls.Certificate{"no certificate": nil, "a stranger's": &stranger} {
		if err := refusedTLS(a.Broker, cert); err != nil {
			t.Errorf("broker with %s: %v", what, err)
		}
		c := dialMQTT(t, r, rig.EntryBooth, cert)
		if err := done(c.Connect()); err == nil {
			t.Errorf("broker with %s: connected", what)
			c.Disconnect(0)
		}
	}
	if err := refusedTLS(a.Devices, &stranger); err != nil {
		t.Errorf("devices with a stranger's: %v", err)
	}
	c := dialMQTT(t, r, rig.EntryBooth, &other)
	if err := done(c.Connect()); err == nil {
		t.Error("broker with another booth's name than the certificate's: connected")
		c.Disconnect(0)
	}
}

// refusedTLS makes a handshake and writes; with TLS 1.3 a refusal of the certificate comes with the first read.
func refusedTLS(addr string, cert *tls.Certificate) error {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} // who the server is does not matter here
	show(conf, cert)
	c, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		return nil
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, _ = c.Write([]byte("POST /v1/exchange HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"))
	b := make([]byte, 256)
	n, err := c.Read(b)
	var slow net.Error
	switch {
	case n > 0:
		return fmt.Errorf("got %q, want a refusal", b[:n])
	case errors.As(err, &slow) && slow.Timeout():
		return errors.New("neither let in nor refused")
	}
	return nil
}

// show makes a client show a certificate also where the server says that it knows no such authority.
func show(conf *tls.Config, cert *tls.Certificate) {
	if cert != nil {
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
}

func certificateOf(t *testing.T, r *rig.Rig, booth string) tls.Certificate {
	t.Helper()
	c, err := r.CertificateOf(booth)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// attempt is one HTTP request and what must come of it.
type attempt struct {
	what, method, path string
	header             map[string]string
	body               []byte
	want               []int
	says               string // part of the answer
}

func try(t *testing.T, client *http.Client, base string, attempts []attempt) {
	t.Helper()
	for _, a := range attempts {
		req, err := http.NewRequestWithContext(t.Context(), a.method, base+a.path, bytes.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for k, v := range a.header {
			req.Header.Set(k, v)
		}
		res, err := client.Do(req)
		if err != nil {
			if len(a.body) > 1<<20 {
				continue // it hung up while we were still writing: refused
			}
			t.Errorf("%s: %v", a.what, err)
			continue
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !slices.Contains(a.want, res.StatusCode) || !strings.Contains(string(b), a.says) {
			t.Errorf("%s: got %s %.300q %v, want %v with %q", a.what, res.Status, b, err, a.want, a.says)
		}
	}
}

const refusal = `"detail`

func cloudHTTP(t *testing.T, r *rig.Rig) {
	client := &http.Client{Timeout: patience}
	command := []byte(`{"lot":"riverside","lane":"exit-1","action":"open","reason":"x","token":{"boot":"x","mono":1,"car":1},"seen":1}`)
	quotes, deep := "/api/v1/owner/quotes", strings.Repeat("[", 4000)
	try(t, client, r.CloudURL, []attempt{
		{"no JSON", http.MethodPost, quotes, nil, []byte(`{"lot":`), []int{400, 422}, refusal},
		{"wrong types", http.MethodPost, quotes, nil, []byte(`{"lot":1,"plate":{}}`), []int{400, 422}, refusal},
		{"deep JSON", http.MethodPost, quotes, nil, []byte(deep), []int{400, 413, 422}, refusal},
		{"too much", http.MethodPost, quotes, nil, bytes.Repeat([]byte("a"), 4<<20), []int{413}, refusal},
		{"no such lot", http.MethodPost, quotes, nil, []byte(`{"lot":"nowhere","plate":"粤B12345"}`), []int{404, 422}, refusal},
		{"not UTF-8", http.MethodPost, quotes, nil, []byte("{\"lot\":\"riverside\",\"plate\":\"\xff\xfe\x00\"}"), []int{400, 404, 422}, refusal},
		{"a NUL", http.MethodPost, quotes, nil, []byte(`{"lot":"riverside","plate":"粤B\u000012345"}`), []int{400, 404, 422}, refusal},
		{"a command by nobody", http.MethodPost, "/api/v1/seat/commands", map[string]string{"Idempotency-Key": "x1"}, command, []int{401}, refusal},
		{"a forged session", http.MethodPost, "/api/v1/seat/commands", map[string]string{"Idempotency-Key": "x2", "Cookie": "__Host-lotkeeper=forged; lotkeeper=forged"}, command, []int{401}, refusal},
		{"a lot made by nobody", http.MethodPost, "/api/v1/lots", nil, []byte(`{}`), []int{401}, refusal},
		{"a payment notice that nobody signed", http.MethodPost, "/api/v1/payments/wechat/notify", nil, []byte(`{"id":"x"}`), []int{400, 401, 403, 404, 422}, ""},
		{"an enrolment with a guessed code", http.MethodPost, "/api/v1/enroll", nil, []byte(`{"code":"ABCD-EFGH-JKMN-PQRS","csr":"x"}`), []int{403}, refusal},
		{"a booth's route without a certificate", http.MethodGet, "/api/v1/device/config", nil, nil, []int{401, 403}, refusal},
		{"a path outside", http.MethodGet, "/../../../../etc/passwd", nil, nil, []int{200, 301, 307, 400, 404}, ""},
	})
	// A seat is no lot's owner, and a command needs what the operator saw.
	seat := signIn(t, r, rig.Seat)
	for what, in := range map[string]map[string]any{
		"no token":         {"lot": rig.Lot, "lane": rig.ExitLane, "action": "open", "reason": "x", "token": map[string]any{}, "seen": 1},
		"no reason":        {"lot": rig.Lot, "lane": rig.ExitLane, "action": "open", "reason": "", "token": map[string]any{"boot": "x", "mono": 1, "car": 1}, "seen": 1},
		"no such lane":     {"lot": rig.Lot, "lane": "exit-9", "action": "open", "reason": "x", "token": map[string]any{"boot": "x", "mono": 1, "car": 1}, "seen": 1},
		"no such action":   {"lot": rig.Lot, "lane": rig.ExitLane, "action": "explode", "reason": "x", "token": map[string]any{"boot": "x", "mono": 1, "car": 1}, "seen": 1},
		"an unknown field": {"lot": rig.Lot, "lane": rig.ExitLane, "action": "open", "reason": "x", "token": map[string]any{"boot": "x", "mono": 1, "car": 1}, "seen": 1, "force": true},
	} {
		var refused *rig.StatusError
		if err := seat.Call(t.Context(), http.MethodPost, "/api/v1/seat/commands", in, nil); !errors.As(err, &refused) || refused.Status/100 != 4 {
			t.Errorf("a command with %s: got %v, want a 4xx", what, err)
		}
	}
	var refused *rig.StatusError
	if err := seat.Call(t.Context(), http.MethodPost, "/api/v1/lots", map[string]any{"id": "mine"}, nil); !errors.As(err, &refused) || refused.Status/100 != 4 {
		t.Errorf("a lot made by a seat: got %v, want a 4xx", err)
	}
}

func tlsClient(t *testing.T, r *rig.Rig, certs ...tls.Certificate) *http.Client {
	t.Helper()
	roots, err := r.Roots()
	if err != nil {
		t.Fatal(err)
	}
	// Booths know each other by certificates, not by hosts; here only what they answer matters.
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: certs, InsecureSkipVerify: true}
	return &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
}

func devices(t *testing.T, r *rig.Rig) {
	base := "https://" + r.Addresses().Devices + "/api/v1/device"
	name := func(b []byte) string { h := sha256.Sum256(b); return "/photos/" + hex.EncodeToString(h[:]) }
	text, big := []byte("this is no photo"), bytes.Repeat([]byte{0xff}, 9<<20)
	try(t, tlsClient(t, r), base, []attempt{
		{"a photo from nobody", http.MethodPut, name(text), nil, text, []int{401, 403}, refusal},
		{"the configuration for nobody", http.MethodGet, "/config", nil, nil, []int{401, 403}, refusal},
	})
	try(t, tlsClient(t, r, certificateOf(t, r, rig.OtherBooth)), base, []attempt{
		{"a photo under a wrong name", http.MethodPut, name([]byte("another")), nil, text, []int{400, 422}, refusal},
		{"a photo with no name", http.MethodPut, "/photos/..%2f..%2fetc", nil, text, []int{400, 404, 422}, ""},
		{"no photo at all", http.MethodPut, name(text), nil, text, []int{400, 415, 422}, refusal},
		{"too large a photo", http.MethodPut, name(big), nil, big, []int{413, 422}, "big"},
	})
}

func console(t *testing.T, r *rig.Rig) {
	client := &http.Client{Timeout: patience}
	const open = "/api/lanes/exit-1/open"
	body := []byte(`{"reason":"x","token":{"boot":"x","mono":1,"car":1}}`)
	for _, booth := range []string{rig.EntryBooth, rig.ExitBooth} {
		try(t, client, r.BoothURL[booth], []attempt{
			{"opening by nobody", http.MethodPost, open, nil, body, []int{401}, refusal},
			{"opening with a forged token", http.MethodPost, open, map[string]string{"Authorization": "Bearer forged"}, body, []int{401}, refusal},
			{"another site's page", http.MethodPost, open, map[string]string{"Origin": "https://evil.example"}, body, []int{403}, refusal},
			{"no JSON", http.MethodPost, "/api/sign-in", nil, []byte(`{"name":`), []int{400}, refusal},
			{"unknown fields", http.MethodPost, "/api/sign-in", nil, []byte(`{"name":"zhang","code":"x","admin":true}`), []int{400}, refusal},
			{"two documents", http.MethodPost, "/api/sign-in", nil, []byte(`{"name":"zhang","code":"x"}{}`), []int{400}, refusal},
			{"too much", http.MethodPost, "/api/sign-in", nil, append([]byte(`{"name":"`), bytes.Repeat([]byte("a"), 2<<20)...), []int{400, 413}, refusal},
			{"a wrong code", http.MethodPost, "/api/sign-in", nil, []byte(`{"name":"nobody","code":"123456"}`), []int{401}, refusal},
			{"plates for nobody", http.MethodGet, "/api/passages", nil, nil, []int{401}, refusal},
			{"a path outside", http.MethodGet, "/api/photos/..%2f..%2fidentity%2fkey.pem", nil, nil, []int{400, 401, 404}, ""},
		})
	}
	a, err := r.Console(t.Context(), rig.ExitBooth)
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string]map[string]any{
		"another run's token": {"reason": "x", "token": map[string]any{"boot": "x", "mono": 1, "car": 1}},
		"an unknown field":    {"reason": "x", "token": map[string]any{}, "force": true},
	} {
		var refused *rig.StatusError
		if err := a.Call(t.Context(), http.MethodPost, open, in, nil); !errors.As(err, &refused) || refused.Status/100 != 4 {
			t.Errorf("opening with %s: got %v, want a 4xx", what, err)
		}
	}
}

// peers: a right certificate does not make a message right.
func peers(t *testing.T, r *rig.Rig) {
	client := tlsClient(t, r, certificateOf(t, r, rig.EntryBooth))
	const exchangePath = "/v1/exchange"
	try(t, client, "https://"+r.Addresses().Peer[rig.ExitBooth], []attempt{
		{"no message", http.MethodPost, exchangePath, nil, []byte("xyz"), []int{400}, ""},
		{"another lot", http.MethodPost, exchangePath, nil, []byte(`{"lot":"hillside","booth":"booth-a"}`), []int{400}, "hillside"},
		{"another booth's name", http.MethodPost, exchangePath, nil, []byte(`{"lot":"riverside","booth":"booth-b"}`), []int{400}, "booth-b"},
		{"a bomb", http.MethodPost, exchangePath, nil, bomb(t), []int{400, 413}, ""},
		{"too much", http.MethodPost, exchangePath, nil, bytes.Repeat([]byte("a"), 8<<20), []int{413}, ""},
		{"another method", http.MethodGet, exchangePath, nil, nil, []int{404, 405}, ""},
	})
	// Whoever does not name the booths' group is not talked to.
	if c, err := tls.Dial("tcp", r.Addresses().Raft[rig.ExitBooth], &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, Certificates: []tls.Certificate{certificateOf(t, r, rig.EntryBooth)},
	}); err == nil {
		_ = c.Close()
		t.Error("raft: a booth of the lot that names no group is let in")
	}
	// Bytes that are no raft, from a booth of the lot: raft hangs up.
	name, err := r.RaftName(rig.ExitBooth)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", r.Addresses().Raft[rig.ExitBooth], &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, Certificates: []tls.Certificate{certificateOf(t, r, rig.EntryBooth)},
		NextProtos: []string{name},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write(bytes.Repeat([]byte{0xee}, 4096))
	var slow net.Error
	if _, err := io.ReadAll(io.LimitReader(c, 64<<10)); errors.As(err, &slow) && slow.Timeout() {
		t.Error("raft: noise from a booth of the lot: it does not hang up")
	}
}

// tornFrames: a camera that tears a frame, and links to devices that break, lose no car.
func tornFrames(t *testing.T, r *rig.Rig) {
	tornBefore, err := r.Hardware(t.Context(), rig.EntryLane)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SimCall(t.Context(), http.MethodPost, "/tear", map[string]any{"lane": rig.EntryLane}, nil); err != nil {
		t.Fatal(err)
	}
	enter(t, r, "粤D34567", "nothing")
	torn, err := r.Hardware(t.Context(), rig.EntryLane)
	if err != nil || torn.Camera.Torn != tornBefore.Camera.Torn+1 {
		t.Errorf("frames torn: got %d, %v, want one", torn.Camera.Torn, err)
	}
	for _, device := range []string{"camera", "board"} {
		if err := r.SimCall(t.Context(), http.MethodPost, "/link", map[string]any{"lane": rig.EntryLane, "device": device}, nil); err != nil {
			t.Fatal(err)
		}
	}
	enter(t, r, "粤D45678", "nothing")
	settled(t, r)
}
