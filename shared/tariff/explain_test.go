package tariff

import (
	"fmt"
	"strings"
	"testing"
)

// TestExplain holds single sentences, each by the least plan that has it.
func TestExplain(t *testing.T) {
	hour := `"bands":[{"id":"a","name":{"zh":"白天","en":"Day"},"steps":[{"unit":3600,"price":500}]}]`
	steps := func(list string) string {
		return `"bands":[{"id":"a","name":{"zh":"全天","en":"All day"},"steps":[` + list + `]}]`
	}
	block, daily := `"cycle":{"kind":"block","length":86400},`, `"cycle":{"kind":"day"},`
	for _, c := range []struct{ keys, zh, en string }{
		// A cap of the cycle names the cycle, and is of the stay where there is none.
		{`"caps":[{"amount":2000,"window":"cycle"}],` + hour, "单次最高¥20.00。", "At most ¥20.00 per stay."},
		{block + `"caps":[{"amount":2000,"window":"cycle"}],` + hour, "每24小时最高¥20.00。", "At most ¥20.00 per 24 hours."},
		{daily + `"caps":[{"amount":2000,"window":"cycle"}],` + hour, "每自然日最高¥20.00。", "At most ¥20.00 per day."},
		{`"cycle":{"kind":"day","at":"05:00"},"caps":[{"amount":2000,"window":"cycle"}],` + hour, "每日05:00起最高¥20.00。", "At most ¥20.00 per day from 05:00."},
		{`"free":{"up_to":900,"scope":"cycle"},` + hour, "  不足15分钟免费；", "  Less than 15 minutes is free;"},
		{`"caps":[{"amount":2000,"window":"block","length":604800}],` + hour, "每7天最高¥20.00。", "At most ¥20.00 per 7 days."},
		{`"caps":[{"amount":2000,"window":"block","length":86400,"clock":"wall"}],` + hour, "每24小时（按当地时钟）最高¥20.00。", "At most ¥20.00 per 24 hours by the local clock."},
		{`"caps":[{"amount":2000,"window":"day","bands":["a"]}],` + hour, "每自然日“白天”时段最高¥20.00。", "At most ¥20.00 per calendar day for Day."},
		{`"caps":[{"amount":2000,"window":"run","bands":["a"]}],` + hour, "每个“白天”时段最高¥20.00。", "At most ¥20.00 per period of Day."},
		{`"caps":[{"amount":2000,"window":"day","skip":1}],` + hour, "每自然日（第2个起）最高¥20.00。", "At most ¥20.00 per calendar day, not the first."},
		{`"shared_caps":[{"amount":2000,"window":"day"}],` + hour, "每自然日最高¥20.00，当日多次停车合计。", "At most ¥20.00 per calendar day, shared with earlier visits of the day."},
		{`"shared_caps":[{"amount":2000,"window":"rolling","length":86400}],` + hour, "自入场起每24小时最高¥20.00，与入场前24小时内的停车合计。", "At most ¥20.00 per 24 hours from entry, shared with visits of the 24 hours before."},

		{`"free":{"up_to":3600,"then":"deduct"},` + hour, "  前1小时免费。", "  The first hour is free."},
		{`"free":{"up_to":7200,"then":"deduct"},` + hour, "  前2小时免费。", "  The first 2 hours are free."},
		{block + `"free":{"up_to":900,"scope":"cycle","times":2},` + hour, "每24小时（仅前2个周期）不足15分钟免费", "Every 24 hours, of the first 2 only, less than 15 minutes is free"},
		{`"free":{"up_to":900,"scope":"run","times":1},` + hour, "首个收费时段内不足15分钟免费", "In the first charged period, less than 15 minutes is free"},

		{`"free":{"up_to":900,"scope":"run","times":3,"bands":["a"]},` + hour, "前3个“白天”时段内各自不足15分钟免费", "In each of the first 3 periods of Day, less than 15 minutes is free"},

		{steps(`{"up_to":3600,"price":410},{"up_to":7200,"price":360},{"price":290}`), "1小时以内¥4.10；2小时以内¥7.70；更长¥10.60。", "up to 1 hour ¥4.10; up to 2 hours ¥7.70; longer ¥10.60."},
		{steps(`{"up_to":3600,"price":0},{"up_to":7200,"price":300},{"price":0}`), "1小时以内不收费；2小时以内¥3.00；更长¥3.00。", "up to 1 hour no charge; up to 2 hours ¥3.00; longer ¥3.00."},
		{steps(`{"up_to":1800,"price":300},{"up_to":3600,"price":500},{"unit":1800,"price":250}`), "1小时以内¥8.00；之后另加：每30分钟¥2.50", "up to 1 hour ¥8.00; then in addition ¥2.50 each started 30 minutes."},
		{steps(`{"up_to":3600,"unit":1800,"price":300},{"price":500}`), "之后加收¥5.00。", "then ¥5.00 more."},
		{ // a table is none where the position comes from another band
			`"position":"stay","bands":[{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":3600,"price":400},{"price":300}]},{"id":"n","steps":[{"unit":3600,"price":100}]}]`,
			"1小时以内¥4.00；之后加收¥3.00。", "up to 1 hour ¥4.00; then ¥3.00 more.",
		},
		{`"position":"stay",` + steps(`{"price":500}`), "全天：单次停车¥5.00。", "All day: ¥5.00 per stay."},
		{block + `"position":"cycle",` + steps(`{"price":500}`), "全天：每24小时¥5.00。", "All day: ¥5.00 per 24 hours."},

		{steps(`{"unit":3600,"price":500}`), "每小时¥5.00，不足1小时按1小时计。", "¥5.00 each started hour."},
		{steps(`{"unit":3600,"price":500,"end":"floor"}`), "每满1小时¥5.00，不足1小时不计。", "¥5.00 each full hour."},
		{steps(`{"unit":3600,"price":500,"end":"exact"}`), "每小时¥5.00，按秒折算。", "¥5.00 per hour, by the second."},
		{steps(`{"unit":3600,"price":500,"end":"started"}`), "每小时¥5.00，按分钟折算，不足1分钟按1分钟计。", "¥5.00 per hour, by started minutes."},
		{steps(`{"unit":3600,"price":500,"end":"tail","tail":900}`), "每小时¥5.00，尾数不超过15分钟不计、超过按1小时计。", "¥5.00 per hour, a rest of up to 15 minutes is free, more counts as a whole."},
		{steps(`{"unit":60,"price":"490/60"}`), "每小时¥4.90，按分钟计，不足1分钟按1分钟计。", "¥4.90 per hour, by started minutes."},
		{steps(`{"unit":600,"price":"490/6","end":"floor"}`), "每小时¥4.90，按10分钟计，不足10分钟不计。", "¥4.90 per hour, by full periods of 10 minutes."},
		{`"boundary":"through",` + steps(`{"unit":3600,"price":500,"cross":"cut"}`), "（时段结束时单位截止）", "(a unit ends with the period)"},

		{
			daily + `"guards":[{"id":"early","name":{"zh":"早鸟","en":"Early bird"},"scope":"cycle","entry":{"from":"06:00","to":"09:00","day_types":["monday","tuesday","wednesday"]},"exit":{"to":"19:00"},"inclusive":true,"price":1400}],` + hour,
			"早鸟（每自然日分别判断、周一至周三06:00–09:00（含）入场、19:00（含）前离场）：一口价¥14.00。",
			"Early bird (judged separately per day, in 06:00–09:00 (inclusive) on Monday to Wednesday, out by 19:00 (inclusive)): ¥14.00 flat.",
		},
		{`"multiplier":"3/2","multiplier_name":{"zh":"柴油车","en":"Diesel"},` + hour, "柴油车：以上费用×3/2。", "Diesel: all of the above × 3/2."},
		{`"multiplier":"3/2","caps":[{"amount":2000,"window":"day"}],` + hour, "以上费用及限额×3/2。", "All of the above, maxima and minima too, × 3/2."},
		{`"cycle":{"kind":"block","length":86400,"clock":"wall","full_price":6000},` + hour, "停满24小时按¥60.00计。", "Every 24 hours by the local clock, everything starts again."},
	} {
		zh, en := Explain(plain(t, c.keys))
		if !strings.Contains(zh+"\n", c.zh) || !strings.Contains(en+"\n", c.en) {
			t.Errorf("%s:\ngot %s\n%s\nwant %s\n%s", c.keys, zh, en, c.zh, c.en)
		}
	}
}

