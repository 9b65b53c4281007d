package database_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/scripts/bench/measure"
)

// row is about as wide as an order.
type row struct {
	ID     string `gorm:"primaryKey"`
	LotID  string
	Seq    int64
	Kind   string
	Amount int64
	Title  string
	At     time.Time
	Done   bool
}

func (row) TableName() string { return "bench_rows" }

// BenchmarkP8Gorm: GORM as the cloud opens it, beside pgx, same rows: one at a time, and 500 in a statement.
func BenchmarkP8Gorm(b *testing.B) {
	ctx := b.Context()
	db := databasetest.Durable(b)
	taken, err := db.SQL().Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = taken.Close() })
	var conn *pgx.Conn
	if err := taken.Raw(func(c any) error { conn = c.(*stdlib.Conn).Conn(); return nil }); err != nil { //nolint:forcetypeassert // pgx is the driver
		b.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `CREATE TABLE bench_rows (id text PRIMARY KEY, lot_id text, seq bigint, kind text, amount bigint, title text, at timestamptz, done boolean)`); err != nil {
		b.Fatal(err)
	}
	n := 0
	next := func(k int) []row {
		out := make([]row, k)
		for i := range out {
			n++
			out[i] = row{fmt.Sprintf("row-%08d", n), "riverside", int64(n), "payment", 1500, "a stay of three hours", time.Now(), n%2 == 0}
		}
		return out
	}
	statement := func(size int) string {
		var q strings.Builder
		q.WriteString("INSERT INTO bench_rows (id, lot_id, seq, kind, amount, title, at, done) VALUES ")
		for k := 0; k < 8*size; k += 8 {
			if k > 0 {
				q.WriteByte(',')
			}
			fmt.Fprintf(&q, "($%d,$%d,$%d,$%d,$%d,$%d,$%d,$%d)", k+1, k+2, k+3, k+4, k+5, k+6, k+7, k+8)
		}
		return q.String()
	}
	for _, c := range []struct {
		name        string
		size, times int
		goal        float64
	}{{"single rows", 1, 150, 0.8}, {"500 in a statement", 500, 10, 0.85}} {
		insert := statement(c.size)
		rate := func(do func([]row) error) func() float64 {
			return func() float64 {
				began := time.Now()
				for range c.times {
					if err := do(next(c.size)); err != nil {
						b.Fatal(err)
					}
				}
				return float64(c.size*c.times) / time.Since(began).Seconds()
			}
		}
		measure.Compare(b, "P8", "GORM beside pgx, "+c.name, "rows/s", measure.Goal{Least: c.goal},
			rate(func(rows []row) error {
				args := make([]any, 0, 8*len(rows))
				for _, r := range rows {
					args = append(args, r.ID, r.LotID, r.Seq, r.Kind, r.Amount, r.Title, r.At, r.Done)
				}
				_, err := conn.Exec(ctx, insert, args...)
				return err
			}),
			rate(func(rows []row) error {
				if c.size == 1 {
					return db.Gorm(ctx).Create(&rows[0]).Error
				}
				return db.Gorm(ctx).Create(&rows).Error
			}))
	}
}
