package lot

import (
	"context"
	"fmt"
	"slices"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// The reasons why an incarnation ends, as they stand in the next one's opening fact.
const (
	WhyBehind = "behind" // somebody holds more of our log than we do: the journal is an old copy
	WhyForked = "forked" // somebody holds another log of ours: there are two of us
	WhyClosed = "closed" // others take nothing more of our log
)

// Claim is what another node last said of its copy of an author's log.
type Claim struct {
	Head   fact.Head
	Closed bool
}

// Judged takes what another node (a booth's id, or "cloud") says of its copies of all logs: how far they reach, and of
// which it takes nothing more. It is how a booth finds out that its own log is not the one that others know.
func (l *Lot) Judged(by string, cursors exchange.Cursors, closed []fact.Author) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := range l.ended {
		if c := (Claim{cursors[a], slices.Contains(closed, a)}); c != l.claims[a][by] {
			l.claims[a][by] = c
			l.tell(Changes{})
		}
	}
	own := l.own.Author()
	theirs, ours := cursors[own], l.logs[own].Head
	if slices.Contains(closed, own) {
		l.end(WhyClosed)
		return
	}
	if theirs.Seq == 0 || theirs.Seq > ours.Seq || theirs.Seq <= l.agreed.Seq && theirs.Hash == l.agreed.Hash {
		return // who claims to have more proves it with the facts
	}
	if theirs.Seq == ours.Seq && theirs.Hash == ours.Hash {
		l.agreed = theirs
		return
	}
	at, err := l.own.Records(theirs.Seq-1, 1)
	switch {
	case err != nil || len(at) == 0:
		l.o.Log.Warn("own journal cannot be compared", "seq", theirs.Seq, "err", err)
	case at[0].Hash() == theirs.Hash:
		if theirs.Seq > l.agreed.Seq {
			l.agreed = theirs
		}
	default:
		l.end(WhyForked)
	}
}

// end asks for the end of the present incarnation. The caller holds mu.
func (l *Lot) end(why string) {
	if l.ending != "" {
		return
	}
	l.ending = why
	l.o.Log.Error("this booth's log is not the one that others know; a new incarnation is due", "author", l.own.Author(), "why", why)
	select {
	case l.endings <- struct{}{}:
	default:
	}
}

// Endings tells when the present incarnation must end. Whoever reads it calls [Lot.Succeed].
func (l *Lot) Endings() <-chan struct{} { return l.endings }

// Ending says why the present incarnation must end, how far its log is known to be what another node has, and who it is.
// ok is false when it need not end.
func (l *Lot) Ending() (author fact.Author, why string, agreed fact.Head, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.own.Author(), l.ending, l.agreed, l.ending != ""
}

// Ender is the booth's own journal: *journal.Journal.
type Ender interface {
	End(ctx context.Context, e journal.Ending) error
}

// Succeed ends the present incarnation: its journal's file goes to a place on the same disk, and a new author begins. The
// lanes go on: what they append meanwhile waits. Of the ended log nothing is left in the store; its facts stay folded
// until they come back as another author's, which package salvage sees to.
func (l *Lot) Succeed(ctx context.Context, own Ender, to string) error {
	_, why, _, ok := l.Ending()
	if !ok {
		return nil
	}
	return own.End(ctx, journal.Ending{Why: why, To: to, Around: l.succeed})
}

func (l *Lot) succeed(swap func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.own.Author()
	key := l.logs[old].Key
	swap()
	delete(l.logs, old)
	l.logs[l.own.Author()] = exchange.Log{Key: key}
	if err := l.catchUp(l.own.Head().Seq); err != nil {
		l.o.Log.Error("the new incarnation is not folded yet", "err", err)
	}
	l.ending, l.agreed = "", fact.Head{}
	l.expect(old)
}

// Expect keeps what others claim of an ended incarnation's log.
func (l *Lot) Expect(a fact.Author) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expect(a)
}

func (l *Lot) expect(a fact.Author) {
	if !l.ended[a] {
		l.ended[a], l.claims[a] = true, map[string]Claim{}
	}
}

// Claims returns what others last said of an ended incarnation's log, by who said it.
func (l *Lot) Claims(a fact.Author) map[string]Claim {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make(map[string]Claim, len(l.claims[a]))
	for by, c := range l.claims[a] {
		out[by] = c
	}
	return out
}

// Settled ends what Expect began. refold folds everything anew: after a fork, what the ended log said stands no more
// under its own name.
func (l *Lot) Settled(a fact.Author, refold bool) error {
	l.merge.Lock()
	defer l.merge.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ended, a)
	delete(l.claims, a)
	if !refold {
		return nil
	}
	old, logs := l.book, l.logs
	l.book, l.logs = session.NewBook(), map[fact.Author]exchange.Log{}
	if err := l.foldAll(); err != nil {
		l.book, l.logs = old, logs
		return fmt.Errorf("fold anew: %w", err)
	}
	l.tell(Changes{Facts: true, All: true})
	return nil
}
