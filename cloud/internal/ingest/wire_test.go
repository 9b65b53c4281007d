package ingest_test

import (
	"crypto/ed25519"
	"testing"

	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

type up struct {
	topic   string
	payload []byte
}

func factsUp(t testing.TB, b *booth, batch exchange.Batch) up {
	t.Helper()
	msg, err := wire.Encode(wire.Facts{Batch: batch})
	must(t, err)
	return up{wire.Topic{Lot: b.lot, Booth: b.name, Channel: wire.FactsUp}.String(), msg}
}

func cursorUp(t testing.TB, b *booth, c exchange.Cursors) up {
	t.Helper()
	msg, err := wire.Encode(wire.Cursor{At: *b.now, Cursors: c})
	must(t, err)
	return up{wire.Topic{Lot: b.lot, Booth: b.name, Channel: wire.CursorUp}.String(), msg}
}

func cursorOf(t testing.TB, payload []byte) wire.Cursor {
	t.Helper()
	c, err := wire.Decode[wire.Cursor](payload)
	must(t, err)
	return c
}

func factsOf(t testing.TB, payload []byte) wire.Facts {
	t.Helper()
	f, err := wire.Decode[wire.Facts](payload)
	must(t, err)
	return f
}

// keys admits as a booth does: by the authority alone.
type keys struct{ trust ingest.CA }

func (k keys) Admit(_ fact.Fact, opened fact.Opened) (ed25519.PublicKey, error) {
	_, _, key, err := k.trust.Holder(opened.Cert)
	return key, err
}

func (w *world) keys(string) exchange.Keys { return keys{ingest.CA{Roots: w.ca.Pool()}} }

func TestMessagesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	h := w.lot("harbour", "booth-h")[0]
	foreign := factsUp(t, a, a.all())
	foreign.topic = "lk/1/harbour/booth-h/facts/up"
	unknown := factsUp(t, a, a.all())
	unknown.topic = "lk/1/riverside/booth-z/facts/up"
	for name, m := range map[string]up{
		"another lot's facts on this topic": foreign,
		"a booth the lot does not have":     unknown,
		"not JSON":                          {"lk/1/riverside/booth-a/facts/up", []byte("{")},
		"broken gzip":                       {"lk/1/riverside/booth-a/facts/up", []byte{0x1f, 0x8b, 1, 2, 3}},
		"oversized":                         {"lk/1/riverside/booth-a/facts/up", make([]byte, wire.MaxMessage+1)},
		"no topic of ours":                  {"a/b", nil},
		"a channel that is not for ingest":  {"lk/1/riverside/booth-a/result", []byte("{}")},
		"a log that is not its author's":    factsUp(t, a, exchange.Batch{Lot: "riverside", Author: h.author, Records: h.records}),
	} {
		if err := w.service.Handle(t.Context(), m.topic, m.payload); err == nil {
			t.Errorf("%s: taken without a word", name)
		}
	}
	if n := w.count(`SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM authors)`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestARelayIsHeardAndAGapAnswered(t *testing.T) {
	w := newWorld(t)
	booths := w.lot("riverside", "booth-a", "booth-b")
	a, b := booths[0], booths[1]
	a.pass("粤B12345", fact.Entry, w.now)
	relayed := factsUp(t, b, a.all()) // on b's topic
	must(t, w.service.Handle(t.Context(), relayed.topic, relayed.payload))
	if n := w.count(`SELECT count(*) FROM facts WHERE author = $1`, string(a.author)); n != len(a.records) {
		t.Errorf("%d relayed facts", n)
	}
	a.pass("粤B12345", fact.Exit, w.now)
	w.broker.on("booth-a", wire.CursorDown)
	gap := factsUp(t, a, a.batch(len(a.records)-1, len(a.records)))
	must(t, w.service.Handle(t.Context(), gap.topic, gap.payload))
	acks := w.broker.on("booth-a", wire.CursorDown)
	if len(acks) != 1 || cursorOf(t, acks[0]).Cursors[a.author].Seq != 4 {
		t.Errorf("the gap was answered with %d cursors", len(acks))
	}
}

// TestACursorIsAnsweredWithItsTime, so that a booth knows how long the answer took and how far its clock is off. What was
// not asked for carries no such time.
func TestACursorIsAnsweredWithItsTime(t *testing.T) {
	w := newWorld(t)
	a := w.lot("riverside", "booth-a")[0]
	w.broker.on("booth-a", wire.CursorDown)
	sent := cursorUp(t, a, exchange.Cursors{})
	must(t, w.service.Handle(t.Context(), sent.topic, sent.payload))
	if got := w.broker.on("booth-a", wire.CursorDown); len(got) != 1 || !cursorOf(t, got[0]).Echo.Equal(*a.now) {
		t.Errorf("answered with %q", got)
	}
	facts := factsUp(t, a, a.all())
	must(t, w.service.Handle(t.Context(), facts.topic, facts.payload))
	if got := w.broker.on("booth-a", wire.CursorDown); len(got) != 1 || !cursorOf(t, got[0]).Echo.IsZero() {
		t.Errorf("facts are acknowledged with %q", got)
	}
}

func TestACursorIsSuppliedWithWhatItLacks(t *testing.T) {
	w := newWorld(t)
	booths := w.lot("riverside", "booth-a", "booth-b")
	a, b := booths[0], booths[1]
	for range 30 {
		a.pass("粤B12345", fact.Entry, w.now)
	}
	w.take(a.all())
	w.take(b.all())
	state := func(have exchange.Cursors) [][]byte {
		m := cursorUp(t, b, have)
		must(t, w.service.Handle(t.Context(), m.topic, m.payload))
		return w.broker.on("booth-b", wire.FactsDown)
	}
	have := exchange.Cursors{b.author: b.head}
	sent := state(have)
	if len(sent) != 1 {
		t.Fatalf("%d batches, want one of the other's facts", len(sent))
	}
	batch := factsOf(t, sent[0]).Batch
	if batch.Author != a.author || len(batch.Records) != len(a.records) || string(batch.Records[5].Public) != string(a.records[5].Public) {
		t.Errorf("sent %d records of %s", len(batch.Records), batch.Author)
	}
	if again := state(have); len(again) != 0 {
		t.Error("sent twice while it was on its way")
	}
	w.now = w.now.Add(6e9)
	if again := state(have); len(again) != 1 {
		t.Error("not sent again although it did not arrive")
	}
	have[a.author] = a.head
	if more := state(have); len(more) != 0 {
		t.Error("sent what the booth has")
	}
}

func FuzzHandle(f *testing.F) {
	w := newWorld(f)
	a := w.lot("riverside", "booth-a")[0]
	a.pass("粤B12345", fact.Entry, w.now)
	for _, m := range []up{factsUp(f, a, a.all()), cursorUp(f, a, exchange.Cursors{a.author: a.head})} {
		f.Add(m.topic, m.payload)
	}
	f.Add("lk/1/riverside/booth-a/facts/up", []byte(`{"batch":{"lot":"riverside","author":"aaaaaaaaaaaaaaaa","records":[{"public":"e30=","sig":""}]}}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		w.t = t
		before := w.count(`SELECT count(*) FROM facts`)
		err := w.service.Handle(t.Context(), topic, payload)
		if after := w.count(`SELECT count(*) FROM facts`); after > before && err != nil {
			t.Errorf("stored facts and failed: %v", err)
		}
		if n := w.count(`SELECT count(*) FROM facts WHERE author <> $1`, string(a.author)); n != 0 {
			t.Error("a stranger's facts are stored")
		}
	})
}
