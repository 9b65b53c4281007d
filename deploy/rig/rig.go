// Package rig runs the whole system as real programs on loopback: the cloud with its Postgres and broker, the payment
// double, a lot's simulated hardware, and its two booths, entry and exit. The demonstration and the system tests start
// from it. Everything is set up the way a person would: over the command lines and the public API.
//
// The lot's two ways to the cloud (MQTT and photos) run through a link that can be cut.
package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Lot is the id of the rig's lot.
const Lot = "riverside"

// People of the rig. They are for demonstrations and tests only.
const (
	Operator = "Demo Parking 演示停车"
	Admin    = "admin"
	Seat     = "seat"
	Password = "lotkeeper-demo"
	Cashier  = "zhang"
	Code     = "246810"
)

// Options of a rig.
type Options struct {
	Dir   string    // for all data; must be empty or absent
	Bin   string    // folder of the programs
	Say   io.Writer // what is going on, for people; nil is silent
	Fixed bool      // use the well-known ports where they are free
	// Traffic is the traffic section of lotsim's configuration; nil sends no cars by itself.
	Traffic map[string]any
	Seed    uint64
	// Mosquitto runs one beside the cloud, with the files that lotkeeper-cloud broker-config writes, instead of the
	// embedded broker.
	Mosquitto bool
	// NoFree: also the shortest stay costs something; else stays up to 15 s are free. Traffic's free_for must say the same.
	NoFree bool
	// Library gives the operator a calendar and a library of tariffs, of which one is in use; else the lot has a tariff of
	// its own.
	Library bool
}

// Rig is a running system.
type Rig struct {
	options Options
	host    string

	CloudURL, SimURL, PayURL string
	OpsURL                   string
	BoothURL                 map[string]string // by booth
	Broker, Photos           *Link             // between the lot and the cloud

	addr      map[string]string // what listens where
	mu        sync.Mutex
	processes map[string]*Process
	argv      map[string][]string
	consoles  map[string]*API // signed in, by booth
	order     []string
}

// Booths of the rig's lot: the entry's and the exit's.
const (
	EntryBooth = "booth-a"
	ExitBooth  = "booth-b"
)

// Programs of the rig, by name.
const (
	Cloud   = "cloud"
	FakePay = "fakepay"
	Sim     = "lotsim"
	// Mosquitto runs only where the options ask for it.
	Mosquitto = "mosquitto"
)

func (r *Rig) say(format string, args ...any) {
	if r.options.Say != nil {
		fmt.Fprintf(r.options.Say, format+"\n", args...)
	}
}

// Start brings the system up. On an error everything that was started is stopped.
func Start(ctx context.Context, o Options) (_ *Rig, err error) {
	r := &Rig{options: o, addr: map[string]string{}, processes: map[string]*Process{}, argv: map[string][]string{}, consoles: map[string]*API{}, BoothURL: map[string]string{}}
	defer func() {
		if err != nil {
			r.Stop()
		}
	}()
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", o.Dir, err)
	}
	if err := r.reserve(); err != nil {
		return nil, err
	}
	if r.Broker, err = newLink(ctx, r.host, r.addr["broker"]); err != nil {
		return nil, err
	}
	if r.Photos, err = newLink(ctx, r.host, r.addr["devices"]); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		say string
		do  func(context.Context) error
	}{
		{"payment double", r.startFakePay},
		{"cloud, with its Postgres and broker", r.startCloud},
		{"lot's hardware (cameras, barriers, displays)", r.startSim},
		{"lot, tariff and people, over the API", r.seed},
		{"booths: enrolment", r.enrol},
		{"booths: agents", r.startBooths},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.say, err)
		}
		r.say("  %-46s %s", step.say, time.Since(began).Round(100*time.Millisecond))
	}
	return r, nil
}

// ports are the well-known ones, for addresses that people can remember.
var ports = map[string]int{
	"http": 8080, "ops": 9090, "fakepay": 8090, "sim": 8930, EntryBooth: 8101, ExitBooth: 8102,
	"broker": 0, "devices": 0, "cam-entry": 0, "cam-exit": 0, "board-entry": 0,
	EntryBooth + "-raft": 0, EntryBooth + "-peer": 0, ExitBooth + "-raft": 0, ExitBooth + "-peer": 0,
}

// reserve finds a free port for everything that listens.
func (r *Rig) reserve() error {
	r.host = "127.0.0.1"
	if !r.options.Fixed {
		// An address of its own: neither another rig nor a connection's own port takes what is free here.
		r.host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 2+rand.IntN(250))
	}
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for name, port := range ports {
		if !r.options.Fixed {
			port = 0
		}
		l, err := net.Listen("tcp", net.JoinHostPort(r.host, strconv.Itoa(port)))
		if err != nil && port != 0 {
			l, err = net.Listen("tcp", net.JoinHostPort(r.host, "0"))
		}
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		held = append(held, l)
		r.addr[name] = l.Addr().String()
	}
	r.CloudURL, r.OpsURL = "http://"+r.addr["http"], "http://"+r.addr["ops"]
	r.SimURL, r.PayURL = "http://"+r.addr["sim"], "http://"+r.addr["fakepay"]
	for _, b := range []string{EntryBooth, ExitBooth} {
		r.BoothURL[b] = "http://" + r.addr[b]
	}
	return nil
}

func (r *Rig) path(parts ...string) string {
	return filepath.Join(append([]string{r.options.Dir}, parts...)...)
}

func (r *Rig) bin(name string) string { return filepath.Join(r.options.Bin, name) }

