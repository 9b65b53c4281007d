package compose

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lotkeeper/deploy/rig"
)

// machine plays the container engine: volumes are folders, services are reached on loopback at free ports, and the
// cloud has its managed Postgres in place of the one in the composition.
type machine struct {
	composition
	dir     string
	program string
	ports   map[string]string // what a port of the composition is here
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "lk") // short and open to enter: Postgres' socket and user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	// The image makes the data folder; here it must also let the managed Postgres' user through.
	if err := os.Mkdir(filepath.Join(dir, "lotkeeper-cloud"), 0o711); err != nil {
		t.Fatal(err)
	}
	m := &machine{composition: load(t), dir: dir, program: filepath.Join(dir, "bin", "lotkeeper-cloud"), ports: map[string]string{}}
	for _, port := range []string{"8080", "8443", "8883", "9090"} {
		m.ports[port] = freePort(t)
	}
	if err := rig.Build(t.Context(), filepath.Join("..", ".."), filepath.Dir(m.program), "./cloud/cmd/lotkeeper-cloud"); err != nil {
		t.Fatal(err)
	}
	return m
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// here translates a command or a value of the composition to this machine.
func (m *machine) here(s string) string {
	for port, ours := range m.ports {
		s = strings.ReplaceAll(s, ":"+port, ":"+ours)
		s = strings.ReplaceAll(s, "/"+port+" ", "/"+ours+" ")
	}
	s = strings.ReplaceAll(s, "//mosquitto:", "//127.0.0.1:")
	s = strings.ReplaceAll(s, "0.0.0.0:", "127.0.0.1:")
	return strings.ReplaceAll(s, "/var/lib/", m.dir+"/")
}

func (m *machine) command(ctx context.Context, name string, args []string, env map[string]string) *exec.Cmd {
	var translated []string
	for _, arg := range args {
		translated = append(translated, m.here(arg))
	}
	cmd := exec.CommandContext(ctx, name, translated...)
	cmd.Env = append(os.Environ(), "LOTKEEPER_DATA_DIR="+m.here("/var/lib/lotkeeper-cloud"), "LOTKEEPER_OPS_LISTEN="+m.here("127.0.0.1:9090"))
	for key, value := range env {
		if key != "LOTKEEPER_DATABASE_URL_FILE" {
			cmd.Env = append(cmd.Env, key+"="+m.here(value))
		}
	}
	return cmd
}

func TestEverySettingIsOneTheProgramKnows(t *testing.T) {
	m := newMachine(t)
	for name, s := range m.Services {
		if s.Image != "lotkeeper-cloud" {
			continue
		}
		help, err := exec.CommandContext(t.Context(), m.program, s.Command[0], "--help").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %s --help: %v\n%s", name, s.Command[0], err, help)
		}
		for key := range s.Environment {
			if !bytes.Contains(help, []byte("$"+key)) {
				t.Errorf("%s: %s does not know %s", name, s.Command[0], key)
			}
		}
		for _, arg := range s.Command[1:] {
			if flag, _, _ := strings.Cut(arg, "="); !bytes.Contains(help, []byte(flag+"=")) {
				t.Errorf("%s: %s does not know %s", name, s.Command[0], flag)
			}
		}
	}
}

// The services start in their order and get healthy by their own check.
func TestTheServicesRunTogether(t *testing.T) {
	m := newMachine(t)
	files := m.Services["broker-files"]
	// Only this step: Mosquitto has no setting for a port beside its file.
	args := append([]string{}, files.Command...)
	args = append(args, "--port="+m.ports["8883"])
	hosts := false
	for i, arg := range args {
		if strings.HasPrefix(arg, "--hosts=") {
			args[i], hosts = arg+",127.0.0.1", true
		}
	}
	if !hosts {
		t.Fatalf("broker-files names no hosts: %v", files.Command)
	}
	if out, err := m.command(t.Context(), m.program, args, files.Environment).CombinedOutput(); err != nil {
		t.Fatalf("broker-files: %v\n%s", err, out)
	}

	broker := m.Services["mosquitto"]
	mosquitto, err := exec.LookPath(broker.Command[0])
	if err != nil {
		mosquitto = "/usr/sbin/mosquitto"
	}
	lasting := context.WithoutCancel(t.Context()) // services are stopped by their cleanup, in turn
	cmd := m.command(lasting, mosquitto, broker.Command[1:], broker.Environment)
	if os.Geteuid() == 0 {
		uid, err := strconv.Atoi(broker.User)
		if err != nil {
			t.Fatal(err)
		}
		chown(t, m.here("/var/lib/lotkeeper-broker"), uid)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	brokerRun := start(t, "mosquitto", cmd)
	await(t, brokerRun, func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+m.ports["8883"])
		if err != nil {
			return err
		}
		return conn.Close()
	})

	cloud := m.Services["cloud"]
	cloudRun := start(t, "cloud", m.command(lasting, m.program, cloud.Command, cloud.Environment))
	check := cloud.Healthcheck.Test
	if check[0] != "CMD" {
		t.Fatalf("the health check is no command: %v", check)
	}
	healthy := func() error {
		out, err := m.command(t.Context(), check[1], check[2:], nil).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if healthy() == nil {
		t.Fatal("healthy before it can be: the check proves nothing")
	}
	await(t, cloudRun, healthy)
	if log := brokerRun.log.String(); !strings.Contains(log, "New client connected") {
		t.Errorf("the cloud did not connect to mosquitto:\n%s\n%s", log, &cloudRun.log)
	}
}

func chown(t *testing.T, dir string, uid int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// process is a running service: what it has printed, and how it ended.
type process struct {
	name  string
	log   output
	ended chan struct{} // closed when it has
	err   error         // valid then
}

// start runs a service until the test ends, when it must stop by itself on SIGTERM.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s ended before it was told to: %v\n%s", name, err, &p.log)
		}
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
			t.Errorf("%s does not stop", name)
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-p.ended
		}
		if p.err != nil {
			t.Errorf("%s: %v\n%s", name, p.err, &p.log)
		}
	})
	return p
}

// await asks until ready says so, for at most a minute, as long as the process runs.
func await(t *testing.T, p *process, ready func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not there: %v\n%s", p.name, err, &p.log)
		case <-p.ended:
			t.Fatalf("%s has ended: %v", p.name, p.err)
		case <-again.C:
		}
	}
}
