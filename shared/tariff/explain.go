package tariff

import (
	"fmt"
	"slices"
	"strings"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// Explain tells customers the tariff in plain words, in Chinese and in English, one rule a line. It is made from the
// same data that Rate reads, so a notice board cannot differ from the bill.
func Explain(t Tariff) (zh, en string) {
	var e explainer
	e.line(0, t.Name)
	for i := range t.Plans {
		e.plan(&t.Plans[i], i == len(t.Plans)-1 && i > 0, t.Currency)
	}
	if t.GraceAfterPayment > 0 {
		g := t.GraceAfterPayment.text()
		e.line(0, Text{"缴费后" + g.ZH + "内离场不再收费。", "After paying, leave within " + g.EN + " at no further charge."})
	}
	return strings.TrimSuffix(e.zh.String(), "\n"), strings.TrimSuffix(e.en.String(), "\n")
}

type explainer struct{ zh, en strings.Builder }

func (e *explainer) line(indent int, t Text) {
	pad := strings.Repeat("  ", indent)
	e.zh.WriteString(pad + t.ZH + "\n")
	e.en.WriteString(pad + t.EN + "\n")
}

func (e *explainer) plan(p *Plan, others bool, c money.Currency) {
	classes := Text{strings.Join(p.Classes, "、"), strings.Join(p.Classes, ", ")}
	switch name := p.Name.or(classes); {
	case name != Text{}:
		e.line(0, Text{name.ZH + "：", name.EN + ":"})
	case others:
		e.line(0, Text{"其他车辆：", "Other vehicles:"})
	}
	charged := false
	for _, b := range p.Bands {
		charged = charged || len(b.Steps) > 0
	}
	if !charged {
		e.line(1, Text{"不收费。", "No charge."})
		return
	}
	if p.Free != nil {
		e.free(p)
	}
	for i := range p.Bands {
		e.band(&p.Bands[i], c)
	}
	if !coverEveryMoment(p.Bands) {
		e.line(1, Text{"其余时间不收费。", "No charge at other times."})
	}
	e.again(p)
	for _, limit := range p.Caps {
		t := limit.text(c)
		e.line(1, Text{t.ZH + "。", t.EN + "."})
	}
}

func (e *explainer) free(p *Plan) {
	n := p.Free.UpTo.text()
	within := Text{"不足" + n.ZH, "under " + n.EN}
	if p.Free.Inclusive {
		within = Text{n.ZH + "以内（含）", "up to and including " + n.EN}
	}
	each := Text{}
	if p.Free.Scope == ScopeCycle && p.Cycle != nil {
		each = p.Cycle.each()
	}
	if p.Free.Then == FreeDeduct {
		e.line(1, Text{each.ZH + "前" + n.ZH + "免费。", capital(each.EN + "the first " + n.EN + " are free.")})
		return
	}
	e.line(1, Text{each.ZH + within.ZH + "免费；超过后从入场起计费。", capital(each.EN + within.EN + " is free; a longer stay is charged from its beginning.")})
}

func (e *explainer) band(b *Band, c money.Currency) {
	head := b.Name.or(Text{b.ID, b.ID})
	if b.From%day != b.To%day {
		clock := fmt.Sprintf(" %s–%s", b.From, b.To)
		head = Text{head.ZH + clock, head.EN + clock}
	}
	if len(b.DayTypes) > 0 {
		zh, en := make([]string, len(b.DayTypes)), make([]string, len(b.DayTypes))
		for i, word := range b.DayTypes {
			t := dayTypeText(word)
			zh[i], en[i] = t.ZH, t.EN
		}
		head = Text{head.ZH + "（" + strings.Join(zh, "、") + "）", head.EN + " (" + strings.Join(en, ", ") + ")"}
	}
	if len(b.Steps) == 0 {
		e.line(1, Text{head.ZH + "：不收费。", head.EN + ": no charge."})
		return
	}
	zh, en := make([]string, len(b.Steps)), make([]string, len(b.Steps))
	for i, s := range b.Steps {
		t := s.explain(c)
		switch {
		case s.UpTo != 0:
			n := s.UpTo.text()
			t = Text{n.ZH + "以内" + t.ZH, "up to " + n.EN + " " + t.EN}
		case i > 0:
			t = Text{"之后" + t.ZH, "then " + t.EN}
		}
		zh[i], en[i] = t.ZH, t.EN
	}
	e.line(1, Text{head.ZH + "：" + strings.Join(zh, "；") + "。", head.EN + ": " + strings.Join(en, "; ") + "."})
}

func (s Step) explain(c money.Currency) Text {
	t := s.priceText(c)
	switch {
	case s.Price.Sign() == 0:
		return Text{"不收费", "no charge"}
	case s.Unit == 0:
		return t
	case s.End == EndFloor:
		return Text{t.ZH + "，不足一个单位不计", t.EN + ", an unfinished unit is free"}
	case s.End == EndStarted:
		return Text{t.ZH + "，按分钟折算", t.EN + ", in proportion by started minutes"}
	}
	return Text{t.ZH + "，不足一个单位按一个单位计", t.EN + " or part thereof"}
}

// again tells when the steps begin anew, where there is more than one step to tell apart.
func (e *explainer) again(p *Plan) {
	stepped := false
	for _, b := range p.Bands {
		stepped = stepped || len(b.Steps) > 1 || (len(b.Steps) == 1 && b.Steps[0].Unit == 0)
	}
	if p.Cycle != nil {
		each := p.Cycle.each()
		e.line(1, Text{each.ZH + "重新计算。", capital(each.EN + "everything starts again.")})
	}
	if stepped && (p.Position == "" || p.Position == ScopeRun) && len(p.Bands) > 1 {
		e.line(1, Text{"进入另一时段后重新计算时长。", "Time is counted anew in each period."})
	}
}

// each is "每24小时" and "every 24 hours, ".
func (c *Cycle) each() Text {
	if c.Kind == CycleDay {
		return Text{"每自然日", "every calendar day, "}
	}
	n := c.Length.per()
	return Text{"每" + n.ZH, "every " + n.EN + ", "}
}

func dayTypeText(word string) Text {
	switch word {
	case calendar.Workday:
		return Text{"工作日", "workdays"}
	case calendar.Weekend:
		return Text{"周末", "weekends"}
	case calendar.Holiday:
		return Text{"节假日", "holidays"}
	}
	return Text{word, word}
}

// coverEveryMoment says whether the bands that hold on every day leave no time of day out.
func coverEveryMoment(bands []Band) bool {
	edges := []Clock{0}
	for _, b := range bands {
		edges = append(edges, b.From%day, b.To%day)
	}
	for _, at := range edges { // if all edges are covered, so is what lies between
		if !slices.ContainsFunc(bands, func(b Band) bool { return len(b.DayTypes) == 0 && b.covers(at) }) {
			return false
		}
	}
	return true
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
