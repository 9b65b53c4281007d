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
			`"bands":[{"id":"a","day_types":["saterday"],` + hour + `},{"id":"b",` + hour + `}]`, []string{"warning day_type_unknown "},
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
	tf := plain(t, `"max_stay":{"length":600},"free":{"up_to":900,"scope":"chargeable"},"bands":[{"id":"a","steps":[{"unit":3600,"price":500}]}]`)
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
