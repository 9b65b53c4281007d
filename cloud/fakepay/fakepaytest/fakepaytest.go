// Package fakepaytest runs the double of the WeChat Pay gateway inside a test.
package fakepaytest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/internal/payment/wechat"
)

// Double is a running gateway and what the merchant needs to use it.
type Double struct {
	*fakepay.Gateway
	URL    string
	Config wechat.Config // points to key files and to URL
}

// keys makes one set of key files for all tests of a binary: RSA keys take their time.
var keys = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "fakepay-keys-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if _, err := fakepay.LoadKeys(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
})

// Keys puts key files into a folder of the test's own.
func Keys(t testing.TB) (dir string) {
	t.Helper()
	files, err := keys()
	if err != nil {
		t.Fatalf("make keys: %v", err)
	}
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatalf("write keys: %v", err)
		}
	}
	return dir
}

// Start runs a gateway until the test ends. retry is the waits between notifications; none is three of 20 ms.
func Start(t testing.TB, retry ...time.Duration) *Double {
	t.Helper()
	dir := Keys(t)
	k, err := fakepay.LoadKeys(dir)
	if err != nil {
		t.Fatalf("load keys: %v", err)
	}
	if len(retry) == 0 {
		retry = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond}
	}
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	g, err := fakepay.New(k, fakepay.Options{Base: url, Retry: retry})
	if err != nil {
		t.Fatalf("make the gateway: %v", err)
	}
	server.Config.Handler = g.Handler()
	server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the gateway ended: %v", err)
		}
		server.Close()
	})
	return &Double{Gateway: g, URL: url, Config: Config(t, dir, url)}
}

// Config is the merchant's configuration for a gateway at the URL with keys in the folder.
func Config(t testing.TB, dir, url string) wechat.Config {
	t.Helper()
	var n struct {
		MchID      string `json:"mchid"`
		AppID      string `json:"app_id"`
		Serial     string `json:"serial"`
		PlatformID string `json:"public_key_id"`
	}
	b, err := os.ReadFile(filepath.Join(dir, fakepay.MerchantFile))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		t.Fatalf("read merchant: %v", err)
	}
	return wechat.Config{
		MchID: n.MchID, AppID: n.AppID, Serial: n.Serial, PublicKeyID: n.PlatformID, BaseURL: url,
		PrivateKeyFile: filepath.Join(dir, fakepay.MerchantKeyFile), APIv3KeyFile: filepath.Join(dir, fakepay.APIv3File),
		PublicKeyFile: filepath.Join(dir, fakepay.PlatformPubFile),
	}
}

// Merchant is our side of the gateway.
func (d *Double) Merchant(t testing.TB) *wechat.Merchant {
	t.Helper()
	k, err := wechat.Load(d.Config)
	if err != nil {
		t.Fatalf("load merchant: %v", err)
	}
	m, err := wechat.New(d.Config, k)
	if err != nil {
		t.Fatalf("make merchant: %v", err)
	}
	return m
}
