package tariff

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

func load(t testing.TB, name string) Tariff {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// when reads "2026-03-04 10:00:00" on Shanghai's clock, or RFC 3339.
func when(t testing.TB, text string) time.Time {
	t.Helper()
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at
	}
	at, err := time.ParseInLocation(time.DateTime, text, time.FixedZone("", 8*3600))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func rate(t testing.TB, tf Tariff, cal calendar.Calendar, entry, exit, class string, c Context) Bill {
	t.Helper()
	b, err := Rate(tf, cal, Stay{Entry: when(t, entry), Exit: when(t, exit), Class: class}, c)
	if err != nil {
		t.Fatalf("%s %s → %s: %v", tf.ID, entry, exit, err)
	}
	sound(t, b)
	return b
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// sound checks what holds of every bill.
func sound(t failer, b Bill) {
	t.Helper()
	var sum, gross, free, paid money.Amount
	for _, l := range b.Lines {
		sum += l.Amount
		switch l.Kind {
		case KindCharge, KindCap, KindAdjust, KindVisit:
			gross += l.Amount
		case KindFree:
			free -= l.Amount
		case KindPaid:
			paid -= l.Amount
		}
		if ((l.Amount > 0) != (l.Kind == KindCharge) && l.Kind != KindAdjust) || l.Amount == 0 {
			t.Fatalf("a line of kind %s has the amount %s: %+v", l.Kind, l.Amount, b)
		}
		if l.To.Before(l.From) || l.Text.ZH == "" || l.Text.EN == "" {
			t.Fatalf("a line without text or with its times the wrong way: %+v", l)
		}
	}
	if sum != b.Due || gross != b.Gross || free != b.Free || paid != b.Paid || b.Due != b.Gross-b.Free-b.Paid {
		t.Fatalf("lines sum to %s = gross %s - free %s - paid %s; the bill says %s = %s - %s - %s", sum, gross, free, paid, b.Due, b.Gross, b.Free, b.Paid)
	}
	if b.Due < 0 || b.Gross < 0 || b.Free < 0 || b.Paid < 0 {
		t.Fatalf("a sum is below zero: %+v", b)
	}
}

// 2026-03-04 is a Wednesday.
func TestExampleTariffs(t *testing.T) {
	cal := calendar.Calendar{ID: "cn", Version: 1, Dates: map[calendar.Date]string{{Year: 2026, Month: 3, Day: 5}: calendar.Holiday}}
	for _, c := range []struct {
		tariff, class, entry, exit string
		want                       money.Amount
	}{
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-04 10:00:00", 0},
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-04 10:30:00", 0},        // 30 minutes, inclusive
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-04 10:30:01", 500},      // then from the first second: 2 × 2.50
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-04 12:00:00", 1000},     // 4 × 2.50
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-04 12:00:01", 1400},     // and 1 × 4.00
		{"city-day-night", "small", "2026-03-04 20:00:00", "2026-03-04 23:00:00", 700},      // 2 × 2.50 + 1 × 2.00
		{"city-day-night", "small", "2026-03-04 20:45:00", "2026-03-04 21:30:00", 450},      // a unit cut by the night is paid whole
		{"city-day-night", "small", "2026-03-04 21:00:00", "2026-03-05 08:00:00", 1200},     // 11 h = 6 × 2.00
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-05 10:00:00", 5000},     // 24 h: above 50.00
		{"city-day-night", "small", "2026-03-04 10:00:00", "2026-03-05 10:00:01", 5300},     // a new block, on a holiday: an hour at 3.00
		{"city-day-night", "small", "2026-03-07 09:00:00", "2026-03-07 12:30:00", 1200},     // Saturday, 4 × 3.00
		{"city-day-night", "small", "2026-03-05 09:00:00", "2026-03-05 12:30:00", 1200},     // holiday by date
		{"city-day-night", "large", "2026-03-04 10:00:00", "2026-03-04 12:00:00", 2000},     // 4 × 5.00
		{"city-day-night", "police", "2026-03-04 10:00:00", "2026-03-06 12:00:00", 0},       // a plan without bands
		{"city-day-night", "unheard-of", "2026-03-04 10:00:00", "2026-03-04 11:00:00", 500}, // the last plan takes every class
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-04 10:14:59", 0},
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-04 10:15:00", 500}, // less than 15 minutes, exclusive
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-04 11:00:00", 500},
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-04 11:00:01", 1000},
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-04 22:00:00", 4000},
		{"per-hour", "", "2026-03-04 22:30:00", "2026-03-05 22:30:00", 5000},  // 2 units begin on the 4th, then the 5th's maximum
		{"per-hour", "", "2026-03-04 10:00:00", "2026-03-07 10:00:00", 16000}, // four dates
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-04 10:00:10", 0},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-04 10:00:11", 200},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-04 10:01:00", 600},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-04 10:10:00", 6000},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-05 10:00:00", 6000},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-05 10:00:05", 6100},
		{"short-units", "", "2026-03-04 10:00:00", "2026-03-06 10:00:00", 12000},
	} {
		b := rate(t, load(t, c.tariff), cal, c.entry, c.exit, c.class, Context{})
		if b.Due != c.want || b.Gross != c.want {
			t.Errorf("%s %s %s → %s: due %s, want %s\n%s", c.tariff, c.class, c.entry, c.exit, b.Due, c.want, show(b))
		}
	}
}

