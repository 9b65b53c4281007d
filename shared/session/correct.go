package session

import (
	"cmp"
	"slices"

	"lotkeeper/shared/fact"
)

// marks are what people, or a match, say of an observation's place in its vehicle's timeline.
type marks struct {
	cut   *entry    // the last split at it: with it another session begins
	with  []fact.ID // observations of which a merge says that their session is the same
	match fact.ID   // the observation that the last match gives it to
}

// marks reads them from the facts about an observation.
func (b *Book) marks(e *entry, about []*entry) (m marks) {
	if b.version < 2 {
		return m
	}
	for _, f := range about {
		if f.says(fact.KindSplit, e.id) && (m.cut == nil || before(m.cut, f)) {
			m.cut = f
		}
	}
	var merges []*entry
	for _, f := range about {
		if _, ok := f.body.(fact.Merged); ok && !b.undone(f) {
			merges = append(merges, f)
		}
	}
	slices.SortFunc(merges, func(x, y *entry) int { // the last word first
		return cmp.Or(cmp.Compare(y.HLC, x.HLC), y.id.Compare(x.id))
	})
	for _, f := range merges {
		for _, r := range f.Refs[:2] {
			if r != e.id {
				m.with = append(m.with, r)
			}
		}
	}
	if last := b.lastWord(e.id); last != nil && last.Kind == fact.KindMatched {
		m.match = last.Refs[1]
	}
	return m
}

// undone reports whether a later split at either of its ends takes a merge back.
func (b *Book) undone(merge *entry) bool {
	for _, end := range merge.Refs[:2] {
		for _, id := range b.byRef[end] {
			if f := b.facts[id]; f.says(fact.KindSplit, end) && before(merge, f) {
				return true
			}
		}
	}
	return false
}

// holder returns the session that an observation is an end of, nil when none is.
func holder(of []*Session, id fact.ID) *Session {
	for _, s := range of {
		if s.holds(id) {
			return s
		}
	}
	return nil
}

// holds reports whether a fact speaks about the session.
func (s *Session) holds(id fact.ID) bool {
	_, has := slices.BinarySearchFunc(s.Facts, id, fact.ID.Compare)
	return has
}

// joined returns the session that a merge gives the sighting to, nil when none does. The one that comes later in time
// finds the other, so it does not matter which of them the merge names first.
func (s *sighting) joined(out []*Session) *Session {
	for _, id := range s.with {
		if to := holder(out, id); to != nil {
			return to
		}
	}
	return nil
}

// join takes a sighting into the session that a person said it is of: an exit ends it, an entry says that it went on.
func (s *Session) join(out []*Session, g *sighting) {
	v := g.visit
	s.reopen()
	s.flag(Joined)
	if !s.Has(g.fact.id) {
		s.alias(g.fact.id)
	}
	switch g.dir {
	case fact.Exit:
		s.State, s.Exit, s.Held, s.Current = Left, &v, nil, g.last
	case fact.Inner:
		s.move(g)
		fallthrough
	default:
		for _, x := range out {
			if x != s && x.State == Inside && !clash(x.Plate, s.Plate) {
				x.State = Lost
				x.flag(NoExit)
			}
		}
		s.State, s.Held = Inside, nil
		if s.Entry == nil {
			s.Entry, s.Tariff = &v, g.tariff
			s.drop(NoEntry)
		}
	}
	s.learn(g.plate)
	s.note(g)
}

// pair returns the closed session that a match gives an exit to, nil when there is none.
func (s *sighting) pair(out []*Session) *Session {
	if s.match.IsZero() {
		return nil
	}
	if p := holder(out, s.match); p != nil && p.State != Inside && p.Entry != nil {
		return p
	}
	return nil
}

// leaves returns the session inside that an exit ends.
func (s *sighting) leaves(out []*Session) *Session {
	if !s.match.IsZero() {
		if p := holder(out, s.match); p != nil && p.State == Inside {
			return p
		}
	}
	return lastInside(out, s.plate)
}

// standing returns the session inside of a vehicle that stands at an exit. One that a match gives to a session that had
// left has not left: it is here.
func standing(out []*Session, s *sighting) *Session {
	if open := s.leaves(out); open != nil {
		return open
	}
	was := s.pair(out)
	if was == nil || was.Exit != nil && s.at.Sub(was.Exit.At) <= DuplicateGap {
		return nil
	}
	was.revive()
	was.State = Inside
	return was
}

// revive says that a session went on after what looked like its end.
func (s *Session) revive() {
	if s.Exit != nil {
		s.flag(Revived)
	}
	s.reopen()
}

// reopen takes back how a session ended: the exit lapses, and its bill with it.
func (s *Session) reopen() {
	if s.Exit != nil {
		s.Lapsed = append(s.Lapsed, *s.Exit)
		s.Exit = nil
	}
	s.drop(NoExit)
}

// lapsed reports whether an exit turned out false.
func (s *Session) lapsed(exit fact.ID) bool {
	return slices.ContainsFunc(s.Lapsed, func(v Visit) bool { return v.Fact == exit })
}

// leavePayments gives what was paid before a split to the session that it is cut from: what is left with the sighting was
// paid afterwards.
func (s *sighting) leavePayments(out []*Session) {
	if s.cut == nil {
		return
	}
	s.flags = append(s.flags, Cut)
	var from *Session
	for _, o := range slices.Backward(out) {
		if !clash(o.Plate, s.plate) {
			from = o
			break
		}
	}
	if from == nil {
		return
	}
	from.flag(Cut)
	s.about = slices.DeleteFunc(s.about, func(f *entry) bool {
		switch f.body.(type) {
		case fact.Cash, fact.Payment:
			if before(f, s.cut) {
				from.hold(f.id)
				return true
			}
		}
		return false
	})
}

// void takes a person's word that nothing is demanded for the session. A vehicle that is said to be inside is not.
func (s *Session) void(e *entry, v fact.Voided) {
	if s.Void != nil {
		return // the first in the order of ids stands; they say the same
	}
	s.Void = &Void{Fact: e.id, At: e.At, By: v.By, Note: v.Note}
	s.flag(Voided)
	if s.State == Inside {
		s.State, s.Held = Lost, nil
	}
}

func (s *Session) alias(id ID) {
	s.Aliases = append(s.Aliases, id)
	slices.SortFunc(s.Aliases, fact.ID.Compare)
}

func (s *Session) drop(f Flag) {
	if i, has := slices.BinarySearch(s.Flags, f); has {
		s.Flags = slices.Delete(s.Flags, i, i+1)
	}
}
