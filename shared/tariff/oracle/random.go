package oracle

import (
	"fmt"
	"time"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// drawer draws valid tariffs, and stays that come near their edges.
type drawer struct {
	next func(n int) int
	loc  *time.Location
	plan int   // plans drawn so far, for their ids
	base int64 // the midnight of UTC about which everything happens
}

// Draw makes up a tariff, a calendar, a stay and its context. next(n) must answer numbers in [0, n), and alone decides.
func Draw(next func(n int) int) (tariff.Tariff, calendar.Calendar, tariff.Stay, tariff.Context) {
	d := &drawer{next: next}
	t := tariff.Tariff{ID: "drawn", Version: 1, Name: tariff.Text{ZH: "抽", EN: "Drawn"}, Currency: money.CNY, TZ: d.zone()}
	d.loc = t.TZ.Location()
	d.base = d.day()
	d.settings(&t)
	stay := d.stay(&t)
	context := d.context(&t, stay)
	d.fractions(&stay, context)
	return t, d.calendar(), stay, context
}

// in says yes in so many of a hundred cases.
func (d *drawer) in(percent int) bool { return d.next(100) < percent }

// pick takes one of the values.
func pick[T any](d *drawer, values ...T) T { return values[d.next(len(values))] }

// zone is Shanghai most often; the others change their clocks, some at midnight and one by half an hour.
func (d *drawer) zone() tariff.Zone {
	name := "Asia/Shanghai"
	if d.in(60) {
		name = pick(d, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "America/Havana",
			"Africa/Cairo", "America/St_Johns", "Atlantic/Azores")
	}
	zone, err := tariff.LoadZone(name)
	if err != nil {
		panic(err) // the names above are in every copy of the database
	}
	return zone
}

// day is a midnight of UTC in 2026; where clocks change it is often just before that.
func (d *drawer) day() int64 {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	day := start + int64(d.next(365))*daySeconds
	if !d.in(60) {
		return day
	}
	for u := day; u < day+366*daySeconds; u += daySeconds {
		if d.ahead(u) != d.ahead(u+daySeconds) {
			return u - int64(d.next(3))*daySeconds
		}
	}
	return day
}

func (d *drawer) ahead(u int64) int {
	_, ahead := time.Unix(u, 0).In(d.loc).Zone()
	return ahead
}

// calendar gives some dates near the stay a type of their own.
func (d *drawer) calendar() calendar.Calendar {
	c := calendar.Calendar{ID: "drawn", Version: 1, Dates: map[calendar.Date]string{}}
	for i := range 8 {
		if d.in(20) {
			date := calendar.Of(time.Unix(d.base+int64(i-1)*daySeconds, 0).UTC())
			c.Dates[date] = pick(d, "PH", "holiday", "workday", "weekend")
		}
	}
	if d.in(10) {
		c.Weekdays.Friday = pick(d, "friday", "weekend")
	}
	return c
}

// settings draws what is in the tariff but not its name.
func (d *drawer) settings(t *tariff.Tariff) {
	if d.in(15) {
		t.Plans = append(t.Plans, d.special())
	}
	t.Plans = append(t.Plans, d.outerPlan())
	if d.in(25) {
		t.Precision = pick(d, tariff.PrecisionSecond, tariff.PrecisionMinute, tariff.PrecisionClock)
	}
	if d.in(25) {
		t.Rounding = &tariff.Rounding{
			Unit: money.Amount(pick(d, 1, 5, 10, 50, 100)),
			Mode: pick(d, "", tariff.RoundHalfUp, tariff.RoundUp, tariff.RoundDown),
			Per:  pick(d, "", tariff.RoundTotal, tariff.RoundCycle, tariff.RoundUnit),
		}
	}
	if d.in(25) {
		t.GraceAfterPayment = tariff.Seconds(pick(d, 300, 900, 1800))
		t.AfterPayment = pick(d, "", tariff.AfterRerate, tariff.AfterNewStay)
	}
	if d.in(15) {
		within := tariff.Seconds(pick(d, 900, 3600, 4*3600))
		t.Reentry = &tariff.Reentry{Within: within, Outside: pick(d, "", tariff.OutsideCounted, tariff.OutsideSkipped)}
	}
	for i := range d.next(3) {
		t.Passes = append(t.Passes, d.pass(i))
	}
	if d.in(30) {
		t.Booking = &tariff.BookingRule{Early: tariff.Seconds(pick(d, 0, 900, 3600)), Rest: d.rest(), Free: d.test()}
	}
	if d.in(30) {
		t.Coupons = d.couponRule()
	}
}

func (d *drawer) rest() tariff.Rest {
	return pick(d, "", tariff.RestOne, tariff.RestSeparate, tariff.RestThrough)
}

func (d *drawer) test() tariff.FreeTest {
	return pick(d, "", tariff.FreeTestRest, tariff.FreeTestStay, tariff.FreeTestNone)
}

func (d *drawer) pass(i int) tariff.Pass {
	p := tariff.Pass{ID: fmt.Sprintf("pass%d", i), Rest: d.rest(), Free: d.test()}
	for range d.next(3) {
		p.Windows = append(p.Windows, d.clockWindow())
	}
	return p
}

func (d *drawer) couponRule() *tariff.CouponRule {
	rule := &tariff.CouponRule{Minutes: pick(d, "", tariff.MinutesTrimEnd, tariff.MinutesTrimStart, tariff.MinutesValue)}
	if d.in(50) {
		kinds := []tariff.CouponKind{tariff.CouponFull, tariff.CouponMinutes, tariff.CouponPercent, tariff.CouponAmount}
		for i := range kinds {
			k := i + d.next(len(kinds)-i)
			kinds[i], kinds[k] = kinds[k], kinds[i]
		}
		rule.Order = kinds
	}
	return rule
}

// clock is a whole or half hour, seldom another second.
func (d *drawer) clock() tariff.Clock {
	switch {
	case d.in(3):
		return tariff.Clock(d.next(daySeconds))
	case d.in(30):
		return tariff.Clock(d.next(5) * 1800) // where clocks change
	}
	return tariff.Clock(d.next(48) * 1800)
}

func (d *drawer) clockWindow() tariff.ClockWindow {
	w := tariff.ClockWindow{From: d.clock(), To: d.clock()}
	if d.in(30) {
		w.DayTypes = d.dayTypes()
	}
	return w
}

func (d *drawer) dayTypes() []string {
	return pick(d, []string{"workday"}, []string{"weekend"}, []string{"weekend", "PH"}, []string{"holiday", "PH"},
		[]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}, []string{"friday", "saturday", "workday"},
		[]string{"sunday", "PH"})
}
