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
