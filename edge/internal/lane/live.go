package lane

import (
	"time"

	"lotkeeper/shared/money"
	"lotkeeper/shared/wire"
)

// Live is the lane's state for people's screens.
func (s *State) Live(at Moment) wire.Live {
	c := &s.Car
	l := wire.Live{
		Lane: s.Lane, Dir: s.Dir, At: at.Wall.UTC(), Mono: wire.Mono(at.Mono), Token: s.Token(), Arm: string(s.Arm), Loop: s.Arrive,
		Faults: s.Faults(), Currency: c.Found.Currency, Mode: s.modeView(at),
	}
	if c.Phase == Nobody {
		return l
	}
	l.Read, l.Photo, l.Action, l.Reason = c.Read, c.Photo, c.Action, c.Reason
	if c.Phase == Judging || c.Phase == Arrived {
		l.Action, l.Reason = "", ""
	} else {
		p := c.Plate
		l.Plate = &p
	}
	l.Session, l.Entered, l.Similar, l.EntryPhoto = c.Found.Session, c.Found.Entered, c.Found.Similar, c.Found.Photo
	if c.Phase == Held {
		if l.Due = money.Amount(c.Found.due()); l.Due > 0 {
			l.Pay, l.Promise = c.Found.PayURL, c.Found.Promise
		}
		since := c.HeldAt.UTC()
		l.Waiting = &since
	} else if c.Phase == Arrived && at.Mono-c.Since >= blindAfter {
		since := at.Wall.Add(-(at.Mono - c.Since)).UTC().Truncate(time.Millisecond)
		l.Waiting = &since
	}
	return l
}
