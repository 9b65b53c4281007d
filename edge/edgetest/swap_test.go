package edgetest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// M32.14, the ten-minute box swap, in seconds: a box dies with its disk in the middle of a shift. Another one takes its
// place with a code, drives the lane at once, is rebuilt from the others and the cloud, and says what is missing.
func TestTenMinuteBoxSwap(t *testing.T) {
	l := Start(t, Plan{Online: true, Travel: 20 * time.Millisecond, Lanes: []Lane{
		{ID: "entry-1", Dir: fact.Entry, Booth: "booth-a"}, {ID: "exit-1", Dir: fact.Exit, Booth: "booth-b"}, {ID: "entry-2", Dir: fact.Entry, Booth: "booth-c"},
	}})
	a, b, c := l.Booths["booth-a"], l.Booths["booth-b"], l.Booths["booth-c"]
	l.Arrive("entry-1", Car(t, "粤B12345"))
	l.Cross("entry-1")
	of := Enter(t, b, "京C88888", 50*time.Minute) // told by the box that dies
	one(t, a, "京C88888", inside)
	same(t, l, []*Booth{a, b, c})
	was := b.Lot().Author()
	b.Stop()
	// Its last word to booth-a named three facts that did not come any more.
	head := a.Lot().Cursors()[was]
	for range 2 {
		a.Lot().Heard("booth-b", exchange.Cursors{was: fact.Head{Seq: head.Seq + 3}}, 1)
	}
	b.Replace()
	Until(t, 20*time.Second, "the devices are up", func() bool { return b.Live("exit-1").Arm == "down" && len(b.Live("exit-1").Faults) == 0 })
	one(t, b, "京C88888", inside)
	l.Arrive("exit-1", Car(t, "京C88888"))
	Until(t, 10*time.Second, "the exit asks for money", func() bool { return b.Live("exit-1").Due == 500 })
	l.Cloud.Paid(a, of, 500)
	l.Cross("exit-1")
	one(t, b, "京C88888", left)
	Until(t, 30*time.Second, "the new box has taken over", func() bool {
		r, ok := b.Agent.Rebuild()
		return ok && r.Done
	})
	r, _ := b.Agent.Rebuild()
	if want := (fact.Rest{Author: was, Held: head.Seq, Told: head.Seq + 3}); len(r.Before) != 1 || r.Before[0] != want || r.Missing() != 3 || len(r.Unheard) > 0 {
		t.Errorf("it says %+v, want %+v", r, want)
	}
	if words := b.Agent.State().Words; words[0].Level != "bad" || !strings.Contains(words[0].Text.EN, "3 facts of the old box are nowhere") {
		t.Errorf("the page says %+v", words)
	}
	same(t, l, []*Booth{a, b, c})
	for _, x := range []*Booth{a, c} {
		if got, ok := x.Lot().Rebuilt(b.Lot().Author()); !ok || !slices.Equal(got.Before, r.Before) {
			t.Errorf("%s knows %+v, %v", x.ID, got, ok)
		}
	}
	Until(t, 30*time.Second, "it votes again", func() bool { return b.Agent.State().Sync.Leader != "" && b.Agent.State().Sync.Behind == 0 })
}
