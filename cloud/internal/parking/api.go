package parking

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
)

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	const tag = "parking"
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.SessionRead},
		ID:     "list-sessions", Method: http.MethodGet, Path: "/api/v1/sessions", Tag: tag, Summary: "Parking sessions", SummaryZH: "停车订单列表",
	}, s.listSessions)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.SessionRead},
		ID:     "get-session", Method: http.MethodGet, Path: "/api/v1/lots/{lot}/sessions/{id}", Tag: tag,
		Summary: "A session with its bill, payments, photos and facts", SummaryZH: "停车订单详情",
	}, s.getSession)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.PassageRead},
		ID:     "list-passages", Method: http.MethodGet, Path: "/api/v1/passages", Tag: tag,
		Summary: "Vehicles seen in lanes, newest first", SummaryZH: "过车记录",
	}, s.listPassages)
	api.Raw(web.Route{
		Access: web.Access{Permission: permission.SessionRead}, Method: http.MethodGet, Path: "/api/v1/sessions.csv",
		Summary: "Sessions as CSV, with the filters of the list. 导出停车订单",
	}, http.HandlerFunc(s.export))
	api.Raw(web.Route{
		Access: web.Access{Permission: permission.PhotoRead}, Method: http.MethodGet, Path: "/api/v1/photos/:sha256",
		Summary: "A photo by its SHA-256. 图片",
	}, http.HandlerFunc(s.photo))
}

type sessionFilter struct {
	Lot     string    `query:"lot" maxLength:"40"`
	Plate   string    `query:"plate" maxLength:"40" doc:"Part of the plate."`
	State   string    `query:"state" enum:"inside,left,lost"`
	Flag    string    `query:"flag" maxLength:"40"`
	From    time.Time `query:"from" doc:"Begun at or after."`
	To      time.Time `query:"to" doc:"Begun before."`
	MinDebt int64     `query:"min_debt" minimum:"0" maximum:"9007199254740991"`
	Page    int       `query:"page" minimum:"1" maximum:"100000" default:"1"`
	Size    int       `query:"size" minimum:"1" maximum:"200" default:"20"`
	Sort    string    `query:"sort" enum:"entered_at,-entered_at,left_at,-left_at,gross,-gross,debt,-debt" default:"-entered_at"`
}

func (f sessionFilter) filter() Filter {
	return Filter{
		Lot: id.Lot(f.Lot), Plate: f.Plate, State: session.State(f.State), Flag: session.Flag(f.Flag), From: f.From, To: f.To,
		MinDebt: money.Amount(f.MinDebt), Page: f.Page, Size: f.Size, Sort: f.Sort,
	}
}

type plateBody struct {
	Text   string `json:"text" doc:"Empty: no plate."`
	Colour string `json:"colour"`
	Class  string `json:"class"`
}

type moneyBody struct {
	Gross  int64 `json:"gross"`
	Free   int64 `json:"free"`
	Paid   int64 `json:"paid"`
	Debt   int64 `json:"debt"`
	Excess int64 `json:"excess" doc:"Paid beyond the bill: refund due."`
}

// SessionBody is a session in a list. It is exported because the document is made from embedded fields of exported
// types only.
type SessionBody struct {
	Lot       string     `json:"lot"`
	ID        string     `json:"id"`
	Plate     plateBody  `json:"plate"`
	State     string     `json:"state" enum:"inside,left,lost"`
	EnteredAt *time.Time `json:"entered_at"`
	EntryLane string     `json:"entry_lane"`
	LeftAt    *time.Time `json:"left_at"`
	ExitLane  string     `json:"exit_lane"`
	DurationS *int64     `json:"duration_s" doc:"Null while an end is not known."`
	Money     moneyBody  `json:"money"`
	Currency  string     `json:"currency"`
	Flags     []string   `json:"flags"`
	Grade     string     `json:"grade" enum:"both,one,person,sensor"`
	Billed    bool       `json:"billed"`
}

