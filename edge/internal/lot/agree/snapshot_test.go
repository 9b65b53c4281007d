package agree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/hashicorp/raft"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/wire"
)

// sink is a snapshot in memory.
type sink struct {
	bytes.Buffer
	closed, cancelled bool
}

func (s *sink) ID() string    { return "test" }
func (s *sink) Close() error  { s.closed = true; return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }

func entry(t testing.TB, b exchange.Batch) *raft.Log {
	t.Helper()
	data, err := wire.Encode(wire.Facts{Batch: b})
	if err != nil {
		t.Fatal(err)
	}
	return &raft.Log{Type: raft.LogCommand, Data: data}
}

func machineOf(b *lottest.Booth) *machine {
	return newMachine(b.Identity.Lot, b.Lot, slog.New(slog.DiscardHandler))
}

func TestEntriesAndSnapshots(t *testing.T) {
	ca := enrolltest.New(t)
	a, b, c := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b"), lottest.New(t, ca, "riverside", "booth-c")
	for i := range 40 {
		a.Enter(fmt.Sprintf("粤B1%04d", i))
	}
	get := func(after uint64, n int) exchange.Batch {
		got, err := a.Lot.Batch(a.Lot.Author(), after, n, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	m := machineOf(b)
	// twice, overlapping, unreadable and after a gap: what the entries say, in whatever lumps they come
	logs := []*raft.Log{
		entry(t, get(0, 30)), entry(t, get(0, 30)), {Type: raft.LogConfiguration}, {Type: raft.LogCommand, Data: []byte("{")},
		entry(t, get(20, 40)), entry(t, get(100, 10)), entry(t, get(60, 30)),
	}
	if out := m.ApplyBatch(logs); len(out) != len(logs) {
		t.Fatalf("%d answers to %d entries", len(out), len(logs))
	}
	if got := m.cursors()[a.Lot.Author()].Seq; got != 90 {
		t.Fatalf("agreed up to %d, want 90", got)
	}
	if got := b.Lot.Cursors()[a.Lot.Author()]; got != m.cursors()[a.Lot.Author()] {
		t.Errorf("lot holds up to %+v", got)
	}
	one := machineOf(a)
	for _, l := range logs {
		one.Apply(l)
	}
	if one.cursors().Digest() != m.cursors().Digest() {
		t.Error("agreed cursors depend on how entries are lumped or on what the lot held")
	}

	snap, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	m.Apply(entry(t, get(90, 31))) // comes while the snapshot is written, and is not in it
	var s sink
	if err := snap.Persist(&s); err != nil || !s.closed {
		t.Fatalf("persist: %v", err)
	}
	fresh := machineOf(c)
	if err := fresh.Restore(io.NopCloser(bytes.NewReader(s.Bytes()))); err != nil {
		t.Fatal(err)
	}
	if fresh.cursors()[a.Lot.Author()].Seq != 90 || c.Lot.Cursors()[a.Lot.Author()].Seq != 90 {
		t.Errorf("restored %v, lot %v", fresh.cursors(), c.Lot.Cursors())
	}
	// A lot that has it all needs the header only.
	if err := fresh.Restore(io.NopCloser(bytes.NewReader(s.Bytes()[:300]))); err != nil && len(s.Bytes()) > 300 {
		t.Errorf("restore over the same facts read on: %v", err)
	}
	empty := machineOf(lottest.New(t, ca, "riverside", "booth-d"))
	for _, cut := range []int{0, 3, 50, s.Len() / 2, s.Len() - 1} {
		if err := empty.Restore(io.NopCloser(bytes.NewReader(s.Bytes()[:cut]))); err == nil {
			t.Errorf("a snapshot cut at %d of %d was taken", cut, s.Len())
		}
	}
	other := machineOf(lottest.New(t, ca, "elsewhere", "booth-a"))
	if err := other.Restore(io.NopCloser(bytes.NewReader(s.Bytes()))); err == nil {
		t.Error("a snapshot of another lot was taken")
	}
}

// brokenDisk is a lot whose merges fail.
type brokenDisk struct{ Memory }

func (brokenDisk) MergeAll([]exchange.Batch) ([]exchange.Result, error) {
	return nil, errors.New("disk is full")
}

func TestDiskFailureEndsTheMemberNotTheProcess(t *testing.T) {
	b := lottest.New(t, enrolltest.New(t), "riverside", "booth-a")
	m := newMachine("riverside", brokenDisk{b.Lot}, slog.New(slog.DiscardHandler))
	got, err := b.Lot.Batch(b.Lot.Author(), 0, 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var cause error
	m.onFailure(func(err error) { cause = err })
	m.Apply(entry(t, got))
	if cause == nil || m.failure() == nil || len(m.cursors()) != 0 {
		t.Errorf("cause %v, cursors %v", cause, m.cursors())
	}
	if _, err := m.Snapshot(); err == nil {
		t.Error("a failed machine gave a snapshot")
	}
	ended := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(ended)
		_ = stable{raftStore{}, func(err error) { failed <- err }}.SetUint64([]byte("CurrentTerm"), 3)
		t.Error("raft went on with a term that is not written")
	}()
	<-ended
	if err := <-failed; err == nil {
		t.Error("no failure")
	}
}

type raftStore struct{ raft.StableStore }

func (raftStore) SetUint64([]byte, uint64) error { return errors.New("disk is full") }

func TestNextStep(t *testing.T) {
	server := func(id string, v raft.ServerSuffrage, addr string) raft.Server {
		return raft.Server{ID: raft.ServerID(id + ".1"), Address: raft.ServerAddress(addr), Suffrage: v}
	}
	booth := func(id, addr string, votes bool) wire.Booth { return wire.Booth{ID: id, Raft: addr, Voter: votes} }
	V, N := raft.Voter, raft.Nonvoter
	for _, c := range []struct {
		name string
		have []raft.Server
		want []wire.Booth
		step change
		ok   bool
	}{
		{"nobody is added who did not say who he is", []raft.Server{server("a", V, "1")}, []wire.Booth{booth("a", "1", true), booth("c", "3", true)}, change{}, false},
		{"of a booth whose box is another now the former leaves", []raft.Server{server("a", V, "1"), server("d", V, "2")}, []wire.Booth{booth("a", "1", true), booth("d", "2", true)}, change{remove, "d.1", "2"}, true},
		{"and the new one listens", []raft.Server{server("a", V, "1")}, []wire.Booth{booth("a", "1", true), booth("d", "2", true)}, change{listen, "d.2", "2"}, true},
		{"a voter stays while one that shall vote is away", []raft.Server{server("a", V, "1"), server("b", V, "2")}, []wire.Booth{booth("a", "1", true), booth("c", "3", true)}, change{}, false},
		{"fits", []raft.Server{server("a", V, "1"), server("b", N, "2")}, []wire.Booth{booth("a", "1", true), booth("b", "2", false)}, change{}, false},
		{"new booth listens first", []raft.Server{server("a", V, "1")}, []wire.Booth{booth("a", "1", true), booth("b", "2", true)}, change{listen, "b.1", "2"}, true},
		{"then votes", []raft.Server{server("a", V, "1"), server("b", N, "2")}, []wire.Booth{booth("a", "1", true), booth("b", "2", true)}, change{vote, "b.1", "2"}, true},
		{"moved listener", []raft.Server{server("a", V, "1"), server("b", N, "2")}, []wire.Booth{booth("a", "1", true), booth("b", "3", false)}, change{listen, "b.1", "3"}, true},
		{"moved voter", []raft.Server{server("a", V, "1"), server("b", V, "2")}, []wire.Booth{booth("a", "1", true), booth("b", "3", true)}, change{vote, "b.1", "3"}, true},
		{"new voter before the old one goes", []raft.Server{server("a", V, "1"), server("b", N, "2")}, []wire.Booth{booth("b", "2", true)}, change{vote, "b.1", "2"}, true},
		{"leader hands over", []raft.Server{server("a", V, "1"), server("b", V, "2")}, []wire.Booth{booth("b", "2", true)}, change{handOver, "a.1", "1"}, true},
		{"other voter is demoted", []raft.Server{server("a", V, "1"), server("b", V, "2")}, []wire.Booth{booth("a", "1", true), booth("b", "2", false)}, change{demote, "b.1", "2"}, true},
		{"gone booth is removed", []raft.Server{server("a", V, "1"), server("b", N, "2")}, []wire.Booth{booth("a", "1", true)}, change{remove, "b.1", "2"}, true},
		{"nobody shall vote: nothing", []raft.Server{server("a", V, "1")}, []wire.Booth{booth("a", "1", false)}, change{}, false},
		{"booth without raft is no member", []raft.Server{server("a", V, "1")}, []wire.Booth{booth("a", "1", true), booth("b", "", true)}, change{}, false},
	} {
		named := map[string]string{"a": "a.1", "b": "b.1", "d": "d.2"}
		if step, ok := next(c.have, c.want, "a.1", func(booth string) string { return named[booth] }); step != c.step || ok != c.ok {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, step, ok, c.step, c.ok)
		}
	}
}

func FuzzRestore(f *testing.F) {
	ca := enrolltest.New(f)
	b := lottest.New(f, ca, "riverside", "booth-a")
	b.Enter("粤B12345")
	m := machineOf(b)
	got, err := b.Lot.Batch(b.Lot.Author(), 0, 10, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	m.Apply(entry(f, got))
	snap, err := m.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	var s sink
	if err := snap.Persist(&s); err != nil {
		f.Fatal(err)
	}
	f.Add(s.Bytes())
	f.Add(s.Bytes()[:20])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 2, '{', '}', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		before := b.Lot.Cursors().Digest()
		m := machineOf(b)
		_ = m.Restore(io.NopCloser(bytes.NewReader(in)))
		if b.Lot.Cursors().Digest() != before {
			t.Fatal("made-up bytes changed the lot")
		}
		m.Apply(&raft.Log{Type: raft.LogCommand, Data: in})
		if b.Lot.Cursors().Digest() != before || slices.Contains(b.Lot.Closed(), b.Lot.Author()) {
			t.Fatal("made-up entry changed the lot")
		}
	})
}
