package tariff

import (
	"fmt"
	"strings"
)

// What customers are told of guards: other prices at certain times.

func (e *explainer) guard(g *Guard) {
	name := g.Name.or(same(g.ID))
	var zh, en []string
	add := func(t Text) { zh, en = append(zh, t.ZH), append(en, t.EN) }
	cycles, outer := g.Scope == ScopeCycle, e.cycle
	if cycles && outer != nil {
		per := outer.per()
		add(Text{per.ZH + "分别判断", "judged separately" + per.EN})
	}
	incl := Text{}
	if g.Inclusive {
		incl = Text{"（含）", " (inclusive)"}
	}
	if x := g.Entry; x != nil {
		days := daysText(x.DayTypes)
		add(Text{fmt.Sprintf("%s%s–%s%s入场", days.ZH, x.From, x.To, incl.ZH), strings.TrimSuffix(fmt.Sprintf("in %s–%s%s on %s", x.From, x.To, incl.EN, days.EN), " on ")})
	}
	if x := g.Exit; x != nil {
		if x.From != nil {
			d := dayAfter(x.FromDay)
			add(Text{d.ZH + x.From.String() + "后离场", "out after " + x.From.String() + d.EN})
		}
		if x.To != nil {
			d := dayAfter(x.ToDay)
			add(Text{d.ZH + x.To.String() + incl.ZH + "前离场", "out by " + x.To.String() + d.EN + incl.EN})
		}
	}
	if g.AtMost > 0 {
		n := g.AtMost.span()
		add(Text{"停放不超过" + n.ZH, "at most " + n.EN})
	}
	when := Text{strings.Join(zh, "、"), strings.Join(en, ", ")}
	if g.Cheaper {
		when = Text{when.ZH + "，较低时适用", when.EN + ", where that is less"}
	}
	if g.Price != nil {
		price := Text{"一口价" + e.money(*g.Price).ZH, e.money(*g.Price).EN + " flat"}
		if *g.Price == 0 {
			price = Text{"不收费", "no charge"}
		}
		e.sayf("%s（%s）：%s。", "%s (%s): %s.", name, when, price)
		return
	}
	e.sayf("%s（%s）：", "%s (%s):", name, when)
	e.indent++
	e.part = cycles
	e.plan(g.Plan)
	e.part, e.cycle = false, outer
	e.indent--
}

func dayAfter(n int) Text {
	switch n {
	case 0:
		return Text{}
	case 1:
		return Text{"次日", " the next day"}
	}
	return Text{fmt.Sprintf("第%d日", n+1), fmt.Sprintf(" %d days later", n)}
}
