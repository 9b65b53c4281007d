package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"lotkeeper/cloud/internal/platform/fault"
)

var (
	errNoRoute = fault.New(fault.NotFound, "request.no_such_route", "没有这个地址", "there is nothing at this address")
	errMethod  = fault.New(fault.Invalid, "request.method", "该地址不支持此方法", "this address does not take this method")
	errOrigin  = fault.New(fault.Denied, "request.foreign_origin", "拒绝来自其他网站的请求", "requests from another site are refused")
	errSignIn  = fault.New(fault.Unauthenticated, "sign_in.required", "请先登录", "sign in first")
	errDenied  = fault.New(fault.Denied, "permission.denied", "没有权限", "you may not do this")
	errNoBooth = fault.New(fault.Unauthenticated, "booth.certificate_required", "需要岗亭证书", "only booths may call this, with their certificate, on the device listener")
	errPanic   = fault.New(fault.Internal, "internal", "服务器内部错误", "internal error")
)

// Problem is the body of every error, RFC 9457 with our code.
type Problem struct {
	Type      string          `json:"type" doc:"Always about:blank; act on code."`
	Title     string          `json:"title" doc:"The status in words."`
	Status    int             `json:"status"`
	Code      string          `json:"code" doc:"Stable name of the error, area.reason." example:"payment.amount_mismatch"`
	Kind      string          `json:"kind" enum:"invalid,not_found,conflict,denied,unauthenticated,exhausted,unavailable,internal" doc:"What may be done about it."`
	Detail    string          `json:"detail" doc:"For people, in the language of Accept-Language."`
	ZH        string          `json:"zh" doc:"For people, in Chinese."`
	EN        string          `json:"en" doc:"For people, in English."`
	RequestID string          `json:"request_id" doc:"Tell this to support."`
	Errors    []ProblemDetail `json:"errors,omitempty" doc:"Every wrong part of the request."`

	retryAfter time.Duration
}

// ProblemDetail is one wrong part of a request.
type ProblemDetail struct {
	Where string `json:"where" doc:"Path of the field." example:"body.plate"`
	ZH    string `json:"zh"`
	EN    string `json:"en"`
}

// Error makes Problem an error for huma.
func (p *Problem) Error() string { return p.Code + ": " + p.EN }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders adds Retry-After.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	return h
}

// StatusOf maps kinds to HTTP, here and nowhere else.
func StatusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Exhausted:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problemFor turns any error into a problem and leaves it for the access log.
func problemFor(ctx context.Context, err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	f := fault.From(err)
	if f.Code == "internal" && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		f = fault.New(fault.Unavailable, "request.gave_up", "请求已取消或超时", "the request was cancelled or took too long").Wrap(err)
	}
	r := requestOf(ctx)
	r.fault = f
	status := StatusOf(f.Kind)
	if f.Code == errMethod.Code {
		status = http.StatusMethodNotAllowed
	}
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: f.Code, Kind: string(f.Kind),
		Detail: f.EN, ZH: f.ZH, EN: f.EN, RequestID: r.caller.RequestID, retryAfter: f.RetryAfter,
	}
	if r.caller.Chinese {
		p.Detail = f.ZH
	}
	for _, d := range f.Details {
		p.Errors = append(p.Errors, ProblemDetail{Where: d.Where, ZH: d.ZH, EN: d.EN})
	}
	return p
}

// writeProblem answers outside huma.
func writeProblem(c *gin.Context, err error) {
	p := problemFor(c.Request.Context(), err)
	for k, v := range p.GetHeaders() {
		c.Writer.Header()[k] = v
	}
	c.Header("Content-Type", "application/problem+json")
	c.Status(p.Status)
	body, err := json.Marshal(p)
	if err != nil { // a struct of strings and numbers
		panic(fmt.Sprintf("web: encode problem: %v", err))
	}
	_, _ = c.Writer.Write(body) // the client is gone: nothing to do about it
	c.Abort()
}

// WriteProblem answers a raw route with an error.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemFor(r.Context(), err)
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone: nothing to do about it
}

// toProblem rewrites the errors that huma makes itself (validation, body too large, wrong media type).
func toProblem(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	kind, code := fault.Invalid, "request.invalid"
	zh := "请求有误"
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		code, zh = "request.too_large", "请求内容过大"
	case m.Status == http.StatusUnsupportedMediaType:
		code, zh = "request.media_type", "不支持的内容类型"
	case m.Status == http.StatusRequestTimeout:
		code, zh = "request.timeout", "读取请求超时"
	case m.Status >= 500:
		kind, code, zh = fault.Internal, "internal", "服务器内部错误"
	}
	f := fault.New(kind, code, zh, orElse(m.Detail, "the request is invalid"))
	for _, d := range m.Errors {
		if d != nil {
			f = f.With(d.Location, "字段有误："+d.Message, d.Message)
		}
	}
	p := problemFor(ctx.Context(), f)
	p.Status, p.Title = m.Status, http.StatusText(m.Status)
	return p, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// problemResponses documents errors once for all: every operation may fail with a Problem.
func (a *API) problemResponses() map[string]*huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return map[string]*huma.Response{
		"default": {
			Description: "Error",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		},
	}
}
