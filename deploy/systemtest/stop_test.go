package systemtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
)

// TestHealthAndStop stops each program in its turn: none needs another for ending.
func TestHealthAndStop(t *testing.T) {
	t.Parallel()
	r := start(t, quiet())
	car := enter(t, r, "粤B56789", "nothing")
	for base, want := range map[string]string{
		r.OpsURL: "lotkeeper_", r.BoothURL[rig.EntryBooth]: `lotkeeper_edge_journal_up 1`, r.BoothURL[rig.ExitBooth]: `lotkeeper_edge_cloud_up 1`,
	} {
		until(t, base, patience, func(ctx context.Context) error {
			for _, path := range []string{"/healthz", "/readyz"} {
				if status, body := get(t, base+path); status != http.StatusOK {
					return fmt.Errorf("%s: got %d %s, want 200", path, status, body)
				}
			}
			status, body := get(t, base+"/metrics")
			if status != http.StatusOK || !strings.Contains(body, want) {
				return fmt.Errorf("/metrics: got %d with %d bytes, want 200 with %q", status, len(body), want)
			}
			return nil
		})
	}
	arriveAtExit(t, r, "粤B56789", "nothing") // the programs end with a car held at the lane
	awaitCar(t, r, car, "exiting")
	names := r.Programs()
	if who := r.Died(); who != "" {
		t.Fatal(who)
	}
	for _, name := range []string{rig.Cloud, rig.ExitBooth, rig.EntryBooth, rig.Sim, rig.FakePay} {
		began := time.Now()
		if err := r.Process(name).Stop(10 * time.Second); err != nil {
			text, _ := r.Process(name).Log()
			t.Errorf("%v; its log ends:\n%s", err, tail(text))
		}
		t.Logf("%s ended after %s", name, time.Since(began).Round(10*time.Millisecond))
	}
	if len(names) != 5 {
		t.Errorf("programs of the rig: got %v, want five", names)
	}
	left, err := r.Leftovers()
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("processes that are left: %s", strings.Join(left, "\n"))
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

func tail(text string) string { return text[max(0, len(text)-2000):] }
