package tariff

import (
	"fmt"
	"slices"

	"lotkeeper/shared/money"
)

// trim is what a cap took in one of its windows.
type trim struct {
	span       // from the first unit in the window to the end of the last
	cap    int // index
	amount money.Rat
}

// applyCaps takes from the atoms' left what is above each cap in each window, latest unit first, so that an earlier
// exit's bill is a prefix of a later one's. It returns the atoms, cut at the windows' edges, and what was taken.
func (w *walker) applyCaps(atoms []atom) ([]atom, []trim, error) {
	var trims []trim
	for i := range w.plan.Caps {
		var err error
		if atoms, err = w.cutAtEdges(atoms, &w.plan.Caps[i]); err != nil {
			return nil, nil, err
		}
		for rest := atoms; len(rest) > 0; {
			edge, n := w.windowEnd(&w.plan.Caps[i], rest[0].from), 1
			for n < len(rest) && rest[n].from < edge {
				n++
			}
			took, err := takeAbove(rest[:n], money.Whole(w.plan.Caps[i].Amount))
			if err != nil {
				return nil, nil, err
			}
			if took.Sign() > 0 {
				trims = append(trims, trim{span{rest[0].from, rest[n-1].to}, i, took})
			}
			rest = rest[n:]
		}
	}
	return atoms, trims, nil
}

// windowEnd is the end of the cap's window that instant u is in.
func (w *walker) windowEnd(c *Cap, u int64) int64 {
	switch c.Window {
	case WindowDay:
		return w.line.midnight(u)
	case WindowBlock:
		return u + int64(c.Length) - (u-w.entry)%int64(c.Length)
	}
	return forever
}

// cutAtEdges splits rows of units so that each is in one window, by where its units begin.
func (w *walker) cutAtEdges(atoms []atom, c *Cap) ([]atom, error) {
	if c.Window == WindowStay {
		return atoms, nil
	}
	out := make([]atom, 0, len(atoms))
	for _, a := range atoms {
		for a.unit > 0 && a.count > 1 {
			before := (w.windowEnd(c, a.from) - a.from + a.unit - 1) / a.unit
			if before >= a.count {
				break
			}
			head, tail, err := a.split(before)
			if err != nil {
				return nil, err
			}
			if out, a = append(out, head), tail; len(out) > maxPieces {
				return nil, fmt.Errorf("the stay has more than %d pieces under this tariff", maxPieces)
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// split parts the first n units from the others. What earlier caps took came from the latest.
func (a atom) split(n int64) (head, tail atom, err error) {
	head, tail = a, a
	head.count, tail.count = n, a.count-n
	head.to, tail.from = a.from+n*a.unit, a.from+n*a.unit
	full, err := a.price.Times(n)
	if err != nil {
		return head, tail, err
	}
	if full.Cmp(a.left) < 0 {
		head.left = full
	}
	tail.left, err = a.left.Sub(head.left)
	return head, tail, err
}

// takeAbove takes from the latest atoms what their sum has above limit and returns how much that was.
func takeAbove(atoms []atom, limit money.Rat) (money.Rat, error) {
	var sum money.Rat
	var err error
	for _, a := range atoms {
		if sum, err = sum.Add(a.left); err != nil {
			return money.Rat{}, err
		}
	}
	if sum.Cmp(limit) <= 0 {
		return money.Rat{}, nil
	}
	over, err := sum.Sub(limit)
	if err != nil {
		return money.Rat{}, err
	}
	rest := over
	for i := range slices.Backward(atoms) {
		if atoms[i].left.Cmp(rest) >= 0 {
			atoms[i].left, err = atoms[i].left.Sub(rest)
			return over, err
		}
		if rest, err = rest.Sub(atoms[i].left); err != nil {
			return money.Rat{}, err
		}
		atoms[i].left = money.Rat{}
	}
	return over, nil
}
