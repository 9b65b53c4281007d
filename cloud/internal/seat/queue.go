package seat

import (
	"context"
	"time"

	"lotkeeper/cloud/internal/live"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/scope"
)

// Topic is the live topic of seats. What it carries differs with what its reader may see.
const Topic = "seat"

// Case is somebody who is held at a lane.
type Case struct {
	Lot   string    `json:"lot"`
	Lane  string    `json:"lane"`
	Since time.Time `json:"since"`
	Live  live.Lane `json:"live"`
}

type message struct {
	Topic string `json:"topic"`
	Type  string `json:"type"` // queue, result
	Data  any    `json:"data"`
}

// Queue returns who is held at the lanes that the scope sees, longest first.
func (s *Service) Queue(ctx context.Context, sc scope.Scope) ([]Case, error) {
	out := []Case{}
	seen := map[string]bool{}
	for _, l := range s.o.Live.Waiting() {
		sees, asked := seen[l.Lot]
		if !asked {
			var err error
			if sees, err = s.o.Lots.Sees(ctx, sc, id.Lot(l.Lot)); err != nil {
				return nil, err
			}
			seen[l.Lot] = sees
		}
		if sees {
			out = append(out, Case{l.Lot, l.Lane, *l.Live.Waiting, l})
		}
	}
	return out, nil
}

// Resolve names the topic for a principal: those who see the same lots share one.
func (s *Service) Resolve(p scope.Principal) string {
	sc := p.Scope()
	name := Topic + " " + sc.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes[name] = sc
	return name
}

// Follow says whether a principal may subscribe the queue.
func (s *Service) Follow(p scope.Principal) bool {
	return p.May(permission.LiveRead) && p.May(permission.BarrierOpen)
}

// Present tells a new subscriber the queue.
func (s *Service) Present(ctx context.Context, p scope.Principal, send func(any)) {
	s.tellQueue(ctx, s.Resolve(p), p.Scope(), func(m message) error { send(m); return nil })
}

// Waiting is told that the queue changed.
func (s *Service) Waiting(ctx context.Context, lot string) {
	for name, sc := range s.followers() {
		if sees, err := s.o.Lots.Sees(ctx, sc, id.Lot(lot)); err == nil && sees {
			s.tellQueue(ctx, name, sc, func(m message) error { return s.o.Hub.Send(name, m) })
		}
	}
}

// followers returns the scopes somebody watches with now, and forgets the others.
func (s *Service) followers() map[string]scope.Scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]scope.Scope{}
	for name, sc := range s.scopes {
		if s.o.Hub.Followed(name) {
			out[name] = sc
		}
	}
	if len(s.scopes) > 10_000 { // of many people with lots of their own who left
		clear(s.scopes)
		for name, sc := range out {
			s.scopes[name] = sc
		}
	}
	return out
}

func (s *Service) tellQueue(ctx context.Context, name string, sc scope.Scope, send func(message) error) {
	queue, err := s.Queue(ctx, sc)
	if err == nil {
		err = send(message{Topic, "queue", queue})
	}
	if err != nil {
		s.o.Log.WarnContext(ctx, "queue not shown", "topic", name, "err", err)
	}
}

// outcome is a command's result, for seats.
type outcome struct {
	Command string `json:"command"`
	Lot     string `json:"lot"`
	Lane    string `json:"lane"`
	Verdict State  `json:"verdict"`
	Text    string `json:"text"`
}

// show tells the seats that see its lot how a command stands.
func (s *Service) show(ctx context.Context, command string) {
	c, err := s.ByID(ctx, scope.System("show result"), command)
	if err != nil {
		s.o.Log.WarnContext(ctx, "result not shown", "command", command, "err", err)
		return
	}
	for name, sc := range s.followers() {
		if sees, err := s.o.Lots.Sees(ctx, sc, c.Lot); err != nil || !sees {
			continue
		}
		if err := s.o.Hub.Send(name, message{Topic, "result", outcome{c.ID, string(c.Lot), c.Lane, c.State, c.Detail}}); err != nil {
			s.o.Log.WarnContext(ctx, "result not shown", "command", command, "err", err)
		}
	}
}
