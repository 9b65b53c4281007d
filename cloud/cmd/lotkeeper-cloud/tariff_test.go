package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lotkeeper/shared/tariff/cases"
)

const corpus = "../../../shared/tariff/testdata/corpus/"

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTariffQuote(t *testing.T) {
	code, out, errs := command(t, "tariff", "quote", "--tariff", corpus+"cn-chongqing-jiangbei-t3.yaml",
		"--entry", "2024-05-15T10:00:00+08:00", "--exit", "2024-05-15T13:00:00+08:00")
	if code != 0 || !strings.Contains(out, "total due ¥18.00 (1800)") || !strings.Contains(out, "4 × 30 minutes") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	extras := write(t, filepath.Join(t.TempDir(), "extras.yaml"), "coupons: [{kind: percent, percent_off: 20}]\n")
	code, out, errs = command(t, "tariff", "quote", "--json", "--tariff", corpus+"cn-chongqing-jiangbei-t3.yaml", "--extras", extras,
		"--entry", "2024-05-15T02:00:00Z", "--exit", "2024-05-15T05:00:00Z")
	var bill struct {
		Due, Gross, Free int64
		Lines            []struct{ Amount int64 }
	}
	if err := json.Unmarshal([]byte(out), &bill); err != nil || code != 0 || bill.Due != 1440 || bill.Free != 360 {
		t.Errorf("%d %v %+v\n%s%s", code, err, bill, out, errs)
	}
	calendar := write(t, filepath.Join(t.TempDir(), "days.yaml"), "{id: us, version: 1, dates: {2024-07-04: PH}}\n")
	for day, want := range map[string]string{"2024-07-04": "total due $0.00", "2024-07-05": "total due $14.50"} {
		code, out, errs = command(t, "tariff", "quote", "--tariff", corpus+"us-nyc-m1-passenger-2023.yaml", "--calendar", calendar,
			"--entry", day+"T10:00:00-04:00", "--exit", day+"T12:00:00-04:00", "--class", "car")
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %d, want %q\n%s%s", day, code, want, out, errs)
		}
	}
}

