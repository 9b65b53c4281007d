package watchdog

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// guard is a lane's watch, told as the lane does it, with a second between looks.
type guard struct {
	t    *testing.T
	w    *Lane
	at   time.Duration
	live wire.Live
	on   map[string]bool
	said []string // every change, as "camera_blind/cam-1 on"
	each func()
}

func newGuard(t *testing.T, cameras ...string) *guard {
	return &guard{t: t, w: NewLane("exit-1", cameras, time.Second), at: time.Second, on: map[string]bool{}}
}

func (g *guard) pass(d time.Duration) {
	for end := g.at + d; g.at < end; {
		g.at += time.Second
		if g.each != nil {
			g.each()
		}
		g.w.Live(g.live, g.at)
		g.look()
	}
}

func (g *guard) look() {
	for _, f := range g.w.Find(g.at) {
		k := f.Code + "/" + f.Subject
		if f.On != g.on[k] {
			g.on[k] = f.On
			g.said = append(g.said, k+map[bool]string{true: " on", false: " off"}[f.On])
		}
		if f.Code == "" || f.On && f.Detail == "" && f.Code != "camera_down" && f.Code != "barrier_silent" {
			g.t.Errorf("finding without words: %+v", f)
		}
	}
}

func (g *guard) fact(k fact.Kind, body any) {
	g.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	g.w.Facts([]fact.Fact{{Kind: k, Body: b}}, g.at)
}

func (g *guard) read(camera string) { g.fact(fact.KindRead, fact.Read{Lane: "exit-1", Device: camera}) }
func (g *guard) drive() {
	g.fact(fact.KindPassage, fact.Passage{Lane: "exit-1", Outcome: fact.Passed})
	g.pass(10 * time.Second)
}

func (g *guard) want(story string) {
	g.t.Helper()
	if got := strings.Join(g.said, ", "); got != story {
		g.t.Errorf("said %q, want %q", got, story)
	}
}

// TestHeartbeatsKeptACamerasStreamAliveWhileEventsHadStopped: the camera is connected all the time; vehicles pass and it
// reads none. One alarm, within a minute of the third, and the blind time is a figure.
func TestHeartbeatsKeptACamerasStreamAliveWhileEventsHadStopped(t *testing.T) {
	g := newGuard(t, "cam-1")
	g.each = func() { g.w.Devices([]device.Health{{Device: "cam-1", Role: device.Camera, State: device.Up}}, g.at) }
	for range 5 {
		g.read("cam-1")
		g.drive()
	}
	g.want("")
	began := g.at
	for range 3 {
		g.drive()
	}
	g.want("camera_blind/cam-1 on")
	for range 20 {
		g.drive()
	}
	g.pass(time.Hour)
	g.want("camera_blind/cam-1 on")
	blind := g.at - began
	if s := g.w.Sights(g.at)[0]; s.Missed != 23 || s.Blind != blind {
		t.Errorf("sight %+v, want 23 missed and blind for %v", s, blind)
	}
	g.read("cam-1")
	g.drive()
	g.pass(time.Minute)
	g.want("camera_blind/cam-1 on, camera_blind/cam-1 off")
	if s := g.w.Sights(g.at)[0]; s.Blind != blind {
		t.Errorf("blind for %v after it was over, want %v", s.Blind, blind)
	}
}

func TestOneUnreadVehicleIsNoBlindCamera(t *testing.T) {
	g := newGuard(t, "cam-1")
	for range 10 {
		g.read("cam-1")
		g.drive()
		g.drive()
		g.drive()
	}
	g.want("")
}

func TestReadsFromMemoryAreNoSight(t *testing.T) {
	g := newGuard(t, "cam-1")
	for range 3 {
		g.fact(fact.KindRead, fact.Read{Device: "cam-1", Late: true})
		g.fact(fact.KindRead, fact.Read{Device: "booth"}) // typed by a person
		g.drive()
	}
	g.want("camera_blind/cam-1 on")
}

func TestEachCameraOfALaneIsWatched(t *testing.T) {
	g := newGuard(t, "front", "rear")
	for range 4 {
		g.read("front")
		g.drive()
	}
	g.want("camera_blind/rear on")
}

// TestAVehicleThatStandsUnreadFindsTheCameraBlindWithinAMinute: nobody need drive through unread first.
func TestAVehicleThatStandsUnreadFindsTheCameraBlindWithinAMinute(t *testing.T) {
	g := newGuard(t, "cam-1")
	g.read("cam-1")
	g.drive()
	g.read("cam-1") // of somebody who backs out
	g.live = wire.Live{Loop: true, Token: wire.Token{Car: 7}}
	g.pass(40 * time.Second)
	g.want("")
	g.pass(20 * time.Second)
	g.want("camera_blind/cam-1 on")
	g.live = wire.Live{Loop: true, Token: wire.Token{Car: 7}, Plate: &plate.Plate{Text: "粤B12345"}}
	g.read("cam-1")
	g.pass(time.Second)
	g.want("camera_blind/cam-1 on, camera_blind/cam-1 off")
}

