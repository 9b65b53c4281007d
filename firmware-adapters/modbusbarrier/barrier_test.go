package modbusbarrier_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/modbusbarrier"
)

// started is a barrier that runs until the test ends.
type started struct {
	*modbusbarrier.Barrier
	mu     sync.Mutex
	events []driver.Event
}

func start(t *testing.T, kv map[string]any) *started {
	t.Helper()
	b, err := modbusbarrier.New(settings(t, kv), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &started{Barrier: b}
	background(t, func(ctx context.Context) error {
		return b.Run(ctx, func(e driver.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		})
	})
	drivertest.Eventually(t, "the first reading", func() bool { return len(s.seen()) > 0 })
	return s
}

func (s *started) seen() []driver.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []driver.Body
	for _, e := range s.events {
		if _, ok := e.Body.(driver.Alive); !ok {
			out = append(out, e.Body)
		}
	}
	return out
}

func (s *started) arms() []driver.Arm {
	var out []driver.Arm
	for _, b := range s.seen() {
		if m, ok := b.(driver.ArmMoved); ok {
			out = append(out, m.Arm)
		}
	}
	return out
}

func must(t *testing.T, what string, do func(context.Context) (driver.Outcome, error), want driver.Outcome) {
	t.Helper()
	if got, err := do(context.Background()); got != want || err != nil {
		t.Fatalf("%s = %q, %v, want %q", what, got, err, want)
	}
}

func TestArmGoesUpAndDown(t *testing.T) {
	board, addr := tcpBoard(t, 300*time.Millisecond)
	b := start(t, map[string]any{"tcp": addr})
	must(t, "Open", b.Open, driver.Done)
	drivertest.Eventually(t, "the arm to be up", func() bool { return slices.Contains(b.arms(), driver.ArmUp) })
	must(t, "Close", b.Close, driver.Done)
	want := []driver.Arm{driver.ArmDown, driver.ArmMoving, driver.ArmUp, driver.ArmMoving, driver.ArmDown}
	drivertest.Eventually(t, "the arm to be down", func() bool { return len(b.arms()) == len(want) })
	if got := b.arms(); !slices.Equal(got, want) {
		t.Errorf("arm %v, want %v", got, want)
	}
	if got := board.Commands(); !slices.Equal(got, []string{"open", "close"}) {
		t.Errorf("board did %v", got)
	}
}

// TestNeverClosesOntoAnOccupiedLoop and the reflex when somebody drives under the falling arm.
func TestNeverClosesOntoAnOccupiedLoop(t *testing.T) {
	board, addr := tcpBoard(t, 500*time.Millisecond)
	b := start(t, map[string]any{"tcp": addr, "poll": "20ms"})
	must(t, "Open", b.Open, driver.Done)
	drivertest.Eventually(t, "the arm to be up", func() bool { return board.Arm() == driver.ArmUp })
	board.SetInput(driver.LoopSafety, true)
	must(t, "Close onto a car", b.Close, driver.Refused)
	board.SetInput(driver.LoopSafety, false)
	must(t, "Close", b.Close, driver.Done)
	drivertest.Eventually(t, "the arm to fall", func() bool { return board.Arm() == driver.ArmMoving })
	board.SetInput(driver.LoopSafety, true)
	drivertest.Eventually(t, "the arm to go up by reflex", func() bool { return board.Arm() == driver.ArmUp })
	if got := board.Commands(); !slices.Equal(got, []string{"open", "close", "open"}) {
		t.Errorf("board did %v", got)
	}
	if board.Crushed() != 0 {
		t.Error("the arm came down on a car")
	}
	// Once down, a loop that gets occupied opens nothing.
	board.SetInput(driver.LoopSafety, false)
	must(t, "Close", b.Close, driver.Done)
	drivertest.Eventually(t, "the arm to be down", func() bool { return b.arms()[len(b.arms())-1] == driver.ArmDown })
	board.SetInput(driver.LoopSafety, true)
	drivertest.Eventually(t, "the loop to be seen", func() bool {
		seen := b.seen()
		return seen[len(seen)-1] == driver.InputChanged{Input: driver.LoopSafety, On: true}
	})
	if n := len(board.Commands()); n != 4 {
		t.Errorf("board did %v", board.Commands())
	}
}

// TestUnansweredOpenIsReadBack: the board does it and says nothing; the state tells.
func TestUnansweredOpenIsReadBack(t *testing.T) {
	board, addr := tcpBoard(t, 300*time.Millisecond)
	// A slow poll: the board's silence must hit the command.
	b := start(t, map[string]any{"tcp": addr, "poll": "1s", "timeout": "150ms"})
	board.Deafen(1)
	must(t, "Open without an answer", b.Open, driver.Done)
	if got := board.Commands(); !slices.Equal(got, []string{"open"}) {
		t.Errorf("board did %v, want one open", got)
	}
}

func TestGarbledAnswersAreNotBelieved(t *testing.T) {
	board, line := rtuBoard(t, 200*time.Millisecond)
	b := start(t, map[string]any{"serial": line.Path(), "timeout": "200ms"})
	for range 5 {
		board.Garble(1)
		if got, err := b.Open(context.Background()); got == driver.Refused {
			t.Fatalf("Open = %q, %v on a garbled answer", got, err)
		}
	}
	for _, e := range b.seen() {
		if in, ok := e.(driver.InputChanged); ok && in.On {
			t.Errorf("garbled answers made %+v", in)
		}
	}
}

// TestPulseByWrite: boards without flash get a pulse that we end, even when we are stopped in the middle of it.
func TestPulseByWrite(t *testing.T) {
	board, addr := tcpBoard(t, 100*time.Millisecond)
	kv := map[string]any{"tcp": addr, "pulse_by": "write", "pulse": "5s"}
	b, err := modbusbarrier.New(settings(t, kv), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	up := make(chan struct{}, 1000)
	go func() { ended <- b.Run(ctx, func(driver.Event) { up <- struct{}{} }) }()
	<-up
	must(t, "Open", b.Open, driver.Done)
	if !board.Relay(0) {
		t.Fatal("the relay is not on in the middle of its pulse")
	}
	begin := time.Now()
	cancel()
	if err := <-ended; err != nil || time.Since(begin) > time.Second {
		t.Errorf("Run = %v after %v", err, time.Since(begin))
	}
	if board.Relay(0) {
		t.Error("the relay stays on after Run: a dead agent would hold the barrier open")
	}
}

func TestSampleSettingsFile(t *testing.T) {
	for _, name := range []string{"settings.json", "settings_rtu.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := modbusbarrier.New(json.RawMessage(b), drivertest.Env(t)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
