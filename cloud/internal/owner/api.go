package owner

import (
	"context"
	"fmt"
	"net/http"
	"time"

	qrcode "github.com/skip2/go-qrcode"

	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/tariff"
)

// Register adds the operations for drivers.
func (s *Service) Register(w *web.API) {
	const tag = "owner"
	a := api{s}
	web.Register(w, web.Operation{
		Access: web.Access{Public: "a driver pays without signing in; asking is limited, and shows only what is due"},
		ID:     "ask-quote", Method: http.MethodPost, Path: "/api/v1/owner/quotes", Tag: tag, Status: http.StatusCreated, MaxBody: 4096,
		Summary: "What a stay costs now, by plate or by the lane one stands at", SummaryZH: "按车牌或车道查询应付停车费",
	}, a.ask)
	web.Register(w, web.Operation{
		Access: web.Access{Public: "the quote's number was given to the driver and cannot be guessed"},
		ID:     "get-quote", Method: http.MethodGet, Path: "/api/v1/owner/quotes/{quote}", Tag: tag,
		Summary: "A quote as it is now", SummaryZH: "查看账单的最新状态",
	}, a.quote)
	web.Register(w, web.Operation{
		Access: web.Access{Public: "whoever pays, pays; the amount is ours to say"},
		ID:     "pay-quote", Method: http.MethodPost, Path: "/api/v1/owner/quotes/{quote}/orders", Tag: tag, Status: http.StatusCreated, MaxBody: 4096,
		Summary: "Pay a quote; the same order while the amount is unchanged", SummaryZH: "支付账单，金额不变时返回同一订单",
	}, a.pay)
	web.Register(w, web.Operation{
		Access: web.Access{Public: "the order's number was given to the payer and cannot be guessed"},
		ID:     "get-payment", Method: http.MethodGet, Path: "/api/v1/owner/orders/{order}", Tag: tag,
		Summary: "Whether it is paid, and the receipt", SummaryZH: "查询支付结果与凭证",
	}, a.order)
	w.Raw(web.Route{
		Access: web.Access{Public: "the order's number was given to the payer and cannot be guessed"},
		Method: http.MethodGet, Path: "/api/v1/owner/orders/:order/qr.png",
		Summary: "The receipt of a payment as the code that a lane's scanner takes",
	}, http.HandlerFunc(a.code))
}

// code draws an order's receipt for a lane's scanner.
func (a api) code(w http.ResponseWriter, r *http.Request) {
	text, err := a.s.Proof(r.Context(), web.From(r.Context()).Address, r.PathValue("order"))
	if err != nil {
		web.WriteProblem(w, r, err)
		return
	}
	png, err := qrcode.Encode(text, qrcode.Medium, 480)
	if err != nil {
		web.WriteProblem(w, r, fmt.Errorf("draw receipt: %w", err))
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "private, no-store")
	_, _ = w.Write(png) // the driver is gone: nothing to do about it
}

type api struct{ s *Service }

type textBody struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

func textOf(t tariff.Text) textBody { return textBody{t.ZH, t.EN} }

type lineBody struct {
	Kind   string     `json:"kind" enum:"charge,adjust,visit,cap,free,paid"`
	Text   textBody   `json:"text"`
	From   *time.Time `json:"from,omitempty"`
	To     *time.Time `json:"to,omitempty"`
	Amount int64      `json:"amount" doc:"Minor units; negative where it takes off."`
}

