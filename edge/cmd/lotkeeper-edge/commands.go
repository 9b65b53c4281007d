package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"lotkeeper/edge/internal/agent"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/edge/internal/systemd"
	"lotkeeper/shared/fact"
)

// settings are the flags that every command which needs the booth's configuration has.
type settings struct {
	Config   string `help:"The booth's own configuration file (YAML)." type:"path" env:"LOTKEEPER_EDGE_CONFIG" placeholder:"FILE"`
	Data     string `help:"Folder of the identity, the journal and the pictures (default /var/lib/lotkeeper-edge)." type:"path" env:"LOTKEEPER_EDGE_DATA" placeholder:"DIR"`
	Console  string `help:"Where the booth page listens (default 127.0.0.1:8600)." env:"LOTKEEPER_EDGE_CONSOLE" placeholder:"HOST:PORT"`
	Peer     string `help:"Where the exchange with the lot's other booths listens (default: as the lot's configuration says)." env:"LOTKEEPER_EDGE_PEER" placeholder:"HOST:PORT"`
	Raft     string `help:"Where the agreement between the booths listens (default: as the lot's configuration says)." env:"LOTKEEPER_EDGE_RAFT" placeholder:"HOST:PORT"`
	LogLevel string `help:"debug, info, warn or error (default info)." env:"LOTKEEPER_EDGE_LOG_LEVEL" placeholder:"LEVEL"`
	LogJSON  bool   `name:"log-json" help:"Write the log as JSON." env:"LOTKEEPER_EDGE_LOG_JSON"`
}

// strangers refuses variables that look like ours and are not.
func strangers(env []string) error {
	known := map[string]bool{"CONFIG": true, "DATA": true, "CONSOLE": true, "PEER": true, "RAFT": true, "LOG_LEVEL": true, "LOG_JSON": true, "CODE": true, "CLOUD": true}
	var faults []error
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if short, ours := strings.CutPrefix(name, "LOTKEEPER_EDGE_"); ours && !known[short] {
			faults = append(faults, fmt.Errorf("environment: %s is not a variable of lotkeeper-edge", name))
		}
	}
	return errors.Join(faults...)
}

// getenv reads the environment that the program was started with.
func (w world) getenv(name string) string {
	for _, e := range w.env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// load puts file and flags together and lists all faults.
func (s *settings) load() (agent.Config, error) {
	c := agent.Default()
	if s.Config != "" {
		var err error
		if c, err = agent.ReadConfig(s.Config); err != nil {
			return c, usageError{err}
		}
	}
	for _, f := range []struct {
		from string
		to   *string
	}{{s.Data, &c.Data}, {s.Console, &c.Listen.Console}, {s.Peer, &c.Listen.Peer}, {s.Raft, &c.Listen.Raft}, {s.LogLevel, &c.Log.Level}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if s.LogJSON {
		c.Log.Format = "json"
	}
	if err := c.Validate(); err != nil {
		return c, usageError{fmt.Errorf("configuration:\n%w", err)}
	}
	return c, nil
}

type runCommand struct {
	settings
	NoCheck bool `help:"Do not check the booth's files in a process of their own before they are opened."`
}

// Run implements the command.
func (r *runCommand) Run(w world) error {
	c, err := r.load()
	if err != nil {
		return err
	}
	log := c.Logger(w.err)
	o := agent.Options{Software: w.version, Built: built(), Now: time.Now, Log: log, Check: checkApart}
	if r.NoCheck {
		o.Check = nil
	}
	a, err := agent.New(c, o)
	if err != nil {
		return err
	}
	manager, err := systemd.FromEnv(w.getenv, os.Getpid(), log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.ctx)
	var told sync.WaitGroup
	told.Go(func() { manager.Run(ctx, systemd.Booth{Ready: a.Ready(), Status: a.Status, Stuck: a.Stuck}) })
	err = a.Run(ctx)
	cancel()
	told.Wait()
	if err != nil {
		return err
	}
	log.Info("booth stopped")
	return nil
}

// verdict is what a process that checks a file says of it.
type verdict struct {
	State string `json:"state"` // "sound", "damaged", "unknown"
	Error string `json:"error,omitempty"`
}

// checkApart checks a file in a process that can be lost: one that is cut short faults whoever maps it. Such an end is a
// verdict too.
func checkApart(ctx context.Context, path string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "check", "--file", path)
	cmd.Stdout, cmd.Stderr = &out, &errs
	ran := cmd.Run()
	var v verdict
	switch err := json.Unmarshal(out.Bytes(), &v); {
	case ctx.Err() != nil:
		return fmt.Errorf("check %s: %w", path, ctx.Err())
	case err == nil && v.State == "sound":
		return nil
	case err == nil && v.State == "damaged":
		return fmt.Errorf("check %s: %w: %s", path, disk.ErrDamaged, v.Error)
	case err == nil:
		return fmt.Errorf("check %s: %s", path, v.Error)
	case cmd.ProcessState == nil:
		return fmt.Errorf("check %s: %w", path, ran)
	}
	return fmt.Errorf("check %s: %w: the check itself died of it: %w: %.200s", path, disk.ErrDamaged, ran, firstLine(errs.String()))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

type enrollCommand struct {
	Cloud string `required:"" help:"The cloud's address." env:"LOTKEEPER_EDGE_CLOUD" placeholder:"URL"`
	Code  string `required:"" help:"The one-time code from the lot's page in the cloud." env:"LOTKEEPER_EDGE_CODE" placeholder:"CODE"`
	Data  string `help:"Folder of the identity, the journal and the pictures." type:"path" default:"/var/lib/lotkeeper-edge" env:"LOTKEEPER_EDGE_DATA" placeholder:"DIR"`
	CA    string `name:"ca" help:"PEM file of the authority of the cloud's own HTTPS certificate, when it is not a public one." type:"existingfile" placeholder:"FILE"`
}

// Run implements the command.
func (e *enrollCommand) Run(w world) error {
	id, err := e.enroll(w, enroll.Enroll)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "This machine is booth %s of lot %s now. Start it with: lotkeeper-edge run --data %s\n", id.Booth, id.Lot, e.Data)
	return nil
}

// enroll trades the code for an identity.
func (e *enrollCommand) enroll(w world, how enroll.Way) (*enroll.Identity, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.CA != "" {
		pem, err := os.ReadFile(e.CA)
		if err != nil {
			return nil, fmt.Errorf("read the authority: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", e.CA)
		}
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment}}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return how(ctx, client, strings.TrimRight(e.Cloud, "/"), e.Code, e.Data)
}

