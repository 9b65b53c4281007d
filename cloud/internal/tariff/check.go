package tariff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/strict"
)

// Source is a document to look at: a text that nobody saved, or a tariff of the library. Version 0 is its draft, or its
// latest version where nothing is being written.
type Source struct {
	Text    string
	Tariff  ID
	Version int
}

// Case is a source with the days it is judged by.
type Case struct {
	Source   Source
	Calendar *CalendarRef // nil: the operator's newest
}

// Vehicle is what a tariff may tell vehicles apart by.
type Vehicle struct {
	Class        string
	Entitlements []string
}

// Extras are what else may be known about a stay.
type Extras struct {
	Visits   []engine.Visit
	Payments []Payment
	Coupons  []engine.Coupon
	Pass     *Pass
	Booking  *Booking
	FreeList bool
}

// Payment is money received; without an amount it pays what was due then.
type Payment struct {
	At     time.Time
	Amount *money.Amount
}

// Pass is a month card for dates, both included; a zero date is open.
type Pass struct {
	Kind     string // id of one of the tariff's passes; "" is the first
	From, To calendar.Date
}

// Booking is booked time.
type Booking struct {
	From, To time.Time
	Price    money.Amount
}

// ErrStay says that a stay or what is known about it makes no sense.
var ErrStay = fault.New(fault.Invalid, "tariff.stay", "停车时间或条件有误", "the stay or what is known about it makes no sense")

// ErrSource says that it is not clear what to look at.
var ErrSource = fault.New(fault.Invalid, "tariff.source", "须给出费率文本或费率编号之一", "give either a text or a tariff of the library")

// bench is a case, ready to be tried.
type bench struct {
	doc   engine.Tariff
	cal   calendar.Calendar
	rater *engine.Rater
}

// resolve finds the document and the calendar of a case.
func (s *Service) resolve(ctx context.Context, sc scope.Scope, c Case) (engine.Tariff, calendar.Calendar, error) {
	cal, err := s.calendarOr(ctx, sc, c.Calendar)
	if err != nil {
		return engine.Tariff{}, cal, err
	}
	if (c.Source.Text == "") == (c.Source.Tariff == "") {
		return engine.Tariff{}, cal, ErrSource
	}
	if c.Source.Text != "" {
		if err := checkText(c.Source.Text); err != nil {
			return engine.Tariff{}, cal, err
		}
		doc, err := decode(c.Source.Text, "draft", 1)
		return doc, cal, err
	}
	doc, _, err := s.document(ctx, sc, c.Source.Tariff, c.Source.Version)
	return doc, cal, err
}

// document reads a version, or the draft, which counts as version 0.
func (s *Service) document(ctx context.Context, sc scope.Scope, which ID, version int) (doc engine.Tariff, is int, err error) {
	t, err := s.store.byID(ctx, sc, which)
	if err != nil {
		return engine.Tariff{}, 0, err
	}
	if version == 0 && t.Draft != nil {
		doc, err = decode(t.Draft.Text, which, t.Latest+1)
		return doc, 0, err
	}
	v, err := s.store.version(ctx, sc, which, orLatest(version, t))
	if err != nil {
		return engine.Tariff{}, 0, err
	}
	doc, err = v.decode()
	return doc, v.Version, err
}

func (s *Service) bench(ctx context.Context, sc scope.Scope, c Case) (*bench, error) {
	doc, cal, err := s.resolve(ctx, sc, c)
	if err != nil {
		return nil, err
	}
	r, err := engine.Compile(doc, cal)
	if err != nil {
		return nil, told(ErrInvalid, place, strict.In(err)).Wrap(err)
	}
	return &bench{doc, cal, r}, nil
}

// Trial is the bill of a stay that nobody made.
type Trial struct {
	Document engine.Tariff
	Calendar calendar.Calendar
	Bill     engine.Bill
}

// Try prices a stay.
func (s *Service) Try(ctx context.Context, sc scope.Scope, c Case, v Vehicle, entry, exit time.Time, x Extras) (Trial, error) {
	b, err := s.bench(ctx, sc, c)
	if err != nil {
		return Trial{}, err
	}
	stay := v.stay(entry, exit)
	known, err := b.context(stay, x)
	if err != nil {
		return Trial{}, err
	}
	bill, err := b.rater.Rate(stay, known)
	if err != nil {
		return Trial{}, nonsense(err)
	}
	return Trial{b.doc, b.cal, bill}, nil
}

