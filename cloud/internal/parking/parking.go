// Package parking shows people what ingest keeps: sessions, passages, photos, and each session's facts as sentences.
//
// Everything here is read only and scoped. What it shows is the fold of facts: nobody edits a session, a person's
// correction is a fact of its own.
package parking

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/object"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
)

// The faults of parking.
var (
	ErrNoSession = fault.New(fault.NotFound, "session.not_found", "没有这个停车订单", "there is no such session")
	ErrNoPhoto   = fault.New(fault.NotFound, "photo.not_found", "没有这张图片", "there is no such photo")
	ErrFilter    = fault.New(fault.Invalid, "filter.invalid", "筛选条件有误", "the filter is not valid")
)

// Service reads.
type Service struct {
	store  store
	photos object.Store
}

// New makes the service.
func New(db *database.DB, photos object.Store) (*Service, error) {
	if db == nil || photos == nil {
		return nil, errors.New("parking: a database and a store of photos are required")
	}
	return &Service{store{db}, photos}, nil
}

// Filter limits sessions and passages. Empty fields do not limit.
type Filter struct {
	Lot      id.Lot
	Plate    string // part of the plate, normalised
	State    session.State
	Flag     session.Flag
	Lane     string
	Dir      fact.Dir
	Outcome  string
	From, To time.Time // of the begin; of the passage
	MinDebt  money.Amount
	Sort     string // "entered_at", "left_at", "gross", "debt", with "-" before it for the largest first
	Page     int    // 1, 2, …
	Size     int
}

// Session is a session with the lot it is in and what its money is counted in.
type Session struct {
	Lot      id.Lot
	Currency money.Currency
	session.Session
}

// Totals sum what a filter finds, all pages of it. Lots of several currencies have no common total.
type Totals struct {
	Gross, Free, Paid, Debt money.Amount
}

// Find lists sessions.
func (s *Service) Find(ctx context.Context, sc scope.Scope, f Filter) ([]Session, int64, Totals, error) {
	f.Plate = plate.Normalise(f.Plate)
	return s.store.sessions(ctx, sc, f)
}

// Each calls visit for every session that the filter finds, at most a hundred thousand, for an export.
func (s *Service) Each(ctx context.Context, sc scope.Scope, f Filter, visit func(Session) error) error {
	f.Plate, f.Size, f.Sort = plate.Normalise(f.Plate), 1000, "entered_at"
	for f.Page = 1; f.Page <= 100; f.Page++ {
		found, _, _, err := s.store.sessions(ctx, sc, f)
		if err != nil {
			return err
		}
		for _, x := range found {
			if err := visit(x); err != nil {
				return err
			}
		}
		if len(found) < f.Size {
			return nil
		}
	}
	return nil
}

// ByID returns the session with the id or alias.
func (s *Service) ByID(ctx context.Context, sc scope.Scope, lot id.Lot, which session.ID) (Session, error) {
	return s.store.session(ctx, sc, lot, which)
}

// Inside returns the sessions inside a lot that a plate may own, latest entry first: what a driver who asks by plate is
// quoted on.
func (s *Service) Inside(ctx context.Context, sc scope.Scope, lot id.Lot, p plate.Plate) ([]Session, error) {
	found, err := s.store.inside(ctx, sc, lot, p.Text)
	if err != nil || p.None() {
		return nil, err
	}
	var out []Session
	for _, x := range found {
		if plate.SameVehicle(x.Plate, p) {
			out = append(out, x)
		}
	}
	return out, nil
}

// Fact is a fact with the booth that wrote it and a sentence about it.
type Fact struct {
	fact.Fact
	Booth    string
	Sentence Text
}

// Facts returns the facts about a session in the order of their clocks.
func (s *Service) Facts(ctx context.Context, x Session) ([]Fact, error) {
	facts, err := s.store.facts(ctx, x.Lot, x.Facts)
	if err != nil {
		return nil, err
	}
	for i := range facts {
		facts[i].Sentence = Sentence(&facts[i].Fact, x.Currency)
	}
	return facts, nil
}

// Passage is one vehicle seen in a lane.
type Passage struct {
	Lot        id.Lot
	ID         fact.ID
	At         time.Time
	Lane       string
	Dir        fact.Dir
	Plate      string
	Colour     string
	Class      string
	Confidence int
	Outcome    string
	Action     string
	Reason     string
	Photo      string
	Session    string
	Late       bool
}

// Passages lists passages, the newest first.
func (s *Service) Passages(ctx context.Context, sc scope.Scope, f Filter) ([]Passage, int64, error) {
	f.Plate = plate.Normalise(f.Plate)
	return s.store.passages(ctx, sc, f)
}

// Photo opens a photo of a lot that the scope sees. The caller closes it.
func (s *Service) Photo(ctx context.Context, sc scope.Scope, name string) (io.ReadCloser, object.Info, error) {
	hash, err := hex.DecodeString(name)
	if err != nil || len(hash) != 32 || hex.EncodeToString(hash) != name {
		return nil, object.Info{}, ErrNoPhoto
	}
	seen, err := s.store.seesPhoto(ctx, sc, hash)
	if err != nil {
		return nil, object.Info{}, err
	}
	if !seen {
		return nil, object.Info{}, ErrNoPhoto
	}
	return s.photos.Open(ctx, object.Key(name))
}
