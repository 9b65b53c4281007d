package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/database/databasetest"
	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/scope"
)

func TestFiftyAtOnceHaveOneEffect(t *testing.T) {
	db := databasetest.New(t)
	k := idempotency.Key{Actor: "user:a", Key: "key-1", Hash: [32]byte{1}}
	var effects, replays atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			r, err := idempotency.Do(context.Background(), db, k, time.Now(), func(*database.Tx) (string, error) {
				effects.Add(1)
				return "paid", nil
			})
			if err != nil || r.Value != "paid" {
				t.Errorf("got %q, %v", r.Value, err)
			}
			if r.Replayed {
				replays.Add(1)
			}
		})
	}
	wg.Wait()
	if effects.Load() != 1 || replays.Load() != 49 {
		t.Errorf("%d effects and %d replays, want 1 and 49", effects.Load(), replays.Load())
	}
}

func TestReuseFailureAndOthers(t *testing.T) {
	db := databasetest.New(t)
	at := time.Now()
	do := func(actor, key string, hash byte, value int, err error) (int, error) {
		r, e := idempotency.Do(t.Context(), db, idempotency.Key{Actor: scope.Actor(actor), Key: key, Hash: [32]byte{hash}}, at,
			func(*database.Tx) (int, error) { return value, err })
		return r.Value, e
	}
	boom := errors.New("boom")
	if _, err := do("a", "k", 1, 0, boom); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, actor, key string
		hash             byte
		give, want       int
		err              error
	}{
		{"after a failure the key is free", "a", "k", 1, 7, 7, nil},
		{"replay", "a", "k", 1, 8, 7, nil},
		{"another request", "a", "k", 2, 8, 0, idempotency.ErrReused},
		{"another actor", "b", "k", 2, 9, 9, nil},
		{"another key", "a", "l", 1, 10, 10, nil},
	} {
		if got, err := do(tc.actor, tc.key, tc.hash, tc.give, nil); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %d, %v; want %d, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
	n, err := idempotency.Forget(t.Context(), db, at.Add(time.Second))
	if err != nil || n != 3 {
		t.Errorf("forgot %d, %v; want 3", n, err)
	}
	if _, err := do("", "", 1, 1, nil); err == nil {
		t.Error("an empty key was taken")
	}
}
