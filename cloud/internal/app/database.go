package app

import (
	"context"
	"errors"
	"log/slog"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/managed"
)

const managedName = "lotkeeper"

// Store is an open database and, when it is ours, the server under it.
type Store struct {
	DB      *database.DB
	managed *managed.Server
}

// OpenStore opens the configured database, starting the managed server if none is configured. A command that runs
// beside a server attaches to the server's.
func OpenStore(ctx context.Context, cfg Config, log *slog.Logger) (*Store, error) {
	url, err := cfg.databaseURL()
	if err != nil {
		return nil, err
	}
	s := &Store{}
	if url == "" {
		dir := cfg.path("postgres")
		s.managed, err = managed.Start(ctx, managed.Config{Dir: dir, Logger: log})
		switch {
		case errors.Is(err, managed.ErrInUse):
			if url, err = managed.Attach(dir, managedName); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		default:
			if err := s.managed.Ensure(ctx, managedName); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			url = s.managed.URL(managedName)
		}
	}
	s.DB, err = database.Open(ctx, database.Config{URL: url, MaxOpen: cfg.Database.MaxConnections, Logger: log})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ended is closed when the managed server ends; never for another one.
func (s *Store) ended() <-chan struct{} {
	if s.managed == nil {
		return nil
	}
	return s.managed.Done()
}

// Close ends the pool, then the managed server.
func (s *Store) Close() error {
	var errs []error
	if s.DB != nil {
		errs = append(errs, s.DB.Close())
	}
	if s.managed != nil {
		errs = append(errs, s.managed.Stop())
	}
	return errors.Join(errs...)
}