// inline makes a tariff of one plan from the JSON of the plan's inside.
func inline(t testing.TB, zone, inside string) Tariff {
	t.Helper()
	tf, err := Decode([]byte(fmt.Sprintf(`{"id":"x","version":1,"name":{"zh":"甲","en":"x"},"tz":%q,"currency":"CNY","plans":[{"id":"p",%s}]}`, zone, inside)))
	if err != nil {
		t.Fatal(err)
	}
	return tf
}

func TestSettings(t *testing.T) {
	const sh, ny = "Asia/Shanghai", "America/New_York"
	for _, c := range []struct {
		name, zone, inside, entry, exit string
		want                            money.Amount
	}{
		{"floor", sh, `"bands":[{"id":"b","steps":[{"unit":900,"price":100,"end":"floor"}]}]`, "2026-03-04 10:00:00", "2026-03-04 10:44:59", 200},
		{"started minutes", sh, `"bands":[{"id":"b","steps":[{"unit":3600,"price":600,"end":"started"}]}]`, "2026-03-04 10:00:00", "2026-03-04 11:10:01", 710},
		{"a third of a fen per second", sh, `"bands":[{"id":"b","steps":[{"unit":1,"price":"1/3"}]}]`, "2026-03-04 10:00:00", "2026-03-04 10:00:05", 2},
		{"half up", sh, `"bands":[{"id":"b","steps":[{"unit":1,"price":"1/2"}]}]`, "2026-03-04 10:00:00", "2026-03-04 10:00:03", 2},
		{"per visit", sh, `"bands":[{"id":"b","steps":[{"price":1000}]}]`, "2026-03-04 10:00:00", "2026-03-06 10:00:00", 1000},
		{"per visit per date", sh, `"cycle":{"kind":"day"},"bands":[{"id":"b","steps":[{"price":1000}]}]`, "2026-03-04 10:00:00", "2026-03-06 10:00:00", 3000},
		{"per visit on workdays and weekends, once", sh, `"position":"stay","bands":[{"id":"w","day_types":["weekend"],"from":"08:00","to":"20:00","steps":[{"price":1000}]}]`, "2026-03-07 10:00:00", "2026-03-08 10:00:00", 1000},
		{"per visit, again after the free night", sh, `"bands":[{"id":"w","day_types":["weekend"],"from":"08:00","to":"20:00","steps":[{"price":1000}]}]`, "2026-03-07 10:00:00", "2026-03-08 10:00:00", 2000},
		{"flat tiers over a free night", sh, `"position":"stay","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":7200,"price":500},{"unit":3600,"price":100}]}]`, "2026-03-04 19:00:00", "2026-03-05 10:00:00", 600},
		{"first hour again each day", sh, `"position":"run","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":3600,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`, "2026-03-04 18:00:00", "2026-03-05 10:00:00", 1200},
		{"first hour once", sh, `"position":"stay","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":3600,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`, "2026-03-04 18:00:00", "2026-03-05 10:00:00", 800},
		{"deduct", sh, `"free":{"up_to":900,"then":"deduct"},"bands":[{"id":"b","steps":[{"unit":3600,"price":500}]}]`, "2026-03-04 10:00:00", "2026-03-04 11:15:00", 500},
		{"free each day", sh, `"cycle":{"kind":"day"},"free":{"up_to":3600,"then":"deduct","scope":"cycle"},"bands":[{"id":"b","steps":[{"unit":3600,"price":100}]}]`, "2026-03-04 22:00:00", "2026-03-05 02:00:00", 200},
		{"cap per stay", sh, `"bands":[{"id":"b","steps":[{"unit":3600,"price":500}]}],"caps":[{"amount":1700,"window":"stay"}]`, "2026-03-04 10:00:00", "2026-03-09 10:00:00", 1700},
		{"caps in caps", sh, `"bands":[{"id":"b","steps":[{"unit":3600,"price":500}]}],"caps":[{"amount":2000,"window":"day"},{"amount":4500,"window":"stay"}]`, "2026-03-04 10:00:00", "2026-03-09 10:00:00", 4500},
		// The first cap takes the last hour, which is all of the second date, and not an hour of the first.
		{"a cap takes from the latest", sh, `"bands":[{"id":"a","from":"00:00","to":"12:00","steps":[{"unit":3600,"price":500}]},{"id":"b","steps":[{"unit":3600,"price":500}]}],"caps":[{"amount":1500,"window":"stay"},{"amount":1000,"window":"day"}]`, "2026-03-04 21:00:00", "2026-03-05 01:00:00", 1000},
		// Elapsed time decides how much; the clock only which band.
		{"the hour that New York skips", ny, `"bands":[{"id":"n","from":"00:00","to":"04:00","steps":[{"unit":3600,"price":100}]}]`, "2026-03-08T00:00:00-05:00", "2026-03-08T06:00:00-04:00", 300},
		{"a band in the hour that is skipped", ny, `"bands":[{"id":"n","from":"02:00","to":"03:00","steps":[{"unit":60,"price":100}]}]`, "2026-03-08T00:00:00-05:00", "2026-03-08T06:00:00-04:00", 0},
		{"the hour that New York repeats", ny, `"bands":[{"id":"n","from":"00:00","to":"04:00","steps":[{"unit":3600,"price":100}]}]`, "2026-11-01T00:00:00-04:00", "2026-11-01T06:00:00-05:00", 500},
		{"a band in the hour that is repeated", ny, `"bands":[{"id":"n","from":"01:00","to":"01:30","steps":[{"unit":1800,"price":100}]}]`, "2026-11-01T00:00:00-04:00", "2026-11-01T06:00:00-05:00", 200},
		{"a date of 25 hours", ny, `"bands":[{"id":"n","steps":[{"unit":3600,"price":100}]}],"caps":[{"amount":2450,"window":"day"}]`, "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", 2450},
		{"a block of 24 elapsed hours", ny, `"bands":[{"id":"n","steps":[{"unit":3600,"price":100}]}],"caps":[{"amount":2000,"window":"block","length":86400}]`, "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", 2100},
	} {
		if b := rate(t, inline(t, c.zone, c.inside), calendar.Calendar{}, c.entry, c.exit, "", Context{}); b.Due != c.want {
			t.Errorf("%s: due %s, want %s\n%s", c.name, b.Due, c.want, show(b))
		}
	}
}

