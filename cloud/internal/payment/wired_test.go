package payment_test

import (
	"strings"
	"testing"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/fakepay/fakepaytest"
	"lotkeeper/cloud/internal/app"
	"lotkeeper/cloud/internal/payment"
)

func TestTheCloudIsWiredByItsConfiguration(t *testing.T) {
	d := fakepaytest.Start(t)
	s := cloudtest.Start(t, func(c *app.Config) {
		c.HTTP.PublicURL = "http://127.0.0.1:9"
		c.Pay.WeChat = d.Config
	})
	if r := s.Client(t).Send(t, "POST", payment.NotifyPath, []byte(`{}`)); r.Status != 401 || r.Code() != "payment.notice_rejected" {
		t.Errorf("a forged notification: %d %s", r.Status, r.Body)
	}
	if r := s.Client(t).Send(t, "POST", "/api/v1/owner/quotes", []byte(`{"lot":"nowhere","plate":"粤B12345"}`)); r.Status != 404 || r.Code() != "not_inside" {
		t.Errorf("a quote in a lot that is not there: %d %s", r.Status, r.Body)
	}
	none := cloudtest.Start(t)
	if r := none.Client(t).Send(t, "POST", payment.NotifyPath, []byte(`{}`)); r.Status != 503 || r.Code() != "payment.not_set_up" {
		t.Errorf("without a merchant: %d %s", r.Status, r.Body)
	}
}

func TestTheConfigurationsFaultsAreToldAtOnce(t *testing.T) {
	c := app.Defaults()
	if err := c.Load([]byte("pay:\n  wechat:\n    mchid: '19'\n    base_url: nonsense\n")); err != nil {
		t.Fatal(err)
	}
	err := c.Validate()
	for _, key := range []string{
		"pay.wechat.app_id", "pay.wechat.serial", "pay.wechat.private_key_file", "pay.wechat.api_v3_key_file", "pay.wechat.public_key_id",
		"pay.wechat.public_key_file", "pay.wechat.base_url", "http.public_url",
	} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not tell of %s", err, key)
		}
	}
	if err := c.Load([]byte("pay:\n  wechat:\n    secret: x\n")); err == nil || !strings.Contains(err.Error(), "pay.wechat.secret") {
		t.Errorf("an unknown key: %v", err)
	}
}
