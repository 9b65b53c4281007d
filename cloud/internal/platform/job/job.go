// Package job runs work that must happen although nobody waits for it, on river: a job is a row, written in the
// transaction of the change that calls for it, so it happens if and only if the change did.
//
// A feature adds its workers and periodic jobs to a Set before the server starts; workers must be idempotent, since
// a job that was cut short runs again.
package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"

	"lotkeeper/cloud/internal/platform/database"
)

// Args names a job and carries its input as JSON. Kind has two characters or more.
type Args = river.JobArgs

// Set collects workers and periodic jobs.
type Set struct {
	workers  *river.Workers
	kinds    int
	periodic []*river.PeriodicJob
}

// NewSet makes an empty set.
func NewSet() *Set { return &Set{workers: river.NewWorkers()} }

// Add says how jobs of a kind are done. work gets the input and which attempt this is, from 1.
func Add[A Args](s *Set, work func(ctx context.Context, args A, attempt int) error) {
	s.kinds++
	river.AddWorker(s.workers, river.WorkFunc(func(ctx context.Context, j *river.Job[A]) error {
		return work(ctx, j.Args, j.Attempt)
	}))
}

// Every runs a job again and again, on one replica at a time, first at start.
func (s *Set) Every(interval time.Duration, args Args) {
	s.periodic = append(s.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, nil }, &river.PeriodicJobOpts{RunOnStart: true}))
}

// Queue puts jobs in and runs them.
type Queue struct {
	client *river.Client[*sql.Tx]
	set    *Set
}

// Config of a queue. Workers and Poll may be zero.
type Config struct {
	Logger  *slog.Logger
	Workers int           // jobs at once; 0: 8
	Poll    time.Duration // how long a new job may wait; 0: 500 ms
}

// New makes the queue. It starts nothing; the set may grow until Run.
func New(db *database.DB, set *Set, cfg Config) (*Queue, error) {
	if cfg.Logger == nil {
		return nil, errors.New("job: no logger")
	}
	if cfg.Workers == 0 {
		cfg.Workers = 8
	}
	if cfg.Poll == 0 {
		cfg.Poll = 500 * time.Millisecond
	}
	rc := &river.Config{
		Workers:           set.workers,
		Logger:            cfg.Logger,
		FetchPollInterval: cfg.Poll,
		FetchCooldown:     min(cfg.Poll, 100*time.Millisecond),
		JobTimeout:        2 * time.Minute,
	}
	if db.SQL() != nil { // an unconnected database is only put together, and river wants a pool to work on
		rc.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: cfg.Workers}}
	}
	client, err := river.NewClient(riverdatabasesql.New(db.SQL()), rc)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	return &Queue{client: client, set: set}, nil
}

// Insert puts a job in as part of the transaction. at may be zero for now, or a time to wait for.
func (q *Queue) Insert(tx *database.Tx, args Args, at time.Time) error {
	_, err := q.client.InsertTx(tx.Context(), tx.SQL(), args, &river.InsertOpts{ScheduledAt: at})
	if err != nil {
		return fmt.Errorf("job %s: insert: %w", args.Kind(), err)
	}
	return nil
}

// Run works until ctx ends, then lets running jobs finish for ten seconds before it cancels them. A queue whose set has no
// workers waits for the end: there is nothing to do, which river would call an error.
func (q *Queue) Run(ctx context.Context) error {
	if q.set.kinds == 0 {
		<-ctx.Done()
		return nil
	}
	if _, err := q.client.PeriodicJobs().AddManySafely(q.set.periodic); err != nil { // the set may have grown since New
		return fmt.Errorf("job: %w", err)
	}
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("job: start: %w", err)
	}
	<-ctx.Done()
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := q.client.Stop(soft)
	if err == nil {
		return nil
	}
	hard, cancelHard := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelHard()
	if err := q.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("job: stop: %w", err)
	}
	return nil
}

// Validate tells what river's own schema lacks for the version of river that we build with.
func Validate(ctx context.Context, db *database.DB) ([]string, error) {
	m, err := rivermigrate.New(riverdatabasesql.New(db.SQL()), nil)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	result, err := m.Validate(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("job: validate: %w", err)
	}
	return result.Messages, nil
}
