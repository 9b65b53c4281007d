package tariff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/calendar"
)

// Level says how bad a finding is.
type Level string

const (
	// LevelError is what nobody can have meant; such a tariff is not published.
	LevelError Level = "error"
	// LevelWarning is what somebody should look at before it is published.
	LevelWarning Level = "warning"
)

// Finding is something odd about a tariff that can be priced by.
type Finding struct {
	Level Level  `json:"level"`
	Code  string `json:"code"`
	Place string `json:"place"` // as in a fault of Decode
	Text  Text   `json:"text"`
}

// The codes of findings.
const (
	LintPlanShadowed = "plan_unreachable"
	LintBandNever    = "band_unreachable"
	LintStepNever    = "step_unreachable"
	LintDayType      = "day_type_unknown"
	LintGap          = "gap"
	LintNoCycle      = "no_cycle"
	LintNotMonotone  = "not_monotone"
	LintFreeHole     = "free_hole"
)

// Lint looks for what is allowed and odd: parts that nothing reaches, times that no band prices, fees that fall as time
// goes on, stays that cost nothing. The tariff must be one that Validate accepts; else it says nothing.
func Lint(t Tariff, cal calendar.Calendar) []Finding {
	r, err := Compile(t, cal)
	if err != nil {
		return nil
	}
	l := linter{r: r, found: []Finding{}}
	for i := range r.plans {
		l.place = fmt.Sprintf("plans[%d]", i)
		l.shadowed(i)
		l.plan(&r.plans[i])
		for j := range r.plans[i].guards {
			if sub := r.plans[i].guards[j].plan; sub != nil {
				l.place = fmt.Sprintf("plans[%d].guards[%d].plan", i, j)
				l.plan(sub)
			}
		}
		l.place = fmt.Sprintf("plans[%d]", i)
		l.probe(&r.plans[i])
	}
	l.words()
	return l.found
}

type linter struct {
	r     *Rater
	place string
	found []Finding
}

func (l *linter) say(level Level, code, place string, zh, en string, args ...any) {
	l.found = append(l.found, Finding{level, code, strings.TrimPrefix(place, "."), Text{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}})
}

// shadowed finds plans that an earlier one leaves nothing.
func (l *linter) shadowed(i int) {
	p := l.r.plans[i].src
	for j := range i {
		q := l.r.plans[j].src
		if len(q.Entitlements) > 0 || len(q.DayTypes) > 0 || len(p.Classes) == 0 {
			continue
		}
		if !slices.ContainsFunc(p.Classes, func(c string) bool { return !slices.Contains(q.Classes, c) }) {
			l.say(LevelError, LintPlanShadowed, l.place, "方案%q先匹配了这些车辆，本方案不会生效", "plan %q takes all these vehicles before this one", q.ID)
			return
		}
	}
}

// dates are the sorts of date there are: each day of the week without a type of its own, and each type.
func (l *linter) dates() []uint64 {
	masks := slices.Clone(l.r.weekdays[:])
	for word, bit := range l.r.days {
		if !slices.Contains(weekdayNames[:], word) {
			masks = append(masks, bit)
		}
	}
	return append(masks, 0) // a type that the tariff does not name
}

func (l *linter) plan(p *plan) {
	if p.src.Cycle == nil && (p.src.Position == ScopeCycle || (p.src.Free != nil && p.src.Free.Scope == ScopeCycle)) {
		l.say(LevelWarning, LintNoCycle, l.place, "没有计费周期，按整次停车计", "there is no cycle: it is the whole stay")
	}
	reached := map[int8]bool{}
	dates := l.dates()
	for _, today := range dates {
		for _, yesterday := range dates {
			for _, fixed := range dates {
				if p.fixed == "" && fixed != 0 {
					continue
				}
				d := dayPlan{plan: p, today: today, yesterday: yesterday, fixed: fixed}
				for _, edge := range p.edges[:len(p.edges)-1] {
					reached[d.fits(edge)] = true
				}
			}
		}
	}
	for i := range p.bands {
		place := fmt.Sprintf("%s.bands[%d]", l.place, i)
		if !reached[int8(i)] {
			l.say(LevelError, LintBandNever, place, "时段%q总被更靠前的时段覆盖，不会生效", "bands before %q cover all of its time", p.src.Bands[i].ID)
		}
		l.steps(p, i, place)
	}
	if gaps := l.gaps(p); gaps != "" {
		l.say(LevelWarning, LintGap, l.place+".bands", "以下时间没有时段覆盖，不收费：%s", "no band covers these times, so they are free of charge: %s", gaps)
	}
}

