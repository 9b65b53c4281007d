package edgetest_test

import (
	"slices"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
)

// M6.02, M1.04: rights that one booth has of the cloud hold at every booth within seconds, with the cloud away and after a
// restart: the black list's car stays out, the month card's leaves without paying.
func TestRightsHoldAtEveryBoothWithNoCloud(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	cloud := lottest.NewRights(t, l.Authority, Name)
	cloud.Put("粤B12345")
	cloud.Add(right.Right{ID: "stolen", Kind: right.Black, Plates: []right.Plate{{Text: "京C88888"}}})
	began := time.Now()
	if err := b.Lot().TakeRights(cloud.Page(right.Cursor{})); err != nil {
		t.Fatal(err)
	}
	Until(t, 10*time.Second, "booth-a has the rights of booth-b", func() bool { n, _ := a.Lot().RightsState(); return n == cloud.Number })
	t.Logf("in force at the other booth after %v", time.Since(began))

	l.Inside("booth-a", "entry-1", "粤B12345", 3*time.Hour-time.Minute)
	one(t, b, "粤B12345", inside)
	l.Arrive("exit-1", Car(t, "粤B12345"))
	l.Cross("exit-1")
	s := one(t, b, "粤B12345", left)
	if s.Money.Free != 1500 || s.Money.Debt != 0 || s.Current.Reason != lane.ReasonPermit || s.Current.Rights != cloud.Number {
		t.Errorf("the month card's stay: money %+v, decision %+v", s.Money, s.Current)
	}

	a.Stop()
	a.Start()
	Until(t, 15*time.Second, "the entry runs again", func() bool { return a.Live("entry-1").Arm == "down" && len(a.Live("entry-1").Faults) == 0 })
	l.Arrive("entry-1", Car(t, "京C88888"))
	Until(t, 10*time.Second, "the entry refuses", func() bool { return a.Live("entry-1").Reason == lane.ReasonBlack })
	Until(t, 5*time.Second, "the display says so", func() bool { return slices.Contains(l.Lanes["entry-1"].Display.Screen().Rows, "禁止入场") })
	if arm := l.Lanes["entry-1"].Board.Arm(); arm != "down" {
		t.Errorf("the arm is %s", arm)
	}
	a.Lot().View(func(k *session.Book) {
		if n := len(k.Inside()); n != 0 {
			t.Errorf("%d are inside", n)
		}
	})
}
