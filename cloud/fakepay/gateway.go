// Package fakepay is a double of the WeChat Pay v3 gateway that the official SDK cannot tell from the real one: it
// checks the merchant's signature on every request, signs its replies, encrypts its notifications, and keeps the
// states of orders and refunds. And it can misbehave as the real world does: lose, delay, repeat, forge and alter
// notifications, answer late or with errors.
//
// It follows the public API documents of WeChat Pay (H5 orders, query, close, domestic refunds, notifications signed
// with the platform's key in public-key mode). It is for tests and demonstrations; no money is involved.
package fakepay

import (
	"crypto/rsa"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Keys are both sides' secrets.
type Keys struct {
	MchID       string
	AppID       string
	MerchantPub *rsa.PublicKey  // verifies what the merchant signs
	Platform    *rsa.PrivateKey // signs what the gateway says
	PlatformID  string          // "PUB_KEY_ID_…"
	APIv3       string          // 32 bytes; encrypts notifications
}

// Faults is how the gateway misbehaves from now on. The zero value behaves.
type Faults struct {
	DropCallback  bool   `json:"drop_callback"`  // pay, but never notify
	Duplicate     int    `json:"duplicate"`      // send each notification so many times more, at once
	DelayMS       int    `json:"delay_ms"`       // wait before the first notification
	Forge         bool   `json:"forge"`          // sign notifications with a key that is not the platform's
	Tamper        bool   `json:"tamper"`         // change a notification's body after signing it
	Old           bool   `json:"old"`            // stamp notifications ten minutes ago
	WrongAmount   bool   `json:"wrong_amount"`   // notify another amount than was ordered, properly signed
	WrongMerchant bool   `json:"wrong_merchant"` // notify another merchant's id, properly signed
	ErrorRate     int    `json:"error_rate"`     // percent of API requests answered with 500
	SlowMS        int    `json:"slow_ms"`        // wait before each API reply
	ForgeReplies  bool   `json:"forge_replies"`  // sign API replies with a key that is not the platform's
	State         string `json:"state"`          // answer queries with this trade_state instead of the true one
	WrongCurrency bool   `json:"wrong_currency"` // notify another currency than was ordered, properly signed
	WrongApp      bool   `json:"wrong_app"`      // notify another app id, properly signed
	Hold          bool   `json:"hold"`           // keep notifications back; without it they go out, newest first
	PayClosed     bool   `json:"pay_closed"`     // let payers pay orders that are closed or expired
	RefundFails   bool   `json:"refund_fails"`   // answer queries for refunds with ABNORMAL
}

// Order is one order at the gateway.
type Order struct {
	OutTradeNo    string    `json:"out_trade_no"`
	PrepayID      string    `json:"prepay_id"`
	TransactionID string    `json:"transaction_id,omitempty"`
	Description   string    `json:"description"`
	Total         int64     `json:"total"`
	Currency      string    `json:"currency"`
	NotifyURL     string    `json:"notify_url"`
	State         string    `json:"state"` // NOTPAY, SUCCESS, CLOSED, REFUND
	Created       time.Time `json:"created"`
	Expires       time.Time `json:"expires,omitzero"`
	Paid          time.Time `json:"paid,omitzero"`
	Payments      int       `json:"payments"`  // how often a payer's money was taken: must never pass 1
	Notified      int       `json:"notified"`  // notifications that were sent
	Confirmed     bool      `json:"confirmed"` // the merchant acknowledged one
	Refunded      int64     `json:"refunded"`
}

// Refund is one refund at the gateway.
type Refund struct {
	OutRefundNo string    `json:"out_refund_no"`
	OutTradeNo  string    `json:"out_trade_no"`
	RefundID    string    `json:"refund_id"`
	Amount      int64     `json:"amount"`
	State       string    `json:"state"` // PROCESSING, SUCCESS
	Created     time.Time `json:"created"`
}

// Options are a gateway's options. Base is required.
type Options struct {
	Base   string           // where browsers reach the cashier: "http://127.0.0.1:8090"
	Now    func() time.Time // nil is time.Now
	Log    *slog.Logger     // nil discards
	Retry  []time.Duration  // waits between notifications; nil is WeChat's schedule
	Client *http.Client     // sends notifications; nil has a time-out of 5 s
}

// schedule is how WeChat Pay repeats a notification that was not acknowledged.
var schedule = []time.Duration{
	15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, 30 * time.Minute, 30 * time.Minute, 60 * time.Minute, 3 * time.Hour, 3 * time.Hour, 3 * time.Hour,
	6 * time.Hour, 6 * time.Hour,
}

// Gateway is the double. It serves HTTP through [Gateway.Handler] and sends notifications while [Gateway.Run] runs.
type Gateway struct {
	keys    Keys
	options Options
	forger  *rsa.PrivateKey
	calls   chan call

	mu      sync.Mutex
	faults  Faults
	orders  map[string]*Order // by out_trade_no
	refunds map[string]*Refund
	asked   int    // API requests, for the error rate
	held    []call // notifications kept back
}

// New returns a gateway. It starts nothing.
func New(k Keys, o Options) (*Gateway, error) {
	switch {
	case k.MerchantPub == nil || k.Platform == nil || len(k.APIv3) != 32 || k.MchID == "" || k.AppID == "" || k.PlatformID == "":
		return nil, errors.New("fakepay: keys are incomplete")
	case o.Base == "":
		return nil, errors.New("fakepay: base URL is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Retry == nil {
		o.Retry = schedule
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 5 * time.Second}
	}
	forger, err := newKey()
	if err != nil {
		return nil, err
	}
	return &Gateway{
		keys: k, options: o, forger: forger, calls: make(chan call, 1024),
		orders: map[string]*Order{}, refunds: map[string]*Refund{},
	}, nil
}

// Misbehave sets the faults from now on. Notifications that were held back go out when Hold ends.
func (g *Gateway) Misbehave(f Faults) {
	g.mu.Lock()
	g.faults = f
	var out []call
	if !f.Hold {
		out, g.held = g.held, nil
	}
	g.mu.Unlock()
	for _, c := range slices.Backward(out) {
		g.queue(c)
	}
}

// Asked returns how many requests the merchant made.
func (g *Gateway) Asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// Refunds returns a copy of all refunds, by out_refund_no.
func (g *Gateway) Refunds() map[string]Refund {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[string]Refund, len(g.refunds))
	for no, r := range g.refunds {
		out[no] = *r
	}
	return out
}

// Orders returns a copy of all orders, by out_trade_no.
func (g *Gateway) Orders() map[string]Order {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[string]Order, len(g.orders))
	for no, o := range g.orders {
		out[no] = *o
	}
	return out
}

// ErrNotPayable says that an order is not there, paid, closed or expired.
var ErrNotPayable = errors.New("order cannot be paid")

// Pay takes a payer's money for an order and queues its notification.
func (g *Gateway) Pay(outTradeNo string) error {
	g.mu.Lock()
	o, ok := g.orders[outTradeNo]
	now := g.options.Now()
	open := ok && o.State == "NOTPAY" && (o.Expires.IsZero() || !now.After(o.Expires))
	if !open && !(ok && g.faults.PayClosed && o.Paid.IsZero()) {
		g.mu.Unlock()
		return ErrNotPayable
	}
	o.State, o.Paid, o.TransactionID = "SUCCESS", now, "42000"+random(23)
	o.Payments++
	f := g.faults
	g.mu.Unlock()
	if f.DropCallback {
		return nil
	}
	g.notify(outTradeNo, f)
	return nil
}
