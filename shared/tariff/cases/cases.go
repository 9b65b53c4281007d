// Package cases reads files of worked examples, "this stay costs that much under this tariff", and tries tariffs on
// them. FORMAT.md beside package tariff describes the file.
package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// File is a file of cases. Keys that are not named here are for its readers.
type File struct {
	Cases []Case `json:"cases"`
}

// Case is a stay and what it costs.
type Case struct {
	ID           string            `json:"case_id"`
	Name         string            `json:"name"`
	Tariff       string            `json:"tariff_id"`
	TimeZone     string            `json:"timezone"`
	Currency     money.Currency    `json:"currency"`
	Class        string            `json:"vehicle_class"`
	DayTypes     map[string]string `json:"day_types"` // by date
	Entry        time.Time         `json:"entry"`
	Exit         time.Time         `json:"exit"`
	Want         money.Amount      `json:"expected_minor_units"`
	Working      string            `json:"working"`
	Flags        []string          `json:"flags"`
	Extras       json.RawMessage   `json:"extras"` // an [Extras]
	Alternatives []Alternative     `json:"alternatives"`
}

// Alternative is what the stay costs when the text is read in another way.
type Alternative struct {
	Interpretation string       `json:"interpretation"`
	Want           money.Amount `json:"expected_minor_units"`
}

// Extras is what is known beside the stay.
type Extras struct {
	PriorVisits []struct {
		Entry   time.Time    `json:"entry"`
		Exit    time.Time    `json:"exit"`
		Charged money.Amount `json:"charged_minor_units"`
	} `json:"prior_visits"`
	Payments []Payment `json:"payments"`
	Coupons  []struct {
		Kind    tariff.CouponKind `json:"kind"`
		Amount  money.Amount      `json:"amount_minor_units"`
		Percent int               `json:"percent_off"`
		Minutes int64             `json:"minutes"`
	} `json:"coupons"`
	Pass *struct {
		Kind      string        `json:"kind"`
		ValidFrom calendar.Date `json:"valid_from"`
		ValidTo   calendar.Date `json:"valid_to"`
	} `json:"pass"`
	Booking *struct {
		From  time.Time    `json:"from"`
		To    time.Time    `json:"to"`
		Price money.Amount `json:"price_minor_units"`
	} `json:"booking"`
	Entitlements []string `json:"entitlements"`
	FreeList     bool     `json:"free_list"`
}

// Payment is money received at a time.
type Payment struct {
	At     time.Time     `json:"at"`
	Amount *money.Amount `json:"amount_minor_units"` // none: what is due then
}

// Decode reads a file.
func Decode(data []byte) (File, error) {
	var f File
	if err := json.Unmarshal(data, &f); err != nil {
		return File{}, fmt.Errorf("cases: %w", err)
	}
	for i, c := range f.Cases {
		if c.Tariff == "" || c.Entry.IsZero() || c.Exit.IsZero() {
			return File{}, fmt.Errorf("cases: number %d (%q) lacks tariff_id, entry or exit", i+1, c.ID)
		}
	}
	return f, nil
}

// DecodeExtras reads extras. Unknown keys are errors: what is not understood would be left out of the price.
func DecodeExtras(data []byte) (x Extras, err error) {
	if len(data) == 0 || string(data) == "null" {
		return x, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return Extras{}, fmt.Errorf("extras: %w", err)
	}
	return x, nil
}

// Result is what became of a case.
type Result struct {
	Case Case
	Got  money.Amount // what the stay costs in all: gross less what was free
	Bill tariff.Bill
	Err  error
}

// Passed says whether the stay costs what the case says, and is flagged as it says.
func (r Result) Passed() bool {
	return r.Err == nil && r.Got == r.Case.Want && slices.Contains(r.Case.Flags, string(tariff.FlagMaxStay)) == slices.Contains(r.Bill.Flags, tariff.FlagMaxStay)
}

