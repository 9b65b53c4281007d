package systemtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
	"lotkeeper/deploy/rig/lossy"
)

// Together the two tests kill 20 times.
const (
	cloudKills  = 10
	brokerKills = 10
)

// busy is a lot with much traffic of ordinary cars.
func busy(seed uint64) rig.Options {
	return rig.Options{Seed: seed, NoFree: true, Traffic: map[string]any{
		"every": "1500ms", "stay_min": "1s", "stay_max": "6s", "patience": "700ms", "give_up": "90s", "most_inside": 20,
		"mischief": map[string]int{"misread": 0, "reverse": 0, "unlicensed": 0, "tailgate": 0, "cash": 50},
	}}
}

// TestKillCloud kills the cloud, with the broker in it, during traffic.
func TestKillCloud(t *testing.T) {
	t.Parallel()
	r := start(t, busy(11))
	killOften(t, r, rig.Cloud, cloudKills, 11)
	account(t, r)
}

// TestKillBroker kills a Mosquitto that cloud and booths use with certificates and a shared subscription.
func TestKillBroker(t *testing.T) {
	t.Parallel()
	o := busy(12)
	o.Mosquitto = true
	r := start(t, o)
	killOften(t, r, rig.Mosquitto, brokerKills, 12)
	account(t, r)
}

// boothKills is how often TestKillBooths kills; LOTKEEPER_KILLS says otherwise (make nightly).
func boothKills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LOTKEEPER_KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LOTKEEPER_KILLS is %q, want a number above zero", text)
	}
	return n
}

// TestKillBooths kills the entry's and the exit's agent at random moments of traffic. What the cloud or the other booth
// has heard from a booth is in its journal when it comes back, the cars are let in and out again, and in the end every
// car that crossed is counted once on all sides.
func TestKillBooths(t *testing.T) {
	t.Parallel()
	r := start(t, busy(13))
	rnd := rand.New(rand.NewPCG(13, 20))
	someLeft(t, r)
	for i := range boothKills(t) {
		booth := []string{rig.EntryBooth, rig.ExitBooth}[i%2]
		comesBack(t, r, booth, time.Duration(rnd.Int64N(int64(1500*time.Millisecond))), func() { r.Kill(booth) })
	}
	account(t, r)
}

// powerCuts is how often TestPowerCut cuts, in short runs.
const powerCuts = 8

// TestPowerCut takes the power of the entry's booth at random moments of traffic: the agent is gone, and so is what its
// disk had not synced, all of it or any part.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	disk, err := lossy.Mount(filepath.Join(dir, rig.EntryBooth), filepath.Join(dir, "beneath"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Unmount(); err != nil {
			t.Error(err)
		}
	})
	r := startIn(t, dir, busy(14))
	rnd := rand.New(rand.NewPCG(14, 20))
	someLeft(t, r)
	for i := range max(powerCuts, boothKills(t)/2) {
		odds := []float64{1, 0.5, 0.1}[i%3]
		comesBack(t, r, rig.EntryBooth, time.Duration(rnd.Int64N(int64(1500*time.Millisecond))), func() {
			r.Kill(rig.EntryBooth)
			if err := errors.Join(disk.Cut(rnd, odds), disk.Restore()); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Logf("the cuts took %d sectors", disk.Lost())
	if disk.Lost() == 0 {
		t.Error("no cut took anything")
	}
	account(t, r)
}

// someLeft waits for traffic.
func someLeft(t *testing.T, r *rig.Rig) {
	t.Helper()
	until(t, "the first car leaves", patience, func(ctx context.Context) error {
		rep, err := r.Report(ctx)
		if err == nil && rep.Exits == 0 {
			err = errors.New("none has left")
		}
		return err
	})
}

// comesBack ends a booth after a moment of traffic and starts it again: it is the author that it was, and has whatever
// the cloud had heard of it.
func comesBack(t *testing.T, r *rig.Rig, booth string, moment time.Duration, end func()) {
	t.Helper()
	pass(t, r, moment)
	before, err := r.Booth(t.Context(), booth)
	if err != nil {
		t.Fatal(err)
	}
	heard, err := r.CloudDigest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end()
	if err := r.Restart(t.Context(), booth); err != nil {
		t.Fatalf("restart %s: %v", booth, err)
	}
	after, err := r.Booth(t.Context(), booth)
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.BoothDigest(t.Context(), booth)
	if err != nil {
		t.Fatal(err)
	}
	author := before.Sync.Author
	if after.Sync.Author != author {
		t.Fatalf("%s came back as author %s, was %s: its journal was lost", booth, after.Sync.Author, author)
	}
	if got, want := own.Cursors[author], heard.Cursors[author]; got < want {
		t.Fatalf("the journal of %s ends at %d, the cloud has heard %d", booth, got, want)
	}
	t.Logf("%s ended after %s; it holds %d facts", booth, moment.Round(time.Millisecond), own.Facts)
}

// settle is how long a booth's line must have lived for the booth to try again at once when it is lost.
const settle = 10 * time.Second

// killOften kills a program at moments that a seed gives, while facts arise and a booth is connected. Most kills follow
// each other closely; every third comes when the lines have lived long enough to be trusted again.
func killOften(t *testing.T, r *rig.Rig, name string, times int, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 20))
	someLeft(t, r)
	for i := range times {
		had := connected(t, r)
		moment := time.Duration(rnd.Int64N(int64(2 * time.Second)))
		if i%3 == 2 {
			moment += settle
		}
		pass(t, r, moment)
		r.Kill(name)
		away := time.Duration(rnd.Int64N(int64(1200 * time.Millisecond)))
		pass(t, r, away)
		if err := r.Restart(t.Context(), name); err != nil {
			t.Fatalf("restart %s after kill %d: %v", name, i+1, err)
		}
		t.Logf("kill %d of %s %s after a line was up, away %s; the lot had %d facts", i+1, name, moment.Round(time.Millisecond), away.Round(time.Millisecond), had)
	}
}

