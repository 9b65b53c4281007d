package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lotkeeper/cloud/internal/platform/database/databasetest"
)

func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestHelpVersionAndMistakes(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		has  string
	}{
		{[]string{"--help"}, 0, "First try, on one machine"},
		{[]string{"serve", "--help"}, 0, "LOTKEEPER_DATABASE_URL"},
		{[]string{"--version"}, 0, "\n"},
		{[]string{"version"}, 0, "\n"},
		{nil, 2, "--help"},
		{[]string{"fly"}, 2, "fly"},
		{[]string{"serve", "--wings=2"}, 2, "wings"},
		{[]string{"user", "add", "x"}, 2, "--operator"},
		{[]string{"serve", "--http-listen", "here", "--log-level", "loud", "--broker-url", "http://x"}, 1, "http.listen"},
	} {
		code, out, errs := command(t, tc.args...)
		if code != tc.code || !strings.Contains(out+errs, tc.has) {
			t.Errorf("%v: %d, want %d and %q\n%s%s", tc.args, code, tc.code, tc.has, out, errs)
		}
	}
	_, _, errs := command(t, "serve", "--http-listen", "here", "--log-level", "loud", "--broker-url", "http://x")
	for _, all := range []string{"http.listen", "log.level", "broker.url"} {
		if !strings.Contains(errs, all) {
			t.Errorf("faults are not all listed, %s is missing: %s", all, errs)
		}
	}
}

func TestOpenapiIsReproducible(t *testing.T) {
	_, first, _ := command(t, "openapi")
	_, second, _ := command(t, "openapi")
	if first != second || !strings.Contains(first, "operationId: sign-in") {
		t.Errorf("the document differs from run to run, or is none (%d bytes)", len(first))
	}
}

func TestMigrateAndUsers(t *testing.T) {
	t.Setenv("LOTKEEPER_DATABASE_URL", databasetest.EmptyURL(t))
	code, out, errs := command(t, "migrate", "--status")
	if code != 0 || !strings.Contains(out, "waiting  00001_platform.sql") {
		t.Fatalf("status before: %d %s%s", code, out, errs)
	}
	code, out, errs = command(t, "user", "add", "boss", "--operator", "城市停车", "--role", "admin")
	if code != 0 || !regexp.MustCompile(`user boss \(usr-[0-9a-z]{26}\) of 城市停车 \(op-[0-9a-z]{26}\), role admin\npassword [a-z0-9]{20}`).MatchString(out) {
		t.Fatalf("add: %d %s%s", code, out, errs)
	}
	if code, _, errs = command(t, "user", "add", "Boss", "--operator", "城市停车"); code != 1 || !strings.Contains(errs, "account.name_taken") {
		t.Errorf("add again: %d %s", code, errs)
	}
	if _, out, _ = command(t, "user", "list"); !strings.Contains(out, "boss") {
		t.Errorf("list: %s", out)
	}
	if _, out, _ = command(t, "migrate", "--status"); strings.Contains(out, "waiting") {
		t.Errorf("status after: %s", out)
	}
}

func TestBrokerConfig(t *testing.T) {
	dir := t.TempDir()
	defer unix.Umask(unix.Umask(0o077)) // as hardened servers have it
	code, out, errs := command(t, "broker-config", "--data-dir", filepath.Join(dir, "data"), "--out", filepath.Join(dir, "m"), "--hosts", "broker.example")
	if code != 0 || !strings.Contains(out, "ssl://broker.example:8883") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	for name, want := range map[string]fs.FileMode{"data": 0o711, "data/pki": 0o700} { // serve's Postgres passes through, and no further
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
	for name, has := range map[string]string{
		"mosquitto.conf": "require_certificate true", "acl": "pattern write lk/1/+/%u/facts/up", "server.key": "PRIVATE KEY", "ca.crt": "CERTIFICATE",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, "m", name)); err != nil || !strings.Contains(string(text), has) {
			t.Errorf("%s: %v %s", name, err, text)
		}
	}
}
