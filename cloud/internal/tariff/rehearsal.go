package tariff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// RehearsalID is one trial of a tariff on past stays.
type RehearsalID string

// State is where a rehearsal stands.
type State string

// The states. The last three are its end.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports that nothing more will come.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Rehearsal is a tariff tried on the stays that lots billed in a time.
type Rehearsal struct {
	ID        RehearsalID
	Operator  id.Operator
	Tariff    ID
	Version   int // 0: the draft as it was
	Document  engine.Tariff
	Calendar  *calendar.Calendar // nil: the one that each stay was billed with
	Classes   []string           // only stays of these; none is all
	Only      string             // only stays that this tariff billed; "" is all
	From, To  time.Time          // stays that began in this time
	Laws      []engine.Finding   // what the candidate breaks
	State     State
	Total     int64 // stays, when it began
	Done      int64
	Actor     scope.Actor
	CreatedAt time.Time
	StartedAt *time.Time
	EndedAt   *time.Time
	Lots      []LotTally

	pages  int64
	cursor cursor
}

// LotTally is what was found in a lot so far.
type LotTally struct {
	Lot id.Lot
	Tally
}

// cursor is where the next page begins: after a stay, by begin and id.
type cursor struct {
	lot int // position
	at  time.Time
	id  string
}

// The faults of rehearsals.
var (
	ErrNoRehearsal = fault.New(fault.NotFound, "rehearsal.not_found", "没有这个费率彩排", "there is no such rehearsal")
	ErrEnded       = fault.New(fault.Conflict, "rehearsal.ended", "费率彩排已结束", "the rehearsal has ended")
	ErrManyAtOnce  = fault.New(fault.Exhausted, "rehearsal.too_many", "同时进行的费率彩排过多，请等待其完成", "too many rehearsals at once: wait for one to end")
)

const (
	prefixRehearsal = "reh"
	rehearsalDays   = 90
	atOnce          = 5   // rehearsals of an operator
	pageSize        = 500 // stays
	pagesPerJob     = 40  // then another job goes on, so that none runs long
	attemptsMax     = 5
)

// Rehearse is what to try.
type Rehearse struct {
	Tariff   ID
	Version  int // 0: the draft, or else the latest
	Lots     []id.Lot
	Days     int // back from now; 0 is 90
	Classes  []string
	Only     string
	Calendar *CalendarRef // nil: the one that each stay was billed with
}

// StartRehearsal puts a rehearsal in. A worker does it; Rehearsal tells how far it is.
func (s *Service) StartRehearsal(ctx context.Context, sc scope.Scope, by By, in Rehearse) (Rehearsal, error) {
	if sc.Operator() == "" {
		return Rehearsal{}, ErrNoOperator
	}
	at := s.now()
	if in.Days == 0 {
		in.Days = rehearsalDays
	}
	r := Rehearsal{
		ID: RehearsalID(id.New(prefixRehearsal, at)), Operator: sc.Operator(), Tariff: in.Tariff, Classes: in.Classes, Only: in.Only,
		From: at.AddDate(0, 0, -in.Days), To: at, State: Waiting, Actor: by.Actor, CreatedAt: at,
	}
	var err error
	if r.Document, r.Version, err = s.document(ctx, sc, in.Tariff, in.Version); err != nil {
		return Rehearsal{}, err
	}
	var judged calendar.Calendar
	if in.Calendar != nil {
		if judged, err = s.calendarOr(ctx, sc, in.Calendar); err != nil {
			return Rehearsal{}, err
		}
		r.Calendar = &judged
	}
	for _, l := range slices.Compact(slices.Sorted(slices.Values(in.Lots))) {
		c, err := s.o.Lots.Config(ctx, sc, l)
		if err != nil {
			return Rehearsal{}, err
		}
		if err := suits(r.Document, c, "lot "+string(l)); err != nil {
			return Rehearsal{}, err
		}
		if r.Calendar == nil && len(r.Lots) == 0 {
			judged = c.Calendar // the laws are the tariff's own; the first lot's days serve to find words that nobody knows
		}
		r.Lots = append(r.Lots, LotTally{Lot: l})
	}
	if len(r.Lots) == 0 {
		return Rehearsal{}, ErrRequest.With("body.lots", "须选择停车场", "choose a lot")
	}
	r.Laws = engine.Lint(r.Document, judged)
	if r.Total, err = s.store.countPast(ctx, sc, r); err != nil {
		return Rehearsal{}, err
	}
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.insertRehearsal(tx, sc, r); err != nil {
			return err
		}
		if err := s.o.Jobs.Insert(tx, rehearseArgs{string(r.ID)}, time.Time{}); err != nil {
			return fmt.Errorf("put in: %w", err)
		}
		return s.recordRehearsal(tx, by, r, "rehearsal.start", nil, map[string]any{
			"tariff": r.Tariff, "version": r.Version, "lots": in.Lots, "from": r.From, "to": r.To, "classes": r.Classes, "only": r.Only,
		})
	})
	if err != nil {
		return Rehearsal{}, fmt.Errorf("start rehearsal of %s: %w", in.Tariff, err)
	}
	return s.store.rehearsal(ctx, sc, r.ID)
}

// Rehearsals lists rehearsals, the newest first, without what they found. Of a tariff, or of all.
func (s *Service) Rehearsals(ctx context.Context, sc scope.Scope, of ID) ([]Rehearsal, error) {
	return s.store.rehearsals(ctx, sc, of)
}

