package agent

import (
	"slices"

	"lotkeeper/edge/internal/console"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
)

// passageReach is how many of the booth's latest facts are searched for passages.
const passageReach = 2000

// Passages implements [console.Booth]: what passed through this booth's lanes, from its own facts, newest first.
func (a *Agent) Passages(n int) ([]console.Passage, error) {
	self, head := a.lot.Author(), a.journal.Head().Seq
	after := uint64(0)
	if head > passageReach {
		after = head - passageReach
	}
	var list []*console.Passage
	by := map[fact.ID]*console.Passage{}
	for after < head {
		records, err := a.lot.Records(self, after, 500)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			f, err := fact.Unseal(r)
			if err != nil {
				return nil, err
			}
			after = f.Seq
			if p := note(&f, by); p != nil {
				by[p.ID] = p
				list = append(list, p)
			}
		}
	}
	slices.Reverse(list)
	out := make([]console.Passage, 0, min(n, len(list)))
	for _, p := range list[:min(n, len(list))] {
		out = append(out, *p)
	}
	return out, nil
}

// note takes a fact into the passage that it speaks of, or returns the passage that it begins. A fact that cannot be
// read is passed over: it is stored, and the lot's status counts it.
func note(f *fact.Fact, by map[fact.ID]*console.Passage) *console.Passage {
	of := func() *console.Passage {
		for _, r := range f.Refs {
			if p := by[r]; p != nil {
				return p
			}
		}
		return nil
	}
	switch f.Kind {
	case fact.KindRead:
		b, err := fact.Decode[fact.Read](f)
		if err != nil {
			return nil
		}
		p := &console.Passage{ID: f.ID(), At: f.At, Lane: b.Lane, Dir: b.Dir, Late: b.Late, Plate: vehicle(f)}
		for _, photo := range b.Photos {
			if p.Photo == "" || photo.Kind == "scene" {
				p.Photo = photo.SHA256
			}
		}
		return p
	case fact.KindDecision:
		if b, err := fact.Decode[fact.Decision](f); err == nil {
			if p := of(); p != nil {
				p.Action, p.Reason, p.By, p.Note, p.Due, p.Session = b.Action, b.Reason, b.By, b.Note, b.Due, b.Session
			}
		}
	case fact.KindBill:
		b, err := fact.Decode[fact.Bill](f)
		if p := by[f.Refs[len(f.Refs)-1]]; err == nil && p != nil {
			p.Gross = b.Bill.Gross
		}
	case fact.KindCorrected:
		if p := of(); p != nil {
			p.Plate, p.Corrected = vehicle(f), true
		}
	case fact.KindPassage:
		b, err := fact.Decode[fact.Passage](f)
		if err != nil {
			return nil
		}
		if p := of(); p != nil {
			p.Outcome = b.Outcome
			return nil
		}
		return &console.Passage{ID: f.ID(), At: f.At, Lane: b.Lane, Dir: b.Dir, Outcome: b.Outcome, Reason: "unread"}
	}
	return nil
}

func vehicle(f *fact.Fact) plate.Plate {
	v, ok, err := fact.Reveal(f)
	if !ok || err != nil {
		return plate.Plate{}
	}
	return v.Plate
}