// gaps lists the times of an ordinary week that no band covers, as "Mon Tue 00:00–08:00 22:00–24:00; Sun 00:00–24:00".
func (l *linter) gaps(p *plan) string {
	if len(p.bands) == 0 {
		return ""
	}
	days := map[string][]string{} // by their gaps
	var order []string
	for n := 1; n <= 7; n++ {
		d := dayPlan{plan: p, today: l.r.weekdays[n%7], yesterday: l.r.weekdays[n-1], fixed: l.r.weekdays[n%7]}
		var open []string
		for i, from := range p.edges[:len(p.edges)-1] {
			to := Clock(p.edges[i+1])
			switch last := len(open) - 1; {
			case d.fits(from) >= 0:
			case last >= 0 && strings.HasSuffix(open[last], "–"+Clock(from).String()):
				open[last] = strings.TrimSuffix(open[last], Clock(from).String()) + to.String()
			default:
				open = append(open, Clock(from).String()+"–"+to.String())
			}
		}
		if text := strings.Join(open, " "); text != "" {
			if days[text] == nil {
				order = append(order, text)
			}
			days[text] = append(days[text], time.Weekday(n % 7).String()[:3])
		}
	}
	for i, text := range order {
		order[i] = strings.Join(days[text], " ") + " " + text
	}
	return strings.Join(order, "; ")
}

// steps finds those that a position cannot reach.
func (l *linter) steps(p *plan, band int, place string) {
	b, src := &p.bands[band], p.src
	most := int64(forever)
	switch src.Position {
	case "", ScopeRun:
		if b.from != b.to {
			most = floorMod(int64(b.to)-int64(b.from), day)
		} else if b.days == 0 {
			most = forever
		}
	case ScopeCycle:
		if src.Cycle != nil && src.Cycle.Kind == CycleBlock && src.Counted != CountElapsed {
			most = int64(src.Cycle.Length)
		}
	}
	if x := src.MaxStay; x != nil && src.Counted != CountElapsed {
		most = min(most, int64(x.Length))
	}
	for i := 1; i < len(b.steps); i++ {
		if from := b.steps[i-1].upTo; from >= most {
			l.say(LevelError, LintStepNever, fmt.Sprintf("%s.steps[%d]", place, i), "该阶梯从%s开始，而计时最多到%s，永远不会用到",
				"this step begins at %s, and what is counted ends at %s: it is never used", Seconds(from).text().EN, Seconds(most).text().EN)
		}
	}
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// words finds day types that no date has.
func (l *linter) words() {
	known := append(l.r.cal.Types(), weekdayNames[:]...)
	for _, word := range slices.Sorted(maps.Keys(l.r.days)) {
		if !slices.Contains(known, word) {
			l.say(LevelWarning, LintDayType, "", "日历%[2]q中没有日期类型%[1]q，该规则不会生效", "the calendar %[2]q has no date of type %[1]q: what names it never applies", word, l.r.cal.ID)
		}
	}
}

// probe prices stays from many times of a week and looks how the fee grows.
func (l *linter) probe(p *plan) {
	if !l.r.monotone(p) {
		l.say(LevelWarning, LintNotMonotone, l.place, "停得更久可能更便宜，报价不是下限", "a longer stay may cost less: a quote is no lower bound")
	}
	stay := Stay{}
	if len(p.src.Classes) > 0 {
		stay.Class = p.src.Classes[0]
	}
	stay.Entitlements = p.src.Entitlements
	free := int64(0)
	if p.src.Free != nil {
		free = int64(p.src.Free.UpTo)
	}
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, l.r.loc)
	for n := range 7 {
		for _, edge := range p.edges[:len(p.edges)-1] {
			entry := monday.AddDate(0, 0, n).Add(time.Duration(edge) * time.Second)
			if l.hole(p, stay, entry, free) {
				return
			}
		}
	}
}

// hole says, and notes, whether a stay that begins in charged time costs nothing for longer than it should.
func (l *linter) hole(p *plan, stay Stay, entry time.Time, free int64) bool {
	w := newWalker(l.r)
	u := entry.Unix()
	end, band := w.stretch(p, u, u+2*day, 0)
	if band < 0 || len(p.src.Guards) > 0 || p.src.Multiplier != nil && p.src.Multiplier.Num == 0 {
		return false
	}
	s := p.bands[band].steps[0]
	if s.price == 0 || s.end != EndCeil || end-u <= free+1 {
		return false
	}
	stay.Entry, stay.Exit = entry, entry.Add(time.Duration(free+1)*time.Second)
	if x := p.src.EntryRounding; x != nil {
		stay.Exit = stay.Exit.Add(time.Duration(x.Unit) * time.Second)
	}
	if q, err := l.r.Quote(stay, Context{}); err == nil && q.Gross == 0 && stay.Exit.Unix() <= end {
		n := Seconds(stay.Exit.Unix() - u).text()
		l.say(LevelWarning, LintFreeHole, l.place, "%[1]s入场停%[2]s仍不收费", "a stay from %[1]s of %[3]s costs nothing", entry.Format("Mon 15:04"), n.ZH, n.EN)
		return true
	}
	return false
}
