package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/fault"
)

const attempts = 6

// ErrBusy is returned when a transaction lost against others again and again.
var ErrBusy = fault.New(fault.Unavailable, "database.busy", "系统繁忙，请稍后再试", "the system is busy, try again")

// Tx is one transaction. It must not be kept after fn returns, nor used by two goroutines.
type Tx struct {
	gorm  *gorm.DB
	after *[]func()
}

// WithTx runs fn in a transaction and commits it if fn returns nil. Deadlocks (40P01) and serialization failures
// (40001) run fn again, with a growing random pause; after six losses it returns ErrBusy.
func (d *DB) WithTx(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		after, err := d.once(ctx, fn)
		if err == nil {
			for _, f := range after {
				f()
			}
			return nil
		}
		if !lostRace(err) {
			return err
		}
		if attempt == attempts {
			return ErrBusy.Wrap(err)
		}
		pause := time.NewTimer(rand.N(time.Duration(attempt) * 20 * time.Millisecond))
		select {
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("database: %w (retrying %w)", ctx.Err(), err)
		case <-pause.C:
		}
	}
}

func (d *DB) once(ctx context.Context, fn func(tx *Tx) error) (after []func(), err error) {
	g := d.gorm.WithContext(ctx).Begin()
	if g.Error != nil {
		return nil, fmt.Errorf("database: begin: %w", g.Error)
	}
	done := false
	defer func() {
		if !done { // an error or a panic in fn
			if rbErr := g.Rollback().Error; rbErr != nil && !errors.Is(rbErr, sql.ErrTxDone) && ctx.Err() == nil {
				d.log.WarnContext(ctx, "database: rollback", "err", rbErr)
			}
		}
	}()
	if err := fn(&Tx{gorm: g, after: &after}); err != nil {
		return nil, err
	}
	done = true
	if err := g.Commit().Error; err != nil {
		return nil, fmt.Errorf("database: commit: %w", err)
	}
	return after, nil
}

// Gorm starts a query in the transaction. For store.go files.
func (t *Tx) Gorm() *gorm.DB { return t.gorm.Session(&gorm.Session{NewDB: true}) }

// Context is the context that WithTx was given.
func (t *Tx) Context() context.Context { return t.gorm.Statement.Context }

// SQL is the transaction underneath, for river's InsertTx.
func (t *Tx) SQL() *sql.Tx {
	tx, ok := t.gorm.Statement.ConnPool.(*sql.Tx)
	if !ok {
		panic(fmt.Sprintf("database: a transaction runs on %T, not on *sql.Tx: is PrepareStmt on?", t.gorm.Statement.ConnPool))
	}
	return tx
}

// AfterCommit queues something that is not part of the transaction, such as waking a worker. It runs once, in the
// goroutine that called WithTx, after a commit; never after a rollback, nor after the rollback of a savepoint it
// was queued in. What must not be lost is an outbox row or a job instead.
func (t *Tx) AfterCommit(f func()) { *t.after = append(*t.after, f) }

// Savepoint runs fn so that its failure leaves the transaction usable: in Postgres any failed statement aborts
// the transaction up to the last savepoint.
func (t *Tx) Savepoint(fn func(tx *Tx) error) error {
	queued := len(*t.after)
	err := t.gorm.Transaction(func(g *gorm.DB) error {
		return fn(&Tx{gorm: g, after: t.after})
	})
	if err != nil {
		*t.after = (*t.after)[:queued]
	}
	return err
}

func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// IsNotFound tells that First or Take found no row.
func IsNotFound(err error) bool { return errors.Is(err, gorm.ErrRecordNotFound) }

// IsDuplicate tells that a unique constraint refused a row.
func IsDuplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }

// IsOverlap tells that an exclusion constraint refused a row.
func IsOverlap(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23P01"
}
