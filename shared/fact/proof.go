package fact

import (
	"time"

	"lotkeeper/shared/money"
)

// Proved says that a driver showed the cloud's receipt of a payment at a lane. It settles like the [Payment] of the same
// order, which may come before or after it: one order counts once.
type Proved struct {
	Session  ID             `json:"session"`
	Amount   money.Amount   `json:"amount"`
	Curr     money.Currency `json:"currency"`
	Provider string         `json:"provider"`
	Order    string         `json:"order"`
	Quoted   time.Time      `json:"quoted,omitzero"`
	Lane     string         `json:"lane"`
	By       string         `json:"by,omitempty"` // the person who put the scanner to it; empty: the driver
	Receipt  string         `json:"receipt"`      // what was shown
}

// Promised says that a vehicle left on its driver's promise to pay: its bill stands as a debt. The bill is written with
// it, and the exit's observation, with its pictures, is in refs.
type Promised struct {
	Session ID             `json:"session"`
	Amount  money.Amount   `json:"amount"`
	Curr    money.Currency `json:"currency"`
	Tariff  TariffRef      `json:"tariff"` // that the amount was asked by
	Lane    string         `json:"lane"`
	By      string         `json:"by,omitempty"` // the person who allowed it; empty: the lot's policy
	Note    string         `json:"note,omitempty"`
}
