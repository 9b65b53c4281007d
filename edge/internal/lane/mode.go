package lane

import (
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// Bounds of what a person may set. A mode that nobody ends must end by itself.
const (
	maxModeFor = 24 * time.Hour
	maxConvoy  = 999
	// upSeldom is how often a barrier that does not stay up is asked, once it was asked often.
	upSeldom = time.Minute
)

// Mode is the mode that a lane is in; the zero Mode is the normal one.
type Mode struct {
	Fact   fact.ID // that set it
	Kind   fact.LaneMode
	By     string
	Note   string
	Unpaid string
	Until  time.Duration // on this run's monotonic clock
	Count  int           // of a convoy
	Passed int
}

// open reports whether the arm stays up.
func (m *Mode) open() bool { return m.Kind == fact.HeldOpen || m.Kind == fact.Convoy }

// locked reports whether nothing opens but a fire and a person with a reason.
func (m *Mode) locked() bool { return m.Kind == fact.Locked }

// reason is the reason of decisions that the mode makes.
func (m *Mode) reason() string { return string(m.Kind) }

// waives reports whether what is due of who leaves in it is waived.
func (m *Mode) waives(p wire.Policy) bool {
	how := m.Unpaid
	if how == "" {
		how = p.Passage.ModeUnpaid
	}
	return m.open() && how == "waive"
}

// askMode sets the lane's mode, or ends it.
func (t *step) askMode(a Ask) {
	o := a.Mode
	order := Mode{Kind: o.Mode, By: a.By, Note: a.Note, Unpaid: o.Unpaid, Count: o.Count}
	lasts := time.Duration(o.Seconds) * time.Second
	switch {
	case o.Mode == "" && t.Mode.Kind == "":
		t.refuse(a, Invalid, textNoMode)
		return
	case o.Mode != "" && !order.open() && !order.locked(), o.Unpaid != "" && o.Unpaid != "debt" && o.Unpaid != "waive":
		t.refuse(a, Invalid, textUnknownWant)
		return
	case o.Mode != "" && (o.Seconds <= 0 || o.Seconds > int64(maxModeFor/time.Second)):
		t.refuse(a, Invalid, textModeTime)
		return
	case (o.Mode == fact.Convoy) != (o.Count > 0) || o.Count > maxConvoy:
		t.refuse(a, Invalid, textModeCount)
		return
	}
	then := Then{Do: DoMode, Ask: a.ID, Read: -1}
	var drafts []fact.Draft
	if t.Mode.Kind != "" {
		why := "replaced"
		if o.Mode == "" {
			why = "person"
		}
		drafts = append(drafts, t.modeEnded(why, a.By, a.Note))
	}
	if o.Mode != "" {
		order.Until = t.at.Mono + lasts
		then.Mode, then.Tell = order, len(drafts)
		drafts = append(drafts, t.draft(fact.KindMode, fact.Mode{
			Lane: t.Lane, Mode: o.Mode, By: a.By, Note: a.Note, Seconds: o.Seconds, Count: o.Count, Unpaid: o.Unpaid,
		}))
	}
	if a.Command != nil {
		drafts = append(drafts, t.judged(a.Command, Done, fact.ID{}))
	}
	t.record(then, drafts...)
}

func (t *step) modeEnded(why, by, note string) fact.Draft {
	return t.draft(fact.KindModeEnded, fact.ModeEnded{Lane: t.Lane, Mode: t.Mode.Kind, Why: why, By: by, Note: note, Passed: t.Mode.Passed}, t.Mode.Fact)
}

// endMode goes back to normal by itself.
func (t *step) endMode(why string) {
	t.record(Then{Read: -1}, t.modeEnded(why, "", ""))
	t.setMode(Mode{})
}

// resumed takes up the mode that the facts say the lane is in, after the agent or the lane was started anew.
func (t *step) resumed(in Resumed) {
	if in.Left <= 0 {
		return // it ran out while nobody was here, and who looks at the facts sees so
	}
	t.setMode(Mode{
		Fact: in.Fact, Kind: in.Mode.Mode, By: in.Mode.By, Note: in.Mode.Note, Unpaid: in.Mode.Unpaid, Count: in.Mode.Count,
		Passed: in.Passed, Until: t.at.Mono + in.Left,
	})
	t.counted()
}

// setMode changes how the lane is worked from now on.
func (t *step) setMode(m Mode) {
	was := t.Mode
	t.Mode = m
	switch {
	case m.open():
		t.UpTries = 0 // it is recorded
		t.holdUp()
	case was.open():
		t.mayClose()
	}
	if t.Car.Phase == Held {
		t.look()
	}
	if t.Car.Phase == Nobody {
		t.show(t.idle())
	}
}

// staysUp reports whether the arm is to stay up, whoever comes.
func (s *State) staysUp() bool { return s.Mode.open() || s.Fire }

// holdUp asks the barrier to stay up.
func (t *step) holdUp() {
	t.WantDown = false
	if t.Arm == driver.ArmUp {
		return
	}
	t.UpTries++
	t.UpTried = t.at.Mono
	t.do(Raise{Car: t.Car.N, ByHand: true})
}

// mayClose lets the arm come down that need not stay up any more, unless it is up for somebody.
func (t *step) mayClose() {
	if !t.staysUp() && !t.WantDown && t.Car.Phase != Released && t.Car.Phase != Crossing {
		t.WantDown, t.Lowers = true, 0
	}
}

// upAgain is when the barrier is to be asked again to stay up; 0 is never.
func (s *State) upAgain() time.Duration {
	if !s.staysUp() || s.Arm != driver.ArmDown {
		return 0
	}
	if s.UpTries < moveTries {
		return s.UpTried + openAgain
	}
	return s.UpTried + upSeldom
}

// modeTimes does what is due of a mode because time has passed.
func (t *step) modeTimes() {
	if t.Mode.Kind != "" && t.at.Mono >= t.Mode.Until {
		t.endMode("expired")
	}
	if at := t.upAgain(); at > 0 && t.at.Mono >= at {
		t.holdUp()
	}
}

// counted ends a convoy whose last vehicle has passed.
func (t *step) counted() {
	if t.Mode.Kind == fact.Convoy && t.Mode.Passed >= t.Mode.Count {
		t.endMode("counted")
	}
}

// modeView is the mode for screens; nil when it is the normal one.
func (s *State) modeView(at Moment) *wire.ModeView {
	m := &s.Mode
	if m.Kind == "" {
		return nil
	}
	v := wire.ModeView{Mode: m.Kind, Until: at.Wall.Add(m.Until - at.Mono).UTC().Truncate(time.Second), By: m.By, Note: m.Note}
	if m.Kind == fact.Convoy {
		v.Left = m.Count - m.Passed
	}
	return &v
}
