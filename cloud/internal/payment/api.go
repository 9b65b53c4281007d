package payment

import (
	"io"
	"net/http"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/web"
)

// NotifyPath is where WeChat Pay notifies us.
const NotifyPath = "/api/v1/pay/wechat/notify"

// maxNotice is far above any real notification.
const maxNotice = 64 << 10

// Register adds the provider's webhook.
func (s *Service) Register(api *web.API) {
	api.Raw(web.Route{
		Access: web.Access{Public: "the payment provider calls it; what it says is verified by its signature"},
		Method: http.MethodPost, Path: NotifyPath, Summary: "Payment notifications of WeChat Pay 微信支付通知", MaxBody: maxNotice,
	}, http.HandlerFunc(s.notify))
}

func (s *Service) notify(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		web.WriteProblem(w, r, fault.New(fault.Invalid, "request.too_large", "请求内容过大", "the request body is too large").Wrap(err))
		return
	}
	if err := s.Notified(r.Context(), web.From(r.Context()).Address, r.Header, body); err != nil {
		web.WriteProblem(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
