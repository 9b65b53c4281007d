package ingest_test

import (
	"context"
	"testing"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/exchange/exchangetest"
	"lotkeeper/shared/fact"
)

// The cloud's ingest on Postgres keeps the promises of the memory store that the simulated cloud stands on, and of a booth.
func TestIngestReceivesLikeEveryOther(t *testing.T) {
	for _, c := range exchangetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			w := newWorld(t)
			s := exchangetest.Subject{
				Lot: "riverside",
				Take: func(b exchange.Batch) (exchange.Verdict, fact.Head) {
					got := w.take(b)
					return got.Verdict, got.Head
				},
				Cursors: func() exchange.Cursors {
					c, _, err := w.service.Cursors(context.Background(), "riverside")
					must(t, err)
					return c
				},
				Records: func(a fact.Author, after uint64, n int) (out []fact.Record) {
					rows, err := w.db.SQL().QueryContext(context.Background(),
						`SELECT public, private, sig FROM facts WHERE lot_id = 'riverside' AND author = $1 AND seq > $2 ORDER BY seq LIMIT $3`, string(a), int64(after), n)
					must(t, err)
					defer rows.Close()
					for rows.Next() {
						var r fact.Record
						must(t, rows.Scan(&r.Public, &r.Private, &r.Sig))
						out = append(out, r)
					}
					must(t, rows.Err())
					return out
				},
				Sessions: func() fact.Hash {
					d := w.digest("riverside")
					if !d.Projection {
						t.Error("the tables that people read are not the fold")
					}
					return d.Sessions
				},
			}
			for _, b := range w.lot("riverside", "booth-a", "booth-b") {
				s.Booths = append(s.Booths, exchangetest.Booth{Name: b.name, Key: b.key, Cert: b.cert})
			}
			c.Run(t, s)
		})
	}
}
