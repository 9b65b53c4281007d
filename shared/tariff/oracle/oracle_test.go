package oracle

import (
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// rated is an example worked by hand. 2026-03-02 is a Monday.
type rated struct {
	name        string
	zone        string // Asia/Shanghai by default
	plan        string // what is between the braces of the last plan
	special     string // a plan before it
	more        string // what else is in the tariff
	entry, exit string
	class       string
	context     tariff.Context
	calendar    calendar.Calendar
	want        Result // Due is worked out where it is zero
}

func (c rated) local() *time.Location {
	if c.zone == "" {
		return zoneOf("Asia/Shanghai")
	}
	return zoneOf(c.zone)
}

func zoneOf(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// clockAt reads "2026-03-02 08:00" or with seconds.
func clockAt(loc *time.Location, text string) time.Time {
	if len(text) == len("2026-03-02 08:00") {
		text += ":00"
	}
	t, err := time.ParseInLocation(time.DateTime, text, loc)
	if err != nil {
		panic(err)
	}
	return t
}

// cn is a time in Shanghai.
func cn(text string) time.Time { return clockAt(zoneOf("Asia/Shanghai"), text) }

func (c rated) check(t *testing.T) {
	t.Helper()
	text := `{"id":"x","version":1,"name":"x","currency":"CNY","tz":"` + c.local().String() + `","plans":[` + c.special + `{"id":"p",` + c.plan + `}]` + c.more + `}`
	priced, err := tariff.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	stay := tariff.Stay{Entry: clockAt(c.local(), c.entry), Exit: clockAt(c.local(), c.exit), Class: c.class}
	got, err := Rate(priced, c.calendar, stay, c.context)
	if err != nil {
		t.Fatal(err)
	}
	c.want.Due = c.want.Gross - c.want.Free - c.want.Paid
	if got != c.want {
		t.Errorf("%s to %s: got %+v, want %+v", c.entry, c.exit, got, c.want)
	}
}

func checkAll(t *testing.T, cases []rated) {
	for _, c := range cases {
		t.Run(c.name, c.check)
	}
}

func gross(a money.Amount) Result { return Result{Gross: a} }

const (
	hourly   = `"bands":[{"id":"all","steps":[{"unit":"1h","price":500}]}]`
	dayNight = `"bands":[{"id":"day","from":"08:00","to":"19:00","steps":[{"up_to":"1h","price":1000},{"unit":"30m","price":300}]},
		{"id":"night","from":"19:00","to":"08:00","steps":[{"unit":"4h","price":200}]}]`
	firstDay = `"cycle":{"kind":"block","length":"24h"},"free":{"up_to":"15m","inclusive":true,"scope":"cycle"},"position":"cycle",` + hourly +
		`,"caps":[{"amount":4000,"window":"cycle"}]`
	nightOnly = `"bands":[{"id":"night","from":"22:00","to":"06:00","steps":[{"unit":"1h","price":100}]}]`
	minutes   = `"position":"stay","boundary":"pause","bands":[{"id":"open","from":"09:00","to":"20:00",
		"day_types":["monday","tuesday","wednesday","thursday","friday","saturday"],
		"steps":[{"up_to":"1h","unit":"1m","price":"600/60"},{"unit":"1m","price":"1200/60"}]}],"max_stay":{"length":"2h"}`
	floored = `"position":"stay","counted":"band","bands":[{"id":"day","from":"08:00","to":"20:00","steps":[
		{"up_to":"1h","unit":"1h","price":600,"end":"floor"},{"unit":"30m","price":200,"end":"floor"}]}]`
	table = `"bands":[{"id":"all","steps":[{"up_to":"1h","price":410},{"up_to":"2h","price":360},{"up_to":"3h","price":290},
		{"unit":"1h","price":200}]}]`
	quarters = `"bands":[{"id":"all","steps":[{"unit":"15m","price":100}]}]`
)

func TestUnits(t *testing.T) {
	checkAll(t, []rated{
		// 3 begun hours of 500.
		{name: "hours", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 10:00:01", want: gross(1500)},
		{name: "no time", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 08:00", want: gross(0)},
		// Day 17:30-19:00: 1000 + one half-hour 300. Night 19:00-08:00: 13 h are 4 × 200. Day 08:00-09:10: 1000 + 300.
		{name: "day and night", plan: dayNight, entry: "2026-03-02 17:30", exit: "2026-03-03 09:10", want: gross(3400)},
		// The half-hour of Monday evening is less than a unit: 0, but counts. From 08:00 at position 30m: an hour 600, then at
		// position 1h30m 09:00-09:30 200, and 10 minutes are 0.
		{name: "floor counted in its band", plan: floored, entry: "2026-03-02 19:30", exit: "2026-03-03 09:40", want: gross(800)},
		// 2 h 15 min: the tail of 15 min is dropped. One second more: it is a third hour.
		{name: "tail", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":100,"end":"tail","tail":"15m"}]}]`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 10:15", want: gross(200)},
		{name: "over the tail", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":100,"end":"tail","tail":"15m"}]}]`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 10:15:01", want: gross(300)},
		// 600, and 61 s are two begun minutes of sixty: 600·2/60 = 20.
		{name: "started minutes", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":600,"end":"started"}]}]`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 09:01:01", want: gross(620)},
		// 600·61/3600 = 10.17, so 610.17, which rounds to 610.
		{name: "exact", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":600,"end":"exact"}]}]`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 09:01:01", want: gross(610)},
		// 19-21 at 400 though the night begins at 20; 21-23 at 100; 23-23:30 at 100.
		{name: "through", plan: `"boundary":"through","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"unit":"2h","price":400}]},
			{"id":"n","steps":[{"unit":"2h","price":100}]}]`, entry: "2026-03-02 19:00", exit: "2026-03-02 23:30", want: gross(600)},
		// Through closing time: the hour from 19:30 ends at 20:30, unseen; a second from 09:00 on.
		{name: "through uncharged time", plan: `"boundary":"through","bands":[{"id":"d","from":"09:00","to":"20:00","steps":[{"unit":"1h",
			"price":600}]}]`, entry: "2026-03-02 19:30", exit: "2026-03-03 09:45", want: gross(1200)},
		// Pausing: 19:30-20:00 and 09:00-09:30 are one hour, 09:30-09:45 a second: 1200; up to 09:30 it is 600.
		{name: "pause", plan: `"boundary":"pause","bands":[{"id":"d","from":"09:00","to":"20:00","steps":[{"unit":"1h","price":600}]}]`,
			entry: "2026-03-02 19:30", exit: "2026-03-03 09:30", want: gross(600)},
		{name: "after the pause", plan: `"boundary":"pause","bands":[{"id":"d","from":"09:00","to":"20:00","steps":[{"unit":"1h",
			"price":600}]}]`, entry: "2026-03-02 19:30", exit: "2026-03-03 09:45", want: gross(1200)},
		// Day 18:20-19:00: 600·40/60 = 400. Night 19-20 120, 20:00-20:10 is the last unit: 120.
		{name: "share", plan: `"boundary":"share","bands":[{"id":"d","from":"08:00","to":"19:00","steps":[{"unit":"1h","price":600}]},
			{"id":"n","steps":[{"unit":"1h","price":120}]}]`, entry: "2026-03-02 18:20", exit: "2026-03-02 20:10", want: gross(640)},
		// 30 minutes at 10 on Monday, 30 at 10 and 15 at 20 on Tuesday.
		{name: "minutes over closing hours", plan: minutes, entry: "2026-03-02 19:30", exit: "2026-03-03 09:45", want: gross(900)},
		// 2 h are 600 + 1200; the half-hour after them is not charged.
		{name: "longest stay", plan: minutes, entry: "2026-03-02 19:30", exit: "2026-03-03 11:00", want: Result{Gross: 1800, MaxStay: true}},
		// Sunday has no price, and Saturday 2026-03-07 is named; it is PH in the second case.
		{name: "by weekday", plan: minutes, entry: "2026-03-07 19:00", exit: "2026-03-08 19:00", want: gross(600)},
		{name: "weekday with a type of its own", plan: minutes, entry: "2026-03-07 19:00", exit: "2026-03-08 19:00", want: gross(0),
			calendar: calendar.Calendar{Dates: map[calendar.Date]string{{Year: 2026, Month: 3, Day: 7}: "PH"}}},
		// 410 + 360 + 290; one minute over 3 h adds an hour of 200.
		{name: "table", plan: table, entry: "2026-03-02 08:00", exit: "2026-03-02 10:30", want: gross(1060)},
		{name: "over the table", plan: table, entry: "2026-03-02 08:00", exit: "2026-03-02 11:01", want: gross(1260)},
		// The flat step of two hours is bought at 19:00, the night lies between, and at 08:00 its second hour is paid for.
		{name: "flat step once", plan: `"position":"stay","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":"2h","price":700},
			{"unit":"1h","price":100}]}]`, entry: "2026-03-02 19:00", exit: "2026-03-03 09:30", want: gross(800)},
		// After 60 minutes since entry, of which 30 uncharged, the second step holds: 08:00-08:30 one unit of 100, then 300.
		{name: "elapsed", plan: `"position":"stay","counted":"elapsed","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[
			{"up_to":"1h","unit":"30m","price":100},{"unit":"30m","price":300}]}]`, entry: "2026-03-02 07:30", exit: "2026-03-02 09:00", want: gross(400)},
		// Sunday's band with days that begin at 07:00 lasts until Monday 07:00: 2 units of 50, then 1 of 500.
		{name: "day begins", plan: `"bands":[{"id":"s","day_types":["sunday"],"day_begins":"07:00","steps":[{"unit":"1h","price":50}]},
			{"id":"o","steps":[{"unit":"1h","price":500}]}]`, entry: "2026-03-02 05:00", exit: "2026-03-02 08:00", want: gross(600)},
		// 23:00 to 05:00 with the hour from 02:00 missing: 5 h.
		{name: "clocks forward", zone: "Europe/Berlin", plan: nightOnly, entry: "2026-03-28 23:00", exit: "2026-03-29 05:00", want: gross(500)},
		// The hour from 02:00 comes twice, in one run of two hours.
		{name: "clocks back", zone: "Europe/Berlin", plan: `"bands":[{"id":"n","from":"02:00","to":"03:00","steps":[{"unit":"2h","price":1000}]}]`,
			entry: "2026-10-25 01:00", exit: "2026-10-25 04:00", want: gross(1000)},
		// A cycle's edge at 02:30, which no clock shows, is when it jumps to 03:00: two cycles.
		{name: "skipped edge", zone: "Europe/Berlin", plan: `"cycle":{"kind":"day","at":"02:30"},"position":"cycle","bands":[{"id":"a",
			"steps":[{"price":700}]}]`, entry: "2026-03-29 01:00", exit: "2026-03-29 03:00:01", want: gross(1400)},
	})
}

func TestFractionsOfASecond(t *testing.T) {
	priced, err := tariff.Decode([]byte(`{"id":"x","version":1,"name":"x","currency":"CNY","tz":"Asia/Shanghai","plans":[{"id":"p",` + hourly + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	entry := cn("2026-03-02 08:00").Add(200 * time.Millisecond)
	for length, want := range map[time.Duration]money.Amount{
		900 * time.Millisecond:  0,   // from 08:00:01 to 08:00:01
		1800 * time.Millisecond: 500, // from 08:00:01 to 08:00:02
	} {
		got, err := Rate(priced, calendar.Calendar{}, tariff.Stay{Entry: entry, Exit: entry.Add(length)}, tariff.Context{})
		if err != nil || got.Gross != want {
			t.Errorf("%s: %+v, %v, want %d", length, got, err, want)
		}
	}
}
