package fakepay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxBody = 64 << 10

// Handler serves the gateway's API, the cashier and the control of the double.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/pay/transactions/h5", g.merchant(g.prepay))
	mux.HandleFunc("GET /v3/pay/transactions/out-trade-no/{no}", g.merchant(g.query))
	mux.HandleFunc("POST /v3/pay/transactions/out-trade-no/{no}/close", g.merchant(g.close))
	mux.HandleFunc("POST /v3/refund/domestic/refunds", g.merchant(g.refund))
	mux.HandleFunc("GET /v3/refund/domestic/refunds/{no}", g.merchant(g.queryRefund))
	mux.HandleFunc("GET /cashier/{prepay}", g.cashier)
	mux.HandleFunc("POST /cashier/{prepay}", g.cashierPay)
	mux.HandleFunc("POST /sim/pay", g.simPay)
	mux.HandleFunc("POST /sim/faults", g.simFaults)
	mux.HandleFunc("GET /sim/orders", g.simOrders)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// problem is an error as the gateway words it.
type problem struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

var (
	badSign    = &problem{http.StatusUnauthorized, "SIGN_ERROR", "签名错误"}
	badParam   = &problem{http.StatusBadRequest, "PARAM_ERROR", "参数错误"}
	notThere   = &problem{http.StatusNotFound, "ORDER_NOT_EXIST", "订单不存在"}
	orderPaid  = &problem{http.StatusBadRequest, "ORDERPAID", "订单已支付"}
	orderUsed  = &problem{http.StatusForbidden, "OUT_TRADE_NO_USED", "商户订单号重复"}
	noRefund   = &problem{http.StatusNotFound, "RESOURCE_NOT_EXISTS", "退款单不存在"}
	notEnough  = &problem{http.StatusForbidden, "NOT_ENOUGH", "退款金额大于支付金额"}
	systemDown = &problem{http.StatusInternalServerError, "SYSTEM_ERROR", "系统异常"}
)

// merchant lets only requests pass that the merchant signed, and signs what is answered.
func (g *Gateway) merchant(serve func(r *http.Request, body []byte) (any, *problem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			g.reply(w, nil, badParam)
			return
		}
		g.mu.Lock()
		f := g.faults
		g.asked++
		fail := f.ErrorRate > 0 && g.asked*f.ErrorRate%100 < f.ErrorRate
		g.mu.Unlock()
		if f.SlowMS > 0 {
			wait(r, time.Duration(f.SlowMS)*time.Millisecond)
		}
		switch {
		case fail:
			g.reply(w, nil, systemDown)
		case !g.signed(r, body):
			g.reply(w, nil, badSign)
		default:
			v, p := serve(r, body)
			g.reply(w, v, p)
		}
	}
}

