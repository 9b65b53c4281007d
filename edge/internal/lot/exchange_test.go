package lot_test

import (
	"testing"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/exchange/exchangetest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// A booth's lot keeps the promises that the cloud and the simulation's store keep. Its own opening, which no other has
// taken, is left out of what is compared.
func TestLotReceivesLikeEveryOther(t *testing.T) {
	for _, c := range exchangetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			ca := enrolltest.New(t)
			b := lottest.New(t, ca, "riverside", "booth-z")
			s := exchangetest.Subject{
				Lot: "riverside",
				Take: func(batch exchange.Batch) (exchange.Verdict, fact.Head) {
					res, err := b.Lot.Merge(batch)
					if err != nil {
						t.Fatal(err)
					}
					return res.Verdict, res.Head
				},
				Cursors: func() exchange.Cursors {
					c := b.Lot.Cursors()
					delete(c, b.Journal.Author())
					return c
				},
				Records: func(a fact.Author, after uint64, n int) []fact.Record {
					out, err := b.Lot.Records(a, after, n)
					if err != nil {
						t.Fatal(err)
					}
					return out
				},
				Sessions: func() (h fact.Hash) {
					b.Lot.View(func(k *session.Book) { h = k.Digest() })
					return h
				},
			}
			for _, name := range []string{"booth-a", "booth-b"} {
				id := ca.Booth("riverside", name, nil)
				s.Booths = append(s.Booths, exchangetest.Booth{Name: name, Key: id.Key, Cert: id.Cert})
			}
			c.Run(t, s)
		})
	}
}
