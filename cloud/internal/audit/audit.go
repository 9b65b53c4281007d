// Package audit keeps who did what, with the state before and after.
//
// A row is written in the transaction of the change it tells of, so there is no change without its row and no row
// without its change. Rows are never changed: the database refuses it. What goes into Before and After is what the
// caller chose: no passwords, no tokens, plates only where the change is about the plate.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

// Entry is one thing done.
type Entry struct {
	Operator  id.Operator // "" when it concerns no single operator
	Actor     scope.Actor
	Action    string // noun.verb, as "user.create"
	Subject   string // kind:id, as "user:usr-…"
	Before    any    // nil for a creation; encoded as JSON
	After     any    // nil for a removal
	RequestID string
	Address   string
}

// Record is an entry as it was kept.
type Record struct {
	ID        int64
	At        time.Time
	Operator  id.Operator
	Actor     scope.Actor
	Action    string
	Subject   string
	Before    json.RawMessage
	After     json.RawMessage
	RequestID string
	Address   string
}

// Filter of Find. Empty fields do not limit.
type Filter struct {
	Actor    scope.Actor
	Action   string
	Subject  string
	BeforeID int64 // only older rows: the cursor of the next page
	Limit    int   // 1 to 200
}

// Log is the audit log.
type Log struct {
	store store
	now   func() time.Time
}

// New makes the log on a database.
func New(db *database.DB, now func() time.Time) *Log {
	return &Log{store: store{db: db}, now: now}
}

// Append writes the entry in the transaction of the change.
func (l *Log) Append(tx *database.Tx, e Entry) error {
	if e.Actor == "" || e.Action == "" || e.Subject == "" {
		return fmt.Errorf("audit: actor %q, action %q and subject %q are all required", e.Actor, e.Action, e.Subject)
	}
	before, err := encode(e.Before)
	if err != nil {
		return fmt.Errorf("audit %s: before: %w", e.Action, err)
	}
	after, err := encode(e.After)
	if err != nil {
		return fmt.Errorf("audit %s: after: %w", e.Action, err)
	}
	return l.store.append(tx, e, before, after, l.now())
}

// Find returns the newest records first.
func (l *Log) Find(ctx context.Context, sc scope.Scope, f Filter) ([]Record, error) {
	if f.Limit < 1 || f.Limit > 200 {
		return nil, errLimit
	}
	return l.store.find(ctx, sc, f)
}

var errLimit = fault.New(fault.Invalid, "audit.limit", "每页 1 至 200 条", "a page has 1 to 200 rows")

func encode(v any) (*string, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	s := string(text)
	return &s, nil
}
