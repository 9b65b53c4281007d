// Package alarm keeps what is wrong with a booth: who finds something says so, and says when it is over.
//
// Invariants:
//   - of one code and subject there is one alarm while it lasts, however often it is said;
//   - every alarm that was raised is told as one fact when it begins and one when it ends, in that order;
//   - saying something never waits: while the journal cannot be written, what is to be told waits in memory.
package alarm

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/fact"
)

// Alarm is one that is open.
type Alarm struct {
	Code    string
	Subject string
	Detail  string
	Since   time.Time
}

const (
	// retry is how often a journal that refused is asked again.
	retry = 5 * time.Second
	// carriedFor is how long an alarm of an earlier run stays open when nobody speaks of it: what it was about may have
	// been taken away.
	carriedFor = 12 * time.Hour
	// maxWaiting bounds what waits for the journal. Beyond it, alarms that are over already are forgotten first.
	maxWaiting = 512
	// maxGroup bounds the facts of one write.
	maxGroup = 64
	// writeFor bounds one write.
	writeFor = 10 * time.Second
)

// Options are a book's surroundings. Changed may be nil.
type Options struct {
	// Append writes facts to the booth's journal.
	Append  func(ctx context.Context, c journal.Compose) ([]fact.Fact, error)
	Now     func() time.Time
	Changed func() // told of every raising and clearing; must not block
	Log     *slog.Logger
}

// Book is a booth's open alarms. It is safe for concurrent use.
type Book struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	open    map[key]*Alarm
	carried map[key]time.Time // alarms of an earlier run of which nobody has spoken yet, and until when they stay
	waiting []news            // not told yet, in order
	writing int               // how many of them are being written now
}

type key struct{ code, subject string }

type news struct {
	kind fact.Kind
	at   time.Time
	body fact.Alarm
}

// New makes an empty book. It starts nothing.
func New(o Options) (*Book, error) {
	if o.Append == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("alarms: a journal, a clock and a logger are needed")
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Book{o: o, wake: make(chan struct{}, 1), open: map[key]*Alarm{}, carried: map[key]time.Time{}}, nil
}

// Carry takes over what an earlier run left open. Call it before Run; what was said before it stays said, and of an alarm
// that goes on no second beginning is told.
func (b *Book) Carry(list []Alarm) {
	b.mu.Lock()
	defer b.mu.Unlock()
	until := b.o.Now().Add(carriedFor)
	for _, a := range list {
		k := key{a.Code, a.Subject}
		if again := b.open[k]; again != nil {
			again.Since = a.Since
			b.waiting = slices.DeleteFunc(b.waiting, func(n news) bool { return n.body.Code == k.code && n.body.Subject == k.subject })
			continue
		}
		b.open[k], b.carried[k] = &a, until
	}
}

// Set says whether something is wrong. Saying it again changes at most the detail that is shown.
func (b *Book) Set(code, subject string, on bool, detail string) {
	b.mu.Lock()
	changed := b.set(key{code, subject}, on, detail)
	b.mu.Unlock()
	if !changed {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	b.o.Changed()
}

// set reports whether an alarm began or ended. The caller holds mu.
func (b *Book) set(k key, on bool, detail string) bool {
	delete(b.carried, k)
	old := b.open[k]
	switch {
	case on && old != nil:
		old.Detail = detail
		return false
	case !on && old == nil:
		return false
	}
	now := b.o.Now()
	if on {
		b.open[k] = &Alarm{Code: k.code, Subject: k.subject, Detail: detail, Since: now}
		b.tell(news{fact.KindAlarmRaised, now, fact.Alarm{Code: k.code, Subject: k.subject, Detail: detail, Since: now.UTC()}})
		b.o.Log.Warn("alarm", "code", k.code, "subject", k.subject, "detail", detail)
		return true
	}
	delete(b.open, k)
	if detail == "" {
		detail = old.Detail
	}
	b.tell(news{fact.KindAlarmCleared, now, fact.Alarm{Code: k.code, Subject: k.subject, Detail: detail, Since: old.Since.UTC()}})
	b.o.Log.Info("alarm is over", "code", k.code, "subject", k.subject, "lasted", now.Sub(old.Since).Round(time.Second))
	return true
}

// tell puts news in line. The caller holds mu.
func (b *Book) tell(n news) {
	b.waiting = append(b.waiting, n)
	if len(b.waiting) <= maxWaiting {
		return
	}
	for i := b.writing; i < len(b.waiting); i++ {
		begun := b.waiting[i]
		over := slices.IndexFunc(b.waiting[i+1:], func(x news) bool {
			return x.kind == fact.KindAlarmCleared && x.body.Code == begun.body.Code && x.body.Subject == begun.body.Subject
		})
		if begun.kind == fact.KindAlarmRaised && over >= 0 {
			b.waiting = slices.Delete(b.waiting, i+1+over, i+2+over)
			b.waiting = slices.Delete(b.waiting, i, i+1)
			return
		}
	}
}

// Open returns the open alarms, the oldest first.
func (b *Book) Open() []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Alarm, 0, len(b.open))
	for _, a := range b.open {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(x, y Alarm) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Subject, y.Subject))
	})
	return out
}

// Run writes what is to be told until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	again := time.NewTicker(retry)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-again.C:
			b.forget()
		}
		for b.write(ctx) {
		}
	}
}

// forget ends the alarms of an earlier run of which nobody has spoken for long.
func (b *Book) forget() {
	now := b.o.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, until := range b.carried {
		if now.After(until) {
			b.set(k, false, "nobody has spoken of it since a restart")
		}
	}
}

// write writes one group and reports whether more waits. A journal that refuses is asked again later; it tells of itself.
func (b *Book) write(ctx context.Context) bool {
	b.mu.Lock()
	group := slices.Clone(b.waiting[:min(len(b.waiting), maxGroup)])
	b.writing = len(group)
	b.mu.Unlock()
	if len(group) == 0 || ctx.Err() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	_, err := b.o.Append(ctx, func(func(int) fact.ID) []fact.Draft {
		drafts := make([]fact.Draft, len(group))
		for i, n := range group {
			drafts[i] = fact.Draft{At: n.at, Source: "booth", Kind: n.kind, Body: n.body}
		}
		return drafts
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writing = 0
	if err != nil {
		b.o.Log.Debug("alarms wait for the journal", "err", err)
		return false
	}
	b.waiting = b.waiting[len(group):]
	return len(b.waiting) > 0
}
