package tariff

import (
	"fmt"
	"slices"
	"strings"

	"lotkeeper/shared/money"
)

// Explain tells customers the tariff in plain words, in Chinese and in English, one rule a line. It is made from the
// same data that Rate reads, so a notice board cannot differ from the bill.
func Explain(t Tariff) (zh, en string) {
	e := explainer{currency: t.Currency}
	e.line(0, t.Name)
	for i := range t.Plans {
		others := Text{}
		if i > 0 && i == len(t.Plans)-1 {
			others = othersText(t.Plans[:i])
		}
		e.vehicles(&t.Plans[i], others)
		e.plan(&t.Plans[i])
	}
	e.tariff(&t)
	return strings.TrimSuffix(e.zh.String(), "\n"), strings.TrimSuffix(e.en.String(), "\n")
}

type explainer struct {
	zh, en   strings.Builder
	indent   int
	currency money.Currency
	cycle    *Cycle // of the plan; in the plan of a guard of cycles, the outer one's
	part     bool   // in such a plan "stay" means the cycle
}

func (e *explainer) line(indent int, t Text) {
	pad := strings.Repeat("  ", e.indent+indent)
	e.zh.WriteString(pad + t.ZH + "\n")
	e.en.WriteString(pad + capital(t.EN) + "\n")
}

// sayf writes a line whose parts are the same in both languages.
func (e *explainer) sayf(zh, en string, args ...Text) {
	a, b := make([]any, len(args)), make([]any, len(args))
	for i, t := range args {
		a[i], b[i] = t.ZH, t.EN
	}
	e.line(1, Text{fmt.Sprintf(zh, a...), fmt.Sprintf(en, b...)})
}

func same(s string) Text { return Text{s, s} }

func (e *explainer) money(a money.Amount) Text { return same(a.Format(e.currency)) }

// othersText is who is left when these plans have taken theirs.
func othersText(before []Plan) Text {
	days, vehicles := false, false
	for i := range before {
		days = days || len(before[i].DayTypes) > 0
		vehicles = vehicles || len(before[i].Classes)+len(before[i].Entitlements) > 0
	}
	switch {
	case days && vehicles:
		return Text{"其他情况：", "Otherwise:"}
	case days:
		return Text{"其他日期：", "Other days:"}
	}
	return Text{"其他车辆：", "Other vehicles:"}
}

func (e *explainer) vehicles(p *Plan, others Text) {
	words := slices.Concat(p.Classes, p.Entitlements)
	name := p.Name.or(Text{strings.Join(words, "、"), strings.Join(words, ", ")})
	if days := daysText(p.DayTypes); days != (Text{}) {
		name = Text{join(name.ZH, "，", days.ZH+"入场"), join(name.EN, ", ", "arriving on "+days.EN)}
	}
	switch {
	case name != Text{}:
		e.line(0, Text{name.ZH + "：", name.EN + ":"})
	case others != Text{}:
		e.line(0, others)
	}
}

func join(a, between, b string) string {
	if a == "" {
		return b
	}
	return a + between + b
}

func (e *explainer) plan(p *Plan) {
	if !e.part || p.Cycle != nil {
		e.cycle = p.Cycle
	}
	for i := range p.Guards {
		e.guard(&p.Guards[i])
	}
	charged := false
	for _, b := range p.Bands {
		charged = charged || len(b.Steps) > 0
	}
	if !charged {
		e.sayf("不收费。", "no charge.")
		return
	}
	if x := p.EntryRounding; x != nil {
		if x.Mode == RoundUp {
			e.sayf("入场时间顺延至下一个%s整点计费。", "charging begins at the next multiple of %s on the clock.", x.Unit.span())
		} else {
			e.sayf("入场时间提前至上一个%s整点计费。", "charging begins at the last multiple of %s on the clock.", x.Unit.span())
		}
	}
	if p.Free != nil {
		e.free(p)
	}
	for i := range p.Bands {
		e.band(p, &p.Bands[i])
	}
	if !coverEveryMoment(p.Bands) {
		e.sayf("其余时间不收费。", "no charge at other times.")
	}
	e.boundary(p)
	e.again(p)
	for i := range p.Caps {
		c := p.Caps[i]
		if e.part && c.Window == WindowStay {
			c.Window = WindowCycle
		}
		t := c.words(e.currency, e.cycle.per(), p.bandNames(c.Bands))
		e.line(1, Text{t.ZH + "。", t.EN + "."})
	}
	for i := range p.SharedCaps {
		t := p.SharedCaps[i].text(e.currency)
		e.line(1, Text{t.ZH + "。", t.EN + "."})
	}
	e.sums(p)
}

