package lane

import (
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// maxDone bounds how many ids of commands and takings a lane remembers. A command that is older than so many has long
// been expired; a taking's id is also in the lot's facts.
const maxDone = 256

// ask judges what a person or the cloud wants.
func (t *step) ask(a Ask) {
	if v, text := t.admit(a); v != Done {
		t.refuse(a, v, text)
		return
	}
	if a.Command != nil {
		t.remember(a.Command.ID)
	}
	switch a.Want {
	case WantOpen:
		t.askOpen(a)
	case WantClose:
		if t.Safety || t.Fire {
			t.refuse(a, Refused, textUnderArm)
			return
		}
		if t.Mode.open() {
			t.refuse(a, Refused, textHeldOpen)
			return
		}
		t.Asks = append(t.Asks, Waiting{a.ID, WantClose, t.Car.N, a.Command})
		t.do(Lower{Car: t.Car.N, Read: t.Car.Read, ByHand: true})
	case WantCorrect:
		t.askCorrect(a)
	case WantMatch:
		t.askMatch(a)
	case WantCash:
		t.askCash(a)
	case WantScan:
		t.askScan(a)
	case WantPromise:
		t.askPromise(a)
	case WantMode:
		t.askMode(a)
	default:
		t.refuse(a, Invalid, textUnknownWant)
	}
}

// admit says whether a request speaks of what is at the lane now.
func (t *step) admit(a Ask) (Verdict, tariff.Text) {
	if c := a.Command; c != nil {
		if slices.Contains(t.Done, c.ID) {
			return Replayed, textReplayed
		}
		// How old the operator's view was is judged on this run's clock, so no clock of the cloud can stretch it.
		ttl := c.TTL
		if ttl <= 0 || ttl > wire.CommandTTL {
			ttl = wire.CommandTTL
		}
		if seen := time.Duration(c.Seen); a.Token.Boot == t.Boot && (t.at.Mono-seen > ttl || seen > t.at.Mono) {
			return Expired, textExpired
		}
	}
	if a.Want == WantCash && slices.Contains(t.Done, a.Action) {
		return Replayed, textReplayed
	}
	if a.Want == WantMode {
		if a.Command != nil && a.Token.Boot != t.Boot {
			return Mismatched, textOtherRun
		}
	} else if a.Token != t.Token() {
		return Mismatched, textMismatched
	}
	if (a.Want == WantOpen || a.Want == WantClose || a.Want == WantMode && a.Mode.Mode != "") && a.Note == "" {
		return Invalid, textNoReason
	}
	if a.By == "" {
		return Invalid, textNobody
	}
	return Done, tariff.Text{}
}

func (t *step) remember(id string) {
	t.Done = append(t.Done, id)
	if n := len(t.Done) - maxDone; n > 0 {
		t.Done = t.Done[n:]
	}
}

// refuse answers, and tells the lot about a command that did nothing.
func (t *step) refuse(a Ask, v Verdict, text tariff.Text) {
	t.do(Answer{a.ID, Reply{Verdict: v, Text: text}})
	if a.Command != nil {
		t.record(Then{Read: -1}, t.judged(a.Command, v, t.Car.Read))
	}
}

func (t *step) judged(c *wire.Command, v Verdict, read fact.ID) fact.Draft {
	if v == Invalid {
		v = Refused // the wire has no other word for it
	}
	var refs []fact.ID
	if !read.IsZero() {
		refs = append(refs, read)
	}
	return t.draft(fact.KindCommand, fact.Command{
		Command: c.ID, Lane: t.Lane, Action: string(c.Action), By: c.By, Note: c.Reason, Verdict: string(v),
	}, refs...)
}

func (t *step) askOpen(a Ask) {
	f := Forced{Reason: ReasonManual, By: a.By, Note: a.Note, Waive: a.Waive}
	switch {
	case a.Command != nil:
		f.Reason, f.Waive = ReasonCommand, false
	case a.Waive:
		f.Reason = ReasonWaived
	}
	t.force(f)
	t.Asks = append(t.Asks, Waiting{a.ID, WantOpen, t.Car.N, a.Command})
}

// force lets the vehicle at the lane pass because somebody said so. One that no camera has read is read by that person.
func (t *step) force(f Forced) {
	c := &t.Car
	if c.Phase == Nobody {
		*c = t.newCar(Arrived)
		c.Loop = t.Arrive
	}
	c.Forced = &f
	if c.Phase == Arrived {
		c.ByHand = true
		c.take(Read{Device: "booth", Trigger: fact.TriggerPerson, Confidence: -1, Received: t.at.Wall, ByHand: true})
	}
	t.look()
}

// askCorrect gives the vehicle at the lane another plate.
func (t *step) askCorrect(a Ask) {
	c := &t.Car
	switch {
	case c.N == 0:
		t.refuse(a, Invalid, textNobodyThere)
		return
	case a.Plate.None():
		t.refuse(a, Invalid, textNoPlate)
		return
	}
	if c.Phase == Arrived {
		// No camera has read it: what the person typed is its read.
		c.take(Read{Device: "booth", Trigger: fact.TriggerPerson, Confidence: -1, Plate: a.Plate, Received: t.at.Wall, ByHand: true})
		t.look()
		t.answerNow(a, nil)
		return
	}
	if c.Read.IsZero() {
		t.refuse(a, Refused, textJournal)
		return
	}
	d := t.draft(fact.KindCorrected, fact.Corrected{By: a.By, Note: a.Note}, c.Read)
	d.Hidden = fact.Vehicle{Plate: a.Plate}
	t.settled(a, DoRename, a.Plate, d)
}

// askMatch says which session inside the vehicle belongs to.
func (t *step) askMatch(a Ask) {
	c := &t.Car
	i := slices.IndexFunc(c.Found.Similar, func(x wire.Candidate) bool { return x.Session == a.Session })
	if c.Phase != Held || c.Read.IsZero() || i < 0 {
		t.refuse(a, Invalid, textNoCandidate)
		return
	}
	t.settled(a, DoLook, plate.Plate{}, t.draft(fact.KindMatched, fact.Matched{Basis: "person", By: a.By}, c.Read, a.Session))
}

// askCash takes money for the session of the vehicle at the lane. What it opens is decided afterwards, like any payment.
func (t *step) askCash(a Ask) {
	c := &t.Car
	switch {
	case c.Phase != Held || c.Found.Bill == nil || c.Found.Bill.Due <= 0:
		t.refuse(a, Invalid, textNothingDue)
		return
	case a.Amount <= 0 || a.Amount > c.Found.Bill.Due:
		t.refuse(a, Invalid, textAmount(c.Found.Bill.Due, c.Found.Currency))
		return
	case a.Action == "":
		t.refuse(a, Invalid, textNoAction)
		return
	}
	t.remember(a.Action)
	t.settled(a, DoLook, plate.Plate{}, t.draft(fact.KindCash, fact.Cash{
		Session: c.Found.Session, Amount: a.Amount, Curr: c.Found.Currency, Lane: t.Lane, By: a.By, Action: a.Action,
	}, c.Found.Entry))
}

// settled records what somebody said, with the judgement of the command it came by, and answers once it is on the disk.
func (t *step) settled(a Ask, do Do, p plate.Plate, d fact.Draft) {
	drafts := []fact.Draft{d}
	if a.Command != nil {
		drafts = append(drafts, t.judged(a.Command, Done, t.Car.Read))
	}
	t.record(Then{Do: do, Car: t.Car.N, Ask: a.ID, Read: -1, Plate: p}, drafts...)
}

// answerNow answers a request that was done at once.
func (t *step) answerNow(a Ask, drafts []fact.Draft) {
	if a.Command != nil {
		drafts = append(drafts, t.judged(a.Command, Done, t.Car.Read))
	}
	if len(drafts) > 0 {
		t.record(Then{Read: -1}, drafts...)
	}
	t.do(Answer{a.ID, Reply{Verdict: Done}})
}
