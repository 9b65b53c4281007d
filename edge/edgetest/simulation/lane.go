package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

var background = context.Background()

// control is a lane as its booth's process drives it: the effects of the lane's rules, done the way the controller does
// them, each at a boundary where the process may die.
type control struct {
	p     *process
	site  *site
	state lane.State
	wake  time.Duration // when a tick is due; 0: none
	asks  map[uint64]func(lane.Reply)
	asked uint64
}

// driveLanes takes up the lanes that the configuration gives to this booth, and lets go of the others.
func (p *process) driveLanes() { p.followConfig() }

func (p *process) followConfig() {
	c, ok := p.lot.Config()
	if !ok {
		return
	}
	for _, l := range c.Lanes {
		i := slices.IndexFunc(p.lanes, func(x *control) bool { return x.state.Lane == l.ID })
		switch {
		case l.Booth == p.b.id && i < 0:
			k := &control{
				p: p, site: p.b.w.siteOf(l.ID), asks: map[uint64]func(lane.Reply){},
				state: lane.New(lane.Setting{Lane: l.ID, Dir: l.Dir, Boot: p.boot, Devices: []string{"cam-" + l.ID, "gate-" + l.ID}}),
			}
			p.lanes = append(p.lanes, k)
			k.resume()
			k.feed(lane.Tick{})
			k.site.plugged(k)
		case l.Booth != p.b.id && i >= 0:
			p.lanes[i].site.unplugged(p.lanes[i])
			p.lanes = slices.Delete(p.lanes, i, i+1)
		}
	}
}

// resume takes up what the run before left at the lane, as the controller does.
func (k *control) resume() {
	var u lane.Unfinished
	var m session.LaneMode
	var let, mode bool
	k.p.lot.View(func(b *session.Book) {
		m, mode = b.Mode(k.state.Lane)
		u, let = lane.UnfinishedAt(b, k.state.Lane, k.p.b.clock())
	})
	if let {
		k.feed(u)
	}
	if mode {
		lasts := time.Duration(m.Seconds) * time.Second
		k.feed(lane.Resumed{Fact: m.Fact, Mode: m.Mode, Left: min(lasts-k.p.b.clock().Sub(m.At), lasts), Passed: m.Passed})
	}
}

func (k *control) moment() lane.Moment { return lane.Moment{Wall: k.p.b.clock(), Mono: k.p.mono()} }

// alive reports whether this control still drives its lane.
func (k *control) alive() bool { return k.p.alive() && slices.Contains(k.p.lanes, k) }

// soon feeds the lane in a while, if it is still driven then.
func (k *control) soon(d time.Duration, in func() lane.Input) {
	k.p.after(d, func() {
		if k.alive() {
			k.feed(in())
		}
	})
}

// feed steps the lane and does what the step says, until nothing more follows.
func (k *control) feed(in lane.Input) {
	inputs := []lane.Input{in}
	for len(inputs) > 0 {
		in, inputs = inputs[0], inputs[1:]
		before := k.state
		var effects []lane.Effect
		k.state, effects = lane.Step(k.state, in, k.moment())
		k.p.b.w.report.transition(&before, &k.state)
		for _, e := range effects {
			k.p.crashPoint("before " + name(e))
			if more := k.perform(e); more != nil {
				inputs = append(inputs, more)
			}
		}
	}
	k.p.settle()
	if at := k.state.Wake(); at != 0 && at != k.wake {
		k.wake = at
		k.p.b.w.after(max(at-k.p.mono(), time.Millisecond), func() {
			if k.alive() && k.wake == at {
				k.wake = 0
				k.feed(lane.Tick{})
			}
		})
	}
}

func name(e lane.Effect) string {
	switch e.(type) {
	case lane.Look:
		return "look"
	case lane.Record:
		return "record"
	case lane.Raise:
		return "raise"
	case lane.Lower:
		return "lower"
	case lane.Show:
		return "show"
	case lane.Shoot:
		return "shoot"
	}
	return "answer"
}

func (k *control) perform(e lane.Effect) lane.Input {
	switch e := e.(type) {
	case lane.Look:
		return lane.Found{Car: e.Query.Car, Finding: k.look(e.Query)}
	case lane.Record:
		return k.record(e)
	case lane.Raise:
		k.p.b.w.judgeRaise(k, e)
		k.site.raise(k, e)
	case lane.Lower:
		k.site.lower(k, e)
	case lane.Show:
		k.site.shown(e.Message)
	case lane.Shoot:
		k.site.shoot()
	case lane.Answer:
		if tell := k.asks[e.Ask]; tell != nil {
			delete(k.asks, e.Ask)
			k.p.b.w.after(0, func() { tell(e.Reply) })
		}
	}
	return nil
}

func (k *control) look(q lane.Query) (f lane.Finding) {
	c, ok := k.p.lot.Config()
	if !ok {
		return lane.Finding{Trouble: "the lot has no configuration"}
	}
	k.p.settle()
	k.p.lot.View(func(b *session.Book) { f = lane.Find(b, wire.Terms{Config: &c}, q) })
	return f
}

func (k *control) record(r lane.Record) lane.Input {
	facts, err := k.p.store(r.Facts, lane.Resolve)
	if err != nil {
		k.site.front.taint("journal")
		k.site.under.taint("journal")
		return lane.Failed{Err: err, Then: r.Then, Facts: r.Facts}
	}
	ids := make([]fact.ID, len(facts))
	for i := range facts {
		ids[i] = facts[i].ID()
		k.p.b.w.witness(k, &facts[i])
	}
	k.p.crashPoint("recorded, nothing done yet")
	return lane.Recorded{IDs: ids, Then: r.Then}
}

func (k *control) changed() { k.feed(lane.Changed{}) }

// ask lets a person or the cloud ask something of the lane.
func (k *control) ask(a lane.Ask, tell func(lane.Reply)) {
	k.asked++
	a.ID = k.asked
	k.asks[a.ID] = tell
	k.feed(a)
}

// command carries out a command of the cloud.
func (k *control) command(c wire.Command, tell func(lane.Reply)) {
	want := lane.WantOpen
	if c.Action == wire.CloseBarrier {
		want = lane.WantClose
	}
	k.ask(lane.Ask{Want: want, Token: c.Token, By: c.By, Note: c.Reason, Command: &c}, tell)
}

// barrier answers.
func (k *control) moved(command string, out driver.Outcome, car uint64, read fact.ID, byHand bool) func() lane.Input {
	return func() lane.Input {
		m := lane.Moved{Command: command, Outcome: out, Car: car, Read: read, ByHand: byHand}
		if out != driver.Done {
			m.Err = fmt.Sprint("simulated: ", out)
		}
		return m
	}
}
