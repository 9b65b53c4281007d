package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/session"
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
	a.lot.View(func(b *session.Book) { s.Inside = len(b.Inside()) })
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
