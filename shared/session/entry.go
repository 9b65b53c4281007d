package session

import (
	"errors"
	"fmt"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// entry is a fact in the book, decoded once.
type entry struct {
	fact.Fact
	id    fact.ID
	body  any          // of the kind's type in package fact; nil for kinds the fold passes over
	plate *plate.Plate // the hidden vehicle; nil when there is none or it was erased
	poor  error        // why the fold cannot use it
}

// Judge says why the fold cannot use a fact, or nil. A receiver stores such a fact all the same and moves on; a kind it
// does not know is no fault: a newer release wrote it.
func Judge(f *fact.Fact) error { return read(*f, Version).poor }

// since names the kinds that later semantics brought: earlier ones pass over them, as the releases of then did.
var since = map[fact.Kind]int{fact.KindAdded: 2, fact.KindMerged: 2, fact.KindSplit: 2, fact.KindVoided: 2,
	fact.KindMode: 2, fact.KindModeEnded: 2, fact.KindFire: 2, fact.KindProved: 2, fact.KindPromised: 2, fact.KindRetold: 2}

func read(f fact.Fact, version int) *entry {
	e := &entry{Fact: f, id: f.ID()}
	if since[f.Kind] > version {
		return e
	}
	switch f.Kind {
	case fact.KindRead:
		r := decode[fact.Read](e, 0)
		e.require(known(r.Dir, version), "direction %q", r.Dir)
	case fact.KindPassage:
		p := decode[fact.Passage](e, 0)
		e.require(known(p.Dir, version), "direction %q", p.Dir)
	case fact.KindDecision:
		decode[fact.Decision](e, 1)
	case fact.KindBill:
		b := decode[fact.Bill](e, 1).Bill
		e.require(b.Gross >= 0 && b.Free >= 0 && b.Free <= b.Gross, "gross %d, free %d", b.Gross, b.Free)
	case fact.KindCash:
		c := decode[fact.Cash](e, 1)
		e.require(c.Amount > 0 && c.Action != "", "amount %d, action %q", c.Amount, c.Action)
	case fact.KindPayment:
		p := decode[fact.Payment](e, 1)
		e.require(p.Amount > 0 && p.Order != "", "amount %d, order %q", p.Amount, p.Order)
	case fact.KindProved:
		p := decode[fact.Proved](e, 1)
		e.require(p.Amount > 0 && p.Order != "", "amount %d, order %q", p.Amount, p.Order)
	case fact.KindPromised:
		p := decode[fact.Promised](e, 2)
		e.require(p.Amount > 0, "amount %d", p.Amount)
	case fact.KindCorrected:
		decode[fact.Corrected](e, 1)
	case fact.KindMatched:
		decode[fact.Matched](e, 2)
	case fact.KindClock:
		decode[fact.Clock](e, 0)
	case fact.KindShiftOpened:
		decode[fact.ShiftOpened](e, 0)
	case fact.KindShiftClosed:
		c := decode[fact.ShiftClosed](e, 1)
		e.require(len(e.Refs) > 0 && e.Refs[0] == c.Shift, "it closes %s", c.Shift)
	case fact.KindAdded:
		a := decode[fact.Added](e, 0)
		e.require(a.Dir == fact.Entry || a.Dir == fact.Exit, "direction %q", a.Dir)
		e.require(a.By != "", "nobody said it")
	case fact.KindMerged:
		decode[fact.Merged](e, 2)
	case fact.KindSplit:
		decode[fact.Split](e, 1)
	case fact.KindVoided:
		decode[fact.Voided](e, 1)
	case fact.KindMode:
		m := decode[fact.Mode](e, 0)
		e.require(m.Lane != "" && m.Mode != "" && m.By != "", "lane %q, mode %q, by %q", m.Lane, m.Mode, m.By)
	case fact.KindModeEnded:
		decode[fact.ModeEnded](e, 1)
	case fact.KindFire:
		decode[fact.Fire](e, 0)
	case fact.KindRetold:
		e.told(version)
		return e
	}
	if v, ok, err := fact.Reveal(&e.Fact); err != nil {
		e.poor = errors.Join(e.poor, err)
	} else if ok {
		e.plate = &v.Plate
	}
	return e
}

func decode[T any](e *entry, refs int) T {
	v, err := fact.Decode[T](&e.Fact)
	e.body, e.poor = v, err
	e.require(len(e.Refs) >= refs, "%d refs, wants %d", len(e.Refs), refs)
	return v
}

func (e *entry) require(ok bool, format string, args ...any) {
	if !ok && e.poor == nil {
		e.poor = fmt.Errorf("%s %s: %s", e.Kind, e.id, fmt.Sprintf(format, args...))
	}
}

// observes reports whether e is an observation: something seen of a vehicle that nothing earlier speaks for.
func (e *entry) observes() bool {
	if e.poor != nil || e.body == nil {
		return false
	}
	return e.Kind == fact.KindRead || e.Kind == fact.KindAdded || e.Kind == fact.KindPassage && len(e.Refs) == 0
}

// of returns the observation whose vehicle an observation is of by its own words, or by a match or merge: nothing yet
// speaks of a plate. ok is false when it is of the plate that it carries.
func (e *entry) of() (id fact.ID, ok bool) {
	switch {
	case e.poor != nil || e.body == nil:
	case e.Kind == fact.KindMatched || e.Kind == fact.KindMerged:
		return e.Refs[1], true
	case e.Kind == fact.KindAdded && len(e.Refs) > 0:
		return e.Refs[0], true
	}
	return fact.ID{}, false
}

// says reports whether e is a usable fact of the kind whose first ref is id.
func (e *entry) says(k fact.Kind, id fact.ID) bool {
	return e.poor == nil && e.body != nil && e.Kind == k && len(e.Refs) > 0 && e.Refs[0] == id
}

func (e *entry) ownPlate() plate.Plate {
	if e.plate == nil {
		return plate.Plate{}
	}
	return *e.plate
}

// before orders facts by clock, then author, then number: the order in which later words beat earlier ones.
func before(a, b *entry) bool {
	if a.HLC != b.HLC {
		return a.HLC < b.HLC
	}
	return a.id.Compare(b.id) < 0
}