func TestTariffMergeKeysAreOverridden(t *testing.T) {
	doc := "id: x\nversion: 1\nname: x\ntz: UTC\ncurrency: CNY\nplans:\n" +
		"  - &base {id: large, classes: [large], bands: [{id: b, steps: [{unit: 1h, price: 500}]}]}\n" +
		"  - {<<: *base, id: all, classes: []}\n"
	file := write(t, filepath.Join(t.TempDir(), "merged.yaml"), doc)
	code, out, errs := command(t, "tariff", "quote", "--tariff", file, "--entry", "2024-05-15T10:00:00Z", "--exit", "2024-05-15T11:00:01Z")
	if code != 0 || !strings.Contains(out, "total due ¥10.00") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

func TestTariffMistakesAreTold(t *testing.T) {
	dir := t.TempDir()
	bad := write(t, filepath.Join(dir, "bad.yaml"), "id: x\nversion: 1\nname: x\ntz: UTC\ncurrency: CNY\nplans: [{id: p, band: [], bands: [{id: b, steps: [{price: 2.5}]}]}]\n")
	broken := write(t, filepath.Join(dir, "broken.yaml"), "id: [1, 2\n")
	good := corpus + "jp-24h-max-repeating.yaml"
	extras := write(t, filepath.Join(dir, "extras.json"), `{"cupons": []}`)
	stay := []string{"--entry", "2024-05-15T10:00:00+09:00", "--exit", "2024-05-15T13:00:00+09:00"}
	for _, tc := range []struct {
		args []string
		code int
		want []string
	}{
		{append([]string{"tariff", "quote", "--tariff", bad}, stay...), 1, []string{"plans[0].band: no such key", "plans[0].bands[0].steps[0].price", "minor units"}},
		{append([]string{"tariff", "quote", "--tariff", broken}, stay...), 1, []string{"broken.yaml"}},
		{append([]string{"tariff", "quote", "--tariff", good, "--extras", extras}, stay...), 1, []string{"cupons"}},
		{[]string{"tariff", "quote", "--tariff", good, "--entry", "yesterday", "--exit", "now"}, 2, []string{"--entry"}},
		{[]string{"tariff", "quote", "--tariff", good, "--exit", stay[1], "--entry", stay[3]}, 1, []string{"before it begins"}},
		{[]string{"tariff", "quote", "--tariff", filepath.Join(dir, "none.yaml"), "--entry", stay[1], "--exit", stay[3]}, 2, []string{"none.yaml"}},
		{[]string{"tariff", "explain", "--tariff", bad}, 1, []string{"plans[0].band"}},
	} {
		code, out, errs := command(t, tc.args...)
		for _, want := range tc.want {
			if code != tc.code || !strings.Contains(errs, want) {
				t.Errorf("%v: %d, want %d and %q\n%s%s", tc.args, code, tc.code, want, out, errs)
			}
		}
	}
}

func TestTariffCheck(t *testing.T) {
	last := func(text string) string {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		return lines[len(lines)-1]
	}
	code, out, errs := command(t, "tariff", "check", "--tariffs", corpus, "--cases", corpus+"cases.json")
	if code != 0 || last(out) != "439 passed, 0 failed, 0 tariffs missing" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}

	dir := t.TempDir()
	text, err := os.ReadFile(corpus + "jp-24h-max-repeating.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.yaml"), string(text))
	write(t, filepath.Join(dir, "b.json"), `{"id": "b"}`)
	file := write(t, filepath.Join(dir, "cases.json"), `{"cases": [
		{"case_id": "right", "tariff_id": "a", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:01+09:00", "expected_minor_units": 200},
		{"case_id": "wrong", "tariff_id": "a", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 200},
		{"case_id": "flagged", "tariff_id": "a", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 100, "flags": ["max_stay_exceeded"]},
		{"case_id": "unusable", "tariff_id": "b", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 100},
		{"case_id": "unknown extras", "tariff_id": "a", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 100, "extras": {"balloons": 3}},
		{"case_id": "outside", "tariff_id": "../a", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 100},
		{"case_id": "missing", "tariff_id": "c", "entry": "2024-05-15T10:00:00+09:00", "exit": "2024-05-15T10:10:00+09:00", "expected_minor_units": 100}]}`)
	code, out, errs = command(t, "tariff", "check", "--tariffs", dir, "--cases", file)
	if code != 1 || last(out) != "1 passed, 5 failed, 1 tariffs missing" || errs != "" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"wrong (), class", "want 200, got 100", "JP¥100", "flags [max_stay_exceeded]", "b cannot be used", "version: want 1", "balloons", "there is no tariff c"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not told:\n%s", want, out)
		}
	}
	_, out, _ = command(t, "tariff", "check", "--json", "--tariffs", dir, "--cases", file)
	var report cases.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Passed != 1 || report.Failed != 5 || len(report.Mismatches) != 5 || len(report.Missing) != 1 {
		t.Errorf("%v %+v\n%s", err, report, out)
	}
}

func TestTariffLintAndExplain(t *testing.T) {
	dir := t.TempDir()
	odd := write(t, filepath.Join(dir, "odd.yaml"), `
id: odd
version: 1
name: Odd
tz: Asia/Shanghai
currency: CNY
plans:
  - id: all
    bands:
      - {id: always, steps: [{unit: 1h, price: 500}]}
      - {id: never, from: "08:00", to: "09:00", steps: [{unit: 1h, price: 100}]}
`)
	code, out, errs := command(t, "tariff", "lint", "--tariff", odd)
	if code != 1 || !strings.Contains(out, "error band_unreachable at plans[0].bands[1]") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = command(t, "tariff", "lint", "--tariff", corpus+"jp-24h-max-repeating.yaml")
	if code != 0 || !strings.Contains(out, "0 findings") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = command(t, "tariff", "explain", "--tariff", corpus+"cn-chongqing-jiangbei-t3.yaml")
	if code != 0 || !strings.Contains(out, "每30分钟¥2.50") || !strings.Contains(out, "At most ¥80.00 per 24 hours") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}
