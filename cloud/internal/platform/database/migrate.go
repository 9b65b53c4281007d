package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"lotkeeper/cloud/internal/platform/database/migration"
)

// Migration is one numbered file and whether it ran.
type Migration struct {
	Version int64
	File    string
	Applied bool
}

func (d *DB) provider(pool *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // ask each second for ten minutes
	if err != nil {
		return nil, fmt.Errorf("database: migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, pool, migration.Files,
		goose.WithSessionLocker(locker), goose.WithSlog(d.log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("database: read migrations: %w", err)
	}
	return p, nil
}

// Migrate runs the migrations that have not run yet, in order, one replica at a time. It returns those it ran.
// A database that has run migrations we do not know (a newer release) is left alone: any version deploys in any order.
func (d *DB) Migrate(ctx context.Context) ([]Migration, error) {
	patient := d.conn.Copy() // an index on a large table takes longer than any statement of a request may
	patient.RuntimeParams["statement_timeout"] = "0"
	patient.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	pool := stdlib.OpenDB(*patient)
	defer func() { _ = pool.Close() }()
	p, err := d.provider(pool)
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("database: migrate: %w", err)
	}
	var ran []Migration
	for _, r := range results {
		ran = append(ran, Migration{Version: r.Source.Version, File: r.Source.Path, Applied: true})
	}
	return ran, nil
}

// Migrations lists every migration we know.
func (d *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := d.provider(d.sql)
	if err != nil {
		return nil, err
	}
	states, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("database: migration state: %w", err)
	}
	var all []Migration
	for _, s := range states {
		all = append(all, Migration{Version: s.Source.Version, File: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	return all, nil
}
