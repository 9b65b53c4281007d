package agent

import (
	"context"
	"time"

	"lotkeeper/edge/internal/watchdog"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// memory is the lot as a lane sees it. What the lane records is shown to its watchdog.
type memory struct {
	a     *Agent
	watch *watchdog.Lane
}

func (m memory) Record(ctx context.Context, compose func(id func(i int) fact.ID) []fact.Draft) ([]fact.Fact, func() error, error) {
	facts, fold, err := m.a.lot.Store(ctx, compose)
	at := time.Duration(m.a.mono())
	if err != nil {
		return nil, nil, err
	}
	return facts, func() error {
		m.watch.Facts(facts, at)
		m.a.hearCameras(facts)
		return fold()
	}, nil
}

// hearCameras shows what lanes have learnt of cameras' clocks to the watch over the booth's own.
func (a *Agent) hearCameras(facts []fact.Fact) {
	for i := range facts {
		if facts[i].Kind != fact.KindClock {
			continue
		}
		if c, err := fact.Decode[fact.Clock](&facts[i]); err == nil {
			a.times.Camera(c.Source, time.Duration(c.OffsetMS)*time.Millisecond, time.Duration(c.ErrorMS)*time.Millisecond)
		}
	}
}

func (m memory) View(f func(*session.Book)) { m.a.lot.View(f) }
func (m memory) Terms() (wire.Terms, bool)  { return m.a.lot.Terms() }
