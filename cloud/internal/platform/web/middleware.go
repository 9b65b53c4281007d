package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
)

// begin gives the request its id and its place in the context, and logs it when it is done.
func (a *API) begin(c *gin.Context) {
	started := time.Now()
	agent := c.Request.UserAgent()
	r := &request{caller: Caller{
		RequestID: newRequestID(),
		Address:   c.ClientIP(),
		Agent:     agent[:min(len(agent), 200)],
		Chinese:   prefersChinese(c.GetHeader("Accept-Language")),
	}}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), requestKey{}, r))
	c.Header("X-Request-Id", r.caller.RequestID)
	c.Next()

	took := time.Since(started)
	route := c.FullPath() // the pattern: paths may hold plates
	if route == "" {
		route = "(none)"
	}
	status := c.Writer.Status()
	if a.seconds != nil {
		a.seconds.WithLabelValues(c.Request.Method, route, strconv.Itoa(status)).Observe(took.Seconds())
	}
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method), slog.String("route", route), slog.Int("status", status),
		slog.Duration("took", took), slog.Int("bytes", c.Writer.Size()),
		slog.String("request", r.caller.RequestID), slog.String("from", r.caller.Address),
	}
	if r.principal.SignedIn() {
		attrs = append(attrs, slog.String("user", string(r.principal.User())))
	}
	if r.fault != nil {
		attrs = append(attrs, slog.String("code", r.fault.Code))
		if status >= 500 {
			level = slog.LevelError
			attrs = append(attrs, slog.String("err", r.fault.Error()))
		}
	}
	a.cfg.Logger.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

func newRequestID() string {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("web: no randomness: %v", err)) // cannot happen since Go 1.24
	}
	return hex.EncodeToString(b[:])
}

// recover answers 500 for a panic in a handler; the stack goes to the log.
func (a *API) recover(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v) // the handler asks net/http to cut the connection
		}
		a.cfg.Logger.ErrorContext(c.Request.Context(), "panic in a handler", "route", c.FullPath(),
			"request", requestOf(c.Request.Context()).caller.RequestID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			c.Abort()
			return
		}
		writeProblem(c, errPanic.Wrap(fmt.Errorf("panic: %v", v)))
	}()
	c.Next()
}

const contentPolicy = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; " +
	"worker-src 'self' blob:; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"

func (a *API) headers(c *gin.Context) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
	c.Header("Referrer-Policy", "same-origin")
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Content-Security-Policy", contentPolicy)
	if a.Secure() {
		c.Header("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(c.Request.URL.Path, "/api/") {
		c.Header("Cache-Control", "no-store")
	}
	c.Next()
}

// originCheck refuses unsafe methods that a browser sends for another site. Callers that are not browsers
// (providers' webhooks, booths) send neither Origin nor Sec-Fetch-Site and pass.
func originCheck(publicURL string) (*http.CrossOriginProtection, error) {
	guard := http.NewCrossOriginProtection()
	if publicURL != "" {
		u, err := url.Parse(publicURL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return nil, fmt.Errorf("web: public URL %q must be http(s)://host", publicURL)
		}
		if err := guard.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("web: public URL %q: %w", publicURL, err)
		}
	}
	return guard, nil
}

func (a *API) checkOrigin(c *gin.Context) {
	if err := a.origin.Check(c.Request); err != nil {
		writeProblem(c, errOrigin.Wrap(err))
		return
	}
	c.Next()
}

// SameOrigin is the same check for websockets, which open with a GET that a foreign page may send.
func (a *API) SameOrigin(r *http.Request) bool {
	asUnsafe := r.Clone(r.Context())
	asUnsafe.Method = http.MethodPost
	return a.origin.Check(asUnsafe) == nil
}

// limit bounds the body before anything reads it.
func (a *API) limit(c *gin.Context) {
	bytes, known := a.limits[c.Request.Method+" "+c.FullPath()]
	if !known {
		bytes = a.cfg.MaxBody
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bytes)
	c.Next()
}

var errNUL = fault.New(fault.Invalid, "request.nul", "地址含有无效字符", "the address holds a NUL character")

