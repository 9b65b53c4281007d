package tariff

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	engine "lotkeeper/shared/tariff"
)

func (s *Service) registerChecks(api *web.API) {
	const path = "/api/v1/tariff-checks"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "check-bill", Method: http.MethodPost, Path: path + "/bill", Tag: tag,
		Summary: "What a stay would cost, with every line; nothing is kept", SummaryZH: "在线验证：试算账单明细",
	}, s.checkBill)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "check-chart", Method: http.MethodPost, Path: path + "/chart", Tag: tag,
		Summary: "The fee over the length of the stay", SummaryZH: "在线验证：费用随时长曲线",
	}, s.checkChart)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "check-probes", Method: http.MethodPost, Path: path + "/probes", Tag: tag,
		Summary: "The stays at which a tariff may go wrong, with their bills", SummaryZH: "在线验证：关键用例及费用",
	}, s.checkProbes)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "check-lint", Method: http.MethodPost, Path: path + "/lint", Tag: tag,
		Summary: "What is wrong with a tariff, or doubtful", SummaryZH: "在线验证：错误与警告",
	}, s.checkLint)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "check-explain", Method: http.MethodPost, Path: path + "/explain", Tag: tag,
		Summary: "A tariff in plain words for customers", SummaryZH: "在线验证：收费标准文字",
	}, s.checkExplain)
}

// CaseBody says what to look at. Exported for being embedded.
type CaseBody struct {
	Text     string           `json:"text,omitempty" maxLength:"262144" doc:"A document that need not be saved. Give this or tariff."`
	Tariff   string           `json:"tariff,omitempty" maxLength:"40" doc:"A tariff of the library."`
	Version  int              `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"Of the tariff; none: its draft, or else its latest."`
	Calendar *calendarRefBody `json:"calendar,omitempty" doc:"None: the operator's newest."`
}

func (b CaseBody) given() Case {
	return Case{Source{b.Text, ID(b.Tariff), b.Version}, b.Calendar.ref()}
}

// VehicleBody is what a tariff may tell vehicles apart by.
type VehicleBody struct {
	Class        string   `json:"class,omitempty" maxLength:"40"`
	Entitlements []string `json:"entitlements,omitempty" maxItems:"20"`
}

func (b VehicleBody) vehicle() Vehicle { return Vehicle(b) }

type priorVisitBody struct {
	Entry   time.Time `json:"entry"`
	Exit    time.Time `json:"exit"`
	Charged int64     `json:"charged_minor_units" minimum:"0" maximum:"1000000000000"`
}

type paymentBody struct {
	At     time.Time `json:"at"`
	Amount *int64    `json:"amount_minor_units,omitempty" minimum:"0" maximum:"1000000000000" doc:"None: what was due then."`
}

type couponBody struct {
	Kind    string `json:"kind" enum:"full,amount,percent,minutes"`
	Amount  int64  `json:"amount_minor_units,omitempty" minimum:"0" maximum:"1000000000000"`
	Percent int    `json:"percent_off,omitempty" minimum:"0" maximum:"100"`
	Minutes int64  `json:"minutes,omitempty" minimum:"0" maximum:"1000000"`
}

type passBody struct {
	Kind string `json:"kind,omitempty" maxLength:"100" doc:"Id of one of the tariff's passes; none: the first."`
	From string `json:"valid_from,omitempty" maxLength:"10" doc:"First date; none: open."`
	To   string `json:"valid_to,omitempty" maxLength:"10" doc:"Last date, included; none: open."`
}

type bookingBody struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Price int64     `json:"price_minor_units,omitempty" minimum:"0" maximum:"1000000000000"`
}

// extrasBody has the keys of the files of worked cases.
type extrasBody struct {
	PriorVisits []priorVisitBody `json:"prior_visits,omitempty" maxItems:"100"`
	Payments    []paymentBody    `json:"payments,omitempty" maxItems:"100"`
	Coupons     []couponBody     `json:"coupons,omitempty" maxItems:"50"`
	Pass        *passBody        `json:"pass,omitempty"`
	Booking     *bookingBody     `json:"booking,omitempty"`
	FreeList    bool             `json:"free_list,omitempty" doc:"The vehicle need not pay."`
}

