// Package amend turns what a person says of stays into facts: ends that no device told, sessions merged, split and voided.
// It judges a request by the facts that the booth has, so a person hears at once what makes no sense; the facts stand for
// themselves, on every booth and in the cloud. It is pure.
package amend

import (
	"slices"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
)

// Kind is what a person wants.
type Kind string

// The kinds of amendment.
const (
	Add   Kind = "add"   // an end that no device told: Dir, At, and Session or Plate
	Merge Kind = "merge" // Session and Other are one stay
	Split Kind = "split" // of Session, beginning with the observation Other
	Void  Kind = "void"  // Session: nothing is demanded for it
)

// Amendment is one request of a person. Ids of sessions may be aliases, or ends of them.
type Amendment struct {
	Kind    Kind
	By      string
	Note    string // the person's reason
	Session fact.ID
	Other   fact.ID
	Dir     fact.Dir
	At      time.Time
	Lane    string // where, "" when nobody knows
	Plate   plate.Plate
}

// Refusal says why an amendment makes no sense.
type Refusal struct {
	Code string
	Text tariff.Text
}

func (r *Refusal) Error() string { return r.Text.EN }

func refuse(code, zh, en string) error { return &Refusal{code, tariff.Text{ZH: zh, EN: en}} }

// memory is how long ago an end may be that a person adds.
const memory = 400 * 24 * time.Hour

// Drafts returns the facts that an amendment is. The first is the one to name in an answer. An error is a [*Refusal].
func Drafts(b *session.Book, a Amendment, now time.Time) ([]fact.Draft, error) {
	if a.By == "" || a.Note == "" {
		return nil, refuse("no_reason", "必须填写操作员和原因", "who says it and why are required")
	}
	var of session.Session
	if a.Kind != Add || !a.Session.IsZero() {
		var ok bool
		if of, ok = b.Session(a.Session); !ok {
			return nil, refuse("no_session", "没有这个停车订单", "there is no such session")
		}
	}
	d := drafter{now}
	switch a.Kind {
	case Add:
		return d.add(b, a, of)
	case Merge:
		return d.merge(b, a, of)
	case Split:
		if s, ok := b.Session(a.Other); !ok || s.ID != of.ID || a.Other == begins(of) {
			return nil, refuse("no_cut", "须选择该订单中入场之后的一条记录作为拆分点", "choose a sighting of that session after the one it began with")
		}
		return []fact.Draft{d.draft(fact.KindSplit, fact.Split{By: a.By, Note: a.Note}, a.Other)}, nil
	case Void:
		if of.Void != nil {
			return nil, refuse("voided", "该订单已作废", "the session is voided already")
		}
		return []fact.Draft{d.draft(fact.KindVoided, fact.Voided{By: a.By, Note: a.Note}, begins(of))}, nil
	}
	return nil, refuse("unknown", "未知操作", "unknown action")
}

// begins is the observation that a session began with: what corrections name.
func begins(s session.Session) fact.ID {
	if s.Entry != nil {
		return s.Entry.Fact
	}
	return s.Exit.Fact
}

type drafter struct{ now time.Time }

func (d drafter) draft(k fact.Kind, body any, refs ...fact.ID) fact.Draft {
	return fact.Draft{At: d.now, Source: "booth", Kind: k, Refs: refs, Body: body}
}

func (d drafter) add(b *session.Book, a Amendment, of session.Session) ([]fact.Draft, error) {
	switch {
	case a.Dir != fact.Entry && a.Dir != fact.Exit:
		return nil, refuse("no_way", "须说明是入场还是离场", "say whether it is an entry or an exit")
	case a.At.After(d.now) || a.At.Before(d.now.Add(-memory)):
		return nil, refuse("bad_time", "时间须在过去 400 天之内，且不晚于现在", "the time must lie in the last 400 days and not in the future")
	}
	out := fact.Draft{At: a.At, Source: "person", Kind: fact.KindAdded, Body: fact.Added{Lane: a.Lane, Dir: a.Dir, By: a.By, Note: a.Note}}
	if a.Session.IsZero() {
		switch {
		case a.Plate.None():
			return nil, refuse("no_plate", "必须填写车牌或选择订单", "a plate or a session is required")
		case a.Dir == fact.Exit:
			return nil, refuse("no_session", "补录离场须选择在场订单", "choose the session that it ends")
		case len(b.InsideFor(a.Plate)) > 0:
			return nil, refuse("inside", "该车已在场内，请先补录离场或合并", "it is inside already: add its exit, or merge the two")
		}
		out.Hidden = fact.Vehicle{Plate: a.Plate}
		return []fact.Draft{out}, nil
	}
	switch {
	case of.Void != nil:
		return nil, refuse("voided", "该订单已作废", "the session is voided already")
	case a.Dir == fact.Exit && (of.State != session.Inside || a.At.Before(of.Entry.At)):
		return nil, refuse("not_inside", "该车当时不在场内", "it was not inside at that time")
	case a.Dir == fact.Entry && (of.Entry != nil || a.At.After(of.Exit.At)):
		return nil, refuse("has_entry", "该订单已有入场，或时间晚于离场", "the session has its entry, or that is after its exit")
	}
	out.Refs = []fact.ID{begins(of)}
	return []fact.Draft{out}, nil
}

// merge makes one of two sessions. Ends of another vehicle's, a misread plate's, are given to the earlier one's first.
func (d drafter) merge(b *session.Book, a Amendment, one session.Session) ([]fact.Draft, error) {
	two, ok := b.Session(a.Other)
	switch {
	case !ok:
		return nil, refuse("no_session", "没有这个停车订单", "there is no such session")
	case one.ID == two.ID:
		return nil, refuse("same", "是同一个订单", "they are one session already")
	case one.Void != nil || two.Void != nil:
		return nil, refuse("voided", "已作废的订单不能合并", "a voided session cannot be merged")
	}
	earlier, later := one, two
	if start(later).Before(start(earlier)) {
		earlier, later = later, earlier
	}
	drafts := []fact.Draft{d.draft(fact.KindMerged, fact.Merged{By: a.By, Note: a.Note}, begins(later), begins(earlier))}
	keyOf := func(id fact.ID) session.Key { k, _ := b.KeyOf(id); return k }
	if keyOf(begins(later)) == keyOf(begins(earlier)) {
		return drafts, nil
	}
	ends := slices.Clone(later.Aliases)
	if later.Exit != nil {
		ends = append(ends, later.Exit.Fact)
	}
	for _, id := range ends {
		if id != begins(later) {
			drafts = append(drafts, d.draft(fact.KindMatched, fact.Matched{Basis: "person", By: a.By}, id, begins(earlier)))
		}
	}
	return drafts, nil
}

func start(s session.Session) time.Time {
	if s.Entry != nil {
		return s.Entry.At
	}
	return s.Exit.At
}
