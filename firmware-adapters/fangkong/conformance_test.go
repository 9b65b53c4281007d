package fangkong_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/fangkong"
	"lotkeeper/firmware-adapters/sim"
)

// startDisplay runs a simulated display on a line for the length of a test.
func startDisplay(t *testing.T) (*sim.Display, *sim.Line) {
	t.Helper()
	display := sim.NewDisplay(sim.Env{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now})
	line, err := sim.OpenLine(t.TempDir() + "/display")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- display.Run(ctx, line) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("display: %v", err)
		}
		_ = line.Close()
	})
	return display, line
}

func TestConformance(t *testing.T) {
	for name, extra := range map[string]map[string]any{"lines": {}, "packed": {"frames": "packed"}} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, drivertest.Harness{
				Adapter:  fangkong.Adapter(),
				Features: drivertest.Features{Mutes: true, Resyncs: true},
				Bad: []drivertest.BadSettings{{
					Name:     "everything",
					Settings: `{"serial":"x","baud":7,"address":900,"rows":9,"columns":1,"colour":"blue","frames":"all","timeout":"1ms","check":"1ms","brightness":5,"volume":200,"password":"1"}`,
					Want:     []string{"absolute", `"baud"`, `"address"`, `"rows"`, `"columns"`, `"colour"`, `"frames"`, `"timeout"`, `"check"`, `"brightness"`, `"volume"`, `"password"`},
				}},
				Start: func(t *testing.T) *drivertest.Peer {
					display, line := startDisplay(t)
					kv := map[string]any{"serial": line.Path(), "rows": 4, "timeout": "300ms", "check": "200ms"}
					for k, v := range extra {
						kv[k] = v
					}
					settings, err := json.Marshal(kv)
					if err != nil {
						t.Fatal(err)
					}
					return &drivertest.Peer{
						Settings: settings, Contacts: display.Frames, Break: line.Unplug, Mangle: line.Mangle,
						Mute: func(on bool) { display.SetPower(!on) },
						Restore: func() {
							if err := line.Plug(); err != nil {
								t.Error(err)
							}
						},
						Inject: func(b []byte) {
							if err := line.Write(b); err != nil {
								t.Error(err)
							}
						},
					}
				},
			})
		})
	}
}