func bodyOf(x Session) SessionBody {
	m := x.Money
	b := SessionBody{
		Lot: string(x.Lot), ID: x.ID.String(), State: string(x.State), Currency: string(x.Currency), Grade: string(x.Grade), Billed: x.Bill != nil,
		Plate: plateBody{x.Plate.Text, x.Plate.Colour.String(), x.Plate.Class.String()}, Flags: []string{},
		Money: moneyBody{int64(m.Gross), int64(m.Free), int64(m.Paid), int64(m.Debt), int64(m.Excess)},
	}
	if x.Entry != nil {
		b.EnteredAt, b.EntryLane = &x.Entry.At, x.Entry.Lane
	}
	if x.Exit != nil {
		b.LeftAt, b.ExitLane = &x.Exit.At, x.Exit.Lane
	}
	if x.Entry != nil && x.Exit != nil {
		d := int64(x.Exit.At.Sub(x.Entry.At) / time.Second)
		b.DurationS = &d
	}
	for _, f := range x.Flags {
		b.Flags = append(b.Flags, string(f))
	}
	return b
}

type totalsBody struct {
	Gross int64 `json:"gross"`
	Free  int64 `json:"free"`
	Paid  int64 `json:"paid"`
	Debt  int64 `json:"debt"`
}

type sessionsOutput struct {
	Body struct {
		Items  []SessionBody `json:"items"`
		Total  int64         `json:"total"`
		Totals totalsBody    `json:"totals" doc:"Of everything the filter finds, all pages."`
	}
}

func (s *Service) listSessions(ctx context.Context, in *sessionFilter) (*sessionsOutput, error) {
	found, n, t, err := s.Find(ctx, web.Who(ctx).Scope(), in.filter())
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{}
	out.Body.Total, out.Body.Totals = n, totalsBody{int64(t.Gross), int64(t.Free), int64(t.Paid), int64(t.Debt)}
	out.Body.Items = make([]SessionBody, 0, len(found))
	for _, x := range found {
		out.Body.Items = append(out.Body.Items, bodyOf(x))
	}
	return out, nil
}

type sessionInput struct {
	Lot string `path:"lot" maxLength:"40"`
	ID  string `path:"id" maxLength:"60"`
}

type photoBody struct {
	Kind   string `json:"kind"`
	SHA256 string `json:"sha256"`
}

type visitBody struct {
	Fact   string      `json:"fact"`
	At     time.Time   `json:"at"`
	Lane   string      `json:"lane"`
	Basis  string      `json:"basis" enum:"crossed,assumed,stored,unread,told"`
	Photos []photoBody `json:"photos"`
}

type lineBody struct {
	Kind   string     `json:"kind" enum:"charge,adjust,visit,cap,free,paid"`
	Text   Text       `json:"text"`
	From   *time.Time `json:"from"`
	To     *time.Time `json:"to"`
	Amount int64      `json:"amount"`
}

type billBody struct {
	Fact     string     `json:"fact" doc:"The fact that froze it."`
	Tariff   string     `json:"tariff"`
	Version  int        `json:"version"`
	Plan     string     `json:"plan"`
	Currency string     `json:"currency"`
	Entry    time.Time  `json:"entry"`
	Exit     time.Time  `json:"exit"`
	Lines    []lineBody `json:"lines"`
	Gross    int64      `json:"gross"`
	Free     int64      `json:"free"`
	Paid     int64      `json:"paid"`
	Due      int64      `json:"due"`
}

type paymentBody struct {
	Fact     string    `json:"fact"`
	At       time.Time `json:"at"`
	Amount   int64     `json:"amount"`
	Method   string    `json:"method"`
	Order    string    `json:"order"`
	Operator string    `json:"operator,omitempty"`
}

type factBody struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Author string    `json:"author"`
	Booth  string    `json:"booth"`
	Text   Text      `json:"text"`
	Body   any       `json:"body"`
}

type sessionOutput struct {
	Body struct {
		SessionBody
		Entry    *visitBody    `json:"entry"`
		Exit     *visitBody    `json:"exit"`
		Bill     *billBody     `json:"bill"`
		Payments []paymentBody `json:"payments"`
		Aliases  []string      `json:"aliases"`
		Facts    []factBody    `json:"facts"`
	}
}

