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
	// RightsOf returns what a vehicle need not pay of a stay, of which its entry recorded the uses.
	RightsOf(p plate.Plate, entry, exit time.Time, uses []fact.RightUse) []tariff.Right
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
	return PriceTo(s, Visit{At: at}, terms, coupons...)
}

// PriceTo is [Price] for a vehicle that leaves at an end of which the clock is known. Where the clocks of the two ends may
// be wrong, the cheapest stay that they allow is asked for, and the bill says by how much each may be: its Entry and Exit
// stay those that were read. Two ends on one run of one clock are never in doubt, so that ordinary bills do not change.
func PriceTo(s Session, exit Visit, terms Terms, coupons ...tariff.Coupon) (tariff.Bill, error) {
	at, class := exit.At, s.Plate.Class.String()
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
		at, exit = s.Held.At, *s.Held
	} else if s.Exit != nil && s.Exit.At.Equal(at) {
		exit = *s.Exit
	}
	stay := s.Span(at)
	stay.Class, stay.Entitlements = class, terms.EntitlementsOf(s.Plate, stay.Entry)
	c := tariff.Context{Rights: s.RightsAt(at, terms), Coupons: coupons, Visits: s.Before}
	for _, p := range s.Pays {
		c.Payments = append(c.Payments, tariff.Payment{ID: p.Fact.String(), At: p.At, Amount: p.Amount})
	}
	bill, err := cheapest(t, terms.Days(), stay, c, s.Entry, exit)
	if err != nil {
		return tariff.Bill{}, fmt.Errorf("price session %s: %w", s.ID, err)
	}
	return bill, nil
}

// cheapest rates the stay that costs the least of those that the clocks of its ends allow.
func cheapest(t tariff.Tariff, days calendar.Calendar, stay tariff.Stay, c tariff.Context, entry *Visit, exit Visit) (tariff.Bill, error) {
	bill, err := tariff.Rate(t, days, stay, c)
	if err != nil || entry == nil {
		return bill, err
	}
	in, out := doubt(*entry, exit)
	if in == 0 && out == 0 {
		return bill, nil
	}
	best, entries, exits := bill, within(stay.Entry, in), within(stay.Exit, out)
	for _, from := range entries {
		for _, to := range exits {
			stay.Entry, stay.Exit = from, to
			if to.Before(from) {
				stay.Entry = to // the errors meet: it may have been no time at all
			}
			// One that cannot be rated (too long, before its visits) is no reason to refuse the one that can.
			if other, err := tariff.Rate(t, days, stay, c); err == nil && other.Gross-other.Free < best.Gross-best.Free {
				best = other
			}
		}
	}
	best.Entry, best.Exit = bill.Entry, bill.Exit
	best.EntryErrorMS, best.ExitErrorMS = in.Milliseconds(), out.Milliseconds()
	if in+out >= ClockErrorLimit {
		best.Flags = append(best.Flags, tariff.FlagClock)
		best.Lines = append(best.Lines, tariff.Line{Kind: tariff.KindAdjust, Text: clockNote(in + out), Ref: string(tariff.FlagClock)})
	}
	return best, nil
}

// clockNote tells the bill's reader that clocks were in doubt.
func clockNote(off time.Duration) tariff.Text {
	zh, en := fmt.Sprintf("%d分钟", int(off.Round(time.Minute)/time.Minute)), fmt.Sprintf("%d min", int(off.Round(time.Minute)/time.Minute))
	if off >= 2*time.Hour {
		zh, en = fmt.Sprintf("%d小时", int(off.Round(time.Hour)/time.Hour)), fmt.Sprintf("%d h", int(off.Round(time.Hour)/time.Hour))
	}
	return tariff.Text{
		ZH: "入出场时钟误差可达" + zh + "，已按其中最低金额计费",
		EN: "The clocks at entry and exit may be off by " + en + "; the lowest fee within that is asked",
	}
}

// ClockErrorLimit is how far the clocks of a stay's ends may be off together before the bill says so to its reader.
const ClockErrorLimit = time.Minute

// Span is the time that is priced as if the vehicle left at the time.
func (s *Session) Span(at time.Time) tariff.Stay {
	if s.Held != nil && s.Held.At.Before(at) && at.Sub(s.Held.At) <= HeldFor {
		at = s.Held.At
	}
	stay := tariff.Stay{Entry: at, Exit: at}
	if s.Entry != nil && s.Entry.At.Before(at) {
		stay.Entry = s.Entry.At
	}
	return stay
}

// RightsAt are the rights that [Price] takes off at the time. Who freezes a bill records them with it.
func (s *Session) RightsAt(at time.Time, terms Terms) []tariff.Right {
	stay := s.Span(at)
	return terms.RightsOf(s.Plate, stay.Entry, stay.Exit, s.Uses)
}

// WaiverRef begins the reference of a bill's line by which a person waived what was due; the person's name follows.
const WaiverRef = "waiver:"

// Waiver is the coupon that makes the rest of a stay free because a person said so.
func Waiver(by, reason string) tariff.Coupon {
	return tariff.Coupon{ID: WaiverRef + by, Kind: tariff.CouponFull, Name: tariff.Text{ZH: "人工免费：" + reason, EN: "Waived by staff: " + reason}}
}
