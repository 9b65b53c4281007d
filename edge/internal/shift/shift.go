// Package shift keeps who has a booth: it opens, hands over and closes shifts, and tells their totals.
//
// Invariants:
//   - a booth has one shift at a time, and what it knows of shifts are facts: a restart changes nothing;
//   - a handover is one write: the old shift ends and the next begins at the same number of the log;
//   - closing twice closes once.
package shift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
	"lotkeeper/shared/shift"
)

// Memory is the booth's: *lot.Lot.
type Memory interface {
	Author() fact.Author
	BoothOf(fact.Author) string
	Cursors() exchange.Cursors
	Records(a fact.Author, after uint64, n int) ([]fact.Record, error)
	Append(ctx context.Context, c journal.Compose) ([]fact.Fact, error)
	View(func(*session.Book))
}

// Shift is one shift of the booth. While it is open, its totals are of now.
type Shift struct {
	ID     fact.ID           `json:"id"`
	By     string            `json:"by"`
	From   time.Time         `json:"from"`
	Totals fact.ShiftTotals  `json:"totals"`
	Closed *fact.ShiftClosed `json:"closed,omitempty"`
	Upto   time.Time         `json:"upto,omitzero"`
	// InLane are releases that the next shift counts, because their vehicles may still back out.
	InLane int `json:"in_lane"`

	opened  fact.ShiftOpened
	carried []fact.ID
}

// Desk keeps a booth's shifts. It is safe for concurrent use.
type Desk struct {
	booth  string
	memory Memory
	now    func() time.Time
	mu     sync.Mutex // one handover at a time
}

// New returns the desk of a booth.
func New(booth string, m Memory, now func() time.Time) (*Desk, error) {
	if booth == "" || m == nil || now == nil {
		return nil, errors.New("shift: booth, memory and clock are needed")
	}
	return &Desk{booth: booth, memory: m, now: now}, nil
}

// The refusals.
var (
	ErrOpen   = errors.New("another person's shift is open at this booth: take over first")
	ErrNone   = errors.New("no shift is open at this booth")
	ErrChange = errors.New("another shift is open now: look again")
)

// Latest returns the booth's last shifts without the totals of the open one, newest first.
func (d *Desk) Latest(n int) []Shift {
	var opened, closed []fact.Fact
	d.memory.View(func(b *session.Book) { opened, closed = b.Said(fact.KindShiftOpened), b.Said(fact.KindShiftClosed) })
	ends := map[fact.ID]*fact.Fact{}
	for i := range closed {
		if f := &closed[i]; ends[f.Refs[0]] == nil { // the first stands
			ends[f.Refs[0]] = f
		}
	}
	var out []Shift
	for i := range slices.Backward(opened) {
		f := &opened[i]
		if len(out) == n {
			break
		}
		if d.memory.BoothOf(f.Author) != d.booth {
			continue
		}
		body, err := fact.Decode[fact.ShiftOpened](f)
		if err != nil {
			continue // Judge has refused it: it is not in the book
		}
		s := Shift{ID: f.ID(), By: body.By, From: f.At, opened: body}
		if e := ends[s.ID]; e != nil {
			if c, err := fact.Decode[fact.ShiftClosed](e); err == nil {
				s.Closed, s.Upto, s.Totals, s.InLane = &c, e.At, c.Totals, len(c.Carried)
			}
		}
		out = append(out, s)
	}
	return out
}

// OnDuty returns who has the booth; ok is false for nobody. It costs little.
func (d *Desk) OnDuty() (s Shift, ok bool) {
	if last := d.Latest(1); len(last) == 1 && last[0].Closed == nil {
		return last[0], true
	}
	return Shift{}, false
}

// Current returns the open shift with its totals; ok is false when there is none.
func (d *Desk) Current() (s Shift, ok bool, err error) {
	if s, ok = d.OnDuty(); !ok {
		return s, false, nil
	}
	err = d.total(&s)
	return s, true, err
}

// Find returns one shift with its totals; ok is false when the booth does not know it.
func (d *Desk) Find(id fact.ID) (s Shift, ok bool, err error) {
	for _, s := range d.Latest(maxShifts) {
		if s.ID == id {
			if s.Closed == nil {
				err = d.total(&s)
			}
			return s, true, err
		}
	}
	return Shift{}, false, nil
}

// maxShifts bounds how far back a shift is looked for.
const maxShifts = 1000

// Open begins a shift for a person who has none. The person's own open shift goes on.
func (d *Desk) Open(ctx context.Context, by string) (Shift, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.OnDuty(); ok {
		if s.By != by {
			return s, ErrOpen
		}
		return s, nil
	}
	var carried []fact.ID
	if last := d.Latest(1); len(last) == 1 && last[0].Closed != nil {
		carried = last[0].Closed.Carried
	}
	facts, err := d.memory.Append(ctx, func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{d.draft(fact.KindShiftOpened, fact.ShiftOpened{By: by, After: id(0).Seq, Carried: carried})}
	})
	if err != nil {
		return Shift{}, fmt.Errorf("open a shift: %w", err)
	}
	return Shift{ID: facts[0].ID(), By: by, From: facts[0].At}, nil
}

