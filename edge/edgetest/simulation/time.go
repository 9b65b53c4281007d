package simulation

import (
	"time"

	"lotkeeper/edge/internal/clock"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// goOnFrom makes the clock of a new run begin no earlier than the booth's last fact, as the agent does.
func (p *process) goOnFrom() {
	head := p.own.Head().Seq
	records, err := p.own.Records(max(head, 200)-200, 200)
	p.b.w.must(err)
	var last time.Time
	for _, r := range records {
		f, err := fact.Unseal(r)
		p.b.w.must(err)
		if f.Source != "booth" || f.Boot == p.boot {
			continue
		}
		p.lot.View(func(b *session.Book) {
			if at := b.End(session.Clock{Author: p.own.Author(), Source: f.Source, Boot: f.Boot}, f.At).At; at.After(last) {
				last = at
			}
		})
	}
	if !last.IsZero() {
		p.clock.Floor(last)
	}
}

// keepTime compares the booth's clock with the others', and sets it when it is wrong.
func (p *process) keepTime() {
	l := p.times.Look()
	if len(l.Facts) == 0 {
		return
	}
	var drafts []fact.Draft
	for _, f := range l.Facts {
		p.b.w.report.Situations["clock "+f.Basis]++
		drafts = append(drafts, fact.Draft{At: p.clock.Now(), Source: "booth", Kind: fact.KindClock, Body: f})
	}
	if _, err := p.store(drafts, func(d []fact.Draft, _ func(int) fact.ID) []fact.Draft { return d }); err != nil {
		return // it is looked at again
	}
	p.settle()
	p.times.Done(l)
	if l.Move != 0 {
		p.b.w.note("clock set", p.boot, " by ", l.Move)
		p.changed()
	}
}

// hear takes what another clock said in answer to a question of ours.
func (p *process) hear(basis clock.Basis, name string, theirs, asked time.Time) {
	if !asked.IsZero() {
		p.times.Hear(basis, name, theirs, asked, p.clock.Now())
	}
}
