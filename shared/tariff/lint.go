package tariff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
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
	LintCapNever     = "cap_unreachable"
	LintGuardNever   = "guard_unreachable"
	LintFullPrice    = "full_price_capped"
	LintFlatSum      = "flat_steps_add_up"
	LintFreeAgain    = "free_again"
)

// Lint looks for what is allowed and odd: parts that nothing reaches, times that no band prices, fees that fall as time
// goes on, stays that cost nothing. The tariff must be one that Validate accepts; else it says nothing.
func Lint(t Tariff, cal calendar.Calendar) []Finding {
	r, err := Compile(t, cal)
	if err != nil {
		return nil
	}
	l := linter{r: r, found: []Finding{}, gap: map[string]int{}}
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
	gap   map[string]int // by its times, the finding that tells it
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
		if at, told := l.gap[gaps]; told { // plans often share their bands
			text := &l.found[at].Text
			*text = Text{text.ZH + "；" + l.place + "同", text.EN + "; the same in " + l.place}
		} else {
			l.gap[gaps] = len(l.found)
			l.say(LevelWarning, LintGap, l.place+".bands", "以下时间没有时段覆盖，不收费：%s", "no band covers these times, so they are free of charge: %s", gaps)
		}
	}
	l.caps(p.src)
	l.guards(p.src)
	if f := p.src.Free; f != nil && l.r.t.AfterPayment == AfterNewStay && f.OncePer == nil && f.UpTo > l.r.t.GraceAfterPayment {
		n, grace := f.UpTo.span(), l.r.t.GraceAfterPayment.span()
		l.say(LevelWarning, LintFreeAgain, l.place+".free", "缴费后按新的一次停车计费，缴费者可再次享受免费时长%[1]s（长于缴费后离场时限%[2]s）",
			"who has paid begins a new stay, and has the free time of %[3]s again, which is longer than the %[4]s to leave in", n.ZH, grace.ZH, n.EN, grace.EN)
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
	most, level := int64(forever), LevelError
	switch src.Position {
	case "", ScopeRun:
		if b.from != b.to {
			most = floorMod(int64(b.to)-int64(b.from), day)
		} else if b.days == 0 {
			most = forever
		}
	case ScopeCycle:
		switch c := src.Cycle; {
		case c == nil:
		case c.Kind == CycleBlock && src.Counted != CountElapsed:
			most = int64(c.Length)
		case c.Kind == CycleBlock && c.Clock != ClockWall:
			most, level = int64(c.Length), LevelWarning
		case c.Kind == CycleDay && len(c.Starts) == 0:
			most, level = day+3600, LevelWarning // the day on which clocks go back
		}
	}
	if x := src.MaxStay; x != nil && src.Counted != CountElapsed {
		if int64(x.Length) < most {
			most, level = int64(x.Length), LevelError
		}
	}
	for i := 1; i < len(b.steps); i++ {
		if from := b.steps[i-1].upTo; from >= most {
			begins, ends := Seconds(from).text(), Seconds(most).text()
			l.say(level, LintStepNever, fmt.Sprintf("%s.steps[%d]", place, i), "该阶梯从%[1]s开始，而计时最多到%[2]s，永远不会用到",
				"this step begins at %[3]s, and what is counted ends at %[4]s: it is never used", begins.ZH, ends.ZH, begins.EN, ends.EN)
		}
	}
	l.totals(src.Bands[band].Steps, place)
}

// totals finds a table of three or more flat steps whose prices all rise, as totals do, where differences are wanted.
// A table of differences hardly ever rises from its first step on: the first hour is the dear one.
func (l *linter) totals(steps []Step, place string) {
	n := slices.IndexFunc(steps, func(s Step) bool { return s.Price.Sign() > 0 || s.Unit > 0 })
	if n < 0 {
		return
	}
	table := steps[n:]
	if end := slices.IndexFunc(table, func(s Step) bool { return s.Unit > 0 }); end >= 0 {
		table = table[:end]
	}
	if len(table) < 3 {
		return
	}
	for i := 1; i < len(table); i++ {
		if !less(table[i-1].Price, table[i].Price) {
			return
		}
	}
	l.say(LevelWarning, LintFlatSum, place+".steps", "一次性阶梯的价格逐级相加，而这里逐级升高：若填写的是累计总价，应改为与上一级的差价",
		"prices of flat steps add up, and these rise from step to step: if they are totals, write their differences")
}

