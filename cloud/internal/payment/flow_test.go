package payment_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/shared/fact"
)

// driver is somebody with a phone at the lot.
type driver struct {
	w     *paymenttest.World
	plate string
	quote string
	due   int64
}

type quote struct {
	Quote, State, Plate string
	Due, Paid           int64
	LeaveBy             *time.Time `json:"leave_by"`
	ValidUntil          time.Time  `json:"valid_until"`
}

type order struct {
	Order, State string
	Amount       int64
	PayURL       string     `json:"pay_url"`
	PaidAt       *time.Time `json:"paid_at"`
	Receipt      *struct {
		No      string
		Plate   string
		LeaveBy *time.Time `json:"leave_by"`
	}
}

// arrive lets a car stay for a minute and ask for its fee.
func arrive(w *paymenttest.World, n int) *driver {
	w.T.Helper()
	d := &driver{w: w, plate: paymenttest.Plate(n)}
	w.Booth.Enter(d.plate, time.Minute)
	d.ask()
	return d
}

func (d *driver) ask() quote {
	d.w.T.Helper()
	var q quote
	d.must("POST", "/api/v1/owner/quotes", map[string]string{"lot": "riverside", "plate": d.plate}, &q)
	d.quote, d.due = q.Quote, q.Due
	return q
}

func (d *driver) must(method, path string, body, out any) {
	d.w.T.Helper()
	if status, code := d.w.Server.Do(lottest.Anonymous, method, path, body, out); status >= 400 {
		d.w.T.Fatalf("%s %s: %d %s", method, path, status, code)
	}
}

func (d *driver) order() order {
	d.w.T.Helper()
	var o order
	d.must("POST", "/api/v1/owner/quotes/"+d.quote+"/orders", map[string]string{"channel": "wechat_h5"}, &o)
	return o
}

func (d *driver) state(no string) order {
	d.w.T.Helper()
	var o order
	d.must("GET", "/api/v1/owner/orders/"+no, nil, &o)
	return o
}

func (d *driver) pays(no string) {
	d.w.T.Helper()
	lottest.Must(d.w.T, d.w.Pay.Pay(no))
}

// send delivers a notification that the gateway makes with the faults, and returns the status.
func send(w *paymenttest.World, no string, f fakepay.Faults) int {
	w.T.Helper()
	req, err := w.Pay.Notification(context.Background(), no, f)
	lottest.Must(w.T, err)
	return do(w, req)
}

func do(w *paymenttest.World, req *http.Request) int {
	w.T.Helper()
	res, err := http.DefaultClient.Do(req)
	lottest.Must(w.T, err)
	_, err = io.Copy(io.Discard, res.Body)
	lottest.Must(w.T, err)
	lottest.Must(w.T, res.Body.Close())
	return res.StatusCode
}

func settled(w *paymenttest.World) int {
	return w.Count(`SELECT count(*) FROM payment_orders WHERE effect = 'settled'`)
}

func notices(w *paymenttest.World, outcome string) int {
	return w.Count(`SELECT count(*) FROM payment_notices WHERE outcome = $1`, outcome)
}

func TestADriverPaysAndTheLotIsTold(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	if d.due != 600 { // a minute at ¥1 for each 10 s
		t.Fatalf("due is %d, want 600", d.due)
	}
	o := d.order()
	if o.Amount != 600 || d.state(o.Order).State != "pending" {
		t.Fatalf("order: %+v", o)
	}
	d.pays(o.Order)
	paymenttest.Until(t, "the payment", func() bool { return d.state(o.Order).State == "paid" })
	got := d.state(o.Order)
	if got.PaidAt == nil || got.Receipt == nil || got.Receipt.No == "" || got.Receipt.Plate != "粤B·**001" {
		t.Fatalf("paid order: %+v, receipt %+v", got, got.Receipt)
	}
	// The phone sees it before the fact was numbered, and after.
	for _, when := range []string{"before", "after"} {
		var q quote
		d.must("GET", "/api/v1/owner/quotes/"+d.quote, nil, &q)
		if q.State != "paid" || q.Due != 0 || q.Paid != 600 {
			t.Fatalf("quote %s the fact was folded: %+v", when, q)
		}
		w.Sequence()
	}
	down := w.Broker.On("booth-b", "facts/down")
	if len(down) != 1 {
		t.Fatalf("the exit booth was sent %d batches, want 1", len(down))
	}
	if n := w.Count(`SELECT count(*) FROM facts WHERE kind = 'payment.received'`); n != 1 {
		t.Fatalf("%d facts of the payment, want 1", n)
	}
	if n := w.Count(`SELECT count(*) FROM sessions WHERE (document->'pays'->0->>'amount')::int = 600 AND document->'pays'->0->>'method' = 'wechat'`); n != 1 {
		t.Fatalf("%d sessions know of the payment, want 1", n)
	}
	if status, code := w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes/"+d.quote+"/orders", map[string]string{"channel": "wechat_h5"}, nil); status != 409 || code != "quote.nothing_due" {
		t.Fatalf("paying again: %d %s", status, code)
	}
}

