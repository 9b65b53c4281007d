// Package idempotency makes a write that is sent twice have one effect.
//
// The key of a caller, the hash of what was asked and the result are one row, written in the transaction of the
// effect itself: either all of it happened or none. The same key with another request is a conflict. A second
// request that arrives while the first still runs waits for it and gets its result.
package idempotency

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/scope"
)

// ErrReused is returned for a key that was used for another request.
var ErrReused = fault.New(fault.Conflict, "idempotency.key_reused",
	"该 Idempotency-Key 已用于另一个请求", "this Idempotency-Key was used for another request")

// Key names one intended action of one caller.
type Key struct {
	Actor scope.Actor
	Key   string
	Hash  [32]byte // of everything that was asked
}

// Result of an action.
type Result[T any] struct {
	Value    T
	Replayed bool // the action was done before; Value is what it gave then
}

// Do runs fn once for the key, in one transaction. If fn fails nothing is kept and the key is free again. T must
// survive JSON unchanged.
func Do[T any](ctx context.Context, db *database.DB, k Key, at time.Time, fn func(tx *database.Tx) (T, error)) (Result[T], error) {
	var result Result[T]
	if k.Actor == "" || k.Key == "" {
		return result, fmt.Errorf("idempotency: the key %q of %q is incomplete", k.Key, k.Actor)
	}
	err := db.WithTx(ctx, func(tx *database.Tx) error {
		result = Result[T]{}
		claim := tx.Gorm().Exec(`INSERT INTO idempotency (actor, key, hash, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (actor, key) DO NOTHING`, string(k.Actor), k.Key, k.Hash[:], at)
		if claim.Error != nil {
			return fmt.Errorf("idempotency: claim the key: %w", claim.Error)
		}
		if claim.RowsAffected == 0 {
			return replay(tx, k, &result)
		}
		value, err := fn(tx)
		if err != nil {
			return err
		}
		body, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("idempotency: encode the result: %w", err)
		}
		kept := tx.Gorm().Exec(`UPDATE idempotency SET body = ? WHERE actor = ? AND key = ?`, string(body), string(k.Actor), k.Key)
		if kept.Error != nil {
			return fmt.Errorf("idempotency: keep the result: %w", kept.Error)
		}
		if kept.RowsAffected != 1 {
			return fmt.Errorf("idempotency: keep the result: %d rows", kept.RowsAffected)
		}
		result.Value = value
		return nil
	})
	return result, err
}

func replay[T any](tx *database.Tx, k Key, result *Result[T]) error {
	var row struct {
		Hash []byte
		Body string
	}
	err := tx.Gorm().Raw(`SELECT hash, body::text AS body FROM idempotency WHERE actor = ? AND key = ?`, string(k.Actor), k.Key).Scan(&row).Error
	if err != nil {
		return fmt.Errorf("idempotency: read the key: %w", err)
	}
	if [32]byte(row.Hash) != k.Hash {
		return ErrReused
	}
	if err := json.Unmarshal([]byte(row.Body), &result.Value); err != nil {
		return fmt.Errorf("idempotency: decode the kept result: %w", err)
	}
	result.Replayed = true
	return nil
}

// Forget removes keys made before the time given; callers retry within hours, so a few days are plenty.
func Forget(ctx context.Context, db *database.DB, before time.Time) (int64, error) {
	done := db.Gorm(ctx).Exec(`DELETE FROM idempotency WHERE created_at < ?`, before)
	if done.Error != nil {
		return 0, fmt.Errorf("idempotency: forget: %w", done.Error)
	}
	return done.RowsAffected, nil
}
