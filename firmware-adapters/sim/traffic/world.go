package traffic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/plate"
)

// Payer pays a car's bill by phone. before is called just before the payment is made: from then on the arm may rise.
// A bill of nothing is no error; it returns 0.
type Payer interface {
	Pay(ctx context.Context, p plate.Plate, before func()) (minor int64, err error)
}

// Till is where a driver without a phone goes: the booth sorts the car out and takes cash. how is what was done.
type Till interface {
	Settle(ctx context.Context, lane string, p plate.Plate, before func(how string)) (minor int64, err error)
}

// Options are a world's surroundings. Payer and Till may be nil.
type Options struct {
	Env   sim.Env
	Payer Payer
	Till  Till
}

// World is a lot's lanes with the cars that use them.
type World struct {
	cfg   Config
	o     Options
	lanes []*sim.Lane
	names map[string]*sim.Lane

	mu     sync.Mutex
	make   *maker
	cars   []*Car
	here   map[string]*Car      // by lane: who stands there
	gone   map[string]departure // by lane: who stood there last
	asked  map[string]time.Time
	calm   bool // nobody sets out
	report Report
	wrong  []Wrong
	ctx    context.Context //nolint:containedctx // the life of Run, for cars that are sent over HTTP
	drives sync.WaitGroup
}

// departure is a car that has just left a lane.
type departure struct {
	car *Car
	at  time.Time
}

// Report is what happened so far.
type Report struct {
	WronglyOpened int   `json:"wrongly_opened"`
	Entries       int   `json:"entries"`
	Exits         int   `json:"exits"`
	Opened        int   `json:"opened"`
	ByHand        int   `json:"opened_by_hand"`
	TurnedAway    int   `json:"turned_away"`
	Reversed      int   `json:"reversed"`
	Tailgated     int   `json:"tailgated"`
	Misread       int   `json:"misread"`
	GaveUp        int   `json:"gave_up"`
	Crushed       int   `json:"crushed"`
	PhonePaid     int   `json:"phone_paid"`
	CashPaid      int   `json:"cash_paid"`
	PaidMinor     int64 `json:"paid_minor"`
	Inside        int   `json:"inside"`
	Waiting       int   `json:"waiting"`
}

// Wrong is an arm that rose without a reason.
type Wrong struct {
	At   time.Time `json:"at"`
	Lane string    `json:"lane"`
	Car  string    `json:"car,omitempty"`
	Why  string    `json:"why"`
}

// askedFor is how long an opening by hand that lotsim asked for is expected.
const askedFor = 60 * time.Second

// unseen is how long after a car backed out an agent may still act as if it were there: a poll and an exchange.
const unseen = 500 * time.Millisecond

// tolerance is the difference granted between the truth and what the devices' clocks make of it.
const tolerance = 3 * time.Second

// New makes a world on lanes; their Rose must be the world's [World.Rose].
func New(cfg Config, o Options) (*World, error) {
	m, err := newMaker(cfg.Seed, cfg.Traffic)
	if err != nil {
		return nil, err
	}
	return &World{cfg: cfg, o: o, make: m, names: map[string]*sim.Lane{}, here: map[string]*Car{}, gone: map[string]departure{}, asked: map[string]time.Time{}}, nil
}

// Add adds a lane. All lanes are added before Run.
func (w *World) Add(l *sim.Lane) {
	w.lanes = append(w.lanes, l)
	w.names[l.Name] = l
}

// Rose judges an arm that left its lower limit.
func (w *World) Rose(r sim.Rise) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Opened++
	if r.Button || r.At.Before(w.asked[r.Lane.Name]) {
		w.report.ByHand++
		if c := w.here[r.Lane.Name]; c != nil {
			c.opened(r.Lane.Entry)
		}
		return
	}
	c := w.here[r.Lane.Name]
	if d := w.gone[r.Lane.Name]; c == nil && r.At.Sub(d.at) <= unseen {
		c = d.car
	}
	why := ""
	switch {
	case c == nil:
		why = "nobody stands on the arrive loop"
	case !r.Lane.Entry && c.Settled == "" && !w.free(c, r.At):
		why = fmt.Sprintf("%s has not paid", c.ID)
	}
	if c != nil {
		c.opened(r.Lane.Entry)
	}
	if why != "" {
		w.report.WronglyOpened++
		wrong := Wrong{At: r.At, Lane: r.Lane.Name, Why: why}
		if c != nil {
			wrong.Car = c.ID
		}
		w.wrong = append(w.wrong, wrong)
		w.o.Env.Log.Error("wrongly opened", "lane", r.Lane.Name, "car", wrong.Car, "why", why)
	}
}

