package sim_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/plate"
)

func env(t *testing.T) sim.Env {
	return sim.Env{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
}

func board(t *testing.T, run func(*sim.Board, context.Context) error) *sim.Board {
	t.Helper()
	b := sim.NewBoard(300*time.Millisecond, env(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(b, ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

// mbpoll is a Modbus master that nobody of this project wrote. A missing one fails the test: make setup installs it.
func mbpoll(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("mbpoll", append([]string{"-0", "-1", "-o", "1"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("mbpoll %v (make setup installs it): %v\n%s", args, err, out)
	}
	return string(out)
}

// checkWithMbpoll drives a board as a foreign master does: read, open by coil, read the limit.
func checkWithMbpoll(t *testing.T, b *sim.Board, target ...string) {
	t.Helper()
	args := func(more ...string) []string { return append(more, target...) }
	if out := mbpoll(t, args("-t", "1", "-r", "0", "-c", "8")...); !strings.Contains(out, "[1]: \t1") || !strings.Contains(out, "[0]: \t0") {
		t.Errorf("inputs of a lowered arm:\n%s", out)
	}
	mbpoll(t, append(args("-t", "0", "-r", "0"), "1")...)
	drivertest.Eventually(t, "the arm to be up", func() bool { return b.Arm() == driver.ArmUp })
	if out := mbpoll(t, args("-t", "1", "-r", "0", "-c", "8")...); !strings.Contains(out, "[0]: \t1") || !strings.Contains(out, "[1]: \t0") {
		t.Errorf("inputs of a raised arm:\n%s", out)
	}
	if out := mbpoll(t, args("-t", "0", "-r", "0", "-c", "1")...); !strings.Contains(out, "[0]: \t1") {
		t.Errorf("the coil that was set:\n%s", out)
	}
}

func TestBoardTCPWithMbpoll(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := board(t, func(b *sim.Board, ctx context.Context) error { return b.RunTCP(ctx, l) })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	checkWithMbpoll(t, b, "-m", "tcp", "-p", port, "127.0.0.1")
}

func TestBoardRTUWithMbpoll(t *testing.T) {
	line, err := sim.OpenLine(t.TempDir() + "/board")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = line.Close() }()
	b := board(t, func(b *sim.Board, ctx context.Context) error { return b.RunRTU(ctx, line) })
	checkWithMbpoll(t, b, "-m", "rtu", "-b", "9600", "-P", "none", line.Path())
}

func TestPicturesOfEveryKindOfPlate(t *testing.T) {
	painter, err := sim.NewPainter()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text   string
		colour plate.Colour
	}{
		{"粤B12345", plate.ColourBlue}, {"京A88888", plate.ColourYellow}, {"粤BD12345", plate.ColourGreen}, {"粤B12345D", plate.ColourYellowGreen},
		{"粤Z1234港", plate.ColourBlack}, {"粤B1234警", plate.ColourWhite}, {"WJ粤12345", plate.ColourWhite}, {"", plate.ColourUnknown},
		{"AB-123-CDEFGHIJKLMNOP", plate.ColourUnknown},
	} {
		p, err := plate.Parse(c.text, c.colour)
		if err != nil {
			t.Fatal(err)
		}
		scene, clip, err := painter.Scene(p, "lane 1", time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"scene": scene, "plate": clip} {
			if name == "plate" && p.None() {
				if b != nil {
					t.Error("a car without a plate has a picture of one")
				}
				continue
			}
			if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil || len(b) > 40<<10 {
				t.Errorf("%s of %q: %d bytes, %v", name, c.text, len(b), err)
			}
		}
	}
}
