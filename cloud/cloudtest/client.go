package cloudtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/platform/id"
)

// Client is a browser: it keeps cookies.
type Client struct {
	User account.User // who signed in
	HTTP *http.Client
	base string
}

// Client makes a browser in which nobody signed in.
func (s *Server) Client(t testing.TB) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{base: s.HTTP, HTTP: &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{}}}
	t.Cleanup(c.HTTP.CloseIdleConnections)
	return c
}

// Response is a reply that was read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code is the problem's code, "" for a success.
func (r Response) Code() string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(r.Body, &p) != nil || r.Status < 400 {
		return ""
	}
	return p.Code
}

// Send sends a request with a JSON body (nil: none; []byte: as it is) and header lines "Name: value".
func (c *Client) Send(t testing.TB, method, path string, body any, headers ...string) Response {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

// Do is Send that fails the test unless it succeeds, and decodes the reply into out unless that is nil.
func (c *Client) Do(t testing.TB, method, path string, body, out any, headers ...string) {
	t.Helper()
	r := c.Send(t, method, path, body, headers...)
	if r.Status >= 300 {
		t.Fatalf("%s %s = %d %s", method, path, r.Status, r.Body)
	}
	if out != nil {
		if err := json.Unmarshal(r.Body, out); err != nil {
			t.Fatalf("%s %s: decode %s: %v", method, path, r.Body, err)
		}
	}
}

// Live opens the websocket of live events.
func (c *Client) Live(t testing.TB) *websocket.Conn {
	t.Helper()
	u, err := url.Parse(c.base)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for _, cookie := range c.HTTP.Jar.Cookies(u) {
		header.Add("Cookie", cookie.String())
	}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	ws, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(c.base, "http")+"/api/v1/live", header)
	if err != nil {
		t.Fatalf("open live: %v (%+v)", err, resp)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return ws
}

// Booth makes the certificate of a booth, as enrolment does.
func (s *Server) Booth(t testing.TB, lot id.Lot, booth id.Booth) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.App.CA.IssueBooth(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), lot, booth, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

// BoothTLS is what a booth connects with, to the broker and to the device listener.
func (s *Server) BoothTLS(t testing.TB, lot id.Lot, booth id.Booth) *tls.Config {
	t.Helper()
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.App.CA.Pool(), Certificates: []tls.Certificate{s.Booth(t, lot, booth)}}
}
