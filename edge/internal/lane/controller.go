package lane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"lotkeeper/edge/internal/device"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// RecordTimeout bounds how long a lane waits for its journal before the lot's policy decides.
const RecordTimeout = 200 * time.Millisecond

// Late is an error of Record that says: the disk has not answered yet. What becomes of the write is to be waited for.
type Late interface {
	error
	Await(ctx context.Context) (facts []fact.Fact, fold func() error, err error)
}

// Memory is what the booth knows and writes.
type Memory interface {
	// Record appends facts in one write and returns them once they are on the disk. Once fold was called, View has them.
	Record(ctx context.Context, compose func(id func(i int) fact.ID) []fact.Draft) (facts []fact.Fact, fold func() error, err error)
	View(func(*session.Book))
	// Terms are the configuration and the rights in force.
	Terms() (wire.Terms, bool)
}

// Barrier moves the arm.
type Barrier interface {
	Open(ctx context.Context) (driver.Outcome, error)
	Close(ctx context.Context) (driver.Outcome, error)
}

// Display shows and speaks.
type Display interface {
	Show(ctx context.Context, m driver.Message) (driver.Outcome, error)
}

// Camera takes a read when asked.
type Camera interface {
	Trigger(ctx context.Context) (driver.Outcome, error)
}

// Photos keeps pictures.
type Photos interface {
	Put(kind string, picture []byte, at time.Time) (fact.Photo, error)
}

// Options are a controller's surroundings. Barrier, Display, Camera, Photos, Live and Alarm may be nil.
type Options struct {
	Memory  Memory
	Events  <-chan device.Event // of all the lane's devices
	Changed <-chan struct{}     // the lot's facts or configuration changed
	Barrier Barrier
	Display Display
	Camera  Camera
	Photos  Photos
	Live    func(wire.Live) // told of every change; must not block
	// Alarm is told of what people must know; it may be told again of what it knows, and must not block.
	Alarm func(code, subject string, on bool, detail string)
	// Away says for how long the cloud has been away, 0 while it is there; nil: it never is.
	Away    func() time.Duration
	Signers Signers // of what is shown to the scanner
	Now     func() time.Time
	Mono    func() int64  // ns of this run's monotonic clock, above 0
	Clock   func() Moment // both and more, of one moment; nil: a clock that is never set
	Log     *slog.Logger
}

// Controller runs one lane.
type Controller struct {
	set   Setting
	o     Options
	asks  chan asked
	moves chan Moved
	stats stats

	mu      sync.Mutex
	live    wire.Live
	message Message

	// owned by Run
	state   State
	nextAsk uint64
	waiting map[uint64]chan Reply
	stored  []func() // what follows from facts on the disk and can wait for the barrier's command: fold them, count them
	writes  chan written
	awaited sync.WaitGroup // who waits for writes under way
	write   uint64         // counts them
	replies []func()       // told once the lane has come to rest, so that who is told sees what came of it
	held    []func()       // reads that the camera may forget once they are recorded
	barrier *hand
	display *hand
	camera  *hand
	album   *hand // stores pictures
}

// written is what became of a write that the lane did not wait for.
type written struct {
	in    Written
	facts []fact.Fact
	fold  func() error
}

type asked struct {
	ask   Ask
	reply chan Reply
	at    time.Duration // when, by this run's monotonic clock
}

// ErrStopped says that the lane is not running.
var ErrStopped = errors.New("the lane is not running")

