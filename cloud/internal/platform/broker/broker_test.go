package broker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/shared/wire"
)

const patience = 10 * time.Second

// Both brokers pass the same suite.
func TestEmbedded(t *testing.T) {
	ca := authority(t)
	e, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Address: "127.0.0.1:0", TLS: ca.ServerTLS([]string{"127.0.0.1"}, true, time.Now), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	conforms(t, ca, e.URL(), true)
}

func TestMosquitto(t *testing.T) {
	ca := authority(t)
	conforms(t, ca, mosquitto(t, ca), false)
}

// conforms checks what the system relies on. tiesLots: the broker itself ties a booth to its lot.
func conforms(t *testing.T, ca *pki.Authority, url string, tiesLots bool) {
	t.Run("no certificate", func(t *testing.T) {
		if err := connect(t, ca, url, "b1", nil); err == nil {
			t.Error("connected without a certificate")
		}
	})
	t.Run("certificate of another authority", func(t *testing.T) {
		cert := boothCert(t, authority(t), "l1", "b1")
		if err := connect(t, ca, url, "b1", &cert); err == nil {
			t.Error("connected with a stranger's certificate")
		}
	})
	if tiesLots {
		t.Run("another booth's client id", func(t *testing.T) {
			cert := boothCert(t, ca, "l1", "b1")
			if err := connect(t, ca, url, "b2", &cert); err == nil {
				t.Error("connected as b2 with the certificate of b1")
			}
		})
	}

	cloud := cloudClient(t, ca, url, "cloud-1")
	all := cloud.Subscribe("lk/1/#", 1, 100)
	await(t, all)

	t.Run("own topics up", func(t *testing.T) {
		b := boothClient(t, ca, url, "l1", "b1")
		for _, c := range []wire.Channel{wire.FactsUp, wire.CursorUp, wire.ResultFrom, wire.LiveFrom("in")} {
			topic := wire.Topic{Lot: "l1", Booth: "b1", Channel: c}.String()
			if err := wait(b.Publish(topic, 1, false, topic)); err != nil {
				t.Fatalf("publish %s: %v", topic, err)
			}
			if m := next(t, all); m.Topic != topic || string(m.Payload) != topic {
				t.Errorf("got %s %q, want %s", m.Topic, m.Payload, topic)
			}
		}
	})
	foreign := []string{"lk/1/l1/b2/facts/up", "lk/1/l1/b1/command", "lk/1/l1/b1/config", "lk/2/l1/b1/facts/up", "other"}
	if tiesLots {
		foreign = append(foreign, "lk/1/l2/b1/facts/up")
	}
	for _, topic := range foreign {
		t.Run("spoofed "+topic, func(t *testing.T) {
			b := boothClient(t, ca, url, "l1", "b1")
			b.Publish(topic, 1, false, "spoof").WaitTimeout(300 * time.Millisecond) // refused: the broker may cut us off
			b.Disconnect(0)
			again := boothClient(t, ca, url, "l1", "b1")
			mark := wire.Topic{Lot: "l1", Booth: "b1", Channel: wire.ResultFrom}.String()
			if err := wait(again.Publish(mark, 1, false, "mark")); err != nil {
				t.Fatal(err)
			}
			if m := next(t, all); string(m.Payload) != "mark" {
				t.Errorf("the spoofed message was delivered: %s %q", m.Topic, m.Payload)
			}
		})
	}
	t.Run("own topics down, nobody else's", func(t *testing.T) {
		b := boothClient(t, ca, url, "l1", "b1")
		got := make(chan string, 10)
		for _, filter := range []string{"lk/1/l1/b1/command", "lk/1/l1/b2/command", "lk/1/+/+/command", "#", "$share/x/lk/1/l1/b2/command"} {
			b.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) { got <- m.Topic() }).WaitTimeout(patience)
		}
		for _, booth := range []string{"b2", "b1"} {
			if err := cloud.Publish(t.Context(), "lk/1/l1/"+booth+"/command", 1, false, []byte("open")); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case topic := <-got:
			if topic != "lk/1/l1/b1/command" {
				t.Errorf("b1 got %s", topic)
			}
		case <-time.After(patience):
			t.Error("b1 did not get its command")
		}
		drain(all)
	})
	t.Run("a share splits and loses none", func(t *testing.T) { shared(t, ca, url) })
}

