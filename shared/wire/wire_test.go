package wire

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lotkeeper/shared/exchange"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

var (
	noon   = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	key    = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	author = fact.Author("abcdefgh22223333")
	read   = fact.ID{Author: author, Seq: 2}
	blue   = plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue, Class: plate.ClassSmall}
)

// samples are messages as the first release writes them. Their files in testdata/v1 are never changed: what they hold
// must decode to the same message for ever. A field that a later release adds is absent in them.
func samples(t *testing.T) map[string]any {
	t.Helper()
	record, _, head, err := fact.Seal(fact.Head{}, key, fact.Stamp{Lot: "riverside", Author: author, Boot: "b1", Mono: 12, Now: noon},
		fact.Draft{At: noon, Source: "booth", Kind: fact.KindOpened, Body: fact.Opened{
			Booth: "booth-a", Key: key.Public().(ed25519.PublicKey), Software: "1.0.0", Why: "new",
		}})
	if err != nil {
		t.Fatal(err)
	}
	entered := noon.Add(-time.Hour)
	token := Token{Boot: "b1", Mono: 5_000_000_000, Car: 7}
	return map[string]any{
		"facts":  Facts{exchange.Batch{Lot: "riverside", Author: author, Records: []fact.Record{record}}},
		"cursor": Cursor{At: noon, Cursors: exchange.Cursors{author: head}, Config: 3},
		"command": Command{
			ID: "c-1", Lane: "exit-1", Action: CorrectPlate, Token: token, Reason: "plate misread", By: "seat",
			Plate: &blue, TTL: CommandTTL, Seen: 6_000_000_000,
		},
		"result": Result{Command: "c-1", Lane: "exit-1", Verdict: "done", Fact: read},
		"live": Live{
			Lane: "exit-1", Dir: fact.Exit, At: noon, Mono: 6_000_000_000, Token: token, Plate: &blue, Read: read,
			Photo: strings.Repeat("ab", 32), Action: fact.Hold, Reason: "unpaid", Session: read, Entered: &entered,
			Due: 1500, Currency: "CNY", Arm: "down", Loop: true, Waiting: &noon,
			Similar: []Candidate{{Session: read, Plate: blue, Entered: entered}},
		},
		"presence": Presence{Online: true, At: noon, Software: "1.0.0", Boot: "b1"},
		"config":   config(),
		"rights":   rights(t),
	}
}

func config() Config {
	return Config{
		Lot: "riverside", Number: 3, Issued: noon, Name: tariff.Text{ZH: "滨江停车场", EN: "Riverside"}, TZ: "Asia/Shanghai",
		Currency: "CNY", Capacity: 120,
		Booths: []Booth{{ID: "booth-a", Name: tariff.Text{ZH: "入口岗亭", EN: "Entry booth"}, Raft: "10.0.0.1:7400", Peer: "10.0.0.1:7401", Voter: true}},
		Lanes: []Lane{{
			ID: "entry-1", Name: tariff.Text{ZH: "入口", EN: "Entry"}, Dir: fact.Entry, Booth: "booth-a",
			Devices: []Device{{ID: "cam-entry-1", Role: "camera", Kind: "vz", Settings: json.RawMessage(`{"address":"10.0.1.1:8131"}`)}},
		}},
		Free: []FreePlate{{Plate: "粤B00001", From: noon, To: noon.AddDate(1, 0, 0), Why: "ambulance"}},
	}
}

// sameJSON compares raw JSON without its white space.
var sameJSON = cmp.Transformer("compact", func(m json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, m); err != nil {
		return err.Error()
	}
	return b.String()
})

func TestSamplesDecodeForEver(t *testing.T) {
	for name, want := range samples(t) {
		file := filepath.Join("testdata", "v1", name+".json")
		b, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is missing: a new message needs its sample. It would hold:\n%s", file, indent(t, want))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, decodeLike(t, want, b), sameJSON); diff != "" {
			t.Errorf("%s decodes to something else (-want +got):\n%s", file, diff)
		}
	}
}