// The first four bullets of what a provider's callback may not do: each is refused before anybody is asked.
func TestASpoiltNotificationChangesNothing(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	asked := w.Pay.Asked()
	for name, f := range map[string]struct {
		faults  fakepay.Faults
		outcome string
		status  int
	}{
		"forged":          {fakepay.Faults{Forge: true}, "rejected", 401},
		"altered":         {fakepay.Faults{Tamper: true}, "rejected", 401},
		"ten minutes old": {fakepay.Faults{Old: true}, "rejected", 401},
		"other amount":    {fakepay.Faults{WrongAmount: true}, "mismatched", 409},
		"other currency":  {fakepay.Faults{WrongCurrency: true}, "mismatched", 409},
		"other merchant":  {fakepay.Faults{WrongMerchant: true}, "mismatched", 409},
		"other app":       {fakepay.Faults{WrongApp: true}, "mismatched", 409},
	} {
		before := notices(w, f.outcome)
		if got := send(w, o.Order, f.faults); got != f.status {
			t.Errorf("%s: status %d, want %d", name, got, f.status)
		}
		if got := d.state(o.Order).State; got != "pending" {
			t.Fatalf("%s: the order is %s", name, got)
		}
		if got := notices(w, f.outcome) - before; got != 1 {
			t.Errorf("%s: %d notices %s, want 1", name, got, f.outcome)
		}
	}
	for name, body := range map[string]string{"empty": "", "no JSON": "<xml/>", "null": "null", "no resource": "{}", "short nonce": `{"resource":{"nonce":"x"}}`} {
		req, err := http.NewRequest("POST", w.Public+payment.NotifyPath, bytes.NewReader([]byte(body)))
		lottest.Must(t, err)
		if got := do(w, req); got != 401 {
			t.Errorf("%s: status %d, want 401", name, got)
		}
	}
	// The signature of one notification on the body of another.
	a, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
	lottest.Must(t, err)
	b, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
	lottest.Must(t, err)
	a.Body = b.Body
	if got := do(w, a); got != 401 {
		t.Errorf("a signature of something else: status %d, want 401", got)
	}
	probe, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
	lottest.Must(t, err)
	probe.Header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abcdef")
	if got := do(w, probe); got != 401 {
		t.Errorf("the gateway's probe: status %d, want 401", got)
	}
	if got := w.Pay.Asked(); got != asked {
		t.Errorf("the provider was asked %d times because of spoilt notifications, want 0", got-asked)
	}
	huge, err := http.NewRequest("POST", w.Public+payment.NotifyPath, bytes.NewReader(make([]byte, 1<<20)))
	lottest.Must(t, err)
	if got := do(w, huge); got != 422 {
		t.Errorf("a megabyte: status %d, want 422", got)
	}
	if got := settled(w); got != 0 {
		t.Fatalf("%d orders are settled, want 0", got)
	}
	if got := send(w, o.Order, fakepay.Faults{}); got != 204 || d.state(o.Order).State != "paid" {
		t.Fatalf("the true notification: status %d, order %s", got, d.state(o.Order).State)
	}
}

func TestAProperNotificationIsNotBelievedWithoutAsking(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	w.Pay.Misbehave(fakepay.Faults{State: "NOTPAY"})
	if got := send(w, o.Order, fakepay.Faults{}); got != 503 || settled(w) != 0 {
		t.Fatalf("the provider does not confirm it: status %d, %d settled", got, settled(w))
	}
	for _, f := range []fakepay.Faults{{ErrorRate: 100}, {ForgeReplies: true}} {
		w.Pay.Misbehave(f)
		if got := send(w, o.Order, fakepay.Faults{}); got != 503 || settled(w) != 0 {
			t.Fatalf("with %+v: status %d, %d settled", f, got, settled(w))
		}
	}
	w.Pay.Misbehave(fakepay.Faults{})
	if got := send(w, o.Order, fakepay.Faults{}); got != 204 || settled(w) != 1 {
		t.Fatalf("confirmed: status %d, %d settled", got, settled(w))
	}
	if got := notices(w, "unconfirmed"); got != 3 {
		t.Errorf("%d notices unconfirmed, want 3", got)
	}
}

