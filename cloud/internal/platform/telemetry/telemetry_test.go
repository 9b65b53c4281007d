package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/platform/telemetry"
)

func TestPages(t *testing.T) {
	var broken error
	h := telemetry.Handler(telemetry.NewRegistry(), map[string]telemetry.Check{
		"database": func(context.Context) error { return broken },
		"broker":   func(context.Context) error { return nil },
	})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"database":"ok"`, "/metrics": "go_goroutines"} {
		if code, body := get(path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s = %d %.200s, want 200 with %s", path, code, body, want)
		}
	}
	broken = errors.New("no answer")
	if code, body := get("/readyz"); code != 503 || !strings.Contains(body, "no answer") || !strings.Contains(body, `"broker":"ok"`) {
		t.Errorf("/readyz = %d %s", code, body)
	}
	if code, _ := get("/healthz"); code != 200 {
		t.Errorf("/healthz = %d: a database that is away is no reason to restart", code)
	}
}

func TestLoggerRefusesUnknownWords(t *testing.T) {
	for _, bad := range [][2]string{{"xml", "info"}, {"text", "loud"}} {
		if _, err := telemetry.NewLogger(nil, bad[0], bad[1]); err == nil {
			t.Errorf("took %v", bad)
		}
	}
}