// TestEdgesOfTheCalendar: each local date begins anew at its midnight, whatever its month and year are.
func TestEdgesOfTheCalendar(t *testing.T) {
	// Each date: the first hour 5.00, others 2.00, at most 20.00.
	daily := `"cycle":{"kind":"day"},"position":"cycle","bands":[{"id":"a","steps":[{"up_to":3600,"unit":3600,"price":500},{"unit":3600,"price":200}]}],"caps":[{"amount":2000,"window":"cycle"}]`
	for _, c := range []struct {
		name, inside, entry, exit string
		want                      money.Amount
	}{
		{"until midnight", daily, "2026-03-04 23:59:00", "2026-03-05 00:00:00", 500},
		{"a second past midnight", daily, "2026-03-04 23:59:00", "2026-03-05 00:00:01", 1000},
		{"from midnight", daily, "2026-03-05 00:00:00", "2026-03-05 01:00:01", 700},
		{"the last minute of the day", `"bands":[{"id":"n","from":"23:59","to":"00:00","steps":[{"unit":60,"price":100}]}]`, "2026-03-04 23:58:00", "2026-03-05 00:02:00", 100},
		{"the first minute of the day", `"bands":[{"id":"n","from":"00:00","to":"00:01","steps":[{"unit":60,"price":100}]}]`, "2026-03-04 23:58:00", "2026-03-05 00:02:00", 100},
		{"over a month's end of 30 days", daily, "2026-04-30 23:30:00", "2026-05-01 00:30:00", 1000},
		{"over a month's end of 31 days", daily, "2026-05-31 12:00:00", "2026-06-01 12:00:00", 4000},
		{"into 29 February", daily, "2024-02-28 23:30:00", "2024-02-29 00:30:00", 1000},
		{"all of 29 February", daily, "2024-02-29 00:00:00", "2024-03-01 00:00:00", 2000},
		{"over 29 February", daily, "2024-02-28 12:00:00", "2024-03-01 12:00:00", 6000},
		{"28 February of another year", daily, "2023-02-28 12:00:00", "2023-03-01 12:00:00", 4000},
		{"28 February of 2100", daily, "2100-02-28 12:00:00", "2100-03-01 12:00:00", 4000},
		{"over the year's end", daily, "2026-12-31 23:59:59", "2027-01-01 00:00:01", 1000},
		{"all of the year's last day", daily, "2026-12-31 00:00:00", "2027-01-01 00:00:00", 2000},
		{"all of a leap year", daily, "2024-01-01 00:00:00", "2025-01-01 00:00:00", 366 * 2000},
	} {
		if b := rate(t, inline(t, "Asia/Shanghai", c.inside), calendar.Calendar{}, c.entry, c.exit, "", Context{}); b.Due != c.want {
			t.Errorf("%s: due %s, want %s\n%s", c.name, b.Due, c.want, show(b))
		}
	}
}