func indent(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decodeLike(t *testing.T, like any, b []byte) any {
	t.Helper()
	var got any
	var err error
	switch like.(type) {
	case Facts:
		got, err = Decode[Facts](b)
	case Cursor:
		got, err = Decode[Cursor](b)
	case Command:
		got, err = Decode[Command](b)
	case Result:
		got, err = Decode[Result](b)
	case Live:
		got, err = Decode[Live](b)
	case Presence:
		got, err = Decode[Presence](b)
	case Config:
		got, err = Decode[Config](b)
	case Rights:
		got, err = Decode[Rights](b)
	default:
		t.Fatalf("no decoder for %T", like)
	}
	if err != nil {
		t.Fatalf("decode %T: %v", like, err)
	}
	return got
}

func TestEncodeDecode(t *testing.T) {
	long := Result{Text: strings.Repeat("x", 5000)}
	b, err := Encode(long)
	if err != nil || len(b) > 500 {
		t.Fatalf("a repetitive message takes %d bytes, %v", len(b), err)
	}
	if got, err := Decode[Result](b); err != nil || got != long {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Decode[Result]([]byte(`{"command":"c","new_field":{"a":1}}`)); err != nil {
		t.Errorf("a field of a newer release: %v", err)
	}
}

func TestABombIsRefused(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(make([]byte, 2*MaxMessage)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Decode[Result](b.Bytes()); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes that unpack to %d: got %v, want %v", b.Len(), 2*MaxMessage, err, ErrTooLarge)
	}
}

func TestTopics(t *testing.T) {
	for _, c := range []Channel{FactsUp, FactsDown, CursorUp, CursorDown, ConfigDown, RightsDown, CommandTo, ResultFrom, PresenceOf, LiveFrom("exit-1")} {
		want := Topic{"riverside", "booth-a", c}
		if got, err := ParseTopic(want.String()); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "lk/1/riverside/booth-a", "lk/2/riverside/booth-a/result", "lk/1//booth-a/result", "lk/1/River/b/result", "lk/1/r/b/live/", "lk/1/r/b/live/a/b", "lk/1/r/../result", "lk/1/r/b/#"} {
		if got, err := ParseTopic(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestSignedConfig(t *testing.T) {
	pub := key.Public().(ed25519.PublicKey)
	s, err := SignConfig(config(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := OpenConfig(s, pub); err != nil || c.Number != 3 {
		t.Errorf("got %+v, %v", c, err)
	}
	altered := Signed{bytes.Replace(s.Document, []byte(`"capacity":120`), []byte(`"capacity":121`), 1), s.Sig}
	if _, err := OpenConfig(altered, pub); err == nil {
		t.Error("an altered configuration was taken")
	}
	if _, err := OpenConfig(s, nil); err == nil {
		t.Error("a configuration was taken without a key")
	}
}

func TestValidateListsAllFaults(t *testing.T) {
	c := config()
	c.TZ, c.Lanes[0].Dir, c.Lanes[0].Booth = "Mars/Olympus", "up", "booth-z"
	c.Rules = []TariffRule{{Tariff: fact.TariffRef{ID: "gone", Version: 1}}}
	err := c.Validate()
	for _, want := range []string{"Mars/Olympus", `direction "up"`, "booth-z", "tariff gone version 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func FuzzDecodeFacts(f *testing.F) {
	f.Add([]byte(`{"batch":{"lot":"riverside","author":"abcdefgh22223333","records":[{"public":"e30=","sig":""}]}}`))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode[Facts](b)
		if err != nil {
			return
		}
		if again, err := Encode(v); err != nil || len(again) == 0 {
			t.Errorf("what was decoded does not encode: %v", err)
		}
	})
}

func FuzzParseTopic(f *testing.F) {
	f.Add("lk/1/riverside/booth-a/facts/up")
	f.Fuzz(func(t *testing.T, s string) {
		if topic, err := ParseTopic(s); err == nil && topic.String() != s {
			t.Errorf("%q is read as %s", s, topic)
		}
	})
}
