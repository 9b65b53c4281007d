package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lotkeeper/shared/plate"
)

// RefusedError is an answer that says for certain that nothing was done.
type RefusedError struct {
	Status int
	Text   string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("refused with %d: %s", e.Status, e.Text) }

// maxAnswer bounds an HTTP answer.
const maxAnswer = 1 << 20

// call sends JSON and reads JSON. A status from 400 to 499 is a [*RefusedError]: the other side understood and did not.
func call(ctx context.Context, c *http.Client, method, url, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", url, err)
	}
	switch {
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		return &RefusedError{resp.StatusCode, strings.TrimSpace(string(text))}
	case resp.StatusCode >= 300:
		return fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, strings.TrimSpace(string(text)))
	case out == nil || len(text) == 0:
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("answer of %s: %w", url, err)
	}
	return nil
}

// Phone pays on the owner's page of the cloud and confirms at the payment provider's double.
type Phone struct {
	Cloud, FakePay, Lot string
	HTTP                *http.Client
}

// Pay implements [Payer].
func (p Phone) Pay(ctx context.Context, pl plate.Plate, before func()) (int64, error) {
	var quote struct {
		Quote string `json:"quote"`
		Due   int64  `json:"due"`
	}
	if err := call(ctx, p.HTTP, http.MethodPost, p.Cloud+"/api/v1/owner/quotes", "", map[string]any{"lot": p.Lot, "plate": pl.Text}, &quote); err != nil {
		return 0, fmt.Errorf("quote: %w", err)
	}
	if quote.Due == 0 {
		return 0, nil
	}
	var order struct {
		Order  string `json:"order"`
		PayURL string `json:"pay_url"`
	}
	path := p.Cloud + "/api/v1/owner/quotes/" + url.PathEscape(quote.Quote) + "/orders"
	if err := call(ctx, p.HTTP, http.MethodPost, path, "", map[string]any{"channel": "wechat_h5"}, &order); err != nil {
		return 0, fmt.Errorf("order payment: %w", err)
	}
	before()
	if p.FakePay != "" {
		if err := call(ctx, p.HTTP, http.MethodPost, p.FakePay+"/sim/pay", "", map[string]any{"out_trade_no": order.Order}, nil); err != nil {
			return 0, fmt.Errorf("pay: %w", err)
		}
		return quote.Due, nil
	}
	return quote.Due, p.press(ctx, order.PayURL)
}

// press presses the button of the provider's payment page, as a driver does.
func (p Phone) press(ctx context.Context, page string) error {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return &RefusedError{Text: fmt.Sprintf("the order has neither a number nor an address to pay at: %q", page)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(u.RawQuery))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 400 {
		return &RefusedError{resp.StatusCode, "payment page"}
	}
	return nil
}

// Booth settles at the booths' consoles, signed in as an operator.
type Booth struct {
	At         map[string]string // base URL by lane
	Name, Code string
	HTTP       *http.Client
	ID         func() string // unique ids of cash takings

	mu     sync.Mutex
	tokens map[string]string // by base URL
}

// lane is the part of a console's state that a person looks at.
type lane struct {
	Lane    string          `json:"lane"`
	Token   json.RawMessage `json:"token"`
	Due     int64           `json:"due"`
	Waiting *time.Time      `json:"waiting"`
	Similar []struct {
		Session string      `json:"session"`
		Plate   plate.Plate `json:"plate"`
	} `json:"similar"`
}

var errNotWaiting = errors.New("nobody is held at the lane")

// Settle implements [Till]: what is due is taken in cash; a car that could be one of several is matched first; a car of
// which nothing is known is let out by hand.
func (b *Booth) Settle(ctx context.Context, name string, p plate.Plate, before func(how string)) (int64, error) {
	base := b.At[name]
	if base == "" {
		return 0, fmt.Errorf("lane %q has no booth to pay at", name)
	}
	l, err := b.look(ctx, base, name)
	if err != nil {
		return 0, err
	}
	ask := func(what string, body map[string]any) error {
		body["token"] = l.Token
		return b.call(ctx, http.MethodPost, base, "/api/lanes/"+url.PathEscape(name)+"/"+what, body, nil)
	}
	if l.Due == 0 && len(l.Similar) > 0 {
		pick := l.Similar[0].Session
		for _, s := range l.Similar {
			if s.Plate.Text == p.Text {
				pick = s.Session
			}
		}
		// The arm rises at once when what was matched owes nothing.
		before("matched")
		if err := ask("match", map[string]any{"session": pick, "reason": "the driver showed the entry"}); err != nil {
			return 0, fmt.Errorf("match: %w", err)
		}
		if l, err = b.look(ctx, base, name); errors.Is(err, errNotWaiting) {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
	}
	if l.Due > 0 {
		before("cash")
		if err := ask("cash", map[string]any{"amount": l.Due, "action": b.ID()}); err != nil {
			return 0, fmt.Errorf("cash: %w", err)
		}
		return l.Due, nil
	}
	before("by hand")
	if err := ask("open", map[string]any{"reason": "no entry found, nothing due", "waive": true}); err != nil {
		return 0, fmt.Errorf("open: %w", err)
	}
	return 0, nil
}

func (b *Booth) look(ctx context.Context, base, name string) (lane, error) {
	var state struct {
		Lanes []lane `json:"lanes"`
	}
	if err := b.call(ctx, http.MethodGet, base, "/api/state", nil, &state); err != nil {
		return lane{}, fmt.Errorf("look at the booth: %w", err)
	}
	for _, l := range state.Lanes {
		if l.Lane == name {
			if l.Waiting == nil {
				return l, errNotWaiting
			}
			return l, nil
		}
	}
	return lane{}, fmt.Errorf("the booth has no lane %q", name)
}

// call signs in when that is needed.
func (b *Booth) call(ctx context.Context, method, base, path string, in, out any) error {
	b.mu.Lock()
	token := b.tokens[base]
	b.mu.Unlock()
	err := call(ctx, b.HTTP, method, base+path, token, in, out)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return err
	}
	var signed struct {
		Token string `json:"token"`
	}
	if err := call(ctx, b.HTTP, http.MethodPost, base+"/api/sign-in", "", map[string]string{"name": b.Name, "code": b.Code}, &signed); err != nil {
		return fmt.Errorf("sign in at the booth: %w", err)
	}
	b.mu.Lock()
	if b.tokens == nil {
		b.tokens = map[string]string{}
	}
	b.tokens[base] = signed.Token
	b.mu.Unlock()
	return call(ctx, b.HTTP, method, base+path, signed.Token, in, out)
}

// NewBooth makes the cashier of a configuration. now gives the moments that make ids of takings unique from one start
// to the next.
func NewBooth(cfg Config, client *http.Client, now func() time.Time) *Booth {
	b := &Booth{At: map[string]string{}, Name: cfg.Cashier.Name, Code: cfg.Cashier.Code, HTTP: client}
	for _, l := range cfg.Lanes {
		b.At[l.Name] = strings.TrimSuffix(l.Booth, "/")
	}
	start := now().UnixNano()
	var count atomic.Int64
	b.ID = func() string { return fmt.Sprintf("lotsim-%d-%d", start, count.Add(1)) }
	return b
}
