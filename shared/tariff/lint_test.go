package tariff

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lotkeeper/shared/calendar"
)

// plain is a tariff whose only plan has these keys.
func plain(t testing.TB, keys string) Tariff {
	t.Helper()
	out, err := Decode(fmt.Appendf(nil, `{"id":"x","version":1,"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"p",%s}]}`, keys))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLint(t *testing.T) {
	holidays := calendar.Calendar{ID: "cn", Version: 1, Dates: map[calendar.Date]string{{Year: 2026, Month: 10, Day: 1}: calendar.Holiday}}
	hour := `"steps":[{"unit":3600,"price":500}]`
	for name, c := range map[string]struct {
		keys string
		want []string // level, code and place of each finding
	}{
		"nothing odd": {`"bands":[{"id":"a",` + hour + `}]`, nil},
		"no charge":   {`"bands":[]`, nil},
		"a band that earlier ones cover": {
			`"bands":[{"id":"a","from":"08:00","to":"20:00",` + hour + `},{"id":"b","from":"20:00","to":"08:00",` + hour + `},{"id":"c","from":"09:00","to":"10:00",` + hour + `}]`,
			[]string{"error band_unreachable plans[0].bands[2]"},
		},
		"a band of days that another covers": {
			`"bands":[{"id":"a","day_types":["workday","weekend"],` + hour + `},{"id":"b","day_types":["saturday"],` + hour + `},{"id":"c","day_types":["holiday"],` + hour + `}]`,
			[]string{"error band_unreachable plans[0].bands[1]"},
		},
		"a step beyond its band": {
			`"bands":[{"id":"a","from":"08:00","to":"12:00","steps":[{"up_to":14400,"unit":3600,"price":500},{"unit":3600,"price":100}]},{"id":"b",` + hour + `}]`,
			[]string{"error step_unreachable plans[0].bands[0].steps[1]"},
		},
		"the same step counted over the stay": {
			`"position":"stay","bands":[{"id":"a","from":"08:00","to":"12:00","steps":[{"up_to":14400,"unit":3600,"price":500},{"unit":3600,"price":100}]},{"id":"b",` + hour + `}]`, nil,
		},
		"a step beyond its cycle": {
			`"position":"cycle","cycle":{"kind":"block","length":86400},"bands":[{"id":"a","steps":[{"up_to":86400,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`,
			[]string{"error step_unreachable plans[0].bands[0].steps[1]"},
		},
		"time that no band covers": {
			`"bands":[{"id":"a","from":"08:00","to":"20:00",` + hour + `}]`, []string{"warning gap plans[0].bands"},
		},
		"free time that is meant": {
			`"bands":[{"id":"a","from":"08:00","to":"20:00",` + hour + `},{"id":"night"}]`, nil,
		},
		"a day type that never comes": {
			`"bands":[{"id":"a","day_types":["saterday"],` + hour + `},{"id":"b",` + hour + `}]`, []string{"warning day_type_unknown plans[0].bands[0].day_types[0]"},
		},
		"a fee that falls": {
			`"guards":[{"id":"early","entry":{"from":"06:00","to":"09:00"},"exit":{"from":"15:00","to":"19:00"},"price":1400}],"bands":[{"id":"a",` + hour + `}]`,
			[]string{"warning not_monotone plans[0]"},
		},
		"a full day cheaper than its hours": {
			`"cycle":{"kind":"block","length":86400,"full_price":6000},"bands":[{"id":"a",` + hour + `}]`, []string{"warning not_monotone plans[0]"},
		},
		"the same under a cap": {
			`"cycle":{"kind":"block","length":86400,"full_price":6000},"caps":[{"amount":6000,"window":"cycle"}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"a step beyond its day": {
			`"position":"cycle","cycle":{"kind":"day"},"bands":[{"id":"a","steps":[{"up_to":93600,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`,
			[]string{"warning step_unreachable plans[0].bands[0].steps[1]"},
		},
		"a step at the end of its day": {
			`"position":"cycle","cycle":{"kind":"day"},"bands":[{"id":"a","steps":[{"up_to":86400,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`, nil,
		},
		"a step beyond its cycle of elapsed time": {
			`"position":"cycle","counted":"elapsed","cycle":{"kind":"block","length":43200},"bands":[{"id":"a","steps":[{"up_to":43200,"unit":3600,"price":500},{"unit":3600,"price":100}]}]`,
			[]string{"warning step_unreachable plans[0].bands[0].steps[1]"},
		},
		"a second cap that is no lower": {
			`"caps":[{"amount":2000,"window":"day"},{"amount":2500,"window":"day"}],"bands":[{"id":"a",` + hour + `}]`, []string{"warning cap_unreachable plans[0].caps[1]"},
		},
		"the same cap twice": {
			`"caps":[{"amount":2000,"window":"day"},{"amount":2000,"window":"day"}],"bands":[{"id":"a",` + hour + `}]`, []string{"warning cap_unreachable plans[0].caps[1]"},
		},
		"a lower cap of the first day": {
			`"caps":[{"amount":2500,"window":"day"},{"amount":2000,"window":"day","times":1}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"a higher cap of the first day": {
			`"caps":[{"amount":2500,"window":"day","times":1},{"amount":2000,"window":"day"}],"bands":[{"id":"a",` + hour + `}]`, []string{"warning cap_unreachable plans[0].caps[0]"},
		},
		"a higher cap before another that lies between": {
			`"caps":[{"amount":2500,"window":"day"},{"amount":200,"window":"clock","from":"00:00","to":"08:00"},{"amount":2000,"window":"day"}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"as much for the first day": {
			`"caps":[{"amount":2000,"window":"day","times":1},{"amount":2000,"window":"day"}],"bands":[{"id":"a",` + hour + `}]`, []string{"warning cap_unreachable plans[0].caps[0]"},
		},
		"caps of other windows": {
			`"caps":[{"amount":2000,"window":"day"},{"amount":2500,"window":"day","at":"06:00"},{"amount":2500,"window":"clock","from":"06:00","to":"18:00"},{"amount":2500,"window":"day","bands":["a"],"at":"07:00"}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"a guard that an earlier one always wins over": {
			`"guards":[{"id":"wide","entry":{"from":"18:00","to":"08:00"},"price":300},{"id":"narrow","entry":{"from":"22:00","to":"06:00","day_types":["friday"]},"price":200}],"bands":[{"id":"a",` + hour + `}]`,
			[]string{"warning guard_unreachable plans[0].guards[1]"},
		},
		"a guard that is wider than the one before": {
			`"guards":[{"id":"narrow","entry":{"from":"22:00","to":"06:00","day_types":["friday"]},"price":200},{"id":"wide","entry":{"from":"18:00","to":"08:00"},"price":300}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"guards that apply where cheaper, the lower price first": {
			`"guards":[{"id":"x","entry":{"from":"18:00","to":"08:00"},"cheaper":true,"price":300},{"id":"y","entry":{"from":"18:00","to":"08:00"},"cheaper":true,"price":400}],"bands":[{"id":"a",` + hour + `}]`,
			[]string{"warning guard_unreachable plans[0].guards[1]"},
		},
		"guards that apply where cheaper, a plain one after": {
			`"guards":[{"id":"x","entry":{"from":"18:00","to":"08:00"},"cheaper":true,"price":300},{"id":"y","entry":{"from":"18:00","to":"08:00"},"price":400}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"a guard of which the last second is outside the one before": {
			`"guards":[{"id":"x","entry":{"from":"18:00","to":"20:00"},"price":300},{"id":"y","entry":{"from":"18:00","to":"20:00"},"inclusive":true,"price":400}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"guards of which the later allows a longer stay": {
			`"guards":[{"id":"x","at_most":3600,"cheaper":true,"price":300},{"id":"y","at_most":7200,"cheaper":true,"price":300}],"bands":[{"id":"a",` + hour + `}]`, nil,
		},
		"guards with an exit by the same hour": {
			`"guards":[{"id":"x","entry":{"from":"06:00","to":"09:00"},"exit":{"to":"19:00"},"cheaper":true,"price":300},{"id":"y","entry":{"from":"06:00","to":"09:00"},"exit":{"to":"18:00"},"cheaper":true,"price":300}],"bands":[{"id":"a",` + hour + `}]`,
			[]string{"warning guard_unreachable plans[0].guards[1]"},
		},
		"a full price above the cap": {
			`"cycle":{"kind":"block","length":86400,"full_price":6000},"caps":[{"amount":5000,"window":"cycle"}],"bands":[{"id":"a",` + hour + `}]`,
			[]string{"warning full_price_capped plans[0].cycle.full_price"},
		},
		"totals where differences are wanted": {
			`"bands":[{"id":"a","steps":[{"up_to":900,"price":0},{"up_to":3600,"price":410},{"up_to":7200,"price":770},{"price":1060}]}]`,
			[]string{"warning flat_steps_add_up plans[0].bands[0].steps"},
		},
		"differences of which some rise": {
			`"bands":[{"id":"a","steps":[{"up_to":1800,"price":1200},{"up_to":3600,"price":600},{"up_to":7200,"price":700},{"price":1000}]}]`, nil,
		},
		"a scope without its cycle": {
			`"position":"cycle","bands":[{"id":"a",` + hour + `}]`, []string{"warning no_cycle plans[0]"},
		},
		"hours that a free time each run swallows": {
			`"free":{"up_to":600,"scope":"run"},"entry_rounding":{"unit":3600,"mode":"up"},"cycle":{"kind":"day","starts":[{"at":"00:00"},{"at":"00:30"},{"at":"01:00"},{"at":"01:30"},{"at":"02:00"}]},"bands":[{"id":"a",` + hour + `}]`, nil,
		},
	} {
		var got []string
		for _, f := range Lint(plain(t, c.keys), holidays) {
			got = append(got, fmt.Sprintf("%s %s %s", f.Level, f.Code, f.Place))
			if f.Text.ZH == "" || f.Text.EN == "" || strings.Contains(f.Text.ZH+f.Text.EN, "%!") {
				t.Errorf("%s: the text is %+v", name, f.Text)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestLintOfSeveralPlans(t *testing.T) {
	tf, err := Decode([]byte(`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[
		{"id":"a","classes":["small","large"]},{"id":"b","classes":["large"]},{"id":"c","classes":["bus"]},{"id":"d"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	found := Lint(tf, calendar.Calendar{})
	if len(found) != 1 || found[0].Code != LintPlanShadowed || found[0].Place != "plans[1]" {
		t.Errorf("got %+v", found)
	}
	if Lint(Tariff{}, calendar.Calendar{}) != nil {
		t.Error("a tariff that is none has findings")
	}
}

// TestFreeHole: what a rule editor elsewhere let through, free after an hour, is told.
func TestFreeHole(t *testing.T) {
	tf := plain(t, `"free":{"up_to":900},"minimum":0,"multiplier":"1/1000","bands":[{"id":"a","steps":[{"unit":3600,"price":100}]}]`)
	found := Lint(tf, calendar.Calendar{})
	if len(found) != 1 || found[0].Code != LintFreeHole {
		t.Errorf("got %+v", found)
	}
}

func TestProbes(t *testing.T) {
	tf := plain(t, `"free":{"up_to":900,"inclusive":true},"bands":[
		{"id":"d","from":"08:00","to":"20:00","steps":[{"up_to":3600,"price":500},{"unit":1800,"price":200}]},
		{"id":"n","from":"20:00","to":"08:00","steps":[{"unit":14400,"price":200}]}]`)
	entry := when(t, "2026-03-04 19:00:00")
	probes := Probes(tf, calendar.Calendar{}, "", entry)
	var lengths []int64
	for _, p := range probes {
		if p.Name.ZH == "" || p.Name.EN == "" || !p.Stay.Entry.Equal(entry) {
			t.Errorf("%+v", p)
		}
		lengths = append(lengths, int64(p.Stay.Exit.Sub(p.Stay.Entry)/time.Second))
	}
	for _, want := range []int64{0, 900, 901, 3599, 3600, 3601, 14400, 14401, 5*3600 - 1, 5 * 3600, 13*3600 - 1, 13 * 3600, 13*3600 + 1, day, day + 1, 2 * day} {
		if !slices.Contains(lengths, want) {
			t.Errorf("no probe of %d s in %d", want, lengths)
		}
	}
	if !slices.IsSorted(lengths) || len(slices.Compact(slices.Clone(lengths))) != len(lengths) {
		t.Errorf("not in order, or twice the same: %d", lengths)
	}
	abroad := tf
	abroad.TZ, _ = LoadZone("Europe/Paris")
	changes := when(t, "2026-03-29T01:00:00Z")
	if !slices.ContainsFunc(Probes(abroad, calendar.Calendar{}, "", entry), func(p Probe) bool { return p.Stay.Exit.Equal(changes) }) {
		t.Errorf("no probe of %s, when clocks change", changes)
	}
	if Probes(Tariff{}, calendar.Calendar{}, "", entry) != nil {
		t.Error("a tariff that is none has probes")
	}
}

// TestFreeAgain: who pays and stays on has free time again, which is told where it is longer than the time to leave in.
func TestFreeAgain(t *testing.T) {
	for free, want := range map[string]bool{
		`{"up_to":1800}`: true, `{"up_to":900,"inclusive":true}`: false, `{"up_to":1800,"once_per":{"window":"day"}}`: false,
	} {
		tf := plain(t, `"free":`+free+`,"bands":[{"id":"a","steps":[{"unit":3600,"price":500}]}]`)
		tf.GraceAfterPayment, tf.AfterPayment = 900, AfterNewStay
		found := Lint(tf, calendar.Calendar{})
		if got := len(found) == 1 && found[0].Code == LintFreeAgain && found[0].Place == "plans[0].free"; got != want {
			t.Errorf("%s: got %+v", free, found)
		}
		tf.AfterPayment = AfterRerate
		if found := Lint(tf, calendar.Calendar{}); len(found) != 0 {
			t.Errorf("%s, priced as one stay: got %+v", free, found)
		}
	}
}

// TestLintTellsAGapOnce: plans that share their bands share the finding.
func TestLintTellsAGapOnce(t *testing.T) {
	bands := `"bands":[{"id":"a","from":"08:00","to":"20:00","steps":[{"unit":3600,"price":500}]}]`
	tf, err := Decode(fmt.Appendf(nil, `{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"a","classes":["bus"],%[1]s},{"id":"b",%[1]s}]}`, bands))
	if err != nil {
		t.Fatal(err)
	}
	found := Lint(tf, calendar.Calendar{})
	if len(found) != 1 || found[0].Place != "plans[0].bands" || !strings.Contains(found[0].Text.EN, "the same in plans[1]") || !strings.Contains(found[0].Text.ZH, "plans[1]同") {
		t.Errorf("got %+v", found)
	}
}

func TestLintSuggestsADayType(t *testing.T) {
	cal := calendar.Calendar{ID: "cn", Version: 1, Dates: map[calendar.Date]string{{Year: 2026, Month: 10, Day: 1}: "PH"}}
	for word, want := range map[string]string{"saterday": "saturday", "Workdays": "workday", "ph": "PH", "market-day": ""} {
		found := Lint(plain(t, fmt.Sprintf(`"caps":[{"amount":100,"window":"clock","from":"08:00","to":"09:00","day_types":[%q]}],"bands":[{"id":"a","steps":[{"unit":3600,"price":500}]}]`, word)), cal)
		if len(found) != 1 || found[0].Code != LintDayType || found[0].Place != "plans[0].caps[0].day_types[0]" {
			t.Errorf("%s: got %+v", word, found)
			continue
		}
		hint := fmt.Sprintf("is it %q?", want)
		if got := strings.Contains(found[0].Text.EN, "is it"); got != (want != "") || got && !strings.Contains(found[0].Text.EN, hint) {
			t.Errorf("%s: got %q, want a hint at %q", word, found[0].Text.EN, want)
		}
	}
}
