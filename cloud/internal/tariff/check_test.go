package tariff_test

import (
	"net/http"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/lot/lottest"
)

// A day price of 5 and a feast price of 9, a card for mornings, grace after payment.
const holidays = `{"name":{"zh":"节日","en":"Feast"},"tz":"Asia/Shanghai","currency":"CNY","grace_after_payment":"15m",
	"passes":[{"id":"morning","windows":[{"from":"06:00","to":"12:00"}]}],
	"plans":[
		{"id":"patients","entitlements":["outpatient"],"multiplier":"1/2","bands":[{"id":"any","steps":[{"unit":"1h","price":500}]}]},
		{"id":"all","bands":[
			{"id":"feast","day_types":["holiday"],"steps":[{"unit":"1h","price":900}]},
			{"id":"any","steps":[{"unit":"1h","price":500}]}]}]}`

func TestABillIsTried(t *testing.T) {
	w := newWorld(t)
	cal := w.calendar()
	w.post("/calendars/"+cal+"/holidays", body{"base": 1, "years": []int{2024}})
	const day = "2024-06-11T" // a workday; the day before was Dragon Boat
	for name, tc := range map[string]struct {
		in   body
		due  string
		free string
		paid string
	}{
		"two hours and a second":   {body{"entry": day + "10:00:00+08:00", "exit": day + "12:00:01+08:00"}, "1500", "0", "0"},
		"a feast":                  {body{"entry": "2024-06-10T10:00:00+08:00", "exit": "2024-06-10T12:00:00+08:00"}, "1800", "0", "0"},
		"without its calendar":     {body{"entry": "2024-06-10T10:00:00+08:00", "exit": "2024-06-10T12:00:00+08:00", "calendar": body{"id": cal, "version": 1}}, "1000", "0", "0"},
		"an entitlement":           {body{"entry": day + "10:00:00+08:00", "exit": day + "12:00:00+08:00", "entitlements": []string{"outpatient"}}, "500", "0", "0"},
		"half off":                 {body{"extras": body{"coupons": []body{{"kind": "percent", "percent_off": 50}}}}, "500", "500", "0"},
		"the free list":            {body{"extras": body{"free_list": true}}, "0", "1000", "0"},
		"a card until noon":        {body{"entry": day + "11:00:00+08:00", "exit": day + "13:00:00+08:00", "extras": body{"pass": body{"valid_from": "2024-06-11", "valid_to": "2024-06-11"}}}, "500", "500", "0"},
		"a card of the day before": {body{"extras": body{"pass": body{"kind": "morning", "valid_to": "2024-06-10"}}}, "1000", "0", "0"},
		"booked":                   {body{"extras": body{"booking": body{"from": day + "10:00:00+08:00", "to": day + "11:00:00+08:00", "price_minor_units": 300}}}, "800", "500", "0"},
		"paid what was due":        {body{"exit": day + "12:10:00+08:00", "extras": body{"payments": []body{{"at": day + "12:00:00+08:00"}}}}, "0", "0", "1000"},
		"paid too early":           {body{"exit": day + "12:10:00+08:00", "extras": body{"payments": []body{{"at": day + "11:00:00+08:00", "amount_minor_units": 500}}}}, "1000", "0", "500"},
	} {
		in := body{"text": holidays, "entry": day + "10:00:00+08:00", "exit": day + "12:00:00+08:00"}
		for k, v := range tc.in {
			in[k] = v
		}
		got := w.post("/tariff-checks/bill", in)
		if got.text("bill.due") != tc.due || got.text("bill.free") != tc.free || got.text("bill.paid") != tc.paid {
			t.Errorf("%s: due %s, free %s, paid %s, want %s, %s, %s\n%v", name, got.text("bill.due"), got.text("bill.free"), got.text("bill.paid"), tc.due, tc.free, tc.paid, got.at("bill.lines"))
		}
		var sum float64
		for i := range got.len("bill.lines") {
			line, _ := got.at("bill.lines").([]any)[i].(map[string]any)
			n, _ := line["amount"].(float64)
			sum += n
			if text, _ := line["text"].(map[string]any); text["zh"] == "" || text["en"] == "" {
				t.Errorf("%s: a line without words: %v", name, line)
			}
		}
		if sum != got.at("bill.due") {
			t.Errorf("%s: lines sum to %v", name, sum)
		}
	}
	got := w.post("/tariff-checks/bill", body{"text": holidays, "entry": "2024-06-10T10:00:00+08:00", "exit": "2024-06-11T02:00:00+08:00"})
	if got.text("calendar") != cal || got.text("calendar_version") != "2" || got.text("entry_day") != "holiday" || got.text("exit_day") != "workday" || got.text("name.en") != "Feast" {
		t.Errorf("judged by %v", got)
	}
}

