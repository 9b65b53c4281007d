package lane

import (
	"maps"
	"slices"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
)

// Step is the lane's rules: what an input at a moment makes of a state, and what is to be done about it. It is pure.
func Step(s State, in Input, at Moment) (State, []Effect) {
	t := &step{State: s, at: at}
	t.Downs, t.Clocks, t.Told = maps.Clone(s.Downs), maps.Clone(s.Clocks), maps.Clone(s.Told)
	t.Behind, t.Asks, t.Done = slices.Clone(s.Behind), slices.Clone(s.Asks), slices.Clone(s.Done)
	if at.Boot != "" && at.Boot != t.Boot {
		t.rebase()
	}
	switch in := in.(type) {
	case Read:
		t.read(in)
	case Sensed:
		t.sensed(in)
	case Arm:
		t.arm(in.Arm)
	case Linked:
		t.linked(in)
	case Moved:
		t.moved(in)
	case Found:
		t.found(in)
	case Recorded:
		t.recorded(in)
	case Failed:
		t.failed(in)
	case Written:
		t.written(in)
	case Changed:
		if t.Car.Phase == Held {
			t.look()
		}
	case Ask:
		t.ask(in)
	case Proven:
		t.proven(in)
	case Resumed:
		t.resumed(in)
	case Unfinished:
		t.unfinished(in)
	case Tick:
	}
	t.times()
	if _, tick := in.(Tick); tick && len(t.out) == 0 && t.OweAt > 0 && t.at.Mono >= t.OweAt {
		t.pay() // by itself: no other record may be on its way to name the same read
	}
	return t.State, t.out
}

// step is a state in the making.
type step struct {
	State
	at  Moment
	out []Effect
}

func (t *step) do(e ...Effect) { t.out = append(t.out, e...) }

func (t *step) show(m Message) { t.do(Show{m}) }

// look asks what the lot knows of the vehicle at the lane.
func (t *step) look() {
	c := &t.Car
	_, to := t.zones(t.Dir)
	t.do(Look{Query{
		Car: c.N, Lane: t.Lane, Dir: t.Dir, To: to, Plate: c.Plate, Read: c.Read, At: c.At.Truncate(time.Millisecond), Clock: t.clock(),
		Forced: c.Forced, Mode: t.Mode, Ticket: c.Ticket,
	}})
}

// record appends facts about the present moment.
func (t *step) record(then Then, drafts ...fact.Draft) { t.do(Record{drafts, then}) }

// draft is a fact of now, by the booth's clock.
func (t *step) draft(k fact.Kind, body any, refs ...fact.ID) fact.Draft {
	return fact.Draft{At: t.at.Wall, Source: "booth", Boot: t.at.Boot, Kind: k, Refs: refs, Body: body}
}

// newCar begins the stay of a vehicle at the lane.
func (t *step) newCar(p Phase) Car {
	t.Cars++
	// A mono of zero would read as "never": this run's clock starts at one.
	return Car{N: t.Cars, Since: max(t.at.Mono, 1), Phase: p, At: t.at.Wall, Loop: p == Arrived}
}

// arm follows the arm. One that is found raised with nobody there was left so by an earlier run.
func (t *step) arm(a driver.Arm) {
	found := t.Arm == driver.ArmUnknown && a == driver.ArmUp
	t.Arm = a
	switch {
	case a == driver.ArmDown:
		t.WantDown, t.Lowers = false, 0
		if t.Car.Earlier && t.Car.Phase == Released {
			t.forget()
		}
	case a == driver.ArmUp && t.staysUp():
		t.UpTries = 0
	case found && t.Car.Phase == Nobody:
		t.WantDown = true
	}
}

// linked follows devices coming and going. What an unreachable board said last is no longer known.
func (t *step) linked(in Linked) {
	if t.Downs == nil {
		t.Downs = map[string]bool{}
	}
	t.Downs[in.Device] = !in.Up
	if in.Barrier && !in.Up {
		t.ArriveKnown, t.SafetyKnown, t.Arrive, t.Safety = false, false, false, false
		t.Arm = driver.ArmUnknown
	}
}

