package journal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"lotkeeper/shared/fact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testKey  = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	otherKey = ed25519.NewKeyFromSeed([]byte("fedcba9876543210fedcba9876543210"))
)

func publicKey() ed25519.PublicKey { return testKey.Public().(ed25519.PublicKey) }

func options() Options {
	return Options{
		Lot: "riverside", Booth: "booth-a", Key: testKey, Cert: []byte("cert"), Software: "test", Boot: "boot-1",
		Now: time.Now, Mono: func() int64 { return 7 },
	}
}

// start opens a journal and runs it; stop ends both.
func start(t testing.TB, path string) (j *Journal, stop func()) {
	t.Helper()
	j, err := Open(path, options())
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := errors.Join(<-done, j.Close()); err != nil {
				t.Errorf("stop journal: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return j, stop
}

func one(kind fact.Kind, body any) Compose {
	return func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: time.Unix(1, 0), Source: "booth", Kind: kind, Body: body}}
	}
}

func TestNewJournalOpensItsAuthor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j, stop := start(t, path)
	if !j.Author().Valid() || j.Head().Seq != 1 {
		t.Fatalf("author %q, head %+v; want a valid author and its opening fact", j.Author(), j.Head())
	}
	recs, err := j.Records(0, 10)
	if err != nil || len(recs) != 1 {
		t.Fatalf("records: %d, %v; want 1", len(recs), err)
	}
	facts, _, err := fact.Follow(fact.Head{}, "riverside", j.Author(), recs, testKey.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatalf("opening fact does not verify: %v", err)
	}
	opened, err := fact.Decode[fact.Opened](&facts[0])
	if err != nil || facts[0].Kind != fact.KindOpened || opened.Booth != "booth-a" || string(opened.Cert) != "cert" || opened.Why != "new" {
		t.Fatalf("opening fact %s %+v, %v", facts[0].Kind, opened, err)
	}
	author := j.Author()
	stop()
	again, _ := start(t, path)
	if again.Author() != author || again.Head().Seq != 1 {
		t.Fatalf("reopened as %q at %d, want %q at 1", again.Author(), again.Head().Seq, author)
	}
}

func TestAppendIsOneTransactionWithIDsThatReferToEachOther(t *testing.T) {
	j, _ := start(t, filepath.Join(t.TempDir(), "j.db"))
	facts, err := j.Append(context.Background(), func(id func(int) fact.ID) []fact.Draft {
		return []fact.Draft{
			{At: time.Unix(1, 0), Source: "booth", Kind: "a", Body: map[string]any{"session": id(1)}},
			{At: time.Unix(1, 0), Source: "booth", Kind: "b", Refs: []fact.ID{id(0)}, Body: 1, Hidden: "secret"},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) != 2 || facts[1].Refs[0] != facts[0].ID() || string(facts[0].Body) != fmt.Sprintf(`{"session":"%s"}`, facts[1].ID()) {
		t.Fatalf("facts %+v do not name each other", facts)
	}
	recs, err := j.Records(1, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range recs {
		f, err := fact.Unseal(r)
		if err != nil || f.ID() != facts[i].ID() || string(f.Private) != string(facts[i].Private) {
			t.Errorf("stored %s (%v), returned %s", f.ID(), err, facts[i].ID())
		}
	}
	before := j.Head()
	for name, bad := range map[string]Compose{
		"names a draft that is not there": func(id func(int) fact.ID) []fact.Draft {
			return []fact.Draft{{Kind: "a", Refs: []fact.ID{id(1)}}}
		},
		"second draft too large": func(func(int) fact.ID) []fact.Draft {
			return []fact.Draft{{Kind: "a"}, {Kind: "b", Body: make([]byte, fact.MaxPublic)}}
		},
		"no kind": one("", 1),
	} {
		if _, err := j.Append(context.Background(), bad); err == nil {
			t.Errorf("%s: appended", name)
		}
		if j.Head() != before {
			t.Errorf("%s: head moved to %+v", name, j.Head())
		}
	}
	if _, err := j.Append(context.Background(), one("c", 1)); err != nil {
		t.Errorf("a bad append stopped the journal: %v", err)
	}
}

func TestManyAppendersShareTransactions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j, stop := start(t, path)
	const hands, each = 32, 20
	first := transactions(t, j)
	var group sync.WaitGroup
	for h := range hands {
		group.Go(func() {
			for i := range each {
				facts, err := j.Append(context.Background(), one("n", [2]int{h, i}))
				if err != nil || len(facts) != 1 {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if got := j.Head().Seq; got != 1+hands*each {
		t.Fatalf("head %d, want %d", got, 1+hands*each)
	}
	if n := transactions(t, j) - first; n > hands*each/2 {
		t.Errorf("%d appends took %d transactions", hands*each, n)
	}
	stop()
	rep, err := Check(path)
	if err != nil || rep.Head.Seq != 1+hands*each {
		t.Fatalf("check: %+v, %v", rep, err)
	}
}

// transactions returns the number of the file's last transaction.
func transactions(t *testing.T, j *Journal) (n int) {
	t.Helper()
	if err := j.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestObservedClockMovesTheLog(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o := options()
	o.Now = func() time.Time { return now }
	j, err := Open(filepath.Join(t.TempDir(), "j.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		j.Close()
	}()
	ahead := fact.HLC(now.Add(time.Minute).UnixMilli()) << 16
	j.Observe(ahead)
	j.Observe(fact.HLC(now.Add(time.Hour).UnixMilli()) << 16) // too far to be followed
	facts, err := j.Append(ctx, one("n", 1))
	if err != nil || facts[0].HLC <= ahead || facts[0].HLC.Time().Sub(now) > 2*time.Minute {
		t.Fatalf("clock %v after seeing %v: %v", facts[0].HLC.Time(), ahead.Time(), err)
	}
}

func TestForeignJournalsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	_, stop := start(t, path)
	if _, err := Open(path, options()); err == nil {
		t.Error("a journal that is in use was opened a second time")
	}
	stop()
	for name, edit := range map[string]func(*Options){
		"lot":   func(o *Options) { o.Lot = "elsewhere" },
		"booth": func(o *Options) { o.Booth = "booth-b" },
		"key":   func(o *Options) { o.Key = otherKey },
		"clock": func(o *Options) { o.Now = nil },
	} {
		o := options()
		edit(&o)
		if j, err := Open(path, o); err == nil {
			j.Close()
			t.Errorf("another %s: opened", name)
		}
	}
}

func TestAppendWithoutRunEndsWithItsContext(t *testing.T) {
	j, err := Open(filepath.Join(t.TempDir(), "j.db"), options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := j.Append(ctx, one("n", 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(context.Background(), one("n", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed journal: %v", err)
	}
}
