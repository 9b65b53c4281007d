// Package databasetest gives each test its own migrated database on a real Postgres.
//
// One managed server per test binary is started by the first New. Its folder is kept between runs (one of a few
// slots under the temporary folder, claimed by lock), so initdb and the migrations are paid once per change of a
// migration, and a test pays one CREATE DATABASE … TEMPLATE, about a tenth of a second. The server ends with the
// test binary, by the kernel's parent-death signal.
package databasetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/migration"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/managed"
)

const slots = 32

// server is the one Postgres of this test binary: a process, so it cannot be a value per test.
var server = sync.OnceValues(start)

type running struct {
	pg       *managed.Server
	template string
	mu       sync.Mutex // CREATE DATABASE … TEMPLATE one at a time
}

// New returns a database of the test's own with every migration run. It is dropped after the test.
func New(t testing.TB) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: URL(t), MaxOpen: 8, Logger: quiet()})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test database: %v", err)
		}
	})
	return db
}

// URL is New without opening it.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, true)
}

// EmptyURL is the address of a database in which no migration ran.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, false)
}

// Durable is New on a server of its own that syncs as in production: for figures, because the others' commits are not on
// the disk. It takes some seconds to start.
func Durable(t testing.TB) *database.DB {
	t.Helper()
	dir, err := os.MkdirTemp("", "lotkeeper-bench-pg-") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server runs as somebody else
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pg, err := managed.Start(ctx, managed.Config{Dir: dir, Logger: quiet()})
	if err != nil {
		t.Fatalf("start a durable Postgres: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(pg.Stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	s := &running{pg: pg}
	template, err := s.prepare(ctx)
	if err != nil {
		t.Fatalf("migrate a durable Postgres: %v", err)
	}
	db, err := database.Open(ctx, database.Config{URL: pg.URL(template), MaxOpen: 8, Logger: quiet()})
	if err != nil {
		t.Fatalf("open a durable Postgres: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var is string
		if err := db.SQL().QueryRowContext(ctx, "SELECT current_setting($1)", name).Scan(&is); err != nil || is != "on" {
			t.Fatalf("a durable Postgres has %s %q: %v", name, is, err)
		}
	}
	return db
}

func create(t testing.TB, migrated bool) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatalf("start the test Postgres: %v", err)
	}
	template := "template0"
	if migrated {
		template = s.template
	}
	name := strings.ReplaceAll(id.New("t", time.Now()), "-", "_")
	if err := s.exec(context.Background(), fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)); err != nil {
		t.Fatalf("make the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec(context.Background(), fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return s.pg.URL(name)
}

func (s *running) exec(ctx context.Context, statement string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, err := pgx.Connect(ctx, s.pg.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

func start() (*running, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	pg, err := claim(ctx)
	if err != nil {
		return nil, err
	}
	s := &running{pg: pg}
	if err := s.sweep(ctx); err != nil {
		return nil, err
	}
	s.template, err = s.prepare(ctx)
	return s, err
}

// claim takes the first slot that no other test binary holds. A slot whose data is damaged (the machine died
// while fsync was off) is emptied once.
func claim(ctx context.Context) (*managed.Server, error) {
	root := filepath.Join(os.TempDir(), fmt.Sprintf("lotkeeper-test-pg-%d", os.Geteuid()))
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, err
	}
	var errs []error
	for n := range slots {
		cfg := managed.Config{
			Dir: filepath.Join(root, fmt.Sprintf("slot-%02d", n)), Logger: quiet(),
			Settings: map[string]string{
				"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
				"shared_buffers": "64MB", "autovacuum": "off", "max_wal_size": "256MB",
			},
		}
		pg, err := managed.Start(ctx, cfg)
		if err == nil {
			return pg, nil
		}
		errs = append(errs, err)
		if errors.Is(err, managed.ErrInUse) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(cfg.Dir, "data")); err != nil {
			return nil, err
		}
		if pg, err = managed.Start(ctx, cfg); err == nil {
			return pg, nil
		}
		return nil, err
	}
	return nil, fmt.Errorf("all %d slots in %s are taken: %w", slots, root, errors.Join(errs...))
}

// sweep drops what killed runs left.
func (s *running) sweep(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.pg.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 't\_%' OR datname LIKE 'building\_%'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	return nil
}

// prepare finds or makes the template for the present migrations, named by their hash.
func (s *running) prepare(ctx context.Context) (string, error) {
	hash, err := hashOf(migration.Files)
	if err != nil {
		return "", err
	}
	template := "migrated_" + hash
	conn, err := pgx.Connect(ctx, s.pg.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, template).Scan(&exists); err != nil || exists {
		return template, err
	}
	building := "building_" + hash
	if err := s.pg.Ensure(ctx, building); err != nil {
		return "", err
	}
	db, err := database.Open(ctx, database.Config{URL: s.pg.URL(building), MaxOpen: 4, Logger: quiet()})
	if err != nil {
		return "", err
	}
	_, err = db.Migrate(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", building, template))
	return template, err
}

func hashOf(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
