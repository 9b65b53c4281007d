package oracle

import (
	"testing"
	"time"

	"lotkeeper/shared/tariff"
)

const (
	nested    = quarters + `,"caps":[{"amount":500,"window":"clock","from":"20:00","to":"08:00"},{"amount":900,"window":"block","length":"24h"}]`
	earlyBird = hourly + `,"guards":[{"id":"early","entry":{"from":"06:00","to":"09:00","day_types":["workday"]},
		"exit":{"from":"15:00","to":"19:00"},"inclusive":true,"price":1400}]`
	fullDay   = hourly + `,"cycle":{"kind":"block","length":"24h","full_price":6000}`
	nightRate = `"cycle":{"kind":"day","starts":[{"at":"07:00"},{"at":"19:00"}]},` + hourly +
		`,"guards":[{"id":"night","scope":"cycle","entry":{"from":"19:00","to":"07:00"},"cheaper":true,"price":800}]`
)

func TestRules(t *testing.T) {
	checkAll(t, []rated{
		{name: "free to the end", plan: firstDay, entry: "2026-03-02 08:00", exit: "2026-03-02 08:15", want: gross(0)},
		{name: "a second over", plan: firstDay, entry: "2026-03-02 08:00", exit: "2026-03-02 08:15:01", want: gross(500)},
		// The first 24 h cost 4000 instead of 12000; the ten minutes of the second cycle are free, 16 are not.
		{name: "capped cycle", plan: firstDay, entry: "2026-03-02 08:00", exit: "2026-03-03 08:10", want: gross(4000)},
		{name: "second cycle", plan: firstDay, entry: "2026-03-02 08:00", exit: "2026-03-03 08:16", want: gross(4500)},
		// 18-20 800, the night 4800 capped to 500, 08-10 800: 2100, of which the 24 h take 900.
		{name: "nested caps", plan: nested, entry: "2026-03-02 18:00", exit: "2026-03-03 10:00", want: gross(900)},
		// 19:45-20:00 100; the night 500 of 1200: 600 in all, under 900.
		{name: "inner cap", plan: nested, entry: "2026-03-02 19:45", exit: "2026-03-02 23:00", want: gross(600)},
		// The first day at most 3000, every later one at most 2000: Mon 10-24 14·500 → 3000, Tue 24·500 → 2000, Wed 2 h 1000.
		{name: "first day", plan: hourly + `,"caps":[{"amount":3000,"window":"day","times":1},{"amount":2000,"window":"day","skip":1}]`,
			entry: "2026-03-02 10:00", exit: "2026-03-04 02:00", want: gross(6000)},
		// The last second of 09:00 and of 19:00 fit, being inclusive; one more does not: 10 h 1 s are 11 · 500.
		{name: "early bird", plan: earlyBird, entry: "2026-03-02 09:00", exit: "2026-03-02 19:00", want: gross(1400)},
		{name: "late bird", plan: earlyBird, entry: "2026-03-02 09:00", exit: "2026-03-02 19:00:01", want: gross(5500)},
		{name: "weekend bird", plan: earlyBird, entry: "2026-03-07 09:00", exit: "2026-03-07 19:00", want: gross(5000)},
		{name: "full cycle", plan: fullDay, entry: "2026-03-02 08:00", exit: "2026-03-03 08:00", want: gross(6000)},
		{name: "not full", plan: fullDay, entry: "2026-03-02 08:00", exit: "2026-03-03 07:59:59", want: gross(12000)},
		{name: "full and more", plan: fullDay, entry: "2026-03-02 08:00", exit: "2026-03-03 09:00", want: gross(6500)},
		// 18-19 500; the night from 19:00 8 h 4000 or 800: 800. From 18:00 to 20:00 the night's hour is cheaper than 800.
		{name: "night cycle", plan: nightRate, entry: "2026-03-02 18:00", exit: "2026-03-03 03:00", want: gross(1300)},
		{name: "dearer guard", plan: nightRate, entry: "2026-03-02 18:00", exit: "2026-03-02 20:00", want: gross(1000)},
		// 490/60 is under the minimum 100; ·3/2 = 150; up to a whole yuan: 200.
		{name: "minimum", plan: `"minimum":100,"multiplier":"3/2","bands":[{"id":"a","steps":[{"unit":"1m","price":"490/60"}]}]`,
			more: `,"rounding":{"unit":100,"mode":"up"}`, entry: "2026-03-02 08:00", exit: "2026-03-02 08:01", want: gross(200)},
		// 61 · 490/60 = 498.17; ·3/2 = 747.25; up: 800.
		{name: "multiplier", plan: `"minimum":100,"multiplier":"3/2","bands":[{"id":"a","steps":[{"unit":"1m","price":"490/60"}]}]`,
			more: `,"rounding":{"unit":100,"mode":"up"}`, entry: "2026-03-02 08:00", exit: "2026-03-02 09:01", want: gross(800)},
		// 3 units of 16.67: each is rounded to 17; all together are 50.
		{name: "rounded by unit", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":"50/3"}]}]`, more: `,"rounding":{"per":"unit"}`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 11:00", want: gross(51)},
		{name: "rounded once", plan: `"bands":[{"id":"a","steps":[{"unit":"1h","price":"50/3"}]}]`,
			entry: "2026-03-02 08:00", exit: "2026-03-02 11:00", want: gross(50)},
		// Run d 11:00-12:00: 30 min are deducted, one unit; run e has none: 2 units.
		{name: "free run once", plan: `"free":{"up_to":"30m","then":"deduct","scope":"run","times":1},"bands":[{"id":"d","from":"08:00",
			"to":"12:00","steps":[{"unit":"30m","price":100}]},{"id":"e","steps":[{"unit":"30m","price":100}]}]`,
			entry: "2026-03-02 11:00", exit: "2026-03-02 13:00", want: gross(300)},
		// An hour of charged time is free though the stay is longer: 19-20 only. At 19:00 one second more is charged.
		{name: "chargeable free", plan: `"free":{"up_to":"1h","inclusive":true,"scope":"chargeable"},"bands":[{"id":"d","from":"08:00",
			"to":"20:00","steps":[{"unit":"1h","price":600}]}]`, entry: "2026-03-02 19:00", exit: "2026-03-03 07:00", want: gross(0)},
		{name: "chargeable and a second", plan: `"free":{"up_to":"1h","inclusive":true,"scope":"chargeable"},"bands":[{"id":"d",
			"from":"08:00","to":"20:00","steps":[{"unit":"2h","price":600}]}]`, entry: "2026-03-02 18:59:59", exit: "2026-03-03 07:00", want: gross(600)},
		// From 08:10 up to 08:15, so 10:14 is within two hours.
		{name: "entry rounded up", plan: `"entry_rounding":{"unit":"15m","mode":"up"},` + hourly, entry: "2026-03-02 08:10", exit: "2026-03-02 10:14", want: gross(1000)},
		// From 08:00:59 to 10:00:58 the clock counts two hours; by seconds it is less too, by clock minutes 08:00-10:00.
		{name: "clock minutes", plan: hourly, more: `,"precision":"clock_minute"`, entry: "2026-03-02 08:00:59", exit: "2026-03-02 10:01:00", want: gross(1500)},
		{name: "minutes", plan: hourly, more: `,"precision":"minute"`, entry: "2026-03-02 08:00:59", exit: "2026-03-02 10:01:00", want: gross(1000)},
		// Of five hours the first two, elapsed.
		{name: "longest elapsed", plan: hourly + `,"max_stay":{"length":"2h","counted":"elapsed"}`, entry: "2026-03-02 08:00", exit: "2026-03-02 13:00",
			want: Result{Gross: 1000, MaxStay: true}},
	})
}

