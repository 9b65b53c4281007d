package fangkong_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/fangkong"
	"lotkeeper/firmware-adapters/sim"
)

// start runs a display device on a simulated board until the test ends.
func start(t *testing.T, extra string) (*fangkong.Display, *sim.Display) {
	t.Helper()
	board, line := startDisplay(t)
	d, err := fangkong.New(json.RawMessage(fmt.Sprintf(`{"serial": %q, "rows": 4, "timeout": "200ms", "volume": 80, "brightness": 90%s}`, line.Path(), extra)), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, up := make(chan error, 1), make(chan struct{}, 100)
	go func() { ended <- d.Run(ctx, func(driver.Event) { up <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	<-up
	return d, board
}

func TestShowReachesTheScreen(t *testing.T) {
	for name, extra := range map[string]string{"lines": "", "packed": `, "frames": "packed"`} {
		t.Run(name, func(t *testing.T) {
			d, board := start(t, extra)
			if got, err := d.Show(context.Background(), driver.Message{Lines: []string{"粤B12345", "停车2小时", "Fee 15.00"}, Voice: "请缴费,十五元"}); got != driver.Done || err != nil {
				t.Fatalf("Show = %q, %v", got, err)
			}
			want := sim.Screen{Rows: []string{"粤B12345", "停车2小时", "Fee 15.00"}, Voice: "请缴费,十五元"}
			if diff := cmp.Diff(want, board.Screen()); diff != "" {
				t.Errorf("screen (-want +got):\n%s", diff)
			}
			// The next, shorter message leaves nothing of the one before, and silence says nothing new.
			if got, err := d.Show(context.Background(), driver.Message{Lines: []string{"欢迎 ☃\n"}}); got != driver.Done || err != nil {
				t.Fatalf("Show = %q, %v", got, err)
			}
			if got := board.Screen().Rows; len(got) != 1 || got[0] != "欢迎 ?" {
				t.Errorf("rows %q, want only what the last message says", got)
			}
			if n := len(board.Spoken()); n != 1 {
				t.Errorf("spoke %d times, want 1", n)
			}
			if b, v := board.Levels(); b != 90 || v != 80 {
				t.Errorf("brightness %d volume %d, want 90 and 80", b, v)
			}
		})
	}
}

func TestRefusedAndUnanswered(t *testing.T) {
	d, board := start(t, "")
	m := driver.Message{Lines: []string{"x"}}
	board.Refuse(1)
	if got, err := d.Show(context.Background(), m); got != driver.Refused || err != nil {
		t.Errorf("refused Show = %q, %v", got, err)
	}
	board.Deafen(1)
	if got, err := d.Show(context.Background(), m); got != driver.Unknown || err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("unanswered Show = %q, %v", got, err)
	}
	if got, err := d.Show(context.Background(), m); got != driver.Done || err != nil {
		t.Errorf("Show after silence = %q, %v", got, err)
	}
}

// TestOneWayBoard: boards set to one-way RS-485 never answer, and what was written counts as done.
func TestOneWayBoard(t *testing.T) {
	d, board := start(t, `, "answers": false, "voice": false`)
	board.Deafen(1000)
	if got, err := d.Show(context.Background(), driver.Message{Lines: []string{"满位 FULL"}, Voice: "车位已满"}); got != driver.Done || err != nil {
		t.Fatalf("Show = %q, %v", got, err)
	}
	drivertest.Eventually(t, "the text on the screen", func() bool {
		r := board.Screen().Rows
		return len(r) == 1 && r[0] == "满位 FULL"
	})
	if s := board.Spoken(); len(s) != 0 {
		t.Errorf("a board without voice was made to say %q", s)
	}
}

func TestSampleSettingsFile(t *testing.T) {
	b, err := os.ReadFile("testdata/settings.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fangkong.New(b, driver.Env{Log: drivertest.Env(t).Log, Now: time.Now}); err != nil {
		t.Error(err)
	}
}