type quoteBody struct {
	Quote      string     `json:"quote"`
	LotName    textBody   `json:"lot_name"`
	Plate      string     `json:"plate" doc:"Masked when it was found by a lane's code."`
	EnteredAt  *time.Time `json:"entered_at"`
	DurationS  int64      `json:"duration_s"`
	Gross      int64      `json:"gross" doc:"Minor units of currency, as all amounts."`
	Free       int64      `json:"free"`
	Paid       int64      `json:"paid"`
	Due        int64      `json:"due"`
	Currency   string     `json:"currency"`
	Lines      []lineBody `json:"lines"`
	ValidUntil time.Time  `json:"valid_until" doc:"Until then this amount holds."`
	LeaveBy    *time.Time `json:"leave_by,omitempty" doc:"Paid: until then nothing more is owed."`
	State      string     `json:"state" enum:"due,nothing_due,paid"`
	Payable    bool       `json:"payable" doc:"Payment by phone is set up here."`
	Tariff     textBody   `json:"tariff" doc:"The tariff in plain words, its name first and then one rule a line. Empty: it is no longer at hand."`
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

type quoteOutput struct{ Body quoteBody }

func (a api) body(q Quote) *quoteOutput {
	b := quoteBody{
		Quote: q.ID, LotName: textOf(q.Name), Plate: q.Plate, EnteredAt: when(q.Entered), Gross: int64(q.Bill.Gross), Free: int64(q.Bill.Free),
		Paid: int64(q.Bill.Paid), Due: int64(q.Bill.Due), Currency: string(q.Bill.Currency), Lines: make([]lineBody, 0, len(q.Bill.Lines)),
		ValidUntil: q.ValidUntil.UTC(), State: string(q.State()), Payable: a.s.o.Payments.Ready(), Tariff: textOf(q.Explain),
	}
	if !q.Entered.IsZero() {
		b.DurationS = max(0, int64(q.PricedAt.Sub(q.Entered)/time.Second))
	}
	if q.Bill.Due == 0 {
		b.LeaveBy = when(q.Bill.LeaveBy)
	}
	for _, l := range q.Bill.Lines {
		b.Lines = append(b.Lines, lineBody{string(l.Kind), textOf(l.Text), when(l.From), when(l.To), int64(l.Amount)})
	}
	return &quoteOutput{b}
}

type askInput struct {
	Body struct {
		Lot   string `json:"lot" minLength:"1" maxLength:"40"`
		Plate string `json:"plate,omitempty" maxLength:"60" doc:"Either a plate or a lane."`
		Lane  string `json:"lane,omitempty" maxLength:"40"`
	}
}

func (a api) ask(ctx context.Context, in *askInput) (*quoteOutput, error) {
	q, err := a.s.Ask(ctx, web.From(ctx).Address, id.Lot(in.Body.Lot), in.Body.Plate, in.Body.Lane)
	if err != nil {
		return nil, err
	}
	return a.body(q), nil
}

type quoteInput struct {
	Quote string `path:"quote" maxLength:"40"`
}

func (a api) quote(ctx context.Context, in *quoteInput) (*quoteOutput, error) {
	q, err := a.s.Quote(ctx, web.From(ctx).Address, in.Quote)
	if err != nil {
		return nil, err
	}
	return a.body(q), nil
}

type payInput struct {
	Quote string `path:"quote" maxLength:"40"`
	Body  struct {
		Channel string `json:"channel" enum:"wechat_h5"`
	}
}

type payOutput struct {
	Body struct {
		Order    string `json:"order"`
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
		PayURL   string `json:"pay_url" doc:"The provider's page; it leads back to us."`
	}
}

func (a api) pay(ctx context.Context, in *payInput) (*payOutput, error) {
	o, page, err := a.s.Pay(ctx, web.From(ctx).Address, in.Quote, in.Body.Channel)
	if err != nil {
		return nil, err
	}
	out := &payOutput{}
	out.Body.Order, out.Body.Amount, out.Body.Currency, out.Body.PayURL = o.No, int64(o.Amount), string(o.Currency), page
	return out, nil
}

type orderInput struct {
	Order string `path:"order" maxLength:"40"`
}

type receiptBody struct {
	No        string     `json:"no"`
	LotName   textBody   `json:"lot_name"`
	Plate     string     `json:"plate" doc:"Masked."`
	EnteredAt *time.Time `json:"entered_at"`
	PaidAt    *time.Time `json:"paid_at"`
	Amount    int64      `json:"amount"`
	Currency  string     `json:"currency"`
	LeaveBy   *time.Time `json:"leave_by,omitempty" doc:"Until then nothing more is owed."`
	Proof     string     `json:"proof,omitempty" doc:"What the scanner at the exit takes when the lot's line is down; /qr.png draws it. Absent once the vehicle has left."`
}

type orderOutput struct {
	Body struct {
		Order    string       `json:"order"`
		State    string       `json:"state" enum:"pending,paid,closed,refunding,refunded"`
		Amount   int64        `json:"amount"`
		Currency string       `json:"currency"`
		PaidAt   *time.Time   `json:"paid_at"`
		Receipt  *receiptBody `json:"receipt,omitempty"`
	}
}

func (a api) order(ctx context.Context, in *orderInput) (*orderOutput, error) {
	o, r, err := a.s.Order(ctx, web.From(ctx).Address, in.Order)
	if err != nil {
		return nil, err
	}
	return orderBody(o, r), nil
}

func orderBody(o payment.Order, r *Receipt) *orderOutput {
	out := &orderOutput{}
	b := &out.Body
	b.Order, b.State, b.Amount, b.Currency, b.PaidAt = o.No, string(o.State), int64(o.Amount), string(o.Currency), when(o.PaidAt)
	if r != nil {
		b.Receipt = &receiptBody{
			No: r.No, LotName: textOf(r.Name), Plate: r.Plate, EnteredAt: when(r.Entered), PaidAt: b.PaidAt, Amount: int64(o.Amount),
			Currency: b.Currency, LeaveBy: when(r.LeaveBy), Proof: r.Proof,
		}
	}
	return out
}
