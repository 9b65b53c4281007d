package ingest

import (
	"context"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
)

// Alarm is something that a person should look at. Alarms of one lot, kind and subject are one until it is cleared.
type Alarm struct {
	Lot     string
	Kind    string // area.reason, as "fact.quarantined"
	Subject string
	ZH, EN  string
}

// Raise opens an alarm in the caller's transaction, or counts it in the one that is open.
func (s *Service) Raise(tx *database.Tx, a Alarm) error { return s.store.raise(tx, a, s.o.Now().UTC()) }

var (
	errNoAlarm = fault.New(fault.NotFound, "alarm.not_found", "没有这个未处理的告警", "there is no such open alarm")
	errNoLot   = fault.New(fault.NotFound, "lot.not_found", "没有这个停车场", "there is no such lot")
)

// logs returns the authors of a lot that the scope sees, and the digest of their logs.
func (s *Service) logs(ctx context.Context, sc scope.Scope, lot string) ([]authorRow, fact.Hash, error) {
	seen, err := s.store.sees(ctx, sc, lot)
	if err != nil {
		return nil, fact.Hash{}, err
	}
	if !seen {
		return nil, fact.Hash{}, errNoLot
	}
	rows, err := s.store.authors(ctx, lot)
	if err != nil {
		return nil, fact.Hash{}, err
	}
	cursors := exchange.Cursors{}
	for _, r := range rows {
		cursors[fact.Author(r.Author)] = fact.Head{Seq: uint64(r.Seq), Hash: fact.Hash(r.Hash)}
	}
	return rows, cursors.Digest(), nil
}

func factID(author string, seq int64) string {
	return fact.ID{Author: fact.Author(author), Seq: uint64(seq)}.String()
}
