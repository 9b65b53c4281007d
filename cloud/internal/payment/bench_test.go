package payment_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/scripts/bench/measure"
)

// BenchmarkP4Callback is the cloud's part of P4: from a provider's notification on the wire to the signed fact that is
// handed to the broker for the booths. It asks the provider over HTTP, books, numbers, chains, signs, stores and folds.
// The floor takes the same notification over HTTP, verifies and decrypts it, asks the provider too (two RSA signatures,
// which are most of its time: a callback that is believed unasked is no floor of ours), and writes the same journal,
// postings and outbox row in one bare transaction. It numbers, folds and tells nothing.
func BenchmarkP4Callback(b *testing.B) {
	const rounds = 20
	w := paymenttest.New(b, true)
	merchant := w.Pay.Merchant(b)
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	bare := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var n payment.Notice
			if n, err = merchant.Notice(r.Context(), r.Header, body); err == nil {
				if _, err = merchant.Query(r.Context(), n.Charge.No); err == nil {
					err = bookBarely(r.Context(), w, n)
				}
			}
		}
		if err != nil {
			b.Errorf("floor: %v", err)
			rw.WriteHeader(http.StatusInternalServerError)
		}
	}))
	b.Cleanup(bare.Close)
	w.Exec(`CREATE TABLE bare_journals (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ref text UNIQUE, at timestamptz);
		CREATE TABLE bare_postings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, journal_id bigint, account text, amount bigint);
		CREATE TABLE bare_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, doc json)`)
	car := 0
	paid := func() string {
		car++
		session := w.Booth.Enter(paymenttest.Plate(car), time.Minute)
		o, err := w.Payments.Order(context.Background(), payment.Request{
			Operator: "op_a", Lot: paymenttest.Lot, Session: session, Quote: "quo-" + session.String(), Channel: "wechat_h5", Description: "停车费",
			Amount: 600, Currency: "CNY", QuotedAt: w.Now(), ClientIP: "127.0.0.1",
		})
		lottest.Must(b, err)
		lottest.Must(b, w.Pay.Pay(o.No))
		return o.No
	}
	deliver := func(url string, after func()) float64 {
		var took []time.Duration
		for range rounds {
			req, err := w.Pay.Notification(context.Background(), paid(), fakepay.Faults{})
			lottest.Must(b, err)
			if url != "" {
				target, err := http.NewRequest(http.MethodPost, url, req.Body)
				lottest.Must(b, err)
				target.Header = req.Header
				req = target
			}
			begin := time.Now()
			if got := do(w, req); got >= 300 {
				b.Fatalf("status %d", got)
			}
			after()
			took = append(took, time.Since(begin))
		}
		return measure.Median(measure.Micros(took))
	}
	measure.Compare(b, "P4", "payment callback to the fact handed to the broker (p50)", "µs", measure.Goal{Most: 2},
		func() float64 { return deliver(bare.URL, func() {}) },
		func() float64 {
			return deliver("", func() {
				if n := w.Sequence(); n != 1 {
					b.Fatalf("%d facts numbered, want 1", n)
				}
			})
		})
	// What the floor left unpaid would be unsound: let it be found as any lost notification is.
	w.Pass(10 * time.Second)
	for w.Check() > 0 {
	}
}

func bookBarely(ctx context.Context, w *paymenttest.World, n payment.Notice) error {
	return w.DB.WithTx(ctx, func(tx *database.Tx) error {
		var id int64
		if err := tx.SQL().QueryRowContext(ctx, `INSERT INTO bare_journals (ref, at) VALUES ($1, now()) RETURNING id`, n.Charge.No).Scan(&id); err != nil {
			return err
		}
		if _, err := tx.SQL().ExecContext(ctx, `INSERT INTO bare_postings (journal_id, account, amount) VALUES ($1, 'a', $2), ($1, 'b', -$2)`, id, int64(n.Charge.Amount)); err != nil {
			return err
		}
		_, err := tx.SQL().ExecContext(ctx, `INSERT INTO bare_outbox (doc) VALUES ('{}')`)
		return err
	})
}
