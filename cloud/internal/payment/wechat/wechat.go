// Package wechat speaks WeChat Pay v3 through its official SDK: H5 orders, queries, closing, refunds, notifications, in
// public-key mode. It implements payment.Provider.
//
// Every answer and notification is verified with the platform's public key (by the SDK, and errors that mean something
// by us, since the SDK leaves them out), and a notification older than
// five minutes is refused. The SDK's host is a constant; a base URL, for tests and demonstrations, is put in by an HTTP
// transport beneath it, so that all else is the code that runs in production.
package wechat

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/validators"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/h5"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// Config is a merchant's part of the configuration file. Secrets stand in files. The zero Config is no merchant.
type Config struct {
	MchID          string `yaml:"mchid"`
	AppID          string `yaml:"app_id"`
	Serial         string `yaml:"serial"`           // of the merchant's certificate
	PrivateKeyFile string `yaml:"private_key_file"` // PEM, PKCS#8
	APIv3KeyFile   string `yaml:"api_v3_key_file"`  // 32 characters
	PublicKeyID    string `yaml:"public_key_id"`    // "PUB_KEY_ID_…"
	PublicKeyFile  string `yaml:"public_key_file"`  // PEM, of WeChat Pay
	BaseURL        string `yaml:"base_url"`         // "": the real gateway; else a double, for tests and demonstrations
}

// Set reports whether there is a merchant.
func (c Config) Set() bool { return c != Config{} }

// Faults names everything that is wrong, as "key: what", without reading the files.
func (c Config) Faults() []string {
	if !c.Set() {
		return nil
	}
	var faults []string
	for _, k := range []struct{ key, value string }{
		{"mchid", c.MchID},
		{"app_id", c.AppID},
		{"serial", c.Serial},
		{"private_key_file", c.PrivateKeyFile},
		{"api_v3_key_file", c.APIv3KeyFile},
		{"public_key_id", c.PublicKeyID},
		{"public_key_file", c.PublicKeyFile},
	} {
		if k.value == "" {
			faults = append(faults, k.key+": required")
		}
	}
	if c.PublicKeyID != "" && !strings.HasPrefix(c.PublicKeyID, "PUB_KEY_ID_") {
		faults = append(faults, fmt.Sprintf("public_key_id: %q does not begin with PUB_KEY_ID_", c.PublicKeyID))
	}
	if _, err := base(c.BaseURL); err != nil {
		faults = append(faults, err.Error())
	}
	return faults
}

func base(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("base_url: %q is not http(s)://host", text)
	}
	return u, nil
}

// Keys are a merchant's secrets.
type Keys struct {
	Merchant *rsa.PrivateKey
	Platform *rsa.PublicKey
	APIv3    string // 32 bytes
}

// Load reads the files that a configuration names. Every fault is told at once.
func Load(c Config) (Keys, error) {
	var k Keys
	var faults []error
	read := func(key, file string, use func(text string) error) {
		text, err := os.ReadFile(file)
		if err == nil {
			err = use(strings.TrimSpace(string(text)))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("pay.wechat.%s: %w", key, err))
		}
	}
	read("private_key_file", c.PrivateKeyFile, func(text string) (err error) {
		k.Merchant, err = utils.LoadPrivateKey(text)
		return err
	})
	read("public_key_file", c.PublicKeyFile, func(text string) (err error) {
		k.Platform, err = utils.LoadPublicKey(text)
		return err
	})
	read("api_v3_key_file", c.APIv3KeyFile, func(text string) error {
		if len(text) != 32 {
			return fmt.Errorf("%s holds %d characters, not 32", c.APIv3KeyFile, len(text))
		}
		k.APIv3 = text
		return nil
	})
	return k, errors.Join(faults...)
}

// Merchant is one merchant at WeChat Pay.
type Merchant struct {
	c       Config
	orders  h5.H5ApiService
	refunds refunddomestic.RefundsApiService
	notices *notify.Handler
	answers *validators.WechatPayResponseValidator // of errors, which the SDK does not verify
}

// requestFor bounds one request to the gateway.
const requestFor = 8 * time.Second

// New makes a merchant; it does no I/O.
func New(c Config, k Keys) (*Merchant, error) {
	if faults := c.Faults(); len(faults) > 0 || !c.Set() {
		return nil, fmt.Errorf("wechat: %s", strings.Join(faults, "; "))
	}
	if k.Merchant == nil || k.Platform == nil || len(k.APIv3) != 32 {
		return nil, errors.New("wechat: keys are incomplete")
	}
	u, err := base(c.BaseURL)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	var through http.RoundTripper = transport
	if u != nil {
		through = redirect{to: u, by: transport}
	}
	client, err := core.NewClient(context.Background(), // it only signs: nothing is asked for here
		option.WithWechatPayPublicKeyAuthCipher(c.MchID, c.Serial, k.Merchant, c.PublicKeyID, k.Platform),
		option.WithHTTPClient(&http.Client{Transport: through, Timeout: requestFor}))
	if err != nil {
		return nil, fmt.Errorf("wechat: make the client: %w", err)
	}
	verifier := verifiers.NewSHA256WithRSAPubkeyVerifier(c.PublicKeyID, *k.Platform)
	notices, err := notify.NewRSANotifyHandler(k.APIv3, verifier)
	if err != nil {
		return nil, fmt.Errorf("wechat: make the verifier: %w", err)
	}
	return &Merchant{
		c: c, orders: h5.H5ApiService{Client: client}, refunds: refunddomestic.RefundsApiService{Client: client}, notices: notices,
		answers: validators.NewWechatPayResponseValidator(verifier),
	}, nil
}

// redirect sends requests to another host than the SDK's constant.
type redirect struct {
	to *url.URL
	by http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.to.Scheme, t.to.Host, t.to.Host
	return t.by.RoundTrip(r)
}
