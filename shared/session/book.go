package session

import (
	"cmp"
	"slices"
	"strings"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// Key names a vehicle within a lot: its plate's text, or "#" and an observation's id when it shows no plate. Colours
// are told apart inside a key's timeline, because an unknown colour may be either.
type Key string

// Book is the fold of a growing set of facts. It re-folds only the vehicles that a fact touches. It is not safe for
// concurrent use. The zero Book is not usable; see [NewBook].
type Book struct {
	version  int
	facts    map[fact.ID]*entry
	byRef    map[fact.ID][]fact.ID // facts that name a fact in Refs
	vehicles map[Key]*vehicle
	keys     map[fact.ID]Key // of observations
	sessions map[ID]*Session // by id and alias
	clocks   map[Clock]offset
	timed    map[Clock][]fact.ID // facts whose time counts, by the clock they are on
	modes    map[string]*entry   // the last mode that each lane was set to
	inside   map[string]int      // sessions inside, by the zone they are in
	poor     []Poor
	said     map[fact.Kind][]fact.ID // of the kinds in kept
	retold   map[fact.ID]struct{}    // facts known only because they were told again
}

// kept are kinds that speak of no vehicle and that people ask for by their kind.
var kept = map[fact.Kind]bool{fact.KindShiftOpened: true, fact.KindShiftClosed: true}

// Poor is a fact that the fold cannot read: stored and sent like any other, but without effect. Somebody should look.
type Poor struct {
	ID    fact.ID
	Cause error
}

type vehicle struct {
	observations map[fact.ID]struct{}
	sessions     []*Session // in the order of time
}

// NewBook returns the fold of no facts, by the present semantics.
func NewBook() *Book { return NewBookOf(Version) }

// NewBookOf returns the fold of no facts by the semantics of a version from 1 to [Version]: what an earlier release made
// of the same facts, with its digests.
func NewBookOf(version int) *Book {
	return &Book{
		version: version,
		facts:   map[fact.ID]*entry{}, byRef: map[fact.ID][]fact.ID{}, vehicles: map[Key]*vehicle{},
		keys: map[fact.ID]Key{}, sessions: map[ID]*Session{}, clocks: map[Clock]offset{},
		timed: map[Clock][]fact.ID{}, modes: map[string]*entry{}, inside: map[string]int{}, said: map[fact.Kind][]fact.ID{},
		retold: map[fact.ID]struct{}{},
	}
}

// Fold returns the book of a set of facts.
func Fold(facts []fact.Fact) *Book {
	b := NewBook()
	b.Add(facts...)
	return b
}

// Add takes facts into the book and returns the keys of the vehicles whose sessions may have changed, sorted. Facts it
// already has are passed over.
func (b *Book) Add(facts ...fact.Fact) []Key {
	dirty := map[Key]struct{}{}
	for i := range facts {
		b.add(&facts[i], dirty)
	}
	keys := make([]Key, 0, len(dirty))
	for k := range dirty {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	// An observation may have moved from one vehicle to another, and its session's id with it: forget all, then fold all.
	for _, k := range keys {
		b.forget(k)
	}
	for _, k := range keys {
		b.refold(k)
	}
	return keys
}

func (b *Book) add(in *fact.Fact, dirty map[Key]struct{}) {
	if known, ok := b.facts[in.ID()]; ok {
		b.again(known, in, dirty)
		return
	}
	e := read(*in, b.version)
	if told, ok := e.body.(fact.Fact); ok {
		b.tell(&told, dirty)
	}
	b.facts[e.id] = e
	for _, r := range e.Refs {
		b.byRef[r] = append(b.byRef[r], e.id)
	}
	if e.poor != nil {
		b.poor = append(b.poor, Poor{e.id, e.poor})
		return
	}
	if kept[e.Kind] {
		b.said[e.Kind] = append(b.said[e.Kind], e.id)
	}
	switch e.body.(type) { // of a kind that these semantics pass over, none
	case fact.Clock:
		b.setClock(e, dirty)
	case fact.Corrected, fact.Matched, fact.Merged:
		b.assign(e.Refs[0], dirty)
	case fact.Mode:
		b.setMode(e)
	}
	if e.observes() || e.Kind == fact.KindCash || e.Kind == fact.KindPayment || e.Kind == fact.KindProved {
		ck := e.clock()
		b.timed[ck] = append(b.timed[ck], e.id)
	}
	if e.observes() {
		b.assign(e.id, dirty)
	}
	b.touch(e, dirty)
}

// touch marks the vehicles that a fact speaks of.
func (b *Book) touch(e *entry, dirty map[Key]struct{}) {
	if k, ok := b.keys[e.id]; ok {
		dirty[k] = struct{}{}
	}
	for _, r := range e.Refs {
		if k, ok := b.keys[r]; ok {
			dirty[k] = struct{}{}
		}
	}
}

// assign finds the vehicle of an observation, marks its old and new vehicle, and takes along what is matched to it.
func (b *Book) assign(id fact.ID, dirty map[Key]struct{}) {
	if e, ok := b.facts[id]; !ok || !e.observes() {
		return
	}
	k := b.keyOf(id)
	old, had := b.keys[id]
	dirty[k] = struct{}{}
	if had && old == k {
		return
	}
	if had {
		delete(b.vehicles[old].observations, id)
		dirty[old] = struct{}{}
	}
	b.keys[id] = k
	v := b.vehicles[k]
	if v == nil {
		v = &vehicle{observations: map[fact.ID]struct{}{}}
		b.vehicles[k] = v
	}
	v.observations[id] = struct{}{}
	for _, r := range b.byRef[id] {
		if m := b.facts[r]; m.observes() {
			b.assign(m.id, dirty)
		} else if to, ok := m.of(); ok && to == id {
			b.assign(m.Refs[0], dirty)
		}
	}
}

// keyOf says which vehicle an observation is of: the one that the last match or correction gives it, else the plate it
// read, else a vehicle of its own. Matches that run in a circle all mean the circle's earliest id.
func (b *Book) keyOf(id fact.ID) Key {
	var path []fact.ID
	for {
		if i := slices.Index(path, id); i >= 0 {
			id = slices.MinFunc(path[i:], fact.ID.Compare)
			return keyOfPlate(b.facts[id].ownPlate(), id)
		}
		path = append(path, id)
		last := b.lastWord(id)
		if last == nil {
			last = b.facts[id]
		}
		if last.Kind == fact.KindCorrected {
			return keyOfPlate(last.ownPlate(), id)
		}
		next, ok := last.of()
		if to := b.facts[next]; !ok || to == nil || !to.observes() {
			return keyOfPlate(b.facts[id].ownPlate(), id)
		}
		id = next
	}
}

// lastWord returns the last correction, match or merge that says which vehicle an observation is of; nil when there is
// none.
func (b *Book) lastWord(id fact.ID) *entry {
	var last *entry
	for _, r := range b.byRef[id] {
		e := b.facts[r]
		word := e.says(fact.KindCorrected, id) && e.plate != nil || e.says(fact.KindMatched, id) || e.says(fact.KindMerged, id)
		if word && (last == nil || before(last, e)) {
			last = e
		}
	}
	return last
}

func keyOfPlate(p plate.Plate, id fact.ID) Key {
	if p.None() {
		return Key("#" + id.String())
	}
	return Key(p.Text)
}

func (b *Book) forget(k Key) {
	v := b.vehicles[k]
	if v == nil {
		return
	}
	for _, s := range v.sessions {
		if s.State == Inside {
			b.inside[s.Zone()]--
		}
		delete(b.sessions, s.ID)
		for _, a := range s.Aliases {
			delete(b.sessions, a)
		}
	}
	v.sessions = nil
}

func (b *Book) refold(k Key) {
	v := b.vehicles[k]
	if v == nil {
		return
	}
	if len(v.observations) == 0 {
		delete(b.vehicles, k)
		return
	}
	v.sessions = b.timeline(v)
	for _, s := range v.sessions {
		if s.State == Inside {
			b.inside[s.Zone()]++
		}
		b.sessions[s.ID] = s
		for _, a := range s.Aliases {
			b.sessions[a] = s
		}
	}
}

// Has reports whether the book holds the fact.
func (b *Book) Has(id fact.ID) bool { _, ok := b.facts[id]; return ok }

// Fact returns a fact of the book.
func (b *Book) Fact(id fact.ID) (fact.Fact, bool) {
	e, ok := b.facts[id]
	if !ok {
		return fact.Fact{}, false
	}
	return e.Fact, true
}

// Said returns the facts of a kind that speaks of no vehicle, in the order of their clocks.
func (b *Book) Said(k fact.Kind) []fact.Fact {
	out := make([]fact.Fact, 0, len(b.said[k]))
	for _, id := range b.said[k] {
		out = append(out, b.facts[id].Fact)
	}
	slices.SortFunc(out, func(x, y fact.Fact) int { return cmp.Or(cmp.Compare(x.HLC, y.HLC), x.ID().Compare(y.ID())) })
	return out
}

// Len returns how many facts the book holds, one that is only told again with the fact that tells it as one.
func (b *Book) Len() int { return len(b.facts) - len(b.retold) }

// Poor returns the facts that the fold cannot read, in no particular order.
func (b *Book) Poor() []Poor { return slices.Clone(b.poor) }

// Session returns the session with the id or alias, or of which id is an end: an exit that minted a session names it
// still when the entry turned up later.
func (b *Book) Session(id ID) (Session, bool) {
	if s, ok := b.sessions[id]; ok {
		return *s, true
	}
	if v := b.vehicles[b.keys[id]]; v != nil {
		if s := holder(v.sessions, id); s != nil {
			return *s, true
		}
	}
	return Session{}, false
}

// KeyOf returns the vehicle that an observation was assigned to.
func (b *Book) KeyOf(observation fact.ID) (Key, bool) { k, ok := b.keys[observation]; return k, ok }

// Of returns a vehicle's sessions in the order of time.
func (b *Book) Of(k Key) []Session {
	v := b.vehicles[k]
	if v == nil {
		return nil
	}
	out := make([]Session, len(v.sessions))
	for i, s := range v.sessions {
		out[i] = *s
	}
	return out
}

// Sessions returns all sessions, ordered by id.
func (b *Book) Sessions() []Session {
	out := make([]Session, 0, len(b.sessions))
	for id, s := range b.sessions {
		if id == s.ID {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(x, y Session) int { return x.ID.Compare(y.ID) })
	return out
}

// LastAt returns the session that was last seen to come or go, or to stand, at a lane, and that end of it.
func (b *Book) LastAt(lane string) (of Session, last Visit, ok bool) {
	for id, s := range b.sessions {
		if id != s.ID {
			continue // an alias
		}
		for _, v := range []*Visit{s.Entry, s.Held, s.Exit} {
			if v != nil && v.Lane == lane && (!ok || v.At.After(last.At) || v.At.Equal(last.At) && v.Fact.Compare(last.Fact) > 0) {
				of, last, ok = *s, *v, true
			}
		}
	}
	return of, last, ok
}

// InsideFor returns the sessions inside that a vehicle with this plate may own, latest entry first: those of its text
// whose colour does not speak against it.
func (b *Book) InsideFor(p plate.Plate) []Session {
	v := b.vehicles[Key(p.Text)]
	if v == nil || p.None() {
		return nil
	}
	var out []Session
	for _, s := range slices.Backward(v.sessions) {
		if s.State == Inside && !clash(s.Plate, p) {
			out = append(out, *s)
		}
	}
	return out
}

// Candidates returns the sessions inside whose plate may have been misread as p, best first. Vehicles without a plate
// are not among them.
func (b *Book) Candidates(p plate.Plate) []Session {
	var out []Session
	for k, v := range b.vehicles {
		if strings.HasPrefix(string(k), "#") || string(k) == p.Text {
			continue
		}
		for _, s := range v.sessions {
			if s.State == Inside && plate.Similar(s.Plate, p) {
				out = append(out, *s)
			}
		}
	}
	slices.SortFunc(out, func(x, y Session) int { return x.ID.Compare(y.ID) })
	return out
}

// InsideCount returns how many sessions are inside.
func (b *Book) InsideCount() (n int) {
	for _, in := range b.inside {
		n += in
	}
	return n
}

// InsideZone returns how many sessions are in a zone.
func (b *Book) InsideZone(zone string) int { return b.inside[zone] }

// Inside returns every session inside, ordered by entry.
func (b *Book) Inside() []Session {
	var out []Session
	for _, s := range b.Sessions() {
		if s.State == Inside {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y Session) int { return x.start().Compare(y.start()) })
	return out
}
