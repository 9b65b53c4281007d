package lane

import (
	"slices"
	"time"

	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// reviveFor is how long after an exit that may have been false the vehicle may still turn out never to have left.
const reviveFor = 24 * time.Hour

// obstacle says why an entry does not open for a vehicle, "" when nothing is in its way.
func (f *Finding) obstacle(book *session.Book, c wire.Terms, q Query) string {
	p := c.Policy.Passage
	if in := book.InsideFor(q.Plate); len(in) > 0 {
		switch again := in[0].Entry; {
		case again.Lane == q.Lane && again.Basis == session.Assumed && q.At.Sub(again.At) <= session.DuplicateGap:
			return "" // let in here a moment ago and not known to have crossed: it stands here still
		case q.At.Sub(again.At) <= session.DuplicateGap:
			if p.Repeated == "hold" {
				return ReasonRepeated
			}
		case p.Inside == "hold":
			return ReasonInside
		}
		return "" // it takes no place that it does not have
	}
	if c.Capacity > 0 && book.InsideCount() >= c.Capacity && f.refused(c, q) {
		return ReasonFull
	}
	return f.fullZone(book, c, q)
}

// fullZone says that the zone which a lane leads into has no place for a vehicle.
func (f *Finding) fullZone(book *session.Book, c wire.Terms, q Query) string {
	if z, ok := c.Zone(q.To); ok && z.Capacity > 0 && book.InsideZone(z.ID) >= z.Capacity && f.refused(c, q) {
		return ReasonFull
	}
	return ""
}

// refused reports whether what is full is full for this vehicle too.
func (f *Finding) refused(c wire.Terms, q Query) bool {
	p := c.Policy.Passage.Full
	return p == "refuse" || p == "permits" && !f.permitted(c, q)
}

// permitted reports whether a vehicle has a right that is in force now. A shared permit gives it to who has a place on it.
func (f *Finding) permitted(c wire.Terms, q Query) bool {
	return slices.ContainsFunc(c.RightsOf(q.Plate, q.At, q.At, f.Verdict.Uses), func(r tariff.Right) bool {
		return !q.At.Before(r.From) && (r.Until.IsZero() || q.At.Before(r.Until))
	})
}

// lastLeft returns the session that the vehicle at an exit left last, if it may not have left at all: nobody saw it enter
// again. A reading that was released here a moment ago is another matter.
func lastLeft(book *session.Book, q Query) *session.Session {
	if q.Plate.None() {
		return nil
	}
	for _, s := range slices.Backward(book.Of(session.Key(q.Plate.Text))) {
		if !plate.SameVehicle(s.Plate, q.Plate) {
			continue
		}
		if s.State != session.Left || s.Entry == nil || s.Void != nil {
			return nil
		}
		if gone := q.At.Sub(s.Exit.At); gone <= session.DuplicateGap || gone > reviveFor {
			return nil
		}
		return &s
	}
	return nil
}

// suspect reports whether a session's exit came so soon after its entry that, by the lot's policy, it was false.
func suspect(s *session.Session, p wire.Policy) bool {
	return s.Exit.At.Sub(s.Entry.At) <= time.Duration(p.Passage.SuspectExit)*time.Minute && p.Passage.SuspectExit > 0
}

// revived is a session as it stands when its exit was false.
func revived(s session.Session) *session.Session {
	s.State, s.Exit, s.Bill = session.Inside, nil, nil
	return &s
}
