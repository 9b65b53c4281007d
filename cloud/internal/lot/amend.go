package lot

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/wire"
)

// Amendment changes a part of a lot's configuration and leaves the rest as it is.
type Amendment struct {
	Action string                                  // of the audit row, as "lot.rules"
	Number uint64                                  // the configuration that the change was made on; 0: whichever is in force
	Edit   func(spec *Spec, now wire.Config) error // may run again when the transaction does
	Show   func(wire.Config) map[string]any        // what the audit row tells of a configuration
}

// Amend gives a lot its next configuration as part of a transaction, so that several lots change together or none. An
// edit that changes nothing gives no new number, also when the configuration has moved on since Number: that is how a
// request that is sent twice has one effect. Lots are amended in the order of their ids, or two transactions wait for
// each other.
func (s *Service) Amend(tx *database.Tx, by By, sc scope.Scope, lot id.Lot, a Amendment) (next wire.Config, changed bool, err error) {
	cur, err := s.store.lock(tx, sc, lot)
	if err != nil {
		return wire.Config{}, false, err
	}
	spec := specOf(cur)
	before, err := json.Marshal(spec)
	if err != nil {
		return wire.Config{}, false, fmt.Errorf("encode configuration of %s: %w", lot, err)
	}
	if err := a.Edit(&spec, cur.config); err != nil {
		return wire.Config{}, false, err
	}
	// What of the library the lot has already is no change; merge finds it again.
	library := spec.Library
	spec.Library = nil
	after, err := json.Marshal(spec)
	if err != nil {
		return wire.Config{}, false, fmt.Errorf("encode configuration of %s: %w", lot, err)
	}
	spec.Library = library
	if string(before) == string(after) {
		return cur.config, false, nil
	}
	if a.Number != 0 && a.Number != cur.config.Number {
		return wire.Config{}, false, ErrStale
	}
	if err := check(lot, spec); err != nil {
		return wire.Config{}, false, err
	}
	next, err = s.succeed(tx, by, lot, spec, cur, s.o.Now().UTC().Truncate(time.Millisecond), a.Action, a.Show)
	return next, err == nil, err
}

// specOf is the spec that gives the configuration in force once more.
func specOf(cur current) Spec {
	c := cur.config
	return Spec{
		Kind: cur.kind, Name: c.Name, TZ: c.TZ, Currency: c.Currency, Capacity: c.Capacity, Lanes: c.Lanes, Booths: c.Booths,
		Rules: slices.Clone(c.Rules), Calendar: c.Calendar, Free: c.Free, Entitled: c.Entitled, Policy: c.Policy, Staff: c.Staff, Zones: c.Zones,
	}
}
