package right

import (
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	engine "lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
)

type textBody struct {
	ZH string `json:"zh" maxLength:"100"`
	EN string `json:"en" maxLength:"100"`
}

type plateBody struct {
	Text   string `json:"text" minLength:"1" maxLength:"40" doc:"As people write it; it is normalised."`
	Colour string `json:"colour,omitempty" enum:"unknown,blue,yellow,white,black,green,yellow-green" doc:"Without it the right is any vehicle's with the text."`
}

type matchBody struct {
	Classes  []string `json:"classes,omitempty" maxItems:"40" doc:"Classes of plates, as police or embassy."`
	Patterns []string `json:"patterns,omitempty" maxItems:"200" doc:"Of the whole text: * is any run of characters, ? any one."`
}

type periodBody struct {
	From *time.Time `json:"from,omitempty" doc:"None: since ever."`
	To   *time.Time `json:"to,omitempty" doc:"No longer part of it; none: for ever."`
}

type hoursBody struct {
	From     string   `json:"from" example:"08:00"`
	To       string   `json:"to" example:"20:00" doc:"At or before from: on the next day."`
	DayTypes []string `json:"day_types,omitempty" maxItems:"40" doc:"Words of the lot's calendar or names of weekdays; none: every day."`
}

type debtBody struct {
	Amount   money.Amount `json:"amount" minimum:"1" doc:"Minor units."`
	Currency string       `json:"currency" minLength:"3" maxLength:"3" example:"CNY"`
	Stays    int          `json:"stays" minimum:"1"`
}

// ContentBody is what is decided about a right.
type ContentBody struct {
	Kind         string       `json:"kind" enum:"permit,free,special,black,arrears,entitled"`
	Plates       []plateBody  `json:"plates,omitempty" maxItems:"200"`
	Match        *matchBody   `json:"match,omitempty" doc:"For special and black: vehicles by class or pattern."`
	Places       int          `json:"places,omitempty" minimum:"0" doc:"Of a permit: how many of its vehicles may be inside on it at once; 0 is all. One more is charged as a visitor."`
	Periods      []periodBody `json:"periods,omitempty" maxItems:"100" doc:"When it holds; none: always."`
	Hours        []hoursBody  `json:"hours,omitempty" maxItems:"50" doc:"Daily hours in those periods, in each lot's zone; none: all day."`
	Pass         string       `json:"pass,omitempty" maxLength:"60" doc:"A pass of tariffs that says which hours are covered."`
	Entitlements []string     `json:"entitlements,omitempty" maxItems:"20" doc:"Plans of tariffs ask for these."`
	Name         *textBody    `json:"name,omitempty" doc:"For drivers, on the bill."`
	Why          string       `json:"why,omitempty" maxLength:"200" doc:"For staff."`
	Watch        bool         `json:"watch,omitempty" doc:"Of a black list: only report the vehicle, and let it in."`
	Owes         *debtBody    `json:"owes,omitempty" doc:"Of arrears."`
	Lots         []string     `json:"lots,omitempty" maxItems:"5000" doc:"Where it holds; none: in all lots of the operator, those to come too."`
}

// draft reads the body. Its faults are added to bad under where.
func (b ContentBody) draft(bad *fault.Error, where string) (Draft, *fault.Error) {
	before := len(bad.Details)
	add := func(field string, err error) {
		bad = bad.With(where+"."+field, "内容有误："+err.Error(), err.Error())
	}
	r := engine.Right{Kind: engine.Kind(b.Kind), Places: b.Places, Pass: b.Pass, Entitlements: b.Entitlements, Why: b.Why, Watch: b.Watch}
	for i, p := range b.Plates {
		read, err := parsePlate(p)
		if err != nil {
			add(fmt.Sprintf("plates[%d]", i), err)
			continue
		}
		r.Plates = append(r.Plates, read)
	}
	if b.Match != nil {
		r.Match = &engine.Match{Patterns: b.Match.Patterns}
		for i, c := range b.Match.Classes {
			var class plate.Class
			if err := class.UnmarshalText([]byte(c)); err != nil {
				add(fmt.Sprintf("match.classes[%d]", i), err)
			}
			r.Match.Classes = append(r.Match.Classes, class)
		}
	}
	for _, p := range b.Periods {
		r.Periods = append(r.Periods, engine.Period{From: given(p.From), To: given(p.To)})
	}
	for i, h := range b.Hours {
		w := tariff.ClockWindow{DayTypes: h.DayTypes}
		if err := w.From.UnmarshalText([]byte(h.From)); err != nil {
			add(fmt.Sprintf("hours[%d].from", i), err)
		}
		if err := w.To.UnmarshalText([]byte(h.To)); err != nil {
			add(fmt.Sprintf("hours[%d].to", i), err)
		}
		r.Hours = append(r.Hours, w)
	}
	if b.Name != nil {
		r.Name.ZH, r.Name.EN = b.Name.ZH, b.Name.EN
	}
	if b.Owes != nil {
		r.Owes = &engine.Debt{Amount: b.Owes.Amount, Currency: money.Currency(b.Owes.Currency), Stays: b.Owes.Stays}
	}
	d := Draft{Right: r}
	for _, l := range b.Lots {
		d.Lots = append(d.Lots, id.Lot(l))
	}
	if len(bad.Details) == before { // what could not be read is missing, which need not be said too
		r.ID, r.Version = prefix, 1
		bad = faults(bad, where, r)
	}
	return d, bad
}

func parsePlate(b plateBody) (engine.Plate, error) {
	colour := plate.ColourUnknown
	if b.Colour != "" {
		if err := colour.UnmarshalText([]byte(b.Colour)); err != nil {
			return engine.Plate{}, err
		}
	}
	p, err := plate.Parse(b.Text, colour)
	if err == nil && p.None() {
		err = fmt.Errorf("%.40q is no plate", b.Text)
	}
	return engine.Plate{Text: p.Text, Colour: colour}, err
}

// given is a time in UTC to the second, as documents hold it.
func given(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// RightBody is a right.
type RightBody struct {
	ID      string `json:"id"`
	Version uint64 `json:"version"`
	ContentBody
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func bodyOf(r Right) RightBody {
	b := RightBody{ID: r.ID, Version: r.Version, By: string(r.Actor), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	b.Kind, b.Places, b.Pass, b.Entitlements, b.Why, b.Watch = string(r.Kind), r.Places, r.Pass, r.Entitlements, r.Why, r.Watch
	for _, p := range r.Plates {
		x := plateBody{Text: p.Text}
		if p.Colour.Known() {
			x.Colour = p.Colour.String()
		}
		b.Plates = append(b.Plates, x)
	}
	if r.Match != nil {
		b.Match = &matchBody{Patterns: r.Match.Patterns}
		for _, c := range r.Match.Classes {
			b.Match.Classes = append(b.Match.Classes, c.String())
		}
	}
	for _, p := range r.Periods {
		b.Periods = append(b.Periods, periodBody{taken(p.From), taken(p.To)})
	}
	for _, h := range r.Hours {
		b.Hours = append(b.Hours, hoursBody{h.From.String(), h.To.String(), h.DayTypes})
	}
	if r.Name != (tariff.Text{}) {
		b.Name = &textBody{r.Name.ZH, r.Name.EN}
	}
	if r.Owes != nil {
		b.Owes = &debtBody{r.Owes.Amount, string(r.Owes.Currency), r.Owes.Stays}
	}
	for _, l := range r.Lots {
		b.Lots = append(b.Lots, string(l))
	}
	return b
}

func taken(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
