// Lotsim runs a whole lot's hardware and traffic: cameras, barriers, loops and displays on their real wires, with cars
// from a seed. It prints where each device is reached and judges every arm that rises.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/firmware-adapters/sim/traffic"
)

// version is set by the linker.
var version = "" //nolint:gochecknoglobals // the linker can set nothing else

const help = `Runs a parking lot's hardware and traffic.

Every lane gets a 臻识 plate camera (TCP), a barrier on a Modbus board (TCP, or RTU on a serial line) and a 方控 display
(serial line). An agent connects to them as to the real ones. Cars come from the seed; the control API on loopback
sends more, breaks things, and tells the truth:

  GET  /state /truth /report /healthz
  POST /arrive   {"lane","plate","colour","kind","pays"}
  POST /loop     {"lane","input","on"}          POST /tear {"lane"}
  POST /power    {"lane","device","off"}        POST /link {"lane","device"}
  POST /misread  {"lane","plate"}               POST /remember {"lane","plate","at"}
  POST /calm     {"on"}     nobody sets out any more; those at the lanes finish
  POST /asked    {"lane"}   somebody was asked to open this lane by hand

Write a configuration to start from with: lotsim --sample > lotsim.yaml`

type flags struct {
	Config  string           `short:"c" help:"Configuration file (YAML)." type:"existingfile" env:"LOTSIM_CONFIG"`
	Seed    *uint64          `help:"Seed of the traffic, instead of the configuration's." env:"LOTSIM_SEED"`
	Speed   *float64         `help:"Speed of the traffic, instead of the configuration's." env:"LOTSIM_SPEED"`
	Quiet   bool             `help:"Send no cars but those asked for over HTTP."`
	Sample  bool             `help:"Print a sample configuration and stop."`
	Check   bool             `help:"Check the configuration and stop."`
	Debug   bool             `help:"Log more."`
	Version kong.VersionFlag `help:"Print the version and stop."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("lotsim"), kong.Description(help), kong.Vars{"version": versionText()})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f, os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "lotsim:", err)
		os.Exit(1)
	}
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// run does everything until ctx ends.
func run(ctx context.Context, f flags, out, logs io.Writer) error {
	if f.Sample {
		_, err := io.WriteString(out, sample)
		return err
	}
	if f.Config == "" {
		return errors.New("--config is required; --sample prints one to start from")
	}
	doc, err := os.ReadFile(f.Config)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := traffic.Parse(doc)
	if err != nil || f.Check {
		return err
	}
	if f.Seed != nil {
		cfg.Seed = *f.Seed
	}
	if f.Speed != nil {
		if *f.Speed < 0.01 || *f.Speed > 1000 {
			return fmt.Errorf("--speed %v is not from 0.01 to 1000", *f.Speed)
		}
		cfg.Traffic.Speed = *f.Speed
	}
	cfg.Traffic.Off = cfg.Traffic.Off || f.Quiet
	level := slog.LevelInfo
	if f.Debug {
		level = slog.LevelDebug
	}
	env := sim.Env{Log: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: level})), Now: time.Now}
	return lot(ctx, cfg, env, out)
}

// lot builds the lot and runs it.
func lot(ctx context.Context, cfg traffic.Config, env sim.Env, out io.Writer) (err error) {
	client := &http.Client{Timeout: 15 * time.Second}
	o := traffic.Options{Env: env}
	if cfg.Cloud != "" {
		o.Payer = traffic.Phone{Cloud: cfg.Cloud, FakePay: cfg.FakePay, Lot: cfg.Lot, HTTP: client}
	}
	if cfg.Cashier.Name != "" {
		o.Till = traffic.NewBooth(cfg, client, env.Now)
	}
	w, err := traffic.New(cfg, o)
	if err != nil {
		return err
	}
	painter, err := sim.NewPainter()
	if err != nil {
		return err
	}
	var open []io.Closer
	defer func() {
		for _, c := range open {
			if cerr := c.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
				err = errors.Join(err, cerr)
			}
		}
	}()
	var devices []device
	for _, l := range cfg.Lanes {
		lane, where, closers, err := build(l, cfg.Lines, painter, w, env)
		open = append(open, closers...)
		if err != nil {
			return fmt.Errorf("lane %s: %w", l.Name, err)
		}
		w.Add(lane)
		devices = append(devices, where)
	}
	api, err := net.Listen("tcp", cfg.HTTP)
	if err != nil {
		return fmt.Errorf("control API: %w", err)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"http": "http://" + api.Addr().String(), "lanes": devices}); err != nil {
		return errors.Join(err, api.Close())
	}
	return serve(ctx, w, api)
}

// serve runs the world and its API until ctx ends.
func serve(ctx context.Context, w *traffic.World, api net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() {
		defer cancel()
		served <- server.Serve(api)
	}()
	err := w.Run(ctx)
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer done()
	err = errors.Join(err, server.Shutdown(stop))
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

// device tells where a lane's devices are reached.
type device struct {
	Name    string `json:"name"`
	Dir     string `json:"dir"`
	Camera  string `json:"camera"`
	Board   string `json:"board"`
	Display string `json:"display"`
}

func build(l traffic.Lane, lines string, painter *sim.Painter, w *traffic.World, env sim.Env) (*sim.Lane, device, []io.Closer, error) {
	var open []io.Closer
	d := device{Name: l.Name, Dir: l.Dir}
	cfg := sim.LaneConfig{Name: l.Name, Entry: l.Dir == "entry", Travel: l.Travel, Painter: painter, Rose: w.Rose}
	var err error
	if cfg.Camera, err = net.Listen("tcp", l.Camera); err != nil {
		return nil, d, open, err
	}
	open = append(open, cfg.Camera)
	d.Camera = cfg.Camera.Addr().String()
	if l.Board == "serial" {
		if cfg.BoardTo, err = sim.OpenLine(filepath.Join(lines, l.Name+"-board")); err != nil {
			return nil, d, open, err
		}
		open = append(open, cfg.BoardTo)
		d.Board = cfg.BoardTo.Path()
	} else {
		if cfg.Board, err = net.Listen("tcp", l.Board); err != nil {
			return nil, d, open, err
		}
		open = append(open, cfg.Board)
		d.Board = cfg.Board.Addr().String()
	}
	if cfg.Display, err = sim.OpenLine(filepath.Join(lines, l.Name+"-display")); err != nil {
		return nil, d, open, err
	}
	open = append(open, cfg.Display)
	d.Display = cfg.Display.Path()
	return sim.NewLane(cfg, env), d, open, nil
}
