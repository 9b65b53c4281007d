package tariff

import (
	"fmt"
	"strings"

	"lotkeeper/shared/money"
)

// What customers are told of bands and their steps.

func (p *Plan) bandNames(ids []string) Text {
	zh, en := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		zh[i], en[i] = id, id
		for _, b := range p.Bands {
			if b.ID == id {
				name := b.Name.or(same(id))
				zh[i], en[i] = name.ZH, name.EN
			}
		}
	}
	return Text{strings.Join(zh, "、"), strings.Join(en, ", ")}
}

func (e *explainer) band(p *Plan, b *Band) {
	head := b.Name.or(same(b.ID))
	if b.From%day != b.To%day {
		clock := fmt.Sprintf(" %s–%s", b.From, b.To)
		head = Text{head.ZH + clock, head.EN + clock}
	}
	if days := daysText(b.DayTypes); days != (Text{}) {
		switch {
		case b.DayOf == DayOfStay:
			days = Text{days.ZH + "入场", "arrival on " + days.EN}
		case b.DayBegins > 0:
			days = Text{days.ZH + "，以" + b.DayBegins.String() + "为一日之始", days.EN + ", a day beginning at " + b.DayBegins.String()}
		}
		head = Text{head.ZH + "（" + days.ZH + "）", head.EN + " (" + days.EN + ")"}
	}
	if len(b.Steps) == 0 {
		e.sayf("%s：不收费。", "%s: no charge.", head)
		return
	}
	table := p.flatTable(b)
	zh, en := make([]string, len(b.Steps)), make([]string, len(b.Steps))
	for i := range b.Steps {
		s := &b.Steps[i]
		t := e.step(p, b, i, table)
		switch {
		case s.UpTo != 0:
			n := s.UpTo.span()
			t = Text{n.ZH + "以内" + t.ZH, "up to " + n.EN + " " + t.EN}
		case i > 0 && i < table:
			t = Text{"更长" + t.ZH, "longer " + t.EN}
		case i > 0:
			t = Text{"之后" + t.ZH, "then " + t.EN}
		}
		if s.Cross != "" && s.Cross != or(p.Boundary, BoundaryCut) {
			cross := crossText(s.Cross)
			t = Text{t.ZH + "（" + cross.ZH + "）", t.EN + " (" + cross.EN + ")"}
		}
		zh[i], en[i] = t.ZH, t.EN
	}
	e.sayf("%s：%s。", "%s: %s.", head, Text{strings.Join(zh, "；"), strings.Join(en, "; ")})
}

// flatTable says how many steps of a band are a table of totals: flat ones from the beginning, two at least. Where the
// position can begin within the table, the totals would be wrong, and there is none.
func (p *Plan) flatTable(b *Band) int {
	n := 0
	for n < len(b.Steps) && b.Steps[n].Unit == 0 && b.Steps[n].Price.Den <= 1 {
		n++
	}
	if n < 2 {
		return 0
	}
	charged := 0
	for i := range p.Bands {
		if len(p.Bands[i].Steps) > 0 {
			charged++
		}
	}
	switch {
	case p.Position == "" || p.Position == ScopeRun || p.Counted == CountBand:
	case charged > 1, p.Counted == CountElapsed && !coverEveryMoment(p.Bands):
		return 0
	}
	return n
}

// step is the price of one step, of a table the total until its end.
func (e *explainer) step(p *Plan, b *Band, i, table int) Text {
	s := &b.Steps[i]
	if i < table {
		var total money.Amount
		for j := range i + 1 {
			total += money.Amount(b.Steps[j].Price.Num)
		}
		if total == 0 {
			return Text{"不收费", "no charge"}
		}
		return e.money(total)
	}
	switch {
	case s.Price.Sign() == 0 && table > 0:
		return Text{"不再加收", "nothing more"}
	case s.Price.Sign() == 0:
		return Text{"不收费", "no charge"}
	case s.Unit > 0:
		t := s.rate(p, e.currency)
		if table > 0 && i == table {
			t = Text{"另加：" + t.ZH, "in addition " + t.EN}
		}
		return t
	case i > 0:
		t := flatText(s, e.currency)
		return Text{"加收" + t, t + " more"}
	case len(b.Steps) == 1:
		return e.once(p, flatText(s, e.currency))
	}
	return same(flatText(s, e.currency))
}

// once is a band's only price, once in each stretch of its position.
func (e *explainer) once(p *Plan, price string) Text {
	per := e.cycle.per()
	switch {
	case p.Position == "" || p.Position == ScopeRun || e.part && p.Cycle == nil:
		return Text{"一次" + price, price + " flat"}
	case p.Position == ScopeStay || p.Cycle == nil:
		per = Text{"单次停车", " per stay"}
	}
	return Text{per.ZH + price, price + per.EN}
}

// boundary tells what becomes of units between bands, where there is a between.
func (e *explainer) boundary(p *Plan) {
	if len(p.Bands) < 2 && coverEveryMoment(p.Bands) {
		return
	}
	switch p.Boundary {
	case BoundaryThrough:
		e.sayf("跨时段的计费单位按其开始时的价格计。", "a unit that crosses into another period is charged at the price at which it began.")
	case BoundaryPause:
		e.sayf("不收费时段暂停计时，恢复收费后接续。", "the time stops outside charged hours and goes on when they resume.")
	case BoundaryShare:
		e.sayf("跨时段的计费单位按实际比例分段计。", "a unit that crosses into another period is charged in proportion in each.")
	}
}

// again tells when the steps begin anew, where there is more than one step to tell apart.
func (e *explainer) again(p *Plan) {
	stepped := false
	for _, b := range p.Bands {
		stepped = stepped || len(b.Steps) > 1 || (len(b.Steps) == 1 && b.Steps[0].Unit == 0)
	}
	if c := p.Cycle; c != nil {
		e.sayf("%s重新计算。", "%severything starts again.", c.each())
		if c.FullPrice != nil {
			full := Text{"一个周期", "period"}
			if c.Kind == CycleBlock {
				full = c.Length.span()
			}
			e.sayf("停满%s按%s计。", "a full %s costs %s.", full, e.money(*c.FullPrice))
		}
	}
	if stepped && (len(p.Bands) > 1 || !coverEveryMoment(p.Bands)) {
		each := Text{}
		if p.Counted == CountBand {
			each = Text{"，各时段分别计", ", each period on its own"}
		}
		switch {
		case p.Position == "" || p.Position == ScopeRun:
			e.sayf("进入另一时段后重新计算时长。", "time is counted anew in each period.")
		case p.Position == ScopeStay || p.Cycle == nil:
			e.sayf("阶梯时长按整次停车累计%s。", "the steps' time is counted over the whole stay%s.", each)
		case p.Counted == CountBand:
			e.sayf("阶梯时长在每个周期内各时段分别累计。", "the steps' time is counted for each period on its own.")
		}
	}
	if stepped && p.Counted == CountElapsed {
		e.sayf("时长含不收费时间。", "time that is not charged counts too.")
	}
}
