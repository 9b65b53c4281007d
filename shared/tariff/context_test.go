package tariff

import (
	"slices"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

// The stay of these tests is Wednesday 10:00 to 15:20 by the hour at ¥5.00: gross ¥30.00.
func TestContext(t *testing.T) {
	at := func(clock string) time.Time { return when(t, "2026-03-04 "+clock) }
	cover := func(id, from, until string) Right {
		return Right{ID: id, Kind: RightCover, From: at(from), Until: at(until)}
	}
	pay := func(id, clock string, amount money.Amount) Payment {
		return Payment{ID: id, At: at(clock), Amount: amount}
	}
	for _, c := range []struct {
		name                   string
		ctx                    Context
		gross, free, paid, due money.Amount
	}{
		{"nothing", Context{}, 3000, 0, 0, 3000},
		{"free list", Context{Rights: []Right{{ID: "f", Kind: RightFree}}}, 3000, 3000, 0, 0},
		{"free list, and paid all the same", Context{Rights: []Right{{ID: "f", Kind: RightFree}}, Payments: []Payment{pay("p", "15:20:00", 500)}}, 3000, 3000, 0, 0},
		{"month card for all", Context{Rights: []Right{{ID: "m", Kind: RightCover}}}, 3000, 3000, 0, 0},
		{"month card until noon", Context{Rights: []Right{{ID: "m", Kind: RightCover, Until: at("12:00:00")}}}, 3000, 1000, 0, 2000},
		{"month card for a part of an hour saves nothing", Context{Rights: []Right{cover("m", "10:10:00", "10:20:00")}}, 3000, 0, 0, 3000},
		{"two cards that save only together", Context{Rights: []Right{cover("a", "15:00:00", "15:10:00"), cover("b", "15:10:00", "15:20:00")}}, 3000, 500, 0, 2500},
		{"a card that would raise the fee is left out", Context{Rights: []Right{cover("a", "10:10:00", "10:11:00")}}, 3000, 0, 0, 3000},
		{"and spoils no other", Context{Rights: []Right{cover("a", "10:10:00", "10:11:00"), cover("b", "14:20:00", "15:20:00")}}, 3000, 500, 0, 2500},
		{"card of another day", Context{Rights: []Right{{ID: "m", Kind: RightCover, From: at("16:00:00")}}}, 3000, 0, 0, 3000},
		{"card that ends before it begins", Context{Rights: []Right{cover("m", "14:00:00", "12:00:00")}}, 3000, 0, 0, 3000},
		{"booking, then casual", Context{Bookings: []Booking{{ID: "b", From: at("09:30:00"), Until: at("14:00:00")}}}, 3000, 2000, 0, 1000},
		{"coupon of an amount", Context{Coupons: []Coupon{{ID: "c", Kind: CouponAmount, Amount: 1200}}}, 3000, 1200, 0, 1800},
		{"coupon above the fee", Context{Coupons: []Coupon{{ID: "c", Kind: CouponAmount, Amount: 9900}}}, 3000, 3000, 0, 0},
		{"coupon of percent", Context{Coupons: []Coupon{{ID: "c", Kind: CouponPercent, Percent: 33}}}, 3000, 990, 0, 2010},
		{"coupon of minutes trims the end", Context{Coupons: []Coupon{{ID: "c", Kind: CouponMinutes, Minutes: 21}}}, 3000, 500, 0, 2500},
		{"minutes longer than the stay", Context{Coupons: []Coupon{{ID: "c", Kind: CouponMinutes, Minutes: 600}}}, 3000, 3000, 0, 0},
		{"full coupon", Context{Coupons: []Coupon{{ID: "c", Kind: CouponFull}}}, 3000, 3000, 0, 0},
		{"minutes before percent, whatever the order", Context{Coupons: []Coupon{{ID: "p", Kind: CouponPercent, Percent: 50}, {ID: "m", Kind: CouponMinutes, Minutes: 20}}}, 3000, 1750, 0, 1250},
		{"card, minutes, amount", Context{Rights: []Right{{ID: "m", Kind: RightCover, Until: at("12:00:00")}}, Coupons: []Coupon{{ID: "a", Kind: CouponAmount, Amount: 100}, {ID: "b", Kind: CouponMinutes, Minutes: 60}}}, 3000, 1600, 0, 1400},
		{"paid in part", Context{Payments: []Payment{pay("p", "12:00:00", 1000)}}, 3000, 0, 1000, 2000},
		{"paid long ago, all of that time", Context{Payments: []Payment{pay("p", "15:00:00", 2500)}}, 3000, 0, 2500, 500},
		{"paid 15 minutes ago, all of that time", Context{Payments: []Payment{pay("p", "15:05:00", 3000)}}, 3000, 0, 3000, 0},
		{"paid too much", Context{Payments: []Payment{pay("p", "12:00:00", 4000), pay("q", "12:10:00", 100)}}, 3000, 0, 3000, 0},
		{"paid with a coupon", Context{Coupons: []Coupon{{ID: "c", Kind: CouponAmount, Amount: 3000}}, Payments: []Payment{pay("p", "12:00:00", 100)}}, 3000, 3000, 0, 0},
		{"two payments settle together", Context{Payments: []Payment{pay("q", "15:19:00", 1000), pay("p", "12:00:00", 2000)}}, 3000, 0, 3000, 0},
		{"paid after leaving", Context{Payments: []Payment{pay("p", "18:00:00", 3000)}}, 3000, 0, 3000, 0},
	} {
		b := rate(t, load(t, "per-hour"), calendar.Calendar{}, "2026-03-04 10:00:00", "2026-03-04 15:20:00", "", c.ctx)
		if got, want := [4]money.Amount{b.Gross, b.Free, b.Paid, b.Due}, [4]money.Amount{c.gross, c.free, c.paid, c.due}; got != want {
			t.Errorf("%s: gross, free, paid, due = %v, want %v\n%s", c.name, got, want, show(b))
		}
	}
}

func TestGraceAfterPayment(t *testing.T) {
	tf := load(t, "per-hour") // 900 s of grace
	for _, c := range []struct {
		name     string
		payments []Payment
		exit     string
		due      money.Amount
		ratedTo  string
		leaveBy  string
	}{
		{"at the moment of paying", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}}, "2026-03-04 10:55:00", 0, "10:55:00", "11:10:00"},
		{"an hour has turned in the grace", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}}, "2026-03-04 11:10:00", 0, "10:55:00", "11:10:00"},
		{"one second too late", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}}, "2026-03-04 11:10:01", 500, "11:10:01", ""},
		{"one fen too little", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 499}}, "2026-03-04 10:56:00", 1, "10:56:00", ""},
		{"a fen more does not renew the grace", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}, {"q", when(t, "2026-03-04 11:09:00"), 1}}, "2026-03-04 11:11:00", 499, "11:11:00", ""},
		{"nor take the first one away", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}, {"q", when(t, "2026-03-04 11:05:00"), 1}}, "2026-03-04 11:06:00", 0, "10:55:00", "11:10:00"},
		{"the rest paid renews it", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 500}, {"q", when(t, "2026-03-04 11:11:00"), 500}}, "2026-03-04 11:26:00", 0, "11:11:00", "11:26:00"},
		{"two payments at one moment", []Payment{{"p", when(t, "2026-03-04 10:55:00"), 200}, {"q", when(t, "2026-03-04 10:55:00"), 300}}, "2026-03-04 11:05:00", 0, "10:55:00", "11:10:00"},
		{"paid in the free time", []Payment{{"p", when(t, "2026-03-04 10:14:00"), 1}}, "2026-03-04 10:16:00", 499, "10:16:00", ""},
	} {
		b := rate(t, tf, calendar.Calendar{}, "2026-03-04 10:00:00", c.exit, "", Context{Payments: c.payments})
		leaveBy := ""
		if !b.LeaveBy.IsZero() {
			leaveBy = b.LeaveBy.Format(time.TimeOnly)
		}
		if got := b.RatedTo.Format(time.TimeOnly); b.Due != c.due || got != c.ratedTo || leaveBy != c.leaveBy {
			t.Errorf("%s: due %s, rated to %s, leave by %q; want %s, %s, %q\n%s", c.name, b.Due, got, leaveBy, c.due, c.ratedTo, c.leaveBy, show(b))
		}
	}
}

