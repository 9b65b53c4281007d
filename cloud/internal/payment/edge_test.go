package payment_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/shared/fact"
)

// back lets the provider finish a refund: it is asked for, and then asked about.
func back(w *paymenttest.World, d *driver, no string) {
	w.T.Helper()
	if got := d.state(no).State; got != "refunding" {
		w.T.Fatalf("order %s is %s, want refunding", no, got)
	}
	w.Check()
	w.Pass(5 * time.Minute)
	w.Check()
	if got := d.state(no); got.State != "refunded" || got.Receipt != nil {
		w.T.Fatalf("order: %+v, want it refunded and no receipt", got)
	}
	if o := w.Pay.Orders()[no]; o.Refunded != o.Total {
		w.T.Fatalf("the provider gave back %d of %d", o.Refunded, o.Total)
	}
}

func TestAnOrderThatNobodyPaysIsClosedAtTheProvider(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pass(9 * time.Minute)
	w.Check()
	if got := d.state(o.Order).State; got != "pending" {
		t.Fatalf("after 9 minutes the order is %s", got)
	}
	w.Pass(time.Minute)
	w.Check()
	if got := d.state(o.Order).State; got != "closed" {
		t.Fatalf("after 10 minutes the order is %s, want closed", got)
	}
	if got := w.Pay.Orders()[o.Order].State; got != "CLOSED" {
		t.Fatalf("at the provider it is %s, want CLOSED", got)
	}
	if err := w.Pay.Pay(o.Order); err == nil {
		t.Fatal("a closed order was paid")
	}
	d.ask()
	if again := d.order(); again.Order == o.Order || again.Amount <= o.Amount {
		t.Fatalf("the next order %+v after %+v", again, o)
	}
}

func TestAnOrderPaidInTheLastSecondIsNotClosed(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	// The provider's answer to the query is older than its answer to the closing.
	w.Pay.Misbehave(fakepay.Faults{State: "NOTPAY"})
	w.Pass(10 * time.Minute)
	w.Check()
	if got := d.state(o.Order).State; got != "pending" {
		t.Fatalf("the order is %s, want pending: the provider says two things", got)
	}
	w.Pay.Misbehave(fakepay.Faults{})
	w.Pass(5 * time.Minute)
	w.Check()
	if got := d.state(o.Order).State; got != "paid" {
		t.Fatalf("the order is %s, want paid", got)
	}
}

func TestTheProviderIsAwayWhenAnOrderExpires(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	for _, f := range []fakepay.Faults{{ErrorRate: 100}, {ForgeReplies: true}} {
		w.Pay.Misbehave(f)
		w.Pass(10 * time.Minute)
		w.Check()
		if got := d.state(o.Order).State; got != "pending" {
			t.Fatalf("with %+v the order is %s, want pending", f, got)
		}
	}
	w.Pay.Misbehave(fakepay.Faults{})
	w.Pass(10 * time.Minute)
	w.Check()
	if got := d.state(o.Order).State; got != "closed" {
		t.Fatalf("the order is %s, want closed", got)
	}
}

func TestMoneyForAClosedOrderGoesBack(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pass(10 * time.Minute)
	w.Check()
	w.Pay.Misbehave(fakepay.Faults{PayClosed: true, DropCallback: true})
	d.pays(o.Order)
	if got := send(w, o.Order, fakepay.Faults{}); got != 204 || notices(w, "overpaid") != 1 {
		t.Fatalf("status %d, %d notices overpaid", got, notices(w, "overpaid"))
	}
	if got := w.Count(`SELECT count(*) FROM fact_outbox`); got != 0 {
		t.Fatalf("%d facts of money that goes back, want 0", got)
	}
	back(w, d, o.Order)
	if got := send(w, o.Order, fakepay.Faults{}); got != 204 || notices(w, "repeated") != 1 {
		t.Fatalf("told again: status %d", got)
	}
}

func TestAStayPaidOnTwoPhonesIsRefundedOnce(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	other := &driver{w: w, plate: d.plate}
	other.ask()
	a, b := d.order(), other.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(a.Order)
	d.pays(b.Order)
	var both sync.WaitGroup
	for _, no := range []string{a.Order, b.Order} {
		both.Go(func() { send(w, no, fakepay.Faults{}) })
	}
	both.Wait()
	if settled(w) != 1 {
		t.Fatalf("%d orders settled the stay, want 1", settled(w))
	}
	late := a.Order
	if d.state(a.Order).State == "paid" {
		late = b.Order
	}
	back(w, d, late)
	// What was paid counts before its fact is folded, and once after.
	for range 2 {
		if q := d.ask(); q.Paid != a.Amount {
			t.Fatalf("the stay's next quote says %d paid, want %d", q.Paid, a.Amount)
		}
		w.Sequence()
	}
}

// Sixteen phones pay for one stay at the same time: one pays it, fifteen get their money back.
func TestSixteenPhonesPayForOneStay(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	first := arrive(w, 1)
	drivers := []*driver{first}
	for len(drivers) < 12 { // as many look-ups of a plate as are allowed at once
		d := &driver{w: w, plate: first.plate}
		d.ask()
		drivers = append(drivers, d)
	}
	var all sync.WaitGroup
	for i := range 16 {
		d := drivers[i%len(drivers)]
		all.Go(func() { d.order() })
	}
	all.Wait()
	if n := w.Count(`SELECT count(*) FROM payment_orders`); n != len(drivers) {
		t.Fatalf("%d orders of %d quotes", n, len(drivers))
	}
	for no := range w.Pay.Orders() {
		first.pays(no)
		all.Go(func() { send(w, no, fakepay.Faults{}) })
	}
	all.Wait()
	if settled(w) != 1 || w.Count(`SELECT count(*) FROM payment_refunds`) != len(drivers)-1 {
		t.Fatalf("%d settled, %d refunds", settled(w), w.Count(`SELECT count(*) FROM payment_refunds`))
	}
	w.Check()
	w.Pass(5 * time.Minute)
	w.Check()
	if n := w.Count(`SELECT count(*) FROM payment_orders WHERE state = 'refunded'`); n != len(drivers)-1 {
		t.Fatalf("%d refunded, want %d", n, len(drivers)-1)
	}
}

