package simulation

import (
	"fmt"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
)

// bank is the payment provider and the drivers' phones: who paid what, whether or not the cloud has heard of it.
type bank struct {
	w      *World
	orders []*order
}

// order is money that a driver truly paid.
type order struct {
	id      string
	session fact.ID
	amount  money.Amount
	quoted  time.Time
}

func newBank(w *World) *bank { return &bank{w: w} }

// pay has a driver ask what is due and pay it. It needs the cloud, and a cloud that knows the session; a driver whom it
// tells nothing tries again, so often.
func (k *bank) pay(t *trip, tries int) {
	w := k.w
	if t.done {
		return
	}
	s, ok := k.owed(t)
	if !ok {
		if tries > 1 {
			w.after(40*time.Second, func() { k.pay(t, tries-1) })
		}
		return
	}
	at := w.wall()
	bill, err := session.Price(s, at, &w.config)
	if err != nil {
		w.violate("quote", "%v", err)
		return
	}
	if bill.Due <= 0 {
		return
	}
	// The driver looks at the fee, and pays it some seconds later.
	w.after(between(w.luck, 3*time.Second, 40*time.Second), func() {
		o := &order{id: fmt.Sprintf("order-%d", len(k.orders)+1), session: s.ID, amount: bill.Due, quoted: at}
		k.orders = append(k.orders, o)
		w.note("pays", o.id, " ", o.amount)
		w.report.Situations["paid by phone"]++
		k.tell(o)
	})
}

// owed finds the session that a plate has inside, as the cloud knows it.
func (k *bank) owed(t *trip) (session.Session, bool) {
	if k.w.cloud.down() {
		return session.Session{}, false
	}
	in := k.w.cloud.store.Book().InsideFor(t.car.plan.Plate)
	if len(in) != 1 {
		return session.Session{}, false
	}
	return in[0], true
}

// tell brings the provider's call to the cloud, late, twice or not at all; the cloud asks by itself, ever more seldom.
func (k *bank) tell(o *order) {
	w := k.w
	d := between(w.luck, 200*time.Millisecond, 2*time.Second)
	if w.struck(CallbackLate, 0, 0) {
		d += between(w.luck, time.Minute, 30*time.Minute)
	}
	if !w.struck(CallbackLost, 0, 0) {
		w.after(d, func() { k.settle(o) })
	}
	if w.struck(CallbackTwice, 0, 0) {
		w.after(d+between(w.luck, 0, time.Minute), func() { k.settle(o) })
	}
	for _, seconds := range []int{3, 10, 30, 60, 300, 1200, 3600, 7200} {
		w.after(time.Duration(seconds)*time.Second, func() { k.settle(o) })
	}
}

// settle books a payment: state and outbox in one transaction, once per order.
func (k *bank) settle(o *order) {
	w, c := k.w, k.w.cloud
	if c.down() || c.settled[o.id] {
		return
	}
	c.crashPoint("cloud: before a payment's commit")
	c.settled[o.id] = true
	c.say(fact.Draft{
		At: w.wall(), Source: "cloud", Kind: fact.KindPayment, Refs: []fact.ID{o.session},
		Body: fact.Payment{Session: o.session, Amount: o.amount, Curr: "CNY", Provider: "wechat", Order: o.id, Quoted: o.quoted},
	})
	c.crashPoint("cloud: payment committed, not sequenced")
	c.sequence()
}

// reconcile compares with the provider's statement: a restored cloud finds there what its books have lost.
func (k *bank) reconcile(at time.Duration) {
	k.w.after(at-k.w.now, func() {
		for _, o := range k.orders {
			k.settle(o)
		}
	})
	for i := range 4 {
		k.w.after(at-k.w.now+time.Duration(i+1)*10*time.Minute, func() {
			for _, o := range k.orders {
				k.settle(o)
			}
		})
	}
}
