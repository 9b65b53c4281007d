package main

import (
	"bytes"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/shared/wire"
)

// TestServiceManagerIsToldHowTheBoothStands runs the program as systemd does: with a socket to speak to and a watchdog
// that wants signs of life.
func TestServiceManagerIsToldHowTheBoothStands(t *testing.T) {
	ca := enrolltest.New(t)
	config := ca.Sign(wire.Config{Lot: "riverside", Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Booths: []wire.Booth{{ID: "booth-a", Raft: "127.0.0.1:0", Peer: "127.0.0.1:0", Voter: true}}})
	cloud := httptest.NewServer(cloudOf(t, ca, config))
	defer cloud.Close()
	dir := t.TempDir()
	data, socket := filepath.Join(dir, "booth"), filepath.Join(dir, "notify")
	if code, out, errs := call(t.Context(), "", nil, "enroll", "--cloud", cloud.URL, "--code", "ABCD", "--data", data); code != 0 {
		t.Fatalf("enroll: %d %s%s", code, out, errs)
	}
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "run", "--data", data, "--console", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	next := func() string {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := manager.Read(b)
		if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("the service manager hears nothing: %v\n%s", err, log.String())
		}
		return string(b[:n])
	}
	if got := next(); !strings.HasPrefix(got, "READY=1\nSTATUS=lot riverside, booth booth-a: 0 lanes") {
		t.Errorf("first it says %q", got)
	}
	for range 3 {
		for got := next(); got != "WATCHDOG=1"; got = next() {
			if !strings.HasPrefix(got, "STATUS=") {
				t.Errorf("while it runs it says %q", got)
			}
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for got := next(); got != "STOPPING=1"; got = next() {
		if got != "WATCHDOG=1" && !strings.HasPrefix(got, "STATUS=") {
			t.Errorf("at its end it says %q", got)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v\n%s", err, log.String())
	}
}

// TestUnitFile holds the unit to the program that it starts.
func TestUnitFile(t *testing.T) {
	file := filepath.Join("..", "..", "..", "deploy", "systemd", "lotkeeper-edge.service")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`).FindAllStringSubmatch(string(b), -1) {
		set[m[1]] = append(set[m[1]], m[2])
	}
	for key, want := range map[string]string{
		"Type": "notify", "Restart": "always", "StartLimitIntervalSec": "0", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
		"StateDirectory": "lotkeeper-edge", "WatchdogSec": "20",
	} {
		if !slices.Equal(set[key], []string{want}) {
			t.Errorf("%s=%v, want %s", key, set[key], want)
		}
	}
	args := strings.Fields(strings.Join(set["ExecStart"], " "))
	if len(args) < 2 || filepath.Base(args[0]) != "lotkeeper-edge" {
		t.Fatalf("ExecStart=%v", set["ExecStart"])
	}
	// The configuration is not there on this machine; that the flags are known is what counts.
	if code, out, errs := call(t.Context(), "", nil, args[1:]...); code != 2 || !strings.Contains(out+errs, "/etc/lotkeeper/edge.yaml") {
		t.Errorf("%v: %d %s%s", args, code, out, errs)
	}
	if analyze, err := exec.LookPath("systemd-analyze"); err == nil {
		out, _ := exec.CommandContext(t.Context(), analyze, "verify", file).CombinedOutput() // it also complains of what is not installed here
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "not executable") && !strings.Contains(line, "No such file") && strings.Contains(line, "lotkeeper-edge.service") {
				t.Errorf("systemd-analyze: %s", line)
			}
		}
	}
}
