package wechat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/h5"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"

	"lotkeeper/cloud/internal/payment"
	"lotkeeper/shared/money"
)

// Name implements payment.Provider.
func (m *Merchant) Name() string { return "wechat" }

// Payee implements payment.Provider.
func (m *Merchant) Payee() string { return m.c.MchID }

// Takes implements payment.Provider: yuan only.
func (m *Merchant) Takes(c money.Currency) bool { return c == money.CNY }

// Prepay implements payment.Provider with an H5 order.
func (m *Merchant) Prepay(ctx context.Context, p payment.Prepay) (string, error) {
	resp, _, err := m.orders.Prepay(ctx, h5.PrepayRequest{
		Appid: &m.c.AppID, Mchid: &m.c.MchID, Description: &p.Description, OutTradeNo: &p.No, TimeExpire: core.Time(p.Expires.Truncate(time.Second)),
		NotifyUrl: &p.Notify, Amount: &h5.Amount{Total: core.Int64(int64(p.Amount)), Currency: core.String(string(p.Currency))},
		SceneInfo: &h5.SceneInfo{PayerClientIp: &p.ClientIP, H5Info: &h5.H5Info{Type: core.String("Wap")}},
	})
	if err != nil {
		return "", fmt.Errorf("wechat: order %s: %w", p.No, m.plain(ctx, err))
	}
	if resp.H5Url == nil || *resp.H5Url == "" {
		return "", fmt.Errorf("wechat: order %s: the answer has no h5_url", p.No)
	}
	return *resp.H5Url, nil
}

// Query implements payment.Provider.
func (m *Merchant) Query(ctx context.Context, no string) (payment.Charge, error) {
	t, _, err := m.orders.QueryOrderByOutTradeNo(ctx, h5.QueryOrderByOutTradeNoRequest{OutTradeNo: &no, Mchid: &m.c.MchID})
	if err != nil {
		return payment.Charge{}, fmt.Errorf("wechat: query %s: %w", no, m.plain(ctx, err))
	}
	c, err := m.charge(t)
	if err != nil {
		return payment.Charge{}, fmt.Errorf("wechat: query %s: %w", no, err)
	}
	return c, nil
}

// Close implements payment.Provider.
func (m *Merchant) Close(ctx context.Context, no string) error {
	if _, err := m.orders.CloseOrder(ctx, h5.CloseOrderRequest{OutTradeNo: &no, Mchid: &m.c.MchID}); err != nil {
		return fmt.Errorf("wechat: close %s: %w", no, m.plain(ctx, err))
	}
	return nil
}

// charge reads a transaction. An unknown state or a missing amount is an error: nothing is guessed about money.
func (m *Merchant) charge(t *payments.Transaction) (payment.Charge, error) {
	c := payment.Charge{
		No: value(t.OutTradeNo), Merchant: value(t.Mchid), App: value(t.Appid), Transaction: value(t.TransactionId),
	}
	switch state := value(t.TradeState); state {
	case "SUCCESS":
		c.State = payment.Success
	case "NOTPAY", "USERPAYING", "ACCEPT":
		c.State = payment.Unpaid
	case "CLOSED", "REVOKED", "PAYERROR":
		c.State = payment.Ended
	case "REFUND":
		c.State = payment.Returned
	default:
		return c, fmt.Errorf("trade_state %.40q is not known", state)
	}
	if t.Amount != nil {
		c.Amount, c.Currency = money.Amount(value(t.Amount.Total)), money.Currency(value(t.Amount.Currency))
	}
	if c.Merchant != m.c.MchID || c.App != m.c.AppID {
		c.Fits = fmt.Errorf("merchant %.40q and app %.40q are not ours", c.Merchant, c.App)
	}
	if c.State != payment.Success {
		return c, nil
	}
	if c.Amount <= 0 || c.Currency == "" || c.Transaction == "" || len(c.Transaction) > 64 {
		return c, fmt.Errorf("paid with amount %d, currency %.8q, transaction %.70q", c.Amount, c.Currency, c.Transaction)
	}
	at, err := time.Parse(time.RFC3339, value(t.SuccessTime))
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		return c, fmt.Errorf("success_time %.40q is not a time", value(t.SuccessTime))
	}
	c.PaidAt = at.UTC()
	return c, nil
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// plain turns the SDK's error into ours. The SDK prints every header of the answer; code and message are enough. And it
// verifies only answers of success: what we would act on is verified here, or a forged "no such order" would let us
// close an order that somebody pays.
func (m *Merchant) plain(ctx context.Context, err error) error {
	var api *core.APIError
	if !errors.As(err, &api) {
		return err
	}
	said := fmt.Errorf("%d %s: %.200s", api.StatusCode, api.Code, api.Message)
	means := map[string]error{
		"ORDER_NOT_EXIST": payment.ErrUnknown, "ORDERNOTEXIST": payment.ErrUnknown, "RESOURCE_NOT_EXISTS": payment.ErrUnknown,
		"ORDERPAID": payment.ErrPaid,
	}[api.Code]
	if means == nil {
		return said
	}
	answer := &http.Response{StatusCode: api.StatusCode, Header: api.Header, Body: io.NopCloser(strings.NewReader(api.Body))}
	if m.answers.Validate(ctx, answer) != nil {
		return fmt.Errorf("the answer's signature does not verify: %w", said)
	}
	return errors.Join(means, said)
}

// Refund implements payment.Provider.
func (m *Merchant) Refund(ctx context.Context, r payment.Refund) (payment.RefundAnswer, error) {
	resp, _, err := m.refunds.Create(ctx, refunddomestic.CreateRequest{
		OutTradeNo: &r.Order, OutRefundNo: &r.No, Reason: core.String("停车费多付退款"),
		Amount: &refunddomestic.AmountReq{Refund: core.Int64(int64(r.Amount)), Total: core.Int64(int64(r.Total)), Currency: core.String(string(r.Currency))},
	})
	if err != nil {
		return payment.RefundAnswer{}, fmt.Errorf("wechat: refund %s: %w", r.No, m.plain(ctx, err))
	}
	return refundOf(resp)
}

// QueryRefund implements payment.Provider.
func (m *Merchant) QueryRefund(ctx context.Context, no string) (payment.RefundAnswer, error) {
	resp, _, err := m.refunds.QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: &no})
	if err != nil {
		return payment.RefundAnswer{}, fmt.Errorf("wechat: query refund %s: %w", no, m.plain(ctx, err))
	}
	return refundOf(resp)
}

func refundOf(r *refunddomestic.Refund) (payment.RefundAnswer, error) {
	a := payment.RefundAnswer{Reference: value(r.RefundId)}
	if r.Amount != nil {
		a.Amount = money.Amount(value(r.Amount.Refund))
	}
	switch state := value(r.Status); state {
	case refunddomestic.STATUS_SUCCESS:
		a.State = payment.Done
	case refunddomestic.STATUS_PROCESSING:
		a.State = payment.Processing
	case refunddomestic.STATUS_CLOSED, refunddomestic.STATUS_ABNORMAL:
		a.State = payment.Failed
	default:
		return a, fmt.Errorf("wechat: refund status %.40q is not known", state)
	}
	return a, nil
}
