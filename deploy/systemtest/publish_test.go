package systemtest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
)

// TestTariffReachesTheBooths: what is published is in force at both booths within ten seconds; who is inside goes on with
// the tariff of his entry, and who comes after pays by the new one, on the phone as at the lane.
func TestTariffReachesTheBooths(t *testing.T) {
	t.Parallel()
	r := start(t, quiet())
	a := signIn(t, r, rig.Admin)
	ctx := t.Context()
	const before, after = "粤C55555", "粤C66666"

	cheap := enter(t, r, before, "phone")
	perVisit := func(price int) map[string]any {
		doc := rig.DemoTariff("按次", "Per visit", price)
		doc["plans"] = []map[string]any{{"id": "all", "position": "stay", "bands": []map[string]any{{"id": "always", "steps": []map[string]any{{"price": price}}}}}}
		return doc
	}
	tariff, err := a.NewTariff(ctx, perVisit(700))
	if err == nil {
		err = a.PublishTariff(ctx, &tariff)
	}
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := a.UseTariff(ctx, rig.Lot, tariff); err != nil {
		t.Fatal(err)
	}
	inForce(t, r, a, began)

	// A second version, by publishing it to the lot.
	if err := a.Redraft(ctx, &tariff, perVisit(900)); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	if err := a.PublishTariff(ctx, &tariff, rig.Lot); err != nil || tariff.Latest != 2 {
		t.Fatalf("published %+v: %v", tariff, err)
	}
	inForce(t, r, a, began)

	dear := enter(t, r, after, "phone")
	until(t, "the phone asks the new price", patience, func(ctx context.Context) error {
		q, err := r.Quote(ctx, after)
		if err == nil && q.Due != 900 {
			err = fmt.Errorf("due %d, want 900", q.Due)
		}
		return err
	})
	leave(t, r, cheap, before, "phone")
	leave(t, r, dear, after, "phone")
	settled(t, r)
	for plate, want := range map[string]struct {
		tariff string
		gross  int64
	}{before: {"demo", 0}, after: {tariff.ID, 900}} {
		s := oneSession(t, r, plate)
		var detail struct {
			Bill struct {
				Tariff string `json:"tariff"`
			} `json:"bill"`
		}
		if err := a.Call(ctx, http.MethodGet, "/api/v1/lots/"+rig.Lot+"/sessions/"+s.ID, nil, &detail); err != nil {
			t.Fatal(err)
		}
		if detail.Bill.Tariff != want.tariff || (want.gross != 0 && s.Money.Gross != want.gross) {
			t.Errorf("%s was billed %d by %s, want %+v", plate, s.Money.Gross, detail.Bill.Tariff, want)
		}
	}
}

// inForce waits until both booths have the cloud's newest configuration, at most ten seconds after began.
func inForce(t *testing.T, r *rig.Rig, a *rig.API, began time.Time) {
	t.Helper()
	var lot struct {
		ConfigNumber uint64 `json:"config_number"`
	}
	if err := a.Call(t.Context(), http.MethodGet, "/api/v1/lots/"+rig.Lot, nil, &lot); err != nil {
		t.Fatal(err)
	}
	for _, b := range []string{rig.EntryBooth, rig.ExitBooth} {
		until(t, b+" has the new configuration", 10*time.Second-time.Since(began), func(ctx context.Context) error {
			s, err := r.Booth(ctx, b)
			if err == nil && s.Config != lot.ConfigNumber {
				err = fmt.Errorf("it has %d, want %d", s.Config, lot.ConfigNumber)
			}
			return err
		})
	}
	t.Logf("configuration %d in force at both booths after %s", lot.ConfigNumber, time.Since(began).Round(time.Millisecond))
}
