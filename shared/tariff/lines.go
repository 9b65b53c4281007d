package tariff

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"lotkeeper/shared/money"
)

// chargeLines writes what the tariff asks, in order of time, each cap after the last charge of its window; then what
// changes the whole. Amounts are differences of rounded running totals, so the lines sum to the rounded sum.
func (s *settlement) chargeLines(to int64) money.Amount {
	if s.empty(to) {
		return 0
	}
	var fee money.Amount
	s.lookBack()
	for i := 0; i <= len(s.closed); i++ {
		s.exact, s.wrote = 0, 0
		sum := s.priced(i, to, nil)
		s.atomLines()
		s.planLines(sum, s.span(i, to))
		rounded := s.rounded(s.exact)
		s.adjust(rounded-s.wrote, Text{"金额取整", "Rounding"}, s.span(i, to))
		if fee += rounded; i == 0 {
			s.visitLines(min(s.credit, fee))
			fee -= min(s.credit, fee)
		}
	}
	return fee
}

// visitLines take off what merged visits were charged, the earliest first.
func (s *settlement) visitLines(credit money.Amount) {
	for _, v := range slices.Backward(s.merged) {
		if n := min(v.Gross, credit); n > 0 {
			s.line(Line{
				Kind: KindVisit, Text: Text{"之前停车已计费", "Charged for the earlier visit"}, Ref: v.ID, Amount: -n,
				From: v.Entry.In(s.w.r.loc), To: v.Exit.In(s.w.r.loc),
			})
			credit -= n
		}
	}
}