func (b *extrasBody) extras() (Extras, error) {
	var x Extras
	if b == nil {
		return x, nil
	}
	x.FreeList = b.FreeList
	for i, v := range b.PriorVisits {
		x.Visits = append(x.Visits, engine.Visit{ID: fmt.Sprintf("visit-%d", i+1), Entry: v.Entry, Exit: v.Exit, Gross: money.Amount(v.Charged)})
	}
	for _, p := range b.Payments {
		x.Payments = append(x.Payments, Payment{p.At, (*money.Amount)(p.Amount)})
	}
	for _, c := range b.Coupons {
		x.Coupons = append(x.Coupons, engine.Coupon{Kind: engine.CouponKind(c.Kind), Amount: money.Amount(c.Amount), Percent: c.Percent, Minutes: c.Minutes})
	}
	bad := ErrStay
	if b.Pass != nil {
		x.Pass = &Pass{Kind: b.Pass.Kind}
		for _, d := range []struct {
			where, text string
			into        *calendar.Date
		}{{"valid_from", b.Pass.From, &x.Pass.From}, {"valid_to", b.Pass.To, &x.Pass.To}} {
			if d.text == "" {
				continue
			}
			date, err := calendar.ParseDate(d.text)
			if err != nil {
				bad = bad.With("body.extras.pass."+d.where, "须为 2026-10-01 这样的日期", "want a date like 2026-10-01")
			}
			*d.into = date
		}
	}
	if b.Booking != nil {
		x.Booking = &Booking{b.Booking.From, b.Booking.To, money.Amount(b.Booking.Price)}
	}
	if len(bad.Details) > 0 {
		return x, bad
	}
	return x, nil
}

type lineBody struct {
	Kind   string     `json:"kind" enum:"charge,adjust,visit,cap,free,paid"`
	Text   longBody   `json:"text"`
	From   *time.Time `json:"from"`
	To     *time.Time `json:"to"`
	Band   string     `json:"band" doc:"Id of a charge's band."`
	Amount int64      `json:"amount"`
}

type billBody struct {
	Plan     string     `json:"plan"`
	Currency string     `json:"currency"`
	Entry    time.Time  `json:"entry"`
	Exit     time.Time  `json:"exit"`
	RatedTo  time.Time  `json:"rated_to" doc:"Up to when the stay was priced: the exit, or a payment in whose grace it falls."`
	LeaveBy  *time.Time `json:"leave_by" doc:"Until when who paid may leave."`
	Gross    int64      `json:"gross"`
	Free     int64      `json:"free"`
	Paid     int64      `json:"paid"`
	Due      int64      `json:"due"`
	Lines    []lineBody `json:"lines" doc:"They sum to due."`
	Flags    []string   `json:"flags" doc:"max_stay_exceeded"`
}

func billBodyOf(m engine.Bill) billBody {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	b := billBody{
		Plan: m.Plan, Currency: string(m.Currency), Entry: m.Entry, Exit: m.Exit, RatedTo: m.RatedTo, LeaveBy: at(m.LeaveBy),
		Gross: int64(m.Gross), Free: int64(m.Free), Paid: int64(m.Paid), Due: int64(m.Due), Lines: []lineBody{}, Flags: []string{},
	}
	for _, f := range m.Flags {
		b.Flags = append(b.Flags, string(f))
	}
	for _, l := range m.Lines {
		b.Lines = append(b.Lines, lineBody{string(l.Kind), longBody(l.Text), at(l.From), at(l.To), l.Band, int64(l.Amount)})
	}
	return b
}

type checkBillInput struct {
	Body struct {
		CaseBody
		VehicleBody
		Entry  time.Time   `json:"entry"`
		Exit   time.Time   `json:"exit"`
		Extras *extrasBody `json:"extras,omitempty" doc:"What else is known."`
	}
}

type checkBillOutput struct {
	Body struct {
		Tariff          string   `json:"tariff"`
		Version         int      `json:"version"`
		Name            textBody `json:"name"`
		Calendar        string   `json:"calendar" doc:"Empty: weekdays only."`
		CalendarVersion int      `json:"calendar_version"`
		EntryDay        string   `json:"entry_day" doc:"Type of the day of entry."`
		ExitDay         string   `json:"exit_day"`
		Bill            billBody `json:"bill"`
	}
}