func TestFractionsOfSecondsAreNotCharged(t *testing.T) {
	tf := load(t, "short-units")
	entry := time.Date(2026, 3, 4, 2, 0, 0, 900_000_000, time.UTC)
	for exit, want := range map[time.Duration]money.Amount{10*time.Second + 99*time.Millisecond: 0, 10*time.Second + 999*time.Millisecond: 0, 11100 * time.Millisecond: 200, 500 * time.Millisecond: 0} {
		b, err := Rate(tf, calendar.Calendar{}, Stay{Entry: entry, Exit: entry.Add(exit)}, Context{})
		if err != nil || b.Due != want {
			t.Errorf("%s: due %s, %v; want %s", exit, b.Due, err, want)
		}
	}
}

func TestRateRefuses(t *testing.T) {
	good, at := load(t, "per-hour"), when(t, "2026-03-04 10:00:00")
	stay := Stay{Entry: at, Exit: at.Add(time.Hour)}
	for name, c := range map[string]struct {
		tariff Tariff
		stay   Stay
		ctx    Context
		want   string
	}{
		"no tariff":         {Tariff{}, stay, Context{}, "plans: want at least one"},
		"no entry":          {good, Stay{Exit: at}, Context{}, "lacks its entry"},
		"backwards":         {good, Stay{Entry: at, Exit: at.Add(-time.Second)}, Context{}, "ends 1 second before"},
		"too long":          {good, Stay{Entry: at, Exit: at.AddDate(11, 0, 0)}, Context{}, "ten years"},
		"payment":           {good, stay, Context{Payments: []Payment{{ID: "p1", Amount: -1}}}, "payment p1"},
		"payments":          {good, stay, Context{Payments: []Payment{{ID: "p1", Amount: 1 << 62}, {ID: "p2", Amount: 1 << 62}}}, "payment p2"},
		"right":             {good, stay, Context{Rights: []Right{{ID: "r1", Kind: "vip"}}}, "right r1"},
		"coupon kind":       {good, stay, Context{Coupons: []Coupon{{ID: "c1", Kind: "gift"}}}, "coupon c1"},
		"coupon percent":    {good, stay, Context{Coupons: []Coupon{{ID: "c1", Kind: CouponPercent, Percent: 101}}}, "coupon c1"},
		"coupon amount":     {good, stay, Context{Coupons: []Coupon{{ID: "c1", Kind: CouponAmount}}}, "coupon c1"},
		"coupon minutes":    {good, stay, Context{Coupons: []Coupon{{ID: "c1", Kind: CouponMinutes, Minutes: 1 << 60}}}, "coupon c1"},
		"countless pieces":  {inline(t, "Asia/Shanghai", `"cycle":{"kind":"block","length":1},"bands":[{"id":"b","steps":[{"price":1}]}]`), Stay{Entry: at, Exit: at.AddDate(1, 0, 0)}, Context{}, "pieces"},
		"countless windows": {inline(t, "Asia/Shanghai", `"bands":[{"id":"b","steps":[{"unit":1,"price":2}]}],"caps":[{"amount":1,"window":"block","length":2}]`), Stay{Entry: at, Exit: at.AddDate(1, 0, 0)}, Context{}, "pieces"},
	} {
		if b, err := Rate(c.tariff, calendar.Calendar{}, c.stay, c.ctx); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, due %s; want an error with %q", name, err, b.Due, c.want)
		}
	}
}

