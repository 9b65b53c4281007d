package lane

import (
	"slices"
	"time"

	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// reviveFor is how long after an exit that may have been false the vehicle may still turn out never to have left.
const reviveFor = 24 * time.Hour

// obstacle says why an entry does not open for a vehicle, "" when nothing is in its way.
func obstacle(book *session.Book, c wire.Terms, q Query, says right.Reason) string {
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
	if c.Capacity > 0 && book.InsideCount() >= c.Capacity && refuses(c, q, says) {
		return ReasonFull
	}
	return fullZone(book, c, q, says)
}

// fullZone says that the zone which a lane leads into has no place for a vehicle.
func fullZone(book *session.Book, c wire.Terms, q Query, says right.Reason) string {
	if z, ok := c.Zone(q.To); ok && z.Capacity > 0 && book.InsideZone(z.ID) >= z.Capacity && refuses(c, q, says) {
		return ReasonFull
	}
	return ""
}

// refuses reports whether what is full is full for this vehicle too.
func refuses(c wire.Terms, q Query, says right.Reason) bool {
	p := c.Policy.Passage.Full
	return p == "refuse" || p == "permits" && !permitted(c, q.Plate, q.At, says)
}

// permitted reports whether a vehicle has a right that is in force at the time. A card whose places others hold is none.
func permitted(c wire.Terms, p plate.Plate, at time.Time, says right.Reason) bool {
	if says == right.OnPermit || says == right.OnFree || says == right.SpecialOne {
		return true
	}
	for _, r := range c.Config.RightsOf(p, at, at, nil) {
		if !at.Before(r.From) && (r.Until.IsZero() || at.Before(r.Until)) {
			return true
		}
	}
	return false
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
