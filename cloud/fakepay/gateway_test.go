package fakepay_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/h5"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/fakepay/fakepaytest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shop is a merchant's server that does nothing but verify what the gateway tells it, with the official SDK.
type shop struct {
	t       *testing.T
	d       *fakepaytest.Double
	url     string
	handler *notify.Handler

	mu     sync.Mutex
	deaf   int // so many notifications are answered with 500
	got    []payments.Transaction
	failed int
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, d: fakepaytest.Start(t)}
	pub, err := utils.LoadPublicKeyWithPath(s.d.Config.PublicKeyFile)
	must(t, err)
	key, err := os.ReadFile(s.d.Config.APIv3KeyFile)
	must(t, err)
	s.handler, err = notify.NewRSANotifyHandler(string(key), verifiers.NewSHA256WithRSAPubkeyVerifier(s.d.Config.PublicKeyID, *pub))
	must(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/notify"
	return s
}

// ServeHTTP is the merchant's webhook.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var got payments.Transaction
	_, err := s.handler.ParseNotifyRequest(r.Context(), r, &got)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.failed++
		w.WriteHeader(http.StatusUnauthorized)
	case s.deaf > 0:
		s.deaf--
		w.WriteHeader(http.StatusInternalServerError)
	default:
		s.got = append(s.got, got)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *shop) counts() (got, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got), s.failed
}

// sdk is the official client of some merchant, led to the double.
func (s *shop) sdk(mchid, keyFile string) h5.H5ApiService {
	s.t.Helper()
	key, err := utils.LoadPrivateKeyWithPath(keyFile)
	must(s.t, err)
	pub, err := utils.LoadPublicKeyWithPath(s.d.Config.PublicKeyFile)
	must(s.t, err)
	to, err := url.Parse(s.d.URL)
	must(s.t, err)
	c, err := core.NewClient(s.t.Context(), option.WithWechatPayPublicKeyAuthCipher(mchid, s.d.Config.Serial, key, s.d.Config.PublicKeyID, pub),
		option.WithHTTPClient(&http.Client{Transport: lead{to}, Timeout: 5 * time.Second}))
	must(s.t, err)
	return h5.H5ApiService{Client: c}
}

type lead struct{ to *url.URL }

func (l lead) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = l.to.Scheme, l.to.Host
	return http.DefaultTransport.RoundTrip(r)
}

