package oracle

import "lotkeeper/shared/tariff"

// guardFits says whether a guard is for a stay, or a cycle, that begins and ends so.
func (p *place) guardFits(g *tariff.Guard, stay span) bool {
	if g.AtMost > 0 && stay.length() > int64(g.AtMost) {
		return false
	}
	for _, day := range p.guardDays(g, stay.begin) {
		if p.exitFits(g, day, stay.end) {
			return true
		}
	}
	return false
}

// guardDays lists the days D on which an entry window began that the entry fits. It is one day, or the two that meet
// where an inclusive window of a whole day ends.
func (p *place) guardDays(g *tariff.Guard, entry int64) []int64 {
	today := p.day(entry)
	if g.Entry == nil {
		return []int64{today}
	}
	var days []int64
	for day := today - 2; day <= today+2; day++ {
		window := p.clockWindow(day, g.Entry.From, g.Entry.To)
		fits := window.has(entry) || g.Inclusive && entry == window.end
		if fits && p.fits(g.Entry.DayTypes, day) {
			days = append(days, day)
		}
	}
	return days
}

func (p *place) exitFits(g *tariff.Guard, day, exit int64) bool {
	x := g.Exit
	if x == nil {
		return true
	}
	if x.From != nil && exit < p.edge(day+int64(x.FromDay), int64(*x.From)) {
		return false
	}
	if x.To == nil {
		return true
	}
	end := p.edge(day+int64(x.ToDay), int64(*x.To))
	return exit < end || g.Inclusive && exit == end
}
