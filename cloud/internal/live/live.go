// Package live shows people what goes on in lots now: the last state of each lane, counts, and events as they come in.
//
// What it promises:
//   - every replica hears every lane itself and keeps the last state in memory; nothing here is stored or decided upon;
//   - a browser that subscribes "lot:<lot>" is first told how things stand, under the same lock under which changes are
//     sent, so it never ends on an older state;
//   - events are made from committed facts: the cloud's own statements of its cursors say when there are new ones, and
//     the cursors say which, so none is shown twice or left out while somebody watches (a backlog is left out on purpose);
//   - who may not see a lot is not told that it exists.
package live

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/parking"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/wire"
)

const (
	// fresh is how old a fact may be and still be an event: a lot that was away sends its past.
	fresh = 2 * time.Minute
	// lanesMax bounds what one lot's booths can make us keep.
	lanesMax = 200
)

// Hub is the part of the websocket hub that live speaks to.
type Hub interface {
	Send(topic string, message any) error
	Followed(topic string) bool
}

// Options of a Service; all are required but OnWaiting.
type Options struct {
	DB   *database.DB
	Hub  Hub
	Lots *lot.Service
	Now  func() time.Time
	Log  *slog.Logger
	// OnWaiting is told that somebody began or ceased to wait at a lane of the lot, or that what is known of him changed.
	OnWaiting func(ctx context.Context, lot string)
}

// Service keeps the present.
type Service struct {
	o     Options
	store store

	mu      sync.Mutex
	lanes   map[place]Lane
	count   map[string]int // lanes kept of a lot
	offline map[place]bool // booths that said so; those that said nothing are not known to be away
	cursors map[string]exchange.Cursors
}

// place is a lane or a booth of a lot.
type place struct{ lot, name string }

// Lane is the last state of a lane.
type Lane struct {
	wire.Live
	Lot    string     `json:"-"`
	Booth  string     `json:"booth"`
	Online bool       `json:"booth_online"`
	SeenAt *time.Time `json:"seen_at" doc:"When it last spoke; null: not since the cloud started."`
}

// New makes the service; Run makes it listen.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Hub == nil || o.Lots == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("live: DB, Hub, Lots, Now and Log are required")
	}
	return &Service{
		o: o, store: store{o.DB}, lanes: map[place]Lane{}, count: map[string]int{}, offline: map[place]bool{}, cursors: map[string]exchange.Cursors{},
	}, nil
}

// Filters returns what Run wants to hear: the lanes at QoS 0, the cloud's own cursors at QoS 1; neither shared, since
// every replica has browsers of its own.
func Filters() (lanes, cursors string) { return wire.EveryLive, wire.Every(wire.CursorDown) }

// Run listens until the context ends.
func (s *Service) Run(ctx context.Context, lanes, cursors <-chan broker.Message) error {
	for {
		var err error
		var m broker.Message
		select {
		case <-ctx.Done():
			return nil
		case m = <-lanes:
			err = s.lane(ctx, m)
		case m = <-cursors:
			err = s.cursor(ctx, m)
		}
		if err != nil && ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "live message not shown", "topic", m.Topic, "err", err)
		}
	}
}

// Topic is the live topic of a lot.
func Topic(lot string) string { return "lot:" + lot }

// message is what browsers get.
type message struct {
	Topic string `json:"topic"`
	Type  string `json:"type"` // lane, counts, event
	Data  any    `json:"data"`
}

func (s *Service) lane(ctx context.Context, m broker.Message) error {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil {
		return err
	}
	l, err := wire.Decode[wire.Live](m.Payload)
	if err != nil {
		return err
	}
	if name, ok := t.Channel.Lane(); !ok || name != l.Lane {
		return errors.New("the state is of another lane than its topic")
	}
	heard := m.At.UTC()
	next := Lane{Live: l, Lot: t.Lot, Booth: t.Booth, Online: true, SeenAt: &heard}
	s.mu.Lock()
	at := place{t.Lot, l.Lane}
	before, had := s.lanes[at]
	if !had && s.count[t.Lot] >= lanesMax {
		s.mu.Unlock()
		return errors.New("the lot has too many lanes")
	}
	if !had {
		s.count[t.Lot]++
	}
	s.lanes[at] = next
	delete(s.offline, place{t.Lot, t.Booth}) // who speaks is there
	err = s.send(t.Lot, "lane", next)
	s.mu.Unlock()
	if s.o.OnWaiting != nil && waitingChanged(before.Live, l) {
		s.o.OnWaiting(ctx, t.Lot)
	}
	return err
}

func waitingChanged(a, b wire.Live) bool {
	if (a.Waiting == nil) != (b.Waiting == nil) {
		return true
	}
	return b.Waiting != nil && (a.Token != b.Token || a.Due != b.Due || a.Reason != b.Reason || a.Read != b.Read || a.Session != b.Session || a.Mono != b.Mono)
}

// send needs the lock.
func (s *Service) send(lot, kind string, data any) error {
	return s.o.Hub.Send(Topic(lot), message{Topic(lot), kind, data})
}

// Presence is told who came and went.
func (s *Service) Presence(lot, booth string, online bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if online {
		delete(s.offline, place{lot, booth})
	} else {
		s.offline[place{lot, booth}] = true
	}
	for at, l := range s.lanes {
		if at.lot == lot && l.Booth == booth && l.Online != online {
			l.Online = online
			s.lanes[at] = l
			if err := s.send(lot, "lane", l); err != nil {
				s.o.Log.Warn("presence not shown", "lot", lot, "booth", booth, "err", err)
			}
		}
	}
}

