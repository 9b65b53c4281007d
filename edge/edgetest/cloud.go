package edgetest

import (
	"fmt"

	"lotkeeper/edge/internal/uplink/uplinktest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// Cloud says what the cloud would say. Booths of a [Plan] that is online have a line to it; the others hear of it what
// the test brings them.
type Cloud struct {
	*uplinktest.Cloud
	lot *Lot
}

func newCloud(l *Lot) *Cloud {
	return &Cloud{uplinktest.New(l.T, l.Authority, Name), l}
}

// Paid tells a booth that the cloud received money for a session.
func (c *Cloud) Paid(b *Booth, of fact.ID, amount money.Amount) {
	c.lot.T.Helper()
	c.PaidOrder(b, of, amount, fmt.Sprint("order-", c.Cursors()[c.Author].Seq))
}

// PaidOrder tells a booth that the cloud received an order's money.
func (c *Cloud) PaidOrder(b *Booth, of fact.ID, amount money.Amount, order string) {
	c.lot.T.Helper()
	c.Say(fact.KindPayment, fact.Payment{Session: of, Amount: amount, Curr: "CNY", Provider: "wechat", Order: order}, of)
	res, err := b.Lot().Merge(exchange.Batch{Lot: Name, Author: c.Author, Records: c.Records(c.Author)})
	must(c.lot.T, err)
	if res.Verdict != exchange.Accepted {
		c.lot.T.Fatalf("booth %s does not take the cloud's facts: %s %v", b.ID, res.Verdict, res.Cause)
	}
}
