package salvage

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/journal"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/session"
)

const lotID = "riverside"

// box is a booth's memory with its quarantine.
type box struct {
	*lottest.Booth
	t     *testing.T
	aside *Store
}

func open(t *testing.T, b *lottest.Booth) *box {
	t.Helper()
	s, err := Open(filepath.Join(b.Dir, "quarantine"))
	if err != nil {
		t.Fatal(err)
	}
	return &box{b, t, s}
}

func (b *box) settler() *Settler {
	return &Settler{
		Store: b.aside, Lot: lotID, Key: b.Identity.Key.Public().(ed25519.PublicKey), Spare: filepath.Join(b.Dir, "spare"), Mem: b.Lot,
		Log: slog.New(slog.DiscardHandler),
	}
}

// level brings what each lacks to the other, as the exchange between booths does, until nothing moves.
func level(t *testing.T, x, y *box) {
	t.Helper()
	for moved := true; moved; {
		moved = give(t, x, y)
		moved = give(t, y, x) || moved
	}
	y.Lot.Judged("x", x.Lot.Cursors(), x.Lot.Closed())
	x.Lot.Judged("y", y.Lot.Cursors(), y.Lot.Closed())
}

func give(t *testing.T, from, to *box) (moved bool) {
	t.Helper()
	for _, need := range from.Lot.Cursors().Lacks(to.Lot.Cursors()) {
		if slices.Contains(to.Lot.Closed(), need.Author) {
			continue
		}
		b, err := from.Lot.Batch(need.Author, need.After, 50, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		res, err := to.Lot.Merge(b)
		if err != nil {
			t.Fatal(err)
		}
		moved = moved || res.Verdict == exchange.Accepted
	}
	return moved
}

// succeed ends the incarnation as the agent does.
func (b *box) succeed() Item {
	b.t.Helper()
	author, why, agreed, ok := b.Lot.Ending()
	if !ok {
		b.t.Fatal("the incarnation need not end")
	}
	it, err := b.aside.Name(Item{Was: "journal.db", Why: why, At: time.Now(), Author: author, Agreed: agreed, Open: true})
	if err == nil {
		err = b.Lot.Succeed(b.t.Context(), b.Journal, b.aside.Path(it))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if b.Lot.Author() == author {
		b.t.Fatal("the author is still the same")
	}
	return it
}

// settled settles what can be, while the others sync.
func (b *box) settled(with *box) Item {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- b.settler().Run(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil || ctx.Err() != nil {
				b.t.Fatalf("settle: %v, %v", err, ctx.Err())
			}
			items, err := b.aside.Items()
			if err != nil || len(items) == 0 || items[len(items)-1].Open {
				b.t.Fatalf("items %+v, %v", items, err)
			}
			return items[len(items)-1]
		default:
			level(b.t, b, with)
		}
	}
}

func (b *box) inside() (out []string) {
	b.Lot.View(func(k *session.Book) {
		for _, s := range k.Inside() {
			out = append(out, s.Plate.Text)
		}
	})
	slices.Sort(out)
	return out
}

func wantInside(t *testing.T, b *box, plates ...string) {
	t.Helper()
	slices.Sort(plates)
	if got := b.inside(); !slices.Equal(got, plates) {
		t.Errorf("booth %s sees %v inside, want %v", b.Identity.Booth, got, plates)
	}
}

func wantEqual(t *testing.T, x, y *box) {
	t.Helper()
	cx, dx := x.Lot.Digest()
	cy, dy := y.Lot.Digest()
	if dx != dy {
		t.Errorf("cursors differ:\n%v\n%v", cx, cy)
	}
	digest := func(b *box) (h fact.Hash) { b.Lot.View(func(k *session.Book) { h = k.Digest() }); return h }
	if digest(x) != digest(y) {
		t.Error("with all facts exchanged, the sessions differ")
	}
}

// copyOf copies a stopped booth's files, as an image of its disk does.
func copyOf(t *testing.T, b *lottest.Booth) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(b.Dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAJournalRestoredFromAnOldCopyEndsAndLosesNothing(t *testing.T) {
	ca := enrolltest.New(t)
	a, peer := lottest.New(t, ca, lotID, "booth-a"), open(t, lottest.New(t, ca, lotID, "booth-b"))
	a.Enter("粤B00001")
	a.Stop()
	image := copyOf(t, a)
	b := open(t, a.Reopen())
	b.Enter("粤B00002")
	level(t, b, peer)
	b.Stop() // the disk dies; the image is put in its place
	old := open(t, lottest.Open(t, b.Identity, image))
	wantInside(t, old, "粤B00001")
	ended := old.Lot.Author()
	level(t, old, peer)
	old.succeed()
	old.Enter("粤B00003") // the lane goes on at once
	it := old.settled(peer)
	if it.Why != lot.WhyBehind || it.Told != 0 || it.Forked != 0 {
		t.Errorf("%+v", it)
	}
	level(t, old, peer)
	wantInside(t, old, "粤B00001", "粤B00002", "粤B00003")
	wantEqual(t, old, peer)
	first, err := old.Lot.Records(old.Lot.Author(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fact.Unseal(first[0])
	if err != nil {
		t.Fatal(err)
	}
	if o, err := fact.Decode[fact.Opened](&f); err != nil || o.Replaces != ended || o.Why != lot.WhyBehind {
		t.Errorf("the new author opens with %+v, %v", o, err)
	}
	again := open(t, old.reopened())
	wantInside(t, again, "粤B00001", "粤B00002", "粤B00003")
	wantEqual(t, again, peer)
}

func (b *box) reopened() *lottest.Booth {
	b.Stop()
	return b.Reopen()
}

func TestACopiedJournalThatWentOnEndsAndTellsItsPartAgain(t *testing.T) {
	ca := enrolltest.New(t)
	a, peer := lottest.New(t, ca, lotID, "booth-a"), open(t, lottest.New(t, ca, lotID, "booth-b"))
	a.Enter("粤B00001")
	a.Stop()
	image := copyOf(t, a)
	first := open(t, a.Reopen())
	first.Enter("粤B00002")
	first.Enter("粤B00003")
	level(t, first, peer)
	for _, longer := range []int{1, 4} { // shorter and longer than the log that others hold
		t.Run(map[int]string{1: "shorter", 4: "longer"}[longer], func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(image)); err != nil {
				t.Fatal(err)
			}
			twin := open(t, lottest.Open(t, a.Identity, dir))
			twin.t = t
			for i := range longer {
				twin.Enter([]string{"京A11111", "京A22222", "京A33333", "京A44444"}[i])
			}
			twin.Lot.Judged("booth-b", peer.Lot.Cursors(), nil)
			give(t, peer, twin)
			twin.succeed()
			twin.Enter("京A99999")
			it := twin.settled(peer)
			if it.Why != lot.WhyForked || it.Forked != 5 || it.Told != uint64(3*longer) {
				t.Errorf("%+v", it)
			}
			level(t, twin, peer)
			want := append([]string{"粤B00001", "粤B00002", "粤B00003", "京A99999"}, []string{"京A11111", "京A22222", "京A33333", "京A44444"}[:longer]...)
			wantInside(t, twin, want...)
			wantEqual(t, twin, peer)
			again := open(t, twin.reopened())
			wantInside(t, again, want...)
		})
	}
	if _, _, _, ok := first.Lot.Ending(); ok {
		t.Error("the one whose log others hold must end too")
	}
}

// TestAForkThatOthersSawClosesTheAuthorForBoth: a booth has the copy's log, then hears the other's: it takes no more of
// either, and both tell again what it lacks.
func TestAForkThatOthersSawClosesTheAuthorForBoth(t *testing.T) {
	ca := enrolltest.New(t)
	a, peer := lottest.New(t, ca, lotID, "booth-a"), open(t, lottest.New(t, ca, lotID, "booth-b"))
	a.Enter("粤B00001")
	a.Stop()
	image := copyOf(t, a)
	first, twin := open(t, a.Reopen()), open(t, lottest.Open(t, a.Identity, image))
	ended := first.Lot.Author()
	first.Enter("粤B00002")
	first.Enter("粤B00003")
	twin.Enter("京A11111")
	give(t, twin, peer) // the copy was there first
	give(t, first, peer)
	if !slices.Contains(peer.Lot.Closed(), ended) {
		t.Fatal("the fork is not seen")
	}
	for i, b := range []*box{first, twin} {
		b.Lot.Judged("booth-b", peer.Lot.Cursors(), peer.Lot.Closed())
		b.Enter([]string{"苏C11111", "苏C22222"}[i]) // what it says in the dark is told again too
		b.succeed()
	}
	if it := twin.settled(peer); it.Forked != 0 || it.Told != 3 {
		t.Errorf("the copy: %+v", it)
	}
	if it := first.settled(peer); it.Forked != 5 || it.Told != 9 {
		t.Errorf("the first: %+v", it)
	}
	for range 3 {
		level(t, first, peer)
		level(t, twin, peer)
	}
	if got := len(peer.inside()); got != 6 {
		t.Errorf("%d inside, want 6: %v", got, peer.inside())
	}
	wantEqual(t, first, peer)
	wantEqual(t, twin, peer)
}

func money1(t *testing.T, b *lottest.Booth, of fact.ID) {
	t.Helper()
	_, err := b.Lot.Append(t.Context(), func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: time.Now(), Source: "booth", Kind: fact.KindCash, Refs: []fact.ID{of}, Body: fact.Cash{Session: of, Amount: 500, Curr: "CNY", Action: of.String()}}}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestADamagedJournalIsSalvaged: of a journal that is torn, everything that is whole comes back, its own and in the others'
// memory, and no money is lost or counted twice.
func TestADamagedJournalIsSalvaged(t *testing.T) {
	ca := enrolltest.New(t)
	page := os.Getpagesize()
	const cars = 40
	for name, c := range map[string]struct {
		tear func(b []byte) []byte
		peer bool // another booth has the facts
		all  bool // every car is known afterwards
	}{
		"cut short, alone":          {func(b []byte) []byte { return b[:len(b)/4] }, false, false},
		"cut short, with a peer":    {func(b []byte) []byte { return b[:len(b)/4] }, true, true},
		"a hole, alone":             {func(b []byte) []byte { clear(b[12*page : 16*page]); return b }, false, false},
		"a hole, with a peer":       {func(b []byte) []byte { clear(b[12*page : 16*page]); return b }, true, true},
		"no headers, alone":         {func(b []byte) []byte { clear(b[:2*page]); return b }, false, true},
		"nothing left, with a peer": {func(b []byte) []byte { clear(b); return b }, true, true},
		"nothing left, alone":       {func(b []byte) []byte { clear(b); return b }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := lottest.New(t, ca, lotID, "booth-a")
			peer := open(t, lottest.New(t, ca, lotID, "booth-b"))
			for i := range cars {
				in := b.Enter("粤B1" + string([]byte{'0' + byte(i/10), '0' + byte(i%10)}) + "00")
				money1(t, b, in[0].ID())
			}
			if c.peer {
				level(t, open(t, b), peer)
			}
			ended := b.Lot.Author()
			b.Stop()
			path := filepath.Join(b.Dir, "journal.db")
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.tear(body), 0o600); err != nil {
				t.Fatal(err)
			}
			aside, err := Open(filepath.Join(b.Dir, "quarantine"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := aside.Take(path, Item{Why: WhyDamaged, At: time.Now(), Open: true}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time there is nothing to do
				again := open(t, b.Reopen())
				if err := again.settler().Now(t.Context()); err != nil {
					t.Fatal(err)
				}
				level(t, again, peer)
				paid, inside := money.Amount(0), 0
				again.Lot.View(func(k *session.Book) {
					inside = len(k.Inside())
					for _, s := range k.Sessions() {
						for _, p := range s.Pays {
							paid += p.Amount
						}
					}
				})
				if c.all && (inside != cars || paid != 500*cars) || paid > 500*cars || inside > cars || inside < cars/8 && !c.peer && name != "nothing left, alone" {
					t.Errorf("%d inside, %d paid; %d cars were", inside, paid, cars)
				}
				wantEqual(t, again, peer)
				cash := 0
				self := again.Lot.Cursors()
				for a := range self {
					records, err := again.Lot.Records(a, 0, 1000)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range records {
						f, err := fact.Unseal(r)
						if err != nil {
							t.Fatal(err)
						}
						if f.Kind == fact.KindRetold {
							if f, err = fact.Told(&f); err != nil {
								t.Fatal(err)
							}
						}
						if f.Kind == fact.KindCash && f.Author == ended {
							cash++
						}
					}
				}
				if cash < cars {
					t.Errorf("%d of %d cash facts are left", cash, cars)
				}
				again.Stop()
			}
			items, err := aside.Items()
			if err != nil || len(items) != 1 || items[0].Open {
				t.Errorf("items %+v, %v", items, err)
			}
			t.Logf("%+v", items[0])
		})
	}
}

func TestWhatWasCutOffIsForgotten(t *testing.T) {
	ca := enrolltest.New(t)
	b := open(t, lottest.New(t, ca, lotID, "booth-a"))
	for _, link := range []bool{false, true} {
		it, err := b.aside.Name(Item{Was: "journal.db", Why: lot.WhyClosed, At: time.Now(), Author: b.Lot.Author(), Open: true})
		if err != nil {
			t.Fatal(err)
		}
		if link {
			if err := os.Link(filepath.Join(b.Dir, "journal.db"), b.aside.Path(it)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.settler().Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	if items, err := b.aside.Items(); err != nil || len(items) != 0 {
		t.Errorf("%+v, %v", items, err)
	}
	b.Enter("粤B00001") // the journal in use is whole
	b.Stop()
	if _, err := journal.Check(filepath.Join(b.Dir, "journal.db")); err != nil {
		t.Error(err)
	}
	if err := b.aside.Note(Item{Name: "x", Was: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Dir, "quarantine", "y.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if items, err := b.aside.Items(); err != nil || len(items) != 2 {
		t.Errorf("a document that cannot be read: %+v, %v", items, err)
	}
}
