package right

import (
	"cmp"
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// Reason is the one thing that a set says of a vehicle at a lane.
type Reason string

// The reasons, the weightiest first.
const (
	Listed     Reason = "black"       // on the black list
	SpecialOne Reason = "special"     // of a special class
	OnFree     Reason = "free_list"   // on the free list
	OnPermit   Reason = "permit"      // with a month card or booking
	PermitFull Reason = "permit_full" // with a month card of which others hold all places
	Ordinary   Reason = ""
)

// Query asks about a vehicle that stands at a lane.
type Query struct {
	Plate plate.Plate
	At    time.Time
	Where Place
	// Currency is the lot's: what is owed in another is not summed with it. Empty sums all.
	Currency money.Currency
	// Inside counts the other vehicles of a permit that hold a place in the lot; nil is nobody.
	Inside func(*Right) int
}

// Verdict is what a set says of a vehicle.
type Verdict struct {
	Reason Reason
	Right  *Right          // that the reason rests on; nil: ordinary
	Watch  *Right          // a black list's right that only reports it; nil: none
	Owed   money.Amount    // from earlier stays
	Debts  []*Right        // that say so
	Stays  int             // how many those are
	Uses   []fact.RightUse // what is to be recorded, sorted by id: the right of the reason, and of each shared permit whether it gave a place
}

// Judge says who a vehicle is to the lot: its reason, what it owes, and which places of permits it takes.
func (s *Set) Judge(q Query) Verdict {
	v := Verdict{}
	held := s.For(q.Plate)
	full := map[*Right]bool{}
	for _, r := range held {
		// Also before a permit begins: it may begin during the stay, and who holds the place then was decided here.
		if r.shared() {
			full[r] = q.Inside != nil && q.Inside(r) >= r.Places
			v.Uses = append(v.Uses, use(r, full[r]))
		}
	}
	for _, r := range held {
		if !r.At(q.At, q.Where) {
			continue
		}
		switch {
		case r.Kind == Arrears && q.Currency != "" && r.Owes.Currency != q.Currency:
		case r.Kind == Arrears:
			v.Owed, v.Stays, v.Debts = v.Owed+r.Owes.Amount, v.Stays+r.Owes.Stays, append(v.Debts, r)
		case r.Kind == Black && r.Watch:
			v.Watch = r
		default:
			if reason := r.reason(full[r]); weight(reason) < weight(v.Reason) {
				v.Reason, v.Right = reason, r
			}
		}
	}
	for _, r := range append(v.Debts, v.Right, v.Watch) {
		if r != nil && !r.shared() {
			v.Uses = append(v.Uses, use(r, false))
		}
	}
	slices.SortFunc(v.Uses, func(a, b fact.RightUse) int { return cmp.Compare(a.ID, b.ID) })
	return v
}

func use(r *Right, full bool) fact.RightUse {
	return fact.RightUse{ID: r.ID, Version: r.Version, Kind: string(r.Kind), Full: full}
}

func (r *Right) reason(full bool) Reason {
	switch r.Kind {
	case Black:
		return Listed
	case Special:
		return SpecialOne
	case Free:
		return OnFree
	case Permit:
		if full {
			return PermitFull
		}
		return OnPermit
	}
	return Ordinary
}

func weight(r Reason) int {
	return slices.Index([]Reason{Listed, SpecialOne, OnFree, OnPermit, PermitFull, Ordinary}, r)
}
