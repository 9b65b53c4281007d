package session

import (
	"fmt"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// Terms is what a configuration says about prices.
type Terms interface {
	// Tariff returns a version of a tariff that the configuration carries.
	Tariff(fact.TariffRef) (tariff.Tariff, bool)
	// TariffFor returns what a stay of a vehicle class is pinned to which begins at the time.
	TariffFor(class string, at time.Time) (fact.TariffRef, bool)
	// Days returns the calendar.
	Days() calendar.Calendar
	// RightsOf returns what a vehicle need not pay.
	RightsOf(plate.Plate) []tariff.Right
	// EntitlementsOf returns what a vehicle that entered at a time is entitled to.
	EntitlementsOf(p plate.Plate, entry time.Time) []string
}

// HeldFor is how long a vehicle that was held at an exit is taken to stand there still, when nothing tells otherwise.
const HeldFor = 30 * time.Minute

// Price rates a session as if its vehicle left at the time; one that stands at an exit, as of when it came there: its
// driver's fumbling for the phone costs nothing, and display, phone and bill say the same. It is the one way to a fee.
// Payments already made are credited; coupons are taken off; earlier visits count where the tariff says so.
//
// A stay is priced with the tariff pinned at its entry; one whose entry pinned none (read from a camera's memory) with
// the tariff that the terms give its class at its entry. A session without an entry has no stay to price: it costs nothing, and its
// flag says that somebody should look.
func Price(s Session, at time.Time, terms Terms, coupons ...tariff.Coupon) (tariff.Bill, error) {
	class := s.Plate.Class.String()
	entered := at
	if s.Entry != nil {
		entered = s.Entry.At
	}
	ref, ok := terms.TariffFor(class, entered)
	if s.Tariff != nil {
		ref, ok = *s.Tariff, true
	}
	if !ok {
		return tariff.Bill{}, fmt.Errorf("price session %s: no tariff for class %s", s.ID, class)
	}
	t, ok := terms.Tariff(ref)
	if !ok {
		return tariff.Bill{}, fmt.Errorf("price session %s: tariff %s version %d is not in the configuration", s.ID, ref.ID, ref.Version)
	}
	if s.Held != nil && s.Held.At.Before(at) && at.Sub(s.Held.At) <= HeldFor {
		at = s.Held.At
	}
	stay := tariff.Stay{Entry: at, Exit: at, Class: class}
	if s.Entry != nil && s.Entry.At.Before(at) {
		stay.Entry = s.Entry.At
	}
	stay.Entitlements = terms.EntitlementsOf(s.Plate, stay.Entry)
	c := tariff.Context{Rights: terms.RightsOf(s.Plate), Coupons: coupons, Visits: s.Before}
	for _, p := range s.Pays {
		c.Payments = append(c.Payments, tariff.Payment{ID: p.Fact.String(), At: p.At, Amount: p.Amount})
	}
	bill, err := tariff.Rate(t, terms.Days(), stay, c)
	if err != nil {
		return tariff.Bill{}, fmt.Errorf("price session %s: %w", s.ID, err)
	}
	return bill, nil
}

// WaiverRef begins the reference of a bill's line by which a person waived what was due; the person's name follows.
const WaiverRef = "waiver:"

// Waiver is the coupon that makes the rest of a stay free because a person said so.
func Waiver(by, reason string) tariff.Coupon {
	return tariff.Coupon{ID: WaiverRef + by, Kind: tariff.CouponFull, Name: tariff.Text{ZH: "人工免费：" + reason, EN: "Waived by staff: " + reason}}
}
