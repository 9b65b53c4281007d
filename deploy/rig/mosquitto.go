package rig

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startMosquitto runs one with the files that the cloud writes for it, if the options ask for one.
func (r *Rig) startMosquitto(ctx context.Context, cloudConfig string) error {
	if !r.options.Mosquitto {
		return nil
	}
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // where Debian puts it, outside many people's PATH
	}
	host, port, err := net.SplitHostPort(r.addr["broker"])
	if err != nil {
		return fmt.Errorf("address of the broker: %w", err)
	}
	dir := r.path("broker-config")
	if _, err := output(ctx, "", r.bin("lotkeeper-cloud"), "broker-config", "--config", cloudConfig, "--out", dir, "--hosts", host, "--port", port); err != nil {
		return err
	}
	file := filepath.Join(dir, "mosquitto.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read what broker-config wrote: %w", err)
	}
	conf := strings.Replace(string(text), "listener "+port, "listener "+port+" "+host, 1)
	if os.Getuid() == 0 {
		conf += "user root\n" // else it becomes a user that cannot read the rig's folder
	}
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	p, err := r.run(Mosquitto, program, "-c", file)
	if err != nil {
		return err
	}
	return p.ready(ctx, r.health(Mosquitto))
}