func TestWhatIsTried(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	w.publish(id)
	w.write(id, perHour(700))
	stay := body{"entry": "2026-11-02T10:00:00Z", "exit": "2026-11-02T11:00:00Z"}
	for name, tc := range map[string]struct {
		in   body
		want string
	}{
		"the draft":     {body{"tariff": id}, "700"},
		"a version":     {body{"tariff": id, "version": 1}, "500"},
		"a text unseen": {body{"text": perHour(900)}, "900"},
	} {
		for k, v := range stay {
			tc.in[k] = v
		}
		if got := w.post("/tariff-checks/bill", tc.in); got.text("bill.due") != tc.want {
			t.Errorf("%s: %v, want %s", name, got, tc.want)
		}
	}
	for name, tc := range map[string]struct {
		in       body
		code, zh string
	}{
		"nothing to try":     {body{}, "tariff.source", ""},
		"two things to try":  {body{"text": perHour(1), "tariff": id}, "tariff.source", ""},
		"a broken text":      {body{"text": "{"}, "tariff.invalid", "不是有效的 JSON：第 1 行有错，请检查该处的括号、逗号和引号"},
		"out before in":      {body{"tariff": id, "exit": "2026-11-02T09:00:00Z"}, "tariff.stay", "离场比入场早 1小时：请改正时间"},
		"eleven years":       {body{"tariff": id, "exit": "2038-11-02T09:00:00Z"}, "tariff.stay", "停车超过十年：请改正时间"},
		"a coupon of 0":      {body{"tariff": id, "extras": body{"coupons": []body{{"kind": "amount"}}}}, "tariff.stay", "优惠券 coupon-1：金额 0 须大于 0"},
		"a card for no date": {body{"tariff": id, "extras": body{"pass": body{"valid_from": "2026-02-30"}}}, "tariff.stay", "须为 2026-10-01 这样的日期"},
	} {
		for k, v := range stay {
			if _, has := tc.in[k]; !has {
				tc.in[k] = v
			}
		}
		got, code := w.do(lottest.Admin, http.MethodPost, "/tariff-checks/bill", tc.in, 422)
		if code != tc.code {
			t.Errorf("%s: %s, want %s", name, code, tc.code)
		}
		if zh := got.text("errors.0.zh"); tc.zh != "" && zh != tc.zh {
			t.Errorf("%s: it says %v, want %s", name, got, tc.zh)
		}
	}
	if _, code := w.do(lottest.Admin, http.MethodPost, "/tariff-checks/bill", body{"tariff": id, "version": 2, "entry": stay["entry"], "exit": stay["exit"]}, 404); code != "tariff.no_version" {
		t.Errorf("version 2: %s", code)
	}
}

