package wire

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
)

// Rights carries a page of a lot's rights. Only the head is signed: its digest tells whether the entries are the cloud's,
// so any booth can make the page that another one lacks.
type Rights struct {
	Head    Signed        `json:"head"`  // of a right.Head
	After   right.Cursor  `json:"after"` // the entries are those that follow
	Entries []right.Entry `json:"entries,omitempty"`
	More    bool          `json:"more,omitempty"` // others follow; a booth reads them from the cloud or from another booth
}

// A page of rights in one message.
const (
	RightsEntries = 2000
	RightsBytes   = 512 << 10
)

// NewRights is the page of a set that follows a place.
func NewRights(head Signed, set *right.Set, after right.Cursor) Rights {
	r := Rights{Head: head, After: after}
	r.Entries, r.More = set.Page(after, RightsEntries, RightsBytes)
	return r
}

// Page is what a right.Intake takes.
func (r *Rights) Page() right.Page {
	return right.Page{After: r.After, Entries: r.Entries, More: r.More}
}

func rightsMessage(doc []byte) []byte { return append([]byte("lotkeeper rights 1\n"), doc...) }

// SignRights encodes and signs the head of a set.
func SignRights(h right.Head, key ed25519.PrivateKey) (Signed, error) {
	doc, err := json.Marshal(h)
	if err != nil {
		return Signed{}, fmt.Errorf("encode head of rights: %w", err)
	}
	return Signed{doc, ed25519.Sign(key, rightsMessage(doc))}, nil
}

// OpenRights checks and decodes a signed head of the rights of a lot.
func OpenRights(s Signed, lot string, key ed25519.PublicKey) (right.Head, error) {
	var h right.Head
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, rightsMessage(s.Document), s.Sig) {
		return h, errors.New("rights are not signed by the cloud")
	}
	if err := json.Unmarshal(s.Document, &h); err != nil {
		return h, fmt.Errorf("decode head of rights: %w", err)
	}
	if h.Lot != lot {
		return h, fmt.Errorf("rights are of lot %.60q", h.Lot)
	}
	if h.Number == 0 {
		return h, errors.New("rights have no number")
	}
	return h, nil
}

// Terms is what a lot's prices rest on: a configuration, and the rights that were in force with it.
type Terms struct {
	*Config
	Rights  *right.Set // nil: none
	InForce uint64     // number of the rights
}

// Place is where the lot's clocks and calendar are read.
func (c *Config) Place() right.Place {
	loc, err := time.LoadLocation(c.TZ)
	if err != nil {
		loc = time.UTC // Validate refuses such a configuration
	}
	return right.Place{Zone: loc, Days: c.Calendar}
}

// RightsOf returns what a vehicle need not pay of a stay: the lists of the configuration, and the rights.
func (t Terms) RightsOf(p plate.Plate, entry, exit time.Time, uses []fact.RightUse) []tariff.Right {
	out := t.Config.RightsOf(p, entry, exit, uses)
	if t.Rights == nil {
		return out
	}
	return append(out, t.Rights.Covers(right.Stay{
		Plate: p, Entry: entry, Exit: exit, Uses: uses, Where: t.Place(), Then: right.Beyond(t.Policy.Beyond),
	})...)
}

// EntitlementsOf returns what a vehicle which entered at a time is entitled to.
func (t Terms) EntitlementsOf(p plate.Plate, entry time.Time) []string {
	out := t.Config.EntitlementsOf(p, entry)
	if t.Rights == nil {
		return out
	}
	return append(out, t.Rights.Entitlements(p, entry, t.Place())...)
}
