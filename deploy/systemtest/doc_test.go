// Package systemtest runs the real programs against each other: cloud with its Postgres and broker (the embedded one, or
// Mosquitto), the payment double, two booths, and the lot's simulated hardware, each a process of its own on loopback.
// The rig of deploy/rig sets them up the way a person would.
//
// What is shown here, one file each:
//
//	walk_test.go      a booth dies between entry and exit; a lost payment notice; seats' commands, old and repeated ones
//	kill_test.go      cloud or broker die 20 times during traffic: no fact lost or doubled, counted
//	cut_test.go       20 s without a line to the cloud: the lot goes on, both sides agree afterwards, nobody pays twice
//	hostile_test.go   malformed and oversized bytes on every socket, wrong certificates, torn frames of a camera
//	message_test.go   bad messages on the broker; another lot's booth, with a right certificate, on our lot's topics
//	config_test.go    configurations with faults: every one is told
//	stop_test.go      health, figures, and a stop that leaves nothing behind
//
// The programs are built once, without the race detector, into a temporary folder. Each test has a rig of its own in a
// folder of its own; when a test fails, the folder with all logs stays and the test says where. Nothing is shared between
// rigs, not even a loopback address, so tests run side by side.
//
// Needed: PostgreSQL and Mosquitto (make setup installs them).
package systemtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
	"lotkeeper/firmware-adapters/sim/traffic"
)

// built is the folder of the programs: there before the tests run, filled when the first of them asks.
var built string

// programs builds the programs once and returns their folder. A test calls it, not TestMain: see rig.Build.
var programs = sync.OnceValues(func() (string, error) {
	return built, rig.Build(context.Background(), filepath.Join("..", ".."), built,
		"./edge/cmd/lotkeeper-edge", "./cloud/cmd/lotkeeper-cloud", "./firmware-adapters/cmd/lotsim", "./cloud/fakepay/cmd/fakepay")
})

// program returns the file of a program.
func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// atOnce is how many rigs run side by side: they wait more than they work.
const atOnce = "4"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if err := flag.Set("test.parallel", atOnce); err != nil { // the command line may say otherwise
		fmt.Fprintln(os.Stderr, "systemtest:", err)
		return 1
	}
	var err error
	if built, err = os.MkdirTemp("", "lk-bin-"); err != nil {
		fmt.Fprintln(os.Stderr, "systemtest:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(built) }()
	return m.Run()
}

// folder makes a folder for a rig. The managed Postgres drops to another user, who must reach it, and its socket needs a
// short path: t.TempDir is neither open nor short.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("data and logs are kept in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// start starts a rig for a test.
func start(t *testing.T, o rig.Options) *rig.Rig {
	t.Helper()
	return startIn(t, folder(t), o)
}

func startIn(t *testing.T, dir string, o rig.Options) *rig.Rig {
	t.Helper()
	o.Dir, o.Bin = dir, program(t, "")
	began := time.Now()
	r, err := rig.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("start the rig in %s: %v", dir, err)
	}
	t.Logf("the rig is up after %s", time.Since(began).Round(100*time.Millisecond))
	t.Cleanup(func() {
		if who := r.Died(); who != "" {
			t.Error(who)
		}
		r.Stop()
	})
	return r
}

// quiet is a lot to which only the test sends cars; drivers pay soon and wait long. Every stay costs something at once.
func quiet() rig.Options {
	return rig.Options{
		Seed: 7, NoFree: true,
		Traffic: map[string]any{"off": true, "patience": "500ms", "give_up": "150s"},
	}
}

// patience is for what takes a second or two on an idle machine.
const patience = 45 * time.Second

// enter brings a car in.
func enter(t *testing.T, r *rig.Rig, plate, pays string) (car string) {
	t.Helper()
	car, err := r.Arrive(t.Context(), rig.EntryLane, plate, pays)
	if err == nil {
		err = r.AwaitCar(t.Context(), car, "inside", patience)
	}
	if err != nil {
		t.Fatalf("%s enters: %v", plate, err)
	}
	return car
}

// arriveAtExit sends a car to the exit.
func arriveAtExit(t *testing.T, r *rig.Rig, plate, pays string) {
	t.Helper()
	if _, err := r.Arrive(t.Context(), rig.ExitLane, plate, pays); err != nil {
		t.Fatalf("%s arrives at the exit: %v", plate, err)
	}
}

// leave brings a car out.
func leave(t *testing.T, r *rig.Rig, car, plate, pays string) {
	t.Helper()
	arriveAtExit(t, r, plate, pays)
	awaitCar(t, r, car, "left")
}

func awaitCar(t *testing.T, r *rig.Rig, car, want string) {
	t.Helper()
	if err := r.AwaitCar(t.Context(), car, traffic.State(want), patience); err != nil {
		t.Fatal(err)
	}
}

// settled waits until all sides hold the same, and says what that is.
func settled(t *testing.T, r *rig.Rig) rig.Digest {
	t.Helper()
	d, err := r.Settle(t.Context(), 60*time.Second)
	if err != nil {
		t.Fatalf("the sides do not come to hold the same: %v", err)
	}
	if string(d.Tables) != "true" {
		t.Errorf("the cloud's tables equal the fold of its facts: got %s, want true", d.Tables)
	}
	if s := d.Sums; s.Billed != s.Paid+s.Free+s.Debt {
		t.Errorf("sums %+v: billed is not paid + free + debt", s)
	}
	return d
}

// oneSession checks that a plate has one session, billed and paid, and returns it.
func oneSession(t *testing.T, r *rig.Rig, plate string) rig.Session {
	t.Helper()
	a := signIn(t, r, rig.Admin)
	all, err := a.Sessions(t.Context(), plate)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("sessions of %s: got %+v, want one", plate, all)
	}
	s := all[0]
	if s.State != "left" || !s.Billed || s.Money.Gross <= 0 || s.Money.Debt != 0 || s.Money.Paid != s.Money.Gross {
		t.Errorf("session of %s: got %+v, want it left, with one bill above zero, paid", plate, s)
	}
	return s
}

func signIn(t *testing.T, r *rig.Rig, who string) *rig.API {
	t.Helper()
	a, err := r.SignIn(t.Context(), who)
	if err != nil {
		t.Fatalf("sign %s in: %v", who, err)
	}
	return a
}

// report is what happened at the lanes; an arm that rose without a reason is a fault.
func report(t *testing.T, r *rig.Rig) rig.Report {
	t.Helper()
	rep, err := r.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range rep.Wrong {
		t.Errorf("wrongly opened: %+v", w)
	}
	return rep
}

// until tries again until it succeeds.
func until(t *testing.T, what string, within time.Duration, try func(ctx context.Context) error) {
	t.Helper()
	if err := rig.Until(t.Context(), within, try); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
