package tariff

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/web"
)

func (s *Service) registerRehearsals(api *web.API) {
	const all, path = "/api/v1/rehearsals", "/api/v1/rehearsals/{rehearsal}"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "list-rehearsals", Method: http.MethodGet, Path: all, Tag: tag,
		Summary: "Rehearsals of tariffs, newest first", SummaryZH: "费率彩排列表",
	}, s.listRehearsals)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "start-rehearsal", Method: http.MethodPost, Path: all, Tag: tag, Status: http.StatusAccepted,
		Summary: "Try a tariff on the stays that lots billed; a job does it", SummaryZH: "费率彩排：用历史停车试算",
	}, s.startRehearsal)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-rehearsal", Method: http.MethodGet, Path: path, Tag: tag,
		Summary: "How far a rehearsal is and what it found so far", SummaryZH: "费率彩排进度与结果",
	}, s.getRehearsal)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "cancel-rehearsal", Method: http.MethodPost, Path: path + "/cancel", Tag: tag,
		Summary: "End a rehearsal early; what it found stays", SummaryZH: "取消费率彩排，已有结果保留",
	}, s.cancelRehearsal)
}

// RehearsalBody is a rehearsal in a list. Exported for being embedded.
type RehearsalBody struct {
	ID        string     `json:"id"`
	Tariff    string     `json:"tariff"`
	Version   int        `json:"version" doc:"0: the draft as it was."`
	Name      textBody   `json:"name" doc:"The candidate's."`
	Currency  string     `json:"currency"`
	Calendar  string     `json:"calendar" doc:"Empty: each stay's own."`
	Lots      []string   `json:"lots"`
	Classes   []string   `json:"classes" doc:"Only stays of these; none is all."`
	Only      string     `json:"only_tariff" doc:"Only stays that this tariff billed; empty is all."`
	From      time.Time  `json:"from" doc:"Stays that began then or later."`
	To        time.Time  `json:"to"`
	State     string     `json:"state" enum:"waiting,running,done,failed,cancelled"`
	Total     int64      `json:"total" doc:"Stays, when it began."`
	Done      int64      `json:"done"`
	By        string     `json:"by"`
	CreatedAt time.Time  `json:"created_at"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Sum       TallyBody  `json:"sum" doc:"Of all lots, so far."`
}

type binBody struct {
	Over  int64 `json:"over" doc:"The difference is further from 0 than this (for the bin of 0: it is 0),"`
	UpTo  int64 `json:"up_to" doc:"and at most this far."`
	Stays int64 `json:"stays"`
}

type changeBody struct {
	Lot     string    `json:"lot"`
	Session string    `json:"session"`
	Class   string    `json:"class"`
	Entry   time.Time `json:"entry"`
	Exit    time.Time `json:"exit"`
	Before  int64     `json:"before" doc:"To be paid with the tariff that billed it."`
	After   int64     `json:"after" doc:"To be paid with the candidate."`
}

type skipBody struct {
	Reason  string   `json:"reason" enum:"no_bill_fact,no_configuration,no_tariff,other_benefit,unlike,unpriceable"`
	Text    longBody `json:"text"`
	Stays   int64    `json:"stays"`
	Example string   `json:"example" doc:"A session."`
}

// TallyBody is the figures of a lot, or of all. Exported for being embedded.
type TallyBody struct {
	Sessions      int64      `json:"sessions" doc:"Compared."`
	GrossBefore   int64      `json:"gross_before"`
	GrossAfter    int64      `json:"gross_after"`
	PayableBefore int64      `json:"payable_before" doc:"Gross without what was free."`
	PayableAfter  int64      `json:"payable_after"`
	Difference    int64      `json:"difference" doc:"Of what is to be paid."`
	More          int64      `json:"more" doc:"Stays that would pay more."`
	Less          int64      `json:"less"`
	Same          int64      `json:"same"`
	Outside       int64      `json:"outside" doc:"Passed over: another tariff billed them."`
	Skipped       int64      `json:"skipped" doc:"Could not be compared."`
	Reasons       []skipBody `json:"reasons" doc:"Why not."`
}

func tallyBodyOf(t Tally) TallyBody {
	b := TallyBody{
		Sessions: t.Sessions, GrossBefore: int64(t.GrossBefore), GrossAfter: int64(t.GrossAfter), PayableBefore: int64(t.PayableBefore),
		PayableAfter: int64(t.PayableAfter), Difference: int64(t.PayableAfter - t.PayableBefore), More: t.More, Less: t.Less, Same: t.Same,
		Outside: t.Outside, Reasons: []skipBody{},
	}
	for _, why := range slices.Sorted(maps.Keys(t.Skipped)) {
		b.Skipped += t.Skipped[why]
		b.Reasons = append(b.Reasons, skipBody{string(why), longBody(why.text()), t.Skipped[why], t.Examples[why]})
	}
	return b
}

// LotTallyBody is what was found in a lot, or in all.
type LotTallyBody struct {
	TallyBody
	Histogram []binBody    `json:"histogram" doc:"Of the differences."`
	MostMore  []changeBody `json:"most_more" doc:"The stays that would pay most more, at most 20."`
	MostLess  []changeBody `json:"most_less"`
}

func changesOf(lotOf func(Change) string, all []Change) []changeBody {
	out := make([]changeBody, 0, len(all))
	for _, c := range all {
		out = append(out, changeBody{lotOf(c), c.Session, c.Class, c.Entry, c.Exit, int64(c.Before), int64(c.After)})
	}
	return out
}

func histogramOf(t Tally) []binBody {
	out := make([]binBody, 0, len(t.Differences))
	for _, end := range slices.Sorted(maps.Keys(t.Differences)) {
		out = append(out, binBody{int64(near(end)), int64(end), t.Differences[end]})
	}
	return out
}

func rehearsalBodyOf(r Rehearsal) RehearsalBody {
	b := RehearsalBody{
		ID: string(r.ID), Tariff: string(r.Tariff), Version: r.Version, Name: textBody(r.Document.Name), Currency: string(r.Document.Currency),
		Lots: []string{}, Classes: orEmpty(r.Classes), Only: r.Only, From: r.From, To: r.To, State: string(r.State), Total: r.Total, Done: r.Done,
		By: string(r.Actor), CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt,
	}
	if r.Calendar != nil {
		b.Calendar = r.Calendar.ID
	}
	for _, l := range r.Lots {
		b.Lots = append(b.Lots, string(l.Lot))
	}
	b.Sum = tallyBodyOf(r.Sum())
	return b
}

type listRehearsalsInput struct {
	Tariff string `query:"tariff" maxLength:"40" doc:"Only of this one."`
}

type listRehearsalsOutput struct {
	Body struct {
		Items []RehearsalBody `json:"items"`
		Total int             `json:"total"`
	}
}

func (s *Service) listRehearsals(ctx context.Context, in *listRehearsalsInput) (*listRehearsalsOutput, error) {
	found, err := s.Rehearsals(ctx, web.Who(ctx).Scope(), ID(in.Tariff))
	if err != nil {
		return nil, err
	}
	out := &listRehearsalsOutput{}
	out.Body.Total, out.Body.Items = len(found), make([]RehearsalBody, 0, len(found))
	for _, r := range found {
		out.Body.Items = append(out.Body.Items, rehearsalBodyOf(r))
	}
	return out, nil
}

type startRehearsalInput struct {
	Body struct {
		Tariff   string           `json:"tariff" maxLength:"40"`
		Version  int              `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"None: the draft, or else the latest."`
		Lots     []id.Lot         `json:"lots" minItems:"1" maxItems:"200"`
		Days     int              `json:"days,omitempty" minimum:"0" maximum:"730" doc:"Back from now; none: 90."`
		Classes  []string         `json:"classes,omitempty" maxItems:"20" doc:"Only stays of these plate classes."`
		Only     string           `json:"only_tariff,omitempty" maxLength:"100" doc:"Only stays that this tariff billed, in any version."`
		Calendar *calendarRefBody `json:"calendar,omitempty" doc:"For the candidate; none: the one that each stay was billed with."`
	}
}

type rehearsalLotBody struct {
	Lot string `json:"lot"`
	LotTallyBody
}

type rehearsalOutput struct {
	Body struct {
		RehearsalBody
		Laws      []findingBody      `json:"laws" doc:"What the candidate breaks: not monotone, a gap, a free hole."`
		Histogram []binBody          `json:"histogram" doc:"Of the differences in all lots."`
		MostMore  []changeBody       `json:"most_more" doc:"Of all lots: the stays that would pay most more, at most 20."`
		MostLess  []changeBody       `json:"most_less"`
		Results   []rehearsalLotBody `json:"results" doc:"By lot, so far."`
	}
}

func outputOf(r Rehearsal, err error) (*rehearsalOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &rehearsalOutput{}
	b, sum := &out.Body, r.Sum()
	b.RehearsalBody, b.Laws, b.Histogram, b.Results = rehearsalBodyOf(r), findingsOf(r.Laws), histogramOf(sum), []rehearsalLotBody{}
	lots := map[string]string{}
	for _, l := range r.Lots {
		here := func(Change) string { return string(l.Lot) }
		b.Results = append(b.Results, rehearsalLotBody{string(l.Lot), LotTallyBody{
			tallyBodyOf(l.Tally), histogramOf(l.Tally), changesOf(here, l.MostMore), changesOf(here, l.MostLess),
		}})
		for _, c := range slices.Concat(l.MostMore, l.MostLess) {
			lots[c.Session] = string(l.Lot)
		}
	}
	there := func(c Change) string { return lots[c.Session] }
	b.MostMore, b.MostLess = changesOf(there, sum.MostMore), changesOf(there, sum.MostLess)
	return out, nil
}

func (s *Service) startRehearsal(ctx context.Context, in *startRehearsalInput) (*rehearsalOutput, error) {
	b := in.Body
	return outputOf(s.StartRehearsal(ctx, web.Who(ctx).Scope(), by(ctx), Rehearse{
		Tariff: ID(b.Tariff), Version: b.Version, Lots: b.Lots, Days: cmp.Or(b.Days, rehearsalDays), Classes: b.Classes, Only: b.Only, Calendar: b.Calendar.ref(),
	}))
}

type rehearsalPath struct {
	Rehearsal string `path:"rehearsal" maxLength:"40"`
}

func (s *Service) getRehearsal(ctx context.Context, in *rehearsalPath) (*rehearsalOutput, error) {
	return outputOf(s.Rehearsal(ctx, web.Who(ctx).Scope(), RehearsalID(in.Rehearsal)))
}

func (s *Service) cancelRehearsal(ctx context.Context, in *rehearsalPath) (*rehearsalOutput, error) {
	return outputOf(s.CancelRehearsal(ctx, web.Who(ctx).Scope(), by(ctx), RehearsalID(in.Rehearsal)))
}