func (s *Service) checkBill(ctx context.Context, in *checkBillInput) (*checkBillOutput, error) {
	x, err := in.Body.Extras.extras()
	if err != nil {
		return nil, err
	}
	tried, err := s.Try(ctx, web.Who(ctx).Scope(), in.Body.given(), in.Body.vehicle(), in.Body.Entry, in.Body.Exit, x)
	if err != nil {
		return nil, err
	}
	out := &checkBillOutput{}
	b, loc := &out.Body, tried.Document.TZ.Location()
	b.Tariff, b.Version, b.Name = tried.Document.ID, tried.Document.Version, textBody(tried.Document.Name)
	b.Calendar, b.CalendarVersion, b.Bill = tried.Calendar.ID, tried.Calendar.Version, billBodyOf(tried.Bill)
	b.EntryDay, b.ExitDay = tried.Calendar.DayType(calendar.Of(in.Body.Entry.In(loc))), tried.Calendar.DayType(calendar.Of(in.Body.Exit.In(loc)))
	return out, nil
}

type checkChartInput struct {
	Body struct {
		CaseBody
		VehicleBody
		Entry  time.Time   `json:"entry"`
		Hours  int         `json:"hours" minimum:"1" maximum:"744"`
		Extras *extrasBody `json:"extras,omitempty"`
	}
}

type pointBody struct {
	Seconds int64 `json:"s" doc:"Length of the stay."`
	Gross   int64 `json:"gross"`
	Due     int64 `json:"due"`
}

type checkChartOutput struct {
	Body struct {
		Currency string      `json:"currency"`
		Step     int64       `json:"step_s" doc:"Between the points that are evenly spaced."`
		Exact    bool        `json:"exact" doc:"Both sides of every jump that was found between even points are there too; a rise and fall back within one step is not found."`
		Points   []pointBody `json:"points" doc:"At most 500."`
	}
}

func (s *Service) checkChart(ctx context.Context, in *checkChartInput) (*checkChartOutput, error) {
	x, err := in.Body.Extras.extras()
	if err != nil {
		return nil, err
	}
	c, err := s.Chart(ctx, web.Who(ctx).Scope(), in.Body.given(), in.Body.vehicle(), in.Body.Entry, in.Body.Hours, x)
	if err != nil {
		return nil, err
	}
	out := &checkChartOutput{}
	out.Body.Currency, out.Body.Step, out.Body.Exact, out.Body.Points = string(c.Currency), c.Step, c.Exact, make([]pointBody, 0, len(c.Points))
	for _, p := range c.Points {
		out.Body.Points = append(out.Body.Points, pointBody{p.Seconds, int64(p.Gross), int64(p.Due)})
	}
	return out, nil
}

type checkProbesInput struct {
	Body struct {
		CaseBody
		VehicleBody
		Entry time.Time `json:"entry"`
	}
}

type probeBody struct {
	Name longBody `json:"name"`
	Bill billBody `json:"bill"`
}

type checkProbesOutput struct {
	Body struct {
		Probes []probeBody `json:"probes"`
	}
}

func (s *Service) checkProbes(ctx context.Context, in *checkProbesInput) (*checkProbesOutput, error) {
	found, err := s.Probe(ctx, web.Who(ctx).Scope(), in.Body.given(), in.Body.vehicle(), in.Body.Entry)
	if err != nil {
		return nil, err
	}
	out := &checkProbesOutput{}
	out.Body.Probes = make([]probeBody, 0, len(found))
	for _, p := range found {
		out.Body.Probes = append(out.Body.Probes, probeBody{longBody(p.Name), billBodyOf(p.Bill)})
	}
	return out, nil
}

type caseInput struct{ Body CaseBody }

type checkLintOutput struct {
	Body struct {
		Findings []findingBody `json:"findings"`
	}
}

func (s *Service) checkLint(ctx context.Context, in *caseInput) (*checkLintOutput, error) {
	found, err := s.Lint(ctx, web.Who(ctx).Scope(), in.Body.given())
	if err != nil {
		return nil, err
	}
	out := &checkLintOutput{}
	out.Body.Findings = findingsOf(found)
	return out, nil
}

type checkExplainOutput struct{ Body longBody }

func (s *Service) checkExplain(ctx context.Context, in *caseInput) (*checkExplainOutput, error) {
	text, err := s.Explain(ctx, web.Who(ctx).Scope(), in.Body.given())
	if err != nil {
		return nil, err
	}
	return &checkExplainOutput{longBody(text)}, nil
}