func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// signed checks the Authorization header: the merchant's signature over method, URL, time, nonce and body.
func (g *Gateway) signed(r *http.Request, body []byte) bool {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "WECHATPAY2-SHA256-RSA2048 ")
	if !ok {
		return false
	}
	a := map[string]string{}
	for _, kv := range strings.Split(fields, ",") {
		k, v, _ := strings.Cut(kv, "=")
		a[k] = strings.Trim(v, `"`)
	}
	sig, err := base64.StdEncoding.DecodeString(a["signature"])
	stamp, serr := strconv.ParseInt(a["timestamp"], 10, 64)
	if err != nil || serr != nil || a["mchid"] != g.keys.MchID ||
		g.options.Now().Sub(time.Unix(stamp, 0)).Abs() > 5*time.Minute {
		return false
	}
	sum := sha256.Sum256([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n" + a["timestamp"] + "\n" + a["nonce_str"] + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(g.keys.MerchantPub, crypto.SHA256, sum[:], sig) == nil
}

func (g *Gateway) reply(w http.ResponseWriter, v any, p *problem) {
	status := http.StatusOK
	if p != nil {
		status, v = p.status, p
	}
	var body []byte
	if v == nil {
		status = http.StatusNoContent
	} else {
		var err error
		if body, err = json.Marshal(v); err != nil {
			status, body = http.StatusInternalServerError, nil
		}
	}
	g.mu.Lock()
	key := g.keys.Platform
	if g.faults.ForgeReplies {
		key = g.forger
	}
	g.mu.Unlock()
	g.sign(w.Header(), body, key, g.options.Now())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Request-ID", random(20))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the merchant is gone: nothing to do
}

type amount struct {
	Total    int64  `json:"total"`
	Refund   int64  `json:"refund"`
	Currency string `json:"currency"`
}

func (g *Gateway) prepay(_ *http.Request, body []byte) (any, *problem) {
	var in struct {
		AppID       string    `json:"appid"`
		MchID       string    `json:"mchid"`
		Description string    `json:"description"`
		OutTradeNo  string    `json:"out_trade_no"`
		NotifyURL   string    `json:"notify_url"`
		TimeExpire  time.Time `json:"time_expire"`
		Amount      amount    `json:"amount"`
		Scene       struct {
			IP string `json:"payer_client_ip"`
			H5 struct {
				Type string `json:"type"`
			} `json:"h5_info"`
		} `json:"scene_info"`
	}
	if json.Unmarshal(body, &in) != nil || in.AppID != g.keys.AppID || in.MchID != g.keys.MchID || in.Description == "" ||
		len(in.OutTradeNo) < 6 || len(in.OutTradeNo) > 32 || in.Amount.Total <= 0 || in.Scene.IP == "" || in.Scene.H5.Type == "" ||
		strings.Contains(in.NotifyURL, "?") || !strings.HasPrefix(in.NotifyURL, "http") {
		return nil, badParam
	}
	if in.Amount.Currency == "" {
		in.Amount.Currency = "CNY"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	o, ok := g.orders[in.OutTradeNo]
	switch {
	case ok && o.State == "SUCCESS":
		return nil, orderPaid
	case ok && (o.State != "NOTPAY" || o.Total != in.Amount.Total):
		return nil, orderUsed
	case !ok:
		o = &Order{
			OutTradeNo: in.OutTradeNo, PrepayID: "wx" + random(30), Description: in.Description, Total: in.Amount.Total,
			Currency: in.Amount.Currency, NotifyURL: in.NotifyURL, State: "NOTPAY", Created: g.options.Now(), Expires: in.TimeExpire,
		}
		g.orders[in.OutTradeNo] = o
	}
	return map[string]string{"h5_url": g.options.Base + "/cashier/" + o.PrepayID}, nil
}

func (g *Gateway) query(r *http.Request, _ []byte) (any, *problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o, ok := g.orders[r.PathValue("no")]
	if !ok || r.URL.Query().Get("mchid") != g.keys.MchID {
		return nil, notThere
	}
	t := g.transaction(o)
	if g.faults.State != "" {
		t["trade_state"] = g.faults.State
	}
	return t, nil
}

// transaction is an order as the gateway tells it, in answers and notifications. The caller holds the lock.
func (g *Gateway) transaction(o *Order) map[string]any {
	t := map[string]any{
		"appid": g.keys.AppID, "mchid": g.keys.MchID, "out_trade_no": o.OutTradeNo, "trade_state": o.State,
		"trade_state_desc": map[string]string{"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "转入退款"}[o.State],
		"amount":           map[string]any{"total": o.Total, "payer_total": o.Total, "currency": o.Currency, "payer_currency": o.Currency},
	}
	if !o.Paid.IsZero() {
		t["transaction_id"], t["trade_type"], t["bank_type"] = o.TransactionID, "MWEB", "OTHERS"
		t["success_time"] = o.Paid.Format(time.RFC3339)
		t["payer"] = map[string]string{"openid": "o" + o.TransactionID[:27]}
	}
	return t
}

func (g *Gateway) close(r *http.Request, _ []byte) (any, *problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o, ok := g.orders[r.PathValue("no")]
	switch {
	case !ok:
		return nil, notThere
	case o.State == "SUCCESS" || o.State == "REFUND":
		return nil, orderPaid
	}
	o.State = "CLOSED"
	return nil, nil
}

func (g *Gateway) refund(_ *http.Request, body []byte) (any, *problem) {
	var in struct {
		TransactionID string `json:"transaction_id"`
		OutTradeNo    string `json:"out_trade_no"`
		OutRefundNo   string `json:"out_refund_no"`
		Amount        amount `json:"amount"`
	}
	if json.Unmarshal(body, &in) != nil || in.OutRefundNo == "" || in.Amount.Refund <= 0 {
		return nil, badParam
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if again, ok := g.refunds[in.OutRefundNo]; ok {
		if again.OutTradeNo != in.OutTradeNo || again.Amount != in.Amount.Refund {
			return nil, badParam
		}
		return g.refundAnswer(again), nil
	}
	o, ok := g.orders[in.OutTradeNo]
	switch {
	case !ok || o.Paid.IsZero():
		return nil, notThere
	case in.Amount.Total != o.Total:
		return nil, badParam
	case o.Refunded+in.Amount.Refund > o.Total:
		return nil, notEnough
	}
	o.Refunded += in.Amount.Refund
	o.State = "REFUND"
	re := &Refund{
		OutRefundNo: in.OutRefundNo, OutTradeNo: in.OutTradeNo, RefundID: "50300" + random(23),
		Amount: in.Amount.Refund, State: "PROCESSING", Created: g.options.Now(),
	}
	g.refunds[in.OutRefundNo] = re
	return g.refundAnswer(re), nil
}

func (g *Gateway) queryRefund(r *http.Request, _ []byte) (any, *problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	re, ok := g.refunds[r.PathValue("no")]
	if !ok {
		return nil, noRefund
	}
	re.State = "SUCCESS" // whoever asks again finds it done
	if g.faults.RefundFails {
		re.State = "ABNORMAL"
	}
	return g.refundAnswer(re), nil
}

func (g *Gateway) refundAnswer(re *Refund) map[string]any {
	o := g.orders[re.OutTradeNo]
	a := map[string]any{
		"refund_id": re.RefundID, "out_refund_no": re.OutRefundNo, "out_trade_no": re.OutTradeNo, "transaction_id": o.TransactionID,
		"channel": "ORIGINAL", "user_received_account": "支付用户零钱", "status": re.State, "create_time": re.Created.Format(time.RFC3339),
		"amount": map[string]any{
			"total": o.Total, "refund": re.Amount, "payer_total": o.Total, "payer_refund": re.Amount,
			"settlement_refund": re.Amount, "settlement_total": o.Total, "discount_refund": 0, "currency": o.Currency,
		},
	}
	if re.State == "SUCCESS" {
		a["success_time"] = g.options.Now().Format(time.RFC3339)
	}
	return a
}
