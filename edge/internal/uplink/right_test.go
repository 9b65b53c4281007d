package uplink_test

import (
	"fmt"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/edge/internal/uplink/uplinktest"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// A booth states which rights it has and wants; the cloud answers with pages until they are in force. What is altered on
// the way does nothing.
func TestRightsComeDownInPages(t *testing.T) {
	ca := enrolltest.New(t)
	c := uplinktest.New(t, ca, lotID)
	b := lottest.New(t, ca, lotID, "booth-a")
	if err := b.Lot.Configure(ca.Sign(lottest.Config(lotID, 1))); err != nil {
		t.Fatal(err)
	}
	rights := lottest.NewRights(t, ca, lotID)
	var plates []string
	for i := range 2*wire.RightsEntries + 1 {
		plates = append(plates, fmt.Sprintf("粤B%05d", i))
	}
	rights.Put(plates...)
	connect(t, c, b, nil)
	pages, answered := 0, 0
	offer := func() bool { // what the cloud does on each statement
		said := uplinktest.Got[wire.Cursor](c, wire.CursorUp)
		if len(said) > answered {
			answered = len(said)
			if last := said[len(said)-1]; last.Rights < rights.Number {
				after := right.After(last.Rights)
				if last.RightsWant != nil {
					after = *last.RightsWant
				}
				pages++
				c.Publish("booth-a", wire.RightsDown, false, rights.Page(after))
			}
		}
		number, _ := b.Lot.RightsState()
		return number == rights.Number && len(said) > 0 && said[len(said)-1].Rights == rights.Number
	}
	lottest.Until(t, 20*time.Second, "the cloud hears that the first rights are in force", offer)
	if pages < 3 {
		t.Errorf("%d pages", pages)
	}
	rights.Take("card-000007")
	bad := rights.Page(right.After(1))
	bad.Entries[0].ID = "card-000008"
	c.Publish("booth-a", wire.RightsDown, false, bad)
	c.Broker.Publish(wire.Topic{Lot: lotID, Booth: "booth-a", Channel: wire.RightsDown}.String(), false, []byte(`{"head":`))
	lottest.Until(t, 20*time.Second, "the cloud hears that the change is in force", offer)
	terms, _ := b.Lot.Terms()
	if terms.Rights.Digest() != rights.Set.Digest() {
		t.Error("the booth has other rights")
	}
}
