package modbusbarrier_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/drivertest"
	"lotkeeper/firmware-adapters/modbusbarrier"
)

// server is the foreign end of the wire, in Python.
const server = "testdata/pymodbus_server.py"

// process runs a program until the test ends. A missing program fails the test: make setup installs it.
func process(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := os.Stat(server); err != nil { // also tells the go command that a kept result depends on it
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s (make setup installs it): %v", name, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// drive opens and closes a barrier that a foreign server plays.
func drive(t *testing.T, b *started) {
	t.Helper()
	must(t, "Open", b.Open, driver.Done)
	drivertest.Eventually(t, "the arm to be up", func() bool { return slices.Contains(b.arms(), driver.ArmUp) })
	must(t, "Close", b.Close, driver.Done)
	drivertest.Eventually(t, "the arm to be down again", func() bool {
		a := b.arms()
		return len(a) >= 3 && a[len(a)-1] == driver.ArmDown
	})
}

// py is Debian's interpreter, for which pymodbus is packaged; another in PATH may not have it.
const py = "/usr/bin/python3"

func TestAgainstPymodbusTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	process(t, py, server, "tcp", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	drivertest.Eventually(t, "pymodbus to listen", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	drive(t, start(t, map[string]any{"tcp": addr, "pulse_by": "write", "pulse": "200ms"}))
}

func TestAgainstPymodbusRTU(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := dir+"/ours", dir+"/theirs"
	process(t, "socat", "pty,raw,echo=0,link="+ours, "pty,raw,echo=0,link="+theirs)
	for _, p := range []string{ours, theirs} {
		drivertest.Eventually(t, "socat's "+p, func() bool {
			_, err := os.Stat(p)
			return err == nil
		})
	}
	process(t, py, server, "rtu", theirs)
	kv := map[string]any{"serial": ours, "pulse_by": "write", "pulse": "200ms", "timeout": "800ms"}
	drivertest.Eventually(t, "pymodbus to answer", func() bool { return answers(t, kv) })
	drive(t, start(t, kv))
}

// answers tries once whether a board answers: a server on a line cannot be seen to be ready.
func answers(t *testing.T, kv map[string]any) bool {
	t.Helper()
	b, err := modbusbarrier.New(settings(t, kv), drivertest.Env(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	said := false
	_ = b.Run(ctx, func(driver.Event) {
		said = true
		cancel()
	})
	return said
}
