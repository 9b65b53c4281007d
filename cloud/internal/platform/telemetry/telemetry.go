// Package telemetry is how the server tells about itself: logs, metrics, health.
//
//	/healthz   200 while the process can answer at all: restart it when this fails
//	/readyz    200 when everything it needs answers, else 503 and the list: send no traffic meanwhile
//	/metrics   Prometheus
//
// They are served on their own listener (loopback by default), not to the public.
package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewLogger makes the logger. format is "text" or "json", level "debug", "info", "warn" or "error".
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// NewRegistry makes a metrics registry with the process's and Go's own figures.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Check tells whether something we need answers.
type Check func(ctx context.Context) error

// Handler serves the three pages. Each check gets two seconds; they run at the same time.
func Handler(registry *prometheus.Registry, checks map[string]Check) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n") // the asker is gone: nothing to do about it
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		result, ok := runChecks(r.Context(), checks)
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(result) // the asker is gone: nothing to do about it
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	return mux
}

func runChecks(ctx context.Context, checks map[string]Check) (result map[string]string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	result, ok = map[string]string{}, true
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		wg.Go(func() {
			err := checks[name](ctx)
			mu.Lock()
			defer mu.Unlock()
			result[name] = "ok"
			if err != nil {
				result[name], ok = err.Error(), false
			}
		})
	}
	wg.Wait()
	return result, ok
}
