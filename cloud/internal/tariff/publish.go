package tariff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Version is a tariff as it was published.
type Version struct {
	Tariff      ID
	Version     int // 1, 2, 3, …
	Document    json.RawMessage
	Number      int64  // of the tariff when it was published
	Note        string // why
	Accepted    []engine.Finding
	Actor       scope.Actor
	PublishedAt time.Time
}

// decode reads the document.
func (v Version) decode() (engine.Tariff, error) {
	t, err := engine.Decode(v.Document)
	if err != nil {
		return engine.Tariff{}, fmt.Errorf("stored version %d of %s: %w", v.Version, v.Tariff, err)
	}
	return t, nil
}

// Versions lists what was published of a tariff, the newest first, without the documents.
func (s *Service) Versions(ctx context.Context, sc scope.Scope, which ID) ([]Version, error) {
	return s.store.versions(ctx, sc, which)
}

// Version returns a published version with its document.
func (s *Service) Version(ctx context.Context, sc scope.Scope, which ID, version int) (Version, error) {
	return s.store.version(ctx, sc, which, version)
}

// Publication is how a draft is to be published.
type Publication struct {
	Number   int64 // of the tariff as its publisher saw it
	Accept   bool  // its warnings
	Note     string
	Calendar *CalendarRef // that its day types are judged by; nil: the operator's newest
	Lots     []id.Lot     // whose rules are to name the new version where they name an older one
}

// Published is what came of it.
type Published struct {
	Version  Version
	Same     bool // nothing new: the draft is what the latest version says, or this request was done before
	Findings []engine.Finding
	Applied  []Applied
}

// Applied is what became of a lot's rules.
type Applied struct {
	Lot          id.Lot
	Rules        int // how many name the version now
	ConfigNumber uint64
	Changed      bool
}

// Publish makes the draft the next version. What was already published on the number, and a draft that says what the
// latest version says, makes no other.
func (s *Service) Publish(ctx context.Context, sc scope.Scope, by By, which ID, p Publication) (Published, error) {
	cal, err := s.calendarOr(ctx, sc, p.Calendar)
	if err != nil {
		return Published{}, err
	}
	var out Published
	err = s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		out = Published{}
		t, err := s.store.lock(tx, sc, which)
		if err != nil {
			return err
		}
		if out.Version, out.Same, err = s.already(tx, sc, t, p.Number); err != nil {
			return err
		}
		if !out.Same {
			if err := s.publish(tx, sc, by, t, p, cal, &out); err != nil {
				return err
			}
		}
		out.Applied, err = s.apply(tx, sc, by, out.Version, p.Lots)
		return err
	})
	if err != nil {
		return Published{}, fmt.Errorf("publish tariff %s: %w", which, err)
	}
	return out, nil
}

// already finds the version that a request with the number gave before.
func (s *Service) already(tx *database.Tx, sc scope.Scope, t Tariff, number int64) (Version, bool, error) {
	if t.Number == number {
		return Version{}, false, nil
	}
	v, err := s.store.publishedOn(tx, sc, t.ID, number)
	if errors.Is(err, ErrNoVersion) {
		return Version{}, false, ErrStale
	}
	return v, true, err
}

