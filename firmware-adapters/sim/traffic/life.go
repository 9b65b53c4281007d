package traffic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lotkeeper/firmware-adapters/sim"
	"lotkeeper/shared/plate"
)

// entryPatience is how long a driver waits at an entry.
const entryPatience = 25 * time.Second

// life is a car's way in, its stay and its way out.
func (w *World) life(ctx context.Context, c *Car, entry *sim.Lane, stay time.Duration) {
	if !w.enter(ctx, c, entry) {
		return
	}
	if wait(ctx, stay) == nil && !w.calmed() {
		w.leave(ctx, c)
	}
}

// at says where a car stands and why; empty: nowhere.
func (w *World) at(c *Car, lane *sim.Lane, s State, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.State, c.Why = s, why
	if lane == nil {
		for name, other := range w.here {
			if other == c {
				delete(w.here, name)
				w.gone[name] = departure{c, w.o.Env.Now()}
			}
		}
		c.Lane = ""
		return
	}
	c.Lane = lane.Name
	w.here[lane.Name] = c
}

func (w *World) count(f func(*Report)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.report)
}

func (w *World) queue(c *Car, s State, lane *sim.Lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.State, c.Lane, c.Why = s, lane.Name, "queues"
}

// enter drives in; false when the car did not come in.
func (w *World) enter(ctx context.Context, c *Car, lane *sim.Lane) bool {
	v := &sim.Vehicle{ID: c.ID, Shown: c.Plate, Read: c.Plate, Confidence: 96}
	w.queue(c, Entering, lane)
	if lane.Arrive(ctx, v, func() { w.at(c, lane, Entering, "waits for the arm") }) != nil {
		return false
	}
	err := sim.ErrArmFell
	for errors.Is(err, sim.ErrArmFell) {
		up, cancel := context.WithTimeout(ctx, entryPatience)
		waited := lane.AwaitUp(up)
		cancel()
		if waited != nil || c.Kind == Reverse {
			w.turnBack(ctx, c, lane)
			return false
		}
		err = lane.Cross(ctx, nil, func() { w.at(c, nil, Inside, "") })
	}
	if err != nil {
		return false
	}
	w.mu.Lock()
	c.EnteredAt = w.o.Env.Now()
	w.report.Entries++
	w.mu.Unlock()
	return true
}

// turnBack backs out of the entry.
func (w *World) turnBack(ctx context.Context, c *Car, lane *sim.Lane) {
	w.at(c, lane, Entering, "backs out")
	_ = lane.BackOut(ctx, func() { w.at(c, nil, Turned, "") })
	if c.Kind == Reverse {
		w.count(func(r *Report) { r.Reversed++ })
	} else if ctx.Err() == nil {
		w.count(func(r *Report) { r.TurnedAway++ })
	}
}

// leave drives out, however often it takes.
func (w *World) leave(ctx context.Context, c *Car) {
	for try := 0; ctx.Err() == nil; try++ {
		lanes := w.dir(false)
		if len(lanes) == 0 {
			return
		}
		if w.exit(ctx, c, lanes[(try+len(c.Plate.Text))%len(lanes)]) {
			return
		}
		w.count(func(r *Report) { r.GaveUp++ })
		if wait(ctx, 10*time.Second) != nil || w.calmed() {
			return
		}
	}
}

// exit tries to leave by a lane; false when the driver gave up and backed out.
func (w *World) exit(ctx context.Context, c *Car, lane *sim.Lane) bool {
	v := &sim.Vehicle{ID: c.ID, Shown: c.Plate, Read: c.Plate, Confidence: 95}
	if c.Kind == Misread {
		v.Read, v.Confidence = confusable(c.Plate), 71
		w.mu.Lock()
		c.ReadAs = v.Read.Text
		w.report.Misread++
		w.mu.Unlock()
	}
	w.queue(c, Exiting, lane)
	if lane.Arrive(ctx, v, func() { w.at(c, lane, Exiting, "waits for the arm") }) != nil {
		return false
	}
	var tailgater *Car
	err := sim.ErrArmFell
	for errors.Is(err, sim.ErrArmFell) {
		if !w.settle(ctx, c, lane) {
			w.at(c, lane, Exiting, "backs out")
			_ = lane.BackOut(ctx, func() { w.at(c, nil, Inside, "") })
			return false
		}
		var follows *sim.Vehicle
		tailgater, follows = w.tailgater(lane)
		if err = lane.Cross(ctx, follows, func() { w.at(c, nil, Left, "") }); err != nil && tailgater != nil {
			w.stays(tailgater)
		}
	}
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.LeftAt = w.o.Env.Now()
	w.report.Exits++
	if tailgater != nil {
		tailgater.State, tailgater.Why, tailgater.LeftAt = Left, "", w.o.Env.Now()
		w.report.Exits++
		w.report.Tailgated++
	}
	return true
}

