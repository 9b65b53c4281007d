package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/platform/web"
)

type tokens map[string]scope.Principal

func (m tokens) Authenticate(_ context.Context, token string) (scope.Principal, error) {
	if token == "database-away" {
		return scope.Principal{}, errors.New("no connection")
	}
	if p, ok := m[token]; ok {
		return p, nil
	}
	return scope.Principal{}, fault.New(fault.Unauthenticated, "x", "x", "x")
}

type echoInput struct {
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"10"`
	}
}
type echoOutput struct {
	Body struct {
		Text string `json:"text"`
		Key  string `json:"key"`
	}
}

func newAPI(t *testing.T, cfg web.Config) (*web.API, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Auth = tokens{
		"clerk": scope.NewPrincipal(scope.Claims{User: "clerk", Operator: "o", Permissions: []scope.Permission{"thing.write"}}),
		"guest": scope.NewPrincipal(scope.Claims{User: "guest", Operator: "o"}),
	}
	api, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	op := func(id, path string, access web.Access) web.Operation {
		return web.Operation{Access: access, ID: id, Method: http.MethodPost, Path: path, Tag: "thing", Summary: "S", SummaryZH: "中", MaxBody: 2000}
	}
	echo := func(ctx context.Context, in *echoInput) (*echoOutput, error) {
		out := &echoOutput{}
		out.Body.Text, out.Body.Key = in.Body.Text, web.IdempotencyKey(ctx).Key
		return out, nil
	}
	web.Register(api, op("write", "/api/v1/write", web.Access{Permission: "thing.write"}), echo)
	web.Register(api, op("mine", "/api/v1/mine", web.Access{SignedIn: true}), echo)
	web.Register(api, op("open", "/api/v1/open", web.Access{Public: "a test"}), echo)
	web.Register(api, op("booth-only", "/api/v1/booth", web.Access{Booth: true}), echo)
	once := op("once", "/api/v1/once", web.Access{Public: "a test"})
	once.Idempotent = true
	web.Register(api, once, echo)
	web.Register(api, op("fails", "/api/v1/fails/{how}", web.Access{Public: "a test"}), func(_ context.Context, in *struct {
		How string `path:"how"`
	}) (*struct{}, error) {
		switch in.How {
		case "panic":
			panic("secret in a panic")
		case "internal":
			return nil, errors.New("secret in an error")
		}
		return nil, fault.New(fault.Exhausted, "thing.too_often", "太频繁", "too often").After(1500*time.Millisecond).With("body.x", "错", "wrong")
	})
	api.Raw(web.Route{Access: web.Access{Permission: "thing.write"}, Method: http.MethodGet, Path: "/api/v1/file/:name", Summary: "s"},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "file "+r.PathValue("name")) }))
	api.Fallback(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	return api, &log
}

func send(api *web.API, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://park.test"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	w := httptest.NewRecorder()
	api.Handler().ServeHTTP(w, r)
	return w
}

func TestRequests(t *testing.T) {
	api, log := newAPI(t, web.Config{})
	const hello = `{"text":"hello"}`
	clerk, guest := "Cookie: lotkeeper=clerk", "Cookie: lotkeeper=guest"
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		has                string
	}{
		"granted":               {"POST", "/api/v1/write", hello, []string{clerk}, 200, `"hello"`},
		"not granted":           {"POST", "/api/v1/write", hello, []string{guest}, 403, "permission.denied"},
		"nobody":                {"POST", "/api/v1/write", hello, nil, 401, "sign_in.required"},
		"dead token":            {"POST", "/api/v1/write", hello, []string{"Cookie: lotkeeper=dead"}, 401, "sign_in.required"},
		"dead token, public":    {"POST", "/api/v1/open", hello, []string{"Cookie: lotkeeper=dead"}, 200, "hello"},
		"token check fails":     {"POST", "/api/v1/open", hello, []string{"Cookie: lotkeeper=database-away"}, 503, "sign_in.unavailable"},
		"signed in":             {"POST", "/api/v1/mine", hello, []string{guest}, 200, "hello"},
		"not signed in":         {"POST", "/api/v1/mine", hello, nil, 401, "sign_in.required"},
		"a person at booth's":   {"POST", "/api/v1/booth", hello, []string{clerk}, 401, "booth.certificate_required"},
		"validation":            {"POST", "/api/v1/open", `{"text":"","more":1}`, nil, 422, `"where":"body.text"`},
		"not JSON":              {"POST", "/api/v1/open", `{`, nil, 400, "request.invalid"},
		"unknown query":         {"POST", "/api/v1/open?x=1", hello, nil, 422, "request.invalid"},
		"too large":             {"POST", "/api/v1/open", `{"text":"` + strings.Repeat("x", 3000) + `"}`, nil, 413, "request.too_large"},
		"too large, keyed":      {"POST", "/api/v1/once", `{"text":"` + strings.Repeat("x", 3000) + `"}`, []string{"Idempotency-Key: 12345678"}, 422, "request.too_large"},
		"keyed":                 {"POST", "/api/v1/once", hello, []string{"Idempotency-Key: key-12345678"}, 200, "key-12345678"},
		"no key":                {"POST", "/api/v1/once", hello, nil, 422, "idempotency.key_required"},
		"bad key":               {"POST", "/api/v1/once", hello, []string{"Idempotency-Key: with space in it"}, 422, "idempotency.key_required"},
		"foreign origin":        {"POST", "/api/v1/open", hello, []string{"Origin: https://evil.example"}, 403, "request.foreign_origin"},
		"cross site":            {"POST", "/api/v1/open", hello, []string{"Sec-Fetch-Site: cross-site"}, 403, "request.foreign_origin"},
		"own origin":            {"POST", "/api/v1/open", hello, []string{"Origin: http://park.test"}, 200, "hello"},
		"fault":                 {"POST", "/api/v1/fails/fault", "", nil, 429, "thing.too_often"},
		"fault in Chinese":      {"POST", "/api/v1/fails/fault", "", []string{"Accept-Language: zh-CN,en;q=0.5"}, 429, `"detail":"太频繁"`},
		"internal":              {"POST", "/api/v1/fails/internal", "", nil, 500, `"code":"internal"`},
		"panic":                 {"POST", "/api/v1/fails/panic", "", nil, 500, `"code":"internal"`},
		"no route":              {"GET", "/api/v1/none", "", nil, 404, "request.no_such_route"},
		"wrong method":          {"DELETE", "/api/v1/open", "", nil, 405, "request.method"},
		"page":                  {"GET", "/admin/", "", nil, 200, "page"},
		"raw, granted":          {"GET", "/api/v1/file/a.jpg", "", []string{clerk}, 200, "file a.jpg"},
		"raw, nobody":           {"GET", "/api/v1/file/a.jpg", "", nil, 401, "sign_in.required"},
		"document":              {"GET", "/api/openapi.json", "", nil, 200, `"x-permission": "thing.write"`},
		"document as YAML":      {"GET", "/api/openapi.yaml", "", nil, 200, "openapi: 3.1.0"},
		"docs page, no scripts": {"GET", "/api/docs", "", nil, 200, "/api/v1/write"},
	} {
		w := send(api, tc.method, tc.path, tc.body, tc.headers...)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.has) {
			t.Errorf("%s: %d %.300s, want %d with %s", name, w.Code, w.Body, tc.status, tc.has)
		}
		if w.Code >= 400 {
			var p web.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.ZH == "" || p.EN == "" || p.RequestID == "" ||
				p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: not a whole problem: %s %s", name, w.Header().Get("Content-Type"), w.Body)
			}
		}
		if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s: leaks: %s", name, w.Body)
		}
	}
	if got := send(api, "POST", "/api/v1/fails/fault", "").Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After = %q, want 2", got)
	}
	for _, want := range []string{"secret in a panic", "secret in an error", "route=/api/v1/write", "user=clerk"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestHeadersAndCookie(t *testing.T) {
	api, _ := newAPI(t, web.Config{PublicURL: "https://park.example"})
	h := send(api, "GET", "/api/openapi.json", "").Header()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
		"Strict-Transport-Security": "max-age=31536000", "Referrer-Policy": "same-origin",
	} {
		if h.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, h.Get(name), want)
		}
	}
	c := api.Cookie("t", time.Now().Add(time.Hour))
	if c.Name != "__Host-lotkeeper" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie = %+v", c)
	}
	if w := send(api, "POST", "/api/v1/open", `{"text":"x"}`, "Origin: https://park.example"); w.Code != 200 {
		t.Errorf("the public origin is refused: %d", w.Code)
	}
	foreign := httptest.NewRequest("GET", "http://park.test/live", nil)
	foreign.Header.Set("Origin", "https://evil.example")
	if api.SameOrigin(foreign) {
		t.Error("a websocket from a foreign page would be let in")
	}
}

func TestForwardedForIsNotBelieved(t *testing.T) {
	for _, tc := range []struct {
		proxies []string
		want    string
	}{{nil, "from=192.0.2.1"}, {[]string{"192.0.2.0/24"}, "from=198.51.100.7"}} {
		api, log := newAPI(t, web.Config{TrustedProxies: tc.proxies})
		send(api, "GET", "/api/openapi.json", "", "X-Forwarded-For: 198.51.100.7")
		if !strings.Contains(log.String(), tc.want) {
			t.Errorf("proxies %v: log = %s, want %s", tc.proxies, log, tc.want)
		}
	}
}

func TestRegisteringWithoutAccessPanics(t *testing.T) {
	for name, access := range map[string]web.Access{
		"none": {}, "two": {Permission: "a.b", SignedIn: true}, "public and permission": {Permission: "a.b", Public: "why"},
	} {
		api, _ := newAPI(t, web.Config{})
		for kind, register := range map[string]func(){
			"operation": func() {
				web.Register(api, web.Operation{Access: access, ID: "x", Method: "GET", Path: "/x", Tag: "x", Summary: "x", SummaryZH: "x"},
					func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
			},
			"route": func() {
				api.Raw(web.Route{Access: access, Method: "GET", Path: "/y", Summary: "y"}, http.NotFoundHandler())
			},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s %s: registered", kind, name)
					}
				}()
				register()
			}()
		}
	}
}
