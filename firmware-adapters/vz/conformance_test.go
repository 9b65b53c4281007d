package vz_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/vz"
	"lotkeeper/shared/plate"
)

// startCamera runs a simulated camera for the length of a test.
func startCamera(t *testing.T) (*sim.Camera, string) {
	t.Helper()
	painter, err := sim.NewPainter()
	if err != nil {
		t.Fatal(err)
	}
	env := sim.Env{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
	camera := sim.NewCamera("fe71e106-57263272", "lane 1", painter, env)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- camera.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("camera: %v", err)
		}
	})
	return camera, l.Addr().String()
}

func car(t *testing.T, i int) plate.Plate {
	t.Helper()
	p, err := plate.Parse(fmt.Sprintf("粤B%05d", i), plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Adapter:  vz.Adapter(),
		Features: drivertest.Features{Speaks: true, Mutes: true, Redelivers: true},
		Oversize: []byte{'V', 'Z', 0, 0, 0x7F, 0xFF, 0xFF, 0xFF},
		Bad: []drivertest.BadSettings{
			{Name: "everything", Settings: `{"tcp": "nowhere", "pictures": "some", "utc_offset": "CST", "silence": "1s"}`, Want: []string{`"tcp"`, `"pictures"`, `"utc_offset"`, `"silence"`}},
			{Name: "types", Settings: `{"tcp": 8131, "silence": 15}`, Want: []string{`"tcp"`, `"silence"`, "500ms"}},
			{Name: "port", Settings: `{"tcp": "10.0.0.1:99999"}`, Want: []string{"host:port"}},
		},
		Start: func(t *testing.T) *drivertest.Peer {
			camera, addr := startCamera(t)
			camera.OnTrigger(func() (sim.Reading, bool) { return sim.Reading{Plate: car(t, 99999), Confidence: 90}, true })
			proxy := drivertest.NewProxy(t, addr)
			settings, err := json.Marshal(map[string]any{"tcp": proxy.Addr(), "serial": "fe71e106-57263272"})
			if err != nil {
				t.Fatal(err)
			}
			return &drivertest.Peer{
				Settings: settings, Contacts: proxy.Contacts, Break: proxy.Break, Restore: proxy.Restore, Mute: camera.Mute,
				Mangle: proxy.Mangle, Inject: proxy.Inject,
				Provoke: func(i int) func(driver.Body) bool {
					p := car(t, i)
					camera.Read(sim.Reading{Plate: p, Trigger: 1, Confidence: 95})
					return func(b driver.Body) bool {
						r, ok := b.(driver.PlateRead)
						return ok && r.Plate == p
					}
				},
			}
		},
	})
}
