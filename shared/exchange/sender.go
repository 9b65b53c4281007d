package exchange

import (
	"slices"
	"time"

	"lotkeeper/shared/fact"
)

// Sender decides what a booth sends to the cloud, and when: what the cloud has is what it says it has, so facts go out
// from the cursor that it states, one batch of an author at a time, and again until that cursor moves. That a carrier
// took a message means nothing.
//
// A booth sends its own log. Another author's it relays only when the cursor for it has not moved for a while although
// more of it is here: then that booth has no line of its own.
type Sender struct {
	Resend time.Duration // a batch is sent again when the stated cursor has not moved for so long
	Relay  time.Duration // another author's facts are sent when the stated cursor has not moved for so long

	heard  bool      // the cloud stated its cursors since the line came up
	spoke  time.Time // when it did last
	theirs Cursors   // what it stated last
	closed []fact.Author
	sent   map[fact.Author]flight
	moved  map[fact.Author]time.Time // when a cursor last moved, or we first saw that it lacks something
}

// flight is the one batch of an author that is under way.
type flight struct {
	to uint64
	at time.Time
}

// NewSender returns a sender to a cloud of which nothing is known yet.
func NewSender(resend, relay time.Duration) *Sender {
	return &Sender{Resend: resend, Relay: relay, theirs: Cursors{}, sent: map[fact.Author]flight{}, moved: map[fact.Author]time.Time{}}
}

// Connected begins a new line: what was under way may be gone, and nothing is sent before the cloud has stated its cursors.
func (s *Sender) Connected() {
	s.heard = false
	clear(s.sent)
}

// Stated takes the cursors that the cloud states and the authors of which it takes nothing more.
func (s *Sender) Stated(c Cursors, closed []fact.Author, now time.Time) {
	if c == nil {
		c = Cursors{}
	}
	for _, a := range c.Authors() {
		if c[a].Seq > s.theirs[a].Seq {
			s.moved[a] = now
		}
	}
	for a, f := range s.sent {
		// It moved past the batch, or went back: a cloud restored from an older copy lacks what it once had.
		if got := c[a].Seq; got >= f.to || got < s.theirs[a].Seq {
			delete(s.sent, a)
		}
	}
	s.theirs, s.closed, s.heard, s.spoke = c, closed, true, now
}

// Due returns the stretches of which a batch is to be sent now, our own log's first.
func (s *Sender) Due(mine Cursors, own fact.Author, now time.Time) []Need {
	if !s.heard {
		return nil
	}
	needs := mine.Lacks(s.theirs)
	slices.SortStableFunc(needs, func(x, y Need) int {
		switch own {
		case x.Author:
			return -1
		case y.Author:
			return 1
		}
		return 0
	})
	return slices.DeleteFunc(needs, func(n Need) bool { return slices.Contains(s.closed, n.Author) || !s.due(n, own, now) })
}

// due reports whether an author's next batch is to be sent now.
func (s *Sender) due(n Need, own fact.Author, now time.Time) bool {
	if f, under := s.sent[n.Author]; under {
		after := s.Resend
		if now.Sub(s.spoke) > 6*after { // a cloud that is silent is not flooded with what it cannot take
			after *= 12
		}
		age := now.Sub(f.at)
		return age >= after || age < 0 // or the clock was set back
	}
	if n.Author == own {
		return true
	}
	since, seen := s.moved[n.Author]
	if !seen || now.Before(since) {
		s.moved[n.Author] = now
		return false
	}
	return now.Sub(since) >= s.Relay
}

// Sent notes that a batch up to a number is under way.
func (s *Sender) Sent(a fact.Author, to uint64, now time.Time) { s.sent[a] = flight{to, now} }

// Lacking returns what the cloud is not known to have, and forgets since when it lacked what it has.
func (s *Sender) Lacking(mine Cursors) []Need {
	needs := mine.Lacks(s.theirs)
	for a := range s.moved {
		if !slices.ContainsFunc(needs, func(n Need) bool { return n.Author == a }) {
			delete(s.moved, a)
		}
	}
	return needs
}
