package ingest

import (
	"context"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/alarm"
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

// boothAlarms opens and clears the alarms that a booth's facts tell of. Of one log facts come in order, so the last word
// counts; one that a person cleared here stays so until the booth raises it anew.
func (s *Service) boothAlarms(tx *database.Tx, lot string, k kept) error {
	for i := range k.res.Facts {
		f := &k.res.Facts[i]
		if f.Kind != fact.KindAlarmRaised && f.Kind != fact.KindAlarmCleared {
			continue
		}
		told, err := fact.Decode[fact.Alarm](f)
		if err != nil || told.Code == "" {
			continue // stored like any other, without effect
		}
		booth, err := s.store.boothOf(tx, lot, f.Author)
		if err != nil {
			return err
		}
		words := alarm.Text(told.Code)
		a := Alarm{Lot: lot, Kind: "booth." + told.Code, Subject: booth, ZH: booth + "：" + words.ZH, EN: booth + ": " + words.EN}
		if told.Subject != "" {
			a.Subject += "/" + told.Subject
			a.ZH, a.EN = booth+" "+told.Subject+"："+words.ZH, booth+" "+told.Subject+": "+words.EN
		}
		if f.Kind == fact.KindAlarmRaised {
			err = s.store.raise(tx, a, told.Since.UTC())
		} else {
			err = s.store.over(tx, a, f.At.UTC())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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
