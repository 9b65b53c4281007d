package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/scripts/bench/measure"
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

// BenchmarkP5Ingest: facts checked, taken, folded, projected and committed per second, in batches of 600, beside the
// same facts inserted by unnest into a bare table of the same columns. Each round has a lot of its own.
func BenchmarkP5Ingest(b *testing.B) {
	const size, batches = 600, 8
	w := newWorldOn(b, databasetest.Durable(b))
	w.exec(`CREATE TABLE floor (lot_id text, author text, seq bigint, hash bytea, kind text, at timestamptz, public bytea, private bytea, sig bytea, received_at timestamptz, PRIMARY KEY (lot_id, author, seq))`)
	n := 0
	rate := func(do func(log *booth, from, to int)) func() float64 {
		return func() float64 {
			n++
			log := w.lot(fmt.Sprintf("lot-%d", n), fmt.Sprintf("b-%d", n))[0]
			traffic(log, size*batches/6+1)
			began := time.Now()
			for i := range batches {
				do(log, i*size, (i+1)*size)
			}
			return size * batches / time.Since(began).Seconds()
		}
	}
	measure.Compare(b, "P5", "ingest beside bare inserts", "facts/s", measure.Goal{Least: 0.5},
		rate(func(log *booth, from, to int) { bareInsert(b, w, log, from, to) }),
		rate(func(log *booth, from, to int) {
			if got, err := w.service.Take(context.Background(), log.batch(from, to)); err != nil || got.Fresh != size {
				b.Fatal(got, err)
			}
		}))
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
