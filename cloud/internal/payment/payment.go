// Package payment takes money that drivers pay by phone, with one provider, and never believes anybody without asking.
//
// What it promises:
//   - an order's state, its postings and the fact that tells the lot change in one transaction, or not at all;
//   - a provider's notification is a hint: signature, age, merchant, amount and currency are checked, then the order is
//     asked for at the provider, and only that answer counts. A forged, altered, old or repeated one changes nothing
//     and is kept in a table;
//   - a payment whose notification is lost is found by asking, 3, 10 and 30 seconds after the order was made and then
//     more slowly, until the order is paid, or closed at the provider. We never close an order on our own word;
//   - money for a stay that needs none (paid twice, paid in cash meanwhile, an order already closed) is booked as
//     overpaid and goes back by itself;
//   - amounts are whole minor units; postings of a journal sum to zero; no balance is stored.
//
// When to ask next is a column of the order, written with the order. It is not a job of the queue, because that looks at
// jobs of the future only every five seconds.
//
// DESIGN.md beside this file has the state machine, the accounts, and what happens when the process dies at each step.
package payment

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/limit"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// State is where an order stands.
type State string

// The states of an order.
const (
	Pending   State = "pending"
	Paid      State = "paid"   // the stay is paid, or some of it
	Closed    State = "closed" // can no longer be paid; no money was taken
	Refunding State = "refunding"
	Refunded  State = "refunded"
)

// Effect is what an order's money did.
type Effect string

// The effects.
const (
	NoEffect Effect = ""         // there is no money
	Settled  Effect = "settled"  // it pays for the stay: postings and a fact
	Overpaid Effect = "overpaid" // it was too much: postings, and a refund
)

// Order is one request for money for one stay.
type Order struct {
	No          string // what the provider calls out_trade_no
	Operator    id.Operator
	Lot         id.Lot
	Session     string // session.ID in text
	Quote       string
	Payee       string // who gets the money: the merchant
	Provider    string
	Channel     string
	Description string
	Amount      money.Amount
	Currency    money.Currency
	Credited    money.Amount // what orders of the stay had settled when this was priced
	QuotedAt    time.Time    // the stay is paid up to then
	State       State
	Effect      Effect
	Reason      string
	Transaction string // the provider's
	PayURL      string
	PayURLAt    time.Time
	CreatedAt   time.Time
	ExpiresAt   time.Time
	PaidAt      time.Time // by the provider's clock
	SettledAt   time.Time // by ours
	Checks      int
}

// Receipt is the number under which a driver asks about his payment; "" until there is one.
func (o Order) Receipt() string {
	if o.Effect == NoEffect {
		return ""
	}
	return "R" + o.No[len(orderPrefix)+1:]
}

const (
	orderPrefix  = "pay"
	refundPrefix = "ref"
	// orderFor is how long an order can be paid.
	orderFor = 10 * time.Minute
	// urlFor is how long the provider's page can be opened; then it is asked for again.
	urlFor = 4 * time.Minute
	// providerFor bounds one conversation with the provider and what follows from it.
	providerFor = 20 * time.Second
)

// What callers act on.
var (
	ErrNotSetUp    = fault.New(fault.Unavailable, "payment.not_set_up", "本停车场暂未开通手机支付，请到出口缴费", "payment by phone is not set up here; please pay at the exit")
	ErrNoOrder     = fault.New(fault.NotFound, "payment.not_found", "没有这笔支付订单", "there is no such payment order")
	ErrProvider    = fault.New(fault.Unavailable, "payment.provider_away", "支付通道暂时不可用，请稍后再试", "the payment provider cannot be reached now, try again")
	ErrOrderClosed = fault.New(fault.Conflict, "payment.order_closed", "这笔支付订单已关闭，请重新查询费用", "this order is closed; look up the fee again")
	ErrCurrency    = fault.New(fault.Unavailable, "payment.currency", "该支付方式不支持此货币", "this way of paying does not take the lot's currency")
	errNotice      = fault.New(fault.Unauthenticated, "payment.notice_rejected", "通知验证失败", "the notification does not verify")
	errMismatch    = fault.New(fault.Conflict, "payment.mismatch", "通知与订单不一致", "the notification does not fit the order")
	errUnconfirmed = fault.New(fault.Unavailable, "payment.unconfirmed", "支付平台尚未确认该订单", "the provider does not confirm the order yet")
)

// Author writes facts of the cloud; package ingest does.
type Author interface {
	// Author says something in a lot's log as part of the transaction.
	Author(tx *database.Tx, lot string, d fact.Draft) (outbox int64, err error)
}

// Alarm is something that a person should look at.
type Alarm struct {
	Lot, Kind, Subject, ZH, EN string
}

