package ingest

import (
	"context"
	"fmt"
	"time"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

const (
	// resendAfter is how long a booth may take to state a cursor that shows what it was sent.
	resendAfter = 5 * time.Second
	// window is how many batches of one author are sent on one cursor. Each fits a message.
	window = 4
)

// flight is one author's facts on their way to one booth.
type flight struct {
	lot, booth string
	author     fact.Author
}

type sending struct {
	to uint64
	at time.Time
}

// spread sends fresh facts of the cloud to every booth of the lot and states the new cursors. It is only haste: a booth
// that misses them states a cursor that lacks them within seconds.
func (s *Service) spread(ctx context.Context, b exchange.Batch) {
	booths, err := s.store.booths(ctx, b.Lot)
	if err != nil {
		s.o.Log.WarnContext(ctx, "facts wait for the booths' next cursors", "lot", b.Lot, "err", err)
		return
	}
	for _, booth := range booths {
		if err := s.sendRecords(ctx, flight{b.Lot, booth, b.Author}, b.Records); err != nil {
			s.o.Log.WarnContext(ctx, "facts wait for the booth's next cursor", "lot", b.Lot, "booth", booth, "err", err)
		}
		s.stateCursor(ctx, b.Lot, booth, time.Time{})
	}
}

func (s *Service) sendRecords(ctx context.Context, to flight, records []fact.Record) error {
	for len(records) > 0 {
		part := exchange.Cut(records)
		records = records[len(part):]
		msg, err := wire.Encode(wire.Facts{Batch: exchange.Batch{Lot: to.lot, Author: to.author, Records: part}})
		if err != nil {
			return fmt.Errorf("encode facts: %w", err)
		}
		topic := wire.Topic{Lot: to.lot, Booth: to.booth, Channel: wire.FactsDown}
		if err := s.o.Broker.Publish(ctx, topic.String(), 1, false, msg); err != nil {
			return fmt.Errorf("publish facts: %w", err)
		}
	}
	return nil
}

// stateCursor tells a booth how far the cloud's copies reach. echo is the booth's time on the statement that it answers,
// so that the booth can tell how far its clock is off.
func (s *Service) stateCursor(ctx context.Context, lot, booth string, echo time.Time) {
	cursors, closed, err := s.store.cursors(ctx, lot)
	if err == nil {
		var config uint64
		if config, err = s.store.configNumber(ctx, lot); err == nil {
			err = s.publishCursor(ctx, lot, booth, wire.Cursor{At: s.o.Now().UTC(), Echo: echo, Cursors: cursors, Closed: closed, Config: config})
		}
	}
	if err != nil {
		s.o.Log.WarnContext(ctx, "the booth will ask for its cursor again", "lot", lot, "booth", booth, "err", err)
	}
}

func (s *Service) publishCursor(ctx context.Context, lot, booth string, c wire.Cursor) error {
	msg, err := wire.Encode(c)
	if err != nil {
		return fmt.Errorf("encode cursor: %w", err)
	}
	return s.o.Broker.Publish(ctx, wire.Topic{Lot: lot, Booth: booth, Channel: wire.CursorDown}.String(), 1, false, msg)
}

// supply sends a booth what its cursors lack of ours: every author's facts, its own former authors' included, for a
// booth that lost its disk is rebuilt from here when it has no peer.
//
// An author that is closed here is sent too: who wrote the other of its two logs learns from it where they parted.
func (s *Service) supply(ctx context.Context, lot, booth string, theirs exchange.Cursors, closed []fact.Author) error {
	ours, _, err := s.store.cursors(ctx, lot)
	if err != nil {
		return err
	}
	for _, a := range closed {
		delete(ours, a) // the booth takes no more of it
	}
	for _, need := range ours.Lacks(theirs) {
		if err := s.send(ctx, flight{lot, booth, need.Author}, need); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) send(ctx context.Context, to flight, need exchange.Need) error {
	now := s.o.Now()
	s.mu.Lock()
	last, flying := s.sent[to]
	s.mu.Unlock()
	if flying && need.After < last.to && now.Sub(last.at) < resendAfter {
		return nil // on its way
	}
	after := need.After
	for range window {
		records, err := readRecords(ctx, s.o.DB.SQL(), to.lot, to.author, after, exchange.MaxRecords)
		if err != nil {
			return err
		}
		records = exchange.Cut(records)
		if len(records) == 0 {
			break
		}
		if err := s.sendRecords(ctx, to, records); err != nil {
			return err
		}
		after += uint64(len(records))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) > 10_000 {
		clear(s.sent) // it only spares repetitions
	}
	s.sent[to] = sending{after, now}
	return nil
}
