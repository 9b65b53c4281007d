package lane

import (
	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
)

// The reasons of decisions. Texts for people are made from them.
const (
	ReasonEntry   = "entry"
	ReasonFree    = "free"     // nothing is asked
	ReasonPaid    = "paid"     // what was asked is paid
	ReasonAgain   = "again"    // released here a moment ago
	ReasonUnpaid  = "unpaid"   // waits for money
	ReasonNoEntry = "no_entry" // no session inside is certainly the vehicle's
	ReasonNoPlate = "no_plate" // nothing to find a session by
	ReasonNoPrice = "unpriced" // the tariff cannot price it
	ReasonTail    = "tailgate" // went through behind another
	ReasonJournal = "journal"  // the journal cannot be written
	ReasonManual  = "manual"   // a person at the booth
	ReasonWaived  = "waived"   // a person at the booth, who waived what was due
	ReasonCommand = "command"  // a person in the cloud
	ReasonButton  = "button"   // the button in the cabinet
	ReasonFire    = "fire"

	ReasonPromised = "promised"            // leaves on a promise to pay
	ReasonOpen     = string(fact.HeldOpen) // the lane is held open
	ReasonConvoy   = string(fact.Convoy)   // a convoy passes
	ReasonLocked   = string(fact.Locked)   // the lane is locked

	ReasonInside   = "inside"   // it is inside already
	ReasonRepeated = "repeated" // it entered a moment ago
	ReasonFull     = "full"     // the lot, or the zone, has no place for it
	ReasonInner    = "inner"    // from one zone into another
)

// choice is what a finding means for a vehicle.
func (t *step) choice(f Finding) (fact.Action, string) {
	c := &t.Car
	switch {
	case t.Fire && c.Forced == nil:
		return fact.Open, ReasonFire
	case t.Mode.locked() && (c.Forced == nil || c.Forced.Note == ""):
		return fact.Hold, ReasonLocked // the button in the cabinet knows no reason
	case c.Forced != nil:
		return fact.Open, c.Forced.Reason
	case t.Mode.open():
		return fact.Open, t.Mode.reason()
	case f.Obstacle != "":
		return fact.Hold, f.Obstacle
	case t.Dir == fact.Inner:
		return fact.Open, ReasonInner
	case t.Dir == fact.Entry:
		return f.enter()
	case f.Basis == Again:
		return fact.Open, ReasonAgain
	case f.Basis == Unfound && t.Policy.NoEntry == "open":
		return fact.Open, ReasonNoEntry
	case f.Basis == Unfound && c.Plate.None():
		return fact.Hold, ReasonNoPlate
	case f.Basis == Unfound:
		return fact.Hold, ReasonNoEntry
	case f.Bill == nil:
		return fact.Hold, ReasonNoPrice
	case f.Bill.Due > 0 && f.goesOnPromise():
		return fact.Open, ReasonPromised
	case f.Bill.Due > 0:
		return fact.Hold, ReasonUnpaid
	case f.Bill.Paid > 0:
		return fact.Open, ReasonPaid
	}
	return fact.Open, f.given()
}

// found decides about the vehicle at the lane, or decides again.
func (t *step) found(in Found) {
	c := &t.Car
	if in.Car != c.N || c.N == 0 || c.Phase == Nobody || c.Phase == Arrived {
		return
	}
	if c.Write != 0 && c.Phase != Judging { // what was decided last may be on the disk any moment: deciding again would record it twice
		c.Forced = nil
		t.refuseAll()
		return
	}
	f := in.Finding
	t.Policy = f.Policy
	if (c.Phase == Released || c.Phase == Crossing) && c.Forced == nil {
		c.Found = f // it may go already; a correction is only for the screens
		return
	}
	action, reason := t.choice(f)
	same := c.Phase == Held && action == c.Action && reason == c.Reason && f.Session == c.Found.Session
	due := f.due() != c.Found.due()
	matched := c.Found.Basis.matches() && c.Found.Session == f.Session // the match was recorded with the hold
	basis := c.Found.Basis
	c.Found, c.Action, c.Reason = f, action, reason
	if matched {
		c.Found.Basis = basis
	}
	if same {
		if due {
			t.show(t.message())
		}
		return
	}
	then := Then{Do: DoAct, Car: c.N, Read: -1}
	var drafts []fact.Draft
	read := c.Read
	if read.IsZero() && c.Seen != nil {
		read, then.Read = Own(0), 0
		drafts = append(drafts, t.draftRead(*c.Seen, false))
	}
	if f.Basis.matches() && !matched {
		drafts = append(drafts, t.draft(fact.KindMatched, fact.Matched{Basis: string(f.Basis)}, read, f.Entry))
	}
	then.Tell = len(drafts)
	drafts = append(drafts, t.draft(fact.KindDecision, t.decision(read), read))
	if action == fact.Open || c.Through {
		drafts = append(drafts, t.bill(read)...)
		drafts = append(drafts, t.promise(read)...)
	}
	if c.Through {
		drafts = append(drafts, t.draft(fact.KindPassage, t.passage(fact.Passed, false), read))
	}
	if c.Write != 0 { // its read may be on the disk any moment: nothing can name it yet
		t.failed(Failed{Then: then, Facts: drafts, Write: c.Write})
		c.Was = Decided{}
		return
	}
	t.record(then, drafts...)
}

// due is what the vehicle is asked for now: at an exit its bill, at an entry what it owes.
func (f *Finding) due() int64 {
	switch {
	case f.Bill != nil:
		return int64(f.Bill.Due)
	case f.owes():
		return int64(f.Verdict.Owed)
	}
	return 0
}

