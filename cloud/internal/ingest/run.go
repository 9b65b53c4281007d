package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/wire"
)

const (
	workers = 8
	// queue is how many messages may wait for a worker. Beyond it the subscription fills, and then drops: no cursor moves,
	// so it comes again.
	queue = 16
	// sweep is how often the outbox is looked at without a poke: a poke is lost when a replica dies after a commit.
	sweep = time.Second
	// handleFor bounds the work on one message.
	handleFor = 30 * time.Second
)

// Shared is the group that replicas of the cloud share a booth's messages in.
const Shared = "$share/cloud/"

// Filters returns what [Service.Handle] wants to hear, each to be subscribed at QoS 1 in the shared group.
func Filters() []string {
	return []string{Shared + wire.Every(wire.FactsUp), Shared + wire.Every(wire.CursorUp)}
}

// Run handles what arrives on the inputs, and the outbox, until the context ends. A lot's messages always go to the same
// worker, so that they are handled in the order they came.
func (s *Service) Run(ctx context.Context, inputs ...<-chan broker.Message) error {
	var all sync.WaitGroup
	lanes := make([]chan broker.Message, workers)
	for i := range lanes {
		lanes[i] = make(chan broker.Message, queue)
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case m := <-lanes[i]:
					s.handleLogged(ctx, m)
				}
			}
		})
	}
	for _, in := range inputs {
		all.Go(func() { deal(ctx, in, lanes) })
	}
	all.Go(func() { s.sequenceAlways(ctx) })
	all.Wait()
	return nil
}

func deal(ctx context.Context, in <-chan broker.Message, lanes []chan broker.Message) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-in:
			h := fnv.New32a()
			if t, err := wire.ParseTopic(m.Topic); err == nil {
				_, _ = h.Write([]byte(t.Lot)) // a hash's Write never fails
			}
			select {
			case <-ctx.Done():
				return
			case lanes[h.Sum32()%uint32(len(lanes))] <- m:
			}
		}
	}
}

func (s *Service) handleLogged(ctx context.Context, m broker.Message) {
	ctx, cancel := context.WithTimeout(ctx, handleFor)
	defer cancel()
	if err := s.Handle(ctx, m.Topic, m.Payload); err != nil && !errors.Is(err, context.Canceled) {
		s.o.Log.WarnContext(ctx, "message not taken", "topic", m.Topic, "bytes", len(m.Payload), "err", err)
	}
}

func (s *Service) sequenceAlways(ctx context.Context) {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
		if err := s.sequence(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "facts of the cloud wait", "err", err)
		}
	}
}

// Handle takes one message of a booth. An error says why nothing came of it; the booth states its cursor again and
// sends again, so nobody need keep the message.
func (s *Service) Handle(ctx context.Context, topic string, payload []byte) error {
	t, err := wire.ParseTopic(topic)
	if err != nil {
		return err
	}
	switch t.Channel {
	case wire.FactsUp:
		return s.factsUp(ctx, t, payload)
	case wire.CursorUp:
		return s.cursorUp(ctx, t, payload)
	}
	return fmt.Errorf("ingest does not hear %s", t.Channel)
}

func (s *Service) factsUp(ctx context.Context, t wire.Topic, payload []byte) error {
	msg, err := wire.Decode[wire.Facts](payload)
	if err != nil {
		return err
	}
	if msg.Batch.Lot != t.Lot {
		return fmt.Errorf("booth %s of %s sent facts of lot %.40q", t.Booth, t.Lot, msg.Batch.Lot)
	}
	if known, err := s.store.hasBooth(ctx, t.Lot, t.Booth); err != nil || !known {
		return errors.Join(err, fmt.Errorf("lot %s has no booth %s", t.Lot, t.Booth))
	}
	taken, err := s.Take(ctx, msg.Batch)
	if err != nil {
		return err
	}
	s.stateCursor(ctx, t.Lot, t.Booth, time.Time{})
	switch taken.Verdict {
	case exchange.Accepted, exchange.Known:
		return nil
	case exchange.Gap:
		s.o.Log.DebugContext(ctx, "gap", "lot", t.Lot, "author", msg.Batch.Author, "err", taken.Cause)
		return nil
	}
	return fmt.Errorf("batch of %.16s from booth %s is %s: %w", msg.Batch.Author, t.Booth, taken.Verdict, taken.Cause)
}

func (s *Service) cursorUp(ctx context.Context, t wire.Topic, payload []byte) error {
	msg, err := wire.Decode[wire.Cursor](payload)
	if err != nil {
		return err
	}
	if known, err := s.store.hasBooth(ctx, t.Lot, t.Booth); err != nil || !known {
		return errors.Join(err, fmt.Errorf("lot %s has no booth %s", t.Lot, t.Booth))
	}
	s.stateCursor(ctx, t.Lot, t.Booth, msg.At)
	if err := s.supply(ctx, t.Lot, t.Booth, msg.Cursors, msg.Closed); err != nil {
		return err
	}
	if s.o.OnCursor == nil {
		return nil
	}
	return s.o.OnCursor(ctx, t.Lot, t.Booth, msg)
}
