package right

import (
	"slices"
	"strconv"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// Beyond is a lot's policy for a stay of which a right covers a part.
type Beyond string

// The policies. Whatever they say, nothing is free of a permit whose places others held when the stay began.
const (
	// BeyondCovered makes free what is covered, and nothing else: before a card begins and after it ends time is charged.
	BeyondCovered Beyond = ""
	// BeyondEntry is that for stays that begin while they are covered; a card bought during a stay covers the next one.
	BeyondEntry Beyond = "entry"
	// BeyondStay makes all of a stay free that begins while it is covered, however long it lasts.
	BeyondStay Beyond = "stay"
)

// Valid reports whether the policy is known.
func (b Beyond) Valid() bool { return b == BeyondCovered || b == BeyondEntry || b == BeyondStay }

// Stay is a stay to be priced.
type Stay struct {
	Plate plate.Plate
	Entry time.Time
	Exit  time.Time
	Uses  []fact.RightUse // what the entry's decision recorded
	Where Place
	Then  Beyond
}

// Covers are the rights by which a stay need not be paid, or not all of it, as the tariff engine takes them: special
// classes first, then the free list, then permits. Each is named "id@version", and so are the lines of bills.
func (s *Set) Covers(x Stay) []tariff.Right {
	var out []tariff.Right
	for _, kind := range []Kind{Special, Free, Permit} {
		for _, r := range s.For(x.Plate) {
			if r.Kind == kind && !r.denied(x.Uses) {
				out = append(out, r.covers(x)...)
			}
		}
	}
	return out
}

// denied reports whether others held all its places when the stay began. A stay of which nothing was recorded (the card
// was bought later, or the entry came from a camera's memory) is taken to hold one: the doubt is the owner's favour.
func (r *Right) denied(uses []fact.RightUse) bool {
	return r.shared() && slices.ContainsFunc(uses, func(u fact.RightUse) bool { return u.ID == r.ID && u.Full })
}

func (r *Right) covers(x Stay) []tariff.Right {
	one := tariff.Right{ID: r.ID + "@" + strconv.FormatUint(r.Version, 10), Kind: tariff.RightFree, Name: r.title()}
	if !r.bounded() {
		return []tariff.Right{one}
	}
	spans := r.spans(x.Entry, x.Exit.Add(1), x.Where)
	begun := slices.ContainsFunc(spans, func(p Period) bool { return p.holds(x.Entry) })
	switch {
	case x.Then != BeyondCovered && !begun:
		return nil
	case x.Then == BeyondStay:
		return []tariff.Right{one}
	}
	one.Kind, one.Pass = tariff.RightCover, r.Pass
	out := make([]tariff.Right, 0, len(spans))
	for _, p := range spans {
		one.From, one.Until = p.From, p.To
		out = append(out, one)
	}
	return out
}

// title is what drivers read on a bill.
func (r *Right) title() tariff.Text {
	by := map[Kind]tariff.Text{
		Special: {ZH: "特殊车辆免费", EN: "Special vehicle"},
		Free:    {ZH: "免费名单", EN: "Free list"},
		Permit:  {ZH: "月卡", EN: "Month card"},
	}[r.Kind]
	if r.Name.ZH != "" {
		by.ZH += "：" + r.Name.ZH
	}
	if r.Name.EN != "" {
		by.EN += ": " + r.Name.EN
	}
	return by
}

// Entitlements are what the vehicle of a stay that begins at a time is entitled to, sorted.
func (s *Set) Entitlements(p plate.Plate, entry time.Time, where Place) []string {
	var out []string
	for _, r := range s.For(p) {
		if len(r.Entitlements) > 0 && r.At(entry, where) {
			out = append(out, r.Entitlements...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
