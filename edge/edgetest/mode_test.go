package edgetest_test

import (
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// TestHeldOpenLaneStaysOpenOverARestart: a person holds the exit open, the agent dies and comes back, and vehicles leave
// all the while, read, matched and billed.
func TestHeldOpenLaneStaysOpenOverARestart(t *testing.T) {
	l := Start(t, Plan{})
	b := l.Booths["booth-b"]
	l.Inside("booth-a", "entry-1", "粤B12345", 90*time.Minute)
	l.Inside("booth-a", "entry-1", "京C88888", 90*time.Minute)
	one(t, b, "京C88888", inside)
	token := b.SignIn()
	if code, out := b.Do("POST", "/api/lanes/exit-1/mode", token, map[string]any{"mode": map[string]any{"mode": "held_open", "seconds": 60}}); code != 422 {
		t.Errorf("without a reason: %d %s", code, out)
	}
	set := map[string]any{"reason": "queue on the street", "mode": map[string]any{"mode": "held_open", "seconds": 600}}
	if code, out := b.Do("POST", "/api/lanes/exit-1/mode", token, set); code != 200 {
		t.Fatalf("mode: %d %s", code, out)
	}
	arm := func() string { return string(l.Lanes["exit-1"].Board.Arm()) }
	Until(t, 5*time.Second, "the arm is up", func() bool { return arm() == "up" })
	drive := func(text string) {
		l.Arrive("exit-1", Car(t, text))
		must(t, l.Lanes["exit-1"].Cross(t.Context(), nil, func() {}))
	}
	drive("粤B12345")
	crossed := func(s session.Session) bool { return left(s) && s.Exit.Basis == session.Crossed }
	if s := one(t, b, "粤B12345", crossed); s.Money.Debt != 1000 {
		t.Errorf("money %+v", s.Money)
	}
	b.Stop()
	b.Start()
	Until(t, 15*time.Second, "the lane is held open again", func() bool {
		lanes := b.Agent.State().Lanes
		return len(lanes) == 1 && lanes[0].Mode != nil && lanes[0].Mode.Mode == fact.HeldOpen && lanes[0].Mode.By == Operator && lanes[0].Arm == "up"
	})
	drive("京C88888")
	one(t, b, "京C88888", crossed)
	if arm() != "up" {
		t.Errorf("the arm is %s", arm())
	}
	if code, out := b.Do("POST", "/api/lanes/exit-1/mode", b.SignIn(), map[string]any{}); code != 200 {
		t.Fatalf("back to normal: %d %s", code, out)
	}
	Until(t, 5*time.Second, "the arm is down", func() bool { return arm() == "down" })
}
