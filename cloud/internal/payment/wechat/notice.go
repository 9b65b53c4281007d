package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"

	"lotkeeper/cloud/internal/payment"
)

// gcmNonce is the length that AES-GCM takes. The SDK panics on any other, and on a missing resource.
const gcmNonce = 12

// errVerify stands for all that the SDK finds wrong: its own words hold the whole request, with what a payer is called.
var errVerify = errors.New("signature, age or encryption does not verify")

// Notice implements payment.Provider. Nothing of the body is believed before its signature was checked.
func (m *Merchant) Notice(ctx context.Context, h http.Header, body []byte) (payment.Notice, error) {
	var envelope notify.Request // the SDK's own type, so that both read the same in odd JSON
	if err := json.Unmarshal(body, &envelope); err != nil {
		return payment.Notice{}, errors.New("the body is not a notification")
	}
	if envelope.Resource == nil || len(envelope.Resource.Nonce) != gcmNonce {
		return payment.Notice{}, errors.New("the resource or its nonce is missing")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://notify.invalid/", bytes.NewReader(body))
	if err != nil {
		return payment.Notice{}, fmt.Errorf("read notification: %w", err)
	}
	r.Header = h
	t := new(payments.Transaction)
	n, err := m.notices.ParseNotifyRequest(ctx, r, t)
	if err != nil {
		return payment.Notice{}, errVerify
	}
	if n.EventType != "TRANSACTION.SUCCESS" || n.Resource.OriginalType != "transaction" {
		return payment.Notice{}, fmt.Errorf("event %.60q is not a payment", n.EventType)
	}
	c, err := m.charge(t)
	if err != nil {
		return payment.Notice{}, err
	}
	if c.State != payment.Success {
		return payment.Notice{}, fmt.Errorf("the payment is %s", c.State)
	}
	return payment.Notice{ID: n.ID, Charge: c}, nil
}
