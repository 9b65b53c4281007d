package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

func TestTheFirstRuleThatFitsGivesTheTariff(t *testing.T) {
	dragonBoat := calendar.Date{Year: 2024, Month: time.June, Day: 10}
	ref := func(id string) fact.TariffRef { return fact.TariffRef{ID: id, Version: 1} }
	c := Config{
		TZ:       "Asia/Shanghai",
		Calendar: calendar.Calendar{ID: "cn", Version: 1, Dates: map[calendar.Date]string{dragonBoat: "holiday", {Year: 2024, Month: time.June, Day: 16}: "workday"}},
		Rules: []TariffRule{
			{Class: "large", Tariff: ref("large")},
			{DayTypes: []string{"holiday", "saturday"}, Tariff: ref("feast")},
			{DayTypes: []string{"sunday"}, Tariff: ref("sunday")},
			{From: time.Date(2024, 6, 20, 0, 0, 0, 0, time.UTC), Tariff: ref("new")},
			{Tariff: ref("old")},
		},
	}
	for _, tc := range []struct{ class, at, want string }{
		{"large", "2024-06-10T12:00:00+08:00", "large"},
		{"small", "2024-06-09T23:59:59+08:00", "sunday"}, // 15:59:59 in London: the lot's own date counts
		{"small", "2024-06-10T00:00:00+08:00", "feast"},
		{"small", "2024-06-10T16:00:00Z", "old"}, // the 11th in Shanghai
		{"small", "2024-06-15T12:00:00+08:00", "feast"},
		{"small", "2024-06-16T12:00:00+08:00", "old"}, // a Sunday on which people work is no Sunday
		{"", "2024-06-19T23:59:59Z", "old"},
		{"", "2024-06-20T00:00:00Z", "new"},
	} {
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := c.TariffFor(tc.class, at); !ok || got.ID != tc.want {
			t.Errorf("class %q at %s gets %q (%v), want %q", tc.class, tc.at, got.ID, ok, tc.want)
		}
	}
	c.Rules = c.Rules[:3]
	if got, ok := c.TariffFor("small", time.Date(2024, 6, 12, 0, 0, 0, 0, time.UTC)); ok {
		t.Errorf("no rule fits a workday, and it gets %v", got)
	}
}

// What says nothing of days and times is written as it always was, so that older booths see no difference.
func TestAPlainRuleIsWrittenAsBefore(t *testing.T) {
	got, err := json.Marshal(TariffRule{Class: "small", Tariff: fact.TariffRef{ID: "a", Version: 2}})
	if want := `{"class":"small","tariff":{"id":"a","version":2}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestEntitlementsHoldInTheirTime(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := Config{Entitled: []EntitledPlate{
		{Plate: "粤B12345", Entitlements: []string{"resident"}, From: from, To: from.AddDate(1, 0, 0)},
		{Plate: "粤B12345", Entitlements: []string{"disabled"}, From: from, To: from.AddDate(0, 1, 0)},
		{Plate: "", Entitlements: []string{"nobody"}, From: from, To: from.AddDate(1, 0, 0)},
	}}
	mine, err := plate.Parse("粤B12345", plate.ColourBlue)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		plate plate.Plate
		at    time.Time
		want  string
	}{
		{mine, from.Add(-time.Second), ""},
		{mine, from, "resident disabled"},
		{mine, from.AddDate(0, 1, 0), "resident"},
		{plate.Plate{}, from, ""},
	} {
		if got := strings.Join(c.EntitlementsOf(tc.plate, tc.at), " "); got != tc.want {
			t.Errorf("%s at %s is entitled to %q, want %q", tc.plate.Text, tc.at, got, tc.want)
		}
	}
}

// A tariff of which this program does not know a part would be priced wrongly, so the configuration is refused; anything
// else that is new in it is borne.
func TestTariffsThatAreNotUnderstoodAreRefused(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	hourly, err := tariff.Decode([]byte(`{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":3600,"price":500}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := SignConfig(Config{Lot: "riverside", Number: 1, TZ: "Asia/Shanghai", Currency: "CNY", Tariffs: []tariff.Tariff{hourly}}, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, old, new, want string
	}{
		{"as it is", "", "", ""},
		{"something new beside the tariffs", `"lot":"riverside"`, `"lot":"riverside","weather":"fine"`, ""},
		{"something new in a tariff", `"id":"p"`, `"id":"p","weather":"fine"`, "plans[0].weather: no such key"},
		{"a word that is not known", `"id":"p"`, `"id":"p","boundary":"weather"`, "plans[0].boundary"},
	} {
		doc := signed.Document
		if tc.old != "" {
			if doc = bytes.Replace(doc, []byte(tc.old), []byte(tc.new), 1); bytes.Equal(doc, signed.Document) {
				t.Fatalf("%s: nothing was changed in %s", tc.name, doc)
			}
		}
		_, err := OpenConfig(Signed{doc, ed25519.Sign(private, configMessage(doc))}, public)
		if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestLanesLeadFromZoneToZone(t *testing.T) {
	for _, tc := range []struct {
		name string
		lane Lane
		ok   bool
	}{
		{"an entry into a zone", Lane{Dir: fact.Entry, To: "parent"}, true},
		{"an entry into the whole lot", Lane{Dir: fact.Entry}, true},
		{"an exit from a zone", Lane{Dir: fact.Exit, From: "parent"}, true},
		{"between zones", Lane{Dir: fact.Inner, From: "parent", To: "child"}, true},
		{"both ways of a zone", Lane{Dir: fact.Both, To: "child"}, true},
		{"an entry from a zone", Lane{Dir: fact.Entry, From: "parent", To: "child"}, false},
		{"an exit into a zone", Lane{Dir: fact.Exit, To: "parent"}, false},
		{"an inner lane to nowhere", Lane{Dir: fact.Inner, From: "parent"}, false},
		{"an inner lane to itself", Lane{Dir: fact.Inner, From: "parent", To: "parent"}, false},
		{"both ways the wrong way round", Lane{Dir: fact.Both, From: "parent"}, false},
		{"into a zone that is not there", Lane{Dir: fact.Entry, To: "attic"}, false},
		{"a direction that nobody knows", Lane{Dir: "up"}, false},
		{"a camera that faces nowhere", Lane{Dir: fact.Both, Devices: []Device{{ID: "cam", Dir: "up"}}}, false},
		{"a camera that faces out", Lane{Dir: fact.Both, Devices: []Device{{ID: "cam", Dir: fact.Exit}}}, true},
	} {
		c := config()
		tc.lane.ID, tc.lane.Booth = "lane", "booth-a"
		c.Lanes, c.Zones = []Lane{tc.lane}, []Zone{{ID: "parent"}, {ID: "child", Capacity: 20}}
		if err := c.Validate(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	c := config()
	c.Policy.Passage = PassagePolicy{Full: "maybe", SuspectExit: 999}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "passage.full") || !strings.Contains(err.Error(), "suspect_exit") {
		t.Errorf("policy: %v", err)
	}
}
