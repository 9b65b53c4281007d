package edgetest_test

import (
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/fact"
)

// A booth has no line to the cloud. Another one brings its facts up and the cloud's down: its cars are billed, paid by
// phone and let out as anywhere.
func TestABoothWithoutUplinkGoesThroughAnother(t *testing.T) {
	l := Start(t, Plan{Online: true, Dark: "booth-b", Travel: 20 * time.Millisecond, Lanes: []Lane{
		{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-b"},
	}})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	of := Enter(t, a, "粤B12345", 50*time.Minute)
	one(t, b, "粤B12345", inside)
	l.Arrive("exit-1", Car(t, "粤B12345"))
	Until(t, 10*time.Second, "the exit asks for money", func() bool { return b.Live("exit-1").Due == 500 })
	l.Cloud.Say(fact.KindPayment, fact.Payment{Session: of, Amount: 500, Curr: "CNY", Provider: "wechat", Order: "order-1"}, of)
	l.Cross("exit-1")
	one(t, b, "粤B12345", left)
	same(t, l, []*Booth{a, b}) // the cloud has booth-b's bill
	if s := b.Agent.State().Sync; s.Cloud {
		t.Error("booth-b has a line to the cloud")
	}
	if s := b.Lot().Status(); s.Alone != 0 {
		t.Errorf("%d facts lie at booth-b only", s.Alone)
	}
}

// Two of three voters are away: lanes go on, one alarm says that the booths do not agree, and it is cleared when they do.
func TestABoothWithoutAQuorumRaisesOneAlarm(t *testing.T) {
	l := Start(t, Plan{Travel: 20 * time.Millisecond, Lanes: []Lane{
		{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "entry-2", Dir: fact.Entry, Booth: "booth-b"}, {ID: "entry-3", Dir: fact.Entry, Booth: "booth-c"},
	}})
	a := l.Booths["booth-a"]
	raised := func() (n int) {
		for _, x := range a.Agent.State().Alarms {
			if x.Code == "group_unled" && x.Booth == "booth-a" {
				n++
			}
		}
		return n
	}
	Until(t, 20*time.Second, "three vote", func() bool { return len(a.Agent.State().Sync.Voters) == 3 })
	l.Booths["booth-b"].Stop()
	l.Booths["booth-c"].Stop()
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	Until(t, 40*time.Second, "the alarm is raised", func() bool { return raised() == 1 })
	l.Booths["booth-b"].Start()
	Until(t, 40*time.Second, "the alarm is cleared", func() bool { return raised() == 0 })
}
