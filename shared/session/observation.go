package session

import (
	"maps"
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// Observation is one sighting of a vehicle and what later facts say of it, whether or not it went through the lane: the
// row of a list of passages.
type Observation struct {
	ID       fact.ID
	Vehicle  Key
	Source   string
	Boot     string
	At       time.Time // corrected
	Lane     string
	Dir      fact.Dir
	Plate    plate.Plate // as read, or as the last correction gave it
	Read     *fact.Read  // nil for a passage without a read
	Decision *fact.Decision
	Outcome  fact.Outcome // "" while it is not known
}

// Observations returns what was seen of a vehicle, ordered by id.
func (b *Book) Observations(k Key) []Observation {
	v := b.vehicles[k]
	if v == nil {
		return nil
	}
	out := make([]Observation, 0, len(v.observations))
	for id := range v.observations {
		out = append(out, b.observation(b.facts[id], k))
	}
	slices.SortFunc(out, func(x, y Observation) int { return x.ID.Compare(y.ID) })
	return out
}

func (b *Book) observation(e *entry, k Key) Observation {
	s, _ := b.sighting(e)
	o := Observation{
		ID: e.id, Vehicle: k, Source: e.Source, Boot: e.Boot, At: s.at, Lane: s.visit.Lane, Dir: s.dir, Plate: s.plate, Decision: s.last,
	}
	var passage *entry
	for _, f := range s.about {
		if f.says(fact.KindPassage, e.id) && (passage == nil || before(passage, f)) {
			passage = f
		}
	}
	switch body := e.body.(type) {
	case fact.Read:
		o.Read = &body
	case fact.Passage:
		o.Outcome = body.Outcome
	case fact.Added:
		o.Outcome = fact.Passed
	}
	if passage != nil {
		o.Outcome = passage.body.(fact.Passage).Outcome
	}
	return o
}

// Vehicles returns the vehicles that observations were assigned to, sorted.
func (b *Book) Vehicles() []Key { return slices.Sorted(maps.Keys(b.vehicles)) }
