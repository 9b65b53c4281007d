package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

type store struct{ db *database.DB }

type row struct {
	ID         int64
	At         time.Time
	OperatorID *string
	Actor      string
	Action     string
	Subject    string
	Before     *string
	After      *string
	RequestID  string
	Address    string
}

func (s store) append(tx *database.Tx, e Entry, before, after *string, at time.Time) error {
	var operator *string
	if e.Operator != "" {
		operator = (*string)(&e.Operator)
	}
	err := tx.Gorm().Exec(`INSERT INTO audit (at, operator_id, actor, action, subject, before, after, request_id, address)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		at, operator, string(e.Actor), e.Action, e.Subject, before, after, e.RequestID, e.Address).Error
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

func (s store) find(ctx context.Context, sc scope.Scope, f Filter) ([]Record, error) {
	q := s.db.Gorm(ctx).Table("audit").Scopes(database.Within(sc, "operator_id", ""))
	if f.Actor != "" {
		q = q.Where("actor = ?", string(f.Actor))
	}
	if f.Action != "" {
		q = q.Where("action = ?", f.Action)
	}
	if f.Subject != "" {
		q = q.Where("subject = ?", f.Subject)
	}
	if f.BeforeID > 0 {
		q = q.Where("id < ?", f.BeforeID)
	}
	var rows []row
	if err := q.Order("id DESC").Limit(f.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find audit records: %w", err)
	}
	records := make([]Record, 0, len(rows))
	for _, r := range rows {
		rec := Record{
			ID: r.ID, At: r.At, Actor: scope.Actor(r.Actor), Action: r.Action, Subject: r.Subject,
			Before: raw(r.Before), After: raw(r.After), RequestID: r.RequestID, Address: r.Address,
		}
		if r.OperatorID != nil {
			rec.Operator = id.Operator(*r.OperatorID)
		}
		records = append(records, rec)
	}
	return records, nil
}

func raw(s *string) json.RawMessage {
	if s == nil {
		return json.RawMessage("null")
	}
	return json.RawMessage(*s)
}
