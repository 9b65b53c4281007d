package tariff

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
)

func gross(t *rapid.T, tf Tariff, cal calendar.Calendar, entry time.Time, seconds int64) money.Amount {
	t.Helper()
	b, err := Rate(tf, cal, Stay{Entry: entry, Exit: entry.Add(time.Duration(seconds) * time.Second)}, Context{})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, b)
	return b.Gross
}

func TestLaterExitNeverCostsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		entry := entryGen(tf).Draw(t, "entry")
		a, b := lengthGen(tf).Draw(t, "a"), lengthGen(tf).Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		if short, long := gross(t, tf, testCalendar, entry, a), gross(t, tf, testCalendar, entry, b); short > long {
			t.Fatalf("%d s cost %s, %d s cost %s", a, short, b, long)
		}
		if zero := gross(t, tf, testCalendar, entry, 0); zero != 0 {
			t.Fatalf("no time costs %s", zero)
		}
	})
}

func TestCapsAreRespected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		entry := entryGen(tf).Draw(t, "entry")
		length := lengthGen(tf).Draw(t, "length")
		fee := gross(t, tf, testCalendar, entry, length)
		for _, c := range tf.Plans[0].Caps {
			windows := int64(1)
			switch c.Window {
			case WindowBlock:
				windows = (length + int64(c.Length) - 1) / int64(c.Length)
			case WindowDay:
				dates := map[calendar.Date]bool{}
				for u := entry; u.Before(entry.Add(time.Duration(length) * time.Second)); u = u.Add(time.Minute) {
					dates[calendar.Of(u.In(tf.TZ.Location()))] = true
				}
				dates[calendar.Of(entry.Add(time.Duration(length)*time.Second).In(tf.TZ.Location()))] = true
				windows = int64(len(dates))
			}
			if most := c.Amount * money.Amount(windows); fee > most {
				t.Fatalf("%d s cost %s, above %d × %s (%s)", length, fee, windows, c.Amount, c.Window)
			}
		}
	})
}

// With everything starting again each block, blocks are priced one by one.
func TestPeriodicity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		p := &tf.Plans[0]
		block := 600 + secondsGen(day).Draw(t, "block")
		p.Cycle, p.Position = &Cycle{Kind: CycleBlock, Length: block}, rapid.SampledFrom([]Scope{ScopeRun, ScopeCycle}).Draw(t, "position")
		if p.Free != nil {
			p.Free.Scope = ScopeCycle
		}
		for i := range p.Caps {
			p.Caps[i].Window, p.Caps[i].Length = WindowBlock, block
		}
		for i := range p.Bands { // whole prices, so that rounding twice rounds as once
			for j := range p.Bands[i].Steps {
				step := &p.Bands[i].Steps[j]
				step.Price.Den = 1
				if step.End == EndStarted {
					step.End = EndCeil
				}
			}
		}
		entry := entryGen(tf).Draw(t, "entry")
		rest := rapid.Int64Range(0, int64(block)*2).Draw(t, "rest")
		first := gross(t, tf, testCalendar, entry, int64(block))
		then := gross(t, tf, testCalendar, entry.Add(time.Duration(block)*time.Second), rest)
		if both := gross(t, tf, testCalendar, entry, int64(block)+rest); both != first+then {
			t.Fatalf("a block costs %s, then %d s cost %s, both together %s", first, rest, then, both)
		}
	})
}

func TestTranslationBySevenDays(t *testing.T) {
	shanghai, err := LoadZone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		tf.TZ = shanghai
		entry, length := entryGen(tf).Draw(t, "entry"), lengthGen(tf).Draw(t, "length")
		weeks := rapid.IntRange(-60, 60).Draw(t, "weeks")
		here, there := gross(t, tf, calendar.Calendar{}, entry, length), gross(t, tf, calendar.Calendar{}, entry.AddDate(0, 0, 7*weeks), length)
		if here != there {
			t.Fatalf("%s costs %s, %d weeks away %s", entry, here, weeks, there)
		}
	})
}

func contextGen(entry time.Time, length int64) *rapid.Generator[Context] {
	return rapid.Custom(func(t *rapid.T) Context {
		var c Context
		moment := func(label string) time.Time {
			return entry.Add(time.Duration(rapid.Int64Range(-3600, length+3600).Draw(t, label)) * time.Second)
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "rights") {
			c.Rights = append(c.Rights, rightGen(entry, length).Draw(t, fmt.Sprint("right ", i)))
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "coupons") {
			c.Coupons = append(c.Coupons, couponGen().Draw(t, fmt.Sprint("coupon ", i)))
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "payments") {
			c.Payments = append(c.Payments, Payment{ID: fmt.Sprint("p", i), At: moment("paid at"), Amount: money.Amount(rapid.Int64Range(0, 5000).Draw(t, "paid"))})
		}
		if rapid.Bool().Draw(t, "booked") {
			c.Bookings = []Booking{{ID: "b", From: moment("booked from"), Until: moment("booked until")}}
		}
		return c
	})
}

