package edgetest_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/edge/internal/systemd"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// TestAWedgedLaneStopsTheSignsOfLife: somebody holds the lot's memory for ever, a lane needs it, and the service manager
// hears no more that the booth lives.
func TestAWedgedLaneStopsTheSignsOfLife(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}}})
	a := l.Booths["booth-a"].Agent
	socket := filepath.Join(t.TempDir(), "notify")
	ear, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "300000"}
	m, err := systemd.FromEnv(func(k string) string { return env[k] }, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx, systemd.Booth{Ready: a.Ready(), Status: a.Status, Stuck: a.Stuck})
	}()
	hear := func(long time.Duration) string {
		b := make([]byte, 4096)
		if err := ear.SetReadDeadline(time.Now().Add(long)); err != nil {
			t.Fatal(err)
		}
		n, err := ear.Read(b)
		if err != nil {
			return ""
		}
		return string(b[:n])
	}
	if got := hear(5 * time.Second); !strings.HasPrefix(got, "READY=1\nSTATUS=lot riverside, booth booth-a: 1 lanes") {
		t.Errorf("first it says %q", got)
	}
	for range 10 {
		if got := hear(5 * time.Second); got == "" {
			t.Fatal("it is silent while all is well")
		}
	}
	held, release := make(chan struct{}), make(chan struct{})
	go a.Lot().View(func(*session.Book) { close(held); <-release })
	<-held
	l.Lanes["entry-1"].Board.SetInput(driver.ManualOpen, true) // the lane records, and then cannot fold
	last := time.Now()
	for n := 0; ; n++ {
		if hear(3*time.Second) == "" {
			break
		}
		if last = time.Now(); n > 200 {
			t.Fatal("it never falls silent")
		}
	}
	close(release)
	if got := hear(5 * time.Second); got == "" {
		t.Errorf("silent since %s, and it does not live again", last)
	}
	cancel()
	<-done
}

// TestHeartbeatsKeepACameraConnectedThatReadsNothing: 45 % of a lot's sessions had to be rebuilt by hand elsewhere. Three
// vehicles are let in by hand; then there is one alarm, at every booth, in the figures and in plain words, until the camera
// reads again.
func TestHeartbeatsKeepACameraConnectedThatReadsNothing(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	board := l.Lanes["entry-1"].Board
	for range 3 {
		board.SetInput(driver.LoopArrive, true) // somebody comes, and the camera does not see it
		Until(t, 5*time.Second, "the lane sees that somebody came", func() bool { return a.Live("entry-1").Token.Car != 0 })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r, _, err := a.Agent.Ask(ctx, "entry-1", lane.Ask{Want: lane.WantOpen, Token: a.Live("entry-1").Token, By: Operator, Note: "not read"})
		cancel()
		if err != nil || r.Verdict != lane.Done {
			t.Fatalf("open by hand: %+v, %v", r, err)
		}
		Until(t, 5*time.Second, "the arm is up", func() bool { return board.Arm() == driver.ArmUp })
		board.SetInput(driver.LoopSafety, true)
		seen := board.Requests()
		Until(t, 5*time.Second, "the lane sees it under the arm", func() bool { return board.Requests() > seen+4 })
		board.SetInput(driver.LoopArrive, false)
		board.SetInput(driver.LoopSafety, false)
		Until(t, 5*time.Second, "the arm is down", func() bool { return board.Arm() == driver.ArmDown })
	}
	blind := func(x *Booth) (n int) {
		for _, alarm := range x.Agent.State().Alarms {
			if alarm.Code == "camera_blind" && alarm.Subject == "entry-1-cam" && alarm.Booth == "booth-a" {
				n++
			}
		}
		return n
	}
	for _, x := range []*Booth{a, b} {
		Until(t, 10*time.Second, x.ID+" knows that the camera is blind", func() bool { return blind(x) == 1 })
	}
	if d := a.Live("entry-1").Devices[0]; d.State != "up" {
		t.Errorf("the camera is %s; it was to be connected all the time", d.State)
	}
	for path, want := range map[string]string{"/metrics": `lotkeeper_edge_alarm{code="camera_blind",subject="entry-1-cam"} 1`} {
		if _, body := a.Do("GET", path, "", nil); !strings.Contains(string(body), want) {
			t.Errorf("%s lacks %s", path, want)
		}
	}
	words := ""
	for _, w := range a.Agent.State().Words {
		words += w.Text.ZH + "\n"
	}
	if !strings.Contains(words, "相机在线但不再识别车牌") {
		t.Errorf("words: %s", words)
	}
	// The alarm outlives the agent's restart, and ends when the camera reads again.
	a.Stop()
	a.Start()
	Until(t, 15*time.Second, "the lane is up again", func() bool { live := a.Live("entry-1"); return live.Arm == "down" && len(live.Faults) == 0 })
	if blind(a) != 1 {
		t.Error("the alarm is forgotten over a restart")
	}
	l.Arrive("entry-1", Car(t, "粤B54321"))
	l.Cross("entry-1")
	for _, x := range []*Booth{a, b} {
		Until(t, 10*time.Second, x.ID+" knows that the camera sees", func() bool { return blind(x) == 0 })
	}
	raised := 0
	records, err := a.Lot().Records(a.Lot().Author(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if f, err := fact.Unseal(r); err == nil && f.Kind == fact.KindAlarmRaised {
			if x, err := fact.Decode[fact.Alarm](&f); err == nil && x.Code == "camera_blind" {
				raised++
			}
		}
	}
	if raised != 1 {
		t.Errorf("the alarm was raised %d times", raised)
	}
}
