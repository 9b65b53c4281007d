package paymenttest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/money"
)

func moneyOf(n int64) money.Amount { return money.Amount(n) }

// invariant is a query that counts what must not be.
type invariant struct{ what, query string }

// invariants hold at every commit, whatever happened before.
var invariants = []invariant{
	{"journals that do not sum to zero", `SELECT count(*) FROM (SELECT FROM postings GROUP BY journal_id, currency HAVING sum(amount) <> 0) x`},
	{"journals without postings", `SELECT count(*) FROM journals j WHERE NOT EXISTS (SELECT FROM postings p WHERE p.journal_id = j.id)`},
	{"settled orders without their one journal", `SELECT count(*) FROM payment_orders o WHERE effect = 'settled' AND NOT EXISTS (
		SELECT FROM journals j JOIN postings p ON p.journal_id = j.id WHERE j.kind = 'payment' AND j.ref = o.no
			AND p.account = 'parking:' || o.lot_id AND p.amount = -o.amount AND p.currency = o.currency)`},
	{"overpaid orders without their one journal", `SELECT count(*) FROM payment_orders o WHERE effect = 'overpaid' AND NOT EXISTS (
		SELECT FROM journals j JOIN postings p ON p.journal_id = j.id WHERE j.kind = 'overpayment' AND j.ref = o.no
			AND p.account = 'overpaid:' || o.lot_id AND p.amount = -o.amount AND p.currency = o.currency)`},
	{"journals of money that no order has", `SELECT count(*) FROM journals j LEFT JOIN payment_orders o ON o.no = j.ref
		WHERE j.kind IN ('payment', 'overpayment') AND (o.no IS NULL OR (j.kind = 'payment') <> (o.effect = 'settled') OR o.effect = '')`},
	{"settled orders without their one fact", `SELECT count(*) FROM payment_orders o WHERE effect = 'settled' AND 1 <> (
		SELECT count(*) FROM fact_outbox f WHERE f.lot_id = o.lot_id AND f.draft->>'kind' = 'payment.received' AND f.draft->'body'->>'order' = o.no
			AND (f.draft->'body'->>'amount')::bigint = o.amount AND f.id = o.outbox)`},
	{"facts of payments that no settled order has", `SELECT count(*) FROM fact_outbox f WHERE f.draft->>'kind' = 'payment.received' AND NOT EXISTS (
		SELECT FROM payment_orders o WHERE o.outbox = f.id AND o.effect = 'settled')`},
	{"overpaid orders without a refund, and refunds of others", `SELECT count(*) FROM payment_orders o FULL JOIN payment_refunds r ON r.order_no = o.no
		WHERE (o.effect = 'overpaid') IS DISTINCT FROM (r.no IS NOT NULL AND r.amount = o.amount)
			AND (o.effect = 'overpaid' OR r.no IS NOT NULL)`},
	{"orders whose refund stands elsewhere", `SELECT count(*) FROM payment_orders o JOIN payment_refunds r ON r.order_no = o.no
		WHERE (o.state = 'refunded') <> (r.state = 'done')`},
	{"refunds done without their journal", `SELECT count(*) FROM payment_refunds r WHERE (state = 'done') <> EXISTS (
		SELECT FROM journals j WHERE j.kind = 'refund' AND j.ref = r.no)`},
}

// Sound fails the test unless the books, the orders, the facts and the provider agree.
func (w *World) Sound() {
	w.T.Helper()
	Sound(w.T, w.Count)
	// What the provider took and did not give back is what we hold there.
	held := int64(w.Count(`SELECT coalesce(sum(amount), 0) FROM postings WHERE account LIKE 'held:%'`))
	var theirs, open int64
	for no, o := range w.Pay.Orders() {
		if o.Payments > 1 {
			w.T.Errorf("order %s was paid %d times", no, o.Payments)
		}
		if o.Paid.IsZero() {
			continue
		}
		if w.Count(`SELECT count(*) FROM payment_orders WHERE no = $1 AND effect <> ''`, no) == 0 {
			open += o.Total // not told yet
			continue
		}
		theirs += o.Total
	}
	for no, r := range w.Pay.Refunds() {
		if w.Count(`SELECT count(*) FROM payment_refunds WHERE no = $1 AND state = 'done'`, no) == 1 {
			theirs -= r.Amount
		}
	}
	if held != theirs {
		w.T.Errorf("our books say the provider holds %d, it holds %d (and %d that we were not told of)", held, theirs, open)
	}
}

// Sound checks the invariants of the books on any database.
func Sound(t testing.TB, count func(query string, args ...any) int) {
	t.Helper()
	all := make([]string, len(invariants))
	for i := range invariants {
		all[i] = "(" + invariants[i].query + ")"
	}
	if count("SELECT "+strings.Join(all, " + ")) == 0 {
		return
	}
	for _, i := range invariants {
		if n := count(i.query); n != 0 {
			t.Errorf("%s: %d", i.what, n)
		}
	}
}

// Until waits for something that another goroutine or process brings about.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// Plate returns a different plate for each n.
func Plate(n int) string { return fmt.Sprintf("粤B%05d", 10000+n) }