func rightGen(entry time.Time, length int64) *rapid.Generator[Right] {
	return rapid.Custom(func(t *rapid.T) Right {
		if rapid.IntRange(0, 9).Draw(t, "free") == 0 {
			return Right{ID: "f", Kind: RightFree}
		}
		from := entry.Add(time.Duration(rapid.Int64Range(-3600, length+3600).Draw(t, "from")) * time.Second)
		return Right{ID: "m", Kind: RightCover, From: from, Until: from.Add(time.Duration(rapid.Int64Range(0, 2*day).Draw(t, "for")) * time.Second)}
	})
}

func couponGen() *rapid.Generator[Coupon] {
	return rapid.Custom(func(t *rapid.T) Coupon {
		c := Coupon{ID: "c", Kind: rapid.SampledFrom([]CouponKind{CouponAmount, CouponPercent, CouponMinutes, CouponFull}).Draw(t, "kind")}
		switch c.Kind {
		case CouponAmount:
			c.Amount = money.Amount(rapid.Int64Range(1, 2000).Draw(t, "amount"))
		case CouponPercent:
			c.Percent = rapid.IntRange(1, 100).Draw(t, "percent")
		case CouponMinutes:
			c.Minutes = rapid.Int64Range(1, 300).Draw(t, "minutes")
		}
		return c
	})
}

func TestEveryBillIsSoundAndNothingGivenCostsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		entry, length := entryGen(tf).Draw(t, "entry"), lengthGen(tf).Draw(t, "length")
		c := contextGen(entry, length).Draw(t, "context")
		stay := Stay{Entry: entry, Exit: entry.Add(time.Duration(length) * time.Second)}
		price := func(c Context) Bill {
			b, err := Rate(tf, testCalendar, stay, c)
			if err != nil {
				t.Fatal(err)
			}
			sound(t, b)
			return b
		}
		before, err := json.Marshal([]any{tf, c})
		if err != nil {
			t.Fatal(err)
		}
		b := price(c)
		if after, err := json.Marshal([]any{tf, c}); err != nil || string(after) != string(before) {
			t.Fatalf("rating changed its arguments from %s to %s", before, after)
		}

		unpaid := c
		unpaid.Payments = nil
		base := price(unpaid)
		if b.Due > base.Due {
			t.Fatalf("due %s with payments, %s without\n%s", b.Due, base.Due, show(b))
		}
		right := unpaid
		right.Rights = append(append([]Right{}, c.Rights...), rightGen(entry, length).Draw(t, "another right"))
		right.Bookings, right.Coupons = nil, nil
		plain := right
		plain.Rights = c.Rights
		if with, without := price(right), price(plain); with.Due > without.Due {
			t.Fatalf("one more right raises %s to %s\n%s", without.Due, with.Due, show(with))
		}
		coupon := unpaid
		at := rapid.IntRange(0, len(c.Coupons)).Draw(t, "at")
		coupon.Coupons = append(append(append([]Coupon{}, c.Coupons[:at]...), couponGen().Draw(t, "another coupon")), c.Coupons[at:]...)
		if with := price(coupon); with.Due > base.Due {
			t.Fatalf("one more coupon raises %s to %s\n%s", base.Due, with.Due, show(with))
		}
	})
}

func TestGraceHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tf := tariffGen().Draw(t, "tariff")
		entry, length := entryGen(tf).Draw(t, "entry"), lengthGen(tf).Draw(t, "length")
		p := entry.Add(time.Duration(length) * time.Second)
		fee := gross(t, tf, testCalendar, entry, length)
		if fee == 0 {
			return
		}
		after := rapid.Int64Range(0, int64(tf.GraceAfterPayment)*2).Draw(t, "after")
		paid := Context{Payments: []Payment{{ID: "p", At: p, Amount: fee}}}
		b, err := Rate(tf, testCalendar, Stay{Entry: entry, Exit: p.Add(time.Duration(after) * time.Second)}, paid)
		if err != nil {
			t.Fatal(err)
		}
		want := money.Amount(0)
		if after > int64(tf.GraceAfterPayment) {
			want = gross(t, tf, testCalendar, entry, length+after) - fee
		}
		if b.Due != want || b.Paid != fee {
			t.Fatalf("%d s after paying %s: due %s, want %s\n%s", after, fee, b.Due, want, show(b))
		}
	})
}

func TestZoneOfProcessAndNotationHaveNoEffect(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	tf := load(t, "city-day-night")
	entry, exit := when(t, "2026-03-06 19:12:34"), when(t, "2026-03-09 09:00:01")
	var first string
	for _, process := range []string{"UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"} {
		for _, notation := range []string{"UTC", "Asia/Shanghai", "America/Los_Angeles"} {
			p, err := time.LoadLocation(process)
			if err != nil {
				t.Fatal(err)
			}
			n, err := time.LoadLocation(notation)
			if err != nil {
				t.Fatal(err)
			}
			time.Local = p
			b, err := Rate(tf, testCalendar, Stay{Entry: entry.In(n), Exit: exit.In(n)}, Context{Payments: []Payment{{ID: "p", At: exit.In(time.Local), Amount: 100}}})
			if err != nil {
				t.Fatal(err)
			}
			out, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = string(out)
			}
			if string(out) != first {
				t.Errorf("process in %s, times in %s:\n%s\nbefore:\n%s", process, notation, out, first)
			}
		}
	}
}
