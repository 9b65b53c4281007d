package tariff

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/tariff/strict"
)

func TestDecodeListsEveryFault(t *testing.T) {
	_, err := Decode([]byte(`{
		"id": "", "version": 0, "name": {"zh": "甲"}, "tz": "Asia/Shangri-La", "currency": "yuan", "colour": "red",
		"grace_after_payment": -1,
		"plans": [
			{"id": "a", "position": "world", "cycle": {"kind": "week"}, "free": {"up_to": 0, "then": "maybe", "scope": "run"},
			 "bands": [
				{"id": "b", "from": "25:00", "to": "8:00", "day_types": [""], "steps": [
					{"up_to": 7200, "unit": 60, "price": 1.5},
					{"up_to": 3600, "unit": -1, "price": "-1/3"},
					{"up_to": 9000, "end": "ceil"},
					{"unit": 60, "price": 1, "end": "round"}]},
				{"id": "b", "steps": [{"up_to": 60, "unit": 60, "price": 1}]}],
			 "caps": [{"amount": 0, "window": "day", "length": 5}, {"amount": 5, "window": "block"}, {"amount": 5, "window": "moon"}]},
			{"id": "a", "classes": ["small", ""]}
		]}`))
	want := `tariff: tz: time zone "Asia/Shangri-La" is not known: want the name of a place like Asia/Shanghai
colour: no such key; there are id, version, name, tz, currency, precision, plans, rounding, grace_after_payment, after_payment, reentry, passes, booking, coupons
plans[0].bands[0].from: "25:00" is not a time of day like 08:00
plans[0].bands[0].to: "8:00" is not a time of day like 08:00
plans[0].bands[0].steps[0].price: 1.5 is not a price: want minor units like 150 or "5/3"
id: is missing: write one
version: want 1 or more, got 0
name: want both zh and en, or one string for both
currency: want three capital letters like CNY, got "yuan"
grace_after_payment: want 0 to 86400 seconds, got -1
plans[0].position: want one of run, cycle, stay, got "world"
plans[0].cycle.kind: want one of block, day, got "week"
plans[0].bands[0].day_types[0]: is empty: write something or leave it out
plans[0].bands[0].steps[1].up_to: want more than the 7200 of the step before, and at most 316224000, got 3600
plans[0].bands[0].steps[1].unit: want 1 to 316224000 seconds, or none for a flat price, got -1
plans[0].bands[0].steps[1].price: want 0 to 1000000000000 with a denominator up to 1000000000, got -1/3
plans[0].bands[0].steps[2].price: is missing; write 0 for no charge
plans[0].bands[0].steps[2].end: belongs to a step with a unit only: leave it out
plans[0].bands[0].steps[3].end: want one of ceil, floor, tail, started, exact, got "round"
plans[0].bands[1].steps[0].up_to: the last step has none: what comes after it would have no price (write a step with price 0 for no charge)
plans[0].bands[1].id: "b" is the id of an earlier band: give it another
plans[0].free.up_to: want 1 to 316224000 seconds, got 0
plans[0].free.then: want one of whole, deduct, got "maybe"
plans[0].caps[0].amount: want 1 to 1000000000000, got 0
plans[0].caps[0].length: belongs to a block only: leave it out
plans[0].caps[1].length: want 1 to 316224000 seconds, got 0
plans[0].caps[2].window: want one of stay, run, cycle, block, day, clock, got "moon"
plans[0]: this plan fits every stay, so those after it are never used: move it to the end or say for whom it is
plans[1].classes[1]: is empty: write something or leave it out
plans[1]: the last plan must fit every stay: leave out its classes, entitlements and day_types
plans[1].id: "a" is the id of an earlier plan: give it another`
	if err == nil {
		t.Fatal("accepted")
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestExamplesReadBack(t *testing.T) {
	for _, name := range []string{"city-day-night", "per-hour", "short-units"} {
		tf := load(t, name)
		out, err := json.Marshal(tf)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tf, again); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestPricesWithoutCommonDenominatorAreRefused(t *testing.T) {
	_, err := Decode([]byte(`{"id":"x","version":1,"name":{"zh":"甲","en":"x"},"tz":"UTC","currency":"CNY","plans":[{"id":"p","bands":[
		{"id":"b","steps":[{"up_to":60,"unit":1,"price":"1/9973"},{"up_to":120,"unit":1,"price":"1/9967"},{"unit":1,"price":"1/9949"}]}]}]}`))
	if err == nil || !strings.Contains(err.Error(), "common denominator") {
		t.Errorf("got %v", err)
	}
}

func TestZoneAndClockText(t *testing.T) {
	for _, bad := range []string{"", "Local", "Mars/Phobos", "../etc/passwd"} {
		if z, err := LoadZone(bad); err == nil {
			t.Errorf("zone %q was taken as %s", bad, z)
		}
	}
	for text, want := range map[string]Clock{"00:00": 0, "08:30": 30600, "23:59:59": 86399, "24:00": 86400} {
		var c Clock
		if err := c.UnmarshalText([]byte(text)); err != nil || c != want || c.String() != text {
			t.Errorf("%q = %d (%s), %v; want %d", text, c, c, err, want)
		}
	}
	for _, bad := range []string{"", "8", "8:00", "24:00:01", "12:60", "12:00:00:00", "-1:00", "aa:bb", "12:0١"} {
		var c Clock
		if err := c.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("clock %q was taken as %s", bad, c)
		}
	}
}

// Whatever Decode accepts can be written, read, explained and rated.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != 4 {
		f.Fatalf("%d example tariffs, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"id":"x","version":1,"name":{"zh":"甲","en":"x"},"tz":"UTC","currency":"CNY","plans":[{"id":"p","cycle":{"kind":"block","length":1},"bands":[{"id":"b","steps":[{"price":"1/3"}]}],"caps":[{"amount":1,"window":"block","length":2}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tf, err := Decode(data)
		if err != nil {
			told := strict.In(err)
			for _, fault := range told {
				if fault.ZH() == "" || fault.EN() == "" || (strings.Contains(fault.ZH()+fault.EN(), "%!") && !bytes.Contains(data, []byte("%!"))) {
					t.Fatalf("%s: at %q it says %q and %q", data, fault.Place, fault.ZH(), fault.EN())
				}
			}
			if len(told) == 0 {
				t.Fatalf("%s: refused for no fault: %v", data, err)
			}
			return
		}
		out, err := json.Marshal(tf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(out); err != nil {
			t.Fatalf("%s was accepted, but not what was written from it, %s: %v", data, out, err)
		}
		if zh, en := Explain(tf); zh == "" || en == "" {
			t.Fatalf("no explanation of %s", data)
		}
		entry := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
		b, err := Rate(tf, calendar.Calendar{}, Stay{Entry: entry, Exit: entry.Add(26*time.Hour + time.Second)}, Context{})
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		sound(t, b)
	})
}