func (s *shop) order(no string, total int64) (*h5.PrepayResponse, error) {
	c := s.d.Config
	svc := s.sdk(c.MchID, c.PrivateKeyFile)
	resp, _, err := svc.Prepay(s.t.Context(), h5.PrepayRequest{
		Appid: &c.AppID, Mchid: &c.MchID, Description: core.String("停车费"), OutTradeNo: &no, NotifyUrl: &s.url,
		Amount:    &h5.Amount{Total: &total, Currency: core.String("CNY")},
		SceneInfo: &h5.SceneInfo{PayerClientIp: core.String("127.0.0.1"), H5Info: &h5.H5Info{Type: core.String("Wap")}},
	})
	return resp, err
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func TestTheOfficialSDKIsContent(t *testing.T) {
	s := newShop(t)
	resp, err := s.order("order-1", 1550)
	must(t, err)
	// A driver opens the page, pays, and is led back.
	page := *resp.H5Url + "?redirect_url=" + url.QueryEscape("https://parking.example/pay?lot=a")
	res, err := http.Get(page)
	must(t, err)
	text, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if !strings.Contains(string(text), "¥15.50") || !strings.Contains(string(text), "parking.example") {
		t.Errorf("the page: %s", text)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 2 { // the button pressed twice
		res, err = client.PostForm(*resp.H5Url, url.Values{"redirect_url": {"https://parking.example/pay?lot=a"}})
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != 303 || res.Header.Get("Location") != "https://parking.example/pay?lot=a" {
			t.Fatalf("after paying: %s to %s", res.Status, res.Header.Get("Location"))
		}
	}
	until(t, "the notification", func() bool { got, _ := s.counts(); return got == 1 })
	if n := s.got[0]; *n.OutTradeNo != "order-1" || *n.Amount.Total != 1550 || *n.TradeState != "SUCCESS" || *n.Mchid != s.d.Config.MchID {
		t.Errorf("notified: %+v", n)
	}
	if o := s.d.Orders()["order-1"]; o.Payments != 1 {
		t.Errorf("paid %d times, want 1", o.Payments)
	}
	res, err = client.PostForm(*resp.H5Url, url.Values{"redirect_url": {"javascript:alert(1)"}})
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != 200 {
		t.Errorf("a way back that is no web address: %s", res.Status)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	s := newShop(t)
	other := filepath.Join(t.TempDir(), "other")
	_, err := fakepay.LoadKeys(other)
	must(t, err)
	c := s.d.Config
	for name, svc := range map[string]h5.H5ApiService{
		"another merchant's name": s.sdk("1900000000", c.PrivateKeyFile),
		"another merchant's key":  s.sdk(c.MchID, filepath.Join(other, fakepay.MerchantKeyFile)),
	} {
		_, _, err := svc.QueryOrderByOutTradeNo(t.Context(), h5.QueryOrderByOutTradeNoRequest{OutTradeNo: core.String("order-1"), Mchid: &c.MchID})
		if !core.IsAPIError(err, "SIGN_ERROR") {
			t.Errorf("%s: %v, want SIGN_ERROR", name, err)
		}
	}
	for _, path := range []string{"/v3/pay/transactions/h5", "/v3/refund/domestic/refunds"} {
		res, err := http.Post(s.d.URL+path, "application/json", bytes.NewReader([]byte("{}")))
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s unsigned: %s", path, res.Status)
		}
	}
}

func TestOrdersAreRefusedAsTheGatewayDoes(t *testing.T) {
	s := newShop(t)
	if _, err := s.order("order-1", 0); !core.IsAPIError(err, "PARAM_ERROR") {
		t.Errorf("for nothing: %v", err)
	}
	_, err := s.order("order-1", 100)
	must(t, err)
	if _, err := s.order("order-1", 200); !core.IsAPIError(err, "OUT_TRADE_NO_USED") {
		t.Errorf("another amount under the same number: %v", err)
	}
	must(t, s.d.Pay("order-1"))
	if _, err := s.order("order-1", 100); !core.IsAPIError(err, "ORDERPAID") {
		t.Errorf("a paid order: %v", err)
	}
}

func TestNotificationsAreRepeatedUntilAcknowledged(t *testing.T) {
	s := newShop(t)
	s.deaf = 2
	_, err := s.order("order-1", 100)
	must(t, err)
	must(t, s.d.Pay("order-1"))
	until(t, "the third notification", func() bool { return s.d.Orders()["order-1"].Confirmed })
	if o := s.d.Orders()["order-1"]; o.Notified != 3 {
		t.Errorf("notified %d times, want 3", o.Notified)
	}
}

func TestItMisbehavesAsAsked(t *testing.T) {
	s := newShop(t)
	for name, c := range map[string]struct {
		f           fakepay.Faults
		got, failed int
	}{
		"duplicate":      {fakepay.Faults{Duplicate: 4}, 5, 0},
		"forge":          {fakepay.Faults{Forge: true}, 0, 4}, // and repeated three times in vain
		"tamper":         {fakepay.Faults{Tamper: true}, 0, 4},
		"old":            {fakepay.Faults{Old: true}, 0, 4},
		"wrong amount":   {fakepay.Faults{WrongAmount: true}, 1, 0},
		"wrong merchant": {fakepay.Faults{WrongMerchant: true}, 1, 0},
		"delay":          {fakepay.Faults{DelayMS: 30}, 1, 0},
	} {
		s.d.Misbehave(c.f)
		got, failed := s.counts()
		no := "order-" + strings.ReplaceAll(name, " ", "-")
		_, err := s.order(no, 100)
		must(t, err)
		must(t, s.d.Pay(no))
		until(t, name, func() bool {
			g, f := s.counts()
			return g-got == c.got && f-failed == c.failed
		})
		last := func() payments.Transaction { s.mu.Lock(); defer s.mu.Unlock(); return s.got[len(s.got)-1] }
		if c.f.WrongAmount && *last().Amount.Total != 101 || c.f.WrongMerchant && *last().Mchid == s.d.Config.MchID {
			t.Errorf("%s: %+v", name, last())
		}
	}
	s.d.Misbehave(fakepay.Faults{ErrorRate: 50})
	failed := 0
	for range 10 {
		if _, err := s.order("order-half", 100); err != nil {
			failed++
		}
	}
	if failed != 5 {
		t.Errorf("%d of 10 requests failed at an error rate of 50", failed)
	}
}

func TestKeysAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	a, err := fakepay.LoadKeys(dir)
	must(t, err)
	b, err := fakepay.LoadKeys(dir)
	must(t, err)
	if !a.Platform.Equal(b.Platform) || a.MchID != b.MchID || a.APIv3 != b.APIv3 {
		t.Error("the second start has other keys")
	}
	must(t, os.WriteFile(filepath.Join(dir, fakepay.MerchantKeyFile), []byte("x"), 0o600))
	if _, err := fakepay.LoadKeys(dir); err == nil {
		t.Error("a damaged key was taken")
	}
}
