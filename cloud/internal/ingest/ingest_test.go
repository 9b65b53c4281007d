package ingest_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/session"
)

func TestEntryAndExitBecomeOneSession(t *testing.T) {
	w := newWorld(t)
	booths := w.lot("riverside", "booth-a", "booth-b")
	a, b := booths[0], booths[1]
	in := a.pass("粤B12345", fact.Entry, w.now)
	b.pass("粤B12345", fact.Exit, w.now.Add(time.Hour))

	// The exit arrives first: a session without an entry, which the entry then makes whole.
	if got := w.take(b.all()); got.Verdict != exchange.Accepted || got.Fresh != 4 {
		t.Fatalf("exit: %+v", got)
	}
	if n := w.count(`SELECT count(*) FROM sessions WHERE state = 'left' AND 'no_entry' = ANY(flags)`); n != 1 {
		t.Errorf("%d sessions without an entry, want 1", n)
	}
	w.take(a.all())
	if n := w.count(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
	if n := w.count(`SELECT count(*) FROM sessions WHERE id = $1 AND state = 'left' AND entry_lane = 'entry-1' AND exit_lane = 'exit-1'
		AND left_at - entered_at = '1 hour'`, in.String()); n != 1 {
		t.Error("the session is not the entry's, closed by the exit")
	}
	if n := w.count(`SELECT count(*) FROM passages WHERE outcome = 'passed' AND session = $1`, in.String()); n != 2 {
		t.Errorf("%d passages of the session, want 2", n)
	}
	d := w.digest("riverside")
	want := session.Fold(append(append([]fact.Fact{}, a.facts...), b.facts...))
	if d.Sessions != want.Digest() || !d.Projection || d.Facts != want.Len() || d.Sums.Entries != 1 || d.Sums.Exits != 1 {
		t.Errorf("digest %+v, want sessions %s", d, want.Digest())
	}
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	other := w.lot("harbour", "booth-x")[0]
	for range 5 {
		a.pass("粤B12345", fact.Entry, w.now)
	}
	stranger := newWorld(t).lot("riverside", "booth-a")[0] // another authority's booth
	stolen := w.incarnate("harbour", "booth-x")            // a certificate of ours, for another lot
	stolen.lot, stolen.head, stolen.records = "riverside", fact.Head{}, nil
	stolen.say(fact.Draft{Kind: fact.KindOpened, Body: fact.Opened{Booth: "booth-x", Key: stolen.key.Public().(ed25519.PublicKey), Cert: stolen.cert, Why: "new"}})

	for _, tc := range []struct {
		name  string
		batch exchange.Batch
		want  exchange.Verdict
		seq   uint64
	}{
		{"nothing here yet, begins in the middle", a.batch(1, 4), exchange.Gap, 0},
		{"empty", a.batch(0, 0), exchange.Refused, 0},
		{"the beginning", a.batch(0, 4), exchange.Accepted, 4},
		{"again", a.batch(0, 4), exchange.Known, 4},
		{"a part of it again", a.batch(2, 3), exchange.Known, 4},
		{"after a gap", a.batch(6, 9), exchange.Gap, 4},
		{"overlapping", a.batch(2, 9), exchange.Accepted, 9},
		{"another authority's booth", stranger.all(), exchange.Refused, 0},
		{"a booth of another lot", stolen.all(), exchange.Refused, 0},
		{"a lot that does not exist", exchange.Batch{Lot: "nowhere", Author: a.author, Records: a.records}, exchange.Refused, 0},
		{"another lot's facts under this lot's name", exchange.Batch{Lot: "riverside", Author: other.author, Records: other.records}, exchange.Refused, 0},
		{"no author id", exchange.Batch{Lot: "riverside", Author: "x'; --", Records: a.records}, exchange.Refused, 0},
		{"wrong signature", tampered(a, 9, func(r *fact.Record) { r.Sig[0] ^= 1 }), exchange.Refused, 9},
		{"altered bytes", tampered(a, 9, func(r *fact.Record) { r.Public[40] ^= 1 }), exchange.Refused, 9},
		{"altered hidden part", tampered(a, 10, func(r *fact.Record) { r.Private = []byte(`{"salt":"","data":{}}`) }), exchange.Refused, 9},
		{"too many", exchange.Batch{Lot: "riverside", Author: a.author, Records: make([]fact.Record, exchange.MaxRecords+1)}, exchange.Refused, 9},
	} {
		before := w.count(`SELECT count(*) FROM facts`)
		got := w.take(tc.batch)
		if got.Verdict != tc.want || got.Head.Seq != tc.seq {
			t.Errorf("%s: %s at %d (%v), want %s at %d", tc.name, got.Verdict, got.Head.Seq, got.Cause, tc.want, tc.seq)
		}
		if tc.want != exchange.Accepted {
			if after := w.count(`SELECT count(*) FROM facts`); after != before {
				t.Errorf("%s: %d facts were stored", tc.name, after-before)
			}
			if got.Verdict != exchange.Known && got.Cause == nil {
				t.Errorf("%s: no cause is given", tc.name)
			}
		}
	}
}

// tampered is the batch of everything, with a record changed.
func tampered(b *booth, at int, change func(*fact.Record)) exchange.Batch {
	batch := b.all()
	batch.Records = append([]fact.Record{}, batch.Records[:at+1]...)
	r := batch.Records[at]
	r.Public, r.Private, r.Sig = append([]byte{}, r.Public...), append([]byte{}, r.Private...), append([]byte{}, r.Sig...)
	change(&r)
	batch.Records[at] = r
	return batch
}

// TestAlarmsOfABooth are the cloud's too, once each, until the booth says that they are over; one that is sent again is
// not raised again.
func TestAlarmsOfABooth(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	say := func(k fact.Kind, code, subject string) {
		a.say(fact.Draft{Kind: k, Body: fact.Alarm{Code: code, Subject: subject, Since: w.now}})
	}
	open := func(want string) {
		t.Helper()
		w.take(a.all())
		var got string
		if err := w.db.SQL().QueryRow(`SELECT coalesce(string_agg(kind || ' ' || subject || ' ' || times, ', ' ORDER BY kind, subject), '') FROM alarms WHERE cleared_at IS NULL`).Scan(&got); err != nil || got != want {
			t.Errorf("open: %q, %v; want %q", got, err, want)
		}
	}
	say(fact.KindAlarmRaised, "camera_blind", "cam-1")
	say(fact.KindAlarmRaised, "disk_stall", "")
	say(fact.KindAlarmRaised, "of_the_future", "x")
	a.say(fact.Draft{Kind: fact.KindAlarmRaised, Body: "no object"})
	open("booth.camera_blind booth-a/cam-1 1, booth.disk_stall booth-a 1, booth.of_the_future booth-a/x 1")
	open("booth.camera_blind booth-a/cam-1 1, booth.disk_stall booth-a 1, booth.of_the_future booth-a/x 1")
	say(fact.KindAlarmCleared, "camera_blind", "cam-1")
	say(fact.KindAlarmCleared, "never_raised", "")
	open("booth.disk_stall booth-a 1, booth.of_the_future booth-a/x 1")
	if n := w.count(`SELECT count(*) FROM alarms WHERE kind = 'booth.camera_blind' AND zh = 'booth-a cam-1：相机在线但不再识别车牌，请检查相机' AND cleared_at >= raised_at`); n != 1 {
		t.Errorf("%d alarms with these words", n)
	}
}

func TestAForkClosesTheAuthor(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	fork := *a
	fork.records = append([]fact.Record{}, a.records[:1]...)
	fork.head = fact.Head{Seq: 1, Hash: a.records[0].Hash(), HLC: a.facts[0].HLC}
	fork.read("粤B99999", fact.Entry, w.now)
	w.take(a.all())

	forged := fork.batch(1, 2)
	forged.Records = []fact.Record{{Public: forged.Records[0].Public, Sig: make([]byte, 64)}}
	if got := w.take(forged); got.Verdict != exchange.Refused {
		t.Errorf("a fork that the author did not sign: %s", got.Verdict)
	}
	if got := w.take(fork.batch(1, 2)); got.Verdict != exchange.Forked {
		t.Errorf("verdict %s, want forked", got.Verdict)
	}
	if n := w.count(`SELECT count(*) FROM alarms WHERE kind = 'author.forked' AND subject = $1`, string(a.author)); n != 1 {
		t.Errorf("%d alarms", n)
	}
	a.pass("粤B12345", fact.Exit, w.now)
	if got := w.take(a.all()); got.Verdict != exchange.Refused {
		t.Errorf("a closed author's facts are %s", got.Verdict)
	}
	_, closed, err := w.service.Cursors(context.Background(), "riverside")
	if must(t, err); len(closed) != 1 || closed[0] != a.author {
		t.Errorf("closed: %v", closed)
	}
}

func TestSixteenAtOnceHaveOneEffect(t *testing.T) {
	for name, known := range map[string]int{"of a new author": 0, "of a known author": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.lot("riverside", "booth-a")[0]
			for i := range 20 {
				a.pass(fmt.Sprintf("粤B1%04d", i), fact.Entry, w.now)
			}
			if known > 0 {
				w.take(a.batch(0, known))
			}
			replicas := []*ingest.Service{w.service, w.replica()}
			var all sync.WaitGroup
			fresh := make(chan int, 16)
			for i := range 16 {
				all.Go(func() {
					got, err := replicas[i%2].Take(context.Background(), a.all())
					if err != nil {
						t.Error(err)
					}
					fresh <- got.Fresh
				})
			}
			all.Wait()
			close(fresh)
			total := known
			for n := range fresh {
				total += n
			}
			if total != len(a.records) {
				t.Errorf("%d facts were new to somebody, want %d", total, len(a.records))
			}
			if n := w.count(`SELECT count(*) FROM facts`); n != len(a.records) {
				t.Errorf("%d facts are stored, want %d", n, len(a.records))
			}
			if n := w.count(`SELECT count(*) FROM sessions`); n != 20 {
				t.Errorf("%d sessions, want 20", n)
			}
		})
	}
}

