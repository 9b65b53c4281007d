package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim/traffic"
)

func TestSampleIsValid(t *testing.T) {
	var out bytes.Buffer
	if err := run(context.Background(), flags{Sample: true}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	c, err := traffic.Parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Lanes) != 2 || len(c.Traffic.Permits) != 2 || c.Traffic.Mischief.Cash != 35 {
		t.Errorf("sample reads as %+v", c)
	}
}

func TestBadConfiguration(t *testing.T) {
	for doc, want := range map[string][]string{
		"seed: 1\nspeeed: 2\n": {"speeed"},
		"http: 0.0.0.0:80\nlanes: [{name: a/b, dir: up, camera: x, board: y}]\ntraffic: {speed: -1, stay_min: 9s, stay_max: 1s, mischief: {cash: 200}}": {
			"loopback", "lines", "lanes[0].name", "dir", "camera", "board", "speed", "stay_min", "cash",
		},
	} {
		_, err := traffic.Parse([]byte(doc))
		if err == nil {
			t.Errorf("%q is accepted", doc)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v lacks %q", doc, err, w)
			}
		}
	}
}

// TestRunsAndStops starts a lot of real sockets and lines, asks it over HTTP, and stops it.
func TestRunsAndStops(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "lotsim.yaml")
	doc := fmt.Sprintf("http: 127.0.0.1:0\nlines: %s/tty\nlanes:\n- {name: in, dir: entry, camera: '127.0.0.1:0', board: '127.0.0.1:0'}\n- {name: out, dir: exit, camera: '127.0.0.1:0', board: serial}\n", dir)
	if err := os.WriteFile(config, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, flags{Config: config, Quiet: true}, in, io.Discard) }()
	var told struct {
		HTTP  string
		Lanes []device
	}
	if err := json.NewDecoder(out).Decode(&told); err != nil {
		t.Fatal(err)
	}
	if len(told.Lanes) != 2 || told.Lanes[1].Board != dir+"/tty/out-board" || told.Lanes[0].Display != dir+"/tty/in-display" {
		t.Errorf("told %+v", told)
	}
	for _, path := range []string{told.Lanes[1].Board, told.Lanes[0].Display} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	drivertest.Eventually(t, "the control API", func() bool {
		resp, err := http.Get(told.HTTP + "/report")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(b), `"wrongly_opened": 0`)
	})
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v", err)
	}
	if _, err := os.Lstat(told.Lanes[1].Board); err == nil {
		t.Error("the serial line's name is left behind")
	}
}
