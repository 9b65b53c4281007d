package lot_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// digest is what two lots with equal cursors must agree on: the logs, and what they fold to.
func digest(l *lot.Lot) string {
	_, h := l.Digest()
	out := h.String()
	l.View(func(b *session.Book) {
		for _, s := range b.Sessions() {
			out += fmt.Sprintf("\n%s %v %s %v %v %v", s.ID, s.Aliases, s.State, s.Plate, s.Flags, s.Facts)
		}
	})
	return out
}

func batch(t testing.TB, l *lot.Lot, a fact.Author, after uint64, n int) exchange.Batch {
	t.Helper()
	b, err := l.Batch(a, after, n, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func merge(t testing.TB, l *lot.Lot, b exchange.Batch, want exchange.Verdict) exchange.Result {
	t.Helper()
	res, err := l.Merge(b)
	if err != nil || res.Verdict != want {
		t.Fatalf("merge %s: %s (%v), %v; want %s", b.Author, res.Verdict, res.Cause, err, want)
	}
	return res
}

func TestAppendIsFoldedAndSurvives(t *testing.T) {
	a := enrolltest.New(t)
	b := lottest.New(t, a, "riverside", "booth-a")
	facts := b.Enter("粤B12345")
	b.Lot.View(func(book *session.Book) {
		if s, ok := book.Session(facts[0].ID()); !ok || s.State != session.Inside || s.Plate.Text != "粤B12345" {
			t.Fatalf("session %+v, %v", s, ok)
		}
	})
	before := digest(b.Lot)
	b.Stop()
	if again := b.Reopen(); digest(again.Lot) != before {
		t.Errorf("after reopening:\n%s\nwant\n%s", digest(again.Lot), before)
	}
}

func TestWhatIsStoredIsFoldedWhenItIsSaid(t *testing.T) {
	b := lottest.New(t, enrolltest.New(t), "riverside", "booth-a")
	store := func(text string) (fact.ID, func() error) {
		facts, fold, err := b.Lot.Store(context.Background(), lottest.Passing(text, fact.Entry, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		return facts[0].ID(), fold
	}
	has := func(id fact.ID) (ok bool) {
		b.Lot.View(func(book *session.Book) { ok = book.Has(id) })
		return ok
	}
	first, foldFirst := store("粤B12345")
	if c := b.Lot.Cursors()[b.Lot.Author()]; has(first) || b.Journal.Head().Seq <= c.Seq {
		t.Fatalf("journal %d, cursor %d: the fact is on the disk and not folded yet", b.Journal.Head().Seq, c.Seq)
	}
	second, foldSecond := store("粤B54321")
	for _, fold := range []func() error{foldSecond, foldFirst, foldFirst} { // in any order, as often as one likes
		if err := fold(); err != nil {
			t.Fatal(err)
		}
		if !has(first) || !has(second) {
			t.Error("a fold leaves a hole before it")
		}
	}
	if c := b.Lot.Cursors()[b.Lot.Author()]; c != b.Journal.Head() {
		t.Errorf("cursor %+v, journal %+v", c, b.Journal.Head())
	}
}

func TestParallelAppendsAreAllFolded(t *testing.T) {
	b := lottest.New(t, enrolltest.New(t), "riverside", "booth-a")
	const hands, each = 8, 10
	done := make(chan error, hands)
	for h := range hands {
		go func() {
			for i := range each {
				facts, err := b.Lot.Append(context.Background(), lottest.Passing(fmt.Sprintf("粤B%d%04d", h, i), fact.Entry, time.Now()))
				if err != nil {
					done <- err
					return
				}
				b.Lot.View(func(book *session.Book) {
					for _, f := range facts {
						if !book.Has(f.ID()) {
							err = fmt.Errorf("%s was appended and is not folded", f.ID())
						}
					}
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range hands {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if c := b.Lot.Cursors()[b.Lot.Author()]; c != b.Journal.Head() || c.Seq != 1+hands*each*3 {
		t.Errorf("cursor %+v, journal %+v", c, b.Journal.Head())
	}
}

func TestMergeJudges(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	other := lottest.New(t, ca, "elsewhere", "booth-a")
	stranger := lottest.New(t, enrolltest.New(t), "riverside", "booth-c")
	for i := range 5 {
		b.Enter(fmt.Sprintf("粤B1000%d", i))
	}
	author := b.Lot.Author()
	merge(t, a.Lot, batch(t, b.Lot, author, 3, 2), exchange.Gap)
	merge(t, a.Lot, batch(t, b.Lot, author, 0, 4), exchange.Accepted)
	merge(t, a.Lot, batch(t, b.Lot, author, 0, 3), exchange.Known)
	if res := merge(t, a.Lot, batch(t, b.Lot, author, 2, 100), exchange.Accepted); res.Head.Seq != 16 || len(res.Facts) != 12 {
		t.Errorf("overlap: head %d, %d new; want 16, 12", res.Head.Seq, len(res.Facts))
	}
	merge(t, a.Lot, batch(t, other.Lot, other.Lot.Author(), 0, 9), exchange.Refused)
	merge(t, a.Lot, batch(t, stranger.Lot, stranger.Lot.Author(), 0, 9), exchange.Refused)
	b.Enter("粤B20000")
	forged := batch(t, b.Lot, author, 16, 3)
	forged.Records = slices.Clone(forged.Records)
	forged.Records[2].Sig = bytes.Repeat([]byte{1}, ed25519.SignatureSize)
	merge(t, a.Lot, forged, exchange.Refused)
	if got, want := digestAt(t, a.Lot, b.Lot, author), true; got != want {
		t.Errorf("copies of %s differ", author)
	}
	if c := a.Lot.Cursors(); len(c) != 2 || c[author].Seq != 16 {
		t.Errorf("cursors %v after refusals", c)
	}
}

// digestAt reports whether both hold the same bytes of an author up to the shorter's cursor.
func digestAt(t *testing.T, x, y *lot.Lot, a fact.Author) bool {
	t.Helper()
	n := int(min(x.Cursors()[a].Seq, y.Cursors()[a].Seq))
	r, s := batch(t, x, a, 0, n).Records, batch(t, y, a, 0, n).Records
	return len(r) == n && slices.EqualFunc(r, s, func(p, q fact.Record) bool {
		return bytes.Equal(p.Public, q.Public) && bytes.Equal(p.Private, q.Private) && bytes.Equal(p.Sig, q.Sig)
	})
}

// fork writes another log with the same author and key, as a journal opened from a copy would.
func fork(t *testing.T, b *lottest.Booth, after uint64) exchange.Batch {
	t.Helper()
	recs := batch(t, b.Lot, b.Lot.Author(), 0, int(after)).Records
	_, head, err := fact.Follow(fact.Head{}, b.Identity.Lot, b.Lot.Author(), recs, nil)
	if err != nil {
		t.Fatal(err)
	}
	stamp := fact.Stamp{Lot: b.Identity.Lot, Author: b.Lot.Author(), Boot: "copy", Now: time.Now()}
	r, _, _, err := fact.Seal(head, b.Identity.Key, stamp, fact.Draft{At: time.Now(), Source: "booth", Kind: "copy", Body: 1})
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Batch{Lot: b.Identity.Lot, Author: b.Lot.Author(), Records: []fact.Record{r}}
}

func TestForkClosesTheAuthorForEver(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	b.Enter("粤B12345")
	author := b.Lot.Author()
	merge(t, a.Lot, batch(t, b.Lot, author, 0, 100), exchange.Accepted)
	merge(t, a.Lot, fork(t, b, 2), exchange.Forked)
	b.Enter("粤B54321")
	merge(t, a.Lot, batch(t, b.Lot, author, 4, 100), exchange.Refused)
	a.Stop()
	a = a.Reopen()
	if got := a.Lot.Closed(); !slices.Equal(got, []fact.Author{author}) {
		t.Fatalf("closed %v after reopening, want %s", got, author)
	}
	merge(t, a.Lot, batch(t, b.Lot, author, 4, 100), exchange.Refused)
}

func TestOwnLogIsNeverTakenFromOthers(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-b")
	b.Enter("粤B12345")
	own := b.Lot.Author()
	merge(t, b.Lot, batch(t, b.Lot, own, 0, 100), exchange.Known)
	if why := b.Lot.Status().Ending; why != "" {
		t.Errorf("by its own bytes it is to end: %s", why)
	}
	res := merge(t, b.Lot, fork(t, b, 4), exchange.Refused) // goes on after our end
	if why := b.Lot.Status().Ending; res.Head != b.Journal.Head() || why != lot.WhyBehind {
		t.Errorf("head %+v, ending %q", res.Head, why)
	}
	b.Enter("粤B54321")
	if b.Lot.Status().Facts != 7 {
		t.Errorf("%d facts, want 7", b.Lot.Status().Facts)
	}
}

// Any way of cutting the logs of three booths into batches, in any order and any number of times, ends in equal digests.
func TestRandomMergesEndEqual(t *testing.T) {
	ca := enrolltest.New(t)
	var from []*lottest.Booth
	plates := []string{"粤B12345", "粤B12346", "京A00001"}
	for i, name := range []string{"booth-a", "booth-b", "booth-c"} {
		b := lottest.New(t, ca, "riverside", name)
		for k := range 6 {
			dir := fact.Entry
			if (k+i)%2 == 1 {
				dir = fact.Exit
			}
			b.Pass(plates[(i+k)%3], dir)
		}
		from = append(from, b)
	}
	whole := lottest.New(t, ca, "riverside", "observer-1")
	for _, b := range from {
		merge(t, whole.Lot, batch(t, b.Lot, b.Lot.Author(), 0, 1000), exchange.Accepted)
	}
	own := whole.Lot.Author()
	rapid.Check(t, func(rt *rapid.T) {
		b := lottest.Open(t, ca.Booth("riverside", "observer-2", nil), t.TempDir())
		defer b.Stop()
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			src := from[rapid.IntRange(0, 2).Draw(rt, "author")]
			after := rapid.Uint64Range(0, 18).Draw(rt, "after")
			n := rapid.IntRange(1, 19).Draw(rt, "n")
			got := batch(t, src.Lot, src.Lot.Author(), after, n)
			if _, err := b.Lot.Merge(got); err != nil {
				rt.Fatal(err)
			}
		}
		cursors := b.Lot.Cursors()
		for _, src := range from { // the rest, so that both hold everything
			got := batch(t, src.Lot, src.Lot.Author(), cursors[src.Lot.Author()].Seq, 1000)
			if len(got.Records) > 0 {
				merge(t, b.Lot, got, exchange.Accepted)
			}
		}
		merge(t, b.Lot, batch(t, whole.Lot, own, 0, 10), exchange.Accepted)
		if merged := batch(t, b.Lot, b.Lot.Author(), 0, 10); len(merged.Records) != 1 {
			rt.Fatal("own log changed")
		}
		if got, want := sessions(b.Lot), sessions(whole.Lot); got != want {
			rt.Fatalf("sessions\n%s\nwant\n%s", got, want)
		}
		x, y := b.Lot.Cursors(), whole.Lot.Cursors()
		delete(x, b.Lot.Author())
		if x.Digest() != y.Digest() {
			rt.Fatalf("digests differ: %v, %v", x, y)
		}
	})
}

func sessions(l *lot.Lot) (out string) {
	l.View(func(b *session.Book) {
		for _, s := range b.Sessions() {
			out += fmt.Sprintf("%s %v %s %v %v %v\n", s.ID, s.Aliases, s.State, s.Plate, s.Flags, s.Facts)
		}
	})
	return out
}

func TestConfigurationOnlyGrows(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-a")
	if _, ok := b.Lot.Config(); ok {
		t.Fatal("a configuration from nowhere")
	}
	two := ca.Sign(lottest.Config("riverside", 2))
	altered := wire.Signed{Document: bytes.Replace(two.Document, []byte(`"number":2`), []byte(`"number":9`), 1), Sig: two.Sig}
	if bytes.Equal(altered.Document, two.Document) {
		t.Fatal("the test altered nothing")
	}
	otherTwo := lottest.Config("riverside", 2)
	otherTwo.Capacity = 7
	steps := []struct {
		name  string
		s     wire.Signed
		older bool
		ok    bool
		want  uint64
	}{
		{"first", two, false, true, 2},
		{"again", two, false, true, 2},
		{"older", ca.Sign(lottest.Config("riverside", 1)), true, false, 2},
		{"altered", altered, false, false, 2},
		{"another signer", enrolltest.New(t).Sign(lottest.Config("riverside", 3)), false, false, 2},
		{"another lot", ca.Sign(lottest.Config("elsewhere", 3)), false, false, 2},
		{"same number, other content", ca.Sign(otherTwo), false, false, 2},
		{"newer", ca.Sign(lottest.Config("riverside", 5)), false, true, 5},
	}
	for _, s := range steps {
		err := b.Lot.Configure(s.s)
		if (err == nil) != s.ok || errors.Is(err, lot.ErrOlder) != s.older {
			t.Errorf("%s: %v", s.name, err)
		}
		if c, _ := b.Lot.Config(); c.Number != s.want {
			t.Errorf("%s: number %d in force, want %d", s.name, c.Number, s.want)
		}
	}
	b.Stop()
	if c, ok := b.Reopen().Lot.Config(); !ok || c.Number != 5 {
		t.Errorf("after reopening: number %d, %v", c.Number, ok)
	}
}

func TestWatchCoalesces(t *testing.T) {
	ca := enrolltest.New(t)
	b := lottest.New(t, ca, "riverside", "booth-a")
	ctx, cancel := context.WithCancel(context.Background())
	w := b.Lot.Watch(ctx)
	b.Enter("粤B12345")
	b.Enter("粤B54321")
	if err := b.Lot.Configure(ca.Sign(lottest.Config("riverside", 1))); err != nil {
		t.Fatal(err)
	}
	<-w.C
	select {
	case <-w.C:
		t.Error("woken twice")
	default:
	}
	c := w.Take()
	if !c.Facts || !c.Config || c.All || !slices.Equal(c.Keys, []session.Key{"粤B12345", "粤B54321"}) {
		t.Errorf("changes %+v", c)
	}
	if c := w.Take(); c.Facts || c.Config || len(c.Keys) > 0 {
		t.Errorf("changes after they were taken: %+v", c)
	}
	cancel()
	lottest.Until(t, 5*time.Second, "an ended watch is forgotten", func() bool {
		b.Enter("粤B11111")
		select {
		case <-w.C:
			return false
		default:
			return true
		}
	})
}

func TestStatusCountsWhatLiesHereOnly(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	a.Enter("粤B12345")
	if got := a.Lot.Status().Alone; got != 4 {
		t.Errorf("alone %d, want 4", got)
	}
	merge(t, b.Lot, batch(t, a.Lot, a.Lot.Author(), 0, 2), exchange.Accepted)
	a.Lot.Heard("booth-b", b.Lot.Cursors(), 0)
	if got := a.Lot.Status().Alone; got != 2 {
		t.Errorf("alone %d after booth-b has two, want 2", got)
	}
}

func TestPoorFactsAreKeptAndPassed(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	_, err := b.Lot.Append(context.Background(), func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: time.Now(), Source: "booth", Kind: fact.KindBill, Body: "not a bill"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Enter("粤B12345")
	res := merge(t, a.Lot, batch(t, b.Lot, b.Lot.Author(), 0, 100), exchange.Accepted)
	if len(res.Poor) != 1 || a.Lot.Status().Poor != 1 || a.Lot.Cursors()[b.Lot.Author()].Seq != 5 {
		t.Errorf("poor %v, status %+v", res.Poor, a.Lot.Status())
	}
}

// TestAlarmsOfEveryBoothAreKnownToAll: the last word counts, in whatever order the facts came, and after a restart too.
func TestAlarmsOfEveryBoothAreKnownToAll(t *testing.T) {
	ca := enrolltest.New(t)
	a, b := lottest.New(t, ca, "riverside", "booth-a"), lottest.New(t, ca, "riverside", "booth-b")
	say := func(k fact.Kind, code string) {
		t.Helper()
		_, err := a.Lot.Append(t.Context(), func(func(int) fact.ID) []fact.Draft {
			return []fact.Draft{{At: time.Now(), Source: "booth", Kind: k, Body: fact.Alarm{Code: code, Subject: "cam-1", Since: time.Now()}}}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	say(fact.KindAlarmRaised, "camera_blind")
	say(fact.KindAlarmRaised, "camera_clock")
	say(fact.KindAlarmCleared, "camera_blind")
	batch, err := a.Lot.Batch(a.Lot.Author(), 0, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Lot.Merge(batch); err != nil {
		t.Fatal(err)
	}
	dir, id := a.Dir, a.Identity
	a.Stop()
	for name, l := range map[string]*lot.Lot{"its own, after a restart": lottest.Open(t, id, dir).Lot, "another": b.Lot} {
		open := l.Alarms()
		if len(open) != 1 || open[0].Booth != "booth-a" || open[0].Code != "camera_clock" {
			t.Errorf("%s: %+v", name, open)
		}
	}
}
