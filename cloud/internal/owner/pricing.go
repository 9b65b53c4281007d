package owner

import (
	"context"
	"errors"
	"time"

	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Pricing tells what a stay owes, from the sessions that the cloud folded and what its payments settled since.
type Pricing struct {
	store  store
	lots   Lots
	rights Rights
}

// NewPricing makes a Pricing. rights may be nil: then nobody has any.
func NewPricing(db *database.DB, lots Lots, rights Rights) *Pricing {
	return &Pricing{store{db}, lots, rights}
}

// stay is a session as the cloud folded it.
type stay struct{ session.Session }

// ids are all the names of the session.
func (st stay) ids() []string {
	out := []string{st.ID.String()}
	for _, a := range st.Aliases {
		out = append(out, a.String())
	}
	return out
}

// credit adds what orders settled and the fold does not know yet: their facts are on the way.
func (st *stay) credit(settled []payment.Order) {
	known := map[string]bool{}
	for _, p := range st.Pays {
		known[p.Method+"\n"+p.Order] = true
	}
	for _, o := range settled {
		if known[o.Provider+"\n"+o.No] {
			continue
		}
		st.Pays = append(st.Pays, session.Payment{Fact: fact.ID{}, At: o.QuotedAt, Amount: o.Amount, Method: o.Provider, Order: o.No})
		if st.Bill != nil { // of a stay that is billed, the debt is what counts
			take := min(o.Amount, st.Money.Debt)
			st.Money.Paid, st.Money.Debt = st.Money.Paid+take, st.Money.Debt-take
		}
	}
}

// bill is the frozen bill of a stay that has one, with what was paid since; else its price at the time.
func (p *Pricing) bill(ctx context.Context, st stay, c *wire.Config, at time.Time) (tariff.Bill, error) {
	if st.Bill != nil {
		b := *st.Bill
		b.Paid, b.Due = st.Money.Paid, st.Money.Debt
		return b, nil
	}
	terms := wire.Terms{Config: c}
	if p.rights != nil {
		var err error
		if terms.Rights, terms.InForce, err = p.rights.Of(ctx, id.Lot(c.Lot), st.Plate); err != nil {
			return tariff.Bill{}, err
		}
	}
	return session.Price(st.Session, at, terms)
}

// Owes reports whether a stay needs the money of an order: it is what package payment asks before it believes that a
// payment pays for something.
func (p *Pricing) Owes(ctx context.Context, o payment.Order) (bool, error) {
	st, err := p.store.stay(ctx, o.Lot, o.Session)
	if errors.Is(err, ErrNoQuote) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	c, err := p.lots.Config(ctx, scope.System("payment"), o.Lot)
	if err != nil {
		return true, err
	}
	bill, err := p.bill(ctx, st, &c, o.QuotedAt)
	if err != nil {
		return true, err
	}
	return bill.Due > 0, nil
}
