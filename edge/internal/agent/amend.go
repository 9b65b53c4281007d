package agent

import (
	"context"
	"time"

	"lotkeeper/edge/internal/amend"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
)

// amendFor bounds how long a person waits for the journal.
const amendFor = 3 * time.Second

// Amend implements [console.Booth]: it records what a person says of a stay. Lanes hear of it like of any fact.
func (a *Agent) Amend(ctx context.Context, what amend.Amendment) (fact.ID, error) {
	var drafts []fact.Draft
	var err error
	a.lot.View(func(b *session.Book) { drafts, err = amend.Drafts(b, what, a.o.Now().UTC()) })
	if err != nil {
		return fact.ID{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, amendFor)
	defer cancel()
	facts, err := a.lot.Append(ctx, func(func(int) fact.ID) []fact.Draft { return drafts })
	if err != nil {
		return fact.ID{}, err
	}
	return facts[0].ID(), nil
}
