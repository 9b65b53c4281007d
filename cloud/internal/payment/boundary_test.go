package payment_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/fact"
)

// The settlement dies at each of its writes in turn: nothing of it stays, and the next notification does all of it.
func TestASettlementThatDiesLeavesNothing(t *testing.T) {
	for _, table := range []string{"payment_orders", "journals", "postings", "fact_outbox"} {
		t.Run(table, func(t *testing.T) {
			w := paymenttest.New(t, true)
			d := arrive(w, 1)
			o := d.order()
			w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
			d.pays(o.Order)
			when := "INSERT"
			if table == "payment_orders" {
				when = "UPDATE"
			}
			w.Exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed here'; END $$`)
			w.Exec(`CREATE TRIGGER die AFTER ` + when + ` ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION die()`)
			if got := send(w, o.Order, fakepay.Faults{}); got != 500 {
				t.Fatalf("status %d, want 500: the provider must send again", got)
			}
			if got := d.state(o.Order).State; got != "pending" {
				t.Fatalf("the order is %s, want pending", got)
			}
			for _, q := range []string{`SELECT count(*) FROM journals`, `SELECT count(*) FROM postings`, `SELECT count(*) FROM fact_outbox`} {
				if n := w.Count(q); n != 0 {
					t.Fatalf("%s: %d, want 0", q, n)
				}
			}
			w.Exec(`DROP TRIGGER die ON ` + table)
			if got := send(w, o.Order, fakepay.Faults{}); got != 204 || settled(w) != 1 {
				t.Fatalf("sent again: status %d, %d settled", got, settled(w))
			}
		})
	}
}

// mute is an author whose log cannot be written.
type mute struct{}

func (mute) Author(*database.Tx, string, fact.Draft) (int64, error) {
	return 0, errors.New("the log cannot be written")
}

func TestNoMoneyWithoutItsFact(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	s, err := payment.New(payment.Options{DB: w.DB, Author: mute{}, Now: w.Now, Log: w.Log, Provider: w.Pay.Merchant(t), Notify: w.Public + payment.NotifyPath})
	lottest.Must(t, err)
	req, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
	lottest.Must(t, err)
	body, err := io.ReadAll(req.Body)
	lottest.Must(t, err)
	if err := s.Notified(t.Context(), "127.0.0.1", req.Header, body); err == nil || settled(w) != 0 {
		t.Fatalf("settled %d without a fact, error %v", settled(w), err)
	}
	w.Pass(3 * time.Second)
	w.Check()
	if settled(w) != 1 {
		t.Fatal("the payment was not found by asking")
	}
}

// A caller who goes away while the provider is slow leaves an order that can be gone on with.
func TestTheCallerLeavesWhileTheProviderIsSlow(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	w.Pay.Misbehave(fakepay.Faults{SlowMS: 5000})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := w.Owner.Pay(ctx, "127.0.0.1", d.quote, "wechat_h5")
		done <- err
	}()
	paymenttest.Until(t, "the order to be made", func() bool { return w.Count(`SELECT count(*) FROM payment_orders`) == 1 })
	paymenttest.Until(t, "the provider to be asked", func() bool { return w.Pay.Asked() == 1 })
	cancel()
	if err := <-done; err == nil {
		t.Fatal("no error for a caller who left")
	}
	w.Pay.Misbehave(fakepay.Faults{})
	o := d.order()
	if n := w.Count(`SELECT count(*) FROM payment_orders`); n != 1 {
		t.Fatalf("%d orders, want 1", n)
	}
	d.pays(o.Order)
	paymenttest.Until(t, "the payment", func() bool { return d.state(o.Order).State == "paid" })
}

