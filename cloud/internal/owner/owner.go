// Package owner is what a driver's phone may ask: what a stay costs now, to pay it, and the receipt. Nobody signs in.
//
// What it promises:
//   - a quote is bound to one stay when it is made, so a code scanned for the car in front never pays for the next;
//   - the fee is session.Price under the lot's configuration and rights in force, the same function as on the booth's display;
//   - the price told holds for five minutes, and an order asks for exactly the amount that was told;
//   - a plate shows what is due for a stay that is going on, and nothing else: no history, no pictures. A plate found by a
//     lane's code is masked. Asking is limited for each address and each plate, and a plate that is not inside looks the
//     same whether it was ever here or not.
package owner

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/limit"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// State is what a quote says in one word.
type State string

// The states of a quote.
const (
	Due        State = "due"
	NothingDue State = "nothing_due" // free so far, or not to be paid at all
	Paid       State = "paid"
)

// Quote is what a stay costs.
type Quote struct {
	ID         string
	Lot        id.Lot
	Session    string
	Lane       string // when it was asked for by a lane's code
	Name       tariff.Text
	Plate      string // as it may be shown
	Entered    time.Time
	PricedAt   time.Time
	ValidUntil time.Time
	Bill       tariff.Bill
	Explain    tariff.Text  // the tariff it is priced by in plain words, one rule a line; empty: it is no longer at hand
	Credited   money.Amount // what payment orders of this very session had settled
	Received   money.Amount // all that came in for the stay
}

// State of a quote.
func (q Quote) State() State {
	switch {
	case q.Bill.Due > 0:
		return Due
	case q.Bill.Paid > 0:
		return Paid
	}
	return NothingDue
}

// Receipt is proof of a payment.
type Receipt struct {
	No      string
	Name    tariff.Text
	Plate   string // masked
	Entered time.Time
	LeaveBy time.Time // zero: there is no such time
	Proof   string    // what the lane's scanner takes when the lot cannot hear of the payment; "" when there is none
}

const (
	quotePrefix = "quo"
	// validFor is how long a price holds.
	validFor = 5 * time.Minute
)

// What a driver is told.
var (
	ErrNotInside = fault.New(fault.NotFound, "not_inside", "没有找到在场的车辆。请核对车牌和车场；若刚入场，请稍后再试", "no such vehicle is inside; check the plate and the car park, or try again in a moment if you have just come in")
	ErrNobody    = fault.New(fault.NotFound, "not_inside.lane", "该车道前没有等待缴费的车辆。请把车停到道闸前，或改为输入车牌", "nobody is waiting to pay at this lane; drive up to the barrier, or enter your plate")
	ErrNoQuote   = fault.New(fault.NotFound, "quote.not_found", "没有这个账单，请重新查询", "there is no such quote, look it up again")
	ErrNoLot     = fault.New(fault.NotFound, "lot.not_found", "没有这个停车场", "there is no such lot")
	ErrNothing   = fault.New(fault.Conflict, "quote.nothing_due", "当前无需缴费", "nothing is due")
	ErrNoProof   = fault.New(fault.NotFound, "receipt.no_proof", "这笔支付没有可出示的凭证", "there is no receipt of this payment to show")
	ErrWhich     = fault.New(fault.Invalid, "quote.plate_or_lane", "请提供车牌或车道，二者选一", "give either a plate or a lane")
	ErrPlate     = fault.New(fault.Invalid, "quote.plate", "车牌号码不正确", "this is not a plate")
	ErrTooMany   = fault.New(fault.Exhausted, "quote.too_many", "查询过于频繁，请稍后再试", "too many look-ups, try again in a moment")
	errUnpriced  = fault.New(fault.Unavailable, "quote.unpriced", "暂时无法计算费用，请到出口缴费", "the fee cannot be worked out now; please pay at the exit")
)

// Lots gives configurations; package lot does.
type Lots interface {
	Config(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Config, error)
}

// Rights gives the published rights of one vehicle in a lot, and their number; package right does.
type Rights interface {
	Of(ctx context.Context, lot id.Lot, p plate.Plate) (*right.Set, uint64, error)
}

// Lanes tells who stands at a lane now.
type Lanes interface {
	Present(lot, lane string) (wire.Live, bool)
}

