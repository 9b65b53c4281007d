package oracle

import (
	"testing"

	"lotkeeper/shared/tariff"
)

func TestPlans(t *testing.T) {
	large := `{"id":"l","classes":["large"],"bands":[{"id":"all","steps":[{"unit":"1h","price":900}]}]},`
	checkAll(t, []rated{
		{name: "special", special: large, class: "large", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 09:30", want: gross(1800)},
		{name: "ordinary", special: large, class: "small", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 09:30", want: gross(1000)},
		{name: "no bands", plan: `"name":"free"`, entry: "2026-03-02 08:00", exit: "2026-03-02 09:30", want: gross(0)},
		// 61 minutes are left of 91: two units.
		{name: "deducted", plan: `"free":{"up_to":"30m","then":"deduct"},` + hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 09:31", want: gross(1000)},
		// 2 h at 100 are 200, at least 300; half of it.
		{name: "guard with a plan", plan: `"multiplier":"1/2","minimum":300,` + hourly + `,"guards":[{"id":"g","entry":{"from":"18:00","to":"24:00"},"plan":{"id":"n",
			"bands":[{"id":"a","steps":[{"unit":"1h","price":100}]}]}}]`, entry: "2026-03-02 19:00", exit: "2026-03-02 21:00", want: gross(150)},
		// 17-19 1000, the night's 8 h 800 capped to 300, all together to 1200; a cap for the band takes 400 of the day only.
		{name: "guard of a cycle with a plan", plan: nightPlan + `"caps":[{"amount":1200,"window":"stay"}]`, entry: "2026-03-02 17:00", exit: "2026-03-03 03:00", want: gross(1200)},
		{name: "outer cap of a band", plan: nightPlan + `"caps":[{"amount":600,"window":"stay","bands":["all"]}]`, entry: "2026-03-02 17:00", exit: "2026-03-03 03:00", want: gross(900)},
		// Two runs of 1000: each 700, or the first only.
		{name: "capped runs", plan: twoBands + `,"caps":[{"amount":700,"window":"run"}]`, entry: "2026-03-02 17:00", exit: "2026-03-02 21:00", want: gross(1400)},
		{name: "capped first run", plan: twoBands + `,"caps":[{"amount":700,"window":"run","times":1}]`, entry: "2026-03-02 17:00", exit: "2026-03-02 21:00", want: gross(1700)},
		// 22-24, 00-05 and 05-07 are windows of their own, 600 each; without per_cycle 00-07 is one.
		{name: "windows per cycle", plan: hourly + `,"cycle":{"kind":"day","at":"05:00"},"caps":[{"amount":600,"window":"day","per_cycle":true}]`,
			entry: "2026-03-02 22:00", exit: "2026-03-03 07:00", want: gross(1800)},
		{name: "windows over cycles", plan: hourly + `,"cycle":{"kind":"day","at":"05:00"},"caps":[{"amount":600,"window":"day"}]`,
			entry: "2026-03-02 22:00", exit: "2026-03-03 07:00", want: gross(1200)},
		// Noon to noon is a full cycle by the wall clock, though only 23 h; elapsed it is 23 · 500.
		{name: "wall cycle", zone: "Europe/Berlin", plan: hourly + `,"cycle":{"kind":"block","length":"24h","clock":"wall","full_price":6000}`,
			entry: "2026-03-28 12:00", exit: "2026-03-29 12:00", want: gross(6000)},
		{name: "elapsed cycle", zone: "Europe/Berlin", plan: hourly + `,"cycle":{"kind":"block","length":"24h","full_price":6000}`,
			entry: "2026-03-28 12:00", exit: "2026-03-29 12:00", want: gross(11500)},
		// 24/3 = 8 and 1/3, each up to 10.
		{name: "rounded by cycle", plan: `"cycle":{"kind":"block","length":"24h"},"bands":[{"id":"a","steps":[{"unit":"1h","price":"1/3"}]}]`,
			more: `,"rounding":{"unit":10,"mode":"up","per":"cycle"}`, entry: "2026-03-02 08:00", exit: "2026-03-03 09:00", want: gross(20)},
		// The cycle of Monday 02:00 began on Sunday: 3 · 50; from 05:00 500.
		{name: "day of the cycle", plan: `"cycle":{"kind":"day","at":"05:00"},` + sundays("cycle"), entry: "2026-03-02 02:00", exit: "2026-03-02 06:00", want: gross(650)},
		{name: "day of the stay", plan: sundays("stay"), entry: "2026-03-01 23:00", exit: "2026-03-02 02:00", want: gross(150)},
		{name: "day of the moment", plan: sundays("moment"), entry: "2026-03-01 23:00", exit: "2026-03-02 02:00", want: gross(1050)},
		// The window of Sunday morning began on Saturday: 8 · 100 capped to 500, then 400. Monday's began on Sunday.
		{name: "clock window of a day", plan: quarters + saturdayNight, entry: "2026-03-08 06:00", exit: "2026-03-08 09:00", want: gross(900)},
		{name: "clock window of another day", plan: quarters + saturdayNight, entry: "2026-03-09 06:00", exit: "2026-03-09 09:00", want: gross(1200)},
		// The hour of the day runs on to 20:30 for this step only.
		{name: "cross", plan: `"bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"unit":"1h","price":600,"cross":"through"}]},{"id":"n","steps":[{"unit":"1h","price":100}]}]`,
			entry: "2026-03-02 19:30", exit: "2026-03-02 21:00", want: gross(700)},
		// The flat step runs through to the end.
		{name: "flat through", plan: `"boundary":"through","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"price":700}]},{"id":"n","steps":[{"unit":"1h","price":100}]}]`,
			entry: "2026-03-02 19:30", exit: "2026-03-03 12:00", want: gross(700)},
		// With cut it is bought again in the next run: 700 + 12 · 100 + 700.
		{name: "flat cut", plan: `"bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"price":700}]},{"id":"n","steps":[{"unit":"1h","price":100}]}]`,
			entry: "2026-03-02 19:30", exit: "2026-03-03 12:00", want: gross(2600)},
		// A cycle of day 1 from its begin at 07:00 to 19:00 is full; the night until 20:00 is not.
		{name: "full part of a day", plan: hourly + `,"cycle":{"kind":"day","starts":[{"at":"07:00"},{"at":"19:00"}],"full_price":2000}`,
			entry: "2026-03-02 07:00", exit: "2026-03-02 20:00", want: gross(2500)},
		// One cycle of a block of ten minutes free, deducted in each: 24 h less 10 min is 24 units, then 50 min 1 unit.
		{name: "deducted by cycle", plan: `"cycle":{"kind":"block","length":"24h"},"free":{"up_to":"10m","then":"deduct","scope":"cycle"},` + hourly,
			entry: "2026-03-02 08:00", exit: "2026-03-03 09:00", want: gross(12500)},
		// Of chargeable 19-20 and 08-09 the first 90 minutes are free: half an hour is left.
		{name: "deducted of chargeable time", plan: `"free":{"up_to":"90m","then":"deduct","scope":"chargeable"},"bands":[{"id":"d","from":"08:00","to":"20:00",
			"steps":[{"unit":"30m","price":100}]}]`, entry: "2026-03-02 19:00", exit: "2026-03-03 09:00", want: gross(100)},
	})
}

const (
	nightPlan = `"cycle":{"kind":"day","starts":[{"at":"07:00"},{"at":"19:00"}]},` + hourly + `,"guards":[{"id":"n","scope":"cycle",
		"entry":{"from":"19:00","to":"07:00"},"plan":{"id":"n","bands":[{"id":"all","steps":[{"unit":"1h","price":100}]}],
		"caps":[{"amount":300,"window":"stay"}]}}],`
	twoBands      = `"bands":[{"id":"d","from":"08:00","to":"19:00","steps":[{"unit":"1h","price":500}]},{"id":"n","steps":[{"unit":"1h","price":500}]}]`
	saturdayNight = `,"caps":[{"amount":500,"window":"clock","from":"20:00","to":"08:00","day_types":["saturday"]}]`
)

func sundays(whose string) string {
	return `"bands":[{"id":"s","day_types":["sunday"],"day_of":"` + whose + `","steps":[{"unit":"1h","price":50}]},{"id":"o","steps":[{"unit":"1h","price":500}]}]`
}

// TestFreeTests is a card of 08:00 to 18:00 and a stay of twenty minutes around it, of which thirty are free.
func TestFreeTests(t *testing.T) {
	card := tariff.Context{Rights: []tariff.Right{{ID: "c", Kind: tariff.RightCover, Pass: "office"}}}
	pass := func(test string) string {
		return `,"passes":[{"id":"office","free":"` + test + `","windows":[{"from":"08:00","to":"18:00"}]}]`
	}
	whole := `"free":{"up_to":"30m","inclusive":true},` + hourly
	deduct := `"free":{"up_to":"30m","then":"deduct"},` + hourly
	entry, exit := "2026-03-02 07:50", "2026-03-02 18:10"
	checkAll(t, []rated{
		// Without the card 10 h 20 min are 11 hours; with it 20 minutes are free, but not of the whole stay.
		{name: "rest", plan: whole, more: pass("rest"), entry: entry, exit: exit, context: card, want: Result{Gross: 5500, Free: 5500}},
		{name: "stay", plan: whole, more: pass("stay"), entry: entry, exit: exit, context: card, want: Result{Gross: 5500, Free: 4500}},
		{name: "none", plan: whole, more: pass("none"), entry: entry, exit: exit, context: card, want: Result{Gross: 5500, Free: 4500}},
		// 9 h 50 min are 10 hours. Of the whole stay the first half-hour ends at 08:20, so 18:00-18:10 is charged.
		{name: "rest deducted", plan: deduct, more: pass("rest"), entry: entry, exit: exit, context: card, want: Result{Gross: 5000, Free: 5000}},
		{name: "stay deducted", plan: deduct, more: pass("stay"), entry: entry, exit: exit, context: card, want: Result{Gross: 5000, Free: 4500}},
		{name: "none deducted", plan: deduct, more: pass("none"), entry: entry, exit: exit, context: card, want: Result{Gross: 5000, Free: 4000}},
	})
}

func TestMoreContext(t *testing.T) {
	booking := []tariff.Booking{{ID: "b", From: cn("2026-03-02 10:00"), Until: cn("2026-03-02 12:00"), Price: 300}}
	full := []tariff.Coupon{{ID: "f", Kind: tariff.CouponFull}}
	hour := []tariff.Coupon{{ID: "m", Kind: tariff.CouponMinutes, Minutes: 60}}
	chain := append(visited("2026-03-02 07:00", "2026-03-02 08:00", 500).Visits, visited("2026-03-02 08:30", "2026-03-02 09:00", 400).Visits...)
	twice := []tariff.Payment{{ID: "1", At: cn("2026-03-02 10:00"), Amount: 1000}, {ID: "2", At: cn("2026-03-02 11:30"), Amount: 1000}}
	checkAll(t, []rated{
		{name: "full coupon and booking", plan: hourly, entry: "2026-03-02 10:00", exit: "2026-03-02 13:00",
			context: tariff.Context{Bookings: booking, Coupons: full}, want: Result{Gross: 1800, Free: 1800}},
		// What is free is worth nothing; the booking's price stays.
		{name: "value of free time", plan: hourly, more: `,"coupons":{"minutes":"value"}`, entry: "2026-03-02 10:00", exit: "2026-03-02 13:00",
			context: tariff.Context{Rights: []tariff.Right{{ID: "f", Kind: tariff.RightFree}}, Bookings: booking, Coupons: hour}, want: Result{Gross: 1800, Free: 1500}},
		// The card ends at 10:00: two hours are left.
		{name: "card until ten", plan: hourly, entry: "2026-03-02 08:00", exit: "2026-03-02 12:00",
			context: tariff.Context{Rights: []tariff.Right{{ID: "c", Kind: tariff.RightCover, Until: cn("2026-03-02 10:00")}}}, want: Result{Gross: 2000, Free: 1000}},
		// 07:00-10:30 is 4 · 500, of which 900 were charged.
		{name: "two re-entries", plan: hourly, more: `,"reentry":{"within":"1h"}`, entry: "2026-03-02 09:30", exit: "2026-03-02 10:30",
			context: tariff.Context{Visits: chain}, want: gross(1100)},
		// 08-10 1000 paid, 10-11:30 1000 paid, 11:30-12:00 500.
		{name: "two new stays", plan: hourly, more: `,"after_payment":"new_stay"`, entry: "2026-03-02 08:00", exit: "2026-03-02 12:00",
			context: tariff.Context{Payments: twice}, want: Result{Gross: 2500, Paid: 2000}},
		// With a guard that makes 07-18:30 cheap, a card for some of it would cost more, and is left out.
		{name: "card left out", plan: hourly + `,"guards":[{"id":"g","entry":{"from":"07:00","to":"07:30"},"price":600}]`, more: rest("one"), entry: "2026-03-02 07:00",
			exit: "2026-03-02 20:30", context: tariff.Context{Rights: []tariff.Right{{ID: "c", Kind: tariff.RightCover, From: cn("2026-03-02 06:00"), Until: cn("2026-03-02 08:00")}}},
			want: gross(600)},
	})
}