func (c *Car) opened(entry bool) {
	if entry {
		c.EntryOpen = true
	} else {
		c.ExitOpen = true
	}
}

// free says whether a car may leave without paying. A permit goes with the plate, whatever else is special about the
// car: one that came hours ago may have one too.
func (w *World) free(c *Car, at time.Time) bool {
	for _, p := range w.make.permits {
		if plate.SameVehicle(p, c.Plate) {
			return true
		}
	}
	return !c.EnteredAt.IsZero() && w.cfg.Traffic.FreeFor > 0 && at.Sub(c.EnteredAt) <= w.cfg.Traffic.FreeFor+tolerance
}

// Asked says that lotsim asked somebody to open a lane by hand.
func (w *World) Asked(lane string) error {
	if w.names[lane] == nil {
		return fmt.Errorf("there is no lane %q", lane)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[lane] = w.o.Env.Now().Add(askedFor)
	return nil
}

// Run runs the lanes and the traffic until ctx ends.
func (w *World) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.ctx = ctx
	w.mu.Unlock()
	ended := make(chan error, len(w.lanes))
	for _, l := range w.lanes {
		go func() {
			defer cancel()
			ended <- l.Run(ctx)
		}()
	}
	if !w.cfg.Traffic.Off {
		w.traffic(ctx)
	}
	<-ctx.Done()
	var errs []error
	for range w.lanes {
		errs = append(errs, <-ended)
	}
	w.mu.Lock()
	w.ctx = nil
	w.mu.Unlock()
	w.drives.Wait()
	return errors.Join(errs...)
}

// traffic sends cars until ctx ends.
func (w *World) traffic(ctx context.Context) {
	w.longStays(ctx)
	for {
		w.mu.Lock()
		gap := w.make.gap()
		full := w.inside() >= w.cfg.Traffic.MostInside
		w.mu.Unlock()
		if wait(ctx, gap) != nil {
			return
		}
		lanes := w.dir(true)
		if full || len(lanes) == 0 || w.calmed() {
			continue
		}
		w.mu.Lock()
		c := w.make.next(w.taken)
		stay := w.make.stay()
		lane := lanes[w.make.rnd.IntN(len(lanes))]
		w.cars = append(w.cars, c)
		w.mu.Unlock()
		w.drive(func() { w.life(ctx, c, lane, stay) })
	}
}

// drive runs one car's life beside.
func (w *World) drive(f func()) { w.drives.Go(f) }

// longStays puts cars into the memory of the entry cameras, with times hours ago, and sends them to the exit one by one.
func (w *World) longStays(ctx context.Context) {
	entries := w.dir(true)
	if len(entries) == 0 {
		return
	}
	now := w.o.Env.Now()
	for i := range w.cfg.Traffic.LongStays {
		w.mu.Lock()
		c := w.make.next(w.taken)
		c.Kind = LongStay
		if c.Plate.None() {
			c.Plate = w.make.plate()
		}
		c.State = Inside
		c.EnteredAt = now.Add(-time.Hour - time.Duration(w.make.rnd.Int64N(int64(8*time.Hour)))).Truncate(time.Second)
		stay := 12*time.Second + time.Duration(i)*time.Duration(float64(w.cfg.Traffic.Every)*2/w.cfg.Traffic.Speed)
		w.cars = append(w.cars, c)
		w.mu.Unlock()
		entries[i%len(entries)].Camera.Remember(sim.Reading{Plate: c.Plate, At: c.EnteredAt, Trigger: 1, Confidence: 96})
		w.drive(func() {
			if wait(ctx, stay) == nil && !w.calmed() {
				w.leave(ctx, c)
			}
		})
	}
}

// Calm stops cars from setting out, in or out, or lets them again. Those at the lanes finish what they are at.
func (w *World) Calm(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm = on
}

func (w *World) calmed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

func (w *World) dir(entry bool) []*sim.Lane {
	var out []*sim.Lane
	for _, l := range w.lanes {
		if l.Entry == entry {
			out = append(out, l)
		}
	}
	return out
}

// taken says whether a car with that plate is here; called with the mutex held.
func (w *World) taken(p plate.Plate) bool {
	for _, c := range w.cars {
		if c.Plate == p && c.State != Left && c.State != Turned {
			return true
		}
	}
	return false
}

func (w *World) inside() int {
	n := 0
	for _, c := range w.cars {
		if c.State == Inside || c.State == Exiting {
			n++
		}
	}
	return n
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