// Payments takes money; package payment does.
type Payments interface {
	Ready() bool
	Order(ctx context.Context, r payment.Request) (payment.Order, error)
	ByNo(ctx context.Context, no string) (payment.Order, error)
	SettledBy(ctx context.Context, lot id.Lot, sessions []string) ([]payment.Order, error)
}

// Options of a Service. All but Rights and Lanes are required.
type Options struct {
	DB       *database.DB
	Key      ed25519.PrivateKey // signs receipts: the key of configurations, which every booth has since its enrolment
	Lots     Lots
	Payments Payments
	Rights   Rights // nil: nobody has any
	Lanes    Lanes  // nil: lane codes are answered as if nobody stood there
	Public   string // "https://parking.example": where drivers come back to
	Now      func() time.Time
	Log      *slog.Logger
}

// Service answers drivers. Its methods are safe for concurrent use.
type Service struct {
	o         Options
	store     store
	pricing   *Pricing
	byAddress *limit.Limiter // look-ups and orders
	byPlate   *limit.Limiter
	reads     *limit.Limiter // of what an id was given for
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if o.DB == nil || len(o.Key) != ed25519.PrivateKeySize || o.Lots == nil || o.Payments == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("owner: DB, Key, Lots, Payments, Now and Log are required")
	}
	return &Service{
		o: o, store: store{o.DB}, pricing: NewPricing(o.DB, o.Lots, o.Rights),
		byAddress: limit.New(time.Second, 60, 100_000, o.Now),
		byPlate:   limit.New(5*time.Second, 12, 100_000, o.Now),
		reads:     limit.New(200*time.Millisecond, 120, 100_000, o.Now),
	}, nil
}

func allow(l *limit.Limiter, key string) error {
	if ok, wait := l.Allow(key); !ok {
		return ErrTooMany.After(wait)
	}
	return nil
}

// Ask makes a quote for the plate's stay, or for the vehicle that stands at the lane.
func (s *Service) Ask(ctx context.Context, address string, lot id.Lot, plateText, lane string) (Quote, error) {
	if (plateText == "") == (lane == "") {
		return Quote{}, ErrWhich
	}
	if err := allow(s.byAddress, address); err != nil {
		return Quote{}, err
	}
	st, err := s.find(ctx, lot, plateText, lane)
	if err != nil {
		return Quote{}, err
	}
	now := s.o.Now().UTC()
	q := Quote{ID: id.New(quotePrefix, now), Lot: lot, Session: st.ID.String(), Lane: lane}
	if err := s.price(ctx, &q, st, now); err != nil {
		return Quote{}, err
	}
	return q, s.o.DB.WithTx(ctx, func(tx *database.Tx) error { return s.store.insert(tx, q, now) })
}

func (s *Service) find(ctx context.Context, lot id.Lot, plateText, lane string) (stay, error) {
	if lane != "" {
		if s.o.Lanes == nil {
			return stay{}, ErrNobody
		}
		live, ok := s.o.Lanes.Present(string(lot), lane)
		if !ok || live.Token.Car == 0 || live.Dir != fact.Exit || live.Session.IsZero() {
			return stay{}, ErrNobody
		}
		st, err := s.store.stay(ctx, lot, live.Session.String())
		if errors.Is(err, ErrNoQuote) || err == nil && st.Closed() { // what we know of the lane may be older than its car
			return stay{}, ErrNobody
		}
		return st, err
	}
	p, err := plate.Parse(plateText, plate.ColourUnknown)
	if err != nil || p.None() {
		return stay{}, ErrPlate
	}
	if err := allow(s.byPlate, string(lot)+"/"+p.Text); err != nil {
		return stay{}, err
	}
	return s.store.inside(ctx, lot, p.Text)
}

// Quote returns a quote as it is now. It is priced anew when its time is up, or when money came in since.
func (s *Service) Quote(ctx context.Context, address, quote string) (Quote, error) {
	if err := allow(s.reads, address); err != nil {
		return Quote{}, err
	}
	return s.fresh(ctx, quote)
}

