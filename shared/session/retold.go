package session

import (
	"bytes"

	"lotkeeper/shared/fact"
)

// told decodes what a fact tells again; that fact becomes its body.
func (e *entry) told(version int) {
	inner, err := fact.Told(&e.Fact)
	if err != nil {
		e.poor = err
		return
	}
	if inner.Kind == fact.KindClock {
		return // the run that it was about is over, and other nodes find clocks by their author's own log only
	}
	if e.poor = read(inner, version).poor; e.poor == nil {
		e.body = inner
	}
}

// tell takes a fact that was told again, under its own id.
func (b *Book) tell(f *fact.Fact, dirty map[Key]struct{}) {
	if known, ok := b.facts[f.ID()]; ok {
		if _, told := b.retold[f.ID()]; told && less(f, &known.Fact) {
			b.exchange(f, dirty)
		}
		return
	}
	b.retold[f.ID()] = struct{}{}
	b.add(f, dirty)
}

// again takes a fact whose id is known already. The author's own log beats what somebody else tells of it.
func (b *Book) again(known *entry, in *fact.Fact, dirty map[Key]struct{}) {
	if _, told := b.retold[known.id]; !told {
		return
	}
	delete(b.retold, known.id)
	if !same(&known.Fact, in) {
		b.exchange(in, dirty)
	}
}

// exchange puts another fact in the place of one that was told again. Only who forges tells another than the author
// did, so it may take its time: everything is folded anew.
func (b *Book) exchange(in *fact.Fact, dirty map[Key]struct{}) {
	for k := range b.vehicles {
		dirty[k] = struct{}{}
	}
	fresh := NewBookOf(b.version)
	fresh.retold = b.retold
	delete(b.facts, in.ID())
	for _, e := range b.facts {
		if e.Kind == fact.KindRetold {
			e.body = nil // what it tells is among the facts
			fresh.keep(e)
			continue
		}
		fresh.add(&e.Fact, dirty)
	}
	fresh.add(in, dirty)
	for k := range fresh.vehicles {
		dirty[k] = struct{}{}
	}
	*b = *fresh
}

// keep takes a fact that has no effect of its own.
func (b *Book) keep(e *entry) {
	b.facts[e.id] = e
	for _, r := range e.Refs {
		b.byRef[r] = append(b.byRef[r], e.id)
	}
	if e.poor != nil {
		b.poor = append(b.poor, Poor{e.id, e.poor})
	}
}

// same reports whether two facts with one id say the same. Only one of them may have its hidden part.
func same(x, y *fact.Fact) bool {
	return x.Prev == y.Prev && x.HLC == y.HLC && x.Kind == y.Kind && x.At.Equal(y.At) && bytes.Equal(x.Body, y.Body) &&
		(x.Hidden == nil) == (y.Hidden == nil) && (x.Hidden == nil || *x.Hidden == *y.Hidden)
}

// less orders what is told of one id, so that of two that contradict each other the same one stands everywhere.
func less(x, y *fact.Fact) bool {
	if x.HLC != y.HLC {
		return x.HLC < y.HLC
	}
	if c := bytes.Compare(x.Prev[:], y.Prev[:]); c != 0 {
		return c < 0
	}
	return bytes.Compare(x.Body, y.Body) < 0
}

// Retold reports whether a fact is known only because it was told again.
func (b *Book) Retold(id fact.ID) bool { _, ok := b.retold[id]; return ok }
