// Package tariff is what an operator charges by: a library of tariffs, the calendars of days, which lot uses what, and
// the means to see what a tariff does before it does it.
//
// What it promises:
//   - a published version never changes (the database refuses it); a draft has no effect on anything;
//   - what is published can be read by every booth and has none of the errors that the engine's lint knows; its warnings
//     were accepted by a person, by name;
//   - two people who edit at the same time do not undo each other: a change names the number it was made on;
//   - a request that is sent twice has one effect: publishing, applying and assigning say what shall be, not what to do;
//   - a lot is told by its next signed configuration, which carries the documents that its rules name; a stay keeps the
//     tariff it was pinned to at entry;
//   - fees shown here come from the engine that the barriers use, and from nothing else.
package tariff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/platform/scope"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// ID is a tariff of a library.
type ID string

// Tariff is a tariff of an operator's library.
type Tariff struct {
	ID         ID
	Operator   id.Operator
	Name       engine.Text
	Number     int64  // counts every change
	Draft      *Draft // nil: nothing is being written
	Latest     int    // published version; 0: none
	ArchivedAt *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Lots       []Use // lots whose rules name it, of those that the caller sees
}

// Draft is what is being written.
type Draft struct {
	Text string // exactly as it was written, right or wrong
	By   scope.Actor
	At   time.Time
}

// Use is a lot that uses a version.
type Use struct {
	Lot     id.Lot
	Version int
}

// By is who asks for a change, for the audit row.
type By = lot.By

// The faults of tariffs.
var (
	ErrNone       = fault.New(fault.NotFound, "tariff.not_found", "没有这个费率", "there is no such tariff")
	ErrNoVersion  = fault.New(fault.NotFound, "tariff.no_version", "没有这个费率版本", "there is no such version of the tariff")
	ErrNoDraft    = fault.New(fault.Conflict, "tariff.no_draft", "没有草稿", "there is no draft")
	ErrStale      = fault.New(fault.Conflict, "tariff.changed", "费率已被他人修改，请刷新后再试", "somebody else changed the tariff: load it again")
	ErrArchived   = fault.New(fault.Conflict, "tariff.archived", "费率已归档", "the tariff is archived")
	ErrInvalid    = fault.New(fault.Invalid, "tariff.invalid", "费率有误", "the tariff is not valid")
	ErrUnsafe     = fault.New(fault.Invalid, "tariff.unsafe", "费率存在错误，不能发布", "the tariff has errors and cannot be published")
	ErrWarnings   = fault.New(fault.Conflict, "tariff.warnings", "费率存在警告，须确认后发布", "the tariff has warnings: accept them to publish it")
	ErrNoOperator = fault.New(fault.Denied, "tariff.no_operator", "只有运营商的用户可以管理费率", "only users of an operator keep tariffs")
	ErrRequest    = fault.New(fault.Invalid, "tariff.request", "请求有误", "the request is not valid")
)

// maxText bounds a draft, in bytes; the largest tariff that anybody published is a tenth of it.
const maxText = 256 << 10

// Lots is what tariffs need of package lot.
type Lots interface {
	Config(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Config, error)
	Amend(tx *database.Tx, by lot.By, sc scope.Scope, lot id.Lot, a lot.Amendment) (wire.Config, bool, error)
}

// Options of a Service; all are required.
type Options struct {
	DB    *database.DB
	Audit *audit.Log
	Lots  Lots
	Jobs  *job.Queue
	Now   func() time.Time
	Log   *slog.Logger
}

// Service is what can be done with tariffs.
type Service struct {
	o     Options
	store store
}

// New makes the service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Audit == nil || o.Lots == nil || o.Jobs == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("tariff: DB, Audit, Lots, Jobs, Now and Log are required")
	}
	return &Service{o: o, store: store{o.DB}}, nil
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// Find lists the tariffs of a library by name, without the text of drafts. text limits it to names that have it.
func (s *Service) Find(ctx context.Context, sc scope.Scope, archived bool, text string) ([]Tariff, error) {
	return s.store.find(ctx, sc, archived, text)
}

// ByID returns a tariff with its draft.
func (s *Service) ByID(ctx context.Context, sc scope.Scope, which ID) (Tariff, error) {
	return s.store.byID(ctx, sc, which)
}

// Create adds a tariff with a draft. Without a text the draft is a small tariff to begin with; without a name it is the
// text's.
func (s *Service) Create(ctx context.Context, sc scope.Scope, by By, name engine.Text, text string) (Tariff, error) {
	if sc.Operator() == "" {
		return Tariff{}, ErrNoOperator
	}
	if text == "" {
		text = starter(name)
	}
	name = orName(name, text)
	if err := checkName(name); err != nil {
		return Tariff{}, err
	}
	if err := checkText(text); err != nil {
		return Tariff{}, err
	}
	at := s.now()
	t := Tariff{
		ID: ID(id.New(id.PrefixTariff, at)), Operator: sc.Operator(), Name: name, Number: 1, CreatedAt: at, UpdatedAt: at,
		Draft: &Draft{Text: text, By: by.Actor, At: at},
	}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.insert(tx, sc, t); err != nil {
			return err
		}
		return s.record(tx, by, t, "tariff.create", nil, view(t))
	})
	if err != nil {
		return Tariff{}, fmt.Errorf("create tariff: %w", err)
	}
	return s.store.byID(ctx, sc, t.ID)
}

