// Package managed runs a Postgres server as a child process, for installations with no database of their own.
//
// The server listens on a unix socket only, in a folder that only its user (and root) may enter. Started by root, it
// runs as another user (postgres, else nobody), since Postgres refuses root. It ends with this process: by
// Stop in the ordinary case, by the kernel's parent-death signal when this process is killed, and if even that
// failed (a reboot of half a container) the next Start finds the orphan and ends it first. A lock file keeps two
// programs off one folder. Data of another major version is refused, never converted.
//
//	<dir>/lock          held by the program that owns the folder; its text is that program's pid and the socket's folder
//	<dir>/data          Postgres's own, 0700
//	<dir>/socket        the unix socket, 0700 (elsewhere when the path would be too long for a socket)
package managed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	role = "lotkeeper"
	// socketMax is what fits into sockaddr_un with the file name that Postgres adds.
	socketMax = 107 - len("/.s.PGSQL.5432")
)

// Config says where the server lives. Dir and Logger are required.
type Config struct {
	Dir      string            // made if missing; its parents must be searchable by the server's user
	Bin      string            // folder with initdb and postgres; "": LOTKEEPER_PG_BIN, PATH, /usr/lib/postgresql/*/bin
	Settings map[string]string // postgresql.conf settings over ours, as fsync=off in tests
	Logger   *slog.Logger
	Grace    time.Duration // for start and for stop; 0: 60 s
}

// Server is a running Postgres.
type Server struct {
	cfg    Config
	data   string
	socket string
	madeIn string // a temporary socket folder to remove
	lock   *os.File
	child  *child
}

// Start initializes the data folder if it is new, and runs the server until it answers.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Dir == "" || cfg.Logger == nil {
		return nil, errors.New("managed postgres: Dir and Logger are required")
	}
	if cfg.Grace == 0 {
		cfg.Grace = 60 * time.Second
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("managed postgres: %w", err)
	}
	cfg.Dir = dir
	s := &Server{cfg: cfg, data: filepath.Join(dir, "data"), socket: filepath.Join(dir, "socket")}
	if err := s.start(ctx); err != nil {
		s.release()
		return nil, fmt.Errorf("managed postgres in %s: %w", dir, err)
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Grace)
	defer cancel()
	who, err := serverUser()
	if err != nil {
		return err
	}
	if err := s.claim(who); err != nil {
		return err
	}
	if err := endOrphan(ctx, s.data, s.cfg.Logger); err != nil {
		return err
	}
	bin, err := findBinaries(ctx, s.cfg.Bin, s.data)
	if err != nil {
		return err
	}
	if err := s.initialize(ctx, bin, who); err != nil {
		return err
	}
	args := []string{"-D", s.data, "-k", s.socket, "-p", "5432"}
	settings := map[string]string{
		"listen_addresses": "", "unix_socket_permissions": "0700", "log_timezone": "UTC", "timezone": "UTC",
		"max_connections": "100", "shared_buffers": "128MB", "log_checkpoints": "off",
	}
	for k, v := range s.cfg.Settings {
		settings[k] = v
	}
	for k, v := range settings {
		args = append(args, "-c", k+"="+v)
	}
	s.child, err = spawn(filepath.Join(bin.dir, "postgres"), args, s.data, who, s.cfg.Logger)
	if err != nil {
		return err
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	s.cfg.Logger.InfoContext(ctx, "managed postgres is up", "version", bin.version, "dir", s.cfg.Dir, "pid", s.child.pid)
	return nil
}

// claim makes the folders with the right owner and takes the lock.
func (s *Server) claim(who owner) error {
	if err := MakeDir(s.cfg.Dir); err != nil {
		return err
	}
	if len(s.socket) > socketMax {
		dir, err := os.MkdirTemp("/tmp", "lotkeeper-pg-")
		if err != nil {
			return err
		}
		s.socket, s.madeIn = dir, dir
	}
	lock, err := takeLock(filepath.Join(s.cfg.Dir, "lock"), s.socket)
	if err != nil {
		return err
	}
	s.lock = lock
	if err := who.canEnter(s.cfg.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.socket, 0o700); err != nil {
		return err
	}
	return who.own(s.socket)
}

// await connects until the server answers, and makes the role's database.
func (s *Server) await(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.child.done:
			return fmt.Errorf("the server ended while starting: %w; it said: %s", s.child.err, s.child.said())
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer in time: %w; last: %w; it said: %s", ctx.Err(), err, s.child.said())
		case <-tick.C:
		}
	}
}

// URL is the address of one database of the server.
func (s *Server) URL(database string) string { return address(s.socket, database) }

// Attach gives the address of a database of the server that another program runs in dir, as a command does while
// the server is up.
func Attach(dir, database string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("managed postgres in %s: %w", dir, err)
	}
	_, socket, ok := strings.Cut(trimmed(text), "\n")
	if !ok {
		return "", fmt.Errorf("managed postgres in %s: the lock file names no socket", dir)
	}
	return address(socket, database), nil
}

func address(socket, database string) string {
	q := url.Values{"host": {socket}, "port": {"5432"}, "user": {role}, "sslmode": {"disable"}}
	return "postgres:///" + url.PathEscape(database) + "?" + q.Encode()
}

// Ensure makes the database if it does not exist.
func (s *Server) Ensure(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("managed postgres: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&exists); err != nil {
		return fmt.Errorf("managed postgres: look for database %s: %w", database, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()); err != nil {
		return fmt.Errorf("managed postgres: make database %s: %w", database, err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.child.done }

// Stop ends the server: connections are cut, transactions rolled back, everything is flushed.
func (s *Server) Stop() error {
	err := s.child.stop(s.cfg.Grace)
	s.release()
	if err != nil {
		return fmt.Errorf("managed postgres: stop: %w", err)
	}
	return nil
}

func (s *Server) release() {
	if s.child != nil {
		_ = s.child.stop(s.cfg.Grace) // again after Stop: no effect; after a failed start its error is already told
	}
	if s.madeIn != "" {
		_ = os.RemoveAll(s.madeIn) // a leftover empty folder in /tmp harms nothing
	}
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

func trimmed(b []byte) string { return strings.TrimSpace(string(b)) }
