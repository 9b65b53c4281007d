package wechat_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/fakepay/fakepaytest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/wechat"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOrdersLife(t *testing.T) {
	d := fakepaytest.Start(t)
	m, ctx := d.Merchant(t), t.Context()
	p := payment.Prepay{No: "pay-0001", Description: "停车费", Notify: "http://127.0.0.1:9/none", ClientIP: "127.0.0.1", Amount: 1550, Currency: "CNY", Expires: time.Now().Add(time.Minute)}
	if _, err := m.Query(ctx, p.No); !errors.Is(err, payment.ErrUnknown) {
		t.Fatalf("query before: %v, want ErrUnknown", err)
	}
	if err := m.Close(ctx, p.No); !errors.Is(err, payment.ErrUnknown) {
		t.Fatalf("close before: %v, want ErrUnknown", err)
	}
	url, err := m.Prepay(ctx, p)
	must(t, err)
	again, err := m.Prepay(ctx, p)
	must(t, err)
	if url != again || !strings.HasPrefix(url, d.URL+"/cashier/") {
		t.Fatalf("pages %s and %s", url, again)
	}
	if c, err := m.Query(ctx, p.No); err != nil || c.State != payment.Unpaid || c.Amount != 1550 || c.Fits != nil {
		t.Fatalf("query: %+v, %v", c, err)
	}
	must(t, d.Pay(p.No))
	c, err := m.Query(ctx, p.No)
	must(t, err)
	if c.State != payment.Success || c.Amount != 1550 || c.Currency != "CNY" || c.Transaction == "" || c.Merchant != m.Payee() || time.Since(c.PaidAt) > time.Minute {
		t.Fatalf("paid: %+v", c)
	}
	if err := m.Close(ctx, p.No); !errors.Is(err, payment.ErrPaid) {
		t.Fatalf("close a paid order: %v, want ErrPaid", err)
	}
	if _, err := m.Prepay(ctx, p); !errors.Is(err, payment.ErrPaid) {
		t.Fatalf("order again: %v, want ErrPaid", err)
	}
	r := payment.Refund{No: "ref-0001", Order: p.No, Amount: 1550, Total: 1550, Currency: "CNY"}
	for range 2 {
		a, err := m.Refund(ctx, r)
		if err != nil || a.State != payment.Processing || a.Amount != 1550 {
			t.Fatalf("refund: %+v, %v", a, err)
		}
	}
	if a, err := m.QueryRefund(ctx, r.No); err != nil || a.State != payment.Done {
		t.Fatalf("refund: %+v, %v", a, err)
	}
	if c, err := m.Query(ctx, p.No); err != nil || c.State != payment.Returned {
		t.Fatalf("after the refund: %+v, %v", c, err)
	}
	r.No, r.Amount = "ref-0002", 1
	if _, err := m.Refund(ctx, r); err == nil || errors.Is(err, payment.ErrUnknown) {
		t.Fatalf("a refund of more than was paid: %v", err)
	}
}

func TestAnswersAreVerified(t *testing.T) {
	d := fakepaytest.Start(t)
	m := d.Merchant(t)
	d.Misbehave(fakepay.Faults{ForgeReplies: true})
	_, err := m.Prepay(t.Context(), payment.Prepay{No: "pay-0001", Description: "x", Notify: "http://127.0.0.1:9/n", ClientIP: "127.0.0.1", Amount: 1, Currency: "CNY", Expires: time.Now().Add(time.Minute)})
	if err == nil {
		t.Error("a forged answer to an order was believed")
	}
	if _, err := m.Query(t.Context(), "pay-0001"); err == nil || errors.Is(err, payment.ErrUnknown) {
		t.Errorf("a forged answer to a query: %v", err)
	}
	if err := m.Close(t.Context(), "pay-0001"); err == nil || errors.Is(err, payment.ErrPaid) {
		t.Errorf("a forged answer to a closing: %v", err)
	}
	if err := m.Close(t.Context(), "pay-0001"); err == nil || errors.Is(err, payment.ErrUnknown) {
		t.Errorf("a forged refusal of a closing was believed: %v", err)
	}
	d.Misbehave(fakepay.Faults{State: "HALF_PAID"})
	if _, err := m.Query(t.Context(), "pay-0001"); err == nil {
		t.Error("a state that is not known was taken")
	}
}

func TestEveryFaultOfTheConfigurationIsTold(t *testing.T) {
	if f := (wechat.Config{}).Faults(); len(f) != 0 {
		t.Errorf("no merchant at all: %v", f)
	}
	got := strings.Join(wechat.Config{MchID: "1", PublicKeyID: "abc", BaseURL: "ftp://x"}.Faults(), "\n")
	for _, key := range []string{"app_id", "serial", "private_key_file", "api_v3_key_file", "public_key_file", "PUB_KEY_ID_", "base_url"} {
		if !strings.Contains(got, key) {
			t.Errorf("faults do not tell of %s:\n%s", key, got)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("nothing"), 0o600))
	}
	_, err := wechat.Load(wechat.Config{PrivateKeyFile: filepath.Join(dir, "a"), PublicKeyFile: filepath.Join(dir, "b"), APIv3KeyFile: filepath.Join(dir, "none")})
	for _, key := range []string{"private_key_file", "public_key_file", "api_v3_key_file"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not tell of %s", err, key)
		}
	}
}

