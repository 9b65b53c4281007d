package fact

import "lotkeeper/shared/money"

// ShiftOpened says that a person took over a booth. What the booth writes after After is the shift's, until the fact that
// closes it.
type ShiftOpened struct {
	By    string `json:"by"`
	After uint64 `json:"after"` // number in this author's log
	// Carried are bills of the shift before whose vehicles had not left the lane when it was closed: they count here.
	Carried []ID `json:"carried,omitempty"`
}

// ShiftClosed says that a shift was handed over. Refs name the fact that opened it. Its totals are frozen: what facts that
// come later make of them is a difference, never another closing.
type ShiftClosed struct {
	Shift   ID             `json:"shift"`
	By      string         `json:"by"`           // who handed over: the shift's person, or who took over in their absence
	To      string         `json:"to,omitempty"` // who took over at once
	Upto    uint64         `json:"upto"`         // number in this author's log: the shift's last fact
	Totals  ShiftTotals    `json:"totals"`
	Counted money.Amount   `json:"counted"` // cash that the person counted
	Curr    money.Currency `json:"currency"`
	Note    string         `json:"note,omitempty"` // why the count differs
	Carried []ID           `json:"carried,omitempty"`
}

// ShiftTotals are the money of a shift. There are two accounts. The stays that it released: Gross = Free + Waived + Debt +
// the sum of Paid. And the drawer: Cash is what it took in notes, whichever shift releases the vehicle.
type ShiftTotals struct {
	Stays    int          `json:"stays"` // bills
	Gross    money.Amount `json:"gross"`
	Free     money.Amount `json:"free"`   // by rights and coupons
	Waived   money.Amount `json:"waived"` // by a person
	Debt     money.Amount `json:"debt"`   // left unpaid
	Paid     []PaidBy     `json:"paid,omitempty"`
	Cash     money.Amount `json:"cash"`
	Takings  int          `json:"takings"`  // of cash
	Releases int          `json:"releases"` // openings by a person's word
	Promises int          `json:"promises,omitempty"`
}

// PaidBy is what was paid in one way.
type PaidBy struct {
	Method string       `json:"method"` // "cash" or the provider
	Count  int          `json:"count"`
	Amount money.Amount `json:"amount"`
}
