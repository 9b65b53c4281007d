// Package right keeps what vehicles may do, need not pay, or owe, and publishes it to the booths of lots.
//
// What it promises:
//   - a change and its audit row are one transaction; within seconds each lot that it concerns has its next numbered set,
//     of which the head is signed, and its booths are sent what changed;
//   - a booth that missed it says so with its next cursor and is sent what it lacks, page by page (shared/right says how);
//   - which set is in force at which booth is known and shown;
//   - whoever sees some lots of an operator changes only rights that hold in those and no others.
package right

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/scope"
	engine "lotkeeper/shared/right"
)

// ID is a right of an operator.
type ID string

const prefix = "rgt"

// Right is a right with the lots that it holds in.
type Right struct {
	engine.Right
	Operator  id.Operator
	Lots      []id.Lot // none: all of the operator, those to come too
	Actor     scope.Actor
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Draft is what is decided about a right. Its ID and Version are not looked at.
type Draft struct {
	engine.Right
	Lots []id.Lot
}

// By is who asks for a change, for the audit row.
type By = lot.By

// The faults of rights.
var (
	ErrNone       = fault.New(fault.NotFound, "right.not_found", "没有这条权益", "there is no such right")
	ErrInvalid    = fault.New(fault.Invalid, "right.invalid", "权益内容有误", "the right is not valid")
	ErrStale      = fault.New(fault.Conflict, "right.changed", "权益已被他人修改，请刷新后再试", "somebody else changed the right: load it again")
	ErrScope      = fault.New(fault.Denied, "right.lots_denied", "只能管理本人可见停车场的权益", "you may only keep rights of the lots that you see")
	ErrNoOperator = fault.New(fault.Denied, "right.no_operator", "只有运营商的用户可以管理权益", "only users of an operator keep rights")
	ErrNoLot      = fault.New(fault.NotFound, "lot.not_found", "没有这个停车场", "there is no such lot")
)

// Publisher is the part of the broker that rights speak to.
type Publisher interface {
	Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error
}

// Options of a Service; all are required.
type Options struct {
	DB     *database.DB
	Audit  *audit.Log
	Key    ed25519.PrivateKey // signs heads, as it does configurations
	Broker Publisher
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is what can be done with rights.
type Service struct {
	o     Options
	store store
	wake  chan struct{}

	mu   sync.Mutex
	sent map[string]sending // by lot and booth: what is under way
}

// New makes the service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Audit == nil || o.Broker == nil || o.Now == nil || o.Log == nil || len(o.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("right: DB, Audit, Key, Broker, Now and Log are required")
	}
	return &Service{o: o, store: store{o.DB}, wake: make(chan struct{}, 1), sent: map[string]sending{}}, nil
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// Filter of Find. Empty fields do not limit.
type Filter struct {
	Kind  engine.Kind
	Plate string // normalised
	Lot   id.Lot
	At    time.Time // those that have not ended by then
	Page  int       // from 1
	Size  int
}

// Find lists the rights that hold in a lot which the scope sees, the latest first, and how many there are.
func (s *Service) Find(ctx context.Context, sc scope.Scope, f Filter) ([]Right, int64, error) {
	return s.store.find(ctx, sc, f)
}

// ByID returns one.
func (s *Service) ByID(ctx context.Context, sc scope.Scope, which ID) (Right, error) {
	return s.store.byID(ctx, sc, which)
}

// Create adds rights, all or none; the faults of the others are listed with their place. The same key again gives what
// it gave.
func (s *Service) Create(ctx context.Context, sc scope.Scope, by By, key idempotency.Key, drafts []Draft) ([]ID, error) {
	if sc.Operator() == "" {
		return nil, ErrNoOperator
	}
	at := s.now()
	rights, bad := make([]Right, len(drafts)), ErrInvalid
	for i, d := range drafts {
		d.ID, d.Version = id.New(prefix, at), 1
		rights[i] = Right{Right: d.Right, Operator: sc.Operator(), Lots: lotsOf(d.Lots), Actor: by.Actor, CreatedAt: at, UpdatedAt: at}
		bad = faults(bad, place(i, len(drafts)), d.Right)
		if len(bad.Details) > maxFaults {
			break
		}
	}
	if len(bad.Details) > 0 {
		return nil, bad
	}
	res, err := idempotency.Do(ctx, s.o.DB, key, at, func(tx *database.Tx) ([]ID, error) {
		ids := make([]ID, len(rights))
		for i, r := range rights {
			ids[i] = ID(r.ID)
			if err := s.mayKeep(tx, sc, r.Lots); err != nil {
				return nil, err
			}
		}
		if err := s.store.insert(tx, sc, rights); err != nil {
			return nil, err
		}
		var after any = map[string]any{"rights": ids}
		subject, action := "rights:"+string(sc.Operator()), "right.import"
		if len(rights) == 1 {
			after, subject, action = view(rights[0]), "right:"+rights[0].ID, "right.create"
		}
		if err := s.o.Audit.Append(tx, audit.Entry{
			Operator: sc.Operator(), Actor: by.Actor, Action: action, Subject: subject, After: after, RequestID: by.RequestID, Address: by.Address,
		}); err != nil {
			return nil, err
		}
		return ids, s.changed(tx, at, rights...)
	})
	return res.Value, err
}

// maxFaults bounds how much is listed of what is wrong with an import.
const maxFaults = 200

// place is where a draft of a request stands.
func place(i, of int) string {
	if of == 1 {
		return "body"
	}
	return fmt.Sprintf("body.items[%d]", i)
}

// Update gives a right its next version. version is the one that the change was made on. A change that changes nothing
// makes none.
func (s *Service) Update(ctx context.Context, sc scope.Scope, by By, which ID, version uint64, d Draft) (Right, error) {
	var out Right
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		old, err := s.store.lock(tx, sc, which)
		if err != nil {
			return err
		}
		if err := s.mayKeep(tx, sc, old.Lots); err != nil {
			return err
		}
		out = old
		out.Right, out.Lots = d.Right, lotsOf(d.Lots)
		out.ID, out.Version = old.ID, old.Version
		if same, err := equal(old, out); err != nil || same {
			return err
		}
		if old.Version != version {
			return ErrStale
		}
		out.Version++
		if bad := faults(ErrInvalid, "body", out.Right); len(bad.Details) > 0 {
			return bad
		}
		if err := s.mayKeep(tx, sc, out.Lots); err != nil {
			return err
		}
		at := s.now()
		out.Actor, out.UpdatedAt = by.Actor, at
		if err := s.store.update(tx, sc, out); err != nil {
			return err
		}
		if err := s.record(tx, by, "right.update", out, view(old), view(out)); err != nil {
			return err
		}
		return s.changed(tx, at, old, out)
	})
	return out, err
}

