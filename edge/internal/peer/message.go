package peer

import (
	"fmt"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// Message is what booths say to each other, in both directions of one request: how far the sender's copies reach, and
// what it thinks the other lacks. Fields may be added, never changed.
type Message struct {
	Lot     string                 `json:"lot"`
	Booth   string                 `json:"booth"`
	At      time.Time              `json:"at"` // the sender's clock
	Cursors exchange.Cursors       `json:"cursors"`
	Closed  []fact.Author          `json:"closed,omitempty"` // authors of which the sender takes nothing more
	Config  uint64                 `json:"config"`           // number of the sender's configuration; 0 when it has none
	Signed  *wire.Signed           `json:"signed,omitempty"` // that configuration, when the other's is older
	Batches []exchange.Batch       `json:"batches,omitempty"`
	Told    map[fact.Author]uint64 `json:"told,omitempty"`   // how far logs were said to reach beyond what the sender holds
	Member  string                 `json:"member,omitempty"` // how the sender's box is named in the booths' group

	Rights     uint64       `json:"rights,omitempty"`      // number of the sender's rights
	RightsWant right.Cursor `json:"rights_want,omitzero"`  // after which it wants entries of newer ones
	RightsPage *wire.Rights `json:"rights_page,omitempty"` // of the sender's, when the other's are older
}

// Limits on one message, well below wire.MaxMessage when written as base64 in JSON.
const (
	maxBatches = 16
	maxTold    = 1000
	maxRecords = 1000
	maxBytes   = 1 << 20
)

// decode reads and checks a message of a booth of the lot.
func decode(b []byte, lot, from string) (Message, error) {
	m, err := wire.Decode[Message](b)
	if err != nil {
		return m, err
	}
	switch {
	case m.Lot != lot:
		return m, fmt.Errorf("message is of lot %.60q", m.Lot)
	case m.Booth != from:
		return m, fmt.Errorf("booth %.60q says it is %.60q", from, m.Booth)
	case len(m.Told) > maxTold:
		return m, fmt.Errorf("%d logs that are told of, more than %d", len(m.Told), maxTold)
	case len(m.Batches) > maxBatches:
		return m, fmt.Errorf("%d batches, more than %d", len(m.Batches), maxBatches)
	}
	return m, nil
}