// atomLines writes the charges and caps of what was just priced.
func (s *settlement) atomLines() {
	atoms, trims := s.w.atoms, s.w.trims
	slices.SortStableFunc(atoms, func(a, b atom) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(trims, func(a, b trim) int { return cmp.Compare(a.last, b.last) })
	for i := 0; i < len(atoms); {
		row := atoms[i]
		// Rows that were cut only to be capped are one line, unless a cap's line comes between.
		for i++; i < len(atoms) && row.continues(atoms[i]) && (len(trims) == 0 || trims[0].last >= atoms[i].from); i++ {
			row.count, row.to = row.count+atoms[i].count, atoms[i].to
		}
		s.charge(row)
		for len(trims) > 0 && (i == len(atoms) || trims[0].last < atoms[i].from) {
			t := trims[0]
			trims = trims[1:]
			s.exactLine(-t.amount, Line{Kind: KindCap, Text: s.w.capText(t.limit), From: s.local(t.from), To: s.local(t.to)})
		}
	}
}

// continues says whether b is the next units of the same row.
func (a *atom) continues(b atom) bool {
	return a.unit > 0 && a.unit == b.unit && a.band == b.band && a.step == b.step && a.run == b.run && a.plan == b.plan &&
		a.price == b.price && b.used == 0 && a.used == 0 && a.from+a.count*a.unit == b.from
}

// exactLine writes a line for an exact amount; one that rounds to nothing is carried into the next.
func (s *settlement) exactLine(amount int64, line Line) {
	s.exact = s.w.add(s.exact, amount)
	total := money.Amount(rounding{unit: s.w.r.den, mode: RoundHalfUp}.of(s.exact) / s.w.r.den)
	line.Amount, s.wrote = total-s.wrote, total
	if line.Amount != 0 {
		s.line(line)
	}
}

func (s *settlement) adjust(amount money.Amount, text Text, during span) {
	if amount != 0 {
		s.line(Line{Kind: KindAdjust, Text: text, Amount: amount, From: s.local(during.from), To: s.local(during.to)})
		s.wrote += amount
	}
}

func (s *settlement) charge(a atom) {
	line := Line{Kind: KindCharge, Text: s.chargeText(&a), From: s.local(a.from), To: s.local(a.to)}
	if a.band >= 0 {
		line.Band = a.plan.src.Bands[a.band].ID
	} else if a.guard > 0 {
		line.Band = s.plan.src.Guards[a.guard-1].ID
	}
	s.exactLine(s.w.times(a.price, a.count), line)
}

// planLines writes what rounding of cycles, minimum and multiplier change. sum is what came of them.
func (s *settlement) planLines(sum int64, stay span) {
	p := s.plan
	var units int64
	for i := range s.w.atoms {
		units = s.w.add(units, s.w.atoms[i].left)
	}
	before := sum
	if p.times != p.over && p.times > 0 {
		before = sum / p.times * p.over
	}
	line := Line{Kind: KindAdjust, From: s.local(stay.from), To: s.local(stay.to)}
	if p.times == 0 {
		before = units
	}
	if before != units {
		line.Text = Text{"按周期取整", "Rounding by period"}
		if least := int64(p.src.Minimum) * s.w.r.den; before == least {
			face := p.src.Minimum.Format(s.w.r.t.Currency)
			line.Text = Text{"最低收费" + face, "Minimum charge " + face}
		}
		s.exactLine(before-units, line)
	}
	if before != sum {
		factor := p.src.Multiplier.String()
		line.Text = p.src.MultiplierName.or(Text{"费用×" + factor, "Fee × " + factor})
		s.exactLine(sum-before, line)
	}
}

func (s *settlement) chargeText(a *atom) Text {
	if a.band < 0 {
		return s.wholeText(a)
	}
	words := s.w.words(&a.plan.src.Bands[a.band], int(a.step))
	switch {
	case a.used > 0:
		part := Seconds(a.used).text()
		return Text{words.name.ZH + "：" + part.ZH + "（" + words.price.ZH + "）", words.name.EN + ": " + part.EN + " (" + words.price.EN + ")"}
	case words.flat != Text{}:
		return words.flat
	}
	n := strconv.FormatInt(a.count, 10)
	return Text{words.name.ZH + "：" + n + words.units.ZH, words.name.EN + ": " + n + words.units.EN}
}

// stepWords are the parts of the lines about a step, made once: a long bill has many of them.
type stepWords struct{ name, price, units, flat Text }

func (w *walker) words(b *Band, step int) *stepWords {
	s := &b.Steps[step]
	if known := w.spoken[s]; known != nil {
		return known
	}
	made := &stepWords{name: b.Name.or(same(b.ID)), price: s.priceText(w.r.t.Currency)}
	if s.Unit == 0 {
		made.flat = Text{made.name.ZH + "：" + made.price.ZH, made.name.EN + ": " + made.price.EN}
	} else {
		unit := s.Unit.text()
		made.units = Text{" × " + unit.ZH + "（" + made.price.ZH + "）", " × " + unit.EN + " (" + made.price.EN + ")"}
	}
	if w.spoken == nil {
		w.spoken = map[*Step]*stepWords{}
	}
	w.spoken[s] = made
	return made
}

func (w *walker) capText(l *limit) Text {
	if text, known := w.capped[l]; known {
		return text
	}
	if w.capped == nil {
		w.capped = map[*limit]Text{}
	}
	text := l.src.words(w.r.t.Currency, l.of.Cycle.per(), l.of.bandNames(l.src.Bands))
	if l.shared != nil {
		text = l.shared.text(w.r.t.Currency)
	}
	w.capped[l] = text
	return text
}

// wholeText is of a charge for a whole cycle or stay.
func (s *settlement) wholeText(a *atom) Text {
	if a.guard > 0 {
		g := &s.plan.src.Guards[a.guard-1]
		return g.Name.or(Text{g.ID, g.ID})
	}
	c := a.plan.src.Cycle
	if c.Kind == CycleBlock {
		n := c.Length.text()
		return Text{"满" + n.ZH, "A full " + n.EN}
	}
	return Text{"整个计费周期", "A full day's period"}
}

// priceText is a step's price for people, exact: a price that is no whole number of minor units is told for an hour, or
// for as many units as make it one. What is counted stands beside it on the line: units, or the time of a part of one.
func (s *Step) priceText(c money.Currency) Text {
	if s.Unit == 0 {
		price := money.Amount(s.Price.Num).Format(c)
		if s.Price.Den > 1 {
			price = fmt.Sprintf("%s/%d", price, s.Price.Den)
		}
		return Text{"一次" + price, price + " flat"}
	}
	units := max(s.Price.Den, 1)
	if n := int64(3600 / s.Unit); n > units && 3600%s.Unit == 0 && n%units == 0 && s.Price.Den > 1 {
		units = n
	}
	price, per := money.Amount(s.Price.Num*(units/max(s.Price.Den, 1))).Format(c), (s.Unit * Seconds(units)).per()
	return Text{"每" + per.ZH + price, price + " per " + per.EN}
}
