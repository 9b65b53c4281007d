package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Config says how to reach Postgres. The zero values of all but URL work.
type Config struct {
	URL string // postgres://… or key=value form; behind PgBouncer older than 1.21 add default_query_exec_mode=exec

	MaxOpen          int           // connections; 0: 16
	StatementTimeout time.Duration // 0: 30 s
	IdleInTx         time.Duration // a transaction that sits idle this long is ended; 0: 30 s
	SlowQuery        time.Duration // log queries that took longer; 0: 500 ms
	Logger           *slog.Logger  // nil: none
}

// DB is the pool. Make it with Open, end it with Close.
type DB struct {
	conn *pgx.ConnConfig
	gorm *gorm.DB
	sql  *sql.DB
	log  *slog.Logger
}

// Open connects and checks that the server answers.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.URL == "" {
		return nil, errors.New("database: no URL")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("database: read the URL: %w", err) // pgx masks the password
	}
	for name, value := range map[string]string{
		"timezone":                            "UTC",
		"application_name":                    "lotkeeper-cloud",
		"statement_timeout":                   millis(cfg.StatementTimeout, 30*time.Second),
		"idle_in_transaction_session_timeout": millis(cfg.IdleInTx, 30*time.Second),
	} {
		if _, given := conn.RuntimeParams[name]; !given {
			conn.RuntimeParams[name] = value
		}
	}
	pool := stdlib.OpenDB(*conn)
	maxOpen := cfg.MaxOpen
	if maxOpen == 0 {
		maxOpen = 16
	}
	pool.SetMaxOpenConns(maxOpen)
	pool.SetMaxIdleConns(maxOpen)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("database: connect: %w", err)
	}
	slow := cfg.SlowQuery
	if slow == 0 {
		slow = 500 * time.Millisecond
	}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{
		PrepareStmt:            false, // a cached plan breaks on every call after a migration
		QueryFields:            true,
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		Logger:                 queryLog{log: cfg.Logger, slow: slow},
	})
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("database: open gorm: %w", err)
	}
	return &DB{conn: conn, gorm: g, sql: pool, log: cfg.Logger}, nil
}

// Unconnected stands in where services are only put together, as to print the API document. A query panics.
func Unconnected() *DB { return &DB{} }

// Close ends the pool.
func (d *DB) Close() error { return d.sql.Close() }

// SQL is the pool underneath, for goose, river and bulk loads by COPY.
func (d *DB) SQL() *sql.DB { return d.sql }

// Gorm starts a query outside any transaction. For reading, in store.go files.
func (d *DB) Gorm(ctx context.Context) *gorm.DB { return d.gorm.WithContext(ctx) }

// Ping reports whether the server answers; it is what /readyz asks.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.sql.PingContext(ctx); err != nil {
		return fmt.Errorf("database: ping: %w", err)
	}
	return nil
}

func millis(d, otherwise time.Duration) string {
	if d == 0 {
		d = otherwise
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}