// Try prices a case by a tariff.
func (c Case) Try(t tariff.Tariff) Result {
	res := Result{Case: c}
	res.Bill, res.Err = c.price(t)
	res.Got = res.Bill.Gross - res.Bill.Free
	return res
}

func (c Case) price(t tariff.Tariff) (tariff.Bill, error) {
	cal := calendar.Calendar{ID: "case", Version: 1, Dates: map[calendar.Date]string{}}
	for text, word := range c.DayTypes {
		date, err := calendar.ParseDate(text)
		if err != nil {
			return tariff.Bill{}, err
		}
		cal.Dates[date] = word
	}
	if c.TimeZone != "" && c.TimeZone != t.TZ.String() {
		return tariff.Bill{}, fmt.Errorf("the case is in %s, the tariff in %s", c.TimeZone, t.TZ)
	}
	if c.Currency != "" && c.Currency != t.Currency {
		return tariff.Bill{}, fmt.Errorf("the case is in %s, the tariff in %s", c.Currency, t.Currency)
	}
	r, err := tariff.Compile(t, cal)
	if err != nil {
		return tariff.Bill{}, err
	}
	extras, err := DecodeExtras(c.Extras)
	if err != nil {
		return tariff.Bill{}, err
	}
	return extras.Bill(r, t, tariff.Stay{Entry: c.Entry, Exit: c.Exit, Class: c.Class})
}

// Bill prices a stay with what the extras say. A payment without an amount pays what was due at its time.
func (x Extras) Bill(r *tariff.Rater, t tariff.Tariff, stay tariff.Stay) (tariff.Bill, error) {
	stay.Entitlements = append(stay.Entitlements, x.Entitlements...)
	ctx := x.context(t)
	payments := slices.Clone(x.Payments)
	slices.SortStableFunc(payments, func(a, b Payment) int { return a.At.Compare(b.At) })
	for i, p := range payments {
		paid := tariff.Payment{ID: "payment-" + strconv.Itoa(i+1), At: p.At}
		if p.Amount != nil {
			paid.Amount = *p.Amount
		} else {
			then, err := r.Quote(tariff.Stay{Entry: stay.Entry, Exit: p.At, Class: stay.Class, Entitlements: stay.Entitlements}, ctx)
			if err != nil {
				return tariff.Bill{}, fmt.Errorf("payment at %s: %w", p.At, err)
			}
			paid.Amount = then.Due
		}
		ctx.Payments = append(ctx.Payments, paid)
	}
	return r.Rate(stay, ctx)
}

func (x Extras) context(t tariff.Tariff) (ctx tariff.Context) {
	if x.FreeList {
		ctx.Rights = append(ctx.Rights, tariff.Right{ID: "free-list", Kind: tariff.RightFree})
	}
	if p := x.Pass; p != nil {
		kind := p.Kind
		if kind == "" && len(t.Passes) > 0 {
			kind = t.Passes[0].ID
		}
		ctx.Rights = append(ctx.Rights, tariff.Right{
			ID: "pass", Kind: tariff.RightCover, Pass: kind,
			From: p.ValidFrom.Midnight(t.TZ.Location()), Until: p.ValidTo.Next().Midnight(t.TZ.Location()),
		})
	}
	if b := x.Booking; b != nil {
		ctx.Bookings = append(ctx.Bookings, tariff.Booking{ID: "booking", From: b.From, Until: b.To, Price: b.Price})
	}
	for i, v := range x.PriorVisits {
		ctx.Visits = append(ctx.Visits, tariff.Visit{ID: "visit-" + strconv.Itoa(i+1), Entry: v.Entry, Exit: v.Exit, Gross: v.Charged})
	}
	for i, k := range x.Coupons {
		ctx.Coupons = append(ctx.Coupons, tariff.Coupon{
			ID: "coupon-" + strconv.Itoa(i+1), Kind: k.Kind, Amount: k.Amount, Percent: k.Percent, Minutes: k.Minutes,
		})
	}
	return ctx
}