// TestALineSaysWhatIsCountedOnce: the price beside it is told for an hour where a unit's is no whole number of fen.
func TestALineSaysWhatIsCountedOnce(t *testing.T) {
	for _, c := range []struct{ step, zh, en string }{
		{`{"unit":60,"price":"490/60"}`, "全天：30 × 1分钟（每小时¥4.90）", "All day: 30 × 1 minute (¥4.90 per hour)"},
		{`{"unit":60,"price":"490/60","end":"exact"}`, "全天：30 × 1分钟（每小时¥4.90）", "All day: 30 × 1 minute (¥4.90 per hour)"},
		{`{"unit":3600,"price":490,"end":"exact"}`, "全天：30分钟（每小时¥4.90）", "All day: 30 minutes (¥4.90 per hour)"},
		{`{"unit":7200,"price":"981/2","end":"started"}`, "全天：30分钟（每4小时¥9.81）", "All day: 30 minutes (¥9.81 per 4 hours)"},
		{`{"unit":600,"price":100}`, "全天：3 × 10分钟（每10分钟¥1.00）", "All day: 3 × 10 minutes (¥1.00 per 10 minutes)"},
	} {
		tf := inline(t, "Asia/Shanghai", `"bands":[{"id":"a","name":{"zh":"全天","en":"All day"},"steps":[`+c.step+`]}]`)
		b := rate(t, tf, calendar.Calendar{}, "2026-03-04 10:00:00", "2026-03-04 10:30:00", "", Context{})
		if len(b.Lines) != 1 || b.Lines[0].Text != (Text{c.zh, c.en}) {
			t.Errorf("%s:\n%swant %s | %s", c.step, show(b), c.zh, c.en)
		}
	}
}

// show writes a bill as text for failures and golden files.
func show(b Bill) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s v%d, calendar %s v%d, plan %s, class %s\n", b.Tariff, b.Version, b.Calendar, b.CalendarVersion, b.Plan, b.Class)
	fmt.Fprintf(&out, "%s → %s, rated to %s", b.Entry.Format(time.RFC3339), b.Exit.Format(time.RFC3339), b.RatedTo.Format(time.RFC3339))
	if !b.LeaveBy.IsZero() {
		fmt.Fprintf(&out, ", leave by %s", b.LeaveBy.Format(time.RFC3339))
	}
	out.WriteByte('\n')
	for _, l := range b.Lines {
		fmt.Fprintf(&out, "%-6s %8s  %s → %s  [%s%s] %s | %s\n", l.Kind, l.Amount, l.From.Format("01-02 15:04:05"), l.To.Format("01-02 15:04:05"), l.Band, l.Ref, l.Text.ZH, l.Text.EN)
	}
	fmt.Fprintf(&out, "gross %s free %s paid %s due %s %s monotone %v\n", b.Gross, b.Free, b.Paid, b.Due, b.Currency, b.Monotone)
	return out.String()
}
