package agent

import (
	"context"
	"fmt"
	"time"

	"lotkeeper/edge/internal/clock"
	"lotkeeper/edge/internal/console"
	"lotkeeper/edge/internal/lane"
	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// goOnReach is how many of the booth's last facts are looked at for the time when the run before ended.
const goOnReach = 200

// goOnFrom makes the clock begin no earlier than the booth's last fact, or than the program was built: a machine whose clock has no battery begins
// anywhere, and a stay must not end before it began.
func (a *Agent) goOnFrom() error {
	self, head := a.lot.Author(), a.journal.Head().Seq
	records, err := a.lot.Records(self, max(head, goOnReach)-goOnReach, goOnReach)
	if err != nil {
		return fmt.Errorf("find when the run before ended: %w", err)
	}
	last, boot := a.o.Built, ""
	for _, r := range records {
		f, err := fact.Unseal(r)
		if err != nil {
			return fmt.Errorf("find when the run before ended: %w", err)
		}
		if f.Source != "booth" || f.Boot == a.boot {
			continue
		}
		a.lot.View(func(b *session.Book) {
			if at := b.End(session.Clock{Author: self, Source: f.Source, Boot: f.Boot}, f.At).At; at.After(last) {
				last, boot = at, f.Boot
			}
		})
	}
	if last.IsZero() {
		return nil
	}
	if behind := a.clock.Floor(last); behind > 0 {
		a.times.GoOn(boot)
		a.o.Log.Warn("the machine's clock stands before what is past for sure; time goes on from there", "behind", behind)
	}
	return nil
}

// recordFor bounds how long a clock's fact may take.
const recordFor = 5 * time.Second

// keepTime compares the booth's clock with the others', and sets it when it is wrong, until ctx ends.
func (a *Agent) keepTime(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l := a.times.Look()
		a.alarms.Set(alarm.ClockSuspect, "", l.Suspect != "", l.Suspect)
		a.alarms.Set(alarm.SystemClock, "", l.System != 0, fmt.Sprintf("it was set by %v", l.System.Round(time.Second)))
		if len(l.Facts) > 0 {
			a.correct(ctx, l)
		}
	}
}

// correct records what a look has found, and then sets the clock if it says so. What cannot be recorded is looked at again.
func (a *Agent) correct(ctx context.Context, l clock.Look) {
	ctx, cancel := context.WithTimeout(ctx, recordFor)
	defer cancel()
	_, err := a.lot.Append(ctx, func(func(int) fact.ID) []fact.Draft {
		var drafts []fact.Draft
		for _, f := range l.Facts {
			drafts = append(drafts, fact.Draft{At: a.clock.Now(), Source: "booth", Kind: fact.KindClock, Body: f})
		}
		return drafts
	})
	if err != nil {
		a.o.Log.Warn("the clock is not corrected yet", "err", err)
		return
	}
	a.times.Done(l)
	if l.Move != 0 {
		a.o.Log.Warn("the booth's clock was set", "by", l.Move, "on_the_word_of", string(l.Verdict.Basis), "boot", a.clock.Boot())
		a.bell.ring()
	}
}

// moment is the lanes' clock.
func (a *Agent) moment() lane.Moment {
	r := a.clock.Read()
	return lane.Moment{Wall: r.Wall, Mono: r.Mono, Boot: r.Boot, Shift: r.Shift, Author: a.journal.Author()}
}

// clockState is how the booth's clock stands, for people.
func (a *Agent) clockState() console.Clock {
	l := a.times.Last()
	c := console.Clock{Suspect: l.Suspect, Sources: []console.ClockSource{}}
	for _, x := range a.times.Samples() {
		c.Sources = append(c.Sources, console.ClockSource{
			Basis: string(x.Basis), Name: x.Name, OffsetMS: x.Offset.Milliseconds(), ErrorMS: x.Error.Milliseconds(), AgeMS: x.Age.Milliseconds(),
		})
	}
	return c
}
