package tariff

import (
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	engine "lotkeeper/shared/tariff"
)

// The levels of findings.
const (
	LevelError   = "error"
	LevelWarning = "warning"
)

// Finding is something about a tariff that somebody should know before it is used.
type Finding struct {
	Level string      `json:"level"`
	Code  string      `json:"code"`
	Place string      `json:"place"`
	Text  engine.Text `json:"text"`
}

func lint(t engine.Tariff, _ calendar.Calendar) []Finding {
	out := []Finding{}
	for _, p := range t.Plans {
		if len(p.Bands) == 0 {
			out = append(out, Finding{LevelWarning, "free", "plans", engine.Text{ZH: "不收费", EN: "charges nothing"}})
		}
	}
	return out
}

type probe struct {
	Name engine.Text
	Stay engine.Stay
}

func probes(_ engine.Tariff, _ calendar.Calendar, class string, entry time.Time) []probe {
	return []probe{{engine.Text{ZH: "1小时", EN: "1 hour"}, engine.Stay{Entry: entry, Exit: entry.Add(time.Hour), Class: class}}}
}

type quote struct{ Gross, Free, Paid, Due money.Amount }

type rater struct {
	t   engine.Tariff
	cal calendar.Calendar
}

func compile(t engine.Tariff, cal calendar.Calendar) (*rater, error) { return &rater{t, cal}, nil }

func (r *rater) Rate(stay engine.Stay, c engine.Context) (engine.Bill, error) {
	return engine.Rate(r.t, r.cal, stay, c)
}

func (r *rater) Quote(stay engine.Stay, c engine.Context) (quote, error) {
	b, err := r.Rate(stay, c)
	return quote{b.Gross, b.Free, b.Paid, b.Due}, err
}

func entitle(*engine.Stay, []string) {}

func (p Pass) right(t engine.Tariff) engine.Right {
	r := engine.Right{ID: "pass", Kind: engine.RightCover}
	if p.From != (calendar.Date{}) {
		r.From = startOf(p.From, t)
	}
	if p.To != (calendar.Date{}) {
		r.Until = startOf(nextDay(p.To), t)
	}
	return r
}

func (b Booking) booked() engine.Booking {
	return engine.Booking{ID: "booking", From: b.From, Until: b.To}
}

func flagsOf(engine.Bill) []string { return []string{} }
