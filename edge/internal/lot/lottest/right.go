package lottest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// Rights is the cloud's end of a lot's rights.
type Rights struct {
	Set    *right.Set
	Number uint64
	Head   wire.Signed

	t   testing.TB
	ca  *enrolltest.Authority
	lot string
}

// NewRights has none yet.
func NewRights(t testing.TB, ca *enrolltest.Authority, lotID string) *Rights {
	return &Rights{Set: &right.Set{}, t: t, ca: ca, lot: lotID}
}

// Put publishes a month card for each plate; the card's id is "card-" and the plate's number in the list of all.
func (r *Rights) Put(plates ...string) {
	r.t.Helper()
	var changes []right.Entry
	for i, p := range plates {
		doc, err := json.Marshal(right.Right{
			ID: fmt.Sprintf("card-%06d", r.Set.Count()+i), Version: 1, Kind: right.Permit, Plates: []right.Plate{{Text: p}},
		})
		if err != nil {
			r.t.Fatal(err)
		}
		changes = append(changes, right.Entry{ID: fmt.Sprintf("card-%06d", r.Set.Count()+i), Right: doc})
	}
	r.publish(changes)
}

// Take publishes that rights are gone.
func (r *Rights) Take(ids ...string) {
	r.t.Helper()
	var changes []right.Entry
	for _, id := range ids {
		changes = append(changes, right.Entry{ID: id})
	}
	r.publish(changes)
}

func (r *Rights) publish(changes []right.Entry) {
	r.t.Helper()
	r.Number++
	for i := range changes {
		changes[i].Number = r.Number
	}
	var err error
	if r.Set, err = r.Set.Apply(changes); err != nil {
		r.t.Fatal(err)
	}
	r.Head = r.ca.SignRights(r.Set.HeadOf(r.lot, r.Number, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
}

// Page is what the cloud sends to a booth that wants what follows a place.
func (r *Rights) Page(after right.Cursor) wire.Rights { return wire.NewRights(r.Head, r.Set, after) }