type checkCommand struct {
	Data string `help:"Folder of the journal." type:"path" default:"/var/lib/lotkeeper-edge" env:"LOTKEEPER_EDGE_DATA" placeholder:"DIR"`
	File string `help:"Check this one file as the agent does before it opens it, and print the verdict." type:"path" placeholder:"FILE"`
}

// Run implements the command.
func (k *checkCommand) Run(w world) error {
	if k.File != "" {
		return emit(w.out, sound(k.File))
	}
	r, err := journal.Check(filepath.Join(k.Data, "journal.db"))
	if err != nil {
		return err
	}
	return emit(w.out, r)
}

// sound never fails: what it finds is the verdict. A fault that can be caught is caught, so that the verdict is said.
func sound(path string) (v verdict) {
	debug.SetPanicOnFault(true)
	defer func() {
		if p := recover(); p != nil {
			v = verdict{"damaged", fmt.Sprint(p)}
		}
	}()
	switch err := journal.Sound(path); {
	case err == nil:
		return verdict{State: "sound"}
	case errors.Is(err, disk.ErrDamaged) || errors.Is(err, fact.ErrBroken):
		return verdict{"damaged", err.Error()}
	default:
		return verdict{"unknown", err.Error()}
	}
}

type digestCommand struct {
	settings
	URL string `help:"Ask the agent that runs at this console instead of reading the disk, http://host:port. Without it, the disk is read, and when the agent holds it locked its console is asked." placeholder:"URL"`
}

// Run implements the command.
func (d *digestCommand) Run(w world) error {
	c, err := d.load()
	if err != nil {
		return err
	}
	if d.URL != "" {
		return askDigest(w, d.URL)
	}
	c.Log.Level = "error"
	v, err := agent.DigestAt(c.Data, c.Logger(w.err))
	if err == nil {
		return emit(w.out, v)
	}
	host, port, splitErr := net.SplitHostPort(c.Listen.Console)
	if splitErr != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if askErr := askDigest(w, "http://"+net.JoinHostPort(host, port)); askErr != nil {
		return errors.Join(err, askErr)
	}
	return nil
}

func askDigest(w world, url string) error {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/api/digest", nil)
	if err != nil {
		return fmt.Errorf("ask the running agent: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running agent: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("ask the running agent: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the running agent: %s: %.200s", res.Status, body)
	}
	_, err = w.out.Write(body)
	return err
}

type operatorCommand struct {
	Name string `arg:"" help:"The operator's name."`
}

// Run implements the command.
func (o *operatorCommand) Run(w world) error {
	fmt.Fprintf(w.err, "Code for %s (6 characters or more), then Enter: ", o.Name)
	line, err := bufio.NewReader(io.LimitReader(w.in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the code: %w", err)
	}
	hash, err := console.HashCode(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(w.out, "console:\n  operators:\n    - name: %q\n      hash: %q\n", o.Name, hash)
	return nil
}

type versionCommand struct{}

// Run implements the command.
func (versionCommand) Run(w world) error {
	fmt.Fprintln(w.out, w.version)
	return nil
}

func emit(w io.Writer, v any) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