func (s *Service) fresh(ctx context.Context, quote string) (Quote, error) {
	q, err := s.store.byID(ctx, quote)
	if err != nil {
		return Quote{}, err
	}
	st, err := s.store.stay(ctx, q.Lot, q.Session)
	if err != nil {
		return Quote{}, err
	}
	was, now := q, s.o.Now().UTC()
	if err := s.price(ctx, &q, st, now); err != nil {
		return Quote{}, err
	}
	if now.Before(was.ValidUntil) && q.Received == was.Received && q.Credited == was.Credited && st.Bill == nil {
		q.PricedAt, q.ValidUntil, q.Bill = was.PricedAt, was.ValidUntil, was.Bill
		return q, nil
	}
	return q, s.o.DB.WithTx(ctx, func(tx *database.Tx) error { return s.store.update(tx, q) })
}

// price fills a quote for a stay at a time.
func (s *Service) price(ctx context.Context, q *Quote, st stay, now time.Time) error {
	c, err := s.o.Lots.Config(ctx, scope.System("quote"), q.Lot)
	if err != nil {
		return err
	}
	settled, err := s.o.Payments.SettledBy(ctx, q.Lot, st.ids())
	if err != nil {
		return err
	}
	at := s.moment(q, st, now)
	st.credit(settled)
	bill, err := s.pricing.bill(ctx, st, &c, at)
	if err != nil {
		s.o.Log.WarnContext(ctx, "a stay cannot be priced", "lot", q.Lot, "session", q.Session, "err", err)
		return errUnpriced.Wrap(err)
	}
	q.Name, q.Plate = c.Name, st.Plate.Text
	if q.Lane != "" {
		q.Plate = plate.Mask(st.Plate.Text)
	}
	if st.Entry != nil {
		q.Entered = st.Entry.At
	}
	q.PricedAt, q.ValidUntil, q.Bill = at, now.Add(validFor), bill
	q.Explain = explain(bill, &c)
	q.Credited, q.Received = 0, 0
	for _, o := range settled {
		if o.Session == q.Session {
			q.Credited += o.Amount
		}
	}
	for _, p := range st.Pays {
		q.Received += p.Amount
	}
	return nil
}

// explain tells the tariff of a bill. A configuration may have dropped the tariff of a bill that is frozen: then there is
// nothing to tell, and the bill stands all the same.
func explain(b tariff.Bill, c *wire.Config) tariff.Text {
	t, ok := c.Tariff(fact.TariffRef{ID: b.Tariff, Version: b.Version})
	if !ok {
		return tariff.Text{}
	}
	zh, en := tariff.Explain(t)
	return tariff.Text{ZH: zh, EN: en}
}

// moment is up to when a stay is priced: now, or since when its vehicle is held at the lane. The lane's display stopped
// there too, and to wait at a barrier costs nothing.
func (s *Service) moment(q *Quote, st stay, now time.Time) time.Time {
	if q.Lane == "" || s.o.Lanes == nil {
		return now
	}
	live, ok := s.o.Lanes.Present(string(q.Lot), q.Lane)
	if !ok || live.Waiting == nil || !st.Has(live.Session) || live.Waiting.After(now) || now.Sub(*live.Waiting) > time.Hour {
		return now
	}
	if st.Entry != nil && live.Waiting.Before(st.Entry.At) {
		return now
	}
	return live.Waiting.UTC()
}

// Pay makes the order of a quote, or returns the one it has, with the address of the page to pay on.
func (s *Service) Pay(ctx context.Context, address, quote, channel string) (payment.Order, string, error) {
	if err := allow(s.byAddress, address); err != nil {
		return payment.Order{}, "", err
	}
	if !s.o.Payments.Ready() {
		return payment.Order{}, "", payment.ErrNotSetUp
	}
	q, err := s.fresh(ctx, quote)
	if err != nil {
		return payment.Order{}, "", err
	}
	if q.Bill.Due <= 0 {
		return payment.Order{}, "", ErrNothing
	}
	session, err := fact.ParseID(q.Session)
	if err != nil {
		return payment.Order{}, "", err
	}
	operator, err := s.store.operator(ctx, q.Lot)
	if err != nil {
		return payment.Order{}, "", err
	}
	o, err := s.o.Payments.Order(ctx, payment.Request{
		Operator: operator, Lot: q.Lot, Session: session, Quote: q.ID, Channel: channel, Description: describe(q.Name),
		Amount: q.Bill.Due, Currency: q.Bill.Currency, Credited: q.Credited, QuotedAt: q.PricedAt, ClientIP: address,
	})
	if err != nil {
		return payment.Order{}, "", err
	}
	page, err := s.page(q, o)
	return o, page, err
}

