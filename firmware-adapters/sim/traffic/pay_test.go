package traffic_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"lotkeeper/firmware-adapters/sim/traffic"
	"lotkeeper/shared/plate"
)

// far is the other end of HTTP calls: it answers by path and keeps what it was told.
type far struct {
	mu    sync.Mutex
	calls []string
	body  map[string]map[string]any
	say   map[string]func() (int, string)
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.Path
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body) // a GET has none
	f.mu.Lock()
	f.calls = append(f.calls, key)
	f.body[key] = body
	say := f.say[key]
	f.mu.Unlock()
	if say == nil {
		http.NotFound(w, r)
		return
	}
	if r.Header.Get("Authorization") == "" && r.Method == http.MethodPost && r.URL.Path != "/api/sign-in" && f.say["POST /api/sign-in"] != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status, text := say()
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func (f *far) told(key string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.body[key]
}

func serve(t *testing.T, say map[string]string) (*far, string) {
	t.Helper()
	f := &far{body: map[string]map[string]any{}, say: map[string]func() (int, string){}}
	for key, text := range say {
		f.say[key] = func() (int, string) { return http.StatusOK, text }
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return f, s.URL
}

func blue(t *testing.T, text string) plate.Plate {
	t.Helper()
	p, err := plate.Parse(text, plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPhonePays(t *testing.T) {
	f, url := serve(t, map[string]string{
		"POST /api/v1/owner/quotes":           `{"quote":"q7","due":1500}`,
		"POST /api/v1/owner/quotes/q7/orders": `{"order":"o9","pay_url":"http://x/cashier/p"}`,
		"POST /sim/pay":                       ``,
	})
	before := 0
	p := traffic.Phone{Cloud: url, FakePay: url, Lot: "demo", HTTP: http.DefaultClient}
	got, err := p.Pay(context.Background(), blue(t, "粤B12345"), func() {
		before++
		if f.told("POST /sim/pay") != nil {
			t.Error("the payment was made before the car counts as settled")
		}
	})
	if got != 1500 || err != nil || before != 1 {
		t.Errorf("Pay = %d, %v, before %d times", got, err, before)
	}
	if b := f.told("POST /api/v1/owner/quotes"); b["lot"] != "demo" || b["plate"] != "粤B12345" {
		t.Errorf("asked for %v", b)
	}
	if b := f.told("POST /sim/pay"); b["out_trade_no"] != "o9" {
		t.Errorf("paid %v", b)
	}
}

func TestPhoneWithNothingDueOrRefused(t *testing.T) {
	never := func() { t.Error("settled without a payment") }
	_, url := serve(t, map[string]string{"POST /api/v1/owner/quotes": `{"quote":"q","due":0}`})
	p := traffic.Phone{Cloud: url, FakePay: url, HTTP: http.DefaultClient}
	if got, err := p.Pay(context.Background(), blue(t, "粤B12345"), never); got != 0 || err != nil {
		t.Errorf("nothing due: Pay = %d, %v", got, err)
	}
	_, url = serve(t, nil)
	p.Cloud = url
	var refused *traffic.RefusedError
	if _, err := p.Pay(context.Background(), blue(t, "粤B12345"), never); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("unknown plate: Pay = %v", err)
	}
}

// console answers as a booth's console does; due follows what was asked of it.
func console(t *testing.T, lane string) (*far, *traffic.Booth) {
	t.Helper()
	f, url := serve(t, map[string]string{
		"POST /api/sign-in":         `{"token":"secret"}`,
		"GET /api/state":            `{"lanes":[{"lane":"other"},` + lane + `]}`,
		"POST /api/lanes/out/cash":  `{"verdict":"done"}`,
		"POST /api/lanes/out/match": `{"verdict":"done"}`,
		"POST /api/lanes/out/open":  `{"verdict":"done"}`,
	})
	return f, traffic.NewBooth(traffic.Config{
		Lanes: []traffic.Lane{{Name: "out", Booth: url}}, Cashier: traffic.Cashier{Name: "cashier", Code: "1"},
	}, http.DefaultClient, time.Now)
}

func TestBoothSettles(t *testing.T) {
	const token = `"token":{"boot":"b","mono":5,"car":3}`
	const waiting = `,"waiting":"2026-01-01T00:00:00Z"`
	for _, c := range []struct {
		name, lane string
		how        []string
		minor      int64
		last       string
	}{
		{"cash", `{"lane":"out","due":700,` + token + waiting + `}`, []string{"cash"}, 700, "cash"},
		{"nothing known", `{"lane":"out","due":0,` + token + waiting + `}`, []string{"by hand"}, 0, "open"},
		{
			"similar", `{"lane":"out","due":0,` + token + waiting + `,"similar":[{"session":"s1","plate":{"text":"粤B1Z345","colour":"blue","class":"small"}},{"session":"s2","plate":{"text":"粤B12345","colour":"blue","class":"small"}}]}`,
			[]string{"matched", "by hand"}, 0, "match",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, b := console(t, c.lane)
			var how []string
			got, err := b.Settle(context.Background(), "out", blue(t, "粤B12345"), func(h string) { how = append(how, h) })
			if got != c.minor || err != nil || !slices.Equal(how, c.how) {
				t.Errorf("Settle = %d, %v by %v, want %d by %v; calls %v", got, err, how, c.minor, c.how, f.calls)
			}
			told := f.told("POST /api/lanes/out/" + c.last)
			if tok, ok := told["token"].(map[string]any); !ok || tok["car"] != float64(3) {
				t.Errorf("the lane's token was not passed on: %v", told)
			}
			if c.last == "match" && told["session"] != "s2" {
				t.Errorf("matched %v, want the session of the driver's plate", told["session"])
			}
			if c.last == "cash" && (told["amount"] != float64(700) || told["action"] == "") {
				t.Errorf("cash %v", told)
			}
		})
	}
	// Nobody held: nothing is asked of the lane, and nothing counts as settled.
	f, b := console(t, `{"lane":"out","due":0,`+token+`}`)
	if _, err := b.Settle(context.Background(), "out", blue(t, "粤B12345"), func(string) { t.Error("settled") }); err == nil {
		t.Error("Settle with nobody held succeeds")
	}
	if n := len(f.calls); n != 1 {
		t.Errorf("calls %v", f.calls)
	}
}
