package ingest_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/session"
	"lotkeeper/shared/wire"
)

// A booth's log arrives up to some number, and its next incarnation tells some of it again, from before and after that
// number: the tables come to what folding the same set comes to.
func TestWhatAnEndedIncarnationLeftIsFoldedOnce(t *testing.T) {
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		lot := fmt.Sprintf("lot-%d", n)
		booths := w.lot(lot, fmt.Sprintf("a-%d", n), fmt.Sprintf("b-%d", n))
		scribble(rt, w, booths)
		ended := *booths[0]
		cut := rapid.IntRange(1, len(ended.records)).Draw(rt, "cut")
		heir := w.incarnate(lot, ended.name)
		for i, f := range ended.facts {
			if f.Kind == fact.KindOpened || f.Kind == fact.KindClock || !rapid.Bool().Draw(rt, "told") {
				continue
			}
			d, err := fact.Tell(ended.records[i], 0, "")
			must(t, err)
			heir.say(d)
		}
		ended.records, ended.facts = ended.records[:cut], ended.facts[:cut]
		all := []*booth{&ended, booths[1], heir}
		deliver(rt, w, all)
		var facts []fact.Fact
		for _, b := range all {
			facts = append(facts, b.facts...)
		}
		want, got := session.Fold(facts), w.digest(lot)
		if got.Sessions != want.Digest() || got.Facts != want.Len() || got.Facts != len(facts) {
			rt.Fatalf("digest of the stored facts: got %+v, want sessions %s of %d", got, want.Digest(), want.Len())
		}
		if !got.Projection {
			rt.Fatal("the projections are not the fold of the stored facts")
		}
	})
}

// A copied journal that went on longer than the log that is here shows itself by what comes after: the author is closed,
// and its booths are still told what is here, for that is how they learn where they parted.
func TestACopiedJournalThatWentOnClosesTheAuthor(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	twin := *a
	twin.records, twin.facts = append([]fact.Record{}, a.records...), append([]fact.Fact{}, a.facts...)
	a.pass("粤B22222", fact.Entry, w.now)
	twin.pass("京A11111", fact.Entry, w.now)
	twin.pass("京A22222", fact.Entry, w.now)
	w.take(a.all())
	if got := w.take(twin.batch(len(a.records), len(twin.records))); got.Verdict != exchange.Forked {
		t.Fatalf("the copy's facts after ours are %s (%v)", got.Verdict, got.Cause)
	}
	if n := w.count(`SELECT count(*) FROM alarms WHERE kind = 'author.forked' AND subject = $1`, string(a.author)); n != 1 {
		t.Errorf("%d alarms", n)
	}
	ask := cursorUp(t, a, exchange.Cursors{})
	must(t, w.service.Handle(t.Context(), ask.topic, ask.payload))
	sent := 0
	for _, m := range w.broker.on("booth-a", wire.FactsDown) {
		if f := factsOf(t, m); f.Batch.Author == a.author {
			sent += len(f.Batch.Records)
		}
	}
	if sent != len(a.records) {
		t.Errorf("%d records are sent to a booth that lacks them, want %d", sent, len(a.records))
	}
}