// Handover says how a shift ends.
type Handover struct {
	Shift    fact.ID // the shift that was shown: another one is not closed by mistake
	By       string  // who hands over
	To       string  // who takes over at once; "" for nobody
	Counted  money.Amount
	Currency money.Currency
	Note     string
}

// Close ends the open shift, and begins the next when somebody takes over. One that is closed already is returned as it
// was closed.
func (d *Desk) Close(ctx context.Context, h Handover) (Shift, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.OnDuty()
	if !ok || s.ID != h.Shift {
		if old, found, err := d.Find(h.Shift); err != nil || found && old.Closed != nil {
			return old, err
		}
		if !ok {
			return s, ErrNone
		}
		return s, ErrChange
	}
	// What is folded is what is counted; what comes after this number is the next shift's.
	upto := d.memory.Cursors()[d.memory.Author()].Seq
	if err := d.total(&s); err != nil {
		return s, err
	}
	s.Closed = &fact.ShiftClosed{
		Shift: s.ID, By: h.By, To: h.To, Upto: upto, Totals: s.Totals, Counted: h.Counted, Curr: h.Currency, Note: h.Note, Carried: s.carried,
	}
	end := d.draft(fact.KindShiftClosed, *s.Closed, s.ID)
	drafts := []fact.Draft{end}
	if h.To != "" {
		drafts = append(drafts, d.draft(fact.KindShiftOpened, fact.ShiftOpened{By: h.To, After: upto, Carried: s.carried}))
	}
	if _, err := d.memory.Append(ctx, func(func(int) fact.ID) []fact.Draft { return drafts }); err != nil {
		return s, fmt.Errorf("close the shift: %w", err)
	}
	s.Upto = end.At
	return s, nil
}

func (d *Desk) draft(k fact.Kind, body any, refs ...fact.ID) fact.Draft {
	return fact.Draft{At: d.now(), Source: "booth", Kind: k, Refs: refs, Body: body}
}

// total counts an open shift: the log of the author who opened it from there on, and all of those that this booth has
// written as since (a box that was replaced within the shift).
func (d *Desk) total(s *Shift) error {
	cursors := d.memory.Cursors()
	var facts []fact.Fact
	for _, a := range cursors.Authors() {
		after := uint64(0)
		switch {
		case a == s.ID.Author:
			after = s.opened.After
		case d.memory.BoothOf(a) != d.booth || !d.began(a, s.ID):
			continue
		}
		more, err := d.read(a, after, cursors[a].Seq)
		if err != nil {
			return fmt.Errorf("total shift %s: %w", s.ID, err)
		}
		facts = append(facts, more...)
	}
	d.memory.View(func(b *session.Book) { s.Totals, s.carried = shift.Tally(s.opened, untold(s, facts, b), b) })
	s.InLane = len(s.carried)
	return nil
}

// untold puts facts of a shift that are told again (the box's disk was damaged within it) in the place of those that tell
// them. One that came both ways stands once.
func untold(s *Shift, facts []fact.Fact, book *session.Book) []fact.Fact {
	opened, _ := book.Fact(s.ID)
	known := map[fact.ID]bool{}
	var out []fact.Fact
	for _, f := range facts {
		if f.Kind == fact.KindRetold {
			if len(f.Refs) == 0 {
				continue
			}
			inner, ok := book.Fact(f.Refs[0])
			ours := inner.HLC > opened.HLC
			if inner.Author == s.ID.Author {
				ours = inner.Seq > s.opened.After
			}
			if !ok || !ours {
				continue
			}
			f = inner
		}
		if id := f.ID(); !known[id] {
			known[id] = true
			out = append(out, f)
		}
	}
	return out
}

// began reports whether an author began to write after a fact.
func (d *Desk) began(a fact.Author, after fact.ID) (yes bool) {
	d.memory.View(func(b *session.Book) {
		first, ok := b.Fact(fact.ID{Author: a, Seq: 1})
		then, known := b.Fact(after)
		yes = ok && known && first.HLC > then.HLC
	})
	return yes
}

// read returns an author's facts that totals are made of, after a number and up to another.
func (d *Desk) read(a fact.Author, after, upto uint64) ([]fact.Fact, error) {
	var out []fact.Fact
	for after < upto {
		records, err := d.memory.Records(a, after, int(min(upto-after, exchange.MaxRecords)))
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			return nil, fmt.Errorf("log of %s ends at %d, before %d", a, after, upto)
		}
		for _, r := range records {
			f, err := fact.Unseal(r)
			if err != nil {
				return nil, err
			}
			after = f.Seq
			switch f.Kind {
			case fact.KindBill, fact.KindCash, fact.KindDecision, fact.KindPromised, fact.KindRetold:
				out = append(out, f)
			}
		}
	}
	return out, nil
}