// Rehearsal returns one with what it found so far.
func (s *Service) Rehearsal(ctx context.Context, sc scope.Scope, which RehearsalID) (Rehearsal, error) {
	return s.store.rehearsal(ctx, sc, which)
}

// CancelRehearsal ends one early; what it found stays. Cancelling it again changes nothing.
func (s *Service) CancelRehearsal(ctx context.Context, sc scope.Scope, by By, which RehearsalID) (Rehearsal, error) {
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		r, err := s.store.lockRehearsal(tx, sc, which)
		switch {
		case err != nil:
			return err
		case r.State == Cancelled:
			return nil
		case r.State.Ended():
			return ErrEnded
		}
		if err := s.store.endRehearsal(tx, sc, which, Cancelled, s.now()); err != nil {
			return err
		}
		return s.recordRehearsal(tx, by, r, "rehearsal.cancel", map[string]any{"state": r.State}, map[string]any{"state": Cancelled, "done": r.Done})
	})
	if err != nil {
		return Rehearsal{}, fmt.Errorf("cancel rehearsal %s: %w", which, err)
	}
	return s.store.rehearsal(ctx, sc, which)
}

func (s *Service) recordRehearsal(tx *database.Tx, by By, r Rehearsal, action string, before, after any) error {
	return s.o.Audit.Append(tx, audit.Entry{
		Operator: r.Operator, Actor: by.Actor, Action: action, Subject: "rehearsal:" + string(r.ID), Before: before, After: after,
		RequestID: by.RequestID, Address: by.Address,
	})
}

type rehearseArgs struct {
	Rehearsal string `json:"rehearsal"`
}

func (rehearseArgs) Kind() string { return "rehearse_tariff" }

// Work adds the workers of tariffs to a set.
func (s *Service) Work(set *job.Set) {
	job.Add(set, func(ctx context.Context, a rehearseArgs, attempt int) error {
		return s.work(ctx, RehearsalID(a.Rehearsal), attempt)
	})
}

// work gives a rehearsal up that fails again and again, so that nobody waits for it.
func (s *Service) work(ctx context.Context, which RehearsalID, attempt int) error {
	err := s.rehearse(ctx, which)
	if err == nil || attempt < attemptsMax || ctx.Err() != nil {
		return err
	}
	s.o.Log.ErrorContext(ctx, "a rehearsal failed", "rehearsal", which, "err", err)
	return s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		return s.store.endRehearsal(tx, scope.System("rehearsal"), which, Failed, s.now())
	})
}

// rehearse works some pages of a rehearsal and leaves the rest to the next job. Each page is one transaction that moves the
// cursor, so a job that was cut short is done again from there, and one that was cancelled stops at the next page.
func (s *Service) rehearse(ctx context.Context, which RehearsalID) error {
	sc := scope.System("rehearsal")
	r, err := s.store.rehearsal(ctx, sc, which)
	if err != nil || r.State.Ended() {
		return err
	}
	reckon, terms := newReckoner(r.Document, r.Calendar), newTerms(s.store)
	for page := 1; ; page++ {
		at := r.cursor.lot
		stays, err := s.store.past(ctx, sc, r)
		if err != nil {
			return err
		}
		for _, p := range stays {
			if p.terms, err = terms.of(ctx, r.Lots[at].Lot, p.config); err != nil {
				return err
			}
			r.Lots[at].take(reckon, p, r.Only)
			r.cursor.at, r.cursor.id = p.begun, p.ID.String()
		}
		r.Done += int64(len(stays))
		if len(stays) < pageSize { // the lot's last page
			r.cursor = cursor{lot: at + 1, at: r.From}
		}
		r.State = Running
		if r.cursor.lot == len(r.Lots) {
			r.State = Done
		}
		moved, err := s.turn(ctx, sc, &r, at, page == pagesPerJob)
		if err != nil || !moved || r.State == Done || page == pagesPerJob {
			return err
		}
	}
}

// turn keeps what a page found. It reports false when somebody cancelled the rehearsal, or worked the page already.
func (s *Service) turn(ctx context.Context, sc scope.Scope, r *Rehearsal, lot int, last bool) (moved bool, err error) {
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		if moved, err = s.store.turn(tx, sc, *r, lot, s.now()); err != nil || !moved || !last || r.State == Done {
			return err
		}
		return s.o.Jobs.Insert(tx, rehearseArgs{string(r.ID)}, time.Time{})
	})
	r.pages++
	return moved, err
}

// terms keeps the configurations that the stays of one lot were billed by.
type terms struct {
	store store
	lot   id.Lot
	kept  map[uint64]*wire.Config
}

// termsKept bounds how many, each with its lists.
const termsKept = 50

func newTerms(s store) *terms { return &terms{store: s, kept: map[uint64]*wire.Config{}} }

// of returns a configuration; nil when there is none of the number.
func (t *terms) of(ctx context.Context, lot id.Lot, number uint64) (*wire.Config, error) {
	if number == 0 {
		return nil, nil
	}
	if lot != t.lot || len(t.kept) > termsKept {
		clear(t.kept)
		t.lot = lot
	}
	if c, ok := t.kept[number]; ok {
		return c, nil
	}
	c, err := t.store.config(ctx, scope.System("rehearsal"), lot, number)
	if err != nil {
		return nil, err
	}
	t.kept[number] = c
	return c, nil
}
