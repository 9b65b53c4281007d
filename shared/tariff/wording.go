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
		n := c.Length.per()
		return Text{"每" + n.ZH, "every " + n.EN + ", "}
	case len(c.Starts) > 0:
		t := startsText(c.Starts)
		return Text{"每到" + t.ZH, "at " + t.EN + ", "}
	case c.At != 0:
		return Text{"每日" + c.At.String() + "起", "every day at " + c.At.String() + ", "}
	}
	return Text{"每自然日", "every calendar day, "}
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

func (c *SharedCap) text(currency money.Currency) Text {
	amount := c.Amount.Format(currency)
	if c.Window == WindowRolling {
		n := c.Length.text()
		return Text{n.ZH + "内多次停车合计最高" + amount, "At most " + amount + " for all visits within " + n.EN}
	}
	return Text{"当日多次停车合计最高" + amount, "At most " + amount + " for all visits of a day"}
}

func (c *Cap) text(currency money.Currency) Text {
	amount := c.Amount.Format(currency)
	var per Text
	switch c.Window {
	case WindowDay:
		per = Text{"每自然日", " per calendar day"}
		if len(c.Starts) > 0 {
			s := startsText(c.Starts)
			per = Text{"每到" + s.ZH + "重新计，每段", " from each of " + s.EN + " to the next"}
		} else if c.At != 0 {
			per = Text{"每日" + c.At.String() + "至次日" + c.At.String(), " from " + c.At.String() + " to " + c.At.String() + " the next day"}
		}
	case WindowBlock:
		length := c.Length.per()
		per = Text{"每" + length.ZH, " per " + length.EN}
	case WindowRun:
		per = Text{"每个时段", " per period"}
	case WindowCycle:
		per = Text{"每个周期", " per cycle"}
	case WindowClock:
		days := daysText(c.DayTypes)
		per = Text{fmt.Sprintf("%s%s–%s", days.ZH, c.From, c.To), strings.TrimSuffix(fmt.Sprintf(" within %s–%s on %s", c.From, c.To, days.EN), " on ")}
	default:
		per = Text{"单次", " per stay"}
	}
	if len(c.Bands) > 0 {
		per = Text{per.ZH + strings.Join(c.Bands, "、"), per.EN + " of " + strings.Join(c.Bands, ", ")}
	}
	switch {
	case c.Times == 1 && c.Skip == 0:
		per = Text{per.ZH + "（仅首个）", per.EN + ", the first only"}
	case c.Times > 0 && c.Skip == 0:
		per = Text{fmt.Sprintf("%s（仅前%d个）", per.ZH, c.Times), fmt.Sprintf("%s, the first %d only", per.EN, c.Times)}
	case c.Skip > 0:
		per = Text{fmt.Sprintf("%s（第%d个起）", per.ZH, c.Skip+1), fmt.Sprintf("%s, not the first %d", per.EN, c.Skip)}
	}
	return Text{per.ZH + "最高" + amount, "At most " + amount + per.EN}
}

func daysText(words []string) Text {
	zh, en := make([]string, len(words)), make([]string, len(words))
	for i, word := range words {
		t := dayTypeText(word)
		zh[i], en[i] = t.ZH, t.EN
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