func TestExplainBesideThePlans(t *testing.T) {
	for _, c := range []struct{ keys, zh, en string }{
		{`"after_payment":"new_stay","grace_after_payment":900`, "自缴费时起按新的一次停车计费。", "Who leaves later is charged for the time since paying as for a new stay."},
		{`"grace_after_payment":900`, "按整次停车重新计费，已付金额抵扣。", "Who leaves later is charged for the whole stay anew, less what was paid."},
		{`"after_payment":"rerate"`, "按整次停车重新计费，已付金额抵扣。", "Who leaves later is charged for the whole stay anew, less what was paid."},
		{`"coupons":{"order":["amount","percent","minutes","full"]}`, "多张优惠券依次使用：金额券、折扣券、时长券、全免券。\n时长券：按提前离场同样时长计费。", "Coupons count in this order: amounts, percentages, minutes, full ones.\nA coupon for minutes: the stay is charged as if it had ended so much earlier."},
		{`"coupons":{"minutes":"trim_start"}`, "时长券：按推迟入场同样时长计费。", "as if it had begun so much later."},
		{`"coupons":{"minutes":"value"}`, "时长券：抵扣入场后同样时长的费用。", "takes off what the first minutes of the stay cost."},
		{`"rounding":{"unit":100,"mode":"up","per":"cycle"}`, "每个周期的金额向上取至¥1.00。", "The amount of each period is rounded up to a multiple of ¥1.00."},
		{`"rounding":{"unit":100,"per":"unit"}`, "每个计费单位的金额四舍五入至¥1.00。", "The price of each unit is rounded to the nearest ¥1.00."},
		{`"reentry":{"within":3600,"outside":"skipped"}`, "（离场期间不计费）", "the time outside is not charged"},
		{`"passes":[{"id":"m","name":{"zh":"月卡","en":"Card"},"rest":"through","free":"none"}]`, "月卡：全部时间免费，计费单位自入场起连续计算，在免费时间内开始的不收费，其余时间不享受免费时长。", "Card: free at all times; units are counted from entry, and those that begin in covered time are free; there is no free time beside it."},
		{`"booking":{"rest":"separate","free":"stay"}`, "预约时段外：其余每段时间各按一次停车计费，免费时长按整次停车判断。", "Beside booked time: each stretch of other time is charged as a stay of its own; free time is judged by the whole stay."},
	} {
		tf, err := Decode(fmt.Appendf(nil, `{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY",%s,"plans":[{"id":"p","bands":[{"id":"a","steps":[{"unit":3600,"price":500}]}]}]}`, c.keys))
		if err != nil {
			t.Fatal(err)
		}
		if zh, en := Explain(tf); !strings.Contains(zh, c.zh) || !strings.Contains(en, c.en) {
			t.Errorf("%s:\ngot %s\n%s\nwant %s\n%s", c.keys, zh, en, c.zh, c.en)
		}
	}
}

