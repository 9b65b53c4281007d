package owner_test

import (
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

type quote struct {
	Quote, State, Plate    string
	Gross, Free, Paid, Due int64
	Payable                bool
	Tariff                 struct{ ZH, EN string }
	ValidUntil             time.Time               `json:"valid_until"`
	EnteredAt              *time.Time              `json:"entered_at"`
	LeaveBy                *time.Time              `json:"leave_by"`
	DurationS              int64                   `json:"duration_s"`
	LotName                struct{ ZH, EN string } `json:"lot_name"`
	Lines                  []struct {
		Kind   string
		Amount int64
	}
}

type body = map[string]string

func ask(w *paymenttest.World, in body) (q quote, status int, code string) {
	w.T.Helper()
	in["lot"] = "riverside"
	status, code = w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes", in, &q)
	return q, status, code
}

func again(w *paymenttest.World, id string) (q quote) {
	w.T.Helper()
	if status, code := w.Server.Do(lottest.Anonymous, "GET", "/api/v1/owner/quotes/"+id, nil, &q); status != 200 {
		w.T.Fatalf("quote: %d %s", status, code)
	}
	return q
}

func pay(w *paymenttest.World, id string) (no string, amount int64, status int, code string) {
	w.T.Helper()
	var o struct {
		Order  string
		Amount int64
	}
	status, code = w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes/"+id+"/orders", body{"channel": "wechat_h5"}, &o)
	return o.Order, o.Amount, status, code
}

func TestAQuoteByPlate(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Booth.Enter("粤B12345", 45*time.Second)
	q, status, _ := ask(w, body{"plate": " 粤b·12345 "})
	if status != 201 || q.State != "due" || q.Due != 500 || q.Plate != "粤B12345" || q.DurationS != 45 || q.LotName.EN != "Riverside" || !q.Payable {
		t.Fatalf("status %d, quote %+v", status, q)
	}
	var sum int64
	for _, l := range q.Lines {
		sum += l.Amount
	}
	if sum != q.Due || len(q.Lines) == 0 {
		t.Errorf("lines %+v sum to %d, due is %d", q.Lines, sum, q.Due)
	}
	// The same function as the booth's.
	c, err := w.Lots.Config(t.Context(), scope.System("test"), paymenttest.Lot)
	lottest.Must(t, err)
	if zh, en := tariff.Explain(lottest.Tariff(t, 1)); q.Tariff.ZH != zh || q.Tariff.EN != en || zh == "" || en == "" {
		t.Errorf("the driver reads of the tariff %+v, want %q and %q", q.Tariff, zh, en)
	}
	if now := again(w, q.Quote); now.Tariff != q.Tariff {
		t.Errorf("asked again: %+v, want %+v", now.Tariff, q.Tariff)
	}
	s := session.Session{Entry: &session.Visit{At: w.Now().Add(-45 * time.Second)}, Tariff: &fact.TariffRef{ID: "short", Version: 1}}
	bill, err := session.Price(s, w.Now(), &c)
	lottest.Must(t, err)
	if bill.Due != money.Amount(q.Due) {
		t.Errorf("the phone says %d, the booth %d", q.Due, bill.Due)
	}
}

func TestWhatIsNotInsideLooksAllTheSame(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Booth.Enter("粤B11111", time.Hour)
	w.Booth.Pass("粤B11111", fact.Exit, w.Now()) // was here
	_, raw1, _ := w.Server.Raw(lottest.Anonymous, "POST", "/api/v1/owner/quotes", body{"lot": "riverside", "plate": "粤B11111"})
	_, raw2, _ := w.Server.Raw(lottest.Anonymous, "POST", "/api/v1/owner/quotes", body{"lot": "riverside", "plate": "粤B22222"})
	cut := func(b []byte) string { s, _, _ := strings.Cut(string(b), `"request_id"`); return s }
	if cut(raw1) != cut(raw2) || !strings.Contains(cut(raw1), `"not_inside"`) {
		t.Errorf("a car that was here: %s\none that never was: %s", raw1, raw2)
	}
	for name, in := range map[string]struct {
		in     body
		status int
		code   string
	}{
		"neither":      {body{}, 422, "quote.plate_or_lane"},
		"both":         {body{"plate": "粤B11111", "lane": "exit-1"}, 422, "quote.plate_or_lane"},
		"no plate":     {body{"plate": "无牌车"}, 422, "quote.plate"},
		"far too long": {body{"plate": strings.Repeat("8", 30)}, 422, "quote.plate"},
		"nobody there": {body{"lane": "exit-1"}, 404, "not_inside.lane"},
		"no such lane": {body{"lane": "exit-9"}, 404, "not_inside.lane"},
	} {
		if _, status, code := ask(w, in.in); status != in.status || code != in.code {
			t.Errorf("%s: %d %s, want %d %s", name, status, code, in.status, in.code)
		}
	}
	for _, path := range []string{"quotes/quo-x", "quotes/%00", "orders/pay-x"} {
		if status, _ := w.Server.Do(lottest.Anonymous, "GET", "/api/v1/owner/"+path, nil, nil); status != 404 && status != 422 {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

// atLane puts a session's car before the barrier.
func atLane(w *paymenttest.World, s fact.ID, text string, car uint64) {
	p, err := plate.Parse(text, plate.ColourBlue)
	lottest.Must(w.T, err)
	since := w.Now()
	w.Lanes.Put("exit-1", wire.Live{Lane: "exit-1", Dir: fact.Exit, Token: wire.Token{Boot: "b", Mono: 1, Car: car}, Plate: &p, Session: s, Waiting: &since})
}

func TestALaneCodeIsBoundToTheCarThatScannedIt(t *testing.T) {
	w := paymenttest.New(t, true)
	first := w.Booth.Enter("粤B10001", time.Minute)
	second := w.Booth.Enter("粤B10002", 2*time.Minute)
	atLane(w, first, "粤B10001", 1)
	q, status, _ := ask(w, body{"lane": "exit-1"})
	if status != 201 || q.Due != 600 || q.Plate != "粤B·**001" {
		t.Fatalf("status %d, quote %+v: want the first car, masked", status, q)
	}
	// To wait at the barrier costs nothing.
	w.Pass(time.Minute)
	if later, _, _ := ask(w, body{"lane": "exit-1"}); later.Due != 600 {
		t.Fatalf("a minute later %d is due, want 600 as the display says", later.Due)
	}
	// The next car stands there when the first driver pays.
	atLane(w, second, "粤B10002", 2)
	no, amount, status, code := pay(w, q.Quote)
	if status != 201 || amount != 600 {
		t.Fatalf("order: %d %s, amount %d", status, code, amount)
	}
	lottest.Must(t, w.Pay.Pay(no))
	paymenttest.Until(t, "the payment", func() bool { return w.Count(`SELECT count(*) FROM payment_orders WHERE state = 'paid'`) == 1 })
	w.Sequence()
	if n := w.Count(`SELECT count(*) FROM sessions WHERE plate_text = '粤B10001' AND json_array_length(document->'pays') = 1`); n != 1 {
		t.Errorf("the first car is not paid")
	}
	if q, _, _ := ask(w, body{"lane": "exit-1"}); q.Paid != 0 || q.Due != 1800 || q.Plate != "粤B·**002" {
		t.Errorf("the second car's quote: %+v", q)
	}
	// What we know of a lane may be old: its car has left.
	w.Booth.Pass("粤B10002", fact.Exit, w.Now())
	if _, status, code := ask(w, body{"lane": "exit-1"}); status != 404 || code != "not_inside.lane" {
		t.Errorf("a car that left: %d %s", status, code)
	}
}

func TestAPriceHoldsForFiveMinutes(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Booth.Enter("粤B12345", time.Minute)
	q, _, _ := ask(w, body{"plate": "粤B12345"})
	no, amount, _, _ := pay(w, q.Quote)
	w.Pass(4 * time.Minute)
	if now := again(w, q.Quote); now.Due != 600 || !now.ValidUntil.Equal(q.ValidUntil) {
		t.Fatalf("after 4 minutes: %+v", now)
	}
	if same, sum, _, _ := pay(w, q.Quote); same != no || sum != amount {
		t.Fatalf("the order is %s for %d, was %s for %d", same, sum, no, amount)
	}
	w.Pass(time.Minute)
	now := again(w, q.Quote)
	if now.Due != 3600 || !now.ValidUntil.After(q.ValidUntil) {
		t.Fatalf("after 5 minutes: %+v, want 3600 due", now)
	}
	other, sum, status, code := pay(w, q.Quote)
	if status != 201 || other == no || sum != 3600 {
		t.Fatalf("order: %d %s, %s for %d", status, code, other, sum)
	}
	if old := w.Pay.Orders()[no]; old.State != "CLOSED" {
		t.Fatalf("the order of the old price is %s at the provider, want CLOSED", old.State)
	}
}

func TestFreeCarsAndPaidStays(t *testing.T) {
	w := paymenttest.New(t, true)
	spec := lottest.Spec(t, "booth")
	grace := lottest.Tariff(t, 2)
	grace.GraceAfterPayment = 900
	spec.Tariffs = []tariff.Tariff{grace}
	spec.Rules = []wire.TariffRule{{Tariff: fact.TariffRef{ID: "short", Version: 2}}}
	spec.Free = []wire.FreePlate{{Plate: "粤B88888", From: w.Now().Add(-time.Hour), To: w.Now().Add(time.Hour), Why: "test"}}
	_, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, scope.System("test"), paymenttest.Lot, 1, spec)
	lottest.Must(t, err)
	w.Booth.Enter("粤B88888", time.Minute)
	q, _, _ := ask(w, body{"plate": "粤B88888"})
	if q.State != "nothing_due" || q.Gross != 600 || q.Free != 600 || q.Due != 0 {
		t.Fatalf("a free car: %+v", q)
	}
	if _, _, status, code := pay(w, q.Quote); status != 409 || code != "quote.nothing_due" {
		t.Fatalf("paying nothing: %d %s", status, code)
	}
	// A paid stay may leave until the grace is over.
	w.Booth.Tariff = 2
	w.Booth.Enter("粤B12345", time.Minute)
	q, _, _ = ask(w, body{"plate": "粤B12345"})
	no, _, _, _ := pay(w, q.Quote)
	quoted := w.Now()
	w.Pass(3 * time.Minute) // the phone is slow
	lottest.Must(t, w.Pay.Pay(no))
	paymenttest.Until(t, "the payment", func() bool { return w.Count(`SELECT count(*) FROM payment_orders WHERE state = 'paid'`) == 1 })
	now := again(w, q.Quote)
	if now.State != "paid" || now.LeaveBy == nil || now.LeaveBy.Unix() != quoted.Add(15*time.Minute).Unix() {
		t.Fatalf("paid: %+v, want leave_by %s", now, quoted.Add(15*time.Minute))
	}
	var o struct {
		Receipt struct {
			LeaveBy *time.Time `json:"leave_by"`
		}
	}
	w.Server.Do(lottest.Anonymous, "GET", "/api/v1/owner/orders/"+no, nil, &o)
	if o.Receipt.LeaveBy == nil || !o.Receipt.LeaveBy.Equal(*now.LeaveBy) {
		t.Fatalf("receipt: %+v, want leave_by %s", o.Receipt, now.LeaveBy)
	}
}

func TestLookingUpIsLimited(t *testing.T) {
	w := paymenttest.New(t, true)
	w.Booth.Enter("粤B12345", time.Minute)
	limited := 0
	for range 20 {
		if _, status, code := ask(w, body{"plate": "粤B12345"}); status == 429 && code == "quote.too_many" {
			limited++
		}
	}
	if limited != 8 {
		t.Errorf("%d of 20 look-ups of one plate refused, want 8", limited)
	}
	for n := range 60 { // guessing plates
		_, status, _ := ask(w, body{"plate": paymenttest.Plate(n)})
		if n < 40 && status != 404 || n >= 40 && status != 429 {
			t.Fatalf("guess %d: status %d", n, status)
		}
	}
	w.Pass(time.Minute)
	if _, status, _ := ask(w, body{"plate": "粤B12345"}); status != 201 {
		t.Errorf("a minute later: status %d", status)
	}
}

func TestWithoutAProviderThePageSaysSo(t *testing.T) {
	w := paymenttest.New(t, false)
	w.Booth.Enter("粤B12345", time.Minute)
	q, status, _ := ask(w, body{"plate": "粤B12345"})
	if status != 201 || q.Payable || q.Due != 600 {
		t.Fatalf("status %d, quote %+v", status, q)
	}
	if _, _, status, code := pay(w, q.Quote); status != 503 || code != "payment.not_set_up" {
		t.Fatalf("order: %d %s", status, code)
	}
	if status, _ := w.Server.Do(lottest.Anonymous, "POST", "/api/v1/pay/wechat/notify", body{}, nil); status != 503 {
		t.Fatalf("notification: status %d", status)
	}
}
