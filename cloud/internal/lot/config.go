package lot

import (
	"context"
	"fmt"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/wire"
)

// Find lists the lots that the scope sees, by id. kind and text limit it when not empty.
func (s *Service) Find(ctx context.Context, sc scope.Scope, kind Kind, text string) ([]Summary, error) {
	return s.store.find(ctx, sc, kind, text, s.o.Now().Add(-seenFor))
}

// ByID returns one lot.
func (s *Service) ByID(ctx context.Context, sc scope.Scope, lot id.Lot) (Lot, error) {
	l, signed, err := s.store.byID(ctx, sc, lot, s.o.Now().Add(-seenFor))
	if err != nil {
		return Lot{}, err
	}
	l.Config, err = wire.OpenConfig(signed, s.public())
	if err != nil {
		return Lot{}, fmt.Errorf("stored configuration of %s: %w", lot, err)
	}
	return l, nil
}

// Config returns the configuration in force, for pricing and routing.
func (s *Service) Config(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Config, error) {
	signed, err := s.Signed(ctx, sc, lot)
	if err != nil {
		return wire.Config{}, err
	}
	c, err := wire.OpenConfig(signed, s.public())
	if err != nil {
		return wire.Config{}, fmt.Errorf("stored configuration of %s: %w", lot, err)
	}
	return c, nil
}

// Signed returns the newest configuration as booths get it.
func (s *Service) Signed(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Signed, error) {
	return s.store.newest(ctx, sc, lot)
}

// Sees reports whether the scope covers the lot.
func (s *Service) Sees(ctx context.Context, sc scope.Scope, lot id.Lot) (bool, error) {
	return s.store.sees(ctx, sc, lot)
}

// Offer sends a booth the newest configuration, retained.
func (s *Service) Offer(ctx context.Context, lot id.Lot, booth string) error {
	signed, err := s.Signed(ctx, scope.System("offer configuration"), lot)
	if err != nil {
		return err
	}
	return s.publish(ctx, string(lot), booth, signed)
}

// publishAll is haste: a booth that misses it states its older number within seconds and is offered the newest.
func (s *Service) publishAll(ctx context.Context, c wire.Config, signed wire.Signed) {
	for _, b := range c.Booths {
		if err := s.publish(ctx, c.Lot, b.ID, signed); err != nil {
			s.o.Log.WarnContext(ctx, "the booth gets its configuration when it next speaks", "lot", c.Lot, "booth", b.ID, "number", c.Number, "err", err)
		}
	}
}

func (s *Service) publish(ctx context.Context, lot, booth string, signed wire.Signed) error {
	msg, err := wire.Encode(signed)
	if err != nil {
		return fmt.Errorf("encode configuration of %s: %w", lot, err)
	}
	topic := wire.Topic{Lot: lot, Booth: booth, Channel: wire.ConfigDown}
	if err := s.o.Broker.Publish(ctx, topic.String(), 1, true, msg); err != nil {
		return fmt.Errorf("publish configuration of %s: %w", lot, err)
	}
	return nil
}
