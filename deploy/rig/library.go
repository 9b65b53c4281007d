package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Tariff is one of the operator's library, as its last change left it.
type Tariff struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
	Latest int    `json:"latest"`
}

// NewTariff writes a tariff's document into the library, as a draft.
func (a *API) NewTariff(ctx context.Context, document any) (Tariff, error) {
	var t Tariff
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return t, fmt.Errorf("encode a tariff: %w", err)
	}
	return t, a.Call(ctx, http.MethodPost, "/api/v1/tariffs", object{"text": string(text)}, &t)
}

// Redraft writes the tariff's next draft.
func (a *API) Redraft(ctx context.Context, t *Tariff, document any) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("encode a tariff: %w", err)
	}
	return a.Call(ctx, http.MethodPut, "/api/v1/tariffs/"+t.ID+"/draft", object{"number": t.Number, "text": string(text)}, t)
}

// PublishTariff makes the draft the next version and moves the lots to it that use the tariff.
func (a *API) PublishTariff(ctx context.Context, t *Tariff, lots ...string) error {
	err := a.Call(ctx, http.MethodPost, "/api/v1/tariffs/"+t.ID+"/publish", object{"number": t.Number, "accept_warnings": true, "apply_to": lots}, nil)
	if err != nil {
		return err
	}
	return a.Call(ctx, http.MethodGet, "/api/v1/tariffs/"+t.ID, nil, t)
}

// UseTariff makes the tariff's latest version the lot's only rule, and returns the number of the configuration that says so.
func (a *API) UseTariff(ctx context.Context, lot string, t Tariff) (uint64, error) {
	var rules struct {
		ConfigNumber uint64 `json:"config_number"`
	}
	path := "/api/v1/lots/" + lot + "/rules"
	if err := a.Call(ctx, http.MethodGet, path, nil, &rules); err != nil {
		return 0, err
	}
	in := object{"config_number": rules.ConfigNumber, "rules": []object{{"tariff": t.ID, "version": t.Latest}}}
	return rules.ConfigNumber, a.Call(ctx, http.MethodPut, path, in, &rules)
}

// DemoTariff prices by the unit, so that short stays of a demonstration have bills.
func DemoTariff(zh, en string, price int) map[string]any {
	return object{
		"id": "demo", "version": 1, "name": text(zh, en), "tz": "Asia/Shanghai", "currency": "CNY", "grace_after_payment": 60,
		"plans": []object{{
			"id": "all", "free": object{"up_to": 15, "inclusive": true, "then": "whole"},
			"bands": []object{{"id": "always", "name": text("全天", "All day"), "steps": []object{{"unit": 10, "price": price}}}},
			"caps":  []object{{"amount": 6000, "window": "block", "length": 86400}},
		}},
	}
}

// library gives the operator what an operator has: a calendar with the holidays, tariffs in use, and drafts to try.
func (r *Rig) library(ctx context.Context, a *API) error {
	var calendar struct {
		ID     string `json:"id"`
		Latest int    `json:"latest"`
	}
	if err := a.Call(ctx, http.MethodPost, "/api/v1/calendars", object{"name": text("中国法定节假日", "Public holidays of China")}, &calendar); err != nil {
		return err
	}
	path := "/api/v1/calendars/" + calendar.ID
	if err := a.Call(ctx, http.MethodPost, path+"/holidays", object{"base": calendar.Latest, "years": []int{2024, 2025, 2026}}, &calendar); err != nil {
		return err
	}
	if err := a.Call(ctx, http.MethodPost, path+"/assign", object{"lots": []string{Lot}}, nil); err != nil {
		return err
	}
	used, err := a.NewTariff(ctx, DemoTariff("演示收费", "Demonstration", 100))
	if err != nil {
		return err
	}
	if err := a.PublishTariff(ctx, &used); err != nil {
		return err
	}
	if _, err := a.UseTariff(ctx, Lot, used); err != nil {
		return err
	}
	// A draft to rehearse on the stays of the demonstration, and published tables to look at.
	if err := a.Redraft(ctx, &used, DemoTariff("演示收费", "Demonstration", 150)); err != nil {
		return err
	}
	for _, example := range examples() {
		if _, err := a.NewTariff(ctx, example); err != nil {
			return err
		}
	}
	return nil
}

// examples are tariffs in the manner of published ones.
func examples() []object {
	tariff := func(zh, en string, plans ...object) object {
		return object{"id": "example", "version": 1, "name": text(zh, en), "tz": "Asia/Shanghai", "currency": "CNY", "grace_after_payment": 900, "plans": plans}
	}
	return []object{
		tariff("机场航站楼停车楼", "Airport terminal garage", object{
			"id": "all", "position": "cycle", "cycle": object{"kind": "block", "length": 86400},
			"free": object{"up_to": 900, "inclusive": true, "then": "whole", "scope": "cycle"},
			"bands": []object{{"id": "always", "name": text("全天", "All day"), "steps": []object{
				{"up_to": 1800, "price": 300}, {"up_to": 3600, "price": 500}, {"unit": 1800, "price": 250},
			}}},
			"caps": []object{{"amount": 8000, "window": "cycle"}},
		}),
		tariff("市区占道停车（日夜分时）", "Roadside, day and night", object{
			"id": "large", "name": text("大型车", "Large vehicles"), "classes": []string{"large"},
			"free": object{"up_to": 900}, "bands": dayAndNight(300),
		}, object{
			"id": "small", "name": text("小型车", "Other vehicles"), "free": object{"up_to": 900}, "bands": dayAndNight(200),
		}),
	}
}

func dayAndNight(night int) []object {
	return []object{
		{"id": "holiday", "name": text("长假白天免费", "Long holidays, day"), "day_types": []string{"holiday_long"}, "from": "08:00", "to": "19:00"},
		{"id": "day", "name": text("白天", "Day"), "from": "08:00", "to": "19:00", "steps": []object{{"up_to": 3600, "price": 1000}, {"unit": 1800, "price": 300}}},
		{"id": "night", "name": text("夜间", "Night"), "from": "19:00", "to": "08:00", "steps": []object{{"unit": 14400, "price": night}}},
	}
}