func (s *Service) publish(tx *database.Tx, sc scope.Scope, by By, t Tariff, p Publication, cal calendar.Calendar, out *Published) error {
	if t.ArchivedAt != nil {
		return ErrArchived
	}
	if t.Draft == nil {
		return ErrNoDraft
	}
	doc, err := decode(t.Draft.Text, t.ID, t.Latest+1)
	if err != nil {
		return err
	}
	out.Findings = engine.Lint(doc, cal)
	if err := judge(out.Findings, p.Accept); err != nil {
		return err
	}
	if t.Latest > 0 {
		latest, err := s.store.versionIn(tx, sc, t.ID, t.Latest)
		if err != nil {
			return err
		}
		if out.Same, err = says(latest, doc); err != nil || out.Same {
			out.Version = latest
			return err
		}
	}
	text, err := encode(doc)
	if err != nil {
		return err
	}
	at, before := s.now(), view(t)
	out.Version = Version{
		Tariff: t.ID, Version: doc.Version, Document: json.RawMessage(text), Number: t.Number, Note: p.Note,
		Accepted: warnings(out.Findings), Actor: by.Actor, PublishedAt: at,
	}
	if err := s.store.publish(tx, sc, out.Version); err != nil {
		return err
	}
	t.Draft, t.Latest, t.Name, t.Number, t.UpdatedAt = nil, doc.Version, doc.Name, t.Number+1, at
	if err := s.store.update(tx, sc, t); err != nil {
		return err
	}
	after := view(t)
	after["version"], after["note"], after["accepted"] = doc.Version, p.Note, out.Version.Accepted
	return s.record(tx, by, t, "tariff.publish", before, after)
}

// says reports whether a version and a document are the same but for the number.
func says(v Version, doc engine.Tariff) (bool, error) {
	have, err := v.decode()
	if err != nil {
		return false, err
	}
	doc.Version = have.Version
	one, err := encode(have)
	if err != nil {
		return false, err
	}
	other, err := encode(doc)
	return one == other, err
}

// judge refuses errors, and warnings that nobody accepted.
func judge(findings []engine.Finding, accept bool) error {
	unsafe, doubtful := ErrUnsafe, ErrWarnings
	for _, f := range findings {
		if f.Level == engine.LevelError {
			unsafe = unsafe.With(place(f.Place), f.Text.ZH, f.Text.EN)
		} else {
			doubtful = doubtful.With(place(f.Place), f.Text.ZH, f.Text.EN)
		}
	}
	switch {
	case len(unsafe.Details) > 0:
		return unsafe
	case len(doubtful.Details) > 0 && !accept:
		return doubtful
	}
	return nil
}

func warnings(findings []engine.Finding) []engine.Finding {
	out := []engine.Finding{}
	for _, f := range findings {
		if f.Level == engine.LevelWarning {
			out = append(out, f)
		}
	}
	return out
}

// Apply makes the rules of lots that name another version of a tariff name this one; all of the lots or none.
func (s *Service) Apply(ctx context.Context, sc scope.Scope, by By, which ID, version int, lots []id.Lot) ([]Applied, error) {
	var out []Applied
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		t, err := s.store.lock(tx, sc, which)
		if err != nil {
			return err
		}
		if t.ArchivedAt != nil {
			return ErrArchived
		}
		v, err := s.store.versionIn(tx, sc, which, version)
		if err != nil {
			return err
		}
		out, err = s.apply(tx, sc, by, v, lots)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("apply version %d of tariff %s: %w", version, which, err)
	}
	return out, nil
}

func (s *Service) apply(tx *database.Tx, sc scope.Scope, by By, v Version, lots []id.Lot) ([]Applied, error) {
	out := []Applied{}
	if len(lots) == 0 {
		return out, nil
	}
	doc, err := v.decode()
	if err != nil {
		return nil, err
	}
	lots = slices.Compact(slices.Sorted(slices.Values(lots)))
	for _, l := range lots {
		a := Applied{Lot: l}
		c, changed, err := s.o.Lots.Amend(tx, by, sc, l, lot.Amendment{
			Action: "lot.rules", Show: showRules,
			Edit: func(spec *lot.Spec, now wire.Config) error {
				a.Rules = 0
				for i, r := range spec.Rules {
					if r.Tariff.ID == doc.ID {
						spec.Rules[i].Tariff.Version, a.Rules = doc.Version, a.Rules+1
					}
				}
				if a.Rules == 0 {
					return nil
				}
				spec.Library = append(spec.Library, doc)
				return suits(doc, now, "lot "+now.Lot)
			},
		})
		if err != nil {
			return nil, err
		}
		a.ConfigNumber, a.Changed = c.Number, changed
		out = append(out, a)
	}
	return out, nil
}
