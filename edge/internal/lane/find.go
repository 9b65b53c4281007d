package lane

import (
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/right"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Query asks what the lot knows of the vehicle at a lane.
type Query struct {
	Car    uint64
	Lane   string
	Dir    fact.Dir
	To     string // the zone that the lane leads into
	Plate  plate.Plate
	Read   fact.ID       // zero while it is not recorded
	At     time.Time     // when it came to the lane: an exit is priced up to then
	Away   time.Duration // for how long the cloud has been away; 0 while it is there
	Clock  session.Clock
	Forced *Forced
	Mode   Mode            // of the lane
	Ticket *receipt.Ticket // that was shown for it
}

// Basis says how a session was found.
type Basis string

// The bases.
const (
	Unfound Basis = ""
	Exact   Basis = "exact" // by the plate, or because somebody has matched or corrected it
	Fuzzy   Basis = "fuzzy" // exactly one session inside is plausible
	Again   Basis = "again" // released here a moment ago, and not known to have crossed
	// Revived: it left the session soon after it came, nobody saw it enter again, and here it is: that exit was false.
	Revived Basis = "revived"
)

// matches reports whether the lane decided that the vehicle is the session's, which must be recorded.
func (b Basis) matches() bool { return b == Fuzzy || b == Revived }

// Finding is what the lot knows of a vehicle.
type Finding struct {
	Config   uint64
	Policy   wire.Policy
	Currency money.Currency
	Name     tariff.Text
	Tariff   *fact.TariffRef // entry: what the stay will be priced with
	Basis    Basis
	Session  fact.ID
	Entry    fact.ID // the session's first observation
	Entered  *time.Time
	Bill     *tariff.Bill
	Similar  []wire.Candidate
	Trouble  string        // why the session cannot be priced
	Promise  bool          // it may leave on a promise to pay
	Away     time.Duration // for how long the cloud has been away; 0 while it is there
	Photo    string        // SHA-256 of the scene at the entry

	Rights  uint64         // number of the rights in force; 0: none
	Verdict right.Verdict  // what they say of the vehicle
	Given   []tariff.Right // that the bill was priced with
	PayURL  string         // where a driver pays what is owed
	kinds   map[string]right.Kind

	Obstacle string // the reason why an entry does not open for it, "" when there is none
}

// maxSimilar bounds what a person is asked to choose from.
const maxSimilar = 20

// Find looks a vehicle up. It is pure.
func Find(book *session.Book, c wire.Terms, q Query) Finding {
	f := Finding{Away: q.Away, Config: c.Number, Policy: c.Policy, Currency: c.Currency, Name: c.Name}
	f.consult(book, c, q)
	if q.Dir == fact.Entry {
		if ref, ok := c.TariffFor(q.Plate.Class.String(), q.At); ok {
			f.Tariff = &ref
		}
		if f.Verdict.Reason != right.Listed { // that is what its driver is told, full or not
			f.Obstacle = f.obstacle(book, c, q)
		}
		return f
	}
	if q.Dir == fact.Inner {
		f.Obstacle = f.fullZone(book, c, q)
	}
	found, basis := lookUp(book, q)
	if found == nil && q.Ticket != nil {
		s := book.Ticketed(q.Ticket.Entry, q.Ticket.At, q.Ticket.Tariff) // the facts of its entry have not come here
		found, basis = &s, Exact
	}
	var left *session.Session
	if found == nil {
		if left = lastLeft(book, q); q.Dir == fact.Inner {
			left = nil
		}
		if left != nil && suspect(left, c.Policy) {
			found, basis = revived(*left), Revived
		}
	}
	if found == nil {
		f.Similar = similar(book, q.Plate)
		if q.Plate.None() || len(f.Similar) != 1 {
			if left != nil { // a person may know that it never left
				f.Similar = append(f.Similar, wire.Candidate{Session: left.ID, Plate: left.Plate, Entered: left.Entry.At, Left: &left.Exit.At})
			}
			return f
		}
		s, ok := book.Session(f.Similar[0].Session)
		if !ok {
			return f
		}
		found, basis, f.Similar = &s, Fuzzy, nil
	}
	f.Basis, f.Session, f.Entry = basis, found.ID, found.ID
	if found.Entry != nil {
		f.Entry, f.Entered, f.Photo = found.Entry.Fact, &found.Entry.At, scene(found.Entry.Photos)
	}
	if basis == Again || q.Dir == fact.Inner {
		return f
	}
	var coupons []tariff.Coupon
	if q.Forced != nil && q.Forced.Waive {
		coupons = append(coupons, session.Waiver(q.Forced.By, q.Forced.Note))
	} else if q.Mode.waives(c.Policy) {
		coupons = append(coupons, session.Waiver(q.Mode.By, q.Mode.Note))
	}
	if found.Held != nil && found.Held.Lane != q.Lane {
		found.Held = nil // its stand at another exit is over
	}
	bill, err := session.PriceTo(*found, book.End(q.Clock, q.At), c, coupons...)
	if err != nil {
		f.Trouble = err.Error()
		return f
	}
	f.Bill = &bill
	f.price(found.RightsAt(q.At, c), c.Rights)
	f.Promise = mayPromise(book, c.Config, q, bill.Due)
	return f
}

// lookUp finds the one session that is certainly the vehicle's.
func lookUp(book *session.Book, q Query) (*session.Session, Basis) {
	if key, ok := book.KeyOf(q.Read); ok && key != session.Key(q.Plate.Text) {
		of := book.Of(key)
		for i := range slices.Backward(of) {
			if of[i].State == session.Inside {
				return &of[i], Exact
			}
		}
	}
	if q.Plate.None() {
		return nil, Unfound
	}
	if in := book.InsideFor(q.Plate); len(in) == 1 {
		return &in[0], Exact
	} else if len(in) > 1 {
		return nil, Unfound // two colours, and this reading knows none: a person says which
	}
	of := book.Of(session.Key(q.Plate.Text))
	if len(of) == 0 {
		return nil, Unfound
	}
	last := &of[len(of)-1]
	if x := last.Exit; x != nil && x.Basis == session.Stored && x.Lane == q.Lane && last.Bill == nil && q.At.Sub(x.At).Abs() <= session.DuplicateGap {
		last.State, last.Exit = session.Inside, nil // the camera remembers that it came here, and here it is
		return last, Exact
	}
	if x := last.Exit; last.State == session.Left && x.Lane == q.Lane && x.Basis == session.Assumed && plate.SameVehicle(last.Plate, q.Plate) {
		if gap := q.At.Sub(x.At); gap >= 0 && gap <= session.DuplicateGap {
			return last, Again
		}
	}
	return nil, Unfound
}

// similar lists the sessions inside that a person may choose from, earliest entry first.
func similar(book *session.Book, p plate.Plate) []wire.Candidate {
	var of []session.Session
	if p.None() {
		for _, s := range book.Inside() {
			if s.Plate.None() {
				of = append(of, s)
			}
		}
	} else {
		of = append(book.InsideFor(p), book.Candidates(p)...)
	}
	out := make([]wire.Candidate, 0, min(len(of), maxSimilar))
	for _, s := range of[:min(len(of), maxSimilar)] {
		c := wire.Candidate{Session: s.ID, Plate: s.Plate}
		if s.Entry != nil {
			c.Entered, c.Photo = s.Entry.At, scene(s.Entry.Photos)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b wire.Candidate) int { return a.Entered.Compare(b.Entered) })
	return out
}
