package web

import (
	"context"
	"strings"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
)

// Caller is what is known of a request apart from who signed in.
type Caller struct {
	RequestID string // also in the X-Request-Id reply header and in every problem
	Address   string // the caller's IP, through trusted proxies only
	Agent     string // User-Agent, cut to 200 bytes
	Chinese   bool   // the first language of Accept-Language is Chinese
}

// request is filled in by one middleware after the other.
type request struct {
	caller    Caller
	principal scope.Principal
	booth     pki.Identity
	key       idempotency.Key
	fault     *fault.Error // what went wrong, for the access log
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// Who is the principal of the request; the zero Principal when nobody signed in.
func Who(ctx context.Context) scope.Principal { return requestOf(ctx).principal }

// Booth is the booth whose certificate the request showed; the zero Identity for anybody else. That a booth is still
// enrolled is the caller's to check.
func Booth(ctx context.Context) pki.Identity { return requestOf(ctx).booth }

// From tells where the request came from.
func From(ctx context.Context) Caller { return requestOf(ctx).caller }

// IdempotencyKey is the key of a request to an Idempotent operation, with the hash of what was asked.
func IdempotencyKey(ctx context.Context) idempotency.Key { return requestOf(ctx).key }

func prefersChinese(acceptLanguage string) bool {
	first, _, _ := strings.Cut(acceptLanguage, ",")
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(first)), "zh")
}