// Write makes text the draft of a tariff. number is the one that it was written on.
func (s *Service) Write(ctx context.Context, sc scope.Scope, by By, which ID, number int64, text string) (Tariff, error) {
	if err := checkText(text); err != nil {
		return Tariff{}, err
	}
	return s.change(ctx, sc, by, which, "tariff.draft", func(t *Tariff, at time.Time) error {
		if t.Draft != nil && t.Draft.Text == text {
			return errSame // what was written stands, whoever wrote it
		}
		if t.Number != number {
			return ErrStale
		}
		if t.ArchivedAt != nil {
			return ErrArchived
		}
		if name := nameOf(text); checkName(name) == nil {
			t.Name = name // of a text that cannot be read, the name stays
		}
		t.Draft = &Draft{Text: text, By: by.Actor, At: at}
		return nil
	})
}

// Discard throws the draft away.
func (s *Service) Discard(ctx context.Context, sc scope.Scope, by By, which ID, number int64) (Tariff, error) {
	return s.change(ctx, sc, by, which, "tariff.discard", func(t *Tariff, _ time.Time) error {
		if t.Draft == nil {
			return errSame
		}
		if t.Number != number {
			return ErrStale
		}
		t.Draft = nil
		return nil
	})
}

// Archive takes a tariff out of use for new assignments, or back. Lots that use it go on with it.
func (s *Service) Archive(ctx context.Context, sc scope.Scope, by By, which ID, archived bool) (Tariff, error) {
	action := "tariff.unarchive"
	if archived {
		action = "tariff.archive"
	}
	return s.change(ctx, sc, by, which, action, func(t *Tariff, at time.Time) error {
		if archived == (t.ArchivedAt != nil) {
			return errSame
		}
		t.ArchivedAt = nil
		if archived {
			t.ArchivedAt = &at
		}
		return nil
	})
}

// Copy makes a new tariff whose draft is a version of another; version 0 is its draft, or else its latest.
func (s *Service) Copy(ctx context.Context, sc scope.Scope, by By, which ID, version int, name engine.Text) (Tariff, error) {
	t, err := s.store.byID(ctx, sc, which)
	if err != nil {
		return Tariff{}, err
	}
	var text string
	if version == 0 && t.Draft != nil {
		text = t.Draft.Text
	} else {
		v, err := s.store.version(ctx, sc, which, orLatest(version, t))
		if err != nil {
			return Tariff{}, err
		}
		text = string(v.Document)
	}
	if name == (engine.Text{}) {
		name = engine.Text{ZH: t.Name.ZH + "（副本）", EN: t.Name.EN + " (copy)"}
	}
	return s.Create(ctx, sc, by, name, renamed(text, name))
}

func orLatest(version int, t Tariff) int {
	if version == 0 {
		return t.Latest
	}
	return version
}

// errSame ends a change that has nothing to change.
var errSame = errors.New("nothing to change")

// change edits one tariff under its lock, counts the change and tells the audit log.
func (s *Service) change(ctx context.Context, sc scope.Scope, by By, which ID, action string, edit func(t *Tariff, at time.Time) error) (Tariff, error) {
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		t, err := s.store.lock(tx, sc, which)
		if err != nil {
			return err
		}
		before, at := view(t), s.now()
		if err := edit(&t, at); err != nil {
			return err
		}
		t.Number, t.UpdatedAt = t.Number+1, at
		if err := s.store.update(tx, sc, t); err != nil {
			return err
		}
		return s.record(tx, by, t, action, before, view(t))
	})
	if err != nil && !errors.Is(err, errSame) {
		return Tariff{}, fmt.Errorf("%s %s: %w", action, which, err)
	}
	return s.store.byID(ctx, sc, which)
}

func (s *Service) record(tx *database.Tx, by By, t Tariff, action string, before, after any) error {
	return s.o.Audit.Append(tx, audit.Entry{
		Operator: t.Operator, Actor: by.Actor, Action: action, Subject: "tariff:" + string(t.ID),
		Before: before, After: after, RequestID: by.RequestID, Address: by.Address,
	})
}

func checkName(name engine.Text) error {
	bad := ErrRequest
	for where, s := range map[string]string{"body.name.zh": name.ZH, "body.name.en": name.EN} {
		if strings.TrimSpace(s) == "" || len(s) > 200 || strings.ContainsFunc(s, unicode.IsControl) {
			bad = bad.With(where, "须为 1 至 200 字节的名称", "want a name of 1 to 200 bytes")
		}
	}
	if len(bad.Details) > 0 {
		return bad
	}
	return nil
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return ErrRequest.With("body.text", "草稿为空", "the draft is empty")
	case len(text) > maxText:
		return ErrRequest.With("body.text", fmt.Sprintf("最多 %d 字节", maxText), fmt.Sprintf("want at most %d bytes", maxText))
	case strings.ContainsRune(text, 0):
		return ErrRequest.With("body.text", "含有不允许的字符", "holds a character that is not allowed")
	}
	return nil
}