// describe is what the driver reads at the provider. A plate has no business there.
func describe(name tariff.Text) string {
	d := []rune("停车费 " + name.ZH)
	return string(d[:min(len(d), 40)])
}

// page is the provider's page, with the way back to us.
func (s *Service) page(q Quote, o payment.Order) (string, error) {
	if o.PayURL == "" { // paid while it was being opened: there is nothing left to pay there
		return s.back(q, o), nil
	}
	u, err := url.Parse(o.PayURL)
	if err != nil {
		return "", fmt.Errorf("page of %s: %w", o.No, err)
	}
	v := u.Query()
	v.Set("redirect_url", s.back(q, o))
	u.RawQuery = v.Encode()
	return u.String(), nil
}

func (s *Service) back(q Quote, o payment.Order) string {
	v := url.Values{"lot": {string(q.Lot)}, "order": {o.No}}
	if q.Lane != "" {
		v.Set("lane", q.Lane)
	}
	return s.o.Public + "/pay?" + v.Encode()
}

// Order returns an order, and its receipt when its money paid for a stay; nil otherwise.
func (s *Service) Order(ctx context.Context, address, no string) (payment.Order, *Receipt, error) {
	if err := allow(s.reads, address); err != nil {
		return payment.Order{}, nil, err
	}
	o, err := s.o.Payments.ByNo(ctx, no)
	if err != nil || o.Effect != payment.Settled {
		return o, nil, err
	}
	r := &Receipt{No: o.Receipt()}
	st, err := s.store.stay(ctx, o.Lot, o.Session)
	if errors.Is(err, ErrNoQuote) { // merged or corrected away: the money is receipted all the same
		return o, r, nil
	}
	if err != nil {
		return o, nil, err
	}
	c, err := s.o.Lots.Config(ctx, scope.System("receipt"), o.Lot)
	if err != nil {
		return o, nil, err
	}
	settled, err := s.o.Payments.SettledBy(ctx, o.Lot, st.ids())
	if err != nil {
		return o, nil, err
	}
	st.credit(settled)
	r.Name, r.Plate = c.Name, plate.Mask(st.Plate.Text)
	if st.Entry != nil {
		r.Entered = st.Entry.At
	}
	if st.Closed() {
		return o, r, nil
	}
	if bill, err := s.pricing.bill(ctx, st, &c, o.QuotedAt); err == nil {
		r.LeaveBy = bill.LeaveBy
	}
	r.Proof, err = s.proof(o, st)
	return o, r, err
}

// proofFor is how long after a payment its receipt opens a lane. Whoever stays longer has time for the fact to arrive.
const proofFor = 24 * time.Hour

// proof signs what the driver shows to the lane's scanner when the lot's own line is down. The same order always gives the
// same text.
func (s *Service) proof(o payment.Order, st stay) (string, error) {
	session, err := fact.ParseID(o.Session)
	if err != nil {
		return "", fmt.Errorf("receipt of %s: %w", o.No, err)
	}
	if !s.o.Now().Before(o.SettledAt.Add(proofFor)) {
		return "", nil
	}
	return receipt.Sign(receipt.Receipt{
		Lot: string(o.Lot), Session: session, Vehicle: receipt.VehicleOf(string(o.Lot), st.Plate), Amount: o.Amount, Curr: o.Currency,
		Provider: o.Provider, Order: o.No, Quoted: o.QuotedAt, Issued: o.SettledAt, Expires: o.SettledAt.Add(proofFor),
	}, s.o.Key)
}

// Proof returns the text of an order's receipt for a lane's scanner.
func (s *Service) Proof(ctx context.Context, address, no string) (string, error) {
	_, r, err := s.Order(ctx, address, no)
	if err == nil && (r == nil || r.Proof == "") {
		err = ErrNoProof
	}
	if err != nil {
		return "", err
	}
	return r.Proof, nil
}
