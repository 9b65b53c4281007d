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
	Features

	jobs       *job.Set
	background []background
	topics     map[string]LiveTopic
	admit      atomic.Pointer[func(pki.Identity) bool]
	reachable  atomic.Pointer[reachable]
	checks     map[string]telemetry.Check
}

// background is something that runs as long as the server.
type background struct {
	name string
	run  func(ctx context.Context) error
}

// LiveTopic is a kind of live topics, "kind:name" or "kind" alone.
type LiveTopic struct {
	// May decides whether a principal may follow it.
	May func(ctx context.Context, p scope.Principal, name string) bool
	// Resolve gives the name that the topic's content is sent under, where it differs by scope; nil: the topic itself.
	Resolve func(p scope.Principal) string
	// Present tells a new follower how things stand; nil: nothing.
	Present func(ctx context.Context, p scope.Principal, name string, send func(any))
}

func assemble(parts Parts) (*App, error) {
	if parts.DB == nil {
		parts.DB = database.Unconnected()
	}
	if parts.Registry == nil {
		parts.Registry = telemetry.NewRegistry()
	}
	a := &App{Parts: parts, jobs: job.NewSet(), topics: map[string]LiveTopic{}, checks: map[string]telemetry.Check{}}
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
		Logger: parts.Log, Authorize: a.mayFollow, Recheck: a.Accounts.Recheck, Resolve: a.resolve, Present: a.present,
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
		Summary: "Websocket with live events; say {\"subscribe\":[\"lot:…\",\"seat\"]}. 实时事件",
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

// Follow adds a kind of live topics. A kind that was not added is followed by nobody.
func (a *App) Follow(kind string, topic LiveTopic) {
	if _, has := a.topics[kind]; has {
		panic("app: two kinds of live topics called " + kind)
	}
	a.topics[kind] = topic
}

func (a *App) topic(name string) (LiveTopic, string) {
	kind, rest, _ := strings.Cut(name, ":")
	return a.topics[kind], rest
}

func (a *App) mayFollow(ctx context.Context, p scope.Principal, topic string) bool {
	t, name := a.topic(topic)
	return t.May != nil && t.May(ctx, p, name)
}

func (a *App) resolve(p scope.Principal, topic string) string {
	if t, _ := a.topic(topic); t.Resolve != nil {
		return t.Resolve(p)
	}
	return topic
}

func (a *App) present(ctx context.Context, p scope.Principal, topic string, send func(any)) {
	if t, name := a.topic(topic); t.Present != nil {
		t.Present(ctx, p, name, send)
	}
}

// reachable is where booths find us; it is known when everything listens.
type reachable struct{ broker, devices string }

// addresses tells where booths find the broker and the device listener; "" before everything listens.
func (a *App) addresses() (broker, devices string) {
	if r := a.reachable.Load(); r != nil {
		return r.broker, r.devices
	}
	return "", ""
}

// Admit says which booths the embedded broker lets in, apart from having a certificate.
func (a *App) Admit(rule func(pki.Identity) bool) { a.admit.Store(&rule) }

// JobSet takes the workers and periodic jobs of features.
func (a *App) JobSet() *job.Set { return a.jobs }

// Check adds something to /readyz.
func (a *App) Check(name string, check telemetry.Check) { a.checks[name] = check }

var errBroker = errors.New("no connection to the broker")
