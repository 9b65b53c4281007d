package edgetest_test

import (
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// TestBoothEightHoursOffIsSetByTheOthers: a machine comes up with a wrong clock while the other booths are away, and takes
// in a vehicle. When they are back the lot agrees on the right time, the vehicle's entry is corrected everywhere, and it
// leaves at another booth for what it owes.
func TestBoothEightHoursOffIsSetByTheOthers(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-b"}, {ID: "exit-2", Dir: fact.Exit, Booth: "booth-c"}}})
	a, b, c := l.Booths["booth-a"], l.Booths["booth-b"], l.Booths["booth-c"]
	for _, x := range []*Booth{a, b, c} {
		x.Stop()
	}
	a.Skew = -8 * time.Hour
	a.Start()
	Until(t, 15*time.Second, "the lane is up", func() bool { live := a.Live("entry-1"); return live.Arm == "down" && len(live.Faults) == 0 })
	came := time.Now()
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	off := func(x *Booth) time.Duration {
		s := x.Sessions("粤B12345")
		if len(s) != 1 || s[0].Entry == nil {
			return 24 * time.Hour
		}
		return s[0].Entry.At.Sub(came).Abs()
	}
	Until(t, 5*time.Second, "the vehicle is inside", func() bool { return len(a.Sessions("粤B12345")) == 1 })
	if off(a) > time.Hour { // the run before ended at the true time, and a clock does not go back behind that
		t.Error("the clock went back behind what was stamped before")
	}
	b.Start()
	c.Start()
	for _, x := range []*Booth{a, b, c} {
		Until(t, 30*time.Second, x.ID+" knows when it entered", func() bool { return off(x) < time.Minute })
	}
	Until(t, 15*time.Second, "nobody doubts its clock", func() bool { return a.Agent.State().Clock.Suspect == "" })
	l.Arrive("exit-1", Car(t, "粤B12345"))
	l.Cross("exit-1")
	Until(t, 10*time.Second, "it has left", func() bool {
		s := a.Sessions("粤B12345")
		return len(s) == 1 && s[0].State == session.Left && s[0].Bill != nil
	})
	if s := a.Sessions("粤B12345")[0]; s.Bill.Gross != 0 || s.Money.Debt != 0 {
		t.Errorf("billed %d for a minute: %+v", s.Bill.Gross, s.Bill)
	}
}

// TestBoothEightHoursAheadIsCorrected: nothing that was stamped before holds a clock back that is ahead.
func TestBoothEightHoursAheadIsCorrected(t *testing.T) {
	l := Start(t, Plan{Lanes: []Lane{{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-b"}, {ID: "exit-2", Dir: fact.Exit, Booth: "booth-c"}}})
	a, b, c := l.Booths["booth-a"], l.Booths["booth-b"], l.Booths["booth-c"]
	for _, x := range []*Booth{a, b, c} {
		x.Stop()
	}
	a.Skew = 8 * time.Hour
	a.Start()
	Until(t, 15*time.Second, "the lane is up", func() bool { live := a.Live("entry-1"); return live.Arm == "down" && len(live.Faults) == 0 })
	came := time.Now()
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	Until(t, 5*time.Second, "the vehicle is inside", func() bool { return len(a.Sessions("粤B12345")) == 1 })
	if in := a.Sessions("粤B12345")[0].Entry.At; in.Sub(came) < 7*time.Hour {
		t.Fatalf("entered at %s by a clock that is eight hours ahead of %s", in, came)
	}
	boot := a.Agent.State().Boot
	b.Start()
	c.Start()
	for _, x := range []*Booth{a, b, c} {
		Until(t, 30*time.Second, x.ID+" knows when it entered", func() bool {
			s := x.Sessions("粤B12345")
			return len(s) == 1 && s[0].Entry.At.Sub(came).Abs() < time.Minute
		})
	}
	Until(t, 15*time.Second, "the clock is set", func() bool {
		return time.Until(a.Agent.State().At).Abs() < time.Second && a.Agent.State().Boot != boot
	})
	Until(t, 15*time.Second, "the alarm is over, and the others have heard of it", func() bool {
		for _, x := range c.Agent.State().Alarms {
			if x.Booth == "booth-a" && x.Code == "clock_suspect" {
				return false
			}
		}
		return true
	})
	// The lane works on as ever, and a stay of a minute costs nothing.
	l.Arrive("entry-1", Car(t, "粤B54321"))
	l.Cross("entry-1")
	for _, plate := range []string{"粤B12345", "粤B54321"} {
		l.Arrive("exit-2", Car(t, plate))
		l.Cross("exit-2")
		Until(t, 10*time.Second, plate+" has left", func() bool {
			s := c.Sessions(plate)
			return len(s) == 1 && s[0].State == session.Left && s[0].Bill != nil && s[0].Bill.Gross == 0
		})
	}
}
