package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lotkeeper/shared/fact"
)

// traffic is a log of stays: an entry and an exit, each read, decided and crossed.
func traffic(b *booth, stays int) {
	for i := range stays {
		text := fmt.Sprintf("粤B%05d", i)
		at := b.now.Add(time.Duration(i) * time.Second)
		b.pass(text, fact.Entry, at)
		b.pass(text, fact.Exit, at.Add(10*time.Minute))
	}
}

// BenchmarkIngest measures facts taken, folded and committed per second (P5), against the same facts inserted by unnest
// into a bare table of the same columns (the floor). One operation is one batch of 600 facts.
func BenchmarkIngest(b *testing.B) {
	const stays, size = 4000, 600
	for _, kind := range []string{"floor", "take"} {
		b.Run(kind, func(b *testing.B) {
			w := newWorld(b)
			w.exec(`CREATE TABLE floor (lot_id text, author text, seq bigint, hash bytea, kind text, at timestamptz, public bytea, private bytea, sig bytea, received_at timestamptz, PRIMARY KEY (lot_id, author, seq))`)
			var log *booth
			at, n := 0, 0
			next := func() (int, int) {
				if log == nil || at+size > len(log.records) {
					b.StopTimer()
					n++
					log = w.lot(fmt.Sprintf("lot-%d", n), fmt.Sprintf("b-%d", n))[0]
					traffic(log, stays)
					at = 0
					b.StartTimer()
				}
				from := at
				at += size
				return from, at
			}
			b.ResetTimer()
			for range b.N {
				from, to := next()
				if kind == "floor" {
					bareInsert(b, w, log, from, to)
				} else if got, err := w.service.Take(context.Background(), log.batch(from, to)); err != nil || got.Fresh != size {
					b.Fatal(got, err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

func bareInsert(b *testing.B, w *world, log *booth, from, to int) {
	b.Helper()
	n := to - from
	seqs, hashes, kinds, ats := make([]int64, n), make([][]byte, n), make([]string, n), make([]time.Time, n)
	publics, privates, sigs := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range n {
		f, r := &log.facts[from+i], log.records[from+i]
		h := r.Hash()
		seqs[i], hashes[i], kinds[i], ats[i], publics[i], privates[i], sigs[i] = int64(f.Seq), h[:], string(f.Kind), f.At, r.Public, r.Private, r.Sig
	}
	w.exec(`INSERT INTO floor (lot_id, author, seq, hash, kind, at, public, private, sig, received_at)
		SELECT $1, $2, u.*, now() FROM unnest($3::bigint[], $4::bytea[], $5::text[], $6::timestamptz[], $7::bytea[], $8::bytea[], $9::bytea[]) u`,
		log.lot, string(log.author), seqs, hashes, kinds, ats, publics, privates, sigs)
}
