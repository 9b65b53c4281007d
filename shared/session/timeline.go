package session

import (
	"cmp"
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// sighting is an observation with what later facts say of it.
type sighting struct {
	fact   *entry
	at     time.Time
	dir    fact.Dir
	visit  Visit
	plate  plate.Plate
	device string // device and event, "" for a passage without a read
	tariff *fact.TariffRef
	flags  []Flag
	about  []*entry // every fact that names it, itself included
	last   *fact.Decision
	from   string
	held   bool // at an exit, and neither released nor gone
	marks
}

// timeline folds one vehicle's observations into its sessions.
func (b *Book) timeline(v *vehicle) []*Session {
	seen := b.sightings(v)
	var out []*Session
	events := map[string]*Session{} // device events already used
	for i := range seen {
		s := &seen[i]
		if s.held {
			if open := standing(out, s); open != nil && (b.version < 2 || !open.stillHeld(s)) {
				open.Held = &s.visit
			}
			continue
		}
		if to := s.joined(out); to != nil {
			to.join(out, s)
			continue
		}
		if s.device != "" && s.cut == nil {
			if again := events[s.device]; again != nil {
				again.merge(s)
				continue
			}
		}
		var in *Session
		switch s.dir {
		case fact.Entry:
			in, out = enter(out, s)
		case fact.Inner:
			in, out = cross(out, s)
		default:
			in, out = leave(out, s)
		}
		if s.device != "" {
			events[s.device] = in
		}
	}
	for i, s := range out {
		b.settle(s)
		s.Before = visits(out[:i], s)
	}
	return out
}

// sightings are a vehicle's observations that count, in the order of time.
func (b *Book) sightings(v *vehicle) []sighting {
	live := map[string]bool{} // device events that were also reported when they happened
	for id := range v.observations {
		if r, ok := b.facts[id].body.(fact.Read); ok && !r.Late {
			live[event(r)] = true
		}
	}
	var seen, stood []sighting
	for id := range v.observations {
		e := b.facts[id]
		r, ok := e.body.(fact.Read)
		if ok && r.Late && r.Event != "" && live[event(r)] {
			continue // the camera's memory of what the lane already judged
		}
		s, moved := b.sighting(e)
		if moved || s.held {
			seen = append(seen, s)
		}
		if !moved && ok && !r.Late && s.last != nil && b.version >= 2 {
			stood = append(stood, s)
		}
	}
	// What a camera remembers of a vehicle that the lane then judged, and that did not go through, is that it came.
	seen = slices.DeleteFunc(seen, func(s sighting) bool {
		return s.visit.Basis == Stored && slices.ContainsFunc(stood, func(l sighting) bool {
			return l.visit.Lane == s.visit.Lane && !clash(l.plate, s.plate) && l.at.Sub(s.at).Abs() <= DuplicateGap
		})
	})
	slices.SortFunc(seen, func(x, y sighting) int {
		return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.fact.HLC, y.fact.HLC), x.fact.id.Compare(y.fact.id))
	})
	return seen
}

// What of a vehicle's earlier visits its tariff may look at: those that ended at most VisitsFor before it came, and of
// them the latest.
const (
	VisitsFor  = 7 * 24 * time.Hour
	mostVisits = 20
)

// visits are the earlier visits that a tariff may look at: re-entries and maxima over a day are priced with them.
func visits(earlier []*Session, s *Session) (out []tariff.Visit) {
	for _, e := range slices.Backward(earlier) {
		if len(out) == mostVisits || s.Entry == nil {
			break
		}
		if e.Entry == nil || e.Exit == nil || e.Bill == nil || clash(e.Plate, s.Plate) {
			continue
		}
		if ago := s.Entry.At.Sub(e.Exit.At); ago >= 0 && ago <= VisitsFor {
			out = append(out, tariff.Visit{ID: e.ID.String(), Entry: e.Entry.At, Exit: e.Exit.At, Gross: e.Bill.Gross - e.Bill.Free})
		}
	}
	slices.Reverse(out)
	return out
}

// event names what a device said, across repetitions.
func event(r fact.Read) string { return r.Device + "\n" + r.Event }

// sighting gathers what is known of an observation. moved is false when the vehicle did not go through the lane: it was
// held, it backed out, or it never crossed.
func (b *Book) sighting(e *entry) (s sighting, moved bool) {
	s = sighting{fact: e, at: b.at(e), about: []*entry{e}, plate: e.ownPlate()}
	s.visit = b.End(e.clock(), e.At)
	s.visit.Fact = e.id
	switch body := e.body.(type) {
	case fact.Read:
		s.dir, s.visit.Lane, s.visit.Photos = body.Dir, body.Lane, body.Photos
		s.from, s.visit.Zone = body.From, body.To
		if body.Event != "" {
			s.device = event(body)
		}
	case fact.Passage:
		s.dir, s.visit.Lane = body.Dir, body.Lane
		s.from, s.visit.Zone = body.From, body.To
	case fact.Added:
		s.dir, s.visit.Lane, s.visit.Zone = body.Dir, body.Lane, body.To
	}
	if b.version < 2 {
		s.from, s.visit.Zone = "", ""
	}
	var decision, passage *entry
	for _, id := range b.byRef[e.id] {
		r := b.facts[id]
		if r.poor != nil || r.observes() || r.Kind == fact.KindRetold { // an end that is added, or what is told again, speaks for itself
			continue
		}
		s.about = append(s.about, r)
		switch {
		case r.says(fact.KindDecision, e.id) && (decision == nil || before(decision, r)):
			decision = r
		case r.says(fact.KindPassage, e.id) && (passage == nil || before(passage, r)):
			passage = r
		}
	}
	if last := b.lastWord(e.id); last != nil && last.Kind == fact.KindCorrected {
		s.plate = last.ownPlate()
		s.flags = append(s.flags, Renamed)
	} else if last != nil {
		s.plate.Colour = plate.ColourUnknown // whoever matched it knew better than the reader
		if last.Kind == fact.KindMatched {
			s.flags = append(s.flags, Paired)
		}
	}
	s.marks = b.marks(e, s.about)
	if decision != nil {
		d := decision.body.(fact.Decision)
		s.tariff, s.last = d.Tariff, &d
	}
	s.visit.Basis = basis(e, s.last, passage)
	s.held = s.dir == fact.Exit && s.visit.Basis == "" && passage == nil && s.last != nil && s.last.Action == fact.Hold
	return s, s.visit.Basis != ""
}

