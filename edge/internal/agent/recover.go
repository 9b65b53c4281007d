package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/shared/fact"
)

// RecoverGroup records, in the data folder of a stopped booth, that a person gave up the booths' group and founds it anew
// here. confirm is shown what it means and returns what the person typed, which must be the lot's id.
func RecoverGroup(ctx context.Context, data, by, note string, now func() time.Time, log *slog.Logger, confirm func(lot, booth string) (string, error)) (r fact.Recovered, err error) {
	id, err := enroll.Load(data)
	if err != nil {
		return r, err
	}
	typed, err := confirm(id.Lot, id.Booth)
	if err != nil {
		return r, err
	}
	if typed != id.Lot {
		return r, fmt.Errorf("nothing was changed: the lot's id is %s", id.Lot)
	}
	path := filepath.Join(data, "journal.db")
	if _, err := os.Stat(path); err != nil {
		return r, fmt.Errorf("the booth never ran: start it first: %w", err)
	}
	began := now()
	j, err := journal.Open(path, journal.Options{
		Lot: id.Lot, Booth: id.Booth, Key: id.Key, Cert: id.Cert, Boot: "recover-" + random(), Now: now,
		Mono: func() int64 { return int64(now().Sub(began)) + 1 }, Log: log,
	})
	if err != nil {
		return r, fmt.Errorf("the agent must be stopped first: %w", err)
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	l, err := lot.Open(filepath.Join(data, "lot.db"), j, lot.Options{
		Lot: id.Lot, Booth: id.Booth, Keys: id.Trust(), ConfigKey: id.ConfigKey, Now: now, Log: log,
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	writer, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- j.Run(writer) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	member, err := agree.Identify(filepath.Join(data, "raft"), id.Booth)
	if err != nil {
		return r, err
	}
	r = fact.Recovered{Group: random(), Member: member, By: by, Note: note}
	at := now()
	_, err = l.Append(ctx, func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: at, Source: "booth", Kind: fact.KindRecovered, Body: r}}
	})
	return r, err
}

func random() string { return strings.ToLower(rand.Text()[:16]) }