// times does what is due because time has passed.
func (t *step) times() {
	now := t.at.Mono
	t.modeTimes()
	if t.IdleAt > 0 && now >= t.IdleAt {
		t.IdleAt = 0
		if t.Car.Phase == Nobody {
			t.show(t.idle())
		}
	}
	if t.Pending != nil && now >= t.PendTo {
		r := *t.Pending
		t.Pending = nil
		t.late(r)
	}
	if t.tail() && now >= t.Last.Left+followIn {
		t.followed()
	}
	c := &t.Car
	if c.Phase == Arrived && !c.Asked && now >= c.Since+askCamera {
		c.Asked = true
		t.do(Shoot{})
	}
	if c.Phase == Arrived && !t.Blind && now >= c.Since+blindAfter {
		t.Blind = true
		t.show(unread(t.Dir))
	}
	if c.Phase == Held || c.Phase == Released {
		if gone := t.leaves(c); gone > 0 && now >= gone {
			t.leave()
		}
	}
	if c.Phase == Held && c.Reason == ReasonJournal && c.Write == 0 && now >= c.Tried+askJournal {
		c.Tried = now
		t.look()
	}
	if c.waitsForPromise() && now >= c.Looked+promiseLook {
		c.Looked = now
		t.look()
	}
	if c.Phase == Nobody && len(t.Behind) > 0 && now >= t.Behind[0].Since+neverCame {
		t.Behind = nil
	}
	if t.mayRaise() && now >= c.Tried+openAgain {
		t.raise(false)
	}
	t.lower(now)
}

// lower sends the arm down when it should be and may be.
func (t *step) lower(now time.Duration) {
	if t.mayLower() && (t.Lowers == 0 || now >= t.Lowered+closeAgain) {
		t.Lowered = now
		t.Lowers++
		t.do(Lower{Car: t.Car.N, Read: t.Car.Read})
	}
}

// raise opens the barrier for the vehicle at the lane.
func (t *step) raise(byHand bool) {
	c := &t.Car
	c.Tries++
	c.Tried, c.Opened = t.at.Mono, true
	t.WantDown, t.Lowered, t.Lowers = false, 0, 0
	t.do(Raise{Car: c.N, Read: c.Read, ByHand: byHand})
}

// moved takes a barrier's answer: a fact, and news for who waited.
func (t *step) moved(in Moved) {
	if in.Command == "close" && in.Outcome == driver.Done && t.Arm == driver.ArmUnknown {
		t.WantDown = false // nobody will tell where the arm is
	}
	var drafts []fact.Draft
	then := Then{Read: -1}
	// That an arm came down by itself behind a vehicle is told by the passage.
	if in.ByHand || in.Command == "open" && !in.Read.IsZero() {
		var refs []fact.ID
		if !in.Read.IsZero() {
			refs = []fact.ID{in.Read}
		}
		drafts = append(drafts, t.draft(fact.KindBarrier, fact.Barrier{Lane: t.Lane, Command: in.Command, Outcome: string(in.Outcome), Error: in.Err}, refs...))
	}
	want := WantOpen
	if in.Command == "close" {
		want = WantClose
	}
	var rest []Waiting
	for _, w := range t.Asks {
		if w.Want != want || w.Car != in.Car {
			rest = append(rest, w)
			continue
		}
		v := verdictOf(in.Outcome)
		if w.Command != nil {
			drafts = append(drafts, t.judged(w.Command, v, in.Read))
		}
		t.do(Answer{w.Ask, Reply{Verdict: v, Text: moveText(in.Command, in.Outcome), Fact: in.Read}})
	}
	t.Asks = rest
	if len(drafts) > 0 {
		t.record(then, drafts...)
	}
}

func verdictOf(o driver.Outcome) Verdict {
	switch o {
	case driver.Done:
		return Done
	case driver.Refused:
		return Refused
	}
	return Unknown
}