// basis says how it is known that an observed vehicle went through the lane; "" when it did not.
func basis(e *entry, decision *fact.Decision, passage *entry) Basis {
	switch p := e.body.(type) {
	case fact.Added:
		return Told
	case fact.Passage:
		if p.Outcome == fact.Passed {
			return Unread
		}
		return ""
	}
	switch {
	case passage != nil && passage.body.(fact.Passage).Outcome == fact.Passed:
		return Crossed
	case passage != nil:
		return ""
	case decision != nil && decision.Action == fact.Open:
		return Assumed
	case e.body.(fact.Read).Late:
		return Stored
	}
	return ""
}

// enter takes an entry into the timeline: a second reading of one that just was, or the begin of a session.
func enter(out []*Session, s *sighting) (*Session, []*Session) {
	if open := lastInside(out, s.plate); open != nil {
		if s.at.Sub(open.Entry.At) <= DuplicateGap && s.cut == nil {
			open.merge(s)
			return open, out
		}
		open.State = Lost
		open.flag(NoExit)
	}
	v := s.visit
	n := &Session{ID: s.fact.id, Plate: s.plate, State: Inside, Entry: &v, Tariff: s.tariff, Current: s.last}
	if s.last != nil {
		n.Uses = s.last.Uses
	}
	s.leavePayments(out)
	n.note(s)
	return n, append(out, n)
}

// leave takes an exit into the timeline: it closes the session inside, reads a closed one's exit again, or mints a
// session that has no entry.
func leave(out []*Session, s *sighting) (*Session, []*Session) {
	v := s.visit
	if s.cut != nil {
		return mint(out, s)
	}
	if open := s.leaves(out); open != nil {
		open.State, open.Exit, open.Held, open.Current = Left, &v, nil, s.last
		open.learn(s.plate)
		open.note(s)
		return open, out
	}
	for _, done := range slices.Backward(out) {
		if done.Exit != nil && !clash(done.Plate, s.plate) {
			if s.at.Sub(done.Exit.At) <= DuplicateGap {
				done.flag(Doubled)
				done.note(s)
				return done, out
			}
			break
		}
	}
	if was := s.pair(out); was != nil {
		was.revive()
		was.State, was.Exit, was.Held, was.Current = Left, &v, nil, s.last
		was.note(s)
		return was, out
	}
	return mint(out, s)
}

// mint begins a session with its exit.
func mint(out []*Session, s *sighting) (*Session, []*Session) {
	v := s.visit
	n := &Session{ID: s.fact.id, Plate: s.plate, State: Left, Exit: &v, Current: s.last}
	n.flag(NoEntry)
	s.leavePayments(out)
	n.note(s)
	return n, append(out, n)
}

func lastInside(out []*Session, p plate.Plate) *Session {
	for _, s := range slices.Backward(out) {
		if s.State == Inside && !clash(s.Plate, p) {
			return s
		}
	}
	return nil
}

// clash reports whether the colours of two readings of one text say that they are two vehicles.
func clash(a, b plate.Plate) bool {
	return a.Colour.Known() && b.Colour.Known() && a.Colour != b.Colour
}

// stillHeld reports whether a vehicle that is seen at an exit has not been away since it was held there before: nobody
// saw it leave, so it was read anew because the agent was started anew.
func (s *Session) stillHeld(again *sighting) bool {
	return s.Held != nil && s.Held.Lane == again.visit.Lane && again.at.Sub(s.Held.At) <= HeldFor
}

// merge takes another reading of the session's own entry.
func (s *Session) merge(again *sighting) {
	if id := again.fact.id; again.dir == fact.Entry && !s.Has(id) {
		s.alias(id)
	}
	s.flag(Doubled)
	s.learn(again.plate)
	s.note(again)
}

// learn takes a colour that an earlier reading did not know.
func (s *Session) learn(p plate.Plate) {
	if !s.Plate.Colour.Known() && p.Colour.Known() {
		s.Plate.Colour = p.Colour
	}
}

func (s *Session) flag(f Flag) {
	if i, has := slices.BinarySearch(s.Flags, f); !has {
		s.Flags = slices.Insert(s.Flags, i, f)
	}
}

// note takes over a sighting's flags and the facts about it.
func (s *Session) note(g *sighting) {
	for _, f := range g.flags {
		s.flag(f)
	}
	for _, f := range g.about {
		s.hold(f.id)
	}
}

// hold takes a fact among those that speak about the session.
func (s *Session) hold(id fact.ID) {
	if i, has := slices.BinarySearchFunc(s.Facts, id, fact.ID.Compare); !has {
		s.Facts = slices.Insert(s.Facts, i, id)
	}
}

func (s *Session) start() time.Time {
	if s.Entry != nil {
		return s.Entry.At
	}
	return s.Exit.At
}
