package session

import (
	"time"

	"lotkeeper/shared/fact"
)

// Move is a vehicle's passage from one zone of its lot into another. The visit's Zone is where it went.
type Move struct {
	Visit
	From string `json:"from"`
}

// Stay is a part of a session in one zone.
type Stay struct {
	Zone        string
	From, Until time.Time
}

// Zone returns the zone where the vehicle is, or was last; "" in a lot without zones.
func (s *Session) Zone() string {
	if n := len(s.Moves); n > 0 {
		return s.Moves[n-1].Zone
	}
	if s.Entry != nil {
		return s.Entry.Zone
	}
	return ""
}

// Stays returns how long the vehicle was in which zone, in the order of time, the last one up to at while it is inside. They
// join without a gap and sum to the session: where a passage was missed, the stay before it lasts until the next that was
// seen, and the session's flag says so.
func (s *Session) Stays(at time.Time) []Stay {
	if s.Entry == nil {
		return nil
	}
	if s.Exit != nil {
		at = s.Exit.At
	}
	out := []Stay{{Zone: s.Entry.Zone, From: s.Entry.At}}
	for _, m := range s.Moves {
		out[len(out)-1].Until = m.At
		out = append(out, Stay{Zone: m.Zone, From: m.At})
	}
	out[len(out)-1].Until = at
	return out
}

// cross takes a passage between zones into the timeline: the session inside goes on in another zone. A vehicle that nobody
// saw enter begins its session here, with what is known of it; one without a plate is nobody that could be found again.
func cross(out []*Session, s *sighting) (*Session, []*Session) {
	open := s.leaves(out)
	if open == nil && s.plate.None() {
		return nil, out
	}
	if open == nil || s.cut != nil {
		if open != nil {
			open.State = Lost
			open.flag(NoExit)
		}
		v := s.visit
		n := &Session{ID: s.fact.id, Plate: s.plate, State: Inside, Entry: &v, Tariff: s.tariff, Current: s.last}
		n.flag(NoEntry)
		s.leavePayments(out)
		n.note(s)
		return n, append(out, n)
	}
	if last := len(open.Moves) - 1; last >= 0 && open.Moves[last].Zone == s.visit.Zone && s.at.Sub(open.Moves[last].At) <= DuplicateGap {
		open.flag(Doubled)
	} else {
		open.move(s)
	}
	open.Held, open.Current = nil, s.last
	open.learn(s.plate)
	open.note(s)
	return open, out
}

// move takes a session into another zone.
func (s *Session) move(g *sighting) {
	if g.from != s.Zone() {
		s.flag(ZoneGap)
	}
	s.Moves = append(s.Moves, Move{Visit: g.visit, From: g.from})
}

// known reports whether a direction is one that these semantics know.
func known(d fact.Dir, version int) bool {
	return d == fact.Entry || d == fact.Exit || d == fact.Inner && version >= 2
}
