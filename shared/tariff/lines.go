package tariff

import (
	"cmp"
	"fmt"
	"slices"

	"lotkeeper/shared/money"
)

// grossLines is what the tariff asks for a stay, as lines in order of time, each cap after the last charge of its
// window. Amounts are differences of rounded running totals, so the lines sum to the rounded sum.
func (s *settlement) grossLines(stay span) ([]Line, money.Amount, error) {
	if stay.from >= stay.to {
		return []Line{}, 0, nil
	}
	atoms, err := s.walker.walk(stay, nil)
	if err != nil {
		return nil, 0, err
	}
	atoms, trims, err := s.walker.applyCaps(atoms)
	if err != nil {
		return nil, 0, err
	}
	slices.SortStableFunc(trims, func(a, b trim) int { return cmp.Compare(a.to, b.to) })
	w := writer{s: s, lines: make([]Line, 0, len(atoms)+len(trims))}
	for i := 0; i < len(atoms); {
		row := atoms[i]
		// Rows that were cut only to be capped are one line, unless a cap's line comes between.
		for i++; i < len(atoms) && row.continues(atoms[i]) && (len(trims) == 0 || trims[0].to != row.to); i++ {
			row.count, row.to = row.count+atoms[i].count, atoms[i].to
		}
		if err := w.charge(row); err != nil {
			return nil, 0, err
		}
		for ; len(trims) > 0 && trims[0].to == row.to; trims = trims[1:] {
			if err := w.cap(trims[0]); err != nil {
				return nil, 0, err
			}
		}
	}
	return w.lines, w.written, nil
}

// continues says whether b is the next units of the same row.
func (a atom) continues(b atom) bool {
	return a.unit > 0 && a.unit == b.unit && a.band == b.band && a.step == b.step && a.from+a.count*a.unit == b.from
}

// writer keeps the exact total and what of it is written.
type writer struct {
	s       *settlement
	lines   []Line
	exact   money.Rat
	written money.Amount
}

// add writes a line for an exact amount; one that rounds to nothing is carried into the next.
func (w *writer) add(amount money.Rat, line Line) (err error) {
	if w.exact, err = w.exact.Add(amount); err != nil {
		return err
	}
	total := w.exact.Round()
	line.Amount, w.written = total-w.written, total
	if line.Amount != 0 {
		w.lines = append(w.lines, line)
	}
	return nil
}

func (w *writer) charge(a atom) error {
	amount, err := a.price.Times(a.count)
	if err != nil {
		return err
	}
	band := w.s.walker.plan.Bands[a.band]
	return w.add(amount, Line{Kind: KindCharge, Text: w.chargeText(a, band), Band: band.ID, From: w.s.local(a.from), To: w.s.local(a.to)})
}

func (w *writer) cap(t trim) error {
	amount, err := t.amount.Neg()
	if err != nil {
		return err
	}
	c := w.s.walker.plan.Caps[t.cap]
	return w.add(amount, Line{Kind: KindCap, Text: c.text(w.s.t.Currency), From: w.s.local(t.from), To: w.s.local(t.to)})
}

func (w *writer) chargeText(a atom, band Band) Text {
	name, step := band.Name.or(Text{band.ID, band.ID}), band.Steps[a.step]
	price := step.priceText(w.s.t.Currency)
	unit := step.Unit.text()
	switch {
	case a.started > 0:
		part := Seconds(a.started).text()
		return Text{fmt.Sprintf("%s：%s（%s）", name.ZH, part.ZH, price.ZH), fmt.Sprintf("%s: %s (%s)", name.EN, part.EN, price.EN)}
	case a.unit == 0:
		return Text{name.ZH + "：" + price.ZH, name.EN + ": " + price.EN}
	}
	return Text{
		fmt.Sprintf("%s：%d × %s（%s）", name.ZH, a.count, unit.ZH, price.ZH),
		fmt.Sprintf("%s: %d × %s (%s)", name.EN, a.count, unit.EN, price.EN),
	}
}

// priceText is a step's price for people, exact: a price that is no whole number of minor units is told for as many
// units as make it one.
func (s Step) priceText(c money.Currency) Text {
	price := money.Amount(s.Price.Num).Format(c)
	if s.Unit == 0 {
		if s.Price.Den > 1 {
			price = fmt.Sprintf("%s/%d", price, s.Price.Den)
		}
		return Text{"一次" + price, price + " flat"}
	}
	per := (s.Unit * Seconds(s.Price.Den)).per()
	t := Text{"每" + per.ZH + price, price + " per " + per.EN}
	if s.Price.Den > 1 { // then the unit is another length than the one the price is told for
		unit := s.Unit.per()
		t = Text{t.ZH + "（以每" + unit.ZH + "为单位）", t.EN + " (counted per " + unit.EN + ")"}
	}
	return t
}

func (c Cap) text(currency money.Currency) Text {
	amount := c.Amount.Format(currency)
	switch c.Window {
	case WindowDay:
		return Text{"每自然日最高" + amount, "At most " + amount + " per calendar day"}
	case WindowBlock:
		length := c.Length.per()
		return Text{"每" + length.ZH + "最高" + amount, "At most " + amount + " per " + length.EN}
	}
	return Text{"单次最高" + amount, "At most " + amount + " per stay"}
}