// TestExplainTheLastPlan: who is left is called by what the plans before have taken.
func TestExplainTheLastPlan(t *testing.T) {
	for _, c := range []struct{ before, zh, en string }{
		{`{"id":"a","classes":["bus"]}`, "其他车辆：", "Other vehicles:"},
		{`{"id":"a","day_types":["weekend"]}`, "其他日期：", "Other days:"},
		{`{"id":"a","day_types":["weekend"]},{"id":"b","classes":["bus"]}`, "其他情况：", "Otherwise:"},
	} {
		tf, err := Decode(fmt.Appendf(nil, `{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[%s,{"id":"z"}]}`, c.before))
		if err != nil {
			t.Fatal(err)
		}
		if zh, en := Explain(tf); !strings.Contains(zh, c.zh) || !strings.Contains(en, c.en) {
			t.Errorf("after %s got %s\n%s", c.before, zh, en)
		}
	}
}

func TestDaysText(t *testing.T) {
	for _, c := range []struct {
		days []string
		want Text
	}{
		{[]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}, Text{"周一至周六", "Monday to Saturday"}},
		{[]string{"saturday", "sunday", "PH"}, Text{"周六、周日、公众假期", "Saturdays, Sundays, public holidays"}},
		{[]string{"PH", "sunday", "tuesday", "monday", "wednesday"}, Text{"周一至周三、周日、公众假期", "Monday to Wednesday, Sundays, public holidays"}},
		{[]string{"monday", "tuesday", "friday", "saturday", "sunday"}, Text{"周一、周二、周五至周日", "Mondays, Tuesdays, Friday to Sunday"}},
		{[]string{"workday"}, Text{"工作日", "workdays"}},
		{nil, Text{}},
	} {
		if got := daysText(c.days); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.days, got, c.want)
		}
	}
}
