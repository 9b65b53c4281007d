package simulation

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/oracle"
)

// near is how far what was observed may be from what happened: the reading, its way, and a clock that is not quite right.
const near = 12 * time.Second

func (w *World) violate(rule, format string, args ...any) {
	w.note("VIOLATION", rule, " ", fmt.Sprintf(format, args...))
	w.report.violate(rule, format, args...)
}

func (w *World) must(err error) {
	if err != nil {
		w.violate("simulation", "%v", err)
	}
}

func (p *process) digest() (h fact.Hash) {
	p.lot.View(func(b *session.Book) { h = b.Digest() })
	return h
}

// check holds the end of a run against the truth.
func (w *World) check() {
	if !w.truth.idle() {
		w.violate("liveness", "cars are still under way %v after everything healed", w.now-time.Duration(w.plan.Hours)*time.Hour)
	}
	if !w.level() {
		w.violate("liveness", "nodes are not level long after everything healed: %s", w.state())
	}
	w.watch()
	w.checkFacts()
	book := w.cloud.store.Book()
	if n := len(book.Poor()); n > 0 {
		w.violate("facts", "%d facts cannot be applied", n)
	}
	w.checkMoney(book)
	w.checkBills(book)
	w.checkReleases(book)
	for _, c := range w.cars {
		w.checkCar(book, c)
	}
}

func (w *World) state() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cloud %d facts, %d wait, config %d", w.cloud.store.Book().Len(), len(w.cloud.outbox), w.config.Number)
	for _, x := range w.booths {
		if x.proc == nil {
			fmt.Fprintf(&b, ", %s down", x.id)
			continue
		}
		fmt.Fprintf(&b, ", %s %d facts config %d", x.id, x.proc.lot.Status().Facts, x.proc.config())
	}
	return b.String()
}

// checkFacts: every acknowledged fact is in the cloud exactly once, in its author's bytes, and nothing else is.
func (w *World) checkFacts() {
	for _, a := range slices.Sorted(maps.Keys(w.truth.logs)) {
		log := w.truth.logs[a]
		have := w.cloud.store.Records(a, 0, math.MaxInt)
		held, lost := w.truth.losses[a]
		for _, seq := range slices.Sorted(maps.Keys(log)) {
			if seq > uint64(len(have)) {
				if !lost || seq <= held {
					w.violate("facts", "%s.%d was acknowledged, and the cloud's copy ends at %d", a, seq, len(have))
					break
				}
			} else if have[seq-1].Hash() != log[seq] {
				w.violate("facts", "%s.%d: the cloud has other bytes than were acknowledged", a, seq)
				break
			}
		}
		for _, b := range w.booths {
			if b.disk.author == a && len(have) != len(b.disk.records) {
				w.violate("facts", "%s: the cloud has %d facts, the booth wrote %d", a, len(have), len(b.disk.records))
			}
		}
	}
}

// CheckSessions holds a lot's sessions against themselves: what was billed is paid, free or owed, what was paid beyond is
// owed back, and no payment is credited twice. It is for runs that cannot be replayed, too.
func CheckSessions(book *session.Book) (out []Violation) {
	bad := func(format string, args ...any) { out = append(out, Violation{"money", fmt.Sprintf(format, args...)}) }
	if sums := book.Sums(); sums.Billed != sums.Paid+sums.Free+sums.Debt {
		bad("billed %d is not paid %d + free %d + owed %d", sums.Billed, sums.Paid, sums.Free, sums.Debt)
	}
	seen := map[string]bool{}
	for _, s := range book.Sessions() {
		total := money.Amount(0)
		for _, p := range s.Pays {
			if seen[p.Order] {
				bad("%s is credited twice", p.Order)
			}
			seen[p.Order] = true
			total += p.Amount
		}
		if m := s.Money; s.Bill != nil && (m.Paid+m.Excess != total || m.Gross != m.Paid+m.Free+m.Debt || min(m.Paid, m.Free, m.Debt, m.Excess) < 0) {
			bad("session %s: %+v of payments of %d", s.ID, m, total)
		}
	}
	return out
}

// checkMoney: every coin that truly changed hands is in the sessions once.
func (w *World) checkMoney(book *session.Book) {
	for _, v := range CheckSessions(book) {
		w.violate(v.Rule, "%s", v.Text)
	}
	got := map[string]money.Amount{}
	for _, s := range book.Sessions() {
		for _, p := range s.Pays {
			got[p.Order] = p.Amount
		}
	}
	for _, o := range w.bank.orders {
		if got[o.id] != o.amount {
			w.violate("money", "%s: the driver paid %d, the sessions say %d", o.id, o.amount, got[o.id])
		}
		delete(got, o.id)
	}
	for action, amount := range w.truth.cash {
		if got[action] != amount && len(w.truth.lostAt) == 0 {
			w.violate("money", "%s: the booth took %d, the sessions say %d", action, amount, got[action])
		}
	}
	for id := range got {
		if !strings.HasPrefix(id, "cash-") {
			w.violate("money", "%s was credited and never paid", id)
		}
	}
}

