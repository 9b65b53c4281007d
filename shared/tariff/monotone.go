package tariff

import "slices"

// monotone says whether under a plan a later exit never costs less. Prices are not negative, a later exit only adds
// units, and a cap takes no more than was added; so only what looks at the exit, or replaces what was added, can break it.
func (r *Rater) monotone(p *plan) bool {
	for i := range p.guards {
		g := p.guards[i].src
		if g.Exit != nil && g.Exit.From != nil {
			return false // what was dear before is flat then
		}
		if (g.Exit != nil || g.AtMost > 0) && !g.Cheaper {
			return false // after it the ordinary price may be less
		}
		if sub := p.guards[i].plan; sub != nil && !r.monotone(sub) {
			return false
		}
	}
	if p.shares() {
		return false
	}
	if c := p.src.Cycle; c != nil && c.FullPrice != nil {
		full := int64(*c.FullPrice) * r.den
		for i := range p.caps {
			if x := &p.caps[i]; x.bands == 0 && x.amount <= full && x.src.Times == 0 && x.src.Skip == 0 &&
				(x.src.Window == WindowCycle || x.src.Window == WindowStay) {
				return true
			}
		}
		return false // the sum of the units may be above the full price until the cycle is full
	}
	return true
}

// shares says whether a unit may cost more just before its band ends than its exact share just after.
func (p *plan) shares() bool {
	if b := p.bands; len(b) == 1 && b[0].days == 0 && b[0].from == b[0].to {
		return false // no band ever ends
	}
	for i := range p.bands {
		if slices.ContainsFunc(p.bands[i].steps, func(s step) bool {
			return s.unit > 0 && s.cross == BoundaryShare && s.end != EndExact && s.end != EndFloor && s.price > 0
		}) {
			return true
		}
	}
	return false
}
