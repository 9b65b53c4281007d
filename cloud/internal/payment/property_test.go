package payment_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/shared/fact"
)

// Whatever drivers, cashiers, a provider that fails, and time do, in whatever order: the books stay sound after each
// step, and when all is quiet every driver has paid at most once for what he owed and the rest went back.
func TestAnyHistoryKeepsTheBooks(t *testing.T) {
	w := paymenttest.New(t, true)
	car := 0
	rapid.Check(t, func(rt *rapid.T) {
		var cars []*driver
		var orders []string
		sessions := map[string]fact.ID{}
		pickCar := func(rt *rapid.T) *driver {
			if len(cars) == 0 {
				rt.Skip()
			}
			return cars[rapid.IntRange(0, len(cars)-1).Draw(rt, "car")]
		}
		pickOrder := func(rt *rapid.T) string {
			if len(orders) == 0 {
				rt.Skip()
			}
			return orders[rapid.IntRange(0, len(orders)-1).Draw(rt, "order")]
		}
		w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
		faults := rapid.SampledFrom([]fakepay.Faults{
			{}, {Forge: true}, {Tamper: true}, {Old: true}, {WrongAmount: true}, {WrongMerchant: true}, {WrongCurrency: true},
		})
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				paymenttest.Sound(t, w.Count)
				if t.Failed() {
					rt.Fatal("the books are not sound")
				}
			},
			"arrive": func(*rapid.T) {
				car++
				d := &driver{w: w, plate: paymenttest.Plate(car)}
				sessions[d.plate] = w.Booth.Enter(d.plate, time.Minute)
				d.ask()
				cars = append(cars, d)
			},
			"second phone": func(rt *rapid.T) {
				d := &driver{w: w, plate: pickCar(rt).plate}
				w.Pass(10 * time.Second) // look-ups of one plate are limited
				var q quote
				if w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes", map[string]string{"lot": "riverside", "plate": d.plate}, &q); q.Quote != "" {
					d.quote, d.due = q.Quote, q.Due
					cars = append(cars, d)
				}
			},
			"order": func(rt *rapid.T) {
				d := pickCar(rt)
				var o order
				w.Server.Do(lottest.Anonymous, "POST", "/api/v1/owner/quotes/"+d.quote+"/orders", map[string]string{"channel": "wechat_h5"}, &o)
				if o.Order != "" && !slices.Contains(orders, o.Order) {
					orders = append(orders, o.Order)
				}
			},
			"pay": func(rt *rapid.T) {
				_ = w.Pay.Pay(pickOrder(rt)) // paid and closed orders refuse
			},
			"notify": func(rt *rapid.T) { send(w, pickOrder(rt), faults.Draw(rt, "faults")) },
			"cash":   func(rt *rapid.T) { w.Booth.Cash(sessions[pickCar(rt).plate], 100) },
			"leave":  func(rt *rapid.T) { w.Booth.Pass(pickCar(rt).plate, fact.Exit, w.Now()) },
			"fold":   func(*rapid.T) { w.Sequence() },
			"check":  func(*rapid.T) { w.Check() },
			"time": func(rt *rapid.T) {
				w.Pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 11 * time.Minute}).Draw(rt, "time"))
			},
			"provider": func(rt *rapid.T) {
				w.Pay.Misbehave(rapid.SampledFrom([]fakepay.Faults{
					{DropCallback: true}, {DropCallback: true, ErrorRate: 50}, {DropCallback: true, ForgeReplies: true},
					{DropCallback: true, State: "NOTPAY"}, {DropCallback: true, PayClosed: true},
				}).Draw(rt, "faults"))
			},
		})
		// All quiet: the provider answers, every open thing is asked for until nothing is open.
		w.Pay.Misbehave(fakepay.Faults{DropCallback: true})
		for no, o := range w.Pay.Orders() {
			if !o.Paid.IsZero() && slices.Contains(orders, no) {
				send(w, no, fakepay.Faults{})
			}
		}
		for range 4 {
			w.Pass(11 * time.Minute)
			w.Check()
		}
		w.Sequence()
		w.Sound()
		if n := w.Count(`SELECT count(*) FROM payment_orders WHERE state IN ('pending', 'refunding')`); n != 0 {
			rt.Fatalf("%d orders are still open", n)
		}
		if n := w.Count(`SELECT count(*) FROM (SELECT FROM payment_orders WHERE effect = 'settled' GROUP BY session, credited HAVING count(*) > 1) x`); n != 0 {
			rt.Fatalf("%d stays were paid twice for the same", n)
		}
		for _, no := range orders {
			there := w.Pay.Orders()[no]
			state := text(w, `SELECT state FROM payment_orders WHERE no = $1`, no)
			switch {
			case there.Paid.IsZero() != (state == "closed"):
				rt.Fatalf("order %s is %s here and %s there", no, state, there.State)
			case (there.Refunded > 0) != (state == "refunded"):
				rt.Fatalf("order %s is %s here, %d went back there", no, state, there.Refunded)
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}
