package simulation

import (
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/shared/fact"
)

// journals opens the same journal again and again: the real one on its file, and the simulated one.
type journals struct {
	key  ed25519.PrivateKey
	open func(t *testing.T) lot.Own // what was open before is closed
}

func bothJournals(t *testing.T) map[string]journals {
	key := keyOf(1, "booth-a")
	at := func() time.Time { return epoch }
	path := filepath.Join(t.TempDir(), "journal.db")
	var shut func()
	file := func(t *testing.T) lot.Own {
		if shut != nil {
			shut()
		}
		j, err := journal.Open(path, journal.Options{
			Lot: Lot, Booth: "booth-a", Key: key, Software: "test", Boot: "boot", Now: at, Mono: func() int64 { return 1 },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		shut = func() {
			cancel()
			if err := errors.Join(<-done, j.Close()); err != nil {
				t.Error(err)
			}
		}
		return j
	}
	t.Cleanup(func() { shut() })
	disk := &log{author: "simulatedjournal"}
	simulated := func(t *testing.T) lot.Own {
		j, err := openOwn(own{
			lot: Lot, log: disk, key: key, boot: "boot", now: at, mono: func() int64 { return 1 }, salt: rng(1, "salt", 0),
			fault: func() error { return nil }, at: func(string) {}, acked: func([]fact.Record) {},
		}, fact.Opened{Booth: "booth-a", Key: key.Public().(ed25519.PublicKey), Software: "test", Why: "new"})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	return map[string]journals{"file": {key, file}, "simulated": {key, simulated}}
}

// The simulated journal promises a lot what the real one does.
func TestTheSimulatedJournalIsAJournal(t *testing.T) {
	for name, js := range bothJournals(t) {
		t.Run(name, func(t *testing.T) { journalPromises(t, js) })
	}
}

func journalPromises(t *testing.T, js journals) {
	j := js.open(t)
	say := func(n int) []fact.Fact {
		t.Helper()
		facts, err := j.Append(t.Context(), func(id func(int) fact.ID) []fact.Draft {
			var out []fact.Draft
			for i := range n {
				out = append(out, fact.Draft{At: epoch, Source: "booth", Kind: "x", Refs: []fact.ID{id(i)}, Body: i, Hidden: "h"})
			}
			return out
		})
		if err != nil || len(facts) != n {
			t.Fatalf("append of %d: %d facts, %v", n, len(facts), err)
		}
		return facts
	}
	if h := j.Head(); h.Seq != 1 {
		t.Errorf("a new journal ends at %d, want at its opening", h.Seq)
	}
	for i, f := range say(3) {
		if f.ID() != (fact.ID{Author: j.Author(), Seq: uint64(i) + 2}) || f.Refs[0] != f.ID() {
			t.Errorf("fact %d is %s and names %s", i, f.ID(), f.Refs[0])
		}
	}
	before := j.Head()
	for what, compose := range map[string]journal.Compose{
		"a draft that names one that was not given": func(id func(int) fact.ID) []fact.Draft {
			return []fact.Draft{{At: epoch, Source: "booth", Kind: "x", Refs: []fact.ID{id(1)}, Body: 1}}
		},
		"a draft that cannot be sealed, after one that can": func(func(int) fact.ID) []fact.Draft {
			return []fact.Draft{{At: epoch, Source: "booth", Kind: "x", Body: 1}, {At: epoch, Source: "booth", Body: 1}}
		},
	} {
		if facts, err := j.Append(t.Context(), compose); err == nil || j.Head() != before {
			t.Errorf("%s: %d facts, %v, and the journal ends at %d", what, len(facts), err, j.Head().Seq)
		}
	}
	j.Observe(fact.HLC(0).Tick(epoch.Add(time.Minute)))
	if f := say(1)[0]; f.HLC.Time().Before(epoch.Add(time.Minute)) {
		t.Errorf("a fact after one of %v has the clock %v", epoch.Add(time.Minute), f.HLC.Time())
	}
	author, head := j.Author(), j.Head()
	j = js.open(t)
	if j.Author() != author || j.Head() != head {
		t.Errorf("opened again it is %s up to %d, want %s up to %d", j.Author(), j.Head().Seq, author, head.Seq)
	}
	say(2)
	all, err := j.Records(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	facts, end, err := fact.Follow(fact.Head{}, Lot, author, all, js.key.Public().(ed25519.PublicKey))
	if err != nil || end != j.Head() || facts[0].Kind != fact.KindOpened || len(all) != 7 {
		t.Errorf("its log of %d records: %v", len(all), err)
	}
	for _, c := range []struct {
		after uint64
		n     int
		want  int
	}{{0, 2, 2}, {5, 10, 2}, {7, 10, 0}, {100, 10, 0}, {0, 0, 0}} {
		if got, err := j.Records(c.after, c.n); err != nil || len(got) != c.want {
			t.Errorf("records after %d, at most %d: %d, %v, want %d", c.after, c.n, len(got), err, c.want)
		}
	}
}

// A failed write stores nothing and says so; then the journal goes on where it was, as the real one does by itself.
func TestTheSimulatedDiskFailsAsTheRealOneDoes(t *testing.T) {
	var fail error
	j, err := openOwn(own{
		lot: Lot, log: &log{author: "simulatedjournal"}, key: keyOf(1, "booth-a"), boot: "boot", now: func() time.Time { return epoch },
		mono: func() int64 { return 1 }, salt: rng(1, "salt", 0), fault: func() error { return fail }, at: func(string) {}, acked: func([]fact.Record) {},
	}, fact.Opened{Booth: "booth-a", Why: "new"})
	if err != nil {
		t.Fatal(err)
	}
	one := func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: epoch, Source: "booth", Kind: "x", Body: 1}}
	}
	fail = errors.New("no space left on device")
	if _, err := j.Append(t.Context(), one); !errors.Is(err, journal.ErrBroken) || j.Head().Seq != 1 {
		t.Errorf("a failed write: %v, up to %d", err, j.Head().Seq)
	}
	fail = nil
	if facts, err := j.Append(t.Context(), one); err != nil || facts[0].Seq != 2 {
		t.Errorf("afterwards: %v, %v", facts, err)
	}
}
