package all_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/all"
	"lotkeeper/firmware-adapters/driver"
)

func TestTable(t *testing.T) {
	env := driver.Env{Device: "d1", Log: slog.New(slog.DiscardHandler), Now: time.Now}
	seen := map[string]bool{}
	for _, a := range all.Adapters() {
		if a.Kind == "" || a.Title == "" || seen[a.Kind] {
			t.Errorf("adapter %q %q is nameless or there twice", a.Kind, a.Title)
		}
		seen[a.Kind] = true
		d, err := all.New(a.Kind, a.Sample, env)
		if err != nil || d == nil {
			t.Errorf("New(%s) = %v, %v", a.Kind, d, err)
		}
		// Each has its page, and the page shows its settings.
		readme, err := os.ReadFile("../" + strings.ReplaceAll(a.Kind, "-", "") + "/README.md")
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range []string{a.Kind, "testdata/settings.json", "Quirks", "Wiring", "Source"} {
			if !strings.Contains(string(readme), want) {
				t.Errorf("README of %s lacks %q", a.Kind, want)
			}
		}
		if d, err := all.New(a.Kind, []byte(`{"nonsense":1}`), env); err == nil || d != nil {
			t.Errorf("New(%s) with faults = %v, %v, want nil and an error", a.Kind, d, err)
		}
	}
	if _, err := all.New("teleporter", nil, env); err == nil || !strings.Contains(err.Error(), "vz") {
		t.Errorf("unknown kind: %v, want the known ones", err)
	}
}
