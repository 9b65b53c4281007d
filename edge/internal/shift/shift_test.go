package shift_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/edge/internal/shift"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func desk(t *testing.T, b *lottest.Booth) *shift.Desk {
	t.Helper()
	d, err := shift.New("booth-a", b.Lot, time.Now)
	must(t, err)
	return d
}

// draft is a fact of now.
func draft(k fact.Kind, body, hidden any, refs ...fact.ID) fact.Draft {
	return fact.Draft{At: time.Now(), Source: "booth", Kind: k, Body: body, Hidden: hidden, Refs: refs}
}

func car() fact.Vehicle {
	return fact.Vehicle{Plate: plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue}}
}

// cash takes money for a vehicle that entered.
func cash(t *testing.T, b *lottest.Booth, n money.Amount, action string) {
	t.Helper()
	_, err := b.Lot.Append(t.Context(), func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{
			draft(fact.KindRead, fact.Read{Lane: "entry-1", Dir: fact.Entry, Device: "cam", Event: action}, car()),
			draft(fact.KindCash, fact.Cash{Session: id(0), Amount: n, Curr: "CNY", By: "wang", Action: action}, nil, id(0)),
		}
	})
	must(t, err)
}

func TestAShiftGoesOnAfterARestartAndClosesOnce(t *testing.T) {
	a := enrolltest.New(t)
	b := lottest.New(t, a, "riverside", "booth-a")
	d := desk(t, b)
	if _, ok, err := d.Current(); ok || err != nil {
		t.Fatalf("a new booth has a shift: %v", err)
	}
	cash(t, b, 100, "before anybody")
	first, err := d.Open(t.Context(), "wang")
	must(t, err)
	if again, err := d.Open(t.Context(), "wang"); err != nil || again.ID != first.ID {
		t.Errorf("opened again: %+v, %v", again, err)
	}
	if _, err := d.Open(t.Context(), "li"); !errors.Is(err, shift.ErrOpen) {
		t.Errorf("opened by another: %v", err)
	}
	cash(t, b, 1500, "one")
	b.Stop()
	b = lottest.Open(t, b.Identity, b.Dir)
	d = desk(t, b)
	cash(t, b, 500, "two")
	if s, ok, err := d.Current(); err != nil || !ok || s.ID != first.ID || s.Totals.Cash != 2000 || s.Totals.Takings != 2 {
		t.Fatalf("after a restart: %+v, %v", s, err)
	}
	h := shift.Handover{Shift: first.ID, By: "wang", To: "li", Counted: 2000, Currency: "CNY"}
	var group sync.WaitGroup
	for range 4 { // sent four times at once
		group.Go(func() {
			if s, err := d.Close(context.WithoutCancel(t.Context()), h); err != nil || s.Closed == nil || s.Closed.Totals.Cash != 2000 {
				t.Errorf("closed: %+v, %v", s, err)
			}
		})
	}
	group.Wait()
	cash(t, b, 300, "three")
	list := d.Latest(10)
	if len(list) != 2 || list[0].By != "li" || list[1].Closed == nil {
		t.Fatalf("shifts: %+v", list)
	}
	if s, _, err := d.Current(); err != nil || s.By != "li" || s.Totals.Cash != 300 {
		t.Errorf("the second: %+v, %v", s, err)
	}
	if _, err := d.Close(t.Context(), shift.Handover{Shift: fact.ID{Author: b.Lot.Author(), Seq: 1}, By: "li"}); !errors.Is(err, shift.ErrChange) {
		t.Errorf("closing what is no shift: %v", err)
	}
}

// The box's disk was damaged within a shift: what the next incarnation tells again counts in it, once.
func TestAShiftOfADamagedJournalIsToldAgain(t *testing.T) {
	b := lottest.New(t, enrolltest.New(t), "riverside", "booth-a")
	const old = fact.Author("oldoldoldoldoldo")
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	var head fact.Head
	var records []fact.Record
	say := func(d fact.Draft) fact.ID {
		r, f, next, err := fact.Seal(head, key, fact.Stamp{Lot: "riverside", Author: old, Boot: "b", Now: time.Now().Add(-time.Minute)}, d)
		must(t, err)
		head, records = next, append(records, r)
		return f.ID()
	}
	taking := func(action string) {
		read := say(draft(fact.KindRead, fact.Read{Lane: "entry-1", Dir: fact.Entry, Device: "cam", Event: action}, car()))
		say(draft(fact.KindCash, fact.Cash{Session: read, Amount: 700, Curr: "CNY", By: "wang", Action: action}, nil, read))
	}
	taking("of an earlier shift")
	opened := say(draft(fact.KindShiftOpened, fact.ShiftOpened{Booth: "booth-a", By: "wang", After: 3}, nil))
	taking("of this one")
	d := desk(t, b)
	for range 2 {
		_, err := b.Lot.Append(t.Context(), func(func(int) fact.ID) []fact.Draft {
			var out []fact.Draft
			for _, r := range records {
				told, err := fact.Tell(r, 0, "")
				must(t, err)
				out = append(out, told)
			}
			return out
		})
		must(t, err)
	}
	cash(t, b, 200, "after it")
	s, ok, err := d.Current()
	if err != nil || !ok || s.ID != opened || s.By != "wang" || s.Totals.Cash != 900 || s.Totals.Takings != 2 {
		t.Fatalf("the shift is %+v, %v; want wang's %s with 900 in two takings", s, err, opened)
	}
	if _, err := d.Close(t.Context(), shift.Handover{Shift: s.ID, By: "wang", Counted: 900, Currency: "CNY"}); err != nil {
		t.Fatal(err)
	}
	if _, open := d.OnDuty(); open {
		t.Error("it is still open")
	}
}
