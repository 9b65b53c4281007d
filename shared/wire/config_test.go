package wire

import (
	"encoding/json"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
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