func (v Vehicle) stay(entry, exit time.Time) engine.Stay {
	return engine.Stay{Entry: entry, Exit: exit, Class: v.Class, Entitlements: v.Entitlements}
}

func nonsense(err error) error {
	return told(ErrStay, func(string) string { return "body" }, strict.In(err)).Wrap(err)
}

// context puts together what is known of a stay. A payment without an amount pays what the tariff asks at its time, with
// the payments before it.
func (b *bench) context(stay engine.Stay, x Extras) (engine.Context, error) {
	c := engine.Context{Visits: x.Visits, Coupons: x.Coupons}
	for i := range c.Coupons {
		if c.Coupons[i].ID == "" {
			c.Coupons[i].ID = fmt.Sprintf("coupon-%d", i+1)
		}
	}
	if x.FreeList {
		c.Rights = append(c.Rights, engine.Right{ID: "free-list", Kind: engine.RightFree})
	}
	if x.Pass != nil {
		c.Rights = append(c.Rights, x.Pass.right(b.doc))
	}
	if x.Booking != nil {
		c.Bookings = append(c.Bookings, engine.Booking{ID: "booking", From: x.Booking.From, Until: x.Booking.To, Price: x.Booking.Price})
	}
	payments := slices.SortedStableFunc(slices.Values(x.Payments), func(p, q Payment) int { return p.At.Compare(q.At) })
	for i, p := range payments {
		paid := engine.Payment{ID: fmt.Sprintf("payment-%d", i+1), At: p.At}
		if p.Amount != nil {
			paid.Amount = *p.Amount
		} else {
			until := stay
			until.Exit = p.At
			if until.Exit.Before(until.Entry) {
				until.Exit = until.Entry
			}
			q, err := b.rater.Quote(until, c)
			if err != nil {
				return c, nonsense(err)
			}
			paid.Amount = q.Due
		}
		c.Payments = append(c.Payments, paid)
	}
	return c, nil
}

// right is the card as the engine takes it.
func (p Pass) right(t engine.Tariff) engine.Right {
	r := engine.Right{ID: "pass", Kind: engine.RightCover, Pass: p.Kind}
	if p.Kind == "" && len(t.Passes) > 0 {
		r.Pass = t.Passes[0].ID
	}
	if p.From != (calendar.Date{}) {
		r.From = p.From.Midnight(t.TZ.Location())
	}
	if p.To != (calendar.Date{}) {
		r.Until = p.To.Next().Midnight(t.TZ.Location())
	}
	return r
}

// Probed is a stay that is worth looking at, with its bill.
type Probed struct {
	Name engine.Text
	Bill engine.Bill
}

// Probe prices the stays at which a tariff may go wrong, for one entry.
func (s *Service) Probe(ctx context.Context, sc scope.Scope, c Case, v Vehicle, entry time.Time) ([]Probed, error) {
	b, err := s.bench(ctx, sc, c)
	if err != nil {
		return nil, err
	}
	var out []Probed
	for _, p := range engine.Probes(b.doc, b.cal, v.Class, entry) {
		p.Stay.Entitlements = v.Entitlements
		bill, err := b.rater.Rate(p.Stay, engine.Context{})
		if err != nil {
			return nil, nonsense(err)
		}
		out = append(out, Probed{p.Name, bill})
	}
	return out, nil
}

// Lint lists what is wrong with a case or doubtful. A text that cannot be read is wrong in every place named.
func (s *Service) Lint(ctx context.Context, sc scope.Scope, c Case) ([]engine.Finding, error) {
	doc, cal, err := s.resolve(ctx, sc, c)
	if f := fault.From(err); f != nil && f.Code == ErrInvalid.Code {
		var out []engine.Finding
		for _, d := range f.Details {
			out = append(out, engine.Finding{Level: engine.LevelError, Code: "invalid", Place: within(d.Where), Text: engine.Text{ZH: d.ZH, EN: d.EN}})
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return engine.Lint(doc, cal), nil
}

// Explain tells a case in plain words.
func (s *Service) Explain(ctx context.Context, sc scope.Scope, c Case) (engine.Text, error) {
	doc, _, err := s.resolve(ctx, sc, c)
	if err != nil {
		return engine.Text{}, err
	}
	zh, en := engine.Explain(doc)
	return engine.Text{ZH: zh, EN: en}, nil
}
