package app

import (
	"context"
	"time"

	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/job"
)

// keysKept is longer than any client goes on retrying: a collector's device may be offline for a shift or two.
const keysKept = 7 * 24 * time.Hour

type forgetKeys struct{}

func (forgetKeys) Kind() string { return "forget_idempotency_keys" }

// housekeeping is the work of the platform itself.
func (a *App) housekeeping() {
	job.Add(a.jobs, func(ctx context.Context, _ forgetKeys, _ int) error {
		forgotten, err := idempotency.Forget(ctx, a.DB, a.Now().Add(-keysKept))
		if err == nil && forgotten > 0 {
			a.Log.InfoContext(ctx, "forgot idempotency keys", "keys", forgotten)
		}
		return err
	})
	a.jobs.Every(time.Hour, forgetKeys{})
}
