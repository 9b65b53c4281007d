package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

// claimTry counts one more failure and returns the count, and until when the account is shut from now on. An
// account that is shut already is left alone: failures is -1 then.
func (s store) claimTry(tx *database.Tx, sc scope.Scope, who id.User, at time.Time) (failures int, until time.Time, err error) {
	var row struct {
		Failures    int
		LockedUntil *time.Time
	}
	err = tx.Gorm().Table("users").Select("failures, locked_until").Scopes(database.Within(sc, "operator_id", "")).
		Where("id = ?", string(who)).Clauses(clause.Locking{Strength: "UPDATE"}).Take(&row).Error
	if database.IsNotFound(err) {
		return 0, time.Time{}, ErrNoUser
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("claim a sign-in try: %w", err)
	}
	if row.LockedUntil != nil && row.LockedUntil.After(at) {
		return -1, *row.LockedUntil, nil
	}
	failures = row.Failures + 1
	var lock *time.Time
	if d := shutFor(failures); d > 0 {
		until = at.Add(d)
		lock = &until
	}
	err = tx.Gorm().Table("users").Where("id = ?", string(who)).
		Updates(map[string]any{"failures": failures, "locked_until": lock}).Error
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("claim a sign-in try: %w", err)
	}
	return failures, until, nil
}

func (s store) beginSession(tx *database.Tx, sc scope.Scope, who id.User, session string, sha []byte, address, agent string, at, expires time.Time) error {
	cleared := tx.Gorm().Table("users").Scopes(database.Within(sc, "operator_id", "")).Where("id = ? AND disabled_at IS NULL", string(who)).
		Updates(map[string]any{"failures": 0, "locked_until": nil})
	if cleared.Error != nil {
		return fmt.Errorf("clear failures: %w", cleared.Error)
	}
	if cleared.RowsAffected != 1 {
		return ErrCredentials // disabled this very moment
	}
	err := tx.Gorm().Exec(`INSERT INTO sign_ins (id, user_id, token_sha256, address, agent, created_at, seen_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, session, string(who), sha, address, agent, at, at, expires).Error
	if err != nil {
		return fmt.Errorf("insert sign-in: %w", err)
	}
	return nil
}

// openSession is a sign-in with its user.
type openSession struct {
	session string
	user    User
	seen    time.Time
	expires time.Time
	ended   bool
}

// session finds a sign-in by token_sha256 or id.
func (s store) session(ctx context.Context, sc scope.Scope, column string, value any) (openSession, error) {
	var row struct {
		User      userRow `gorm:"embedded"` // an unexported embedded struct would stay empty
		SessionID string
		SeenAt    time.Time
		ExpiresAt time.Time
		EndedAt   *time.Time
	}
	err := s.db.Gorm(ctx).Table("sign_ins").
		Select(userColumns+", sign_ins.id AS session_id, sign_ins.seen_at, sign_ins.expires_at, sign_ins.ended_at").
		Joins("JOIN users ON users.id = sign_ins.user_id").Joins("JOIN operators ON operators.id = users.operator_id").
		Scopes(database.Within(sc, "users.operator_id", "")).Where("sign_ins."+column+" = ?", value).Take(&row).Error
	if database.IsNotFound(err) {
		return openSession{}, ErrSignedOut
	}
	if err != nil {
		return openSession{}, fmt.Errorf("read sign-in: %w", err)
	}
	lots, err := lotsOf(s.db.Gorm(ctx), []userRow{row.User})
	if err != nil {
		return openSession{}, err
	}
	return openSession{session: row.SessionID, user: row.User.user(lots[row.User.ID]), seen: row.SeenAt, expires: row.ExpiresAt, ended: row.EndedAt != nil}, nil
}

func (s store) touchSession(ctx context.Context, _ scope.Scope, session string, at time.Time) error {
	err := s.db.Gorm(ctx).Exec(`UPDATE sign_ins SET seen_at = ? WHERE id = ? AND seen_at < ?`, at, session, at).Error
	if err != nil {
		return fmt.Errorf("touch sign-in: %w", err)
	}
	return nil
}

func (s store) endSession(tx *database.Tx, _ scope.Scope, session, why string, at time.Time) error {
	err := tx.Gorm().Exec(`UPDATE sign_ins SET ended_at = ?, ended_why = ? WHERE id = ? AND ended_at IS NULL`, at, why, session).Error
	if err != nil {
		return fmt.Errorf("end sign-in: %w", err)
	}
	return nil
}

// endSessions ends a user's sign-ins but the one to keep, and returns their ids.
func (s store) endSessions(tx *database.Tx, _ scope.Scope, who id.User, keep, why string, at time.Time) ([]string, error) {
	var ended []string
	err := tx.Gorm().Raw(`UPDATE sign_ins SET ended_at = ?, ended_why = ? WHERE user_id = ? AND id <> ? AND ended_at IS NULL RETURNING id`,
		at, why, string(who), keep).Scan(&ended).Error
	if err != nil {
		return nil, fmt.Errorf("end sign-ins: %w", err)
	}
	return ended, nil
}
