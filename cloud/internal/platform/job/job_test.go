package job_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/job"
)

type note struct {
	N int `json:"n"`
}

func (note) Kind() string { return "test_note" }

type tick struct{}

func (tick) Kind() string { return "test_tick" }

func TestOurMigrationsAreRiversOwn(t *testing.T) {
	lacks, err := job.Validate(t.Context(), databasetest.New(t))
	if err != nil || len(lacks) > 0 {
		t.Errorf("river's schema lacks %v (%v): add the new versions as the next migration", lacks, err)
	}
}

func TestJobsFollowTheirTransaction(t *testing.T) {
	db := databasetest.New(t)
	set := job.NewSet()
	worked := make(chan int, 10)
	job.Add(set, func(_ context.Context, a note, attempt int) error {
		worked <- a.N*10 + attempt
		return nil
	})
	ticked := make(chan struct{}, 10)
	job.Add(set, func(context.Context, tick, int) error {
		select {
		case ticked <- struct{}{}:
		default:
		}
		return nil
	})
	set.Every(time.Hour, tick{})
	q, err := job.New(db, set, job.Config{Logger: slog.New(slog.DiscardHandler), Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()

	boom := errors.New("boom")
	err = db.WithTx(t.Context(), func(tx *database.Tx) error {
		return errors.Join(q.Insert(tx, note{N: 1}, time.Time{}), boom)
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if err := db.WithTx(t.Context(), func(tx *database.Tx) error { return q.Insert(tx, note{N: 2}, time.Time{}) }); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-worked:
		if got != 21 {
			t.Errorf("worked %d, want job 2, attempt 1: a rolled back job must not run", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the job did not run")
	}
	select {
	case <-ticked:
	case <-time.After(20 * time.Second):
		t.Error("the periodic job did not run at start")
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("Run did not end")
	}
	if len(worked) != 0 {
		t.Errorf("another job ran: %d", <-worked)
	}
}

func TestAQueueWithoutWorkersWaitsForItsEnd(t *testing.T) {
	q, err := job.New(databasetest.New(t), job.NewSet(), job.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	select {
	case err := <-ended:
		t.Fatalf("Run = %v before its context ended", err)
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Run did not end")
	}
}