func TestAStayPaidInCashMeanwhileIsRefunded(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	session := fact.ID{}
	lottest.Must(t, session.UnmarshalText([]byte(text(w, `SELECT session FROM quotes WHERE id = $1`, d.quote))))
	o := d.order()
	w.Booth.Cash(session, d.due)
	d.pays(o.Order)
	paymenttest.Until(t, "the money to be on its way back", func() bool { return d.state(o.Order).State == "refunding" })
	back(w, d, o.Order)
}

func text(w *paymenttest.World, query string, args ...any) (s string) {
	w.T.Helper()
	lottest.Must(w.T, w.DB.SQL().QueryRowContext(context.Background(), query, args...).Scan(&s))
	return s
}

func TestPayingTheDifference(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	d.pays(o.Order)
	paymenttest.Until(t, "the payment", func() bool { return settled(w) == 1 })
	w.Pass(2 * time.Minute)
	q := d.ask() // the fact of the first is not folded yet
	if q.Paid != 600 || q.Due != 1200 {
		t.Fatalf("quote: %+v, want 600 paid and 1200 due", q)
	}
	w.Sequence()
	second := d.order()
	d.pays(second.Order)
	paymenttest.Until(t, "the second payment", func() bool { return settled(w) == 2 })
	if q := d.ask(); q.Paid != 1800 || q.State != "paid" {
		t.Fatalf("quote: %+v, want 1800 paid", q)
	}
}

func TestARefundThatFailsIsShownToAPerson(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pass(10 * time.Minute)
	w.Check()
	w.Pay.Misbehave(fakepay.Faults{PayClosed: true})
	d.pays(o.Order)
	paymenttest.Until(t, "the money to be booked", func() bool { return d.state(o.Order).State == "refunding" })
	w.Pay.Misbehave(fakepay.Faults{RefundFails: true})
	w.Check()
	w.Pass(5 * time.Minute)
	w.Check()
	if got := text(w, `SELECT state FROM payment_refunds`); got != "failed" {
		t.Fatalf("the refund is %s, want failed", got)
	}
	if a := w.Alarms(); len(a) != 1 || a[0].Kind != "refund.failed" || a[0].ZH == "" || a[0].EN == "" {
		t.Fatalf("alarms: %+v", a)
	}
}

func TestTheProviderDoesNotTakeTheOrder(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	ask := func() (int, string) {
		return w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes/"+d.quote+"/orders", map[string]string{"channel": "wechat_h5"}, nil)
	}
	for _, f := range []fakepay.Faults{{ErrorRate: 100}, {ForgeReplies: true}} {
		w.Pay.Misbehave(f)
		if status, code := ask(); status != 503 || code != "payment.provider_away" {
			t.Fatalf("with %+v: %d %s", f, status, code)
		}
	}
	// Whatever became of the first request, it was for the same order.
	w.Pay.Misbehave(fakepay.Faults{})
	o := d.order()
	if n := w.Count(`SELECT count(*) FROM payment_orders`); n != 1 || len(w.Pay.Orders()) != 1 {
		t.Fatalf("%d orders here and %d there, want 1", n, len(w.Pay.Orders()))
	}
	if again := d.order(); again.Order != o.Order || again.PayURL != o.PayURL {
		t.Fatalf("the same quote: %+v then %+v", o, again)
	}
	if !strings.Contains(o.PayURL, "redirect_url="+"http") || !strings.HasPrefix(o.PayURL, w.Pay.URL+"/cashier/") {
		t.Fatalf("pay_url: %s", o.PayURL)
	}
}

// An order that the provider never heard of dies by itself.
func TestAnOrderThatWasNeverRegisteredIsClosed(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	w.Pay.Misbehave(fakepay.Faults{ErrorRate: 100})
	if status, _ := w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes/"+d.quote+"/orders", map[string]string{"channel": "wechat_h5"}, nil); status != 503 {
		t.Fatalf("status %d", status)
	}
	w.Pay.Misbehave(fakepay.Faults{})
	w.Pass(10 * time.Minute)
	w.Check()
	if got := text(w, `SELECT state FROM payment_orders`); got != "closed" {
		t.Fatalf("the order is %s, want closed", got)
	}
}

func TestRunAsksByItself(t *testing.T) {
	w := paymenttest.New(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Payments.Run(ctx) }()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d := arrive(w, 1)
	o := d.order()
	d.pays(o.Order)
	w.Pass(3 * time.Second)
	paymenttest.Until(t, "the payment", func() bool { return d.state(o.Order).State == "paid" })
	cancel()
	lottest.Must(t, <-ended)
}

func TestTwoReplicasShareTheChecks(t *testing.T) {
	w := paymenttest.New(t, true)
	for n := range 6 {
		arrive(w, n).order()
	}
	w.Pass(3 * time.Second)
	other := w.Replica(true)
	asked := w.Pay.Asked()
	var both sync.WaitGroup
	for _, s := range []*payment.Service{w.Payments, other} {
		both.Go(func() {
			if _, err := s.Check(context.Background()); err != nil {
				t.Errorf("check: %v", err)
			}
		})
	}
	both.Wait()
	if got := w.Pay.Asked() - asked; got != 6 {
		t.Errorf("the provider was asked %d times for 6 orders", got)
	}
}