// Delete takes a right out of every lot.
func (s *Service) Delete(ctx context.Context, sc scope.Scope, by By, which ID) error {
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		old, err := s.store.lock(tx, sc, which)
		if err != nil {
			return err
		}
		if err := s.mayKeep(tx, sc, old.Lots); err != nil {
			return err
		}
		if err := s.store.remove(tx, which); err != nil {
			return err
		}
		if err := s.record(tx, by, "right.delete", old, view(old), nil); err != nil {
			return err
		}
		return s.changed(tx, s.now(), old)
	})
	return err
}

func (s *Service) record(tx *database.Tx, by By, action string, r Right, before, after any) error {
	return s.o.Audit.Append(tx, audit.Entry{
		Operator: r.Operator, Actor: by.Actor, Action: action, Subject: "right:" + r.ID, Before: before, After: after,
		RequestID: by.RequestID, Address: by.Address,
	})
}

// mayKeep refuses rights of lots that the scope does not see, and of lots that there are not.
func (s *Service) mayKeep(tx *database.Tx, sc scope.Scope, lots []id.Lot) error {
	if _, all := sc.Lots(); len(lots) == 0 && !all {
		return ErrScope
	}
	seen, err := s.store.sees(tx, sc, lots)
	if err == nil && seen != len(lots) {
		err = ErrScope
	}
	return err
}

// changed queues the lots of rights for their next set, and wakes who publishes once the change stands.
func (s *Service) changed(tx *database.Tx, at time.Time, rights ...Right) error {
	var lots []id.Lot
	all := false
	for _, r := range rights {
		all = all || len(r.Lots) == 0
		lots = append(lots, r.Lots...)
	}
	tx.AfterCommit(s.poke)
	return s.store.queue(tx, rights[0].Operator, lotsOf(lots), all, at)
}

// lotsOf sorts lots and takes out what stands twice.
func lotsOf(lots []id.Lot) []id.Lot {
	out := slices.Clone(lots)
	slices.Sort(out)
	return slices.Compact(out)
}

// faults adds what is wrong with a right.
func faults(bad *fault.Error, where string, r engine.Right) *fault.Error {
	if err := r.Validate(); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			bad = bad.With(where, "内容有误："+line, line)
		}
	}
	return bad
}

// equal reports whether a change would change nothing.
func equal(a, b Right) (bool, error) {
	x, err := json.Marshal(view(a))
	if err != nil {
		return false, fmt.Errorf("encode right %s: %w", a.ID, err)
	}
	y, err := json.Marshal(view(b))
	if err != nil {
		return false, fmt.Errorf("encode right %s: %w", b.ID, err)
	}
	return bytes.Equal(x, y), nil
}

// ends is when the last period of a right ends; nil when it never does.
func ends(r engine.Right) *time.Time {
	var last time.Time
	for _, p := range r.Periods {
		if p.To.IsZero() {
			return nil
		}
		if p.To.After(last) {
			last = p.To
		}
	}
	if last.IsZero() {
		return nil
	}
	return &last
}

// view is what the audit row tells of a right.
func view(r Right) map[string]any { return map[string]any{"right": r.Right, "lots": r.Lots} }
