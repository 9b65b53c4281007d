package right

import "fmt"

// Intake takes pages from wherever they come, the cloud or another booth, until they make the set of a head. Until then
// the set in force stays. See [NewIntake].
//
// Entries stand in one order everywhere, and an entry that changes moves behind all numbers that were. So pages of
// several senders, and of several numbers, may be taken one after the other; the digest at the end tells whether all came.
type Intake struct {
	set    *Set
	head   Head
	staged []Entry
	at     Cursor // how far the staged entries reach
	target uint64 // number of the newest head that a staged page was of
	whole  bool   // they begin from nothing: what is in force did not fit
}

// NewIntake starts from the set in force.
func NewIntake(s *Set, h Head) *Intake {
	in := &Intake{}
	in.inForce(s, h)
	return in
}

func (in *Intake) inForce(s *Set, h Head) {
	*in = Intake{set: s, head: h, at: After(h.Number)}
	if s == nil || h.Number == 0 {
		in.restart()
	}
}

// Wants is the place after which it wants entries.
func (in *Intake) Wants() Cursor { return in.at }

// Number is that of the set in force; 0 when there is none.
func (in *Intake) Number() uint64 { return in.head.Number }

// Page is a part of a set, as it travels.
type Page struct {
	After   Cursor
	Entries []Entry
	More    bool // others follow
}

// Take takes a page of a head whose signature was checked. It returns the new set when that is whole, nil while more is
// wanted or nothing is new. After an error what is in force stays; after [ErrDigest] all of the set is wanted anew.
func (in *Intake) Take(h Head, p Page) (*Set, error) {
	switch {
	case h.Number < max(in.head.Number, in.target):
		return nil, fmt.Errorf("number %d: %w (%d)", h.Number, ErrOlder, max(in.head.Number, in.target))
	case h.Number == in.head.Number && h.Digest != in.head.Digest:
		return nil, fmt.Errorf("number %d: %w", h.Number, ErrTwo)
	case h.Number == in.head.Number:
		return nil, nil //nolint:nilnil // nothing is new, and that is no fault
	case p.After.Compare(in.at) > 0:
		return nil, fmt.Errorf("%w: wants those after number %d %s", ErrGap, in.at.Number, in.at.ID)
	}
	last := p.After
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.at().Compare(last) <= 0 || e.Number > h.Number {
			in.restart()
			return nil, fmt.Errorf("%w: an entry of number %d is out of order", ErrDigest, e.Number)
		}
		last = e.at()
		if last.Compare(in.at) > 0 { // what comes twice is the same: a change would have moved it
			in.staged, in.at = append(in.staged, *e), last
		}
	}
	in.target = h.Number
	if len(in.staged) > MaxRights {
		in.restart()
		return nil, fmt.Errorf("%w: more than %d entries", ErrDigest, MaxRights)
	}
	if p.More {
		return nil, nil //nolint:nilnil // it is not whole yet
	}
	return in.finish(h)
}

func (in *Intake) finish(h Head) (*Set, error) {
	base := in.set
	if in.whole {
		base = &Set{}
	}
	set, err := base.Apply(in.staged)
	if err == nil {
		err = h.Is(set)
	}
	if err != nil {
		in.restart()
		return nil, err
	}
	in.inForce(set, h)
	return set, nil
}

// restart asks for everything.
func (in *Intake) restart() { in.staged, in.at, in.target, in.whole = nil, Cursor{}, 0, true }
