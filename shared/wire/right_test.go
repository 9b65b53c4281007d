package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/right"
	"lotkeeper/shared/tariff"
)

// card is a month card.
func card() right.Right {
	return right.Right{
		ID: "rgt-1", Version: 2, Kind: right.Permit, Plates: []right.Plate{{Text: "粤B12345", Colour: plate.ColourBlue}}, Places: 1,
		Periods: []right.Period{{From: noon, To: noon.AddDate(0, 1, 0)}}, Hours: []tariff.ClockWindow{{From: 8 * 3600, To: 20 * 3600, DayTypes: []string{"workday"}}},
		Name: tariff.Text{ZH: "A座<一>", EN: "Block A"},
	}
}

func rightsSet(t testing.TB) *right.Set {
	t.Helper()
	doc, err := json.Marshal(card())
	if err != nil {
		t.Fatal(err)
	}
	s, err := (&right.Set{}).Apply([]right.Entry{{ID: "rgt-0", Number: 3}, {ID: "rgt-1", Number: 4, Right: doc}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rights(t testing.TB) Rights {
	t.Helper()
	set := rightsSet(t)
	head, err := SignRights(set.HeadOf("riverside", 4, noon), key)
	if err != nil {
		t.Fatal(err)
	}
	return NewRights(head, set, right.Cursor{})
}

func TestRightsArriveAsTheyWereSent(t *testing.T) {
	pub := key.Public().(ed25519.PublicKey)
	b, err := Encode(rights(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode[Rights](b)
	if err != nil {
		t.Fatal(err)
	}
	head, err := OpenRights(got.Head, "riverside", pub)
	if err != nil {
		t.Fatal(err)
	}
	set, err := right.NewIntake(nil, right.Head{}).Take(head, got.Page())
	if err != nil || set.Digest() != rightsSet(t).Digest() {
		t.Fatalf("the set that arrived is another: %v", err)
	}
	if rs := set.For(plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue}); len(rs) != 1 || rs[0].Name.ZH != "A座<一>" {
		t.Errorf("arrived %+v", rs)
	}
}

func TestAHeadThatIsAlteredOrForeignIsRefused(t *testing.T) {
	pub := key.Public().(ed25519.PublicKey)
	good := rights(t).Head
	config, err := SignConfig(config(), key)
	if err != nil {
		t.Fatal(err)
	}
	none, err := SignRights(right.Head{Lot: "riverside"}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, lot string
		head      Signed
		want      string
	}{
		{"altered", "riverside", Signed{bytes.Replace(good.Document, []byte(`"number":4`), []byte(`"number":5`), 1), good.Sig}, "not signed"},
		{"another lot's", "elsewhere", good, "are of lot"},
		{"a configuration", "riverside", config, "not signed"},
		{"without a number", "riverside", none, "no number"},
		{"nothing", "riverside", Signed{}, "not signed"},
	} {
		if _, err := OpenRights(tc.head, tc.lot, pub); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := OpenRights(good, "riverside", nil); err == nil {
		t.Error("rights were taken without a key")
	}
}

func TestTermsAddTheRightsToTheLists(t *testing.T) {
	c := config()
	terms := Terms{Config: &c, Rights: rightsSet(t), InForce: 4}
	mine := plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue}
	nine := time.Date(noon.Year(), noon.Month(), noon.Day(), 9, 0, 0, 0, time.UTC).AddDate(0, 0, 1)
	if got := terms.RightsOf(mine, nine, nine.Add(time.Hour), nil); len(got) != 1 || got[0].ID != "rgt-1@2" {
		t.Errorf("the card gives %+v", got)
	}
	if got := terms.RightsOf(plate.Plate{Text: "粤B00001"}, nine, nine.Add(time.Hour), nil); len(got) != 1 || got[0].ID != "free:粤B00001" {
		t.Errorf("the configuration's list gives %+v", got)
	}
	if got := (Terms{Config: &c}).RightsOf(mine, nine, nine.Add(time.Hour), []fact.RightUse{}); got != nil {
		t.Errorf("without rights: %+v", got)
	}
}

func FuzzOpenRights(f *testing.F) {
	set, err := json.Marshal(rights(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(set)
	f.Add([]byte(`{"head":{"document":"e30=","sig":""},"after":{"number":1},"entries":[{"id":"a","number":1,"right":{}}],"more":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode[Rights](b)
		if err != nil {
			return
		}
		// Whatever entries say, with a head that is signed: they are refused, wait, or make just that set.
		head, err := OpenRights(rights(t).Head, "riverside", key.Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		in := right.NewIntake(nil, right.Head{})
		if s, err := in.Take(head, r.Page()); s != nil && (err != nil || s.Digest() != head.Digest) {
			t.Errorf("another set was taken: %v", err)
		}
	})
}
