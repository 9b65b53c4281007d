package owner_test

import (
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment/paymenttest"
)

// A phone is told the same as the exit: of a stay that a month card covers, what is left to pay, and of an expired one all
// but the covered time.
func TestAQuoteKnowsTheRights(t *testing.T) {
	w := paymenttest.New(t, true)
	for i, r := range []map[string]any{
		{"kind": "permit", "plates": []any{map[string]string{"text": "粤B12345"}}},
		{"kind": "free", "plates": []any{map[string]string{"text": "粤B54321"}}, "periods": []any{map[string]any{"to": w.Now().Add(-20 * time.Second)}}},
		{"kind": "black", "plates": []any{map[string]string{"text": "粤B99999"}}},
	} {
		if status, code := w.Server.Do(lottest.Admin, "POST", "/api/v1/rights", r, nil, "Idempotency-Key", string(rune('a'+i))+"-0123456789abcdef"); status != 201 {
			t.Fatalf("right %d: %d %s", i, status, code)
		}
	}
	for _, plate := range []string{"粤B12345", "粤B54321", "粤B99999"} {
		w.Booth.Enter(plate, 45*time.Second)
	}
	due := func(plate string) (int64, string) {
		t.Helper()
		q, status, code := ask(w, body{"plate": plate})
		if status != 201 {
			t.Fatalf("%d %s", status, code)
		}
		return q.Due, q.State
	}
	if n, _ := due("粤B12345"); n != 500 {
		t.Errorf("before the card was published %d is due, want 500", n)
	}
	lottest.Must(t, w.Rights.Publish(t.Context()))
	for plate, want := range map[string]int64{"粤B12345": 0, "粤B54321": 200, "粤B99999": 500} {
		if n, state := due(plate); n != want || (state == "nothing_due") != (want == 0) {
			t.Errorf("a vehicle is told %d (%s), want %d", n, state, want)
		}
	}
}
