// Package cloudtest starts a real cloud in one call: the wiring of production on a cloned template database, with
// the embedded broker, on free ports. Nothing in it is a double.
//
//	s := cloudtest.Start(t)
//	admin := s.SignIn(t, s.Operator(t, "One"), account.RoleAdmin)
//	admin.Do(t, "GET", "/api/v1/users", nil, &out)
package cloudtest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/app"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

// Server is a running cloud.
type Server struct {
	*app.Running
	Config app.Config
}

// Option changes the configuration before the start.
type Option func(*app.Config)

// Start runs a cloud until the test ends.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	cfg := app.Defaults()
	cfg.DataDir = filepath.Join(t.TempDir(), "cloud")
	cfg.Database.URL = databasetest.URL(t)
	cfg.Database.MaxConnections = 10
	cfg.HTTP.Listen, cfg.Devices.Listen, cfg.Broker.Listen, cfg.Ops.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	for _, o := range options {
		o(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan *app.Running, 1), make(chan error, 1)
	go func() { ended <- app.Serve(ctx, cfg, "test", logger(), func(r *app.Running) { ready <- r }) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the cloud ended: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the cloud does not end")
		}
	})
	select {
	case r := <-ready:
		return &Server{Running: r, Config: cfg}
	case err := <-ended:
		ended <- nil
		t.Fatalf("the cloud did not start: %v", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("the cloud did not start in time")
	}
	return nil
}

// logger is silent unless LOTKEEPER_TEST_LOG names a level.
func logger() *slog.Logger {
	level := os.Getenv("LOTKEEPER_TEST_LOG")
	if level == "" {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}

// Password of every user made here.
const Password = "correct horse battery"

// Operator makes a tenant, or finds it by name.
func (s *Server) Operator(t testing.TB, name string) id.Operator {
	t.Helper()
	op, err := s.App.Accounts.EnsureOperator(t.Context(), scope.System("test"), by(), name)
	if err != nil {
		t.Fatalf("make operator %s: %v", name, err)
	}
	return op.ID
}

// User makes a user with a new name who sees the lots given, or all if none.
func (s *Server) User(t testing.TB, op id.Operator, role account.Role, lots ...id.Lot) account.User {
	t.Helper()
	u, err := s.App.Accounts.Create(t.Context(), scope.System("test"), by(), op, account.Draft{
		Name: id.New(string(role), time.Now()), Role: role, AllLots: len(lots) == 0, Lots: lots, Password: Password,
	}, false)
	if err != nil {
		t.Fatalf("make a user: %v", err)
	}
	return u
}

// SignIn makes a user and signs him in.
func (s *Server) SignIn(t testing.TB, op id.Operator, role account.Role, lots ...id.Lot) *Client {
	t.Helper()
	u := s.User(t, op, role, lots...)
	c := s.Client(t)
	c.Do(t, "POST", "/api/v1/sign-in", map[string]string{"name": u.Name, "password": Password}, nil)
	c.User = u
	return c
}

func by() account.By { return account.By{Actor: scope.SystemActor("test"), Address: "127.0.0.1"} }
