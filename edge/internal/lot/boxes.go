package lot

import (
	"bytes"
	"crypto/ed25519"

	"lotkeeper/shared/fact"
)

// boxes is what the facts say of the booths' boxes: which authors are a booth's, which box took another's place, and
// which group of boxes counts.
type boxes struct {
	openings  map[fact.Author]opening
	replaced  map[string]mark // by booth: the last time another box took its place
	rebuilt   map[fact.Author]fact.Rebuilt
	recovered fact.Recovered
	recoverAt mark
}

type opening struct {
	booth string // "cloud" for the cloud
	key   ed25519.PublicKey
	hlc   fact.HLC
}

// mark is a fact in the order in which later ones count.
type mark struct {
	hlc fact.HLC
	id  fact.ID
}

func (m mark) after(n mark) bool {
	if m.hlc != n.hlc {
		return m.hlc > n.hlc
	}
	return m.id.Compare(n.id) > 0
}

func newBoxes() boxes {
	return boxes{openings: map[fact.Author]opening{}, replaced: map[string]mark{}, rebuilt: map[fact.Author]fact.Rebuilt{}}
}

// note takes what a fact says of boxes. Its order does not matter.
func (b *boxes) note(f *fact.Fact) {
	at := mark{f.HLC, f.ID()}
	switch f.Kind {
	case fact.KindOpened:
		if o, err := fact.Decode[fact.Opened](f); err == nil && f.Seq == 1 {
			b.openings[f.Author] = opening{o.Booth, o.Key, f.HLC}
		}
	case fact.KindReplaced:
		// Only the box itself can say it: its certificate names the booth.
		if r, err := fact.Decode[fact.Replaced](f); err == nil && r.Booth == b.openings[f.Author].booth && at.after(b.replaced[r.Booth]) {
			b.replaced[r.Booth] = at
		}
	case fact.KindRebuilt:
		if r, err := fact.Decode[fact.Rebuilt](f); err == nil && r.Booth == b.openings[f.Author].booth {
			b.rebuilt[f.Author] = r
		}
	case fact.KindRecovered:
		if r, err := fact.Decode[fact.Recovered](f); err == nil && r.Group != "" && at.after(b.recoverAt) {
			b.recovered, b.recoverAt = r, at
		}
	}
}

// BoothOf returns the booth of an author ("cloud" for the cloud), "" for one that is not known.
func (l *Lot) BoothOf(a fact.Author) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.boxes.openings[a].booth
}

// Former reports whether a key is of a box whose place another one took: it is a box of the booth no more. A key that no
// log shows is of a box that is new.
func (l *Lot) Former(booth string, key ed25519.PublicKey) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	at, ok := l.boxes.replaced[booth]
	if !ok || bytes.Equal(l.boxes.openings[at.id.Author].key, key) {
		return false
	}
	for _, o := range l.boxes.openings {
		if o.booth == booth && bytes.Equal(o.key, key) && o.hlc < at.hlc {
			return true
		}
	}
	return false
}

// Replaced reports whether a box said that it took the place of another of its booth, and no later one did.
func (l *Lot) Replaced(box fact.Author) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.boxes.replaced[l.boxes.openings[box].booth].id.Author == box
}

// Rebuilt returns what a box said that took another's place, when it had taken over what there was; ok is false while it
// has not.
func (l *Lot) Rebuilt(box fact.Author) (r fact.Rebuilt, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	r, ok = l.boxes.rebuilt[box]
	return r, ok
}

// Recovered returns the last founding anew of the booths' group by a person; ok is false when there was none.
func (l *Lot) Recovered() (r fact.Recovered, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.boxes.recovered, l.boxes.recovered.Group != ""
}
