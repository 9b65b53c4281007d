package managed_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"lotkeeper/cloud/internal/platform/managed"
)

// TestMain lets the test binary play the program that owns a server and is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOTKEEPER_TEST_OWNER"); dir != "" {
		own(dir)
		return
	}
	os.Exit(m.Run())
}

func own(dir string) {
	s, err := managed.Start(context.Background(), config(dir))
	if err != nil {
		os.Stdout.WriteString("failed " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("up " + s.URL("postgres") + "\n")
	select {}
}

func config(dir string) managed.Config {
	return managed.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"}, Grace: 30 * time.Second}
}

// place is a folder that another user may enter; t.TempDir is not.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lk-managed-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "pg")
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestDataSurvivesAndTheSocketIsOurs(t *testing.T) {
	dir := place(t)
	s, err := managed.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Ensure(t.Context(), "lotkeeper"); err != nil {
			t.Fatal(err)
		}
	}
	if got := query[string](t, s.URL("lotkeeper"), "SHOW listen_addresses"); got != "" {
		t.Errorf("listens on %q", got)
	}
	if os.Geteuid() == 0 {
		if info, err := os.Stat("/proc/" + strconv.Itoa(postmaster(t, dir))); err != nil || info.Sys().(*syscall.Stat_t).Uid == 0 {
			t.Errorf("the server runs as root (%v)", err)
		}
	}
	query[int](t, s.URL("lotkeeper"), "WITH x AS (SELECT 1) SELECT count(*) FROM x")
	if _, err := managed.Start(t.Context(), config(dir)); !errors.Is(err, managed.ErrInUse) {
		t.Errorf("a second owner: %v, want ErrInUse", err)
	}
	attached, err := managed.Attach(dir, "lotkeeper")
	if err != nil {
		t.Fatal(err)
	}
	query[int](t, attached, "SELECT 1")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Stop")
	}
	if s, err = managed.Start(t.Context(), config(dir)); err != nil {
		t.Fatal(err)
	}
	if got := query[string](t, s.URL("lotkeeper"), "SELECT current_database()"); got != "lotkeeper" {
		t.Errorf("database %q after a restart", got)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// kill -9 of the owner ends the server; if the server were slow, the next start would end it.
func TestOwnerKilled(t *testing.T) {
	dir := place(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.Command(self)
	owner.Env = append(os.Environ(), "LOTKEEPER_TEST_OWNER="+dir)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	url, ok := strings.CutPrefix(lines.Text(), "up ")
	if !ok {
		t.Fatalf("owner said %q", lines.Text())
	}
	query[int](t, url, "SELECT 1")
	fd, err := unix.PidfdOpen(postmaster(t, dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000); n != 1 {
		t.Fatalf("the server outlived its owner by 20 s (%v)", err)
	}
	s, err := managed.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatalf("start after a killed owner: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// A server without an owner (its parent-death signal was lost) is ended by the next start.
func TestOrphanIsEnded(t *testing.T) {
	dir := place(t)
	s, err := managed.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Dir(mustReadlink(t, "/proc/"+strconv.Itoa(postmaster(t, dir))+"/exe"))
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", filepath.Join(dir, "socket"), "-c", "listen_addresses=")
	orphan.Dir = filepath.Join(dir, "data")
	if info, err := os.Stat(orphan.Dir); err != nil {
		t.Fatal(err)
	} else if st := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		orphan.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
	}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	awaitConn(t, s.URL("postgres"))
	s, err = managed.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatalf("start beside an orphan: %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the orphan did not end in order: %v", err)
		}
	default:
		t.Error("the orphan still runs")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func mustReadlink(t *testing.T, path string) string {
	t.Helper()
	s, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func awaitConn(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			_ = conn.Close(t.Context())
			return
		}
	}
	t.Fatal("the orphan does not answer")
}

func TestOtherMajorVersionIsRefused(t *testing.T) {
	dir := place(t)
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := managed.Start(t.Context(), config(dir))
	if err == nil || !strings.Contains(err.Error(), "made by PostgreSQL 9") || !strings.Contains(err.Error(), "never converted") {
		t.Errorf("err = %v", err)
	}
}

func TestClosedParentIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: the server runs as ourselves and may enter what we may")
		return
	}
	dir := place(t)
	closed := filepath.Join(filepath.Dir(dir), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := managed.Start(t.Context(), config(filepath.Join(closed, "pg")))
	if err == nil || !strings.Contains(err.Error(), "may not enter "+closed) {
		t.Errorf("err = %v, want it to name %s", err, closed)
	}
}

func TestLongPathsGetAShortSocket(t *testing.T) {
	dir := filepath.Join(place(t), strings.Repeat("long", 30))
	s, err := managed.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	query[int](t, s.URL("postgres"), "SELECT 1")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