// sealed makes a notification as only the platform can: the resource encrypted, the body signed.
func sealed(k fakepay.Keys, plain []byte, nonce string) (http.Header, []byte) {
	block, err := aes.NewCipher([]byte(k.APIv3))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	text := ""
	if len(nonce) == gcm.NonceSize() {
		text = base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, []byte("transaction")))
	}
	body, err := json.Marshal(map[string]any{
		"id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource",
		"resource": map[string]string{"algorithm": "AEAD_AES_256_GCM", "ciphertext": text, "nonce": nonce, "associated_data": "transaction", "original_type": "transaction"},
	})
	if err != nil {
		panic(err)
	}
	return signed(k, body), body
}

func signed(k fakepay.Keys, body []byte) http.Header {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(stamp + "\nn\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k.Platform, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return http.Header{
		"Wechatpay-Timestamp": {stamp}, "Wechatpay-Nonce": {"n"}, "Wechatpay-Serial": {k.PlatformID},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(sig)},
	}
}

// FuzzNotice reads any notification: unsigned ones are refused, signed ones never panic, and what is let through is a
// whole, positive payment.
func FuzzNotice(f *testing.F) {
	d := fakepaytest.Start(f)
	m := d.Merchant(f)
	k, err := fakepay.LoadKeys(filepath.Dir(d.Config.PublicKeyFile))
	must(f, err)
	good := `{"appid":"` + k.AppID + `","mchid":"` + k.MchID + `","out_trade_no":"P1","trade_state":"SUCCESS","transaction_id":"42",` +
		`"success_time":"2026-11-02T16:00:00+08:00","amount":{"total":1550,"currency":"CNY"}}`
	h, body := sealed(k, []byte(good), "123456789012")
	if n, err := m.Notice(context.Background(), h, body); err != nil || n.Charge.Amount != 1550 || n.Charge.Fits != nil || n.Charge.No != "P1" {
		f.Fatalf("a good notification: %+v, %v", n, err)
	}
	f.Add([]byte(good), "123456789012", body)
	f.Add([]byte(`null`), "123456789012", []byte(`{"resource":{"nonce":"123456789012"},"resource":null}`))
	f.Add([]byte(`{"amount":{"total":-5,"currency":"CNY"},"trade_state":"SUCCESS"}`), "", []byte(`null`))
	f.Add([]byte(`{"amount":{"total":1e300}}`), "123456789012", []byte(`{"resource":[]}`))
	f.Add([]byte(strings.Replace(good, "2026-11-02T16:00:00+08:00", "soon", 1)), "123456789012", []byte(`{"resource":{"nonce":"123456789012","ciphertext":"!"}}`))
	f.Fuzz(func(t *testing.T, plain []byte, nonce string, raw []byte) {
		ctx := context.Background()
		if n, err := m.Notice(ctx, http.Header{"Wechatpay-Signature": {nonce}}, raw); err == nil {
			t.Fatalf("an unsigned notification was taken: %+v", n)
		}
		check := func(n payment.Notice, err error) {
			if err != nil {
				return
			}
			c := n.Charge
			if c.State != payment.Success || c.Amount <= 0 || c.Currency == "" || c.Transaction == "" || c.PaidAt.IsZero() {
				t.Fatalf("taken: %+v", n)
			}
		}
		check(m.Notice(ctx, signed(k, raw), raw))
		h, body := sealed(k, plain, nonce)
		check(m.Notice(ctx, h, body))
		if len(body) > 0 { // one bit after signing
			flipped := bytes.Clone(body)
			flipped[len(flipped)/2] ^= 1
			if n, err := m.Notice(ctx, h, flipped); err == nil {
				t.Fatalf("an altered notification was taken: %+v", n)
			}
		}
	})
}

// The page that the driver is sent to is one that works.
func TestTheCashier(t *testing.T) {
	d := fakepaytest.Start(t)
	url, err := d.Merchant(t).Prepay(t.Context(), payment.Prepay{No: "pay-0001", Description: "停车费 <河滨>", Notify: "http://127.0.0.1:9/n", ClientIP: "127.0.0.1", Amount: 1550, Currency: "CNY", Expires: time.Now().Add(time.Minute)})
	must(t, err)
	res, err := http.Get(url)
	must(t, err)
	page, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if !strings.Contains(string(page), "¥15.50") || !strings.Contains(string(page), "停车费 &lt;河滨&gt;") {
		t.Errorf("the page: %s", page)
	}
}
