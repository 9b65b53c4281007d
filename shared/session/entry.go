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
func Judge(f *fact.Fact) error { return read(*f).poor }

func read(f fact.Fact) *entry {
	e := &entry{Fact: f, id: f.ID()}
	switch f.Kind {
	case fact.KindRead:
		r := decode[fact.Read](e, 0)
		e.require(r.Dir == fact.Entry || r.Dir == fact.Exit, "direction %q", r.Dir)
	case fact.KindPassage:
		p := decode[fact.Passage](e, 0)
		e.require(p.Dir == fact.Entry || p.Dir == fact.Exit, "direction %q", p.Dir)
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
	return e.poor == nil && (e.Kind == fact.KindRead || e.Kind == fact.KindPassage && len(e.Refs) == 0)
}

// says reports whether e is a usable fact of the kind whose first ref is id.
func (e *entry) says(k fact.Kind, id fact.ID) bool {
	return e.poor == nil && e.Kind == k && len(e.Refs) > 0 && e.Refs[0] == id
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
