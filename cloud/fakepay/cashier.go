package fakepay

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
)

var page = template.Must(template.New("cashier").Parse(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>收银台 · Cashier</title>
<style>
 body{margin:0;font:16px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;background:#ededed;color:#191919;display:flex;min-height:100vh;flex-direction:column;align-items:center}
 .strip{width:100%;background:#07c160;color:#fff;text-align:center;padding:10px 0;font-size:14px}
 main{background:#fff;border-radius:12px;margin:24px 16px;padding:32px 24px;width:min(92vw,380px);box-sizing:border-box;text-align:center}
 .sum{font-size:44px;font-weight:600;margin:8px 0 4px} .sub{color:#888;font-size:14px;word-break:break-all}
 button{width:100%;border:0;border-radius:8px;background:#07c160;color:#fff;font-size:18px;padding:13px;margin-top:28px;cursor:pointer}
 button:disabled{background:#bbb} a{display:inline-block;margin-top:20px;color:#576b95;text-decoration:none}
 .ok{font-size:20px;color:#07c160;margin-top:24px}
</style></head><body>
<div class="strip">模拟收银台，不涉及真实资金 · Test cashier, no real money</div>
<main><div class="sub">{{.Description}}</div><div class="sum">¥{{.Sum}}</div><div class="sub">{{.OutTradeNo}}</div>
{{if eq .State "NOTPAY"}}<form method="post"><input type="hidden" name="redirect_url" value="{{.Redirect}}"><button id="pay">确认支付 · Pay</button></form>
{{else if eq .State "SUCCESS"}}<div class="ok" id="paid">支付成功 · Paid</div>
{{else}}<div class="sub">订单已关闭 · This order is closed</div>{{end}}
{{if .Redirect}}<a id="back" href="{{.Redirect}}">返回商家 · Back to the merchant</a>{{end}}
</main></body></html>`))

type view struct {
	Order
	Sum, Redirect string
}

func (g *Gateway) byPrepay(id string) (Order, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range g.orders {
		if o.PrepayID == id {
			return *o, true
		}
	}
	return Order{}, false
}

// back lets only web addresses pass as the place to return to.
func back(url string) string {
	if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
		return url
	}
	return ""
}

func (g *Gateway) cashier(w http.ResponseWriter, r *http.Request) {
	g.show(w, r.PathValue("prepay"), back(r.URL.Query().Get("redirect_url")))
}

func (g *Gateway) show(w http.ResponseWriter, prepay, redirect string) {
	o, ok := g.byPrepay(prepay)
	if !ok {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, view{o, yuan(o.Total), redirect}); err != nil {
		g.options.Log.Info("cashier page not sent", "err", err)
	}
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func (g *Gateway) cashierPay(w http.ResponseWriter, r *http.Request) {
	o, ok := g.byPrepay(r.PathValue("prepay"))
	if !ok {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	redirect := back(r.PostFormValue("redirect_url"))
	if err := g.Pay(o.OutTradeNo); err != nil && !errors.Is(err, ErrNotPayable) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if redirect != "" {
		http.Redirect(w, r, redirect, http.StatusSeeOther)
		return
	}
	g.show(w, o.PrepayID, "")
}

func (g *Gateway) simPay(w http.ResponseWriter, r *http.Request) {
	var in struct {
		OutTradeNo string `json:"out_trade_no"`
	}
	if !take(w, r, &in) {
		return
	}
	if err := g.Pay(in.OutTradeNo); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) simFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if !take(w, r, &f) {
		return
	}
	g.Misbehave(f)
	w.WriteHeader(http.StatusNoContent)
}

func take(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (g *Gateway) simOrders(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(g.Orders()); err != nil {
		g.options.Log.Info("orders not sent", "err", err)
	}
}
