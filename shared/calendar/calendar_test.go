package calendar

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const national = `{
  "id": "cn", "version": 2026,
  "weekdays": {"friday": "friday"},
  "dates": {"2026-10-01": "long-holiday", "2026-10-10": "workday", "2026-06-19": "holiday"}
}`

func decode(t *testing.T, text string) Calendar {
	t.Helper()
	c, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDayType(t *testing.T) {
	cn := decode(t, national)
	for _, c := range []struct {
		cal        Calendar
		date, want string
	}{
		{cn, "2026-10-01", "long-holiday"},
		{cn, "2026-10-10", Workday}, // a Saturday made a workday
		{cn, "2026-10-11", Weekend},
		{cn, "2026-06-19", Holiday}, // a Friday by name, a holiday by date
		{cn, "2026-06-26", "friday"},
		{cn, "2026-06-25", Workday},
		{Calendar{}, "2026-10-01", Workday},
		{Calendar{}, "2026-10-03", Weekend},
		{Calendar{}, "2024-02-29", Workday},
	} {
		d, err := ParseDate(c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.cal.DayType(d); got != c.want {
			t.Errorf("%s in calendar %q = %q, want %q", c.date, c.cal.ID, got, c.want)
		}
	}
	if d := cmp.Diff([]string{"friday", "holiday", "long-holiday", "weekend", "workday"}, cn.Types()); d != "" {
		t.Errorf("types: %s", d)
	}
}

func TestOfUsesTheClockOfThePlace(t *testing.T) {
	at := time.Date(2026, 9, 30, 16, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		zone *time.Location
		want Date
	}{{time.UTC, Date{2026, 9, 30}}, {time.FixedZone("", 8*3600), Date{2026, 10, 1}}} {
		if got := Of(at.In(c.zone)); got != c.want {
			t.Errorf("Of(%s) = %s, want %s", at.In(c.zone), got, c.want)
		}
	}
}

func TestDecodeListsEveryFault(t *testing.T) {
	_, err := Decode([]byte(`{"version": 0, "weekday": {}, "dates": {"2026-02-30": "holiday", "2026-05-01": ""}}`))
	want := "weekday: no such key; there are id, version, weekdays, dates\n" +
		"dates.2026-02-30: calendar: \"2026-02-30\" is not a date like 2026-10-01\n" +
		"id: is missing: write one\n" +
		"version: want 1 or more, got 0\n" +
		"dates.2026-05-01: the day type is empty: write one or leave the date out"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := (Calendar{ID: "x", Version: 1, Dates: map[Date]string{{2026, 2, 30}: Holiday}}).Validate(); err == nil {
		t.Error("a calendar with 30 February was taken")
	}
}

func TestJSONReadsBack(t *testing.T) {
	cn := decode(t, national)
	out, err := json.Marshal(cn)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(cn, decode(t, string(out))); d != "" {
		t.Error(d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(national))
	f.Add([]byte(`{"id":"x","version":1,"dates":{"0000-01-01":"a"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Decode(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatalf("%s was decoded, but not what was written from it, %s: %v", data, out, err)
		}
		for d := range c.Dates {
			if c.DayType(d) != again.DayType(d) {
				t.Fatalf("%s: %s became %s", d, c.DayType(d), again.DayType(d))
			}
		}
	})
}

func TestDatesFollowEachOther(t *testing.T) {
	d := Date{2024, 2, 28}
	for _, want := range []Date{{2024, 2, 29}, {2024, 3, 1}} {
		if d = d.Next(); d != want {
			t.Errorf("got %s, want %s", d, want)
		}
	}
	for text, want := range map[string]int64{"1970-01-01": 0, "1969-12-31": -1, "2026-10-01": 20727} {
		d, err := ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Number(); got != want {
			t.Errorf("%s is day %d, want %d", text, got, want)
		}
	}
	havana, err := time.LoadLocation("America/Havana") // clocks go forward at midnight
	if err != nil {
		t.Fatal(err)
	}
	if got, want := (Date{2026, 3, 8}).Midnight(havana), time.Date(2026, 3, 8, 1, 0, 0, 0, havana); !got.Equal(want) {
		t.Errorf("the day begins at %s, want %s", got, want)
	}
	if got := (Date{2026, 3, 9}).Midnight(havana); got.Hour() != 0 {
		t.Errorf("the day begins at %s", got)
	}
}
