package fact

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/plate"
)

var (
	testKey    = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	testAuthor = Author("abcdefgh22223333")
	noon       = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
)

func sealed(t *testing.T, n int) []Record {
	t.Helper()
	var head Head
	var out []Record
	for i := range n {
		r, f, next, err := Seal(head, testKey, Stamp{Lot: "riverside", Author: testAuthor, Boot: "b", Mono: int64(i), Now: noon},
			Draft{At: noon, Source: "booth", Kind: KindRead, Body: Read{Lane: "entry-1", Dir: Entry}, Hidden: Vehicle{plate.Plate{Text: "粤B12345"}}})
		if err != nil {
			t.Fatal(err)
		}
		if f.Seq != uint64(i+1) || f.Prev != head.Hash || f.HLC <= head.HLC {
			t.Fatalf("fact %d does not follow %+v: %+v", i, head, f)
		}
		head, out = next, append(out, r)
	}
	return out
}

func TestFollowTakesALogAndErasedParts(t *testing.T) {
	log := sealed(t, 5)
	log[2].Private = nil // erased
	pub := testKey.Public().(ed25519.PublicKey)
	facts, head, err := Follow(Head{}, "riverside", testAuthor, log[:3], pub)
	if err != nil || len(facts) != 3 {
		t.Fatalf("got %d facts, %v", len(facts), err)
	}
	if _, ok, err := Reveal(&facts[2]); ok || err != nil {
		t.Errorf("an erased part was revealed: %v %v", ok, err)
	}
	if v, ok, _ := Reveal(&facts[1]); !ok || v.Plate.Text != "粤B12345" {
		t.Errorf("hidden part is %+v, %v", v, ok)
	}
	if _, head, err = Follow(head, "riverside", testAuthor, log[3:], pub); err != nil || head.Seq != 5 {
		t.Errorf("the rest: head %+v, %v", head, err)
	}
	if strings.Contains(string(log[0].Public), "粤") {
		t.Error("the plate stands in the public part")
	}
}

func TestFollowRefuses(t *testing.T) {
	pub := testKey.Public().(ed25519.PublicKey)
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))).Public().(ed25519.PublicKey)
	for _, tc := range []struct {
		name string
		key  ed25519.PublicKey
		lot  string
		harm func(l []Record) []Record
	}{
		{"gap", pub, "riverside", func(l []Record) []Record { return append(l[:1:1], l[2:]...) }},
		{"order", pub, "riverside", func(l []Record) []Record { l[0], l[1] = l[1], l[0]; return l }},
		{"edited", pub, "riverside", func(l []Record) []Record {
			l[1].Public = []byte(strings.Replace(string(l[1].Public), "entry-1", "entry-2", 1))
			return l
		}},
		{"last edited", pub, "riverside", func(l []Record) []Record {
			l[2].Public = []byte(strings.Replace(string(l[2].Public), "entry-1", "entry-2", 1))
			return l
		}},
		{"hidden part swapped", pub, "riverside", func(l []Record) []Record { l[0].Private = l[1].Private[:len(l[1].Private)-2]; return l }},
		{"signature of another", other, "riverside", func(l []Record) []Record { return l }},
		{"another lot", pub, "hillside", func(l []Record) []Record { return l }},
		{"trailing value", pub, "riverside", func(l []Record) []Record { l[2].Public = append(l[2].Public, '{', '}'); return l }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, head, err := Follow(Head{}, tc.lot, testAuthor, tc.harm(sealed(t, 3)), tc.key); !errors.Is(err, ErrBroken) || head != (Head{}) && head.Seq == 3 {
				t.Errorf("got %v at %d, want %v", err, head.Seq, ErrBroken)
			}
		})
	}
}

func TestSealRefusesWhatIsTooLarge(t *testing.T) {
	_, _, head, err := Seal(Head{Seq: 4}, testKey, Stamp{Lot: "riverside", Author: testAuthor, Now: noon},
		Draft{At: noon, Kind: "x", Body: strings.Repeat("a", MaxPublic)})
	if err == nil || head.Seq != 4 {
		t.Errorf("got head %d, %v; want the old head and an error", head.Seq, err)
	}
}

func TestHLC(t *testing.T) {
	h := HLC(0).Tick(noon)
	if !h.Time().Equal(noon) {
		t.Errorf("tick at noon is %s", h.Time())
	}
	if again := h.Tick(noon.Add(-time.Hour)); again != h+1 {
		t.Errorf("a clock set back gave %x after %x", again, h)
	}
	near, far := HLC(0).Tick(noon.Add(time.Minute)), HLC(0).Tick(noon.Add(time.Hour))
	if got := h.Observe(near, noon); got != near {
		t.Errorf("a minute ahead was not followed")
	}
	if got := h.Observe(far, noon); got != h {
		t.Errorf("an hour ahead was followed")
	}
}

func TestIDText(t *testing.T) {
	for _, bad := range []string{"x", "abcdefgh22223333.", "abcdefgh22223333.0", "abcdefgh22223333.01", "ABCDEFGH22223333.1", "abcdefgh22223333.-1", "abcdefgh22223333.1.2"} {
		if id, err := ParseID(bad); err == nil {
			t.Errorf("%q was read as %v", bad, id)
		}
	}
	var id ID
	if err := json.Unmarshal([]byte(`"abcdefgh22223333.7"`), &id); err != nil || id != (ID{testAuthor, 7}) {
		t.Errorf("got %v, %v", id, err)
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte(`{"lot":"riverside","author":"abcdefgh22223333","seq":1,"kind":"x","v":1,"body":{}}`), []byte(`{}`))
	f.Add([]byte(`{"seq":18446744073709551615}`), []byte(nil))
	f.Add([]byte("\xff\xfe"), []byte("{"))
	f.Fuzz(func(t *testing.T, public, private []byte) {
		fact, err := Unseal(Record{Public: public, Private: private})
		if err == nil && (fact.Seq == 0 || !fact.Author.Valid() || fact.Lot == "") {
			t.Errorf("took %q", public)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add("abcdefgh22223333.7")
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseID(s); err == nil && id.String() != s {
			t.Errorf("%q is read as %s", s, id)
		}
	})
}