// checkBills: every bill that stands is what another program makes of the same stay.
func (w *World) checkBills(book *session.Book) {
	for _, s := range book.Sessions() {
		if s.Bill == nil {
			continue
		}
		w.report.Bills++
		b := s.Bill
		t, ok := w.config.Tariff(fact.TariffRef{ID: b.Tariff, Version: b.Version})
		if !ok {
			w.violate("bill", "session %s is billed by %s version %d, which never was", s.ID, b.Tariff, b.Version)
			continue
		}
		if s.Tariff != nil && (s.Tariff.ID != b.Tariff || s.Tariff.Version != b.Version) {
			w.violate("bill", "session %s is billed by version %d, its entry pinned %d", s.ID, b.Version, s.Tariff.Version)
		}
		c := tariff.Context{}
		for _, l := range b.Lines {
			switch {
			case l.Kind == tariff.KindPaid:
				if p := payment(&s, l.Ref); p != nil {
					c.Payments = append(c.Payments, tariff.Payment{ID: l.Ref, At: p.At, Amount: p.Amount})
				} else {
					w.violate("bill", "session %s: its bill credits %s, which is no payment of it", s.ID, l.Ref)
				}
			case strings.HasPrefix(l.Ref, "waiver:"):
				c.Coupons = append(c.Coupons, tariff.Coupon{ID: l.Ref, Kind: tariff.CouponFull})
			}
		}
		want, err := oracle.Rate(t, w.config.Calendar, tariff.Stay{Entry: b.Entry, Exit: b.Exit, Class: b.Class}, c)
		if err != nil || want.Gross != b.Gross || want.Free != b.Free || want.Due != b.Due {
			w.violate("bill", "session %s from %v to %v: gross %d free %d due %d, the oracle says %+v %v", s.ID, b.Entry, b.Exit, b.Gross, b.Free, b.Due, want, err)
		}
	}
}

func payment(s *session.Session, ref string) *session.Payment {
	i := slices.IndexFunc(s.Pays, func(p session.Payment) bool { return p.Fact.String() == ref })
	if i < 0 {
		return nil
	}
	return &s.Pays[i]
}

// checkReleases: who was let out of a known session was billed for it, whatever else went wrong.
func (w *World) checkReleases(book *session.Book) {
	for _, s := range book.Sessions() {
		if s.Exit == nil || s.Entry == nil || s.Bill != nil || s.Current == nil || s.Current.Session.IsZero() || !s.Has(s.Current.Session) {
			continue
		}
		switch r := s.Current.Reason; {
		case r == lane.ReasonFire, r == lane.ReasonNoPrice, s.Current.Action != fact.Open:
		default:
			w.violate("bill", "session %s was let out (%s) and never billed", s.ID, r)
		}
	}
}

// checkCar: a car whose stays went without a hitch has these sessions and no others, each billed once for exactly its stay.
func (w *World) checkCar(book *session.Book, c *car) {
	clean := true
	for _, t := range c.trips {
		if t.began {
			w.report.Stays++
		}
		clean = clean && t.began && t.done && len(t.taints) == 0 && !w.truth.touched(t)
	}
	if !clean || w.truth.near(c) {
		return
	}
	of := book.Of(session.Key(c.plan.Plate.Text))
	if len(of) != len(c.trips) {
		w.violate("stay", "car %d parked %d times and has %d sessions: %s", c.plan.N, len(c.trips), len(of), describe(of))
		return
	}
	for i, s := range of {
		w.report.Clean++
		t := c.trips[i]
		switch {
		case s.State != session.Left || s.Entry == nil || s.Exit == nil || s.Bill == nil:
			w.violate("stay", "car %d, stay %d: session %s is %s", c.plan.N, i, s.ID, describe(of))
		case slices.Contains(s.Flags, session.TwoBills):
			w.violate("stay", "car %d, stay %d: session %s has two bills", c.plan.N, i, s.ID)
		case w.far(s.Entry.At, t.entered) || w.far(s.Bill.Exit, t.left) || s.Grade != session.BothEnds:
			w.violate("stay", "car %d, stay %d: from %v to %v, observed from %v to %v (%s)", c.plan.N, i,
				epoch.Add(t.entered), epoch.Add(t.left), s.Entry.At, s.Bill.Exit, s.Grade)
		case !s.Bill.Entry.Equal(s.Entry.At):
			w.violate("stay", "car %d, stay %d: entered %v and billed from %v", c.plan.N, i, s.Entry.At, s.Bill.Entry)
		case !s.Plate.Colour.Known() && c.plan.Plate.Colour != plate.ColourUnknown:
			w.violate("stay", "car %d, stay %d: its colour is forgotten", c.plan.N, i)
		}
	}
}

func (w *World) far(observed time.Time, truly time.Duration) bool {
	return observed.Sub(epoch.Add(truly)).Abs() > near
}

func describe(of []session.Session) string {
	var b bytes.Buffer
	for _, s := range of {
		fmt.Fprintf(&b, "[%s %s", s.ID, s.State)
		if s.Entry != nil {
			fmt.Fprintf(&b, " in %v", s.Entry.At.Sub(epoch))
		}
		if s.Exit != nil {
			fmt.Fprintf(&b, " out %v", s.Exit.At.Sub(epoch))
		}
		fmt.Fprintf(&b, " bill %v %v]", s.Bill != nil, s.Flags)
	}
	return b.String()
}

// touched reports whether a trip's facts may have been lost with a disk.
func (t *truth) touched(p *trip) bool {
	for _, span := range t.lostAt {
		for _, at := range []time.Duration{p.entered, p.left, p.exited} {
			if at > span[0]-10*time.Minute && at < span[1]+time.Hour {
				return true
			}
		}
	}
	return false
}
