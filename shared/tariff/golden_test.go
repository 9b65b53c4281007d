package tariff

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Run the tests of this package with -update to write the golden files anew, and read the difference before committing.
var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestGoldenBills(t *testing.T) {
	stays := map[string][]struct {
		entry, exit, class string
		ctx                Context
	}{
		"city-day-night": {
			{"2026-03-04 19:12:34", "2026-03-04 23:10:00", "small", Context{}},
			{"2026-03-04 10:00:00", "2026-03-06 11:30:00", "small", Context{}},
			{"2026-03-06 20:30:00", "2026-03-07 09:40:00", "large", Context{
				Rights:  []Right{{ID: "card-7", Kind: RightCover, Until: when(t, "2026-03-07 00:00:00")}},
				Coupons: []Coupon{{ID: "c-1", Kind: CouponMinutes, Minutes: 60}, {ID: "c-2", Kind: CouponPercent, Percent: 10}},
			}},
			{"2026-03-04 10:00:00", "2026-03-04 12:00:00", "police", Context{}},
		},
		"per-hour": {
			{"2026-03-04 22:30:00", "2026-03-05 22:30:00", "", Context{}},
			{"2026-03-04 10:00:00", "2026-03-04 13:05:00", "", Context{
				Payments: []Payment{{"pay-2", when(t, "2026-03-04 12:55:00"), 500}, {"pay-1", when(t, "2026-03-04 11:30:00"), 1000}},
			}},
		},
		"short-units": {
			{"2026-03-04 10:00:00", "2026-03-04 10:00:37", "", Context{}},
			{"2026-03-04 10:00:00", "2026-03-05 10:00:25", "", Context{Coupons: []Coupon{{ID: "c", Kind: CouponAmount, Amount: 500}}}},
		},
	}
	for name, list := range stays {
		var out strings.Builder
		for _, s := range list {
			out.WriteString(show(rate(t, load(t, name), testCalendar, s.entry, s.exit, s.class, s.ctx)) + "\n")
		}
		golden(t, name+".bills.txt", out.String())
	}
}

func TestGoldenExplanations(t *testing.T) {
	for _, name := range []string{"city-day-night", "per-hour", "short-units"} {
		zh, en := Explain(load(t, name))
		golden(t, name+".explain.txt", zh+"\n\n"+en+"\n")
	}
	zh, en := Explain(inline(t, "UTC", `"position":"stay","cycle":{"kind":"day"},
		"free":{"up_to":600,"then":"deduct","scope":"cycle"},
		"bands":[
			{"id":"w","day_types":["workday","market-day"],"from":"08:00","to":"20:00","steps":[{"up_to":3600,"price":0},{"up_to":7200,"unit":3600,"price":"500/3","end":"floor"},{"unit":3600,"price":300,"end":"started"}]},
			{"id":"n","from":"20:00","to":"23:00"},
			{"id":"x","day_types":["weekend"],"steps":[{"price":1000}]}],
		"caps":[{"amount":2000,"window":"day"},{"amount":9000,"window":"stay"}]`))
	golden(t, "settings.explain.txt", zh+"\n\n"+en+"\n")
}
