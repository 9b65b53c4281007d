package session

import (
	"time"

	"lotkeeper/shared/fact"
)

// LaneMode is the mode that a lane was last set to, with when and by which fact.
type LaneMode struct {
	Fact fact.ID
	At   time.Time
	fact.Mode
	Passed int // vehicles that are recorded to have gone through the lane since
}

// Mode returns the mode that a lane was last set to, if nothing has ended it. Whether it has run out is for whoever has a
// clock to say.
func (b *Book) Mode(lane string) (LaneMode, bool) {
	set := b.modes[lane]
	if set == nil {
		return LaneMode{}, false
	}
	for _, id := range b.byRef[set.id] {
		if b.facts[id].says(fact.KindModeEnded, set.id) {
			return LaneMode{}, false
		}
	}
	m := LaneMode{Fact: set.id, At: b.at(set), Mode: set.body.(fact.Mode)}
	for _, e := range b.facts { // a lane asks once, when it starts
		if p, ok := e.body.(fact.Passage); ok && p.Lane == lane && p.Outcome == fact.Passed && before(set, e) {
			m.Passed++
		}
	}
	return m, true
}

func (b *Book) setMode(e *entry) {
	lane := e.body.(fact.Mode).Lane
	if last := b.modes[lane]; last == nil || before(last, e) {
		b.modes[lane] = e
	}
}