func TestFreeTimeIsFlagged(t *testing.T) {
	tf := load(t, "per-hour")
	for _, c := range []struct {
		exit string
		want bool
	}{{"10:00:00", false}, {"10:14:59", true}, {"10:15:00", false}, {"12:00:00", false}} {
		b := rate(t, tf, testCalendar, "2026-03-04 10:00:00", "2026-03-04 "+c.exit, "", Context{})
		if got := slices.Contains(b.Flags, FlagFreeTime); got != c.want || got != (b.Gross == 0 && c.exit != "10:00:00") {
			t.Errorf("out at %s: flags %v, gross %s", c.exit, b.Flags, b.Gross)
		}
	}
}

// The cap is ¥20.00 a day for all visits together, and the hour costs ¥5.00.
func TestSharedCapBoundsEachOfItsDays(t *testing.T) {
	doc := func(more string) string {
		return `{"id":"s","version":1,"name":"S","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","shared_caps":[{"amount":2000,"window":"day"}],` + more +
			`"bands":[{"id":"all","steps":[{"unit":3600,"price":500}]}]}]}`
	}
	earlier := func(from, to string, gross money.Amount) Context {
		return Context{Visits: []Visit{{ID: "v", Entry: when(t, from), Exit: when(t, to), Gross: gross}}}
	}
	for _, c := range []struct {
		name, plan, entry, exit string
		ctx                     Context
		gross                   money.Amount
	}{
		{"three days are three maxima", "", "2026-03-04 12:00:00", "2026-03-06 12:00:00", Context{}, 6000},
		{"the first has what is left", "", "2026-03-04 12:00:00", "2026-03-06 12:00:00", earlier("2026-03-04 08:00:00", "2026-03-04 11:00:00", 1500), 4500},
		{"yesterday's visit leaves all", "", "2026-03-04 12:00:00", "2026-03-04 23:00:00", earlier("2026-03-03 08:00:00", "2026-03-04 11:00:00", 4000), 2000},
		{"a visit above the maximum leaves nothing", "", "2026-03-04 12:00:00", "2026-03-05 01:00:00", earlier("2026-03-04 08:00:00", "2026-03-04 11:00:00", 9000), 500},
		{"before the multiplier", `"multiplier":"3/2",`, "2026-03-04 12:00:00", "2026-03-04 23:00:00", Context{}, 3000},
		{"so are earlier charges", `"multiplier":"3/2",`, "2026-03-04 12:00:00", "2026-03-04 23:00:00", earlier("2026-03-04 08:00:00", "2026-03-04 10:00:00", 1500), 1500},
		{"of a plan that costs nothing", `"multiplier":0,`, "2026-03-04 12:00:00", "2026-03-04 23:00:00", earlier("2026-03-04 08:00:00", "2026-03-04 10:00:00", 1500), 0},
	} {
		tf, err := Decode([]byte(doc(c.plan)))
		if err != nil {
			t.Fatal(err)
		}
		b := rate(t, tf, calendar.Calendar{}, c.entry, c.exit, "", c.ctx)
		if b.Gross != c.gross {
			t.Errorf("%s: %v, want %v\n%s", c.name, b.Gross, c.gross, show(b))
		}
	}
}

// Where a unit is shared at its band's end, a minute more may cost less; the bill must not promise otherwise.
func TestSharedUnitsMayFall(t *testing.T) {
	doc := `{"id":"s","version":1,"name":"S","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","boundary":"share",` +
		`"bands":[{"id":"day","from":"08:00","to":"20:00","steps":[{"unit":3600,"price":500}]}]}]}`
	tf, err := Decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	before := rate(t, tf, calendar.Calendar{}, "2026-03-04 19:30:00", "2026-03-04 19:59:00", "", Context{})
	after := rate(t, tf, calendar.Calendar{}, "2026-03-04 19:30:00", "2026-03-04 20:01:00", "", Context{})
	if before.Gross != 500 || after.Gross != 250 || before.Monotone {
		t.Errorf("%v, a minute later %v, monotone %v", before.Gross, after.Gross, before.Monotone)
	}
}