// NewController checks what a lane needs. It starts nothing.
func NewController(s Setting, o Options) (*Controller, error) {
	switch {
	case s.Lane == "" || s.Boot == "" || s.Dir != fact.Entry && s.Dir != fact.Exit && s.Dir != fact.Both && s.Dir != fact.Inner:
		return nil, fmt.Errorf("lane %q: id, boot and direction are needed", s.Lane)
	case o.Memory == nil || o.Events == nil || o.Now == nil || o.Mono == nil || o.Log == nil:
		return nil, fmt.Errorf("lane %s: memory, events, clocks and logger are needed", s.Lane)
	}
	if o.Live == nil {
		o.Live = func(wire.Live) {}
	}
	if o.Alarm == nil {
		o.Alarm = func(string, string, bool, string) {}
	}
	c := &Controller{
		set: s, o: o, asks: make(chan asked, 16), moves: make(chan Moved, 2*handRoom), state: New(s), waiting: map[uint64]chan Reply{},
		writes: make(chan written), barrier: newHand(), display: newHand(), camera: newHand(), album: newHand(),
	}
	c.live = c.state.Live(c.moment()) // whoever asks before it runs is told which lane it is
	return c, nil
}

// Run drives the lane until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer c.awaited.Wait()
	defer cancel()
	for _, h := range []*hand{c.barrier, c.display, c.camera, c.album} {
		group.Go(func() { h.run(ctx) })
	}
	restate := time.NewTicker(liveEvery)
	defer restate.Stop()
	c.resume(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-c.o.Events:
			c.event(ctx, e)
		case a := <-c.asks:
			if c.moment().Mono-a.at > wire.CommandTTL { // whoever asked saw another lane, and may have gone
				a.reply <- Reply{Verdict: Expired, Text: textExpired}
				continue
			}
			c.nextAsk++
			a.ask.ID = c.nextAsk
			c.waiting[a.ask.ID] = a.reply
			c.feed(ctx, a.ask)
		case m := <-c.moves:
			c.feed(ctx, m)
		case w := <-c.writes:
			if w.fold != nil {
				c.keepStored(w.facts, w.fold)
			}
			c.feed(ctx, w.in)
		case <-c.o.Changed:
			c.feed(ctx, Changed{})
		case <-timer.C:
			c.feed(ctx, Tick{})
		case <-restate.C:
			c.publish()
		}
		if at := c.state.Wake(); at > 0 {
			timer.Reset(max(at-time.Duration(c.o.Mono()), time.Millisecond))
		} else {
			timer.Stop()
		}
	}
}

// resume takes up what the run before left: the vehicle that it had let pass, and the mode that the facts say the lane is
// in. How long it still lasts is judged by the wall clock: the
// monotonic one that it was set on ended with its run.
func (c *Controller) resume(ctx context.Context) {
	var m session.LaneMode
	var ok, let bool
	var u Unfinished
	c.o.Memory.View(func(b *session.Book) {
		m, ok = b.Mode(c.set.Lane)
		u, let = UnfinishedAt(b, c.set.Lane, c.o.Now())
	})
	if let {
		c.feed(ctx, u)
	}
	if !ok {
		return
	}
	lasts := time.Duration(m.Seconds) * time.Second
	left := min(lasts-c.o.Now().Sub(m.At), lasts) // a clock that went back makes it no longer
	c.feed(ctx, Resumed{Fact: m.Fact, Mode: m.Mode, Left: left, Passed: m.Passed})
}

// liveEvery is how often the lane's state is said again: an operator's command is judged by how old the view was.
const liveEvery = 2 * time.Second

func (c *Controller) moment() Moment {
	if c.o.Clock != nil {
		return c.o.Clock()
	}
	return Moment{Wall: c.o.Now(), Mono: time.Duration(c.o.Mono())}
}

// Do asks something of the lane and waits for what became of it. When ctx ends first, it may still happen.
func (c *Controller) Do(ctx context.Context, a Ask) (Reply, error) {
	reply := make(chan Reply, 1)
	select {
	case c.asks <- asked{a, reply, c.moment().Mono}:
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("lane %s: %w", c.set.Lane, ErrStopped)
	}
	select {
	case r := <-reply:
		return r, nil
	case <-ctx.Done():
		return Reply{Verdict: Unknown}, fmt.Errorf("lane %s did not answer: %w", c.set.Lane, ctx.Err())
	}
}

