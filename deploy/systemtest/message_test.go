package systemtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lotkeeper/deploy/rig"
	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// bomb is a message that is small on the wire and larger than any message when it is unpacked.
func bomb(t *testing.T) []byte {
	t.Helper()
	b, err := wire.Encode(strings.Repeat("0", wire.MaxMessage+1024))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// badMessages come from a booth that is enrolled, on its own topics. The other lot's booth sends them, which is not
// connected otherwise.
func badMessages(t *testing.T, r *rig.Rig) {
	up := wire.Topic{Lot: rig.OtherLot, Booth: rig.OtherBooth, Channel: wire.FactsUp}.String()
	c := mqtt(t, r, rig.OtherBooth, certificateOf(t, r, rig.OtherBooth))
	for what, m := range map[string][]byte{
		"no message": []byte("\x00\xff not JSON"), "half a message": []byte(`{"batch":{"lot":"hillside"`), "a bomb": bomb(t), "facts of another lot": logFor(t, r, rig.Lot),
		"an empty record": encoded(t, wire.Facts{Batch: exchange.Batch{Lot: rig.OtherLot, Author: author, Records: []fact.Record{{}}}}),
	} {
		had := refusals(t, r)
		if err := done(c.Publish(up, 1, false, m)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		until(t, "the cloud refuses "+what+" in its log", patience, func(context.Context) error {
			if now := refusals(t, r); now <= had {
				return fmt.Errorf("refusals: %d", now)
			}
			return nil
		})
	}
	// More than a broker takes: it hangs up.
	lost := make(chan struct{})
	big := dialMQTT(t, r, rig.OtherBooth, ptr(certificateOf(t, r, rig.OtherBooth)), func(o *paho.ClientOptions) {
		o.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
	})
	if err := done(big.Connect()); err != nil {
		t.Fatal(err)
	}
	big.Publish(up, 1, false, bytes.Repeat([]byte("a"), 2*wire.MaxMessage))
	select {
	case <-lost:
	case <-time.After(patience):
		t.Errorf("a packet of %d bytes: the broker does not hang up", 2*wire.MaxMessage)
		big.Disconnect(0)
	}
}

// author is what the other lot's booth calls itself.
const author = "hhhhhhhhhhhhhhhh"

// logFor is a log with one fact that the other lot's booth wrote and signed as it should be, for a lot.
func logFor(t *testing.T, r *rig.Rig, lot string) []byte {
	t.Helper()
	cert := certificateOf(t, r, rig.OtherBooth)
	key, ok := cert.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the booth's key is %T", cert.PrivateKey)
	}
	now := time.Now()
	record, _, _, err := fact.Seal(fact.Head{}, key, fact.Stamp{Lot: lot, Author: author, Boot: "x", Mono: 1, Now: now}, fact.Draft{
		At: now, Source: rig.OtherBooth, Kind: fact.KindOpened, V: 1,
		Body: fact.Opened{Booth: rig.OtherBooth, Key: cert.Leaf.PublicKey.(ed25519.PublicKey), Cert: cert.Certificate[0], Software: "x", Why: "new"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, wire.Facts{Batch: exchange.Batch{Lot: lot, Author: author, Records: []fact.Record{record}}})
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	b, err := wire.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// authorsOf lists whose logs the cloud holds in a lot.
func authorsOf(t *testing.T, r *rig.Rig, lot string) string {
	t.Helper()
	var out json.RawMessage
	if err := signIn(t, r, rig.Admin).Call(t.Context(), http.MethodGet, "/api/v1/lots/"+lot+"/cursors", nil, &out); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// refusals counts the messages that the cloud's log says it did not take.
func refusals(t *testing.T, r *rig.Rig) int {
	t.Helper()
	text, err := r.Process(rig.Cloud).Log()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(text, "message not taken")
}

// otherLot: a booth of another lot with a right certificate writes to our lot's topics and listens on them. A command of
// its making and facts in our booth's name come to nothing.
func otherLot(t *testing.T, r *rig.Rig) {
	view, err := signIn(t, r, rig.Seat).View(t.Context(), rig.Lot, rig.ExitLane)
	if err != nil {
		t.Fatal(err)
	}
	command := encoded(t, wire.Command{
		ID: "cmd_forged", Lane: rig.ExitLane, Action: wire.OpenBarrier, Token: view.Token, Reason: "x", By: "x", TTL: wire.CommandTTL, Seen: view.Mono,
	})
	forged := logFor(t, r, rig.Lot)
	tap := listen(t, r, rig.ExitBooth) // hears what gets through
	for topic, m := range map[wire.Topic][]byte{
		{Lot: rig.Lot, Booth: rig.ExitBooth, Channel: wire.CommandTo}:   command,
		{Lot: rig.Lot, Booth: rig.ExitBooth, Channel: wire.ConfigDown}:  command,
		{Lot: rig.Lot, Booth: rig.ExitBooth, Channel: wire.FactsDown}:   forged,
		{Lot: rig.Lot, Booth: rig.EntryBooth, Channel: wire.FactsUp}:    forged,
		{Lot: rig.Lot, Booth: rig.OtherBooth, Channel: wire.FactsUp}:    forged,
		{Lot: rig.Lot, Booth: rig.EntryBooth, Channel: wire.PresenceOf}: encoded(t, wire.Presence{}),
	} {
		c := dialMQTT(t, r, rig.OtherBooth, ptr(certificateOf(t, r, rig.OtherBooth)))
		if err := done(c.Connect()); err != nil {
			t.Fatalf("connect: %v", err)
		}
		c.Publish(topic.String(), 1, false, m).WaitTimeout(time.Second) // a broker may hang up, or take it and drop it
		c.Disconnect(100)
	}
	c := mqtt(t, r, rig.OtherBooth, certificateOf(t, r, rig.OtherBooth))
	got := make(chan string, 16)
	for _, filter := range []string{"#", "lk/1/#", "lk/1/riverside/booth-b/command", "lk/1/+/booth-b/facts/down", "$share/cloud/lk/1/+/+/facts/up"} {
		c.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) {
			if strings.HasPrefix(m.Topic(), "lk/1/"+rig.Lot+"/") {
				got <- m.Topic()
			}
		}).WaitTimeout(patience)
	}
	// What the cloud says to our booth now reaches our booth, and the tap, alone. It is no command, so it moves nothing.
	tap.drain()
	tap.say(t, []byte(`{"id":"mark"}`))
	if m := tap.next(t); string(m) != `{"id":"mark"}` {
		t.Errorf("on the booth's command topic: got %q, want nothing before the mark", m)
	}
	select {
	case topic := <-got:
		t.Errorf("the other lot's booth heard %s", topic)
	default:
	}
	// Its own lot's facts are taken, on its own topic: so what was refused was refused for the lot.
	if err := done(c.Publish(wire.Topic{Lot: rig.OtherLot, Booth: rig.OtherBooth, Channel: wire.FactsUp}.String(), 1, false, logFor(t, r, rig.OtherLot))); err != nil {
		t.Fatal(err)
	}
	until(t, "the cloud takes the other booth's own facts", patience, func(context.Context) error {
		if all := authorsOf(t, r, rig.OtherLot); !strings.Contains(all, author) {
			return fmt.Errorf("authors there: %s", all)
		}
		return nil
	})
	if all := authorsOf(t, r, rig.Lot); strings.Contains(all, author) {
		t.Errorf("authors in our lot: got %s, want none of the other lot", all)
	}
}

func ptr[T any](v T) *T { return &v }