func less(a, b money.Rat) bool { return a.Num*max(b.Den, 1) < b.Num*max(a.Den, 1) }

// caps finds those that another of the same window leaves nothing, and a full price that one cuts.
func (l *linter) caps(p *Plan) {
	for i := range p.Caps {
		for j := range p.Caps {
			a, b := &p.Caps[i], &p.Caps[j]
			// A higher one that comes before acts where a third between them takes from what it left.
			if later := i > j; a.sameWindow(b) && a.Amount >= b.Amount && (later || i+1 == j && (a.Amount > b.Amount || !b.sameWindow(a))) {
				l.say(LevelWarning, LintCapNever, fmt.Sprintf("%s.caps[%d]", l.place, i), "caps[%d]在相同范围内的最高额不高于此项，此项不会起作用",
					"caps[%d] bounds the same by no more than this one, which never acts", j)
				break
			}
		}
	}
	c := p.Cycle
	if c == nil || c.FullPrice == nil {
		return
	}
	for i := range p.Caps {
		if x := &p.Caps[i]; x.Window == WindowCycle && len(x.Bands) == 0 && x.Times == 0 && x.Skip == 0 && x.Amount < *c.FullPrice {
			l.say(LevelWarning, LintFullPrice, l.place+".cycle.full_price", "整个周期的价格高于caps[%d]的周期最高额，不会按此收取", "the price of a full cycle is above its maximum, caps[%d], and never charged", i)
			return
		}
	}
}

// sameWindow says whether each window that c caps is one that b caps too.
func (c *Cap) sameWindow(b *Cap) bool {
	of := func(x *Cap) (Window, Seconds, ClockKind, Clock, Clock, Clock, bool) {
		return x.Window, x.Length, or(x.Clock, ClockElapsed), x.At % day, x.From % day, x.To % day, x.PerCycle
	}
	w1, l1, k1, a1, f1, t1, p1 := of(c)
	w2, l2, k2, a2, f2, t2, p2 := of(b)
	return w1 == w2 && l1 == l2 && k1 == k2 && a1 == a2 && f1 == f2 && t1 == t2 && p1 == p2 &&
		(b.Times == 0 && b.Skip == 0 || b.Times == c.Times && b.Skip == c.Skip) &&
		sameWords(c.Bands, b.Bands) && sameWords(c.DayTypes, b.DayTypes) &&
		slices.EqualFunc(c.Starts, b.Starts, func(x, y Start) bool { return x.At == y.At && sameWords(x.DayTypes, y.DayTypes) })
}

func sameWords(a, b []string) bool { return holdsAll(a, b) && holdsAll(b, a) }

func holdsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
}

// guards finds those that an earlier one always wins over.
func (l *linter) guards(p *Plan) {
	for i := range p.Guards {
		for j := range i {
			if p.Guards[j].before(&p.Guards[i]) {
				l.say(LevelWarning, LintGuardNever, fmt.Sprintf("%s.guards[%d]", l.place, i), "更靠前的%q总是先适用，此项不会生效", "%q comes first wherever this one fits, which never applies", p.Guards[j].ID)
				break
			}
		}
	}
}

// before says whether g, which is tried first, leaves nothing to b.
func (g *Guard) before(b *Guard) bool {
	if or(g.Scope, ScopeStay) != or(b.Scope, ScopeStay) || (g.AtMost > 0 && (b.AtMost == 0 || b.AtMost > g.AtMost)) {
		return false
	}
	if g.Cheaper && (!b.Cheaper || g.Price == nil || b.Price == nil || *g.Price > *b.Price) {
		return false
	}
	if (g.Entry != nil || g.Exit != nil) && b.Inclusive && !g.Inclusive {
		return false
	}
	if g.Entry != nil && (b.Entry == nil || !g.Entry.holds(b.Entry)) {
		return false
	}
	if g.Exit == nil {
		return true
	}
	// The day of exit counts from where the entry window began, so other windows are not compared.
	sameEntry := g.Entry == nil && b.Entry == nil || g.Entry != nil && b.Entry != nil && b.Entry.From == g.Entry.From && b.Entry.holds(g.Entry)
	return sameEntry && b.Exit != nil && g.Exit.holds(b.Exit)
}