// Command carries out a command of the cloud.
func (c *Controller) Command(ctx context.Context, cmd wire.Command) wire.Result {
	ctx, cancel := context.WithTimeout(ctx, 2*device.CommandTimeout+RecordTimeout)
	defer cancel()
	a := Ask{Token: cmd.Token, By: cmd.By, Note: cmd.Reason, Command: &cmd}
	switch cmd.Action {
	case wire.OpenBarrier:
		a.Want = WantOpen
	case wire.CloseBarrier:
		a.Want = WantClose
	case wire.SetMode:
		a.Want = WantMode
		if cmd.Mode != nil {
			a.Mode = *cmd.Mode
		}
	case wire.CorrectPlate:
		a.Want = WantCorrect
		if cmd.Plate != nil {
			p, err := plate.Parse(cmd.Plate.Text, cmd.Plate.Colour)
			if err == nil {
				a.Plate = p
			}
		}
	}
	res := wire.Result{Command: cmd.ID, Lane: cmd.Lane}
	r, err := c.Do(ctx, a)
	if err != nil {
		res.Verdict, res.Text = string(Unknown), err.Error()
		return res
	}
	if r.Verdict == Invalid {
		r.Verdict = Refused
	}
	res.Verdict, res.Fact = string(r.Verdict), r.Fact
	if r.Text != (tariff.Text{}) {
		res.Text = r.Text.ZH + " / " + r.Text.EN
	}
	return res
}

// Live returns the lane's state as it was last told.
func (c *Controller) Live() wire.Live {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// Message returns what the display shows.
func (c *Controller) Message() Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.message
}

func (c *Controller) publish() {
	listed := c.state.Listed()
	c.o.Alarm(alarm.BlackList, c.set.Lane, listed != "", listed)
	l := c.state.Live(c.moment())
	c.mu.Lock()
	c.live = l
	c.mu.Unlock()
	c.o.Live(l)
}

// feed steps the lane with an input and does what it says, until nothing more follows.
func (c *Controller) feed(ctx context.Context, in Input) {
	queue := []Input{in}
	for len(queue) > 0 {
		in, queue = queue[0], queue[1:]
		var effects []Effect
		c.state, effects = Step(c.state, in, c.moment())
		for _, e := range effects {
			if more := c.perform(ctx, e); more != nil {
				queue = append(queue, more)
			}
		}
	}
	c.settle()
	c.publish()
	for _, tell := range c.replies {
		tell()
	}
	c.replies = nil
	if c.state.Pending == nil {
		for _, stored := range c.held {
			stored()
		}
		c.held = nil
	}
}

// settle does what recorded facts still ask for. It comes before anything reads what they change.
func (c *Controller) settle() {
	for _, do := range c.stored {
		do()
	}
	c.stored = nil
}

// perform does one effect and returns what follows from it at once, or nil.
func (c *Controller) perform(ctx context.Context, e Effect) Input {
	switch e := e.(type) {
	case Look:
		return Found{e.Query.Car, c.look(e.Query)}
	case Prove:
		return c.prove(e)
	case Record:
		return c.record(ctx, e)
	case Raise:
		return c.move(Moved{Command: "open", Car: e.Car, Read: e.Read, ByHand: e.ByHand})
	case Lower:
		return c.move(Moved{Command: "close", Car: e.Car, Read: e.Read, ByHand: e.ByHand})
	case Show:
		c.show(e.Message, e.Message.Voice)
	case Shoot:
		if c.o.Camera != nil {
			c.camera.give(func(ctx context.Context) { _, _ = c.o.Camera.Trigger(ctx) }) // an answer is a read
		}
	case Answer:
		if reply := c.waiting[e.Ask]; reply != nil {
			delete(c.waiting, e.Ask)
			c.replies = append(c.replies, func() { reply <- e.Reply })
		}
	}
	return nil
}

