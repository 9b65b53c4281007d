package seat

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/wire"
)

type store struct{ db *database.DB }

func (s store) put(tx *database.Tx, c Command, booth string, actor scope.Actor, w wire.Command) error {
	doc, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encode command: %w", err)
	}
	err = tx.Gorm().Exec(`INSERT INTO commands (id, lot_id, booth_id, lane, action, reason, actor, document, state, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?, ?)`,
		c.ID, string(c.Lot), booth, c.Lane, string(c.Action), c.Reason, string(actor), string(doc), string(c.State), c.CreatedAt, c.ExpiresAt).Error
	if err != nil {
		return fmt.Errorf("store command: %w", err)
	}
	return nil
}

type answer struct {
	id, lot, booth string
	state          State
	detail, fact   string
	at             time.Time
}

// answer keeps the first answer of the booth that the command went to; "unknown" gives way to a better one.
func (s store) answer(ctx context.Context, a answer) error {
	return s.db.WithTx(ctx, func(tx *database.Tx) error {
		err := tx.Gorm().Exec(`UPDATE commands SET state = ?, detail = ?, fact = ?, answered_at = ?
			WHERE id = ? AND lot_id = ? AND booth_id = ? AND (state = 'sent' OR state = 'unknown' AND ? <> 'unknown')`,
			string(a.state), a.detail, a.fact, a.at, a.id, a.lot, a.booth, string(a.state)).Error
		if err != nil {
			return fmt.Errorf("keep answer to command %s: %w", a.id, err)
		}
		return nil
	})
}

func (s store) giveUp(ctx context.Context, now time.Time, grace time.Duration) (given []string, err error) {
	err = s.db.WithTx(ctx, func(tx *database.Tx) error {
		given = nil
		return tx.Gorm().Raw(`UPDATE commands SET state = 'unknown', detail = 'no answer', answered_at = ? WHERE state = 'sent' AND expires_at < ? RETURNING id`,
			now, now.Add(-grace)).Scan(&given).Error
	})
	if err != nil {
		return nil, fmt.Errorf("give up on commands: %w", err)
	}
	return given, nil
}

func (s store) byID(ctx context.Context, sc scope.Scope, command string) (Command, error) {
	var row struct {
		ID, LotID, Lane, Action, Reason, State, Detail, Fact string

		CreatedAt  time.Time
		ExpiresAt  time.Time
		AnsweredAt *time.Time
	}
	if !id.Valid("cmd", command) {
		return Command{}, ErrNone
	}
	err := s.db.Gorm(ctx).Table("commands c").Joins("JOIN lots l ON l.id = c.lot_id").Scopes(database.Within(sc, "l.operator_id", "l.id")).
		Where("c.id = ?", command).Select("c.*").Take(&row).Error
	if database.IsNotFound(err) {
		return Command{}, ErrNone
	}
	if err != nil {
		return Command{}, fmt.Errorf("read command %s: %w", command, err)
	}
	return Command{
		ID: row.ID, Lot: id.Lot(row.LotID), Lane: row.Lane, Action: wire.CommandAction(row.Action), Reason: row.Reason, State: State(row.State),
		Detail: row.Detail, Fact: row.Fact, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, AnsweredAt: row.AnsweredAt,
	}, nil
}
