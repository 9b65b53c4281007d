package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// State implements [console.Booth].
func (a *Agent) State() console.State {
	s := console.State{At: a.clock.Now().UTC(), Lot: a.identity.Lot, Booth: a.identity.Booth, Software: a.o.Software, Boot: a.clock.Boot(), Lanes: []console.Lane{}}
	loc := time.UTC
	if c, ok := a.lot.Config(); ok {
		s.Config, s.Name, s.TZ, s.Currency, s.Capacity = c.Number, c.Name, c.TZ, c.Currency, c.Capacity
		if l, err := time.LoadLocation(c.TZ); err == nil {
			loc = l
		}
	}
	a.lot.View(func(b *session.Book) { s.Inside = b.InsideCount() })
	for _, u := range a.yard.list() {
		m, t := u.controller.Message(), u.controller.Stats()
		l := console.Lane{
			Live: u.controller.Live(), Name: u.lane.Name, Display: console.Screen{Lines: m.Lines, Voice: m.Voice, EN: m.En},
			Stats: console.Stats(t),
		}
		for _, d := range u.devices {
			l.Devices = append(l.Devices, d.Health())
		}
		s.Lanes = append(s.Lanes, l)
	}
	s.Sync = a.sync()
	if d, ok := a.desk.OnDuty(); ok {
		s.Duty = &console.Duty{Shift: d.ID, By: d.By, Since: d.From.UTC()}
	}
	s.Alarms, s.Clock = a.alarmList(), a.clockState()
	s.Words = s.Describe(loc)
	return s
}

func (a *Agent) sync() console.Sync {
	st := a.lot.Status()
	y := console.Sync{Author: a.journal.Author(), Facts: st.Facts, Poor: st.Poor, Alone: st.Alone, Since: a.began.UTC(), Photos: a.photos.Stats().Waiting, Peers: []console.Peer{}}
	y.Fewer, y.Lost = st.Fewer, st.Lost
	if r, ok := a.Rebuild(); ok {
		y.Takeover = &console.Takeover{Done: r.Done, Held: r.Held, Known: r.Known, Missing: r.Missing(), Unheard: r.Unheard}
	}
	if err := a.journal.Err(); err != nil {
		y.Journal = err.Error()
	}
	a.mu.Lock()
	y.Aside = a.kept
	u, x, m := a.uplink, a.peer, a.member
	a.mu.Unlock()
	y.Waiting = a.journal.Head().Seq
	if u != nil {
		t := u.Status()
		y.Cloud, y.Since, y.Heard, y.Waiting = t.Connected, t.Since.UTC(), t.Heard.UTC(), t.Waiting
	}
	if x != nil {
		for b, p := range x.Peers() {
			y.Peers = append(y.Peers, console.Peer{Booth: b, Reached: p.Reached.UTC(), Lacks: p.Lacks, Error: p.Error})
		}
		slices.SortFunc(y.Peers, func(p, q console.Peer) int { return strings.Compare(p.Booth, q.Booth) })
	}
	if m != nil {
		t := m.Status()
		y.Agreement, y.Leader, y.Behind = t.State, t.Leader, t.Behind
	}
	return y
}

// Ask implements [console.Booth].
func (a *Agent) Ask(ctx context.Context, id string, ask lane.Ask) (lane.Reply, bool, error) {
	u := a.yard.find(id)
	if u == nil {
		return lane.Reply{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := u.controller.Do(ctx, ask)
	return r, true, err
}

// Photo implements [console.Booth].
func (a *Agent) Photo(name string) ([]byte, error) { return a.photos.Read(name) }

// Changed implements [console.Booth].
func (a *Agent) Changed(ctx context.Context) <-chan struct{} { return a.bell.listen(ctx) }

// Slip implements [console.Booth].
func (a *Agent) Slip(id fact.ID) (out console.Slip, ok bool) {
	var s session.Session
	a.lot.View(func(b *session.Book) { s, ok = b.Session(id) })
	if !ok {
		return out, false
	}
	out = console.Slip{Session: s.ID, Plate: s.Plate, Gross: s.Money.Gross, Free: s.Money.Free, Debt: s.Money.Debt}
	if c, has := a.lot.Config(); has {
		out.Curr = c.Currency
	}
	if s.Entry != nil {
		out.Entered = &s.Entry.At
	}
	if s.Exit != nil {
		out.Left = &s.Exit.At
	}
	if b := s.Bill; b != nil {
		out.Lines, out.Tariff = b.Lines, fmt.Sprintf("%s v%d", b.Tariff, b.Version)
	}
	for _, p := range s.Pays {
		out.Pays = append(out.Pays, console.SlipPay{At: p.At, Method: p.Method, Amount: p.Amount, By: p.Operator})
	}
	return out, true
}

// staff are the people of the configuration in force.
func (a *Agent) staff() []wire.Staff {
	c, _ := a.lot.Config()
	return c.Staff
}

// Fault implements [console.Booth].
func (a *Agent) Fault() error {
	if err := a.journal.Err(); err != nil {
		return err
	}
	if _, ok := a.lot.Config(); !ok {
		return errors.New("the lot has no configuration yet")
	}
	return nil
}