func (c *Controller) look(q Query) Finding {
	terms, ok := c.o.Memory.Terms()
	if !ok {
		return Finding{Trouble: "the lot has no configuration"}
	}
	c.settle()
	if c.o.Away != nil {
		q.Away = c.o.Away()
	}
	var f Finding
	c.o.Memory.View(func(b *session.Book) { f = Find(b, terms, q) })
	if f.Trouble != "" {
		c.o.Log.Error("cannot price", "lane", c.set.Lane, "session", f.Session.String(), "err", f.Trouble)
	}
	return f
}

func (c *Controller) prove(p Prove) Input {
	c.settle()
	proof := Proof{Trouble: textNotOurs}
	if terms, ok := c.o.Memory.Terms(); ok {
		c.o.Memory.View(func(b *session.Book) { proof = Scan(b, terms.Lot, c.o.Signers, p, c.o.Now()) })
	}
	return Proven{p.Ask, p.Car, proof}
}

func (c *Controller) record(ctx context.Context, r Record) Input {
	timed, cancel := context.WithTimeout(ctx, RecordTimeout)
	defer cancel()
	facts, fold, err := c.o.Memory.Record(timed, func(id func(int) fact.ID) []fact.Draft { return Resolve(r.Facts, id) })
	if err != nil {
		c.stats.failures.Add(1)
		c.o.Log.Error("facts are not recorded", "lane", c.set.Lane, "facts", len(r.Facts), "err", err)
		failed := Failed{Err: err, Then: r.Then, Facts: r.Facts}
		if late, ok := errors.AsType[Late](err); ok {
			c.write++
			failed.Write = c.write
			c.await(ctx, late, Written{Write: c.write, Then: r.Then})
		}
		return failed
	}
	c.keepStored(facts, fold)
	return Recorded{idsOf(facts), r.Then}
}

func idsOf(facts []fact.Fact) []fact.ID {
	ids := make([]fact.ID, len(facts))
	for i := range facts {
		ids[i] = facts[i].ID()
	}
	return ids
}

// await waits for a write under way while the lane goes on.
func (c *Controller) await(ctx context.Context, late Late, in Written) {
	c.awaited.Go(func() {
		facts, fold, err := late.Await(ctx)
		if err == nil {
			in.IDs = idsOf(facts)
		} else {
			fold = nil
		}
		select {
		case c.writes <- written{in, facts, fold}:
		case <-ctx.Done():
			if fold != nil {
				_ = fold() // the lane has ended; the lot must know all the same
			}
		}
	})
}

// keepStored notes what recorded facts still ask for.
func (c *Controller) keepStored(facts []fact.Fact, fold func() error) {
	c.stored = append(c.stored, func() {
		c.stats.count(facts)
		if err := fold(); err != nil {
			c.o.Log.Error("what was recorded is not folded yet", "lane", c.set.Lane, "err", err)
		}
	})
}

func (c *Controller) move(m Moved) Input {
	if c.o.Barrier == nil {
		m.Outcome, m.Err = driver.Refused, "the lane has no barrier"
		return m
	}
	given := c.barrier.give(func(ctx context.Context) {
		do := c.o.Barrier.Open
		if m.Command == "close" {
			do = c.o.Barrier.Close
		}
		out, err := do(ctx)
		if m.Outcome = out; err != nil {
			m.Err = err.Error()
			c.o.Log.Warn("barrier did not do it", "lane", c.set.Lane, "command", m.Command, "outcome", string(out), "err", err)
		}
		select {
		case c.moves <- m:
		case <-ctx.Done():
		}
	})
	if !given {
		m.Outcome, m.Err = driver.Refused, "the barrier has too much to do"
		return m
	}
	runtime.Gosched() // the command goes out before the lane goes on: no other processor must be woken for it
	return nil
}

func (c *Controller) show(m Message, voice string) {
	c.mu.Lock()
	c.message = m
	c.mu.Unlock()
	if c.o.Display == nil {
		return
	}
	c.display.replace(func(ctx context.Context) {
		// A display that did not answer shows what it will; its health tells people.
		_, _ = c.o.Display.Show(ctx, driver.Message{Lines: m.Lines, Voice: voice})
	})
}
