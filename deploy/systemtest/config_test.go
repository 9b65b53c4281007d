package systemtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaultyConfiguration: a program with a faulty file ends at once, with a code above zero, and tells every fault.
func TestFaultyConfiguration(t *testing.T) {
	for _, tc := range []struct {
		program string
		args    []string
		config  string
		want    []string
	}{
		{
			"lotkeeper-cloud", []string{"serve", "--config"},
			"data_dri: /srv\nhttp: {listn: ':80', listen: nowhere}\nbroker: {url: 'tcp://x', urll: y}\nlog: {level: loud}\npay: {wechat: {mch: 1}}\n",
			[]string{"data_dri", "http.listn", "http.listen", "broker.urll", "broker.url:", "log.level", "pay.wechat.mch"},
		},
		{
			"lotkeeper-edge", []string{"run", "--config"},
			"dat: /srv\nlisten: {consol: x, console: nowhere}\nphotos: {max_mb: 1}\nconsole: {operators: [{name: a, hsh: b}]}\n",
			[]string{"dat,", "listen.consol", "listen.console", "photos.max_mb", "console.operators[0].hsh", `operator "a"`},
		},
		{
			"lotsim", []string{"--config"},
			"sed: 7\nhttp: 10.0.0.1:80\ntraffic: {sped: 2, speed: 5000, mischief: {cash: 200}}\nlanes: [{name: a, dirr: entry, camera: x, board: y}]\n",
			[]string{"sed", "http:", "lines:", "traffic.sped", "traffic.speed:", "mischief.cash", "lanes[0].dirr", "lanes[0].dir:", "lanes[0].camera"},
		},
		{"lotkeeper-cloud", []string{"serve", "--config"}, "http: [1, 2\n", []string{"YAML"}},
		{"lotkeeper-edge", []string{"run", "--config"}, "listen: [1, 2\n", []string{"listen"}},
		{"lotsim", []string{"--config"}, "lanes: [1, 2\n", []string{"lotsim configuration"}},
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(tc.config), 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program(t, tc.program), append(tc.args, file)...)
		cmd.Stdout, cmd.Stderr = &said, &said
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() < 1 {
			t.Errorf("%s with %q: got %v, want an exit code above zero", tc.program, tc.config, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(said.String(), want) {
				t.Errorf("%s with %q: got %q, want it to name %q", tc.program, tc.config, said.String(), want)
			}
		}
		if strings.Contains(said.String(), "goroutine ") {
			t.Errorf("%s with %q: it panicked: %s", tc.program, tc.config, said.String())
		}
	}
}