// Counts is how full a lot is.
type Counts struct {
	Inside   int `json:"inside"`
	Capacity int `json:"capacity"`
}

// cursor is told how far the cloud's copy of a lot's logs reaches, after each commit and every few seconds.
func (s *Service) cursor(ctx context.Context, m broker.Message) error {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil || !s.o.Hub.Followed(Topic(t.Lot)) {
		return err
	}
	c, err := wire.Decode[wire.Cursor](m.Payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	shown, known := s.cursors[t.Lot]
	if !known {
		s.cursors[t.Lot] = c.Cursors
	}
	s.mu.Unlock()
	if !known {
		return nil
	}
	needs := c.Cursors.Lacks(shown)
	if len(needs) == 0 {
		return nil
	}
	events, err := s.store.events(ctx, t.Lot, needs, s.o.Now().Add(-fresh))
	if err != nil {
		return err
	}
	counts, err := s.store.counts(ctx, t.Lot)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := shown.Clone()
	for _, n := range needs {
		next[n.Author] = c.Cursors[n.Author]
	}
	s.cursors[t.Lot] = next
	errs := []error{s.send(t.Lot, "counts", counts)}
	for _, e := range events {
		errs = append(errs, s.send(t.Lot, "event", e))
	}
	return errors.Join(errs...)
}

// Event is something that happened, in plain words.
type Event struct {
	At     time.Time    `json:"at"`
	Kind   string       `json:"kind"`
	Lane   string       `json:"lane,omitempty"`
	Plate  string       `json:"plate,omitempty"`
	Text   parking.Text `json:"text"`
	Amount money.Amount `json:"amount,omitempty"`
}

// eventOf makes an event of a fact worth one.
func eventOf(f *fact.Fact, cur money.Currency) (Event, bool) {
	e := Event{At: f.At, Kind: string(f.Kind), Text: parking.Sentence(f, cur)}
	switch f.Kind {
	case fact.KindPassage:
		b, err := fact.Decode[fact.Passage](f)
		e.Lane = b.Lane
		return e, err == nil
	case fact.KindDecision:
		b, err := fact.Decode[fact.Decision](f)
		e.Lane, e.Amount = b.Lane, b.Due
		return e, err == nil && (b.Action == fact.Hold || b.By != "")
	case fact.KindCash:
		b, err := fact.Decode[fact.Cash](f)
		e.Lane, e.Amount = b.Lane, b.Amount
		return e, err == nil
	case fact.KindPayment:
		b, err := fact.Decode[fact.Payment](f)
		e.Amount = b.Amount
		return e, err == nil
	case fact.KindProved:
		b, err := fact.Decode[fact.Proved](f)
		e.Lane, e.Amount = b.Lane, b.Amount
		return e, err == nil
	case fact.KindPromised:
		b, err := fact.Decode[fact.Promised](f)
		e.Lane, e.Amount = b.Lane, b.Amount
		return e, err == nil
	case fact.KindBarrier:
		b, err := fact.Decode[fact.Barrier](f)
		e.Lane = b.Lane
		return e, err == nil && b.Outcome != "done"
	case fact.KindCommand:
		b, err := fact.Decode[fact.Command](f)
		e.Lane = b.Lane
		return e, err == nil
	case fact.KindCorrected, fact.KindMatched:
		return e, true
	}
	return e, false
}

// Follow says whether a principal may subscribe a lot's topic.
func (s *Service) Follow(ctx context.Context, p scope.Principal, name string) bool {
	sees, err := s.o.Lots.Sees(ctx, p.Scope(), id.Lot(strings.ReplaceAll(name, "\x00", "")))
	return err == nil && sees
}

// Present tells a new subscriber of a lot how things stand.
func (s *Service) Present(ctx context.Context, lot string, send func(any)) {
	counts, err := s.store.counts(ctx, lot)
	var cursors exchange.Cursors
	if err == nil {
		cursors, err = s.store.cursors(ctx, lot)
	}
	if err != nil {
		s.o.Log.WarnContext(ctx, "a browser waits for the next count", "lot", lot, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.cursors[lot]; !known && err == nil {
		s.cursors[lot] = cursors
	}
	for _, l := range s.of(lot) {
		send(message{Topic(lot), "lane", l})
	}
	if err == nil {
		send(message{Topic(lot), "counts", counts})
	}
}

// of needs the lock.
func (s *Service) of(lot string) []Lane {
	var out []Lane
	for at, l := range s.lanes {
		if at.lot == lot {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Lane) int { return strings.Compare(a.Lane, b.Lane) })
	return out
}

// Lanes returns the last states of a lot's lanes, by name.
func (s *Service) Lanes(lot string) []Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(lot)
}

// Waiting returns the lanes of all lots where somebody is held, longest first.
func (s *Service) Waiting() []Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Lane
	for _, l := range s.lanes {
		if l.Live.Waiting != nil {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Lane) int {
		if c := a.Live.Waiting.Compare(*b.Live.Waiting); c != 0 {
			return c
		}
		return strings.Compare(a.Lot+"/"+a.Lane, b.Lot+"/"+b.Lane)
	})
	return out
}

// Online tells whether a booth is not known to be away.
func (s *Service) Online(lot, booth string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.offline[place{lot, booth}]
}
