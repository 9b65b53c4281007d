package console

import (
	"net/http"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

// Slip is what a driver gets in hand: what a stay cost, and how it was paid.
type Slip struct {
	Session fact.ID        `json:"session"`
	Plate   plate.Plate    `json:"plate"`
	Entered *time.Time     `json:"entered,omitempty"`
	Left    *time.Time     `json:"left,omitempty"`
	Curr    money.Currency `json:"currency"`
	Tariff  string         `json:"tariff,omitempty"` // id and version
	Lines   []tariff.Line  `json:"lines,omitempty"`
	Gross   money.Amount   `json:"gross"`
	Free    money.Amount   `json:"free"`
	Pays    []SlipPay      `json:"pays,omitempty"`
	Debt    money.Amount   `json:"debt"`
}

// SlipPay is one payment.
type SlipPay struct {
	At     time.Time    `json:"at"`
	Method string       `json:"method"`
	Amount money.Amount `json:"amount"`
	By     string       `json:"by,omitempty"`
}

// slip answers what a session's slip says. It may be asked for again: what it tells are facts.
func (c *Console) slip(w http.ResponseWriter, r *http.Request, _ person) {
	id, err := fact.ParseID(r.PathValue("session"))
	if err == nil {
		if s, ok := c.booth.Slip(id); ok {
			send(w, s)
			return
		}
	}
	fail(w, http.StatusNotFound, "no_session", "没有这次停车的记录", "the booth knows no such stay")
}
