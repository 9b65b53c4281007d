package tariff

import (
	"fmt"
	"strings"
)

// What customers are told of what stands beside the plans.

// tariff tells what stands beside the plans.
func (e *explainer) tariff(t *Tariff) {
	e.indent = -1
	if x := t.Reentry; x != nil {
		outside := Text{"（含离场期间）", ", the time outside included"}
		if x.Outside == OutsideSkipped {
			outside = Text{"（离场期间不计费）", ", the time outside is not charged"}
		}
		e.sayf("离场后%s内再次入场与上次停车合并计费%s，已收费用抵扣。", "coming back within %s goes on with the earlier visit%s; what was charged is credited.", x.Within.span(), outside)
	}
	for i := range t.Passes {
		p := &t.Passes[i]
		hours := Text{"全部时间", "at all times"}
		for j := range p.Windows {
			w := &p.Windows[j]
			text, days := same(fmt.Sprintf("%s–%s", w.From, w.To)), daysText(w.DayTypes)
			if days != (Text{}) {
				text = Text{text.ZH + "（" + days.ZH + "）", text.EN + " (" + days.EN + ")"}
			}
			if j == 0 {
				hours = text
			} else {
				hours = Text{hours.ZH + "、" + text.ZH, hours.EN + ", " + text.EN}
			}
		}
		e.sayf("%s：%s免费%s。", "%s: free %s%s.", p.Name.or(same(p.ID)), hours, restText(p.Rest, p.Free))
	}
	if x := t.Booking; x != nil {
		if x.Early > 0 {
			e.sayf("预约车辆可提前%s入场。", "with a booking you may come %s early.", x.Early.span())
		}
		if rest := restText(x.Rest, x.Free); rest != (Text{}) {
			e.sayf("预约时段外：%s。", "beside booked time: %s.", Text{strings.TrimPrefix(rest.ZH, "，"), strings.TrimPrefix(rest.EN, "; ")})
		}
	}
	if t.Precision == PrecisionMinute || t.Precision == PrecisionClock {
		e.sayf("停车时间按整分钟计。", "time is counted in whole minutes.")
	}
	if x := t.Rounding; x != nil && x.Unit > 1 {
		mode := map[RoundMode]Text{RoundHalfUp: {"四舍五入", "to the nearest"}, RoundUp: {"向上取", "up to a multiple of"}, RoundDown: {"向下取", "down to a multiple of"}}
		what := map[RoundPer]Text{RoundTotal: {"金额", "the amount"}, RoundCycle: {"每个周期的金额", "the amount of each period"}, RoundUnit: {"每个计费单位的金额", "the price of each unit"}}
		e.sayf("%s%s至%s。", "%s is rounded %s %s.", what[or(x.Per, RoundTotal)], mode[or(x.Mode, RoundHalfUp)], e.money(x.Unit))
	}
	if t.Coupons != nil {
		e.coupons(t.Coupons)
	}
	if t.GraceAfterPayment > 0 {
		e.sayf("缴费后%s内离场不再收费。", "after paying, leave within %s at no further charge.", t.GraceAfterPayment.span())
	}
	switch {
	case t.AfterPayment == AfterNewStay:
		e.sayf("缴费后逾时未离场的，自缴费时起按新的一次停车计费。", "who leaves later is charged for the time since paying as for a new stay.")
	case t.AfterPayment == AfterRerate || t.GraceAfterPayment > 0:
		e.sayf("缴费后逾时未离场的，按整次停车重新计费，已付金额抵扣。", "who leaves later is charged for the whole stay anew, less what was paid.")
	}
	e.indent = 0
}

// coupons tells what the document says of them; whether there are any is the lot's matter.
func (e *explainer) coupons(x *CouponRule) {
	if len(x.Order) > 0 {
		names := map[CouponKind]Text{CouponFull: {"全免券", "full ones"}, CouponMinutes: {"时长券", "minutes"}, CouponPercent: {"折扣券", "percentages"}, CouponAmount: {"金额券", "amounts"}}
		zh, en := make([]string, len(x.Order)), make([]string, len(x.Order))
		for i, kind := range x.Order {
			zh[i], en[i] = names[kind].ZH, names[kind].EN
		}
		e.sayf("多张优惠券依次使用：%s。", "coupons count in this order: %s.", Text{strings.Join(zh, "、"), strings.Join(en, ", ")})
	}
	switch or(x.Minutes, MinutesTrimEnd) {
	case MinutesTrimEnd:
		e.sayf("时长券：按提前离场同样时长计费。", "a coupon for minutes: the stay is charged as if it had ended so much earlier.")
	case MinutesTrimStart:
		e.sayf("时长券：按推迟入场同样时长计费。", "a coupon for minutes: the stay is charged as if it had begun so much later.")
	case MinutesValue:
		e.sayf("时长券：抵扣入场后同样时长的费用。", "a coupon for minutes takes off what the first minutes of the stay cost.")
	}
}
