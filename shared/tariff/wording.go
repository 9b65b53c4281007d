package tariff

import (
	"fmt"
	"slices"
	"strings"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// The words of cycles, caps, days and prices, for explanations and for the lines of bills.

// each is "每24小时" and "every 24 hours, ".
func (c *Cycle) each() Text {
	switch {
	case c.Kind == CycleBlock:
		n, wall := c.Length.spanPer(), byTheClock(c.Clock)
		return Text{"每" + n.ZH + wall.ZH, "every " + n.EN + wall.EN + ", "}
	case len(c.Starts) > 0:
		t := startsText(c.Starts)
		return Text{"每到" + t.ZH, "at " + t.EN + ", "}
	case c.At != 0:
		return Text{"每日" + c.At.String() + "起", "every day at " + c.At.String() + ", "}
	}
	return Text{"每自然日", "every calendar day, "}
}

// per is "每24小时" and " per 24 hours"; without a cycle it is the stay.
func (c *Cycle) per() Text {
	switch {
	case c == nil:
		return Text{"单次", " per stay"}
	case c.Kind == CycleBlock:
		n, wall := c.Length.spanPer(), byTheClock(c.Clock)
		return Text{"每" + n.ZH + wall.ZH, " per " + n.EN + wall.EN}
	case len(c.Starts) > 0:
		return betweenText(c.Starts)
	case c.At != 0:
		return Text{"每日" + c.At.String() + "起", " per day from " + c.At.String()}
	}
	return Text{"每自然日", " per day"}
}

// span is a length of time for people, in days where it is several whole ones.
func (s Seconds) span() Text {
	if s > day && s%day == 0 {
		return Text{fmt.Sprintf("%d天", s/day), plural(int64(s/day), "day")}
	}
	return s.text()
}

// spanPer is the same after "per".
func (s Seconds) spanPer() Text {
	if s > day {
		return s.span()
	}
	return s.per()
}

func byTheClock(kind ClockKind) Text {
	if kind == ClockWall {
		return Text{"（按当地时钟）", " by the local clock"}
	}
	return Text{}
}

func startsText(starts []Start) Text {
	var zh, en []string
	for _, s := range starts {
		days := daysText(s.DayTypes)
		zh = append(zh, days.ZH+s.At.String())
		en = append(en, strings.TrimSuffix(s.At.String()+" on "+days.EN, " on "))
	}
	return Text{strings.Join(zh, "、"), strings.Join(en, ", ")}
}

func betweenText(starts []Start) Text {
	s := startsText(starts)
	return Text{"每到" + s.ZH + "重新计，每段", " from each of " + s.EN + " to the next"}
}

func (c *SharedCap) text(currency money.Currency) Text {
	amount := c.Amount.Format(currency)
	if c.Window == WindowRolling {
		n, per := c.Length.span(), c.Length.spanPer()
		return Text{
			"自入场起每" + per.ZH + "最高" + amount + "，与入场前" + n.ZH + "内的停车合计",
			"At most " + amount + " per " + per.EN + " from entry, shared with visits of the " + n.EN + " before",
		}
	}
	if c.At != 0 {
		at := c.At.String()
		return Text{
			"每日" + at + "至次日" + at + "最高" + amount + "，与其间多次停车合计",
			"At most " + amount + " from " + at + " to " + at + " the next day, shared with earlier visits of that time",
		}
	}
	return Text{"每自然日最高" + amount + "，当日多次停车合计", "At most " + amount + " per calendar day, shared with earlier visits of the day"}
}

// words are of a cap whose cycle and whose bands are called so.
func (c *Cap) words(currency money.Currency, cycle, bands Text) Text {
	amount := c.Amount.Format(currency)
	per := c.window(cycle)
	switch {
	case len(c.Bands) == 0:
	case c.Window == WindowRun:
		per = Text{"每个“" + bands.ZH + "”时段", " per period of " + bands.EN}
	default:
		per = Text{per.ZH + "“" + bands.ZH + "”时段", per.EN + " for " + bands.EN}
	}
	if c.PerCycle {
		per = Text{per.ZH + "（每个周期另计）", per.EN + ", in each cycle anew"}
	}
	switch {
	case c.Times == 1 && c.Skip == 0:
		per = Text{per.ZH + "（仅首个）", per.EN + ", the first only"}
	case c.Times > 0 && c.Skip == 0:
		per = Text{fmt.Sprintf("%s（仅前%d个）", per.ZH, c.Times), fmt.Sprintf("%s, the first %d only", per.EN, c.Times)}
	case c.Times > 0:
		per = Text{fmt.Sprintf("%s（第%d至%d个）", per.ZH, c.Skip+1, c.Skip+c.Times), fmt.Sprintf("%s, %d to %d only", per.EN, c.Skip+1, c.Skip+c.Times)}
	case c.Skip == 1:
		per = Text{per.ZH + "（第2个起）", per.EN + ", not the first"}
	case c.Skip > 0:
		per = Text{fmt.Sprintf("%s（第%d个起）", per.ZH, c.Skip+1), fmt.Sprintf("%s, not the first %d", per.EN, c.Skip)}
	}
	return Text{per.ZH + "最高" + amount, "At most " + amount + per.EN}
}

func (c *Cap) window(cycle Text) Text {
	switch c.Window {
	case WindowDay:
		if len(c.Starts) > 0 {
			return betweenText(c.Starts)
		} else if c.At != 0 {
			at := c.At.String()
			return Text{"每日" + at + "至次日" + at, " from " + at + " to " + at + " the next day"}
		}
		return Text{"每自然日", " per calendar day"}
	case WindowBlock:
		length, wall := c.Length.spanPer(), byTheClock(c.Clock)
		return Text{"每" + length.ZH + wall.ZH, " per " + length.EN + wall.EN}
	case WindowRun:
		return Text{"每个时段", " per period"}
	case WindowCycle:
		return cycle
	case WindowClock:
		days := daysText(c.DayTypes)
		return Text{fmt.Sprintf("%s%s–%s", days.ZH, c.From, c.To), strings.TrimSuffix(fmt.Sprintf(" within %s–%s on %s", c.From, c.To, days.EN), " on ")}
	}
	return Text{"单次", " per stay"}
}

// daysText lists days: weekdays first, three or more in a row as a range.
func daysText(words []string) Text {
	var zh, en []string
	add := func(t Text) { zh, en = append(zh, t.ZH), append(en, t.EN) }
	named := func(n int) bool { return n < 7 && slices.Contains(words, weekdayNames[(n+1)%7]) } // from Monday
	for n := 0; n < 7; n++ {
		last := n
		for named(n) && named(last+1) {
			last++
		}
		first, end := weekdayNames[(n+1)%7], weekdayNames[(last+1)%7]
		switch {
		case last >= n+2:
			add(Text{dayTypeText(first).ZH + "至" + dayTypeText(end).ZH, capital(first) + " to " + capital(end)})
			n = last
		case named(n):
			add(dayTypeText(first))
		}
	}
	for _, word := range words {
		if !slices.Contains(weekdayNames[:], word) {
			add(dayTypeText(word))
		}
	}
	return Text{strings.Join(zh, "、"), strings.Join(en, ", ")}
}

func dayTypeText(word string) Text {
	switch word {
	case calendar.Workday:
		return Text{"工作日", "workdays"}
	case calendar.Weekend:
		return Text{"周末", "weekends"}
	case calendar.Holiday:
		return Text{"节假日", "holidays"}
	case "holiday_long":
		return Text{"长假", "long holidays"}
	case "PH":
		return Text{"公众假期", "public holidays"}
	}
	if i := slices.Index(weekdayNames[:], word); i >= 0 {
		return Text{"周" + []string{"日", "一", "二", "三", "四", "五", "六"}[i], capital(word) + "s"}
	}
	return same(word)
}

// coverEveryMoment says whether the bands that hold on every day leave no time of day out.
func coverEveryMoment(bands []Band) bool {
	edges := []Clock{0}
	for _, b := range bands {
		edges = append(edges, b.From%day, b.To%day)
	}
	for _, at := range edges { // if all edges are covered, so is what lies between
		if !slices.ContainsFunc(bands, func(b Band) bool {
			c := band{from: int32(b.From % day), to: int32(b.To % day)}
			return len(b.DayTypes) == 0 && c.covers(int32(at))
		}) {
			return false
		}
	}
	return true
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func flatText(s *Step, c money.Currency) string {
	price := money.Amount(s.Price.Num).Format(c)
	if s.Price.Den > 1 {
		price = fmt.Sprintf("%s/%d", price, s.Price.Den)
	}
	return price
}

// rate tells a price by units, and what an unfinished unit costs. A price that is no whole number of minor units is told
// for an hour, or for as many units as make it one.
func (s *Step) rate(p *Plan, c money.Currency) Text {
	den := max(s.Price.Den, 1)
	units := den
	if n := int64(3600 / s.Unit); n > units && 3600%s.Unit == 0 && n%units == 0 && den > 1 {
		units = n
	}
	price, told := money.Amount(s.Price.Num*(units/den)).Format(c), (s.Unit * Seconds(units)).spanPer()
	unit, per := s.Unit.span(), s.Unit.spanPer()
	t := Text{"每" + told.ZH + price, price + " per " + told.EN}
	end, tail := s.ending(p)
	switch {
	case end == EndExact || (s.Unit == 1 && units > 1):
		return Text{t.ZH + "，按秒折算", t.EN + ", by the second"}
	case end == EndStarted:
		return Text{t.ZH + "，按分钟折算，不足1分钟按1分钟计", t.EN + ", by started minutes"}
	case end == EndTail:
		n := tail.span()
		return Text{t.ZH + "，尾数不超过" + n.ZH + "不计、超过按" + unit.ZH + "计", t.EN + ", a rest of up to " + n.EN + " is free, more counts as a whole"}
	case end == EndFloor && units == 1:
		return Text{"每满" + unit.ZH + price + "，不足" + unit.ZH + "不计", price + " each full " + per.EN}
	case end == EndFloor:
		return Text{t.ZH + "，按" + per.ZH + "计，不足" + unit.ZH + "不计", t.EN + ", by full " + unitsText(s.Unit)}
	case units == 1:
		return Text{t.ZH + "，不足" + unit.ZH + "按" + unit.ZH + "计", price + " each started " + per.EN}
	}
	return Text{t.ZH + "，按" + per.ZH + "计，不足" + unit.ZH + "按" + unit.ZH + "计", t.EN + ", by started " + unitsText(s.Unit)}
}

// unitsText is "minutes" of a minute and "periods of 10 minutes" of ten.
func unitsText(s Seconds) string {
	n := s.span().EN
	if one, single := strings.CutPrefix(n, "1 "); single {
		return one + "s"
	}
	return "periods of " + n
}

func crossText(b Boundary) Text {
	switch b {
	case BoundaryThrough:
		return Text{"跨时段时按此价计至单位结束", "a unit that crosses into another period runs on at this price"}
	case BoundaryPause:
		return Text{"不收费时段暂停计时，恢复收费后接续", "a unit stops outside charged hours and goes on when they resume"}
	case BoundaryShare:
		return Text{"跨时段时按实际比例计", "a unit that crosses into another period is charged in proportion"}
	}
	return Text{"时段结束时单位截止", "a unit ends with the period"}
}

// restText tells how time beside covered time is priced, where it is not as one stay with free time of its own.
func restText(rest Rest, free FreeTest) Text {
	var t Text
	switch rest {
	case RestSeparate:
		t = Text{"，其余每段时间各按一次停车计费", "; each stretch of other time is charged as a stay of its own"}
	case RestThrough:
		t = Text{"，计费单位自入场起连续计算，在免费时间内开始的不收费", "; units are counted from entry, and those that begin in covered time are free"}
	}
	switch free {
	case FreeTestStay:
		return Text{t.ZH + "，免费时长按整次停车判断", t.EN + "; free time is judged by the whole stay"}
	case FreeTestNone:
		return Text{t.ZH + "，其余时间不享受免费时长", t.EN + "; there is no free time beside it"}
	}
	return t
}
