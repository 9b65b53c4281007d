package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"lotkeeper/cloud/internal/platform/scope"
)

// Authenticator turns the token of a request into a principal. It returns a fault.Unauthenticated error for a
// token that is unknown, ended or expired, which makes the caller anonymous; any other error fails the request.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (scope.Principal, error)
}

// apiVersion is of the interface, as in its paths, not of the program: a build must not change the document.
const apiVersion = "1"

// Config of the server. Only Logger is required.
type Config struct {
	PublicURL      string   // https://parking.example: the origin browsers use; "" while developing on http loopback
	TrustedProxies []string // addresses or networks whose X-Forwarded-For is believed
	MaxBody        int64    // bytes, where an operation says nothing; 0: 1 MiB
	Logger         *slog.Logger
	Auth           Authenticator         // nil: everybody is anonymous (enough to print the document)
	Metrics        prometheus.Registerer // nil: no request metrics
}

// API is the server's routes. Register operations before serving.
type API struct {
	cfg      Config
	engine   *gin.Engine
	huma     huma.API
	raw      []Route
	limits   map[string]int64 // "POST /api/v1/photos/:id" -> bytes
	fallback http.Handler
	origin   *http.CrossOriginProtection
	naming   string // the operation being registered, for its nameless types
	seconds  *prometheus.HistogramVec
}

// Access says who may call. Exactly one field is set.
type Access struct {
	Permission scope.Permission // a signed-in user who was granted it
	SignedIn   bool             // any signed-in user, about himself
	Booth      bool             // a booth, by its certificate, on the device listener
	Public     string           // anybody; the reason why, shown in the document
}