func TestACameraThatIsAwayHasOneAlarm(t *testing.T) {
	g := newGuard(t, "cam-1")
	state := device.Down
	g.each = func() {
		g.w.Devices([]device.Health{{Device: "cam-1", Role: device.Camera, State: state, Error: "refused"}}, g.at)
	}
	for range 10 {
		g.drive()
	}
	g.want("camera_down/cam-1 on")
	state = device.Up
	g.read("cam-1")
	g.pass(time.Second)
	g.want("camera_down/cam-1 on, camera_down/cam-1 off")
}

func TestSilentRelay(t *testing.T) {
	g := newGuard(t)
	state := device.Up
	g.each = func() { g.w.Devices([]device.Health{{Device: "bar", Role: device.Barrier, State: state}}, g.at) }
	for range 10 { // a link that breaks and comes back at once
		state = device.Down
		g.pass(5 * time.Second)
		state = device.Up
		g.pass(5 * time.Second)
	}
	g.want("")
	state = device.Down
	g.pass(10 * time.Minute)
	state = device.Up
	g.pass(time.Minute)
	g.want("barrier_silent/bar on, barrier_silent/bar off")
}

func TestStuckBarrierStuckLoopAndStuckLane(t *testing.T) {
	g := newGuard(t)
	g.live.Faults = []string{"arm"}
	g.pass(time.Minute)
	g.live.Faults = nil
	g.pass(time.Minute)
	g.want("barrier_stuck/exit-1 on, barrier_stuck/exit-1 off")

	g.said = nil
	g.live.Loop = true
	g.pass(9 * time.Minute)
	g.live.Loop = false
	g.pass(time.Second)
	g.want("")
	g.live.Loop = true
	g.pass(30 * time.Minute)
	g.live.Loop = false
	g.pass(time.Minute)
	g.want("loop_stuck/exit-1 on, loop_stuck/exit-1 off")

	g.said = nil
	waits := time.Now()
	g.live = wire.Live{Loop: true, Plate: &plate.Plate{Text: "粤B12345"}, Waiting: &waits}
	g.pass(30 * time.Minute) // somebody looks for a purse
	g.want("")
	g.pass(31 * time.Minute)
	g.want("loop_stuck/exit-1 on")

	g.said = nil
	g.at += 31 * time.Second // and says nothing
	g.look()
	g.want("lane_stuck/exit-1 on")
}

func TestCamerasClockThatIsFarOffIsToldToPeople(t *testing.T) {
	g := newGuard(t, "cam-1")
	g.fact(fact.KindClock, fact.Clock{Source: "cam-1", OffsetMS: -1000})
	g.pass(time.Second)
	g.want("")
	g.fact(fact.KindClock, fact.Clock{Source: "cam-1", OffsetMS: -8 * 3600 * 1000})
	g.pass(time.Second)
	g.fact(fact.KindClock, fact.Clock{Source: "cam-1", OffsetMS: 200})
	g.pass(time.Second)
	g.want("camera_clock/cam-1 on, camera_clock/cam-1 off")
}

func TestALaneThatWasTakenAwayHasNoAlarms(t *testing.T) {
	g := newGuard(t, "cam-1")
	g.each = func() {
		g.w.Devices([]device.Health{{Device: "bar", Role: device.Barrier, State: device.Down, Error: "x"}}, g.at)
	}
	for range 3 {
		g.drive()
	}
	g.pass(time.Minute)
	for _, f := range g.w.Over() {
		g.on[f.Code+"/"+f.Subject] = f.On
	}
	for k, on := range g.on {
		if on {
			t.Errorf("%s stays", k)
		}
	}
}

func TestDiskStall(t *testing.T) {
	d := NewDisk()
	at := time.Second
	var said []string
	on := map[string]bool{}
	pass := func(long time.Duration) {
		for end := at + long; at < end; {
			at += time.Second
			for _, f := range d.Find(at) {
				if f.On != on[f.Code] {
					on[f.Code] = f.On
					said = append(said, f.Code+map[bool]string{true: " on: " + f.Detail, false: " off"}[f.On])
				}
			}
		}
	}
	write := func(took time.Duration) {
		end := d.Begin(at)
		at += took
		end(at)
	}
	for range 100 {
		write(40 * time.Millisecond)
		pass(time.Second)
	}
	if len(said) != 0 {
		t.Fatalf("said %v of a good disk", said)
	}
	end := d.Begin(at) // one that hangs is found while it hangs
	pass(3 * time.Second)
	end(at)
	for range 5 { // and slow ones after it are of the same alarm
		write(700 * time.Millisecond)
		pass(20 * time.Second)
	}
	pass(2 * time.Minute)
	if got := strings.Join(said, ", "); got != "disk_stall on: a write took 1s, disk_stall off" {
		t.Errorf("said %q", got)
	}
	said = nil
	d.Room(100<<20, 64<<30)
	pass(time.Minute)
	d.Room(20<<30, 64<<30)
	pass(time.Minute)
	if got := strings.Join(said, ", "); got != "disk_low on: 100 MB of 65536 MB are free, disk_low off" {
		t.Errorf("said %q", got)
	}
}
