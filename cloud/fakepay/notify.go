package fakepay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

// call is a notification to send.
type call struct {
	order  string
	faults Faults
	try    int
}

func (g *Gateway) notify(order string, f Faults) {
	for range f.Duplicate + 1 {
		c := call{order, f, 0}
		if f.Hold {
			g.mu.Lock()
			g.held = append(g.held, c)
			g.mu.Unlock()
			continue
		}
		g.queue(c)
	}
}

func (g *Gateway) queue(c call) {
	select {
	case g.calls <- c:
	default:
		g.options.Log.Warn("too many notifications wait; one is dropped", "order", c.order)
	}
}

// Run sends notifications until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-g.calls:
			sending.Go(func() { g.deliver(ctx, c) })
		}
	}
}

// deliver sends one notification, and repeats it on the schedule until the merchant acknowledges it.
func (g *Gateway) deliver(ctx context.Context, c call) {
	delay := time.Duration(c.faults.DelayMS) * time.Millisecond
	for {
		t := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		ok, err := g.send(ctx, c)
		if ok || c.try >= len(g.options.Retry) {
			return
		}
		g.options.Log.Info("notification not acknowledged", "order", c.order, "try", c.try, "err", err)
		delay = g.options.Retry[c.try]
		c.try++
	}
}

func (g *Gateway) send(ctx context.Context, c call) (bool, error) {
	req, err := g.notification(ctx, c.order, c.faults)
	if err != nil {
		return false, err
	}
	g.count(c.order, func(o *Order) { o.Notified++ })
	resp, err := g.options.Client.Do(req)
	if err != nil {
		return false, fmt.Errorf("notify: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)); err != nil {
		return false, fmt.Errorf("notify: %w", err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return false, fmt.Errorf("notify: %s", resp.Status)
	}
	g.count(c.order, func(o *Order) { o.Confirmed = true })
	return true, nil
}

func (g *Gateway) count(order string, change func(*Order)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o, ok := g.orders[order]; ok {
		change(o)
	}
}

// notification makes the signed request that tells the merchant of a payment, spoilt as the faults ask.
func (g *Gateway) notification(ctx context.Context, order string, f Faults) (*http.Request, error) {
	g.mu.Lock()
	o, ok := g.orders[order]
	if !ok {
		g.mu.Unlock()
		return nil, ErrNotPayable
	}
	t, url := maps.Clone(g.transaction(o)), o.NotifyURL
	if !o.Paid.IsZero() {
		t["trade_state"], t["trade_state_desc"] = "SUCCESS", "支付成功" // it tells of the payment, whatever came after
	}
	if f.WrongAmount {
		t["amount"] = map[string]any{"total": o.Total + 1, "payer_total": o.Total + 1, "currency": o.Currency, "payer_currency": o.Currency}
	}
	if f.WrongCurrency {
		t["amount"] = map[string]any{"total": o.Total, "payer_total": o.Total, "currency": "USD", "payer_currency": "USD"}
	}
	g.mu.Unlock()
	if f.WrongMerchant {
		t["mchid"] = "1800000000"
	}
	if f.WrongApp {
		t["appid"] = "wx0000000000000000"
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode transaction: %w", err)
	}
	now := g.options.Now()
	text, nonce := g.seal(plain, "transaction")
	body, err := json.Marshal(map[string]any{
		"id": "EV-" + random(20), "create_time": now.Format(time.RFC3339), "event_type": "TRANSACTION.SUCCESS",
		"resource_type": "encrypt-resource", "summary": "支付成功",
		"resource": map[string]string{
			"algorithm": "AEAD_AES_256_GCM", "ciphertext": text, "nonce": nonce,
			"associated_data": "transaction", "original_type": "transaction",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode notification: %w", err)
	}
	key, at := g.keys.Platform, now
	if f.Forge {
		key = g.forger
	}
	if f.Old {
		at = now.Add(-10 * time.Minute)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	g.sign(h, body, key, at)
	if f.Tamper {
		body = bytes.Replace(body, []byte("支付成功"), []byte("支付失败"), 1)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	req.Header = h
	return req, nil
}

// Notification returns the request that tells the merchant of a paid order, for tests that deliver it themselves:
// again, late, in parallel, altered.
func (g *Gateway) Notification(ctx context.Context, order string, f Faults) (*http.Request, error) {
	return g.notification(ctx, order, f)
}
