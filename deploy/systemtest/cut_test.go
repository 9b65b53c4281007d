package systemtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/deploy/rig"
)

const cutFor = 20 * time.Second

// TestCut: while the lot has no line to the cloud, cars come and go, cash is taken, the console answers. A driver who pays
// on the phone meanwhile, and stands at the exit, is let out when the line is back. One who pays on the phone and then in
// cash has paid too much, and both sides know it.
func TestCut(t *testing.T) {
	t.Parallel()
	r := start(t, quiet())
	const onPhone, inCash, twice, late = "粤C12345", "粤C23456", "粤C34567", "粤C45678"
	waiting, cash, double := enter(t, r, onPhone, "phone"), enter(t, r, inCash, "cash"), enter(t, r, twice, "phone")
	before := settled(t, r)

	r.Cut(true)
	began := time.Now()
	until(t, "the booths know that the line is cut", patience, func(ctx context.Context) error {
		for _, b := range []string{rig.EntryBooth, rig.ExitBooth} {
			if s, err := r.Booth(ctx, b); err != nil || s.Sync.Cloud {
				return errors.Join(err, fmt.Errorf("%s thinks it is connected", b))
			}
		}
		return nil
	})
	leave(t, r, cash, inCash, "cash")
	enter(t, r, late, "nothing")
	paidTwice := payTwice(t, r, double, twice)
	arriveAtExit(t, r, onPhone, "phone")
	paidOrder(t, r, onPhone, 2)
	consoleWorks(t, r)
	if rest := cutFor - time.Since(began); rest > 0 {
		until(t, "nothing ends before the cut does", rest+patience, func(context.Context) error {
			if who := r.Died(); who != "" {
				t.Fatal(who)
			}
			if time.Since(began) < cutFor {
				return errors.New("the cut goes on")
			}
			return nil
		})
	}
	if c, err := r.Car(t.Context(), waiting); err != nil || c.State != "exiting" {
		t.Errorf("the car whose payment the booth cannot know: got %+v, %v, want it waiting", c, err)
	}
	there, err := r.BoothDigest(t.Context(), rig.ExitBooth)
	if err != nil {
		t.Fatal(err)
	}
	here, err := r.CloudDigest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if there.Facts <= before.Facts {
		t.Errorf("facts that arose during the cut: got %d, want more than none", there.Facts-before.Facts)
	}
	t.Logf("cut of %s: %d facts arose at the lot, %d in the cloud", time.Since(began).Round(time.Second), there.Facts-before.Facts, here.Facts-before.Facts)

	r.Cut(false)
	awaitCar(t, r, waiting, "left")
	after := settled(t, r)
	oneSession(t, r, onPhone)
	oneSession(t, r, inCash)
	checkExcess(t, r, twice, paidTwice, after)
	if rep := report(t, r); rep.Entries != 4 || rep.Exits != 3 || after.Sums.Entries != 4 || after.Sums.Exits != 3 {
		t.Errorf("entries and exits: lotsim %d, %d, folded %d, %d, want 4, 3", rep.Entries, rep.Exits, after.Sums.Entries, after.Sums.Exits)
	}
}

// payTwice lets a driver pay on the phone while the booth cannot hear of it, and then in cash. It returns the sum of both.
func payTwice(t *testing.T, r *rig.Rig, car, plate string) (minor int64) {
	t.Helper()
	arriveAtExit(t, r, plate, "phone")
	phone := paidOrder(t, r, plate, 1)
	cash, err := r.TakeCash(t.Context(), rig.ExitBooth, rig.ExitLane, "twice-"+car, patience)
	if err != nil || cash <= 0 {
		t.Fatalf("take cash for a stay that the phone paid: got %d, %v, want more than nothing", cash, err)
	}
	awaitCar(t, r, car, "left")
	return phone + cash
}

// paidOrder waits until the payment double has n paid orders and the cloud has settled all of them; it returns the sum
// of the newest.
func paidOrder(t *testing.T, r *rig.Rig, plate string, n int) (minor int64) {
	t.Helper()
	until(t, plate+" pays on the phone", patience, func(ctx context.Context) error {
		orders, err := r.PayOrders(ctx)
		if err != nil {
			return err
		}
		paid := 0
		var newest fakepay.Order
		for no, o := range orders {
			if o.Paid.IsZero() {
				continue
			}
			paid++
			if o.Paid.After(newest.Paid) {
				newest = o
			}
			if state, err := r.OrderState(ctx, no); err != nil || state != "paid" {
				return errors.Join(err, fmt.Errorf("order %s is %q", no, state))
			}
		}
		minor = newest.Total
		if paid != n {
			return fmt.Errorf("%d orders are paid, want %d", paid, n)
		}
		return nil
	})
	return minor
}

// consoleWorks asks a booth for all a cashier uses.
func consoleWorks(t *testing.T, r *rig.Rig) {
	t.Helper()
	a, err := r.Console(t.Context(), rig.ExitBooth)
	if err != nil {
		t.Fatal(err)
	}
	var passages struct {
		Items []struct {
			Photo string `json:"photo"`
		} `json:"items"`
	}
	var me struct {
		Name string `json:"name"`
	}
	for path, into := range map[string]any{"/api/passages": &passages, "/api/me": &me, "/api/digest": nil, "/readyz": nil} {
		if err := a.Call(t.Context(), http.MethodGet, path, nil, into); err != nil {
			t.Errorf("console during the cut: %v", err)
		}
	}
	if len(passages.Items) < 3 || me.Name != rig.Cashier {
		t.Errorf("console during the cut: got %d passages, signed in %q, want at least 3, %q", len(passages.Items), me.Name, rig.Cashier)
	}
}

// checkExcess: what was paid beyond the bill is shown as such, or has been given back. Other stays may show some too: who
// pays on the phone at an exit that the cloud cannot see is quoted the price of that moment, and billed that of the exit.
func checkExcess(t *testing.T, r *rig.Rig, plate string, paid int64, d rig.Digest) {
	t.Helper()
	all, err := signIn(t, r, rig.Admin).Sessions(t.Context(), plate)
	if err != nil || len(all) != 1 {
		t.Fatalf("sessions of %s: got %+v, %v, want one", plate, all, err)
	}
	orders, err := r.PayOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var back int64
	for _, o := range orders {
		back += o.Refunded
	}
	m := all[0].Money
	if m.Gross <= 0 || m.Debt != 0 || m.Paid != m.Gross || m.Excess+back != paid-m.Gross {
		t.Errorf("a stay for which %d was paid: got %+v, given back %d; want no debt, and all beyond the bill as excess or given back", paid, m, back)
	}
	if all, err = signIn(t, r, rig.Admin).Sessions(t.Context(), ""); err != nil || len(all) != 4 {
		t.Fatalf("sessions of the lot: got %+v, %v, want four", all, err)
	}
	var shown int64
	for _, s := range all {
		shown += s.Money.Excess
	}
	if d.Sums.Excess != shown {
		t.Errorf("folded excess: got %d, want the %d of all stays as they are shown: %+v", d.Sums.Excess, shown, all)
	}
	t.Logf("paid twice: %+v, given back %d", m, back)
}
