package edgetest

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lotkeeper/edge/internal/journal"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// Speed measures how fast a lane is: from the last byte of the camera's frame to the first byte of the barrier's
// command, with the stay priced and the bill synced between; and beside it a bare append of the same facts to a journal
// of its own, on the same disk under the same load of raft.
type Speed struct {
	lot   *Lot
	exit  *Booth
	watch *stopwatch
	bare  *journal.Journal
	cars  int
	Stuck int // rounds in which the barrier did not move
}

// NewSpeed runs a lot with so many booths until the test ends. The exit is at booth-a, which founds the group of booths.
func NewSpeed(t testing.TB, booths int) *Speed {
	t.Helper()
	return newSpeed(t, booths, "booth-a")
}

// NewRush is NewSpeed with three booths and the exit at booth-c.
func NewRush(t testing.TB) *Speed {
	t.Helper()
	s := newSpeed(t, 3, "booth-c")
	Until(t, 15*time.Second, "booth-a leads three voters", func() bool { return s.lot.Booths["booth-a"].Agent.State().Sync.Agreement == "Leader" })
	return s
}

// KillLeader stops the booth that leads, in the middle of whatever it does.
func (s *Speed) KillLeader(t testing.TB) {
	t.Helper()
	a := s.lot.Booths["booth-a"]
	if now := a.Agent.State().Sync.Agreement; now != "Leader" {
		t.Fatalf("booth-a does not lead: it is a %s", now)
	}
	a.Stop()
}

// Billed is how many vehicles left by the exit, and how many bills they have.
func (s *Speed) Billed() (left, bills int) {
	s.exit.Lot().View(func(k *session.Book) {
		for _, x := range k.Sessions() {
			if x.State == session.Left {
				left++
			}
			if x.Bill != nil {
				bills++
			}
		}
	})
	return left, bills
}

func newSpeed(t testing.TB, booths int, exit string) *Speed {
	t.Helper()
	var lanes []Lane
	at := 0
	for i := range booths {
		l := Lane{ID: fmt.Sprintf("entry-%d", i), Dir: fact.Entry, Booth: fmt.Sprintf("booth-%c", 'a'+i)}
		if l.Booth == exit {
			l.ID, l.Dir, at = "exit-1", fact.Exit, i
		}
		lanes = append(lanes, l)
	}
	s := &Speed{watch: newStopwatch()}
	s.lot = Start(t, Plan{Lanes: lanes, Travel: 20 * time.Millisecond, Edit: func(c *wire.Config) {
		for i := range c.Lanes[at].Devices {
			switch d := &c.Lanes[at].Devices[i]; d.Role {
			case "camera":
				s.watch.between(t, d, s.watch.camera)
			case "barrier":
				s.watch.between(t, d, s.watch.board)
			}
		}
	}})
	s.exit = s.lot.Booths[exit]
	var stop func()
	s.bare, stop = bareJournal(t, filepath.Join(filepath.Dir(s.exit.Dir), "bare.db"))
	t.Cleanup(stop)
	return s
}

// Lane lets a vehicle leave and returns how long its lane took.
func (s *Speed) Lane(t testing.TB) (time.Duration, bool) {
	t.Helper()
	s.cars++
	plate := fmt.Sprintf("粤B%05d", s.cars)
	Enter(t, s.exit, plate, time.Minute)
	d, ok := s.watch.exit(t, s.lot, "exit-1", plate)
	if !ok {
		s.Stuck++
	}
	return d, ok
}

// Bare appends what an exit writes, after the same load.
func (s *Speed) Bare(t testing.TB) time.Duration {
	t.Helper()
	Enter(t, s.exit, fmt.Sprintf("粤C%05d", s.cars), time.Minute)
	settle(30 * time.Millisecond)
	began := time.Now()
	if _, err := s.bare.Append(context.Background(), sameFacts); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// Enter makes a vehicle one that came in so long ago, and returns its session.
func Enter(t testing.TB, b *Booth, text string, ago time.Duration) fact.ID {
	t.Helper()
	ref := fact.TariffRef{ID: "per-hour", Version: 1}
	at := time.Now().Add(-ago)
	facts, err := b.Lot().Append(context.Background(), func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{
			{At: at, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "entry-0", Dir: fact.Entry, Device: "cam-0", Event: text}, Hidden: fact.Vehicle{Plate: Car(t, text).Read}},
			{At: at, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{id(0)}, Body: fact.Decision{Lane: "entry-0", Dir: fact.Entry, Action: fact.Open, Reason: "entry", Session: id(0), Tariff: &ref}},
		}
	})
	must(t, err)
	return facts[0].ID()
}

// sameFacts are what an exit writes before its barrier moves.
func sameFacts(id func(int) fact.ID) []fact.Draft {
	now := time.Now()
	return []fact.Draft{
		{At: now, Source: "booth", Kind: fact.KindRead, Body: fact.Read{Lane: "exit-1", Dir: fact.Exit, Device: "exit-1-cam", Event: "51m-exit-1/1/1", Confidence: 95, Trigger: "video", Photos: []fact.Photo{{Kind: "scene", SHA256: fmt.Sprintf("%064d", 1), Bytes: 20000}, {Kind: "plate", SHA256: fmt.Sprintf("%064d", 2), Bytes: 2000}}}, Hidden: fact.Vehicle{}},
		{At: now, Source: "booth", Kind: fact.KindDecision, Refs: []fact.ID{id(0)}, Body: fact.Decision{Lane: "exit-1", Dir: fact.Exit, Action: fact.Open, Reason: "free", Session: id(0), Config: 1}},
		{At: now, Source: "booth", Kind: fact.KindBill, Refs: []fact.ID{id(0), id(0)}, Body: fact.Bill{Session: id(0), Config: 1, Bill: tariff.Bill{
			Tariff: "per-hour", Version: 1, Calendar: "plain", CalendarVersion: 1, Plan: "all", Currency: "CNY", Class: "small", Entry: now, Exit: now, RatedTo: now, Lines: []tariff.Line{},
		}}},
	}
}

// bareJournal is a journal with nothing around it.
func bareJournal(t testing.TB, path string) (*journal.Journal, func()) {
	t.Helper()
	began := time.Now()
	id := newBareIdentity(t)
	j, err := journal.Open(path, journal.Options{
		Lot: Name, Booth: "bare", Key: id, Boot: "bare", Now: time.Now, Mono: func() int64 { return int64(time.Since(began)) + 1 },
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	return j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		must(t, j.Close())
	}
}

func newBareIdentity(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	return key
}
