// Package lottest opens the memory of booths (journal and lot on real files) for tests.
package lottest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// Booth is a booth's memory. Stop ends it; the files stay in Dir and may be opened again.
type Booth struct {
	T        testing.TB
	Identity *enroll.Identity
	Dir      string
	Journal  *journal.Journal
	Lot      *lot.Lot

	cancel context.CancelFunc
	done   chan error
	once   sync.Once

	mu     sync.Mutex
	alarms map[string]string // those that are on, by code and subject, with their detail
}

// Alarm returns the detail of an alarm and whether it is on.
func (b *Booth) Alarm(code, subject string) (detail string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	detail, on = b.alarms[code+" "+subject]
	return detail, on
}

func (b *Booth) raise(code, subject string, on bool, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if delete(b.alarms, code+" "+subject); on {
		b.alarms[code+" "+subject] = detail
	}
}

// Open opens a booth's memory in a folder and lets its journal write, until Stop or the test's end.
func Open(t testing.TB, id *enroll.Identity, dir string) *Booth {
	t.Helper()
	start := time.Now()
	j, err := journal.Open(filepath.Join(dir, "journal.db"), journal.Options{
		Lot: id.Lot, Booth: id.Booth, Key: id.Key, Cert: id.Cert, Software: "test", Boot: "boot",
		Now: time.Now, Mono: func() int64 { return int64(time.Since(start)) }, Spare: filepath.Join(dir, "spare"),
	})
	if err != nil {
		t.Fatalf("open journal of %s: %v", id.Booth, err)
	}
	b := &Booth{T: t, Identity: id, Dir: dir, Journal: j, done: make(chan error, 1), alarms: map[string]string{}}
	b.Lot, err = lot.Open(filepath.Join(dir, "lot.db"), j, lot.Options{
		Lot: id.Lot, Booth: id.Booth, Keys: id.Trust(), ConfigKey: id.ConfigKey, Now: time.Now, Alarm: b.raise,
	})
	if err != nil {
		t.Fatalf("open lot of %s: %v", id.Booth, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() { b.done <- j.Run(ctx) }()
	t.Cleanup(b.Stop)
	return b
}

// New enrols a booth and opens its memory in a fresh folder.
func New(t testing.TB, a *enrolltest.Authority, lotID, booth string) *Booth {
	t.Helper()
	return Open(t, a.Booth(lotID, booth, nil), t.TempDir())
}

// Stop ends the journal and closes the files.
func (b *Booth) Stop() {
	b.once.Do(func() {
		b.cancel()
		if err := <-b.done; err != nil {
			b.T.Errorf("journal of %s ended: %v", b.Identity.Booth, err)
		}
		if err := b.Lot.Close(); err != nil {
			b.T.Errorf("%v", err)
		}
		if err := b.Journal.Close(); err != nil {
			b.T.Errorf("%v", err)
		}
	})
}

// Reopen opens the memory again after Stop.
func (b *Booth) Reopen() *Booth {
	b.T.Helper()
	return Open(b.T, b.Identity, b.Dir)
}

// Enter appends what a lane says when a vehicle goes in: the read, the decision, the passage.
func (b *Booth) Enter(text string) []fact.Fact { return b.Pass(text, fact.Entry) }

// Pass appends what a lane says when a vehicle goes through it.
func (b *Booth) Pass(text string, dir fact.Dir) []fact.Fact {
	b.T.Helper()
	facts, err := b.Lot.Append(context.Background(), Passing(text, dir, time.Now()))
	if err != nil {
		b.T.Fatalf("booth %s: %v", b.Identity.Booth, err)
	}
	return facts
}

// Passing composes a read, the decision to open and the passage of a vehicle.
func Passing(text string, dir fact.Dir, at time.Time) journal.Compose {
	p, err := plate.Parse(text, plate.ColourUnknown)
	if err != nil {
		p = plate.Plate{Text: text}
	}
	return func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{
			{
				At: at, Source: "booth", Kind: fact.KindRead, Hidden: fact.Vehicle{Plate: p},
				Body: fact.Read{Lane: "lane-1", Dir: dir, Device: "cam-1", Event: id(0).String(), Confidence: 97},
			},
			{
				At: at, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{id(0)},
				Body: fact.Decision{Lane: "lane-1", Dir: dir, Action: fact.Open, Reason: "entry", Config: 1},
			},
			{
				At: at.Add(time.Second), Source: "booth", Kind: fact.KindPassage, Refs: []fact.ID{id(0)},
				Body: fact.Passage{Lane: "lane-1", Dir: dir, Outcome: fact.Passed, Opened: true},
			},
		}
	}
}

// Config is a small configuration with these booths.
func Config(lotID string, number uint64, booths ...wire.Booth) wire.Config {
	return wire.Config{
		Lot: lotID, Number: number, TZ: "Asia/Shanghai", Currency: "CNY", Booths: booths,
		Issued: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Policy: wire.Policy{NoEntry: "hold", JournalX: "hold"},
	}
}

// Until waits until a condition holds, looking at it again and again, and fails the test when it takes too long.
func Until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