func (w *ClockWindow) holds(b *ClockWindow) bool {
	length := func(x *ClockWindow) int64 {
		if n := floorMod(int64(x.To-x.From), day); n > 0 {
			return n
		}
		return day
	}
	same := w.From%day == b.From%day && w.To%day == b.To%day
	if len(w.DayTypes) > 0 { // they are of the day on which the window begins
		return same && len(b.DayTypes) > 0 && holdsAll(w.DayTypes, b.DayTypes)
	}
	return length(w) == day || floorMod(int64(b.From-w.From), day)+length(b) <= length(w)
}

func (x *ExitWindow) holds(b *ExitWindow) bool {
	at := func(clock *Clock, days int) int64 { return int64(*clock) + int64(days)*day }
	return (x.From == nil || b.From != nil && at(x.From, x.FromDay) <= at(b.From, b.FromDay)) &&
		(x.To == nil || b.To != nil && at(x.To, x.ToDay) >= at(b.To, b.ToDay))
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// words finds day types that no date has, where they are first named.
func (l *linter) words() {
	known := append(l.r.cal.Types(), weekdayNames[:]...)
	places := dayTypePlaces(&l.r.t)
	for _, word := range slices.Sorted(maps.Keys(l.r.days)) {
		if slices.Contains(known, word) {
			continue
		}
		near := nearest(word, known)
		hint := Text{}
		if near != "" {
			hint = Text{fmt.Sprintf("；是否应为%q？", near), fmt.Sprintf("; is it %q?", near)}
		}
		l.say(LevelWarning, LintDayType, places[word], "日历%[2]q中没有日期类型%[1]q，该规则不会生效%[3]s", "the calendar %[2]q has no date of type %[1]q: what names it never applies%[4]s",
			word, l.r.cal.ID, hint.ZH, hint.EN)
	}
}

// dayTypePlaces are where each day type is first named.
func dayTypePlaces(t *Tariff) map[string]string {
	places := map[string]string{}
	note := func(words []string, format string, args ...any) {
		for i, word := range words {
			if places[word] == "" {
				places[word] = fmt.Sprintf(format, args...) + fmt.Sprintf(".day_types[%d]", i)
			}
		}
	}
	var plan func(p *Plan, at string)
	plan = func(p *Plan, at string) {
		note(p.DayTypes, "%s", at)
		for i := range p.Bands {
			note(p.Bands[i].DayTypes, "%s.bands[%d]", at, i)
		}
		if p.Cycle != nil {
			for i, s := range p.Cycle.Starts {
				note(s.DayTypes, "%s.cycle.starts[%d]", at, i)
			}
		}
		for i := range p.Caps {
			note(p.Caps[i].DayTypes, "%s.caps[%d]", at, i)
			for j, s := range p.Caps[i].Starts {
				note(s.DayTypes, "%s.caps[%d].starts[%d]", at, i, j)
			}
		}
		for i := range p.Guards {
			if x := p.Guards[i].Entry; x != nil {
				note(x.DayTypes, "%s.guards[%d].entry", at, i)
			}
			if p.Guards[i].Plan != nil {
				plan(p.Guards[i].Plan, fmt.Sprintf("%s.guards[%d].plan", at, i))
			}
		}
	}
	for i := range t.Plans {
		plan(&t.Plans[i], fmt.Sprintf("plans[%d]", i))
	}
	for i := range t.Passes {
		for j := range t.Passes[i].Windows {
			note(t.Passes[i].Windows[j].DayTypes, "passes[%d].windows[%d]", i, j)
		}
	}
	return places
}

// nearest is the known word that takes the fewest changes of a letter, if they are few.
func nearest(word string, known []string) string {
	best, least := "", len(word)/3+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if n := edits(strings.ToLower(word), strings.ToLower(k)); n < least {
			best, least = k, n
		}
	}
	return best
}

// edits counts the letters to add, drop or change to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// probe prices stays from many times of a week and looks how the fee grows.
func (l *linter) probe(p *plan) {
	if !l.r.monotone(p) {
		l.say(LevelWarning, LintNotMonotone, l.place, "停放时间更长，费用反而可能更低：停车期间查询到的费用不是最终费用的下限", "a longer stay may cost less: a quote is no lower bound")
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