func (a Access) check() error {
	n := 0
	for _, set := range []bool{a.Permission != "", a.SignedIn, a.Booth, a.Public != ""} {
		if set {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("exactly one of Permission, SignedIn, Booth and Public (with the reason) must be set, %d are", n)
	}
	return nil
}

// Operation describes a typed operation.
type Operation struct {
	Access
	ID         string // kebab case, unique: "list-sessions"; the generated client's method name
	Method     string
	Path       string // "/api/v1/sessions/{id}"
	Tag        string // the noun: "session"
	Summary    string // one English line
	SummaryZH  string // one Chinese line
	Status     int    // of success; 0: 200, or 204 without a body
	MaxBody    int64  // bytes; 0: the server's
	Idempotent bool   // requires an Idempotency-Key header; the handler reads it with IdempotencyKey
}

// Route is a raw route: websocket, webhook, download.
type Route struct {
	Access
	Method  string
	Path    string // Gin's form: "/api/v1/photos/:id"; the handler reads r.PathValue("id")
	Summary string
	MaxBody int64 // bytes; 0: the server's
}

// New makes the server with its documents (/api/openapi.json, /api/openapi.yaml, /api/docs) and nothing else.
func New(cfg Config) (*API, error) {
	if cfg.Logger == nil {
		return nil, fmt.Errorf("web: no logger")
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.ContextWithFallback = false
	if err := engine.SetTrustedProxies(cfg.TrustedProxies); err != nil {
		return nil, fmt.Errorf("web: trusted proxies: %w", err)
	}
	origin, err := originCheck(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	a := &API{cfg: cfg, engine: engine, limits: map[string]int64{}, origin: origin}
	if cfg.Metrics != nil {
		a.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lotkeeper_http_request_seconds", Help: "Time to answer, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route", "status"})
		if err := cfg.Metrics.Register(a.seconds); err != nil {
			return nil, fmt.Errorf("web: metrics: %w", err)
		}
	}
	engine.Use(a.begin, a.recover, a.headers, a.checkOrigin, a.limit, refuseNUL, a.authenticate)
	engine.NoRoute(a.notFound)
	engine.NoMethod(func(c *gin.Context) { writeProblem(c, errMethod) })

	hc := huma.DefaultConfig("Lotkeeper", apiVersion)
	hc.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", a.schemaName)
	hc.CreateHooks = nil // they would add $schema to every reply
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "", "", ""
	hc.Info.Description = "Parking: lots, sessions, payments. 停车：车场、停车订单、支付。"
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: a.CookieName(), Description: "Set by sign-in. 登录后设置。"},
		"booth":   {Type: "mutualTLS", Description: "The booth's certificate, on the device listener. 岗亭证书，仅限设备端口。"},
	}
	hc.Transformers = []huma.Transformer{toProblem}
	hc.RejectUnknownQueryParameters = true
	hc.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	a.huma = humagin.New(engine, hc)
	a.documents()
	return a, nil
}

// Handler serves the routes.
func (a *API) Handler() http.Handler { return a.engine }

// OpenAPI is the document.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Routes lists the raw routes.
func (a *API) Routes() []Route { return slices.Clone(a.raw) }

// Served lists what Gin answers, as "GET /api/v1/me": a test compares it with the document and the raw routes.
func (a *API) Served() []string {
	var all []string
	for _, r := range a.engine.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// Fallback serves what no route matches and is not below /api/: the web pages.
func (a *API) Fallback(h http.Handler) { a.fallback = h }

// Secure tells that browsers reach us by https, so cookies can be __Host- ones.
func (a *API) Secure() bool { return strings.HasPrefix(a.cfg.PublicURL, "https://") }

// CookieName is the name of the sign-in cookie.
func (a *API) CookieName() string {
	if a.Secure() {
		return "__Host-lotkeeper"
	}
	return "lotkeeper"
}

// Cookie makes the sign-in cookie; an empty token makes one that removes it.
func (a *API) Cookie(token string, expires time.Time) *http.Cookie {
	c := &http.Cookie{
		Name: a.CookieName(), Value: token, Path: "/", Secure: a.Secure(), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Expires: expires,
	}
	if token == "" {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	}
	return c
}

// Register adds an operation. It panics when the operation says not who may call it, or says it twice.
func Register[I, O any](a *API, op Operation, handler func(context.Context, *I) (*O, error)) {
	if err := op.check(); err != nil {
		panic(fmt.Sprintf("web: operation %s %s: %v", op.Method, op.Path, err))
	}
	if op.ID == "" || op.Tag == "" || op.Summary == "" || op.SummaryZH == "" {
		panic(fmt.Sprintf("web: operation %s %s: ID, Tag, Summary and SummaryZH are required", op.Method, op.Path))
	}
	maxBody := op.MaxBody
	if maxBody == 0 {
		maxBody = a.cfg.MaxBody
	}
	ginPath := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
	a.limits[op.Method+" "+ginPath] = maxBody
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Tags: []string{op.Tag},
		Summary: op.Summary, Description: op.SummaryZH, DefaultStatus: op.Status, MaxBodyBytes: maxBody,
		Extensions:  map[string]any{},
		Responses:   a.problemResponses(),
		Middlewares: huma.Middlewares{a.guard(op.Access)},
	}
	switch {
	case op.Public != "":
		h.Extensions["x-public"] = op.Public
	case op.SignedIn:
		h.Extensions["x-signed-in"] = true
	case op.Booth:
		h.Extensions["x-booth"] = true
	default:
		h.Extensions["x-permission"] = string(op.Permission)
	}
	switch {
	case op.Booth:
		h.Security = []map[string][]string{{"booth": {}}}
	case op.Public == "":
		h.Security = []map[string][]string{{"session": {}}}
	}
	if op.Idempotent {
		h.Middlewares = append(h.Middlewares, a.readIdempotencyKey)
		h.Parameters = append(h.Parameters, idempotencyParam())
	}
	a.naming = camel(op.ID)
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, problemFor(ctx, err)
		}
		return out, nil
	})
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own, which never leave: see toProblem
		delete(a.huma.OpenAPI().Components.Schemas.Map(), unused)
	}
}

// Raw adds a raw route, with the same checks.
func (a *API) Raw(r Route, h http.Handler) {
	if err := r.check(); err != nil {
		panic(fmt.Sprintf("web: route %s %s: %v", r.Method, r.Path, err))
	}
	if r.Summary == "" {
		panic(fmt.Sprintf("web: route %s %s: Summary is required", r.Method, r.Path))
	}
	if r.MaxBody == 0 {
		r.MaxBody = a.cfg.MaxBody
	}
	a.raw = append(a.raw, r)
	a.limits[r.Method+" "+r.Path] = r.MaxBody
	a.engine.Handle(r.Method, r.Path, func(c *gin.Context) {
		if err := allowed(c.Request.Context(), r.Access); err != nil {
			writeProblem(c, err)
			return
		}
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		h.ServeHTTP(c.Writer, c.Request)
	})
}