func TestLintProbesAndWords(t *testing.T) {
	w := newWorld(t)
	got := w.post("/tariff-checks/lint", body{"text": strings.Replace(perHour(500), `"unit":3600`, `"unit":-1`, 1)})
	if got.len("findings") != 1 || got.text("findings.0.level") != "error" || got.text("findings.0.place") != "plans[0].bands[0].steps[0].unit" {
		t.Errorf("of what cannot be read: %v", got)
	}
	if zh, en := got.text("findings.0.text.zh"), got.text("findings.0.text.en"); zh != "须为 1 至 316224000 秒，一口价则不写，现为 -1" || en != "want 1 to 316224000 seconds, or none for a flat price, got -1" {
		t.Errorf("it says %q and %q", zh, en)
	}
	if got = w.post("/tariff-checks/lint", body{"text": gap}); got.text("findings.0.code") != "gap" || got.text("findings.0.level") != "warning" {
		t.Errorf("of a gap: %v", got)
	}
	if got = w.post("/tariff-checks/lint", body{"text": perHour(500)}); got.len("findings") != 0 {
		t.Errorf("of nothing wrong: %v", got)
	}
	got = w.post("/tariff-checks/explain", body{"text": perHour(500)})
	if !strings.Contains(got.text("zh"), "¥5.00") || !strings.Contains(got.text("en"), "¥5.00") {
		t.Errorf("in words: %v", got)
	}
	got = w.post("/tariff-checks/probes", body{"text": perHour(500), "class": "small", "entry": "2026-11-02T10:00:00+08:00"})
	if got.len("probes") < 5 || got.text("probes.0.bill.due") != "0" || got.text("probes.0.name.en") == "" {
		t.Errorf("probes %v", got)
	}
	day := ""
	for i := range got.len("probes") {
		p := reply{"p": got.at("probes").([]any)[i]}
		if p.text("p.name.en") == "24 hours" {
			day = p.text("p.bill.due")
		}
	}
	if day != "5000" {
		t.Errorf("24 hours cost %s, want the cap of 5000", day)
	}
}

func TestAChartHasBothSidesOfEachJump(t *testing.T) {
	w := newWorld(t)
	got := w.post("/tariff-checks/chart", body{"text": perHour(500), "entry": "2026-11-02T10:00:00+08:00", "hours": 24})
	if got.at("exact") != true || got.len("points") > 500 || got.text("currency") != "CNY" {
		t.Fatalf("chart %v", got)
	}
	fees := map[int64]int64{}
	last := int64(-1)
	for _, p := range got.at("points").([]any) {
		x := reply(p.(map[string]any))
		s, due := int64(x.at("s").(float64)), int64(x.at("due").(float64))
		if s <= last {
			t.Fatalf("second %d comes after %d", s, last)
		}
		last, fees[s] = s, due
	}
	for s, want := range map[int64]int64{0: 0, 1: 500, 3600: 500, 3601: 1000, 9 * 3600: 4500, 9*3600 + 1: 5000, 24 * 3600: 5000} {
		if due, has := fees[s]; !has || due != want {
			t.Errorf("second %d: %d (among the points: %v), want %d", s, due, has, want)
		}
	}
	// A tariff by the second jumps too often: its points stand evenly.
	bySecond := `{"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","bands":[{"id":"any","steps":[{"unit":1,"price":1}]}]}]}`
	got = w.post("/tariff-checks/chart", body{"text": bySecond, "entry": "2026-11-02T10:00:00+08:00", "hours": 744})
	if n := got.len("points"); got.at("exact") != false || n > 500 || n < 400 || got.text("points.0.due") != "0" || reply(got.at("points").([]any)[n-1].(map[string]any)).text("due") != "2.6784e+06" {
		t.Errorf("%d points by the second, exact %v", n, got.at("exact"))
	}
	w.do(lottest.Admin, http.MethodPost, "/tariff-checks/chart", body{"text": bySecond, "entry": "2026-11-02T10:00:00+08:00", "hours": 745}, 422)
	// What is known of the stay counts: an hour's coupon moves every jump.
	got = w.post("/tariff-checks/chart", body{"text": perHour(500), "entry": "2026-11-02T10:00:00+08:00", "hours": 3, "extras": body{"coupons": []body{{"kind": "minutes", "minutes": 60}}}})
	for _, p := range got.at("points").([]any) {
		if x := reply(p.(map[string]any)); x.text("s") == "3600" && (x.text("due") != "0" || x.text("gross") != "500") {
			t.Errorf("an hour with its coupon: %v", x)
		}
	}
}
