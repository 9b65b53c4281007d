// Package app puts the cloud together: the same wiring runs in production, in tests and, without a database, to print
// the API document.
//
// assemble builds every service and registers every route; it does no I/O. Serve opens what is needed, assembles,
// and runs until its context ends. A feature is added in features.go.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	cloudweb "lotkeeper/cloud/web"

	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/hub"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/platform/object"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/platform/telemetry"
	"lotkeeper/cloud/internal/platform/web"
)

// Parts are what the services stand on. Where only the document is wanted, all but Version, Log and Now are empty.
type Parts struct {
	Version  string
	Config   Config
	Log      *slog.Logger
	Now      func() time.Time
	DB       *database.DB
	CA       *pki.Authority
	Broker   *broker.Client
	Objects  object.Store
	Registry *prometheus.Registry
}

// App is the cloud, put together.
type App struct {
	Parts
	API      *web.API
	Audit    *audit.Log
	Accounts *account.Service
	Hub      *hub.Hub
	Jobs     *job.Queue

	jobs       *job.Set
	background []background
	topics     map[string]TopicRule
	admit      atomic.Pointer[func(pki.Identity) bool]
	checks     map[string]telemetry.Check
}

// background is something that runs as long as the server.
type background struct {
	name string
	run  func(ctx context.Context) error
}

// TopicRule decides whether a principal may follow live topics of a kind; name is what stands after "kind/".
type TopicRule func(ctx context.Context, p scope.Principal, name string) bool

func assemble(parts Parts) (*App, error) {
	if parts.DB == nil {
		parts.DB = database.Unconnected()
	}
	if parts.Registry == nil {
		parts.Registry = telemetry.NewRegistry()
	}
	a := &App{Parts: parts, jobs: job.NewSet(), topics: map[string]TopicRule{}, checks: map[string]telemetry.Check{}}
	a.Audit = audit.New(parts.DB, parts.Now)
	a.Accounts = account.New(parts.DB, a.Audit, parts.Now)
	var err error
	a.API, err = web.New(web.Config{
		PublicURL: parts.Config.HTTP.PublicURL, TrustedProxies: parts.Config.HTTP.TrustedProxies,
		Logger: parts.Log, Auth: a.Accounts, Metrics: parts.Registry,
	})
	if err != nil {
		return nil, err
	}
	a.Hub, err = hub.New(hub.Config{
		Logger: parts.Log, Authorize: a.mayFollow, Recheck: a.Accounts.Recheck,
		Principal:   func(r *http.Request) scope.Principal { return web.Who(r.Context()) },
		CheckOrigin: a.API.SameOrigin,
	})
	if err != nil {
		return nil, err
	}
	a.Accounts.Revoked(a.Hub.Revoke)
	// The queue is made first, so that features can keep it; their workers join the set before it runs.
	a.Jobs, err = job.New(parts.DB, a.jobs, job.Config{Logger: parts.Log})
	if err != nil {
		return nil, err
	}

	a.housekeeping()
	a.Accounts.Register(a.API)
	a.Audit.Register(a.API)
	a.API.Raw(web.Route{
		Access: web.Access{Permission: permission.LiveRead}, Method: http.MethodGet, Path: "/api/v1/live",
		Summary: "Websocket with live events; say {\"subscribe\":[\"lot/…\"]}. 实时事件",
	}, a.Hub)
	pages, err := cloudweb.Handler()
	if err != nil {
		return nil, err
	}
	a.API.Fallback(pages)
	if err := a.features(); err != nil {
		return nil, err
	}
	return a, nil
}

// Document is the OpenAPI document of everything, as JSON; it needs no database.
func Document() ([]byte, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	return web.Document(a.API.OpenAPI())
}

// DocumentYAML is the same as YAML, the form that is committed.
func DocumentYAML() ([]byte, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	text, err := a.API.OpenAPI().YAML()
	if err != nil {
		return nil, fmt.Errorf("API document: %w", err)
	}
	return text, nil
}

func unconnected() (*App, error) {
	return assemble(Parts{Log: slog.New(slog.DiscardHandler), Now: time.Now, Config: Defaults()})
}

// Background adds something that runs as long as the server does. If it fails, the server ends.
func (a *App) Background(name string, run func(ctx context.Context) error) {
	a.background = append(a.background, background{name, run})
}

// Follow says who may follow the live topics "kind/…". A kind without a rule is followed by nobody.
func (a *App) Follow(kind string, rule TopicRule) {
	if _, has := a.topics[kind]; has {
		panic("app: two rules for live topics " + kind)
	}
	a.topics[kind] = rule
}

func (a *App) mayFollow(ctx context.Context, p scope.Principal, topic string) bool {
	kind, name, ok := strings.Cut(topic, "/")
	rule := a.topics[kind]
	return ok && rule != nil && rule(ctx, p, name)
}

// Admit says which booths the embedded broker lets in, apart from having a certificate.
func (a *App) Admit(rule func(pki.Identity) bool) { a.admit.Store(&rule) }

// JobSet takes the workers and periodic jobs of features.
func (a *App) JobSet() *job.Set { return a.jobs }

// Check adds something to /readyz.
func (a *App) Check(name string, check telemetry.Check) { a.checks[name] = check }

var errBroker = errors.New("no connection to the broker")
