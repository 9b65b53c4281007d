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

// Put publishes a month card for each plate; a card's id is "card-" and how many rights there were before it.
func (r *Rights) Put(plates ...string) {
	r.t.Helper()
	var cards []right.Right
	for i, p := range plates {
		cards = append(cards, right.Right{ID: fmt.Sprintf("card-%06d", r.Set.Count()+i), Kind: right.Permit, Plates: []right.Plate{{Text: p}}})
	}
	r.Add(cards...)
}

// Add publishes rights, each in its first version.
func (r *Rights) Add(rights ...right.Right) {
	r.t.Helper()
	var changes []right.Entry
	for _, x := range rights {
		x.Version = 1
		doc, err := json.Marshal(x)
		if err == nil {
			err = x.Validate()
		}
		if err != nil {
			r.t.Fatal(err)
		}
		changes = append(changes, right.Entry{ID: x.ID, Right: doc})
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