// The process dies after the provider took the refund and before that was written down.
func TestARefundIsAskedForTwiceAndPaidOnce(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pass(10 * time.Minute)
	w.Check()
	w.Pay.Misbehave(fakepay.Faults{PayClosed: true})
	d.pays(o.Order)
	paymenttest.Until(t, "the money to be booked", func() bool { return d.state(o.Order).State == "refunding" })
	w.Exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.state <> OLD.state THEN RAISE EXCEPTION 'killed here'; END IF; RETURN NEW; END $$`)
	w.Exec(`CREATE TRIGGER die BEFORE UPDATE ON payment_refunds FOR EACH ROW EXECUTE FUNCTION die()`)
	w.Check()
	if got := text(w, `SELECT state FROM payment_refunds`); got != "requested" || len(w.Pay.Refunds()) != 1 {
		t.Fatalf("the refund is %s here, %d there", got, len(w.Pay.Refunds()))
	}
	w.Exec(`DROP TRIGGER die ON payment_refunds`)
	w.Pass(5 * time.Minute)
	back(w, d, o.Order)
	if n := len(w.Pay.Refunds()); n != 1 {
		t.Fatalf("%d refunds at the provider, want 1", n)
	}
}

// What the database refuses, whoever writes it.
func TestTheDatabaseKeepsTheBooks(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	d.pays(o.Order)
	paymenttest.Until(t, "the payment and its notice", func() bool { return settled(w) == 1 && notices(w, "settled") == 1 })
	open := arrive(w, 2).order()
	for name, statement := range map[string]string{
		"a journal that does not balance": `WITH j AS (INSERT INTO journals (kind, ref, lot_id, at) VALUES ('payment', 'x', 'riverside', now()) RETURNING id)
			INSERT INTO postings (journal_id, account, amount, currency) SELECT id, 'a', 1, 'CNY' FROM j`,
		"two currencies that balance together": `WITH j AS (INSERT INTO journals (kind, ref, lot_id, at) VALUES ('payment', 'x', 'riverside', now()) RETURNING id)
			INSERT INTO postings (journal_id, account, amount, currency) SELECT id, 'a', 1, 'CNY' FROM j UNION ALL SELECT id, 'b', -1, 'USD' FROM j`,
		"a journal without postings":   `INSERT INTO journals (kind, ref, lot_id, at) VALUES ('payment', 'x', 'riverside', now())`,
		"a second journal of an order": `INSERT INTO journals (kind, ref, lot_id, at) SELECT kind, ref, lot_id, at FROM journals`,
		"a posting of nothing":         `INSERT INTO postings (journal_id, account, amount, currency) SELECT id, 'a', 0, 'CNY' FROM journals`,
		"a changed posting":            `UPDATE postings SET amount = amount * 2`,
		"a removed posting":            `DELETE FROM postings`,
		"emptied postings":             `TRUNCATE postings`,
		"a changed journal":            `UPDATE journals SET ref = 'y'`,
		"a changed notice":             `UPDATE payment_notices SET outcome = 'settled'`,
		"a removed order":              `DELETE FROM payment_orders`,
		"another amount":               `UPDATE payment_orders SET amount = 1`,
		"paid is pending again":        `UPDATE payment_orders SET state = 'pending', effect = '', outbox = NULL, check_at = now() WHERE no = '` + o.Order + `'`,
		"settled becomes overpaid":     `UPDATE payment_orders SET state = 'refunding', effect = 'overpaid', outbox = NULL WHERE no = '` + o.Order + `'`,
		"paid without money":           `UPDATE payment_orders SET state = 'paid' WHERE no = '` + open.Order + `'`,
		"refunded without a refund":    `UPDATE payment_orders SET state = 'refunded' WHERE no = '` + open.Order + `'`,
		"the transaction of another": `UPDATE payment_orders SET state = 'refunding', effect = 'overpaid', paid_at = now(), settled_at = now(), check_at = NULL,
			transaction = (SELECT transaction FROM payment_orders WHERE no = '` + o.Order + `') WHERE no = '` + open.Order + `'`,
		"a second open order of a quote": `INSERT INTO payment_orders (no, operator_id, lot_id, session, quote, payee, provider, channel, description, amount, currency,
			credited, quoted_at, state, created_at, expires_at, check_at) SELECT 'pay-' || repeat('0', 26), operator_id, lot_id, session, quote, payee, provider,
			channel, description, amount, currency, credited, quoted_at, state, created_at, expires_at, check_at FROM payment_orders WHERE state = 'pending'`,
	} {
		_, err := w.DB.SQL().ExecContext(t.Context(), statement)
		if err == nil {
			t.Errorf("the database took %s", name)
			continue
		}
		if s := err.Error(); strings.Contains(s, "42") && strings.Contains(s, "syntax") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
