package systemtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
)

// Together the two tests kill 20 times.
const (
	cloudKills  = 10
	brokerKills = 10
)

// busy is a lot with much traffic of ordinary cars.
func busy(seed uint64) rig.Options {
	return rig.Options{Seed: seed, FreeFor: time.Second, Traffic: map[string]any{
		"every": "1500ms", "stay_min": "1s", "stay_max": "6s", "free_for": "1s", "patience": "700ms", "give_up": "90s", "most_inside": 20,
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

// killOften kills a program at moments that a seed gives, while facts arise between the kills.
func killOften(t *testing.T, r *rig.Rig, name string, times int, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 20))
	until(t, "the first car leaves", patience, func(ctx context.Context) error {
		rep, err := r.Report(ctx)
		if err == nil && rep.Exits == 0 {
			err = errors.New("none has left")
		}
		return err
	})
	for i := range times {
		moment := 300*time.Millisecond + time.Duration(rnd.Int64N(int64(2200*time.Millisecond)))
		pass(t, r, moment)
		had := factsAt(t, r)
		r.Kill(name)
		away := time.Duration(rnd.Int64N(int64(1200 * time.Millisecond)))
		pass(t, r, away)
		if err := r.Restart(t.Context(), name); err != nil {
			t.Fatalf("restart %s after kill %d: %v", name, i+1, err)
		}
		t.Logf("kill %d of %s after %s, away %s: the lot had %d facts", i+1, name, moment.Round(time.Millisecond), away.Round(time.Millisecond), had)
	}
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

func factsAt(t *testing.T, r *rig.Rig) int {
	t.Helper()
	b, err := r.Booth(t.Context(), rig.EntryBooth)
	if err != nil {
		t.Fatal(err)
	}
	return b.Sync.Facts
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
