package tariff

import (
	"context"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

func (s *Service) registerRules(api *web.API) {
	const path = "/api/v1/lots/{lot}/rules"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-lot-rules", Method: http.MethodGet, Path: path, Tag: tag,
		Summary: "Which tariff the stays of a lot get: the first rule that fits", SummaryZH: "停车场的费率规则，取第一条适用的",
	}, s.getRules)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "set-lot-rules", Method: http.MethodPut, Path: path, Tag: tag,
		Summary: "Give a lot its rules, as its next configuration", SummaryZH: "设置停车场的费率规则，随新配置下发",
	}, s.setRules)
}

// RuleBody is one rule. Exported for being embedded.
type RuleBody struct {
	Class    string     `json:"class,omitempty" maxLength:"40" doc:"Plate class; none is any."`
	DayTypes []string   `json:"day_types,omitempty" maxItems:"20" doc:"Types of the date of entry in the lot's calendar, or names of weekdays; none is any."`
	From     *time.Time `json:"from,omitempty" doc:"It holds for entries from then on; none is always."`
	Tariff   string     `json:"tariff" maxLength:"100"`
	Version  int        `json:"version" minimum:"1" maximum:"1000000"`
}

type ruleStateBody struct {
	RuleBody
	Name    textBody `json:"name" doc:"The tariff's."`
	Library bool     `json:"library" doc:"It is of the operator's library; otherwise the lot's own."`
	Latest  int      `json:"latest" doc:"Newest version in the library; 0 for a tariff of the lot's own."`
}

type rulesOutput struct {
	Body struct {
		Lot             string          `json:"lot"`
		ConfigNumber    uint64          `json:"config_number"`
		TZ              string          `json:"tz"`
		Currency        string          `json:"currency"`
		Calendar        string          `json:"calendar" doc:"The lot's calendar; empty: weekdays only."`
		CalendarVersion int             `json:"calendar_version"`
		DayTypes        []string        `json:"day_types" doc:"What the lot's calendar calls days."`
		Rules           []ruleStateBody `json:"rules"`
	}
}

func rulesBodyOf(r Rules) *rulesOutput {
	out := &rulesOutput{}
	b, c := &out.Body, r.Config
	b.Lot, b.ConfigNumber, b.TZ, b.Currency = string(r.Lot), c.Number, c.TZ, string(c.Currency)
	b.Calendar, b.CalendarVersion, b.DayTypes, b.Rules = c.Calendar.ID, c.Calendar.Version, c.Calendar.Types(), []ruleStateBody{}
	for _, x := range c.Rules {
		rule := ruleStateBody{RuleBody: RuleBody{Class: x.Class, DayTypes: x.DayTypes, Tariff: x.Tariff.ID, Version: x.Tariff.Version}}
		if !x.From.IsZero() {
			rule.From = &x.From
		}
		if t, ok := c.Tariff(x.Tariff); ok {
			rule.Name = textBody(t.Name)
		}
		rule.Latest, rule.Library = r.Latest[x.Tariff.ID]
		b.Rules = append(b.Rules, rule)
	}
	return out
}

type lotPath struct {
	Lot string `path:"lot" maxLength:"40"`
}

func (s *Service) getRules(ctx context.Context, in *lotPath) (*rulesOutput, error) {
	r, err := s.RulesOf(ctx, web.Who(ctx).Scope(), id.Lot(in.Lot))
	if err != nil {
		return nil, err
	}
	return rulesBodyOf(r), nil
}

type setRulesInput struct {
	Lot  string `path:"lot" maxLength:"40"`
	Body struct {
		ConfigNumber uint64     `json:"config_number" minimum:"1" maximum:"9007199254740991" doc:"The configuration that the rules were made on."`
		Rules        []RuleBody `json:"rules" maxItems:"100" doc:"The last must fit every stay."`
	}
}

func (s *Service) setRules(ctx context.Context, in *setRulesInput) (*rulesOutput, error) {
	rules := make([]wire.TariffRule, 0, len(in.Body.Rules))
	for _, b := range in.Body.Rules {
		r := wire.TariffRule{Class: b.Class, DayTypes: b.DayTypes, Tariff: fact.TariffRef{ID: b.Tariff, Version: b.Version}}
		if b.From != nil {
			r.From = b.From.UTC()
		}
		rules = append(rules, r)
	}
	r, err := s.SetRules(ctx, web.Who(ctx).Scope(), by(ctx), id.Lot(in.Lot), in.Body.ConfigNumber, rules)
	if err != nil {
		return nil, err
	}
	return rulesBodyOf(r), nil
}
