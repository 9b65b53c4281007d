package edgetest

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
)

// Cloud says what the cloud would say.
type Cloud struct {
	lot     *Lot
	author  fact.Author
	key     ed25519.PrivateKey
	head    fact.Head
	records []fact.Record
}

func newCloud(l *Lot) *Cloud {
	key, cert := l.Authority.Cloud()
	c := &Cloud{lot: l, author: "cloudcloudcloudc", key: key}
	c.say(fact.KindOpened, fact.Opened{Booth: enroll.Cloud, Key: key.Public().(ed25519.PublicKey), Cert: cert, Software: "test", Why: "new"})
	return c
}

func (c *Cloud) say(k fact.Kind, body any, refs ...fact.ID) {
	c.lot.T.Helper()
	now := time.Now()
	r, _, head, err := fact.Seal(c.head, c.key, fact.Stamp{Lot: Name, Author: c.author, Boot: "cloud", Mono: 1, Now: now},
		fact.Draft{At: now, Source: "cloud", Kind: k, Refs: refs, Body: body})
	must(c.lot.T, err)
	c.head, c.records = head, append(c.records, r)
}

// Paid tells a booth that the cloud received money for a session.
func (c *Cloud) Paid(b *Booth, of fact.ID, amount money.Amount) {
	c.lot.T.Helper()
	c.PaidOrder(b, of, amount, fmt.Sprint("order-", c.head.Seq))
}

// PaidOrder tells a booth that the cloud received an order's money.
func (c *Cloud) PaidOrder(b *Booth, of fact.ID, amount money.Amount, order string) {
	c.lot.T.Helper()
	c.say(fact.KindPayment, fact.Payment{Session: of, Amount: amount, Curr: "CNY", Provider: "wechat", Order: order}, of)
	res, err := b.Lot().Merge(exchange.Batch{Lot: Name, Author: c.author, Records: c.records})
	must(c.lot.T, err)
	if res.Verdict != exchange.Accepted {
		c.lot.T.Fatalf("booth %s does not take the cloud's facts: %s %v", b.ID, res.Verdict, res.Cause)
	}
}
