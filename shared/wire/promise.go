package wire

import "lotkeeper/shared/money"

// PromisePolicy says who may leave on a promise to pay while the cloud is away. The zero policy lets nobody.
type PromisePolicy struct {
	Count int          `json:"count"` // promises of one plate that may be open; 0: none
	Sum   money.Amount `json:"sum"`   // what they may owe together
	Days  int          `json:"days"`  // how far back they are looked for; 0 means 30
	// After is for how many seconds the cloud must be away until a vehicle that owes goes by itself; 0: only when a person
	// says so.
	After int `json:"after,omitempty"`
}
