package cloudtest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/gorilla/websocket"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

const patience = 15 * time.Second

// enrolled is a booth that went through enrolment over HTTP.
type enrolled struct {
	Lot         string      `json:"lot"`
	Booth       string      `json:"booth"`
	Certificate string      `json:"certificate"`
	CA          string      `json:"ca"`
	ConfigKey   []byte      `json:"config_key"`
	Broker      string      `json:"broker"`
	DeviceURL   string      `json:"device_url"`
	Config      wire.Signed `json:"config"`

	key ed25519.PrivateKey
	tls *tls.Config
}

func enroll(t *testing.T, admin *cloudtest.Client, anybody *cloudtest.Client, lot, booth string) *enrolled {
	t.Helper()
	var code struct{ Code string }
	admin.Do(t, "POST", "/api/v1/lots/"+lot+"/booths/"+booth+"/codes", nil, &code)
	key, csr := lottest.Key(t)
	e := &enrolled{key: key}
	request := map[string]string{"code": strings.ToLower(code.Code), "csr": csr}
	anybody.Do(t, "POST", "/api/v1/enroll", request, e)
	if r := anybody.Send(t, "POST", "/api/v1/enroll", request); r.Code() != "booth.code" {
		t.Errorf("a used code: %d %s", r.Status, r.Body)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(e.CA))
	e.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{lottest.Pair(t, e.Certificate, key)}}
	return e
}

// connect is the booth's MQTT client, with what it hears.
func (e *enrolled) connect(t *testing.T) (paho.Client, <-chan paho.Message) {
	t.Helper()
	heard := make(chan paho.Message, 1000)
	c := paho.NewClient(paho.NewClientOptions().AddBroker(e.Broker).SetClientID(e.Booth).SetProtocolVersion(4).SetTLSConfig(e.tls).
		SetConnectTimeout(5 * time.Second).SetAutoReconnect(false))
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("booth %s connects to %s: %v", e.Booth, e.Broker, token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	for _, channel := range []wire.Channel{wire.FactsDown, wire.CursorDown, wire.ConfigDown, wire.RightsDown, wire.CommandTo} {
		token := c.Subscribe(e.topic(channel), 1, func(_ paho.Client, m paho.Message) { heard <- m })
		if !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("subscribe %s: %v", channel, token.Error())
		}
	}
	return c, heard
}

func (e *enrolled) topic(c wire.Channel) string {
	return wire.Topic{Lot: e.Lot, Booth: e.Booth, Channel: c}.String()
}

func (e *enrolled) publish(t *testing.T, c paho.Client, channel wire.Channel, v any) {
	t.Helper()
	msg, err := wire.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	if token := c.Publish(e.topic(channel), 1, false, msg); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("publish %s: %v", channel, token.Error())
	}
}

// await reads messages of a channel until one satisfies ok.
func await[T any](t *testing.T, e *enrolled, heard <-chan paho.Message, channel wire.Channel, ok func(T) bool) T {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-heard:
			if m.Topic() != e.topic(channel) {
				continue
			}
			v, err := wire.Decode[T](m.Payload())
			if err != nil {
				t.Fatal(err)
			}
			if ok(v) {
				return v
			}
		case <-deadline:
			t.Fatalf("nothing fitting on %s in time", channel)
		}
	}
}

// liveMessage is what browsers get.
type liveMessage struct {
	Topic string          `json:"topic"`
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
}

func awaitLive(t *testing.T, ws *websocket.Conn, kind, part string) liveMessage {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for {
		var m liveMessage
		if err := ws.ReadJSON(&m); err != nil {
			t.Fatalf("waiting for %s with %s: %v", kind, part, err)
		}
		if m.Type == kind && strings.Contains(string(m.Data), part) {
			return m
		}
	}
}

func picture(t *testing.T) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 24)), nil); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(hash[:])
}

