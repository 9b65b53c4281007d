package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/object"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/telemetry"
)

const (
	maxPhoto = 8 << 20
	// drain is how long requests under way may take after the end was asked for.
	drain = 15 * time.Second
)

// Running is a server that answers.
type Running struct {
	App     *App
	HTTP    string // http://127.0.0.1:8080
	Devices string // https://127.0.0.1:8443
	Broker  string // ssl://127.0.0.1:8883
	Ops     string // http://127.0.0.1:9090
}

// Serve runs the server until ctx ends, then stops in order. ready is called once when it answers; it may be nil.
func Serve(ctx context.Context, cfg Config, version string, log *slog.Logger, ready func(*Running)) (err error) {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := cfg.MakeDataDir(); err != nil {
		return err
	}
	var closers []func() error
	defer func() {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
	}()
	store, err := OpenStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	closers = append(closers, store.Close)
	if cfg.Database.MigrateAtStart {
		ran, err := store.DB.Migrate(ctx)
		if err != nil {
			return err
		}
		if len(ran) > 0 {
			log.InfoContext(ctx, "migrated", "migrations", len(ran))
		}
	}
	ca, err := pki.Open(cfg.path("pki"), time.Now())
	if err != nil {
		return err
	}
	objects, err := object.OpenDir(cfg.path("objects"), maxPhoto)
	if err != nil {
		return err
	}
	closers = append(closers, objects.Close)

	var app *App // the gate asks it, once it is there
	brokerURL, closeBroker, err := openBroker(cfg, ca, log, func(who pki.Identity) bool {
		rule := app.admit.Load()
		return rule == nil || (*rule)(who)
	}, func(url string) error {
		client, err := newClient(url, ca, log)
		if err != nil {
			return err
		}
		app, err = assemble(Parts{Version: version, Config: cfg, Log: log, Now: now, DB: store.DB, CA: ca, Broker: client, Objects: objects})
		return err
	})
	if err != nil {
		return err
	}
	closers = append(closers, closeBroker)
	return app.run(ctx, store, brokerURL, ready)
}

// now is the clock of services: UTC and as exact as the database.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// openBroker starts the embedded broker, or takes the configured one. The app is assembled when the address is known,
// and before the broker lets anybody in.
func openBroker(cfg Config, ca *pki.Authority, log *slog.Logger, admit func(pki.Identity) bool, assembled func(url string) error) (url string, closer func() error, err error) {
	if cfg.Broker.URL != "" {
		return cfg.Broker.URL, func() error { return nil }, assembled(cfg.Broker.URL)
	}
	listener, err := net.Listen("tcp", cfg.Broker.Listen)
	if err != nil {
		return "", nil, fmt.Errorf("broker.listen: %w", err)
	}
	url = broker.URLOf(listener.Addr().String())
	if err := assembled(url); err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	e, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Listener: listener, TLS: ca.ServerTLS(cfg.Devices.Hosts, true, time.Now), Logger: log, Admit: admit,
	})
	if err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	return url, e.Close, nil
}

func newClient(url string, ca *pki.Authority, log *slog.Logger) (*broker.Client, error) {
	conf, err := ca.ClientTLS(time.Now)
	if err != nil {
		return nil, err
	}
	return broker.NewClient(broker.ClientConfig{URL: url, TLS: conf, ID: id.New("cloud", time.Now()), Logger: log, Now: now})
}

func (a *App) run(ctx context.Context, store *Store, brokerURL string, ready func(*Running)) error {
	a.Check("database", a.DB.Ping)
	a.Check("broker", func(context.Context) error {
		if !a.Broker.Connected() {
			return errBroker
		}
		return nil
	})
	group, ctx := errgroup.WithContext(ctx)
	people, err := a.listen("http.listen", a.Config.HTTP.Listen, nil)
	if err != nil {
		return err
	}
	devices, err := a.listen("devices.listen", a.Config.Devices.Listen, a.CA.ServerTLS(a.Config.Devices.Hosts, false, time.Now))
	if err != nil {
		return errors.Join(err, people.Close())
	}
	ops, err := a.listen("ops.listen", a.Config.Ops.Listen, nil)
	if err != nil {
		return errors.Join(err, people.Close(), devices.Close())
	}
	a.reachable.Store(&reachable{broker: a.forBooths("ssl", brokerURL), devices: a.forBooths("https", "https://"+devices.Addr().String())})
	a.serve(ctx, group, "http", people, a.API.Handler())
	a.serve(ctx, group, "devices", devices, a.API.Handler())
	a.serve(ctx, group, "ops", ops, telemetry.Handler(a.Registry, a.checks))
	a.Background("broker client", a.Broker.Run)
	a.Background("jobs", a.Jobs.Run)
	for _, b := range a.background {
		group.Go(func() error {
			if err := b.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", b.name, err)
			}
			if ctx.Err() == nil {
				return fmt.Errorf("%s ended by itself", b.name)
			}
			return nil
		})
	}
	group.Go(func() error {
		select {
		case <-store.ended():
			return errors.New("the managed Postgres ended")
		case <-ctx.Done():
			a.Hub.Close() // an upgraded connection is none of http.Server's any more
			return nil
		}
	})
	r := &Running{
		App: a, HTTP: "http://" + reach(people), Devices: "https://" + reach(devices), Broker: brokerURL, Ops: "http://" + reach(ops),
	}
	a.Log.InfoContext(ctx, "lotkeeper-cloud is up", "version", a.Version, "http", r.HTTP, "devices", r.Devices, "broker", r.Broker, "ops", r.Ops)
	if ready != nil {
		ready(r)
	}
	return group.Wait()
}

func (a *App) listen(key, address string, conf *tls.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if conf != nil {
		conf.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, conf)
	}
	return l, nil
}

func (a *App) serve(ctx context.Context, group *errgroup.Group, name string, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }, // requests under way finish
	}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := server.Shutdown(soft); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", name, err), server.Close())
		}
		return nil
	})
}

// forBooths is the address of a listener of ours as booths reach it: the configured one, else under a name that our
// certificates carry. An external broker keeps its own.
func (a *App) forBooths(scheme, address string) string {
	if public := map[string]string{"ssl": a.Config.Broker.PublicURL, "https": a.Config.Devices.PublicURL}[scheme]; public != "" {
		return public
	}
	u, err := url.Parse(address)
	if err != nil || scheme == "ssl" && a.Config.Broker.URL != "" || slices.Contains(a.Config.Devices.Hosts, u.Hostname()) {
		return address
	}
	return scheme + "://" + net.JoinHostPort(a.Config.Devices.Hosts[0], u.Port())
}

// reach is the listener's address for somebody on this machine.
func reach(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
