package modbusbarrier_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/modbusbarrier"
	"lotkeeper/firmware-adapters/sim"
)

func simEnv(t *testing.T) sim.Env {
	return sim.Env{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
}

// background runs a simulated device for the length of a test.
func background(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("simulated device: %v", err)
		}
	})
}

func tcpBoard(t *testing.T, travel time.Duration) (*sim.Board, string) {
	t.Helper()
	board := sim.NewBoard(travel, simEnv(t))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return board.RunTCP(ctx, l) })
	return board, l.Addr().String()
}

func rtuBoard(t *testing.T, travel time.Duration) (*sim.Board, *sim.Line) {
	t.Helper()
	board := sim.NewBoard(travel, simEnv(t))
	line, err := sim.OpenLine(t.TempDir() + "/board")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	background(t, func(ctx context.Context) error { return board.RunRTU(ctx, line) })
	return board, line
}

func settings(t *testing.T, kv map[string]any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(kv)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// provoke toggles an input that no command touches.
func provoke(b *sim.Board) func(int) func(driver.Body) bool {
	return func(int) func(driver.Body) bool {
		on := !b.Input(driver.ManualOpen)
		b.SetInput(driver.ManualOpen, on)
		return func(body driver.Body) bool {
			return body == driver.InputChanged{Input: driver.ManualOpen, On: on}
		}
	}
}

func mute(b *sim.Board) func(bool) {
	return func(on bool) {
		if on {
			b.SetPower(false)
		} else {
			b.SetPower(true)
		}
	}
}

func bad() []drivertest.BadSettings {
	return []drivertest.BadSettings{
		{
			Name:     "everything",
			Settings: `{"tcp":"x","unit":300,"timeout":"9s","poll":"1ms","open_coil":4,"close_coil":4,"pulse":"1ms","pulse_by":"hand","framing":"ascii","inputs":{"limit_up":0,"loop_safety":0,"door":1},"inverted":["fire_alarm"]}`,
			Want:     []string{`"tcp"`, `"unit"`, `"timeout"`, `"poll"`, "both 4", `"pulse"`, `"pulse_by"`, `"framing"`, "both 0", `"door"`, `"inverted"`},
		},
		{Name: "two links", Settings: `{"tcp":"h:1","serial":"/dev/x"}`, Want: []string{"exclude"}},
		{Name: "no safety loop", Settings: `{"tcp":"h:1","inputs":{"limit_up":0}}`, Want: []string{"loop_safety"}},
		{Name: "serial", Settings: `{"serial":"ttyS0","baud":1,"parity":"mark","stop_bits":9,"framing":"tcp"}`, Want: []string{"absolute", "baud", "parity", "stop_bits", "framing"}},
		{Name: "far apart", Settings: `{"tcp":"h:1","inputs":{"loop_safety":0,"limit_up":5000}}`, Want: []string{"256"}},
	}
}

func TestConformanceTCP(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Adapter:  modbusbarrier.Adapter(),
		Features: drivertest.Features{Speaks: true, Mutes: true, Resyncs: true},
		Bad:      bad(),
		Start: func(t *testing.T) *drivertest.Peer {
			board, addr := tcpBoard(t, 100*time.Millisecond)
			proxy := drivertest.NewProxy(t, addr)
			return &drivertest.Peer{
				Settings: settings(t, map[string]any{"tcp": proxy.Addr(), "timeout": "200ms", "pulse": "100ms"}),
				Contacts: proxy.Contacts, Break: proxy.Break, Restore: proxy.Restore, Mangle: proxy.Mangle, Inject: proxy.Inject,
				Mute: mute(board), Provoke: provoke(board),
			}
		},
	})
}

func TestConformanceRTU(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Adapter:  modbusbarrier.Adapter(),
		Features: drivertest.Features{Speaks: true, Mutes: true, Resyncs: true},
		Bad:      bad(),
		Start: func(t *testing.T) *drivertest.Peer {
			board, line := rtuBoard(t, 100*time.Millisecond)
			return &drivertest.Peer{
				Settings: settings(t, map[string]any{"serial": line.Path(), "timeout": "300ms", "poll": "30ms", "pulse": "100ms"}),
				Contacts: board.Requests, Break: line.Unplug, Mangle: line.Mangle,
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
				Mute: mute(board), Provoke: provoke(board),
			}
		},
	})
}