func put(t *testing.T, client *http.Client, url string, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("put %s: %v", url, err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// A booth enrols, gets its configuration, sends facts and a photo, is seen live, and does what a seat asks.
func TestABoothAndItsPeople(t *testing.T) {
	s := cloudtest.Start(t)
	op := s.Operator(t, "One")
	admin, seat := s.SignIn(t, op, account.RoleAdmin), s.SignIn(t, op, account.RoleSeat)
	s.Lot(t, op, "riverside")
	awaitReady(t, s, admin)
	e := enroll(t, admin, s.Client(t), "riverside", "riverside-b")
	config, err := wire.OpenConfig(e.Config, e.ConfigKey)
	if err != nil || config.Number != 1 || e.Lot != "riverside" {
		t.Fatalf("enrolled with %+v: %v", config, err)
	}

	// Facts up, cursor down.
	c, heard := e.connect(t)
	data, hash := picture(t)
	block, _ := pem.Decode([]byte(e.Certificate))
	a := cloudtest.NewAuthor(t, "riverside", e.Booth, e.key, block.Bytes)
	in := a.Pass(t, "粤B12345", fact.Entry, fact.Photo{Kind: "scene", SHA256: hash, Bytes: len(data)})
	e.publish(t, c, wire.FactsUp, wire.Facts{Batch: a.Batch()})
	await(t, e, heard, wire.CursorDown, func(x wire.Cursor) bool { return x.Cursors[a.ID].Seq == a.Head.Seq })

	// A booth that states an old configuration is offered the newest.
	e.publish(t, c, wire.CursorUp, wire.Cursor{At: time.Now(), Cursors: map[fact.Author]fact.Head{a.ID: a.Head}})
	await(t, e, heard, wire.ConfigDown, func(x wire.Signed) bool { _, err := wire.OpenConfig(x, e.ConfigKey); return err == nil })

	// Photos.
	device := &http.Client{Transport: &http.Transport{TLSClientConfig: e.tls}, Timeout: patience}
	defer device.CloseIdleConnections()
	for name, tc := range map[string]struct {
		hash string
		body []byte
		want int
	}{
		"the photo":        {hash, data, 204},
		"again":            {hash, data, 204},
		"altered":          {hash, append([]byte{}, data[:len(data)-1]...), 422},
		"not a name":       {"../../etc", data, 404},
		"not a picture":    {sum([]byte("hello")), []byte("hello"), 422},
		"beyond the limit": {sum(make([]byte, 3<<20)), make([]byte, 3<<20), 422},
	} {
		if got := put(t, device, e.DeviceURL+"/photos/"+tc.hash, tc.body); got != tc.want {
			t.Errorf("photo, %s: %d, want %d", name, got, tc.want)
		}
	}
	if r := admin.Send(t, "PUT", "/api/v1/device/photos/"+hash, data); r.Status != 401 {
		t.Errorf("a person uploads a photo: %d", r.Status)
	}
	if r := seat.Send(t, "GET", "/api/v1/photos/"+hash, nil); r.Status != 200 || !bytes.Equal(r.Body, data) || r.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("the photo: %d, %d bytes", r.Status, len(r.Body))
	}
	stranger := s.SignIn(t, s.Operator(t, "Two"), account.RoleAdmin)
	if r := stranger.Send(t, "GET", "/api/v1/photos/"+hash, nil); r.Status != 404 {
		t.Errorf("the photo for another tenant: %d", r.Status)
	}

	// What people see.
	var list struct {
		Items []struct {
			ID    string
			State string
			Plate struct{ Text string }
		}
		Total int
	}
	seat.Do(t, "GET", "/api/v1/sessions?lot=riverside&plate=12345&state=inside", nil, &list)
	if list.Total != 1 || list.Items[0].ID != in.String() || list.Items[0].Plate.Text != "粤B12345" {
		t.Errorf("sessions %+v", list)
	}
	var detail struct {
		Entry struct{ Photos []struct{ SHA256 string } }
		Facts []struct {
			Kind string
			Text struct{ ZH, EN string }
		}
	}
	seat.Do(t, "GET", "/api/v1/lots/riverside/sessions/"+in.String(), nil, &detail)
	if len(detail.Facts) != 3 || len(detail.Entry.Photos) != 1 || detail.Facts[0].Text.ZH == "" || detail.Facts[0].Text.EN == "" {
		t.Errorf("detail %+v", detail)
	}
	if r := seat.Send(t, "GET", "/api/v1/sessions.csv?lot=riverside", nil); r.Status != 200 || !strings.HasPrefix(string(r.Body), "\uFEFF") || !strings.Contains(string(r.Body), "粤B12345") {
		t.Errorf("csv: %d %s", r.Status, r.Body)
	}
	var lots struct {
		Items []struct{ Inside, Booths, BoothsOnline int }
	}
	admin.Do(t, "GET", "/api/v1/lots", nil, &lots)
	if len(lots.Items) != 1 || lots.Items[0].Inside != 1 {
		t.Errorf("lots %+v", lots)
	}

	// Live: somebody waits at the exit, the seat is told, opens, and is told what came of it.
	ws, other := seat.Live(t), stranger.Live(t)
	for _, x := range []*websocket.Conn{ws, other} {
		if err := x.WriteJSON(map[string]any{"subscribe": []string{"lot:riverside", "seat", "nonsense:x"}}); err != nil {
			t.Fatal(err)
		}
	}
	awaitLive(t, ws, "counts", `"inside":1`)
	awaitLive(t, ws, "queue", `[]`)
	since := time.Now().UTC().Truncate(time.Millisecond)
	token := wire.Token{Boot: "boot", Mono: 12, Car: 3}
	state := wire.Live{
		Lane: "exit-1", Dir: fact.Exit, At: since, Mono: 99, Token: token, Plate: &plate.Plate{Text: "粤B12345"},
		Action: fact.Hold, Reason: "unpaid", Due: 1500, Currency: "CNY", Arm: "down", Loop: true, Waiting: &since,
	}
	e.publish(t, c, wire.LiveFrom("exit-1"), state)
	awaitLive(t, ws, "lane", `"due":1500`)
	awaitLive(t, ws, "queue", `"exit-1"`)
	var queue struct{ Total int }
	seat.Do(t, "GET", "/api/v1/seat/queue", nil, &queue)
	if queue.Total != 1 {
		t.Errorf("%d wait, want 1", queue.Total)
	}
	stranger.Do(t, "GET", "/api/v1/seat/queue", nil, &queue)
	if queue.Total != 0 {
		t.Errorf("another tenant sees %d waiting", queue.Total)
	}

	order := map[string]any{"lot": "riverside", "lane": "exit-1", "action": "open", "reason": "paid at the desk", "token": token, "seen": "99"}
	var given struct{ Command string }
	for range 2 { // the same key twice is one command
		seat.Do(t, "POST", "/api/v1/seat/commands", order, &given, "Idempotency-Key: key-0001")
	}
	command := await(t, e, heard, wire.CommandTo, func(wire.Command) bool { return true })
	if command.ID != given.Command || command.Token != token || command.Seen != 99 || command.TTL != wire.CommandTTL || command.By != seat.User.Name {
		t.Errorf("the booth is asked %+v", command)
	}
	e.publish(t, c, wire.ResultFrom, wire.Result{Command: command.ID, Lane: "exit-1", Verdict: "done", Text: "opened"})
	awaitLive(t, ws, "result", `"verdict":"done"`)
	var what struct{ State string }
	seat.Do(t, "GET", "/api/v1/seat/commands/"+given.Command, nil, &what)
	if what.State != "done" {
		t.Errorf("the command is %s", what.State)
	}
	select {
	case m := <-heard:
		if m.Topic() == e.topic(wire.CommandTo) {
			t.Error("the command was sent twice")
		}
	default:
	}

	// A new fact is an event on the screen.
	a.Pass(t, "粤B12345", fact.Exit)
	e.publish(t, c, wire.FactsUp, wire.Facts{Batch: a.Batch()})
	awaitLive(t, ws, "event", `"plate":"粤B12345"`)

	// The other tenant was told nothing but that it may not.
	if err := other.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		_, text, err := other.ReadMessage()
		if err != nil {
			break
		}
		if strings.Contains(string(text), "exit-1") || strings.Contains(string(text), "粤") || strings.Contains(string(text), "inside") {
			t.Errorf("another tenant was told %s", text)
		}
	}

	// A withdrawn booth is shut out.
	admin.Do(t, "POST", "/api/v1/lots/riverside/booths/riverside-b/withdraw", nil, nil)
	if got := put(t, device, e.DeviceURL+"/photos/"+hash, data); got != 403 {
		t.Errorf("a withdrawn booth's photo: %d", got)
	}
	c.Disconnect(0)
	again := paho.NewClient(paho.NewClientOptions().AddBroker(e.Broker).SetClientID(e.Booth).SetProtocolVersion(4).SetTLSConfig(e.tls).SetConnectTimeout(5 * time.Second))
	if tok := again.Connect(); tok.WaitTimeout(patience) && tok.Error() == nil {
		t.Error("a withdrawn booth connects")
	}
	d, err := ingest.DigestOf(t.Context(), s.App.DB, "riverside")
	if err != nil || !d.Projection || d.Facts != len(a.Records) {
		t.Errorf("digest %+v: %v", d, err)
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// lotThings gives the tenant test things of a tenant's lot: path to what it asks, by operation path.
func lotThings(t *testing.T, s *cloudtest.Server, c *cloudtest.Client) map[string]string {
	t.Helper()
	s.Lot(t, c.User.Operator.ID, "tenant-lot")
	key, csr := lottest.Key(t)
	cert, err := s.App.CA.IssueBooth([]byte(csr), "tenant-lot", "tenant-lot-a", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(cert)
	a := cloudtest.NewAuthor(t, "tenant-lot", "tenant-lot-a", key, block.Bytes)
	session := a.Pass(t, "粤B12345", fact.Entry)
	a.Say(t, fact.Draft{Kind: fact.KindCash, Refs: []fact.ID{session}, Body: map[string]any{"amount": -1}})
	if got, err := s.App.Ingest.Take(t.Context(), a.Batch()); err != nil || got.Poor != 1 {
		t.Fatalf("%+v: %v", got, err)
	}
	var alarms struct{ Items []struct{ ID string } }
	c.Do(t, "GET", "/api/v1/alarms", nil, &alarms)
	if len(alarms.Items) != 1 {
		t.Fatalf("%d alarms", len(alarms.Items))
	}
	var given struct{ Command string }
	c.Do(t, "POST", "/api/v1/seat/commands", map[string]any{
		"lot": "tenant-lot", "lane": "exit-1", "action": "open", "reason": "test", "token": wire.Token{Boot: "b"}, "seen": "1",
	}, &given, "Idempotency-Key: tenant-0001")
	const lot = "/api/v1/lots/tenant-lot"
	return map[string]string{
		"/api/v1/alarms/{alarm}/clear":               "/api/v1/alarms/" + alarms.Items[0].ID + "/clear",
		"/api/v1/seat/commands/{id}":                 "/api/v1/seat/commands/" + given.Command,
		"/api/v1/lots/{lot}":                         lot,
		"/api/v1/lots/{lot}/live":                    lot + "/live",
		"/api/v1/lots/{lot}/cursors":                 lot + "/cursors",
		"/api/v1/lots/{lot}/sessions/{id}":           lot + "/sessions/" + session.String(),
		"/api/v1/lots/{lot}/booths/{booth}/codes":    lot + "/booths/tenant-lot-a/codes",
		"/api/v1/lots/{lot}/booths/{booth}/withdraw": lot + "/booths/tenant-lot-a/withdraw",
	}
}

const updateLot = `{"config_number":1,"kind":"off_street","name":{"zh":"新","en":"New"},"tz":"Asia/Shanghai","currency":"CNY","capacity":5,"lanes":[],"booths":[
	{"id":"tenant-lot-a","name":{"zh":"岗亭","en":"Booth"}}]}`

// Lists show one tenant nothing of another's lot.
func TestOtherTenantsLists(t *testing.T) {
	s := cloudtest.Start(t)
	mine := s.SignIn(t, s.Operator(t, "One"), account.RoleAdmin)
	theirs := s.SignIn(t, s.Operator(t, "Two"), account.RoleAdmin)
	lotThings(t, s, mine)
	for _, path := range []string{
		"/api/v1/lots", "/api/v1/sessions", "/api/v1/sessions.csv", "/api/v1/passages", "/api/v1/alarms", "/api/v1/ingest/quarantine",
	} {
		for who, want := range map[*cloudtest.Client]bool{mine: true, theirs: false} {
			r := who.Send(t, "GET", path+"?lot=tenant-lot", nil)
			if path == "/api/v1/lots" {
				r = who.Send(t, "GET", path, nil)
			}
			if got := strings.Contains(string(r.Body), "tenant-lot"); r.Status != 200 || got != want {
				t.Errorf("%s: %d, shows the lot %v, want %v: %.200s", path, r.Status, got, want, r.Body)
			}
		}
	}
	limited := s.SignIn(t, mine.User.Operator.ID, account.RoleSeat, "another-lot")
	if r := limited.Send(t, "GET", "/api/v1/sessions", nil); strings.Contains(string(r.Body), "tenant-lot") {
		t.Error("a user of another lot sees its sessions")
	}
	for _, bad := range []string{"/api/v1/sessions?sort=plate", "/api/v1/sessions?size=100000", "/api/v1/sessions?from=yesterday", "/api/v1/sessions.csv?min_debt=x", "/api/v1/lots/x/sessions/nonsense", "/api/v1/photos/" + strings.Repeat("z", 64), "/api/v1/sessions?plate=%00", "/api/v1/passages?plate=%00&lane=%00", "/api/v1/lots?q=%00", "/api/v1/lots/%00/live"} {
		if r := mine.Send(t, "GET", bad, nil); r.Status < 400 || r.Status >= 500 {
			t.Errorf("%s: %d %s", bad, r.Status, r.Body)
		}
	}
}