func (s *Service) getSession(ctx context.Context, in *sessionInput) (*sessionOutput, error) {
	which, err := fact.ParseID(in.ID)
	if err != nil {
		return nil, ErrNoSession.Wrap(err)
	}
	x, err := s.ByID(ctx, web.Who(ctx).Scope(), id.Lot(in.Lot), which)
	if err != nil {
		return nil, err
	}
	facts, err := s.Facts(ctx, x)
	if err != nil {
		return nil, err
	}
	out := &sessionOutput{}
	b := &out.Body
	b.SessionBody, b.Entry, b.Exit, b.Bill = bodyOf(x), visitOf(x.Entry), visitOf(x.Exit), billOf(x)
	b.Payments, b.Aliases, b.Facts = []paymentBody{}, []string{}, []factBody{}
	for _, p := range x.Pays {
		b.Payments = append(b.Payments, paymentBody{p.Fact.String(), p.At, int64(p.Amount), p.Method, p.Order, p.Operator})
	}
	for _, a := range x.Aliases {
		b.Aliases = append(b.Aliases, a.String())
	}
	for _, f := range facts {
		b.Facts = append(b.Facts, factBody{f.ID().String(), f.At, string(f.Kind), string(f.Author), f.Booth, f.Sentence, f.Body})
	}
	return out, nil
}

func visitOf(v *session.Visit) *visitBody {
	if v == nil {
		return nil
	}
	b := &visitBody{Fact: v.Fact.String(), At: v.At, Lane: v.Lane, Basis: string(v.Basis), Photos: []photoBody{}}
	for _, p := range v.Photos {
		b.Photos = append(b.Photos, photoBody{p.Kind, p.SHA256})
	}
	return b
}

func billOf(x Session) *billBody {
	if x.Bill == nil {
		return nil
	}
	m := x.Bill
	b := &billBody{
		Fact: x.Billed.String(), Tariff: m.Tariff, Version: m.Version, Plan: m.Plan, Currency: string(m.Currency), Entry: m.Entry, Exit: m.Exit,
		Lines: []lineBody{}, Gross: int64(m.Gross), Free: int64(m.Free), Paid: int64(m.Paid), Due: int64(m.Due),
	}
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	for _, l := range m.Lines {
		b.Lines = append(b.Lines, lineBody{string(l.Kind), Text{l.Text.ZH, l.Text.EN}, at(l.From), at(l.To), int64(l.Amount)})
	}
	return b
}

type passagesInput struct {
	Lot     string    `query:"lot" maxLength:"40"`
	Lane    string    `query:"lane" maxLength:"40"`
	Dir     string    `query:"dir" enum:"entry,exit,inner"`
	Plate   string    `query:"plate" maxLength:"40"`
	Outcome string    `query:"outcome" enum:"passed,reversed,gone"`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
	Page    int       `query:"page" minimum:"1" maximum:"100000" default:"1"`
	Size    int       `query:"size" minimum:"1" maximum:"200" default:"20"`
}

type passageBody struct {
	Lot        string    `json:"lot"`
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Lane       string    `json:"lane"`
	Dir        string    `json:"dir"`
	Plate      plateBody `json:"plate"`
	Confidence int       `json:"confidence"`
	Outcome    string    `json:"outcome" doc:"passed, reversed, gone; empty while it is not known."`
	Decision   string    `json:"decision" doc:"open, hold; empty when nothing was decided."`
	Reason     string    `json:"reason"`
	ReasonText Text      `json:"reason_text"`
	Photo      string    `json:"photo" doc:"SHA-256 of the scene; empty: none."`
	Session    string    `json:"session"`
	Late       bool      `json:"late" doc:"From the camera's memory, after the fact."`
}

type passagesOutput struct {
	Body struct {
		Items []passageBody `json:"items"`
		Total int64         `json:"total"`
	}
}