// sums is what changes the fee as a whole.
func (e *explainer) sums(p *Plan) {
	if p.Minimum > 0 {
		e.sayf("收费时最低%s。", "at least %s where anything is charged.", e.money(p.Minimum))
	}
	if p.Multiplier != nil {
		what := Text{"以上费用", "all of the above"}
		if len(p.Caps)+len(p.SharedCaps) > 0 || p.Minimum > 0 {
			what = Text{"以上费用及限额", "all of the above, maxima and minima too,"}
		}
		if name := p.MultiplierName; name != (Text{}) {
			what = Text{name.ZH + "：" + what.ZH, name.EN + ": " + what.EN}
		}
		e.sayf("%s×%s。", "%s × %s.", what, same(p.Multiplier.String()))
	}
	if x := p.MaxStay; x != nil {
		if x.Counted == CountElapsed {
			e.sayf("最长停放%s，超出部分不再计费但属违规。", "stay at most %s; a longer stay is not charged for but not allowed.", x.Length.span())
		} else {
			e.sayf("收费时段内最长停放%s，超出部分不再计费但属违规。", "stay at most %s of charged time; a longer stay is not charged for but not allowed.", x.Length.span())
		}
	}
}

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

// tariff tells what stands beside the plans.
func (e *explainer) tariff(t *Tariff) {
	e.indent = -1
	if x := t.Reentry; x != nil {
		outside := Text{"（含离场期间）", ", the time outside included"}
		if x.Outside == OutsideSkipped {
			outside = Text{"（离场期间不计费）", ", the time outside is not charged"}
		}
		e.sayf("离场后%s内再次入场与上次停车合并计费%s，已收费用抵扣。", "coming back within %s goes on with the earlier visit%s; what was charged is credited.", x.Within.span(), outside)
	}
	for i := range t.Passes {
		p := &t.Passes[i]
		hours := Text{"全部时间", "at all times"}
		for j := range p.Windows {
			w := &p.Windows[j]
			text, days := same(fmt.Sprintf("%s–%s", w.From, w.To)), daysText(w.DayTypes)
			if days != (Text{}) {
				text = Text{text.ZH + "（" + days.ZH + "）", text.EN + " (" + days.EN + ")"}
			}
			if j == 0 {
				hours = text
			} else {
				hours = Text{hours.ZH + "、" + text.ZH, hours.EN + ", " + text.EN}
			}
		}
		e.sayf("%s：%s免费%s。", "%s: free %s%s.", p.Name.or(same(p.ID)), hours, restText(p.Rest, p.Free))
	}
	if x := t.Booking; x != nil {
		if x.Early > 0 {
			e.sayf("预约车辆可提前%s入场。", "with a booking you may come %s early.", x.Early.span())
		}
		if rest := restText(x.Rest, x.Free); rest != (Text{}) {
			e.sayf("预约时段外：%s。", "beside booked time: %s.", Text{strings.TrimPrefix(rest.ZH, "，"), strings.TrimPrefix(rest.EN, "; ")})
		}
	}
	if t.Precision == PrecisionMinute || t.Precision == PrecisionClock {
		e.sayf("停车时间按整分钟计。", "time is counted in whole minutes.")
	}
	if x := t.Rounding; x != nil && x.Unit > 1 {
		mode := map[RoundMode]Text{RoundHalfUp: {"四舍五入", "to the nearest"}, RoundUp: {"向上取", "up to a multiple of"}, RoundDown: {"向下取", "down to a multiple of"}}
		what := map[RoundPer]Text{RoundTotal: {"金额", "the amount"}, RoundCycle: {"每个周期的金额", "the amount of each period"}, RoundUnit: {"每个计费单位的金额", "the price of each unit"}}
		e.sayf("%s%s至%s。", "%s is rounded %s %s.", what[or(x.Per, RoundTotal)], mode[or(x.Mode, RoundHalfUp)], e.money(x.Unit))
	}
	if t.GraceAfterPayment > 0 {
		e.sayf("缴费后%s内离场不再收费。", "after paying, leave within %s at no further charge.", t.GraceAfterPayment.span())
	}
	if t.AfterPayment == AfterNewStay {
		e.sayf("缴费后逾时未离场的，自缴费时起按新的一次停车计费。", "who leaves later is charged for the time since paying as for a new stay.")
	}
	e.indent = 0
}