func visited(entry, exit string, charged int64) tariff.Context {
	return tariff.Context{Visits: []tariff.Visit{{ID: "v", Entry: cn(entry), Exit: cn(exit), Gross: amount(charged)}}}
}

const office = `,"passes":[{"id":"office","rest":"%","windows":[{"from":"08:00","to":"18:00","day_types":["workday"]}]}]`

func TestContext(t *testing.T) {
	card := tariff.Context{Rights: []tariff.Right{{ID: "c", Kind: tariff.RightCover, Pass: "office"}}}
	free15 := `"free":{"up_to":"30m","inclusive":true},` + hourly
	paid := tariff.Context{Payments: []tariff.Payment{{ID: "p", At: cn("2026-03-02 10:00"), Amount: 1000}}}
	percent := tariff.Coupon{ID: "p", Kind: tariff.CouponPercent, Percent: 20}
	off := tariff.Coupon{ID: "o", Kind: tariff.CouponAmount, Amount: 300}
	trim := tariff.Context{Coupons: []tariff.Coupon{{ID: "m", Kind: tariff.CouponMinutes, Minutes: 60}}}
	booked := tariff.Context{Bookings: []tariff.Booking{{ID: "b", From: cn("2026-03-02 10:00"), Until: cn("2026-03-02 12:00"), Price: 300}}}
	evening := `"bands":[{"id":"d","from":"08:00","to":"19:00","steps":[{"unit":"1h","price":500}]},{"id":"n","steps":[{"unit":"1h","price":100}]}]`
	checkAll(t, []rated{
		// 12 h are 6000. Left are 07:30-08:00 and 18:00-18:45, an hour each.
		{name: "card, one", plan: hourly, more: rest("one"), entry: "2026-03-02 07:30", exit: "2026-03-02 18:45", context: card,
			want: Result{Gross: 6000, Free: 5000}},
		// Units from 07:30: the first begins uncovered, those of 08:30 to 17:30 covered, that of 18:30 uncovered.
		{name: "card, through", plan: hourly, more: rest("through"), entry: "2026-03-02 07:30", exit: "2026-03-02 18:45", context: card,
			want: Result{Gross: 6000, Free: 5000}},
		// From 07:40 to 18:40: 07:40 is charged, 17:40 is covered, so 18:40 would be the next: 500.
		{name: "card, through, covered begin", plan: hourly, more: rest("through"), entry: "2026-03-02 07:40", exit: "2026-03-02 18:40", context: card,
			want: Result{Gross: 5500, Free: 5000}},
		// 30 minutes free for each: the first stretch is free, the second costs an hour.
		{name: "card, separate", plan: free15, more: rest("separate"), entry: "2026-03-02 07:30", exit: "2026-03-02 18:45", context: card,
			want: Result{Gross: 6000, Free: 5500}},
		// As one stay the two are 75 minutes long: both are charged.
		{name: "card, one, free", plan: free15, more: rest("one"), entry: "2026-03-02 07:30", exit: "2026-03-02 18:45", context: card,
			want: Result{Gross: 6000, Free: 5000}},
		// 1000, less 20 %, less 300; the other way round 700, less 20 %.
		{name: "coupons", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 10:00", context: tariff.Context{Coupons: []tariff.Coupon{off, percent}},
			want: Result{Gross: 1000, Free: 500}},
		{name: "coupons in another order", plan: hourly, more: `,"coupons":{"order":["full","minutes","amount","percent"]}`, entry: "2026-03-02 08:00",
			exit: "2026-03-02 10:00", context: tariff.Context{Coupons: []tariff.Coupon{percent, off}}, want: Result{Gross: 1000, Free: 440}},
		// 18:00-20:00 is 500 + 100. Without the last hour 500, without the first 100; the first is worth 500.
		{name: "minutes off the end", plan: evening, entry: "2026-03-02 18:00", exit: "2026-03-02 20:00", context: trim, want: Result{Gross: 600, Free: 100}},
		{name: "minutes off the start", plan: evening, more: `,"coupons":{"minutes":"trim_start"}`, entry: "2026-03-02 18:00", exit: "2026-03-02 20:00",
			context: trim, want: Result{Gross: 600, Free: 500}},
		{name: "minutes by value", plan: evening, more: `,"coupons":{"minutes":"value"}`, entry: "2026-03-02 18:00", exit: "2026-03-02 20:00",
			context: trim, want: Result{Gross: 600, Free: 500}},
		// Two hours paid at 10:00; within 15 minutes nothing more, after them a third hour.
		{name: "grace", plan: hourly, more: `,"grace_after_payment":"15m"`, entry: "2026-03-02 08:00", exit: "2026-03-02 10:15", context: paid,
			want: Result{Gross: 1000, Paid: 1000}},
		{name: "after the grace", plan: hourly, more: `,"grace_after_payment":"15m"`, entry: "2026-03-02 08:00", exit: "2026-03-02 10:15:01", context: paid,
			want: Result{Gross: 1500, Paid: 1000}},
		// The new stay from 10:00 has free time of its own, 30 minutes; for the whole stay of 2 h 20 min it is 1500.
		{name: "new stay", plan: free15, more: `,"grace_after_payment":"15m","after_payment":"new_stay"`, entry: "2026-03-02 08:00",
			exit: "2026-03-02 10:20", context: paid, want: Result{Gross: 1000, Paid: 1000}},
		// 08:00-10:30 is 1500, of which 500 were charged. Without the half-hour outside two stays of an hour: 1000.
		{name: "re-entry", plan: hourly, more: `,"reentry":{"within":"1h"}`, entry: "2026-03-02 09:30", exit: "2026-03-02 10:30",
			context: visited("2026-03-02 08:00", "2026-03-02 09:00", 500), want: gross(1000)},
		{name: "re-entry, outside skipped", plan: hourly, more: `,"reentry":{"within":"1h","outside":"skipped"}`, entry: "2026-03-02 09:30",
			exit: "2026-03-02 10:30", context: visited("2026-03-02 08:00", "2026-03-02 09:00", 500), want: gross(500)},
		{name: "shared cap", plan: hourly + `,"shared_caps":[{"amount":1000,"window":"day"}]`, entry: "2026-03-02 09:30", exit: "2026-03-02 10:30",
			context: visited("2026-03-02 08:00", "2026-03-02 09:00", 800), want: gross(200)},
		{name: "shared cap of yesterday", plan: hourly + `,"shared_caps":[{"amount":1000,"window":"day"}]`, entry: "2026-03-02 09:30",
			exit: "2026-03-02 10:30", context: visited("2026-03-01 23:59", "2026-03-02 09:00", 800), want: gross(500)},
		{name: "free once", plan: `"free":{"up_to":"30m","once_per":{"window":"rolling","length":"24h"}},` + hourly, entry: "2026-03-02 09:30",
			exit: "2026-03-02 09:40", context: visited("2026-03-02 08:00", "2026-03-02 08:10", 0), want: gross(500)},
		// 09:50-12:30 is 1500, and 300 for the booking, which covers from 09:50 on. Left: half an hour, 500, and the 300.
		{name: "booking", plan: hourly, more: `,"booking":{"early":"15m"}`, entry: "2026-03-02 09:50", exit: "2026-03-02 12:30", context: booked,
			want: Result{Gross: 1800, Free: 1000}},
		// Too early by a second: 09:44:59-10:00 is an hour more.
		{name: "too early", plan: hourly, more: `,"booking":{"early":"15m"}`, entry: "2026-03-02 09:44:59", exit: "2026-03-02 12:30", context: booked,
			want: Result{Gross: 1800, Free: 500}},
		{name: "free list", plan: hourly, entry: "2026-03-02 09:50", exit: "2026-03-02 12:30",
			context: tariff.Context{Rights: []tariff.Right{{ID: "f", Kind: tariff.RightFree}}}, want: Result{Gross: 1500, Free: 1500}},
	})
}

