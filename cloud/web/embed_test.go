package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"lotkeeper/cloud/web"
)

func TestPages(t *testing.T) {
	files := fstest.MapFS{
		"index.html":         {Data: []byte("fallback")},
		"mark.svg":           {Data: []byte("<svg/>")},
		"admin/index.html":   {Data: []byte("admin page")},
		"pay/index.html":     {Data: []byte("pay page")},
		"assets/admin-1a.js": {Data: []byte("script")},
	}
	for _, c := range []struct {
		name, method, path string
		status             int
		body, cache        string
	}{
		{"root leads to the admin page", "GET", "/", 302, "/admin/", ""},
		{"a page", "GET", "/admin/", 200, "admin page", "no-cache"},
		{"a page without its slash", "GET", "/pay", 200, "pay page", "no-cache"},
		{"the query is the page's business", "GET", "/pay?lot=riverside", 200, "pay page", "no-cache"},
		{"a route of the page", "GET", "/admin/lots/riverside", 200, "admin page", "no-cache"},
		{"a route that holds a fact's id", "GET", "/admin/lots/riverside/sessions/b7x2.41", 200, "admin page", "no-cache"},
		{"head has no body", "HEAD", "/admin/", 200, "", "no-cache"},
		{"content-named files stay", "GET", "/assets/admin-1a.js", 200, "script", "immutable"},
		{"a file of an older build", "GET", "/assets/admin-00.js", 404, "", ""},
		{"a file beside the pages", "GET", "/mark.svg", 200, "<svg/>", ""},
		{"no such page", "GET", "/casino", 404, "", ""},
		{"a folder is not listed", "GET", "/assets/", 404, "", ""},
		{"no way out", "GET", "/../../etc/passwd", 404, "", ""},
		{"only reading", "POST", "/admin/", 405, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(c.method, "http://lot.example/", nil)
			r.URL.Path, r.URL.RawQuery, _ = strings.Cut(c.path, "?")
			web.Pages(files).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Fatalf("%s %s: got status %d, want %d", c.method, c.path, w.Code, c.status)
			}
			if got := w.Body.String() + w.Header().Get("Location"); !strings.Contains(got, c.body) {
				t.Errorf("%s %s: got %q, want it to hold %q", c.method, c.path, got, c.body)
			}
			if c.method == "HEAD" && w.Body.Len() != 0 {
				t.Errorf("HEAD %s: got a body of %d bytes", c.path, w.Body.Len())
			}
			if got := w.Header().Get("Cache-Control"); !strings.Contains(got, c.cache) {
				t.Errorf("%s %s: got Cache-Control %q, want %q", c.method, c.path, got, c.cache)
			}
		})
	}
}

func TestPagesWhereNothingWasBuilt(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("run make web")}}
	for _, path := range []string{"/", "/admin/", "/pay"} {
		w := httptest.NewRecorder()
		web.Pages(files).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://lot.example"+path, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), "make web") {
			t.Errorf("GET %s: got %d %q, want the page that says what to do", path, w.Code, w.Body)
		}
	}
}

func TestTheFallbackIsEmbedded(t *testing.T) {
	h, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://lot.example/", nil))
	if w.Code != http.StatusOK && w.Code != http.StatusFound {
		t.Errorf("GET /: got %d", w.Code)
	}
}
