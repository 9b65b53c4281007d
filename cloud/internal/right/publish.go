package right

import (
	"context"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/plate"
	engine "lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

const (
	// sweep is how often waiting lots are looked for without a poke: a poke is lost when a replica dies after a commit.
	sweep = time.Second
	// resendAfter is how long a booth may take to state that it has what it was sent.
	resendAfter = 4 * time.Second
	// forgetAfter is how long tombstones are kept. A booth that was away longer is sent its whole set.
	forgetAfter = 90 * 24 * time.Hour
	// mostAhead is by how many numbers a booth may be ahead of us and still be believed: no database is restored from
	// further back.
	mostAhead = 1_000_000
)

// sending is a page on its way to a booth.
type sending struct {
	after  engine.Cursor
	number uint64
	at     time.Time
}

// head is the newest set of a lot.
type head struct {
	engine.Head
	signed wire.Signed
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run publishes what waits, until the context ends. Several replicas may run it.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.wake:
		}
		if err := s.Publish(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "rights wait", "err", err)
		}
	}
}

// Publish makes the next set of every lot that waits for one, and sends it.
func (s *Service) Publish(ctx context.Context) error {
	for {
		var lot id.Lot
		var next *head
		err := s.o.DB.WithTx(ctx, func(tx *database.Tx) (err error) {
			lot, next, err = s.publishOne(tx)
			return err
		})
		if err != nil {
			return err
		}
		if lot == "" {
			return nil
		}
		if next != nil {
			s.o.Log.InfoContext(ctx, "rights published", "lot", lot, "number", next.Number, "rights", next.Count)
			s.spread(ctx, lot, *next)
		}
	}
}

// publishOne takes a lot that waits and makes its next set; "" when none waits, nil when nothing of it changed.
func (s *Service) publishOne(tx *database.Tx) (id.Lot, *head, error) {
	lot, above, err := s.store.take(tx)
	if err != nil || lot == "" {
		return "", nil, err
	}
	now, err := s.store.head(tx.Context(), tx.Gorm(), lot)
	if err != nil {
		return "", nil, err
	}
	at := s.now()
	number := max(now.Number, above) + 1
	changed, err := s.store.renew(tx, lot, number, at)
	if err != nil || changed == 0 && above <= now.Number {
		return lot, nil, err
	}
	if err := s.store.forget(tx, lot, at.Add(-forgetAfter)); err != nil {
		return "", nil, err
	}
	next := head{Head: engine.Head{Lot: string(lot), Number: number, Issued: at}}
	if next.Count, next.Digest, err = s.store.digest(tx, lot); err != nil {
		return "", nil, err
	}
	if next.signed, err = wire.SignRights(next.Head, s.o.Key); err != nil {
		return "", nil, fmt.Errorf("sign rights of %s: %w", lot, err)
	}
	return lot, &next, s.store.putHead(tx, lot, next)
}

// spread sends a new set to every booth of the lot, each from where it last said it was. It is only haste: a booth that
// misses it states a cursor within seconds.
func (s *Service) spread(ctx context.Context, lot id.Lot, next head) {
	booths, err := s.store.booths(ctx, scope.System("publish rights"), lot)
	if err != nil {
		s.o.Log.WarnContext(ctx, "rights wait for the booths' next cursors", "lot", lot, "err", err)
		return
	}
	for _, b := range booths {
		if err := s.send(ctx, lot, b.Booth, next, engine.After(b.Number)); err != nil {
			s.o.Log.WarnContext(ctx, "rights wait for the booth's next cursor", "lot", lot, "booth", b.Booth, "number", next.Number, "err", err)
		}
	}
}

// send gives a booth the page after a place, unless that is on its way.
func (s *Service) send(ctx context.Context, lot id.Lot, booth string, h head, after engine.Cursor) error {
	key, at := string(lot)+"/"+booth, s.o.Now()
	s.mu.Lock()
	last, flying := s.sent[key]
	s.mu.Unlock()
	if flying && last.after == after && last.number == h.Number && at.Sub(last.at) < resendAfter {
		return nil
	}
	page, err := s.store.page(ctx, lot, after)
	if err != nil {
		return err
	}
	msg, err := wire.Encode(page)
	if err != nil {
		return fmt.Errorf("encode rights of %s: %w", lot, err)
	}
	topic := wire.Topic{Lot: string(lot), Booth: booth, Channel: wire.RightsDown}
	if err := s.o.Broker.Publish(ctx, topic.String(), 1, false, msg); err != nil {
		return fmt.Errorf("publish rights of %s: %w", lot, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) > 10_000 {
		clear(s.sent) // it only spares repetitions
	}
	s.sent[key] = sending{after, h.Number, at}
	return nil
}

// Heard notes which rights a booth has in force, and sends it what it lacks.
func (s *Service) Heard(ctx context.Context, lot, booth string, c wire.Cursor) error {
	at := s.now()
	if err := s.store.said(ctx, id.Lot(lot), booth, c.Rights, at); err != nil {
		return err
	}
	h, err := s.store.head(ctx, s.o.DB.Gorm(ctx), id.Lot(lot))
	switch {
	case err != nil:
		return err
	case c.Rights > h.Number && c.Rights-h.Number <= mostAhead: // we were restored from an older copy
		return s.again(ctx, id.Lot(lot), c.Rights, at)
	case h.Number == 0: // a lot that is new gets what holds in all lots
		return s.again(ctx, id.Lot(lot), 0, at)
	case c.Rights >= h.Number:
		return nil
	}
	after := engine.After(c.Rights)
	if c.RightsWant != nil {
		after = *c.RightsWant
	}
	return s.send(ctx, id.Lot(lot), booth, h, after)
}

// again queues a lot whose next number must be above another; above 0 only if some right holds in it.
func (s *Service) again(ctx context.Context, lot id.Lot, above uint64, at time.Time) error {
	queued := false
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) (err error) {
		queued, err = s.store.requeue(tx, lot, above, at)
		return err
	})
	if queued {
		s.poke()
	}
	return err
}

// State is how a lot's rights stand.
type State struct {
	Number  uint64 // 0: none were published yet
	Count   int
	Issued  time.Time
	Waiting bool // a change is about to be published
	Booths  []BoothState
}

// BoothState is which set a booth said is in force there.
type BoothState struct {
	Booth  string
	Number uint64
	SaidAt *time.Time // when it first said so; nil: it never did
}

// State returns how a lot's rights stand.
func (s *Service) State(ctx context.Context, sc scope.Scope, lot id.Lot) (State, error) {
	waiting, err := s.store.waiting(ctx, sc, lot)
	if err != nil {
		return State{}, err
	}
	h, err := s.store.head(ctx, s.o.DB.Gorm(ctx), lot)
	if err != nil {
		return State{}, err
	}
	out := State{Number: h.Number, Count: h.Count, Issued: h.Issued, Waiting: waiting}
	out.Booths, err = s.store.booths(ctx, sc, lot)
	return out, err
}

// Of returns the published rights of one vehicle in a lot, and their number: what prices of the cloud rest on.
func (s *Service) Of(ctx context.Context, lot id.Lot, p plate.Plate) (*engine.Set, uint64, error) {
	h, err := s.store.head(ctx, s.o.DB.Gorm(ctx), lot)
	if err != nil || h.Number == 0 {
		return nil, 0, err
	}
	entries, err := s.store.of(ctx, lot, p)
	if err != nil {
		return nil, 0, err
	}
	set, err := (&engine.Set{}).Apply(entries)
	if err != nil {
		return nil, 0, fmt.Errorf("stored rights of %s: %w", lot, err)
	}
	return set, h.Number, nil
}
