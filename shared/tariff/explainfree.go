package tariff

import (
	"fmt"
	"strings"
)

// What customers are told of free time.

func (e *explainer) free(p *Plan) {
	f := p.Free
	n := f.UpTo.span()
	within := Text{"不足" + n.ZH, "less than " + n.EN}
	if f.Inclusive {
		within = Text{n.ZH + "以内（含）", "up to and including " + n.EN}
	}
	each := p.freeEach()
	if f.OncePer != nil {
		first := f.OncePer.text()
		each = Text{first.ZH + each.ZH, first.EN + each.EN}
	}
	if f.Then == FreeDeduct {
		first := Text{n.ZH, n.EN + " are"}
		if one, single := strings.CutPrefix(n.EN, "1 "); single {
			first.EN = one + " is"
		}
		e.sayf("%s前%s免费。", "%sthe first %s free.", each, first)
		return
	}
	e.sayf("%s%s免费；超过后从头计费。", "%s%s is free; a longer time is charged from its beginning.", each, within)
}

// freeEach is where the free time is given: "每24小时" and "every 24 hours, ".
func (p *Plan) freeEach() Text {
	f := p.Free
	switch {
	case f.Scope == ScopeCycle && p.Cycle != nil && f.Times == 1:
		return Text{"首个周期内", "in the first period, "}
	case f.Scope == ScopeCycle && p.Cycle != nil:
		each := p.Cycle.each()
		if f.Times > 0 {
			each = Text{fmt.Sprintf("%s（仅前%d个周期）", each.ZH, f.Times), fmt.Sprintf("%sof the first %d only, ", each.EN, f.Times)}
		}
		return each
	case f.Scope == ScopeRun:
		what := Text{"收费时段", "charged period"}
		if len(f.Bands) > 0 {
			names := p.bandNames(f.Bands)
			what = Text{"“" + names.ZH + "”时段", "period of " + names.EN}
		}
		switch {
		case f.Times == 1:
			return Text{"首个" + what.ZH + "内", "in the first " + what.EN + ", "}
		case f.Times > 0:
			return Text{fmt.Sprintf("前%d个%s内各自", f.Times, what.ZH), fmt.Sprintf("in each of the first %d %s, ", f.Times, strings.Replace(what.EN, "period", "periods", 1))}
		}
		return Text{"每个" + what.ZH, "in each " + what.EN + ", "}
	case f.Scope == ScopeChargeable:
		return Text{"收费时段内累计", "of charged time, "}
	}
	return Text{}
}

func (v *VisitWindow) text() Text {
	if v.Window == WindowRolling {
		n := v.Length.span()
		return Text{n.ZH + "内首次停车", "for the first visit in " + n.EN + ", "}
	}
	return Text{"当日首次停车", "for the first visit of the day, "}
}