func shared(t *testing.T, ca *pki.Authority, url string) {
	const n = 300
	var subs []*broker.Subscription
	for i := range 2 {
		s := cloudClient(t, ca, url, fmt.Sprintf("cloud-share-%d", i)).Subscribe("$share/ingest/"+wire.Every(wire.FactsUp), 1, n)
		await(t, s)
		subs = append(subs, s)
	}
	b := boothClient(t, ca, url, "l1", "b9")
	for i := range n {
		if err := wait(b.Publish("lk/1/l1/b9/facts/up", 1, false, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	counts := [2]int{}
	deadline := time.After(patience)
	for len(seen) < n {
		select {
		case m := <-subs[0].C():
			seen[string(m.Payload)]++
			counts[0]++
		case m := <-subs[1].C():
			seen[string(m.Payload)]++
			counts[1]++
		case <-deadline:
			t.Fatalf("%d of %d messages arrived", len(seen), n)
		}
	}
	if counts[0] == 0 || counts[1] == 0 {
		t.Errorf("not split: %v", counts)
	}
}

// A broker that goes away and comes back: the client connects again and its subscriptions live.
func TestClientReconnects(t *testing.T) {
	ca := authority(t)
	start := func(address string) *broker.Embedded {
		e, err := broker.StartEmbedded(broker.EmbeddedConfig{
			Address: address, TLS: ca.ServerTLS([]string{"127.0.0.1"}, true, time.Now), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := start("127.0.0.1:0")
	address := first.Address()
	c := cloudClient(t, ca, first.URL(), "cloud-1")
	s := c.Subscribe("lk/1/+/+/result", 1, 10)
	await(t, s)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the client notices", func() bool { return !c.Connected() })
	if err := c.Publish(t.Context(), "lk/1/l/b/command", 1, false, nil); err == nil {
		t.Error("published without a connection")
	}
	second := start(address)
	defer func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}()
	until(t, "a message gets through again", func() bool {
		_ = c.Publish(t.Context(), "lk/1/l/b/result", 1, false, []byte("back")) // fails until connected
		select {
		case m := <-s.C():
			return string(m.Payload) == "back"
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
}

func TestSlowReaderLosesAndIsTold(t *testing.T) {
	ca := authority(t)
	e, err := broker.StartEmbedded(broker.EmbeddedConfig{Address: "127.0.0.1:0", TLS: ca.ServerTLS([]string{"127.0.0.1"}, true, time.Now), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	c := cloudClient(t, ca, e.URL(), "cloud-1")
	slow, fast := c.Subscribe("lk/1/l/b/result", 1, 3), c.Subscribe("lk/1/l/+/result", 1, 100)
	await(t, slow)
	await(t, fast)
	for range 20 {
		if err := c.Publish(t.Context(), "lk/1/l/b/result", 1, false, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		next(t, fast)
	}
	until(t, "the slow one is told", func() bool { return slow.Dropped() >= 17 })
	if len(slow.C()) != 3 {
		t.Errorf("%d wait in a queue of 3", len(slow.C()))
	}
}

func TestWillAndAdmission(t *testing.T) {
	ca := authority(t)
	e, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Address: "127.0.0.1:0", TLS: ca.ServerTLS([]string{"127.0.0.1"}, true, time.Now), Logger: slog.New(slog.DiscardHandler),
		Admit: func(who pki.Identity) bool { return who.Booth != "gone" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	for name, tc := range map[string]struct {
		booth, will string
		want        bool
	}{
		"own presence":         {"b1", "lk/1/l1/b1/presence", true},
		"another's presence":   {"b1", "lk/1/l1/b2/presence", false},
		"own command":          {"b1", "lk/1/l1/b1/command", false},
		"a booth not enrolled": {"gone", "lk/1/l1/gone/presence", false},
	} {
		cert := boothCert(t, ca, "l1", id.Booth(tc.booth))
		client := paho.NewClient(options(ca, e.URL(), tc.booth, &cert).SetWill(tc.will, "x", 1, true))
		err := wait(client.Connect())
		if (err == nil) != tc.want {
			t.Errorf("%s: connect = %v, want allowed %v", name, err, tc.want)
		}
		client.Disconnect(0)
	}
}

// Whoever connects and says nothing, or connects just now, does not hold up the end.
func TestCloseWhileStrangersConnect(t *testing.T) {
	ca := authority(t)
	e, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Address: "127.0.0.1:0", TLS: ca.ServerTLS([]string{"127.0.0.1"}, true, time.Now), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	cert := boothCert(t, ca, "l1", "b1")
	booth := paho.NewClient(options(ca, e.URL(), "b1", &cert).SetAutoReconnect(true).SetConnectRetry(true).SetMaxReconnectInterval(time.Millisecond))
	if err := wait(booth.Connect()); err != nil {
		t.Fatal(err)
	}
	defer booth.Disconnect(0)
	conf := options(ca, e.URL(), "b2", &cert).TLSConfig
	shaken, err := tls.Dial("tcp", e.Address(), conf) // past TLS, before CONNECT
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shaken.Close() }()
	over := make(chan struct{})
	var crowd sync.WaitGroup
	for range 4 {
		crowd.Go(func() {
			var held []net.Conn
			for {
				select {
				case <-over:
					for _, c := range held {
						_ = c.Close()
					}
					return
				default:
				}
				c, err := net.Dial("tcp", e.Address())
				if err != nil {
					<-over // the door is shut
					continue
				}
				held = append(held, c)
			}
		})
	}
	begin := time.Now()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	close(over)
	crowd.Wait()
	if err := e.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestEmbeddedNeedsClientCertificates(t *testing.T) {
	if _, err := broker.StartEmbedded(broker.EmbeddedConfig{Address: "127.0.0.1:0", TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("started without asking for client certificates")
	}
}

func FuzzACL(f *testing.F) {
	f.Add("lk/1/l1/b1/facts/up")
	f.Add("$share/g/lk/1/l1/b1/command")
	f.Add("lk/1/l1/b1/#")
	who := pki.Identity{Lot: "l1", Booth: "b1"}
	f.Fuzz(func(t *testing.T, topic string) {
		if (broker.MayPublish(who, topic) || broker.MaySubscribe(who, topic)) && !strings.HasPrefix(topic, "lk/1/l1/b1/") {
			t.Errorf("b1 may use %q", topic)
		}
		if broker.MayPublish(who, topic) && broker.MaySubscribe(who, topic) {
			t.Errorf("%q is both up and down", topic)
		}
	})
}

// ---- helpers

func authority(t *testing.T) *pki.Authority {
	t.Helper()
	ca, err := pki.Open(filepath.Join(t.TempDir(), "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func boothCert(t *testing.T, ca *pki.Authority, lot id.Lot, booth id.Booth) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(booth)}}, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ca.IssueBooth(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), lot, booth, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

func options(ca *pki.Authority, url, clientID string, cert *tls.Certificate) *paho.ClientOptions {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool()}
	if cert != nil {
		conf.Certificates = []tls.Certificate{*cert}
	}
	return paho.NewClientOptions().AddBroker(url).SetClientID(clientID).SetProtocolVersion(4).SetTLSConfig(conf).
		SetAutoReconnect(false).SetConnectTimeout(5 * time.Second)
}

func connect(t *testing.T, ca *pki.Authority, url, clientID string, cert *tls.Certificate) error {
	t.Helper()
	c := paho.NewClient(options(ca, url, clientID, cert))
	err := wait(c.Connect())
	c.Disconnect(0)
	return err
}

func boothClient(t *testing.T, ca *pki.Authority, url string, lot id.Lot, booth id.Booth) paho.Client {
	t.Helper()
	cert := boothCert(t, ca, lot, booth)
	c := paho.NewClient(options(ca, url, string(booth), &cert))
	if err := wait(c.Connect()); err != nil {
		t.Fatalf("connect %s: %v", booth, err)
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func cloudClient(t *testing.T, ca *pki.Authority, url, clientID string) *broker.Client {
	t.Helper()
	conf, err := ca.ClientTLS(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := broker.NewClient(broker.ClientConfig{URL: url, TLS: conf, ID: clientID, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx) // returns nil
	}()
	t.Cleanup(func() { cancel(); <-ended })
	until(t, "the cloud connects", c.Connected)
	return c
}

func wait(token paho.Token) error {
	if !token.WaitTimeout(patience) {
		return fmt.Errorf("no answer in %v", patience)
	}
	return token.Error()
}

func await(t *testing.T, s *broker.Subscription) {
	t.Helper()
	select {
	case <-s.Ready():
	case <-time.After(patience):
		t.Fatal("the subscription was not granted")
	}
}

func next(t *testing.T, s *broker.Subscription) broker.Message {
	t.Helper()
	select {
	case m := <-s.C():
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return broker.Message{}
	}
}

func drain(s *broker.Subscription) {
	for {
		select {
		case <-s.C():
		case <-time.After(200 * time.Millisecond):
			return
		}
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}

// mosquitto runs the real one with the files we generate for production.
func mosquitto(t *testing.T, ca *pki.Authority) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	port := freePort(t)
	dir := t.TempDir()
	files := broker.MosquittoFiles(dir, port)
	files["mosquitto.conf"] += "user root\n"
	cert, err := ca.IssueServer([]string{"127.0.0.1"}, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := pki.EncodePair(cert)
	if err != nil {
		t.Fatal(err)
	}
	files["ca.crt"], files["server.crt"], files["server.key"] = string(ca.CertificatePEM()), string(chain), string(key)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	cmd := exec.Command(path, "-c", filepath.Join(dir, "mosquitto.conf"))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("mosquitto is needed for this test (apt install mosquitto): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("mosquitto said: %s", said.String())
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	until(t, "mosquitto listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "ssl://" + address
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