// connected waits until the cloud is ready and hears a booth. It returns how many facts the lot has.
func connected(t *testing.T, r *rig.Rig) (facts int) {
	t.Helper()
	until(t, "cloud and a booth are connected", patience, func(ctx context.Context) error {
		if status, body := get(t, r.OpsURL+"/readyz"); status != http.StatusOK {
			return fmt.Errorf("the cloud: %d %s", status, body)
		}
		lines := 0
		for _, b := range []string{rig.EntryBooth, rig.ExitBooth} {
			s, err := r.Booth(ctx, b)
			if err != nil {
				return err
			}
			facts = max(facts, s.Sync.Facts)
			if s.Sync.Cloud {
				lines++
			}
		}
		if lines == 0 {
			return errors.New("no booth has a line to the cloud")
		}
		return nil
	})
	return facts
}

// pass lets the traffic go on for a time, and fails when a program dies of it.
func pass(t *testing.T, r *rig.Rig, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
	if who := r.Died(); who != "" {
		t.Fatal(who)
	}
}

// account drains the lot and counts: each author's own journal, what the cloud stored of it, the truth at the lanes, and
// the payments.
func account(t *testing.T, r *rig.Rig) {
	t.Helper()
	if err := r.Drain(t.Context(), 120*time.Second); err != nil {
		t.Fatalf("drain: %v", err)
	}
	rep := report(t, r)
	authors := map[string]string{}
	for _, b := range []string{rig.EntryBooth, rig.ExitBooth} {
		s, err := r.Booth(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		authors[b] = s.Sync.Author
	}
	r.StopOne(rig.Sim) // its devices say nothing more
	cloud := settled(t, r)
	for booth, author := range authors {
		r.StopOne(booth)
		own, err := r.BoothDigest(t.Context(), booth) // from its disk
		if err != nil {
			t.Fatal(err)
		}
		if !own.Same(cloud) {
			t.Errorf("%s and the cloud: got %+v and %+v, want the same", booth, own, cloud)
		}
		if got, want := cloud.Cursors[author], own.Cursors[author]; got != want || want == 0 {
			t.Errorf("facts of %s: the cloud has %d, its journal %d", booth, got, want)
		}
		t.Logf("%s: %d facts in its journal, %d of them in the cloud", booth, own.Cursors[author], cloud.Cursors[author])
	}
	s := cloud.Sums
	if rep.Entries != s.Entries || rep.Exits != s.Exits || rep.Exits == 0 {
		t.Errorf("entries and exits: at the lanes %d, %d, in the facts %d, %d; want the same, above zero", rep.Entries, rep.Exits, s.Entries, s.Exits)
	}
	var phone, orders int64
	paid, err := r.PayOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for no, o := range paid {
		if o.Payments > 1 {
			err = errors.Join(err, errors.New("paid more than once: "+no))
		}
		if !o.Paid.IsZero() {
			orders++
			phone += o.Total - o.Refunded
		}
	}
	if err != nil {
		t.Error(err)
	}
	if s.Paid == 0 || orders == 0 || phone > s.Paid+s.Excess {
		t.Errorf("payments: %d orders of %d on the phone, %d paid and %d too much in the facts; want some of all, and all of the phone's in the facts", orders, phone, s.Paid, s.Excess)
	}
	t.Logf("%d entries, %d exits, at the lanes and in the facts; %d facts; billed %d = paid %d + free %d + debt %d (excess %d); %d payments by phone of %d",
		s.Entries, s.Exits, cloud.Facts, s.Billed, s.Paid, s.Free, s.Debt, s.Excess, orders, phone)
}