func (t *step) decision(read fact.ID) fact.Decision {
	c := &t.Car
	d := fact.Decision{Lane: t.Lane, Dir: t.Dir, Action: c.Action, Reason: c.Reason, Session: c.Found.Session, Config: c.Found.Config, Rights: c.Found.Rights}
	if t.Dir == fact.Entry {
		d.Session, d.Tariff, d.Uses = read, c.Found.Tariff, c.Found.Verdict.Uses
		if c.Found.owes() {
			d.Due = c.Found.Verdict.Owed
		}
	}
	if c.Found.Bill != nil {
		d.Due = c.Found.Bill.Due
	}
	if c.Forced != nil {
		d.By, d.Note = c.Forced.By, c.Forced.Note
	}
	if c.Through {
		d.Action, d.Reason = fact.Hold, ReasonTail
	}
	return d
}

// bill freezes the price of a stay with the release of its vehicle. A fire's releases, and who leaves on another's heels,
// are billed as the lot's policy says.
func (t *step) bill(read fact.ID) []fact.Draft {
	f := &t.Car.Found
	if t.Dir != fact.Exit || f.Bill == nil || t.Car.Billed || f.Basis == Again {
		return nil
	}
	p := f.Policy.Passage
	if t.Car.Reason == ReasonFire && p.Fire != "bill" || t.Car.Through && p.Tailgate == "record" {
		return nil
	}
	return []fact.Draft{t.draft(fact.KindBill, fact.Bill{Session: f.Session, Config: f.Config, Bill: *f.Bill, Rights: f.Given}, f.Entry, read)}
}

// recorded goes on after facts reached the disk.
func (t *step) recorded(in Recorded) {
	t.NoJournal = false
	then := in.Then
	car := t.car(then.Car)
	if then.Do == DoPay {
		t.paid(in)
	}
	t.paySoon()
	if car != nil && then.Read >= 0 && then.Read < len(in.IDs) && (then.Do == DoAct || then.Do == DoKeep) {
		car.Read, car.Seen = in.IDs[then.Read], nil
		t.readKnown(car)
	}
	tell := func(v Verdict) {
		if then.Ask != 0 {
			t.do(Answer{then.Ask, Reply{Verdict: v, Fact: in.IDs[then.Tell]}})
		}
	}
	switch then.Do {
	case DoAct:
		if car == &t.Car {
			t.act()
		}
	case DoFire:
		t.burns()
	case DoMode:
		m := then.Mode
		if m.Kind != "" {
			m.Fact = in.IDs[then.Tell]
		}
		tell(Done)
		t.setMode(m)
	case DoLook:
		tell(Done)
		if car == &t.Car {
			t.look()
		}
	case DoRename:
		tell(Done)
		if car == nil {
			return
		}
		car.Plate = then.Plate
		if car == &t.Car {
			t.look()
		}
	}
}

// car is the vehicle with the number, if it is still here.
func (t *step) car(n uint64) *Car {
	if n == 0 {
		return nil
	}
	if t.Car.N == n {
		return &t.Car
	}
	for i := range t.Behind {
		if t.Behind[i].N == n {
			return &t.Behind[i]
		}
	}
	return nil
}

// act does what was decided and recorded.
func (t *step) act() {
	c := &t.Car
	if c.Through {
		t.gone(true)
		return
	}
	if c.Action == fact.Open {
		if c.Phase != Crossing {
			c.Phase = Released
		}
		c.Tries, c.Billed = 0, true
		if t.staysUp() && t.Arm == driver.ArmUp && c.Forced == nil {
			c.Opened = true // it is up already
		} else {
			t.raise(c.Forced != nil)
		}
		t.show(t.message())
		c.Forced = nil
		return
	}
	if c.Phase != Held {
		c.Phase, c.HeldAt = Held, t.at.Wall
	}
	if t.Arm != driver.ArmDown && t.Arm != driver.ArmUnknown {
		t.WantDown, t.Lowers = true, 0
	}
	t.show(t.message())
}

// refuseAll tells everybody who waits for the barrier that the journal does not allow it.
func (t *step) refuseAll() {
	for _, w := range t.Asks {
		t.do(Answer{w.Ask, Reply{Verdict: Refused, Text: textJournal}})
	}
	t.Asks = nil
}

// failed goes on when facts could not be written, or not in time: the lot's policy says how, and the lane says so.
func (t *step) failed(in Failed) {
	t.NoJournal = true
	then := in.Then
	if then.Ask != 0 {
		t.do(Answer{then.Ask, Reply{Verdict: Refused, Text: textJournal}})
	}
	t.refuseAll()
	switch {
	case then.Do == DoFire:
		t.burns()
		t.oweFailed(in)
		return
	case then.Do == DoPay:
		t.unpaid(in)
		return
	case then.Do == DoNothing:
		t.oweFailed(in)
		return
	case then.Do == DoKeep:
		if car := t.car(then.Car); car != nil {
			car.Write = in.Write
		} else {
			t.oweFailed(in)
		}
		return
	case then.Do != DoAct || t.car(then.Car) != &t.Car || t.Car.N == 0:
		return
	}
	c := &t.Car
	kept := c.Write != 0 // the write under way is of its read alone
	c.Write, c.Was = in.Write, Decided{c.Action, c.Reason, c.Forced != nil}
	c.Forced = nil
	if c.Through {
		t.oweFree(in, kept)
		t.gone(true)
		return
	}
	if t.Fire || t.Policy.JournalX == "open" && !t.Mode.locked() {
		fresh := t.oweFree(in, kept)
		c.Reason, c.Action, c.Phase = ReasonJournal, fact.Open, Released
		if fresh {
			t.raise(false)
		}
	} else {
		c.Reason, c.Action = ReasonJournal, fact.Hold
		if c.Phase != Held {
			c.Phase, c.HeldAt = Held, t.at.Wall
		}
	}
	t.show(t.message())
}
