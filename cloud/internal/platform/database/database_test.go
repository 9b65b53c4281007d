package database_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

func exec(t *testing.T, db *database.DB, sql string, args ...any) {
	t.Helper()
	if err := db.Gorm(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func scan[T any](t *testing.T, db *database.DB, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := db.Gorm(t.Context()).Raw(sql, args...).Scan(&v).Error; err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestSessionSettings(t *testing.T) {
	db := databasetest.New(t)
	for name, want := range map[string]string{
		"timezone": "UTC", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "application_name": "lotkeeper-cloud",
	} {
		if got := scan[string](t, db, "SELECT current_setting(?)", name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestTxCommitsRollsBackAndRunsHooksOnce(t *testing.T) {
	db := databasetest.New(t)
	exec(t, db, "CREATE TABLE x (n int PRIMARY KEY)")
	var hooks []string
	boom := errors.New("boom")
	insert := func(tx *database.Tx, n int) error { return tx.Gorm().Exec("INSERT INTO x VALUES (?)", n).Error }

	err := db.WithTx(t.Context(), func(tx *database.Tx) error {
		tx.AfterCommit(func() { hooks = append(hooks, "failed") })
		return errors.Join(insert(tx, 1), boom)
	})
	if !errors.Is(err, boom) {
		t.Fatalf("err = %v, want boom", err)
	}
	err = db.WithTx(t.Context(), func(tx *database.Tx) error {
		if err := insert(tx, 2); err != nil {
			return err
		}
		tx.AfterCommit(func() { hooks = append(hooks, "outer") })
		err := tx.Savepoint(func(tx *database.Tx) error {
			tx.AfterCommit(func() { hooks = append(hooks, "inner") })
			return insert(tx, 2)
		})
		if !database.IsDuplicate(err) {
			t.Errorf("savepoint err = %v, want a duplicate", err)
		}
		return insert(tx, 3) // the transaction still works
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := scan[string](t, db, "SELECT string_agg(n::text, ',' ORDER BY n) FROM x"); got != "2,3" {
		t.Errorf("rows = %s, want 2,3", got)
	}
	if strings.Join(hooks, " ") != "outer" {
		t.Errorf("hooks = %v, want only outer", hooks)
	}
}

func TestTxRollsBackOnPanic(t *testing.T) {
	db := databasetest.New(t)
	exec(t, db, "CREATE TABLE x (n int)")
	func() {
		defer func() { _ = recover() }()
		_ = db.WithTx(t.Context(), func(tx *database.Tx) error {
			if err := tx.Gorm().Exec("INSERT INTO x VALUES (1)").Error; err != nil {
				t.Error(err)
			}
			panic("in fn")
		})
	}()
	if n := scan[int](t, db, "SELECT count(*) FROM x"); n != 0 {
		t.Errorf("%d rows survived a panic", n)
	}
	if n := db.SQL().Stats().InUse; n != 0 {
		t.Errorf("%d connections leaked", n)
	}
}

// Two transactions that lock two rows in opposite order deadlock; one is retried and both end well.
func TestTxRetriesDeadlocks(t *testing.T) {
	db := databasetest.New(t)
	exec(t, db, "CREATE TABLE x (n int PRIMARY KEY, v int)")
	exec(t, db, "INSERT INTO x VALUES (1, 0), (2, 0)")
	var runs atomic.Int32
	var both, wg sync.WaitGroup
	both.Add(2)
	for i := range 2 {
		wg.Go(func() {
			var once sync.Once
			err := db.WithTx(context.Background(), func(tx *database.Tx) error {
				runs.Add(1)
				if err := tx.Gorm().Exec("UPDATE x SET v = v + 1 WHERE n = ?", 1+i).Error; err != nil {
					return err
				}
				once.Do(func() { both.Done(); both.Wait() })
				return tx.Gorm().Exec("UPDATE x SET v = v + 1 WHERE n = ?", 2-i).Error
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: no deadlock happened, the test proves nothing", runs.Load())
	}
	if got := scan[int](t, db, "SELECT sum(v) FROM x"); got != 4 {
		t.Errorf("sum = %d, want 4", got)
	}
}

func TestWithinHidesWhatTheScopeDoesNotSee(t *testing.T) {
	db := databasetest.New(t)
	exec(t, db, "CREATE TABLE x (operator_id text, lot_id text)")
	exec(t, db, "INSERT INTO x VALUES ('a','l1'), ('a','l2'), ('b','l3')")
	person := func(op id.Operator, all bool, lots ...id.Lot) scope.Scope {
		return scope.NewPrincipal(scope.Claims{User: "u", Operator: op, AllLots: all, Lots: lots}).Scope()
	}
	for name, tc := range map[string]struct {
		sc   scope.Scope
		want int64
	}{
		"zero":              {scope.Scope{}, 0},
		"all of a":          {person("a", true), 2},
		"one of a":          {person("a", false, "l1"), 1},
		"none of a":         {person("a", false), 0},
		"a naming b's lot":  {person("a", false, "l3"), 0},
		"system":            {scope.System("test"), 3},
		"unknown operator":  {person("c", true), 0},
		"injection in name": {person("a' OR '1'='1", true), 0},
	} {
		var n int64
		if err := db.Gorm(t.Context()).Table("x").Scopes(database.Within(tc.sc, "operator_id", "lot_id")).Count(&n).Error; err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n != tc.want {
			t.Errorf("%s sees %d rows, want %d", name, n, tc.want)
		}
	}
}

func TestMigrateIsRepeatableAndSafeInParallel(t *testing.T) {
	url := databasetest.EmptyURL(t)
	var wg sync.WaitGroup
	var ran atomic.Int32
	for range 3 {
		wg.Go(func() {
			db, err := database.Open(t.Context(), database.Config{URL: url, MaxOpen: 3, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = db.Close() }()
			done, err := db.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			ran.Add(int32(len(done)))
		})
	}
	wg.Wait()
	db, err := database.Open(t.Context(), database.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all, err := db.Migrations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if int(ran.Load()) != len(all) || len(all) < 3 {
		t.Errorf("three replicas ran %d migrations, there are %d", ran.Load(), len(all))
	}
	for _, m := range all {
		if !m.Applied {
			t.Errorf("%s not applied", m.File)
		}
	}
}

func TestAppendOnlyTablesRefuseChanges(t *testing.T) {
	db := databasetest.New(t)
	exec(t, db, "INSERT INTO audit (at, actor, action, subject) VALUES (now(), 'user:x', 'test', 'thing:1')")
	for _, sql := range []string{"UPDATE audit SET actor = 'user:y'", "DELETE FROM audit", "TRUNCATE audit"} {
		if err := db.Gorm(t.Context()).Exec(sql).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v, want append-only", sql, err)
		}
	}
}

// A plate in a query must not reach the log, even when the query is slow.
func TestSlowQueryLogHidesParameters(t *testing.T) {
	var log strings.Builder
	db, err := database.Open(t.Context(), database.Config{URL: databasetest.URL(t), SlowQuery: time.Nanosecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var n int64
	if err := db.Gorm(t.Context()).Table("users").Where("name = ?", "粤B12345").Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "slow query") || strings.Contains(log.String(), "12345") {
		t.Errorf("log = %s", log.String())
	}
}

func TestTimesAreUTCMicroseconds(t *testing.T) {
	db := databasetest.New(t)
	at := time.Date(2026, 11, 22, 0, 0, 0, 123456000, time.FixedZone("CST", 8*3600))
	got := scan[time.Time](t, db, "SELECT ?::timestamptz", at)
	if !got.Equal(at) {
		t.Errorf("got %v, want %v", got, at)
	}
	if now := db.Gorm(t.Context()).NowFunc(); now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
		t.Errorf("NowFunc = %v, want UTC microseconds", now)
	}
}