// settle waits for the arm; a driver who loses patience pays. False: the driver gave up.
func (w *World) settle(ctx context.Context, c *Car, lane *sim.Lane) bool {
	give, cancel := context.WithTimeout(ctx, w.cfg.Traffic.GiveUp)
	defer cancel()
	soon, done := context.WithTimeout(give, w.cfg.Traffic.Patience)
	err := lane.AwaitUp(soon)
	done()
	if err == nil {
		return true
	}
	up := make(chan struct{})
	go func() {
		defer close(up)
		err = lane.AwaitUp(give)
	}()
	defer func() { cancel(); <-up }()
	for {
		if err := w.pay(give, c, lane); err != nil && give.Err() == nil {
			w.o.Env.Log.Warn("payment failed", "car", c.ID, "lane", lane.Name, "pays", c.Pays, "err", err)
		}
		again := time.NewTimer(3 * time.Second)
		select {
		case <-up:
			again.Stop()
			return err == nil
		case <-again.C:
		}
	}
}

// pay pays by phone or at the booth; what was settled stays settled.
func (w *World) pay(ctx context.Context, c *Car, lane *sim.Lane) error {
	w.mu.Lock()
	settled := c.Settled
	w.mu.Unlock()
	if c.Pays == "nothing" {
		w.why(c, "does not pay")
		return nil
	}
	phone := c.Pays == "phone" && w.o.Payer != nil && !c.Plate.None()
	switch {
	case settled != "" && phone:
		return nil // the arm will come
	case phone:
		w.why(c, "pays by phone")
		paid, err := w.o.Payer.Pay(ctx, c.Plate, func() { w.settled(c, "phone") })
		return w.paid(c, paid, err, func(r *Report) { r.PhonePaid++ })
	case w.o.Till != nil:
		w.why(c, "pays in cash")
		how := ""
		before := settled
		paid, err := w.o.Till.Settle(ctx, lane.Name, c.Plate, func(h string) { how = h; w.settled(c, h) })
		if before != "" && errors.Is(err, errNotWaiting) {
			return nil // the arm will come
		}
		return w.paid(c, paid, err, func(r *Report) {
			if how == "cash" {
				r.CashPaid++
			}
		})
	}
	w.why(c, "waits for somebody to open")
	return nil
}

func (w *World) why(c *Car, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Why = why
}

// settled is called before the payment that may raise the arm.
func (w *World) settled(c *Car, how string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Settled = how
}

func (w *World) paid(c *Car, minor int64, err error, count func(*Report)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var refused *RefusedError
	switch {
	case err == nil:
		c.Why = "has paid, waits for the arm"
		c.Paid += minor
		w.report.PaidMinor += minor
		if minor > 0 {
			count(&w.report)
		}
	case errors.As(err, &refused):
		c.Settled = "" // it is certain that nothing was paid
	}
	return err
}

// tailgater finds a car that wants to follow through an exit without paying.
func (w *World) tailgater(*sim.Lane) (*Car, *sim.Vehicle) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.cars {
		if c.Kind == Tailgate && c.State == Inside && w.o.Env.Now().Sub(c.EnteredAt) > w.cfg.Traffic.StayMin {
			c.State, c.Why = Exiting, "follows another car"
			return c, &sim.Vehicle{ID: c.ID, Shown: c.Plate, Read: c.Plate, Confidence: 80}
		}
	}
	return nil, nil
}

// stays keeps a car that wanted to follow another inside.
func (w *World) stays(c *Car) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.State, c.Why = Inside, ""
}

// Arrive sends a car to a lane. At an exit it is the car with that plate, or a stranger.
func (w *World) Arrive(lane string, p plate.Plate, kind Kind, pays string) (string, error) {
	l := w.names[lane]
	if l == nil {
		return "", fmt.Errorf("there is no lane %q", lane)
	}
	w.mu.Lock()
	ctx := w.ctx
	if ctx == nil {
		w.mu.Unlock()
		return "", errors.New("lotsim is not running")
	}
	var c *Car
	for _, known := range w.cars {
		if !l.Entry && known.Plate == p && known.State == Inside {
			c = known
		}
	}
	if c == nil {
		w.make.count++
		c = &Car{ID: fmt.Sprintf("car-%04d", w.make.count), Plate: p, Kind: kind, Pays: pays}
		w.cars = append(w.cars, c)
	}
	if kind != "" {
		c.Kind = kind
	}
	if pays != "" {
		c.Pays = pays
	}
	id := c.ID
	w.drives.Add(1)
	w.mu.Unlock()
	go func() {
		defer w.drives.Done()
		if l.Entry {
			w.enter(ctx, c, l)
		} else {
			w.exit(ctx, c, l)
		}
	}()
	return id, nil
}