// refuseNUL spares every query the one character that no text column holds.
func refuseNUL(c *gin.Context) {
	if strings.Contains(c.Request.URL.Path, "\x00") || strings.Contains(c.Request.URL.RawQuery, "%00") {
		writeProblem(c, errNUL)
		return
	}
	c.Next()
}

// authenticate turns the cookie into a principal. A dead cookie makes the caller anonymous: public pages work.
func (a *API) authenticate(c *gin.Context) {
	if tls := c.Request.TLS; tls != nil && len(tls.VerifiedChains) > 0 {
		if who, err := pki.Identify(tls.PeerCertificates[0]); err == nil && !who.Cloud {
			requestOf(c.Request.Context()).booth = who
		}
	}
	cookie, err := c.Request.Cookie(a.CookieName())
	if err != nil || cookie.Value == "" || a.cfg.Auth == nil {
		c.Next()
		return
	}
	p, err := a.cfg.Auth.Authenticate(c.Request.Context(), cookie.Value)
	switch {
	case err == nil:
		requestOf(c.Request.Context()).principal = p
	case fault.KindOf(err) == fault.Unauthenticated:
	default:
		writeProblem(c, fault.New(fault.Unavailable, "sign_in.unavailable", "暂时无法验证登录", "sign-in cannot be checked now").Wrap(err))
		return
	}
	c.Next()
}

func (a *API) notFound(c *gin.Context) {
	if a.fallback == nil || strings.HasPrefix(c.Request.URL.Path, "/api/") {
		writeProblem(c, errNoRoute)
		return
	}
	c.Status(http.StatusOK) // Gin presets 404 for unmatched paths
	a.fallback.ServeHTTP(c.Writer, c.Request)
}

func allowed(ctx context.Context, need Access) error {
	p := Who(ctx)
	switch {
	case need.Public != "":
		return nil
	case need.Booth:
		if Booth(ctx).Booth == "" {
			return errNoBooth
		}
		return nil
	case !p.SignedIn():
		return errSignIn
	case need.SignedIn:
		return nil
	case !p.May(need.Permission):
		return errDenied.With("permission", "需要权限 "+string(need.Permission), "needs permission "+string(need.Permission))
	}
	return nil
}

// guard is the check of an operation's declared access.
func (a *API) guard(need Access) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if err := allowed(ctx.Context(), need); err != nil {
			writeProblem(humagin.Unwrap(ctx), err)
			return
		}
		next(ctx)
	}
}

var (
	errKeyMissing = fault.New(fault.Invalid, "idempotency.key_required", "缺少 Idempotency-Key 请求头", "the Idempotency-Key header is required: 8 to 128 visible characters")
	errTooLarge   = fault.New(fault.Invalid, "request.too_large", "请求内容过大", "the request body is too large")
)

func idempotencyParam() *huma.Param {
	lo, hi := 8, 128
	return &huma.Param{
		Name: "Idempotency-Key", In: "header", Required: true,
		Description: "Unique for each intended action; the same key with the same request has one effect. 每个操作唯一，重复提交只生效一次。",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &lo, MaxLength: &hi},
	}
}

// readIdempotencyKey hashes method, path, query and body, then puts the body back.
func (a *API) readIdempotencyKey(ctx huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(ctx)
	key := c.GetHeader("Idempotency-Key")
	if len(key) < 8 || len(key) > 128 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		writeProblem(c, errKeyMissing)
		return
	}
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		writeProblem(c, errTooLarge.Wrap(err))
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", c.Request.Method, c.Request.URL.RequestURI())
	h.Write(body)
	r := requestOf(c.Request.Context())
	actor := scope.Actor("anonymous")
	switch {
	case r.principal.SignedIn():
		actor = r.principal.Actor()
	case r.booth.Booth != "":
		actor = scope.Actor("booth:" + string(r.booth.Booth))
	}
	r.key = idempotency.Key{Actor: actor, Key: key, Hash: [32]byte(h.Sum(nil))}
	next(ctx)
}