// TestEdges looks at the seconds at which clock times come where clocks change.
func TestEdges(t *testing.T) {
	for _, c := range []struct {
		zone, date string
		clock      int64
		want       string // UTC
	}{
		{"Asia/Shanghai", "2026-03-29", 2*3600 + 1800, "2026-03-28 18:30"},
		{"Europe/Berlin", "2026-03-29", 2*3600 + 1800, "2026-03-29 01:00"},    // skipped
		{"Europe/Berlin", "2026-10-25", 2*3600 + 1800, "2026-10-25 00:30"},    // the first of two
		{"Europe/Berlin", "2026-10-25", 24 * 3600, "2026-10-25 23:00"},        // an end
		{"America/Santiago", "2026-09-06", 0, "2026-09-06 04:00"},             // midnight is skipped
		{"Australia/Lord_Howe", "2026-04-05", 7200 - 900, "2026-04-04 14:45"}, // 01:45 comes twice
	} {
		day, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		p := newPlace(zoneOf(c.zone), noCalendar)
		got := time.Unix(p.edge(day.Unix()/daySeconds, c.clock), 0).UTC().Format("2006-01-02 15:04")
		if got != c.want {
			t.Errorf("%s on %s at %d: %s, want %s", c.zone, c.date, c.clock, got, c.want)
		}
	}
}