func TestARepeatedNotificationHasNoSecondEffect(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	first, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
	lottest.Must(t, err)
	body, err := io.ReadAll(first.Body)
	lottest.Must(t, err)
	again := func() int {
		req, err := http.NewRequest("POST", w.Public+payment.NotifyPath, bytes.NewReader(body))
		lottest.Must(t, err)
		req.Header = first.Header.Clone()
		return do(w, req)
	}
	for range 3 {
		if got := again(); got != 204 {
			t.Fatalf("status %d, want 204", got)
		}
	}
	if settled(w) != 1 || notices(w, "settled") != 1 || notices(w, "repeated") != 2 {
		t.Fatalf("%d settled, notices %d settled and %d repeated", settled(w), notices(w, "settled"), notices(w, "repeated"))
	}
	// The provider says it again hours after the car left, and the stay with it.
	w.Booth.Pass(d.plate, fact.Exit, w.Now())
	if got := send(w, o.Order, fakepay.Faults{}); got != 204 || settled(w) != 1 {
		t.Fatalf("late: status %d, %d settled", got, settled(w))
	}
}

func TestFiftyNotificationsInParallelHaveOneEffect(t *testing.T) {
	w := paymenttest.New(t, true)
	other := w.Replica(true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	d.pays(o.Order)
	var all sync.WaitGroup
	codes := make([]int, 50)
	for i := range codes {
		req, err := w.Pay.Notification(t.Context(), o.Order, fakepay.Faults{})
		lottest.Must(t, err)
		all.Go(func() {
			if i%2 == 0 {
				codes[i] = do(w, req)
				return
			}
			body, err := io.ReadAll(req.Body)
			if err == nil {
				err = other.Notified(context.Background(), "127.0.0.1", req.Header, body) // through another replica
			}
			codes[i] = 204
			if err != nil {
				codes[i] = 500
				t.Errorf("replica: %v", err)
			}
		})
	}
	all.Wait()
	for i, c := range codes {
		if c != 204 {
			t.Errorf("notification %d: status %d, want 204", i, c)
		}
	}
	if got := w.Count(`SELECT count(*) FROM fact_outbox`); got != 1 || settled(w) != 1 {
		t.Fatalf("%d facts and %d settled orders, want 1", got, settled(w))
	}
	if got := w.Count(`SELECT count(*) FROM journals`); got != 1 {
		t.Fatalf("%d journals, want 1", got)
	}
	if got := w.Count(`SELECT count(*) FROM payment_notices`); got != 50 {
		t.Errorf("%d notices kept, want 50", got)
	}
}

func TestALostNotificationIsFoundByAsking(t *testing.T) {
	w := paymenttest.New(t, true)
	d := arrive(w, 1)
	o := d.order()
	w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
	w.Pass(2 * time.Second)
	if n := w.Check(); n != 0 {
		t.Fatalf("%d checks after 2 s, want 0", n)
	}
	w.Pass(time.Second)
	if n := w.Check(); n != 1 || d.state(o.Order).State != "pending" {
		t.Fatalf("%d checks after 3 s, order %s", n, d.state(o.Order).State)
	}
	d.pays(o.Order)
	w.Pass(6 * time.Second)
	if n := w.Check(); n != 0 {
		t.Fatalf("%d checks after 9 s, want 0", n)
	}
	w.Pass(time.Second)
	if n := w.Check(); n != 1 || d.state(o.Order).State != "paid" {
		t.Fatalf("%d checks after 10 s, order %s", n, d.state(o.Order).State)
	}
	if n := w.Check(); n != 0 {
		t.Fatalf("%d checks after it was paid, want 0", n)
	}
}

func TestANotificationOutOfOrder(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Pay.Misbehave(fakepay.Faults{Hold: true})
	var nos []string
	for n := range 3 {
		d := arrive(w, n)
		o := d.order()
		d.pays(o.Order)
		nos = append(nos, o.Order)
	}
	if settled(w) != 0 {
		t.Fatal("held notifications went out")
	}
	w.Pay.Misbehave(fakepay.Faults{})
	paymenttest.Until(t, "all payments", func() bool { return settled(w) == len(nos) })
}
