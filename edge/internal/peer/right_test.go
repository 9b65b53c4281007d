package peer_test

import (
	"fmt"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// Rights that one booth has of the cloud come to all, through a booth that the others know, in as many pages as they need;
// and so does a change, with which its reader is not asked for all again.
func TestRightsArePassedOn(t *testing.T) {
	ca := enrolltest.New(t)
	nodes, booths := group(t, ca, 3)
	a, b, c := nodes[0], nodes[1], nodes[2]
	for n, list := range map[*node][]wire.Booth{a: {booths[0], booths[1]}, b: booths, c: {booths[1], booths[2]}} {
		if err := n.Lot.Configure(ca.Sign(lottest.Config("riverside", 1, list...))); err != nil {
			t.Fatal(err)
		}
	}
	cloud := lottest.NewRights(t, ca, "riverside")
	var plates []string
	for i := range 3*wire.RightsEntries + 7 {
		plates = append(plates, fmt.Sprintf("粤B%05d", i))
	}
	cloud.Put(plates...)
	give := func() {
		t.Helper()
		for number := uint64(0); number != cloud.Number; {
			_, wants := a.Lot.RightsState()
			if err := a.Lot.TakeRights(cloud.Page(wants)); err != nil {
				t.Fatal(err)
			}
			number, _ = a.Lot.RightsState()
		}
	}
	all := func() bool {
		for _, n := range nodes {
			if number, _ := n.Lot.RightsState(); number != cloud.Number {
				return false
			}
		}
		return true
	}
	give()
	lottest.Until(t, 20*time.Second, "every booth has the first rights", all)
	cloud.Put("粤C00001")
	cloud.Take("card-000001")
	give()
	lottest.Until(t, 20*time.Second, "every booth has the change", all)
	for _, n := range nodes {
		terms, _ := n.Lot.Terms()
		if terms.Rights.Digest() != cloud.Set.Digest() || len(terms.Rights.For(plate.Plate{Text: "粤C00001"})) != 1 {
			t.Errorf("%s has other rights", n.Identity.Booth)
		}
	}
}