// Two booths write halves of the same vehicles' stays at the same time.
func TestConcurrentAuthorsOfOneVehicle(t *testing.T) {
	w := newWorld(t)
	booths := w.lot("riverside", "booth-a", "booth-b")
	for i := range 40 {
		booths[i%2].pass(fmt.Sprintf("粤B1%04d", i/4), []fact.Dir{fact.Entry, fact.Exit}[i%2], w.now.Add(time.Duration(i)*time.Hour))
	}
	var all sync.WaitGroup
	for _, b := range booths {
		all.Go(func() {
			for at := 0; at < len(b.records); at += 3 {
				if _, err := w.service.Take(context.Background(), b.batch(at, min(at+3, len(b.records)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if d := w.digest("riverside"); !d.Projection {
		t.Error("the projections are not the fold")
	}
}

func TestPoorFactsAreSetAsideAndPassed(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	r := a.read("粤B12345", fact.Entry, w.now)
	a.say(fact.Draft{Kind: fact.KindCash, Refs: []fact.ID{r}, Body: map[string]any{"amount": -5}})
	a.say(fact.Draft{Kind: fact.KindRead, Body: "no object"})
	a.say(fact.Draft{Kind: "of.the.future", Refs: []fact.ID{r}, Body: map[string]any{"new": true}})
	nul := plate.Plate{Text: "粤B\x0012345", Class: plate.ClassForeign}
	a.say(fact.Draft{
		Kind: fact.KindRead, Source: "cam\x00", Body: fact.Read{Lane: "l\x00", Dir: fact.Entry, Device: "\x00", Event: "\x00", Confidence: 1 << 40, Late: true},
		Hidden: fact.Vehicle{Plate: nul}, At: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	})
	a.say(fact.Draft{Kind: fact.KindClock, Body: fact.Clock{Source: "cam\x00", Boot: "boot1", OffsetMS: 1 << 50}})
	a.pass("粤B12346", fact.Entry, w.now)

	got := w.take(a.all())
	if got.Verdict != exchange.Accepted || got.Head.Seq != a.head.Seq || got.Poor != 2 {
		t.Fatalf("%+v, want all %d taken and 2 set aside", got, a.head.Seq)
	}
	if n := w.count(`SELECT count(*) FROM quarantine`); n != 2 {
		t.Errorf("%d in quarantine, want 2", n)
	}
	if n := w.count(`SELECT count(*) FROM alarms WHERE kind = 'fact.quarantined'`); n != 1 {
		t.Errorf("%d alarms", n)
	}
	if n := w.count(`SELECT count(*) FROM sessions WHERE plate_text = '粤B12346'`); n != 1 {
		t.Error("the line did not move on")
	}
}

func TestFactsAreNeverChanged(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	w.take(a.all())
	for _, q := range []string{`UPDATE facts SET public = 'x'`, `UPDATE facts SET kind = 'x', private = NULL`, `DELETE FROM facts`} {
		if _, err := w.db.SQL().ExecContext(t.Context(), q); err == nil {
			t.Errorf("%s was allowed", q)
		}
	}
	w.exec(`UPDATE facts SET private = NULL WHERE kind = 'plate.read'`)
	if d := w.digest("riverside"); d.Facts != len(a.facts) {
		t.Error("the log does not verify without its erased plates")
	}
}

func TestRebuildMakesTheSameRows(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	for i := range 10 {
		a.pass(fmt.Sprintf("粤B1%04d", i%4), []fact.Dir{fact.Entry, fact.Exit}[i%2], w.now.Add(time.Duration(i)*time.Hour))
	}
	w.take(a.all())
	w.exec(`UPDATE sessions SET paid = 99, sum = 0`)
	w.exec(`DELETE FROM passages WHERE seq % 2 = 0`)
	if w.digest("riverside").Projection {
		t.Fatal("spoiled projections pass for the fold")
	}
	if n, err := ingest.Rebuild(t.Context(), w.db, "riverside"); err != nil || n != len(a.facts) {
		t.Fatal(n, err)
	}
	if !w.digest("riverside").Projection {
		t.Error("the rebuilt projections are not the fold")
	}
	if n := w.count(`SELECT count(*) FROM sessions WHERE paid = 99`); n != 0 {
		t.Error("a spoiled row stayed")
	}
}

// A commit whose acknowledgement is lost: the batch comes again, and again.
func TestLostAcknowledgement(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	w.broker.down = true
	up := factsUp(t, a, a.all())
	for range 3 {
		must(t, w.service.Handle(t.Context(), up.topic, up.payload))
	}
	w.broker.down = false
	must(t, w.replica().Handle(t.Context(), up.topic, up.payload)) // the first was killed
	if n := w.count(`SELECT count(*) FROM facts`); n != len(a.records) {
		t.Errorf("%d facts, want %d", n, len(a.records))
	}
	acks := w.broker.on("booth-a", "cursor/down")
	if len(acks) != 1 || cursorOf(t, acks[0]).Cursors[a.author].Seq != a.head.Seq {
		t.Errorf("%d acknowledgements", len(acks))
	}
}

// A transaction that dies before its commit leaves nothing.
func TestKilledBeforeCommit(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	w.exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`)
	w.exec(`CREATE TRIGGER die AFTER INSERT ON sessions_0 FOR EACH ROW EXECUTE FUNCTION die()`)
	for i := range 8 {
		if i > 0 {
			w.exec(fmt.Sprintf(`CREATE TRIGGER die AFTER INSERT ON sessions_%d FOR EACH ROW EXECUTE FUNCTION die()`, i))
		}
	}
	if _, err := w.service.Take(t.Context(), a.all()); err == nil {
		t.Fatal("the transaction survived its connection")
	}
	if n := w.count(`SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM authors) + (SELECT count(*) FROM fact_refs)`); n != 0 {
		t.Errorf("%d rows of a transaction that died", n)
	}
	w.exec(`DROP FUNCTION die() CASCADE`)
	if got := w.take(a.all()); got.Fresh != len(a.records) {
		t.Errorf("%+v", got)
	}
}

// Random facts of three authors, in random batches, come to what folding the set comes to.
func TestAnyOrderIsTheFold(t *testing.T) {
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		lot := fmt.Sprintf("lot-%d", n)
		booths := w.lot(lot, fmt.Sprintf("a-%d", n), fmt.Sprintf("b-%d", n), fmt.Sprintf("c-%d", n))
		scribble(rt, w, booths)
		deliver(rt, w, booths)
		var all []fact.Fact
		for _, b := range booths {
			all = append(all, b.facts...)
		}
		want, got := session.Fold(all), w.digest(lot)
		if got.Sessions != want.Digest() || got.Bills != want.BillDigest() || got.Facts != want.Len() {
			rt.Fatalf("digest of the stored facts: got %+v, want sessions %s", got, want.Digest())
		}
		if !got.Projection {
			rt.Fatal("the projections are not the fold of the stored facts")
		}
	})
}

func scribble(rt *rapid.T, w *world, booths []*booth) {
	plates := []string{"粤B12345", "粤B12346", "粤BD12345", ""}
	var ids []fact.ID
	for i := range rapid.IntRange(1, 40).Draw(rt, "facts") {
		b := rapid.SampledFrom(booths).Draw(rt, "booth")
		at := w.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "at")) * time.Second)
		ref := fact.ID{Author: b.author, Seq: uint64(rapid.IntRange(2, 20).Draw(rt, "stray ref"))}
		if len(ids) > 0 && rapid.IntRange(0, 9).Draw(rt, "stray") > 0 {
			ref = rapid.SampledFrom(ids).Draw(rt, "ref")
		}
		dir := rapid.SampledFrom([]fact.Dir{fact.Entry, fact.Exit}).Draw(rt, "dir")
		text := rapid.SampledFrom(plates).Draw(rt, "plate")
		p, err := plate.Parse(text, plate.Colour(rapid.IntRange(0, 2).Draw(rt, "colour")))
		must(w.t, err)
		d := fact.Draft{At: at, Refs: []fact.ID{ref}}
		switch rapid.IntRange(0, 10).Draw(rt, "kind") {
		case 0, 1, 2:
			late := rapid.Bool().Draw(rt, "late")
			d.Kind, d.Refs, d.Hidden = fact.KindRead, nil, fact.Vehicle{Plate: p}
			d.Source = rapid.SampledFrom([]string{"booth", "cam"}).Draw(rt, "source")
			d.Body = fact.Read{Lane: "l", Dir: dir, Device: "cam", Event: fmt.Sprint(rapid.IntRange(0, 30).Draw(rt, "event")), Late: late}
		case 3:
			action := rapid.SampledFrom([]fact.Action{fact.Open, fact.Hold}).Draw(rt, "action")
			d.Kind, d.Body = fact.KindDecision, fact.Decision{Lane: "l", Dir: dir, Action: action}
		case 4:
			d.Kind = fact.KindPassage
			d.Body = fact.Passage{Lane: "l", Dir: dir, Outcome: rapid.SampledFrom([]fact.Outcome{fact.Passed, fact.Reversed}).Draw(rt, "outcome")}
			if rapid.Bool().Draw(rt, "unread") {
				d.Refs = nil
			}
		case 5:
			d.Kind = fact.KindBill
			d.Body = map[string]any{"session": ref.String(), "bill": map[string]any{"gross": rapid.IntRange(-1, 9).Draw(rt, "gross"), "free": 0}}
		case 6:
			d.Kind, d.Body = fact.KindCash, fact.Cash{Session: ref, Amount: 5, Curr: "CNY", Action: fmt.Sprint(i % 3)}
		case 7:
			d.Kind, d.Body, d.Hidden = fact.KindCorrected, fact.Corrected{By: "x"}, fact.Vehicle{Plate: p}
		case 8:
			d.Kind, d.Body = fact.KindMatched, fact.Matched{Basis: "person"}
			if len(ids) > 0 {
				d.Refs = append(d.Refs, rapid.SampledFrom(ids).Draw(rt, "to"))
			}
		case 9:
			d.Kind, d.Refs = fact.KindClock, nil
			d.Body = fact.Clock{Source: "cam", Boot: "boot1", OffsetMS: int64(rapid.IntRange(-600, 600).Draw(rt, "offset")) * 1000}
		case 10:
			d.Kind, d.Body = fact.KindPayment, fact.Payment{Session: ref, Amount: 7, Curr: "CNY", Provider: "p", Order: fmt.Sprint(i % 4)}
		}
		ids = append(ids, b.say(d))
	}
}

// deliver sends batches from anywhere around the cursor until all has arrived.
func deliver(rt *rapid.T, w *world, booths []*booth) {
	cursor := make([]int, len(booths))
	for {
		var open []int
		for i, b := range booths {
			if cursor[i] < len(b.records) {
				open = append(open, i)
			}
		}
		if len(open) == 0 {
			return
		}
		i := rapid.SampledFrom(open).Draw(rt, "sender")
		b := booths[i]
		from := rapid.IntRange(max(0, cursor[i]-4), min(cursor[i]+1, len(b.records)-1)).Draw(rt, "from")
		to := rapid.IntRange(from+1, min(from+12, len(b.records))).Draw(rt, "to")
		got := w.take(b.batch(from, to))
		want := exchange.Accepted
		switch {
		case from > cursor[i]:
			want = exchange.Gap
		case to <= cursor[i]:
			want = exchange.Known
		default:
			cursor[i] = to
		}
		if got.Verdict != want || int(got.Head.Seq) != cursor[i] {
			rt.Fatalf("%d..%d at %d: %+v, want %s", from, to, cursor[i], got, want)
		}
	}
}

func TestAuthorInTheCallersTransaction(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a", "booth-b")[0]
	r := a.pass("粤B12345", fact.Entry, w.now)
	w.take(a.all())
	pay := fact.Draft{At: w.now, Kind: fact.KindPayment, Refs: []fact.ID{r}, Body: fact.Payment{Session: r, Amount: 1500, Curr: "CNY", Provider: "wechat", Order: "o1"}}

	boom := errors.New("boom")
	err := w.db.WithTx(t.Context(), func(tx *database.Tx) error {
		if _, err := w.service.Author(tx, "riverside", pay); err != nil {
			t.Fatal(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if n, err := w.service.Sequence(t.Context(), "riverside"); err != nil || n != 0 {
		t.Fatalf("a rolled back draft was sequenced: %d %v", n, err)
	}
	var outbox int64
	must(t, w.db.WithTx(t.Context(), func(tx *database.Tx) (err error) {
		outbox, err = w.service.Author(tx, "riverside", pay)
		return err
	}))
	var all sync.WaitGroup
	for range 4 { // replicas at once
		s := w.replica()
		all.Go(func() {
			if _, err := s.Sequence(context.Background(), "riverside"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	id, done, err := w.service.Authored(t.Context(), outbox)
	if must(t, err); !done || id.Seq != 2 {
		t.Errorf("the payment became %s (%v), want the second fact of the cloud's log", id, done)
	}
	if n := w.count(`SELECT count(*) FROM sessions, json_array_elements(document->'pays') p WHERE p->>'order' = 'o1' AND p->>'amount' = '1500'`); n != 1 {
		t.Error("the session does not know its payment")
	}
	for _, booth := range []string{"booth-a", "booth-b"} {
		down := w.broker.on(booth, "facts/down")
		if len(down) != 1 {
			t.Fatalf("%s was sent %d batches, want 1", booth, len(down))
		}
		// A booth admits the cloud's log by the same rules.
		batch := factsOf(t, down[0]).Batch
		res, _, err := exchange.Rules{Lot: "riverside", Keys: w.keys("riverside")}.Take(exchange.Log{}, batch, nil)
		if must(t, err); res.Verdict != exchange.Accepted || len(res.Facts) != 2 {
			t.Errorf("%s finds the cloud's batch %s: %v", booth, res.Verdict, res.Cause)
		}
	}
	// Later ones continue the log.
	must(t, w.db.WithTx(t.Context(), func(tx *database.Tx) (err error) {
		_, err = w.service.Author(tx, "riverside", pay)
		return err
	}))
	if n, err := w.service.Sequence(t.Context(), "riverside"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if d := w.digest("riverside"); !d.Projection || d.Cursors[id.Author].Seq != 3 {
		t.Errorf("digest %+v", d)
	}
}

func TestPoorDraftsAreRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.lot("riverside", "booth-a")
	for name, d := range map[string]fact.Draft{
		"no refs":   {At: w.now, Kind: fact.KindPayment, Body: fact.Payment{Amount: 1, Order: "o"}},
		"no amount": {At: w.now, Kind: fact.KindPayment, Refs: []fact.ID{{Author: "aaaaaaaaaaaaaaaa", Seq: 1}}, Body: fact.Payment{Order: "o"}},
		"too large": {At: w.now, Kind: "x", Body: strings.Repeat("x", fact.MaxPublic)},
		"no kind":   {At: w.now, Body: "x"},
	} {
		err := w.db.WithTx(t.Context(), func(tx *database.Tx) error {
			_, err := w.service.Author(tx, "riverside", d)
			return err
		})
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
