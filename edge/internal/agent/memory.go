package agent

import (
	"context"
	"time"

	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// memory is the lot as a lane sees it. What the lane records is shown to its watchdog, and how long it took to the disk's.
type memory struct {
	a     *Agent
	watch *watchdog.Lane
}

func (m memory) Record(ctx context.Context, compose func(id func(i int) fact.ID) []fact.Draft) ([]fact.Fact, func() error, error) {
	end := m.a.disk.Begin(time.Duration(m.a.mono()))
	facts, fold, err := m.a.lot.Store(ctx, compose)
	at := time.Duration(m.a.mono())
	end(at)
	if err != nil {
		return nil, nil, err
	}
	return facts, func() error {
		m.watch.Facts(facts, at)
		return fold()
	}, nil
}
func (m memory) View(f func(*session.Book))  { m.a.lot.View(f) }
func (m memory) Config() (wire.Config, bool) { return m.a.lot.Config() }
