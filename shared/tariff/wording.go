package tariff

import (
	"fmt"
	"slices"
	"strings"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// The words of cycles, caps and days, for explanations and for the lines of bills.

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

// per is "每24小时" and " per 24 hours".
func (c *Cycle) per() Text {
	switch {
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
		return Text{"（按当地钟面）", " by the local clock"}
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

// text is of a cap on a bill, where its plan is not at hand.
func (c *Cap) text(currency money.Currency) Text {
	return c.words(currency, Text{"每个周期", " per cycle"}, Text{strings.Join(c.Bands, "、"), strings.Join(c.Bands, ", ")})
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