// Options of a Service. DB, Author, Now and Log are required.
type Options struct {
	DB       *database.DB
	Author   Author
	Now      func() time.Time
	Log      *slog.Logger
	Provider Provider // nil: nobody pays by phone here
	Notify   string   // URL that the provider notifies, without a query
	// Owes reports whether a stay still needs money for the time up to quoted, as far as the cloud knows; nil: yes. An
	// error is taken as yes: money that came in is booked, whatever else fails.
	Owes func(ctx context.Context, o Order) (bool, error)
	// Raise opens an alarm in the transaction; nil: it is only logged.
	Raise func(tx *database.Tx, a Alarm) error
}

// Service is the payments. Its methods are safe for concurrent use, by any number of replicas on one database.
type Service struct {
	o        Options
	store    store
	asking   singleflight.Group // one conversation with the provider about an order at a time
	wake     chan struct{}
	rejected *limit.Limiter // how many forged notifications of one address are kept
}

// New makes a Service; Run makes it ask.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Author == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("payment: DB, Author, Now and Log are required")
	}
	if o.Provider != nil && o.Notify == "" {
		return nil, errors.New("payment: the URL for notifications is required")
	}
	return &Service{
		o: o, store: store{o.DB}, wake: make(chan struct{}, 1),
		rejected: limit.New(time.Minute, 20, 10_000, o.Now),
	}, nil
}

// Ready reports whether anybody can pay by phone.
func (s *Service) Ready() bool { return s.o.Provider != nil }

// ByNo returns an order.
func (s *Service) ByNo(ctx context.Context, no string) (Order, error) { return s.store.byNo(ctx, no) }

// SettledBy returns the orders whose money paid for a stay, oldest first. A stay may have several ids.
func (s *Service) SettledBy(ctx context.Context, lot id.Lot, sessions []string) ([]Order, error) {
	return s.store.settledBy(ctx, lot, sessions)
}

// Provider is a company that takes money. Its methods must be safe for concurrent use.
type Provider interface {
	Name() string  // as facts and orders call it: "wechat"
	Payee() string // the merchant
	Takes(money.Currency) bool
	// Prepay registers an order, or one that is registered already, and returns where the driver pays.
	Prepay(ctx context.Context, p Prepay) (url string, err error)
	// Query returns what became of an order; ErrUnknown when it was never registered.
	Query(ctx context.Context, no string) (Charge, error)
	// Close makes an order unpayable. ErrUnknown: it was never registered; ErrPaid: too late.
	Close(ctx context.Context, no string) error
	// Refund asks for the money of an order to go back. The same refund may be asked for again.
	Refund(ctx context.Context, r Refund) (RefundAnswer, error)
	// QueryRefund returns what became of a refund.
	QueryRefund(ctx context.Context, no string) (RefundAnswer, error)
	// Notice verifies and decodes a notification. Its answer is a claim, not yet a truth.
	Notice(ctx context.Context, h http.Header, body []byte) (Notice, error)
}

// What a provider says that is no failure of it.
var (
	ErrUnknown = errors.New("the provider does not know the order")
	ErrPaid    = errors.New("the order is paid")
)

// Prepay is an order as a provider is told.
type Prepay struct {
	No, Description, Notify, ClientIP string
	Amount                            money.Amount
	Currency                          money.Currency
	Expires                           time.Time
}

// ChargeState is what a provider says of an order.
type ChargeState string

// The states of a charge.
const (
	Unpaid   ChargeState = "unpaid"
	Success  ChargeState = "success"
	Ended    ChargeState = "closed"   // closed, revoked or failed: no money
	Returned ChargeState = "returned" // was paid and went back
)

// Charge is an order as the provider tells it.
type Charge struct {
	No          string
	State       ChargeState
	Merchant    string
	App         string
	Transaction string
	Amount      money.Amount
	Currency    money.Currency
	PaidAt      time.Time
	// Fits is nil when merchant and app are ours.
	Fits error
}

// Notice is a verified notification: what it claims.
type Notice struct {
	ID     string
	Charge Charge
}

// Refund is one refund.
type Refund struct {
	No       string
	Order    string
	Amount   money.Amount // of all that was paid
	Total    money.Amount
	Currency money.Currency
	Reason   string
	State    RefundState
	Checks   int
	Created  time.Time
}

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	Requested  RefundState = "requested"
	Processing RefundState = "processing"
	Done       RefundState = "done"
	Failed     RefundState = "failed" // a person must see to it
)

// RefundAnswer is what a provider says of a refund.
type RefundAnswer struct {
	State     RefundState
	Reference string
	Amount    money.Amount
}