func (s *Service) listPassages(ctx context.Context, in *passagesInput) (*passagesOutput, error) {
	found, total, err := s.Passages(ctx, web.Who(ctx).Scope(), Filter{
		Lot: id.Lot(in.Lot), Lane: in.Lane, Dir: fact.Dir(in.Dir), Plate: in.Plate, Outcome: in.Outcome, From: in.From, To: in.To, Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	out := &passagesOutput{}
	out.Body.Total, out.Body.Items = total, make([]passageBody, 0, len(found))
	for _, p := range found {
		out.Body.Items = append(out.Body.Items, passageBody{
			Lot: string(p.Lot), ID: p.ID.String(), At: p.At, Lane: p.Lane, Dir: string(p.Dir), Plate: plateBody{p.Plate, p.Colour, p.Class},
			Confidence: p.Confidence, Outcome: p.Outcome, Decision: p.Action, Reason: p.Reason, ReasonText: Reason(p.Reason), Photo: p.Photo,
			Session: p.Session, Late: p.Late,
		})
	}
	return out, nil
}

// photo serves a picture, which never changes under its name.
func (s *Service) photo(w http.ResponseWriter, r *http.Request) {
	body, info, err := s.Photo(r.Context(), web.Who(r.Context()).Scope(), r.PathValue("sha256"))
	if err != nil {
		web.WriteProblem(w, r, err)
		return
	}
	defer func() { _ = body.Close() }()
	w.Header().Set("Content-Type", info.Type)
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size, 10))
	w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
	_, _ = io.Copy(w, body) // the client is gone: nothing to do about it
}

// export writes the sessions that the filter finds as CSV that spreadsheets open in Chinese.
func (s *Service) export(w http.ResponseWriter, r *http.Request) {
	f, err := readFilter(r)
	if err != nil {
		web.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="sessions.csv"`)
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return // the client is gone
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{ // Flush tells
		"停车场 lot", "订单 id", "车牌 plate", "颜色 colour", "状态 state", "入场 entered_at", "入口 entry_lane", "出场 left_at", "出口 exit_lane",
		"时长秒 duration_s", "应收 gross", "减免 free", "实收 paid", "欠费 debt", "多收 excess", "币种 currency", "证据 grade", "标记 flags",
	})
	err = s.Each(r.Context(), web.Who(r.Context()).Scope(), f, func(x Session) error {
		b := bodyOf(x)
		duration := ""
		if b.DurationS != nil {
			duration = strconv.FormatInt(*b.DurationS, 10)
		}
		amount := func(a money.Amount) string { return strings.TrimPrefix(a.Format(x.Currency), x.Currency.Symbol()) }
		m := x.Money
		return out.Write([]string{
			b.Lot, b.ID, harmless(b.Plate.Text), b.Plate.Colour, b.State, stamp(b.EnteredAt), harmless(b.EntryLane), stamp(b.LeftAt), harmless(b.ExitLane), duration,
			amount(m.Gross), amount(m.Free), amount(m.Paid), amount(m.Debt), amount(m.Excess), b.Currency, b.Grade, strings.Join(b.Flags, " "),
		})
	})
	out.Flush()
	if err != nil { // the headers are out: cut the connection, so that nobody takes half a file for a whole one
		panic(http.ErrAbortHandler)
	}
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// harmless keeps a spreadsheet from taking a plate for a formula.
func harmless(s string) string {
	if strings.ContainsAny(s[:min(len(s), 1)], "=+-@\t\r") {
		return "'" + s
	}
	return s
}

func readFilter(r *http.Request) (Filter, error) {
	q := r.URL.Query()
	f := Filter{Lot: id.Lot(q.Get("lot")), Plate: q.Get("plate"), State: session.State(q.Get("state")), Flag: session.Flag(q.Get("flag"))}
	bad := ErrFilter
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if v := q.Get(name); v != "" {
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				bad = bad.With("query."+name, "须为 RFC 3339 时间", "want a time as 2026-11-02T08:00:00Z")
			}
			*into = t
		}
	}
	if v := q.Get("min_debt"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			bad = bad.With("query.min_debt", "须为分的整数", "want a whole number of minor units")
		}
		f.MinDebt = money.Amount(n)
	}
	for name, value := range map[string]string{"lot": string(f.Lot), "plate": f.Plate, "state": string(f.State), "flag": string(f.Flag)} {
		if strings.Contains(value, "\x00") || len(value) > 60 {
			bad = bad.With("query."+name, "内容有误", fmt.Sprintf("%s is not valid", name))
		}
	}
	if len(bad.Details) > 0 {
		return Filter{}, bad
	}
	return f, nil
}