// run starts a program of the rig under a name by which it can be killed and started again.
func (r *Rig) run(name string, argv ...string) (*Process, error) {
	p, err := start(r.options.Dir, name, argv...)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.argv[name]; !again {
		r.order = append(r.order, name)
	}
	r.processes[name], r.argv[name] = p, argv
	return p, nil
}

// Process returns a program of the rig.
func (r *Rig) Process(name string) *Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes[name]
}

// health is where a program says that it is ready.
func (r *Rig) health(name string) string {
	switch name {
	case Cloud:
		return r.OpsURL + "/readyz"
	case FakePay:
		return r.PayURL + "/healthz"
	case Sim:
		return r.SimURL + "/healthz"
	case Mosquitto:
		return "tcp://" + r.addr["broker"]
	}
	return r.BoothURL[name] + "/healthz"
}

// Kill ends a program as a power cut does.
func (r *Rig) Kill(name string) { r.Process(name).Kill() }

// Restart starts a killed program again and waits until it is ready.
func (r *Rig) Restart(ctx context.Context, name string) error {
	r.mu.Lock()
	argv := r.argv[name]
	r.mu.Unlock()
	p, err := r.run(name, argv...)
	if err != nil {
		return err
	}
	return p.ready(ctx, r.health(name))
}

// Cut cuts or mends the lot's ways to the cloud.
func (r *Rig) Cut(cut bool) {
	r.Broker.Set(cut)
	r.Photos.Set(cut)
}

// Died returns the name and end of a program that ended by itself, or "".
func (r *Rig) Died() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.order {
		if p := r.processes[name]; p.Ended() && !p.wanted.Load() {
			return fmt.Sprintf("%s ended by itself: %v; the end of %s:\n%s", name, p.err, p.log, p.tail())
		}
	}
	return ""
}

// StopOne asks one program to end.
func (r *Rig) StopOne(name string) { _ = r.Process(name).Stop(20 * time.Second) } // it is gone either way

// Programs lists what was started, in that order.
func (r *Rig) Programs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.order...)
}

// Stop ends everything, last started first.
func (r *Rig) Stop() {
	r.mu.Lock()
	order := append([]string(nil), r.order...)
	r.mu.Unlock()
	for i := len(order) - 1; i >= 0; i-- {
		r.StopOne(order[i])
	}
	for _, l := range []*Link{r.Broker, r.Photos} {
		if l != nil {
			l.Close()
		}
	}
}

// Digest is what a side holds, recomputed from its disk.
type Digest struct {
	Facts    int             `json:"facts"`
	FactsSum string          `json:"facts_digest"`
	Sessions string          `json:"sessions_digest"`
	Bills    string          `json:"bills_digest"`
	Sums     Sums            `json:"sums"`
	Cursors  map[string]Seq  `json:"cursors"` // by author
	Tables   json.RawMessage `json:"projection_equal,omitempty"`
}

// Seq is how far a log reaches. Booths print the number, the cloud prints it with the log's hash.
type Seq uint64

// UnmarshalJSON reads either form.
func (s *Seq) UnmarshalJSON(b []byte) error {
	var head struct {
		Seq uint64 `json:"seq"`
	}
	if json.Unmarshal(b, &head) == nil {
		*s = Seq(head.Seq)
		return nil
	}
	return json.Unmarshal(b, (*uint64)(s))
}

// Sums are totals over a side's sessions.
type Sums struct {
	Entries int   `json:"entries"`
	Exits   int   `json:"exits"`
	Closed  int   `json:"closed"`
	Billed  int64 `json:"billed"`
	Paid    int64 `json:"paid"`
	Free    int64 `json:"free"`
	Debt    int64 `json:"debt"`
	Excess  int64 `json:"excess"`
}

// BoothDigest recomputes what a booth holds; from its disk when its agent is stopped.
func (r *Rig) BoothDigest(ctx context.Context, booth string) (Digest, error) {
	return digest(ctx, r.bin("lotkeeper-edge"), "digest", "--config", r.path(booth+".yaml"))
}

// CloudDigest recomputes what the cloud holds, from the stored bytes.
func (r *Rig) CloudDigest(ctx context.Context) (Digest, error) {
	return digest(ctx, r.bin("lotkeeper-cloud"), "digest", "--lot", Lot, "--config", r.path("cloud.yaml"))
}

func digest(ctx context.Context, argv ...string) (Digest, error) {
	out, err := output(ctx, "", argv...)
	if err != nil {
		return Digest{}, err
	}
	var d Digest
	if err := json.Unmarshal(out, &d); err != nil {
		return Digest{}, fmt.Errorf("%s says %q: %w", argv[0], out, err)
	}
	return d, nil
}

// ErrUnequal says that two sides that should hold the same do not.
var ErrUnequal = errors.New("the sides hold different facts")

// Same compares what two sides hold.
func (d Digest) Same(other Digest) bool {
	return d.Facts == other.Facts && d.FactsSum == other.FactsSum && d.Sessions == other.Sessions && d.Bills == other.Bills
}

// Settle waits until both booths and the cloud hold the same facts, and returns the cloud's digest.
func (r *Rig) Settle(ctx context.Context, within time.Duration) (Digest, error) {
	var c Digest
	err := Until(ctx, within, func(ctx context.Context) error {
		var err error
		if c, err = r.CloudDigest(ctx); err != nil {
			return err
		}
		for _, b := range []string{EntryBooth, ExitBooth} {
			d, err := r.BoothDigest(ctx, b)
			if err != nil {
				return err
			}
			if !d.Same(c) {
				return fmt.Errorf("%w: %s has %d facts, the cloud %d", ErrUnequal, b, d.Facts, c.Facts)
			}
		}
		return nil
	})
	return c, err
}
