package tariff_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

func TestRulesReachTheBoothsSigned(t *testing.T) {
	w := newWorld(t)
	before := w.get("/lots/riverside/rules")
	if before.text("rules.0.tariff") != "short" || before.text("rules.0.library") != "false" || before.text("rules.0.name.en") != "Demo" {
		t.Errorf("rules of a lot that was seeded: %v", before)
	}
	day, feast := w.tariff(perHour(500)), w.tariff(perHour(900))
	w.publish(day)
	w.publish(feast)
	w.Broker.On("booth-b", wire.ConfigDown)
	in := body{"config_number": 1, "rules": []body{
		{"class": "large", "tariff": "short", "version": 1},
		{"day_types": []string{"holiday", "sunday"}, "tariff": feast, "version": 1},
		{"from": "2027-01-01T00:00:00+08:00", "tariff": feast, "version": 1},
		{"tariff": day, "version": 1},
	}}
	for range 2 { // the same request again makes no other configuration
		got, _ := w.do(lottest.Admin, http.MethodPut, "/lots/riverside/rules", in, 200)
		if got.text("config_number") != "2" || got.len("rules") != 4 || got.text("rules.1.day_types.1") != "sunday" || got.text("rules.2.from") != "2026-12-31T16:00:00Z" || got.text("rules.3.latest") != "1" || got.text("rules.3.library") != "true" {
			t.Errorf("set %v", got)
		}
	}
	sent := w.Broker.On("booth-b", wire.ConfigDown)
	if len(sent) != 1 || !sent[0].Retained {
		t.Fatalf("%d configurations were sent", len(sent))
	}
	signed, err := wire.Decode[wire.Signed](sent[0].Payload)
	lottest.Must(t, err)
	c, err := wire.OpenConfig(signed, w.CA.ConfigPublicKey())
	lottest.Must(t, err)
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	lottest.Must(t, err)
	for _, tc := range []struct {
		class string
		at    time.Time
		want  string
	}{
		{"large", time.Date(2026, 11, 8, 12, 0, 0, 0, shanghai), "short"},
		{"small", time.Date(2026, 11, 8, 12, 0, 0, 0, shanghai), feast}, // a Sunday
		{"small", time.Date(2026, 11, 9, 12, 0, 0, 0, shanghai), day},
		{"small", time.Date(2027, 1, 4, 0, 0, 0, 0, shanghai), feast},
	} {
		ref, ok := c.TariffFor(tc.class, tc.at)
		if _, has := c.Tariff(ref); !ok || !has || ref.ID != tc.want {
			t.Errorf("a %s car that comes at %s gets %v (carried: %v), want %s", tc.class, tc.at, ref, has, tc.want)
		}
	}
}

func TestRulesThatCannotBeAreRefused(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	w.publish(id)
	archived := w.tariff(perHour(700))
	w.publish(archived)
	w.post("/tariffs/"+archived+"/archive", nil)
	yen := w.tariff(strings.Replace(perHour(500), "CNY", "JPY", 1))
	w.publish(yen)
	elsewhere := w.tariff(strings.Replace(perHour(500), "Asia/Shanghai", "Asia/Tokyo", 1))
	w.publish(elsewhere)
	all := body{"tariff": id, "version": 1}
	for name, tc := range map[string]struct {
		rules []body
		where string
	}{
		"no such version":           {[]body{{"tariff": id, "version": 2}}, "rules[0].tariff"},
		"no such tariff":            {[]body{{"tariff": "trf-01hzzzzzzzzzzzzzzzzzzzzzzz", "version": 1}}, "rules[0].tariff"},
		"not the lot's own either":  {[]body{{"tariff": "long", "version": 1}}, "rules[0].tariff"},
		"archived":                  {[]body{{"tariff": archived, "version": 1}}, "rules[0].tariff"},
		"other money":               {[]body{{"tariff": yen, "version": 1}}, "rules[0].tariff"},
		"other clock":               {[]body{{"tariff": elsewhere, "version": 1}}, "rules[0].tariff"},
		"nothing for some":          {[]body{{"class": "large", "tariff": id, "version": 1}}, "rules[0]"},
		"a rule that is never used": {[]body{all, {"class": "large", "tariff": id, "version": 1}}, "rules[1]"},
		"days nobody knows":         {[]body{{"day_types": []string{"feast"}, "tariff": id, "version": 1}, all}, "rules[0].day_types[0]"},
	} {
		status, text, _ := w.server.Raw(lottest.Admin, http.MethodPut, "/api/v1/lots/riverside/rules", body{"config_number": 1, "rules": tc.rules})
		if status != 422 || !strings.Contains(string(text), `"where":"body.`+tc.where+`"`) {
			t.Errorf("%s: %d %s, want %s named", name, status, text, tc.where)
		}
	}
	w.rules(all)
	if _, code := w.do(lottest.Admin, http.MethodPut, "/lots/riverside/rules", body{"config_number": 1, "rules": []body{{"tariff": "short", "version": 1}}}, 409); code != "lot.changed" {
		t.Errorf("rules made on an old configuration: %s", code)
	}
	if n := w.config().Number; n != 2 {
		t.Errorf("configuration %d, want 2", n)
	}
}

// What the library holds is not to be forged by whoever writes lots, and what a lot reads can be written back.
func TestOnlyTheLibraryGivesItsTariffs(t *testing.T) {
	w := newWorld(t)
	id := w.library(500)
	c := w.config()
	spec := lottest.Spec(t, "booth")
	spec.Rules = c.Rules
	spec.Tariffs = c.Tariffs
	if _, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, scope.System("test"), "riverside", 2, spec); err != nil {
		t.Errorf("what was read is not taken back: %v", err)
	}
	forged, _ := c.Tariff(fact.TariffRef{ID: id, Version: 1})
	forged.Version = 2
	spec.Tariffs = []tariff.Tariff{forged}
	if _, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, scope.System("test"), "riverside", 3, spec); err == nil || !strings.Contains(err.Error(), "tariff.of_library") {
		t.Errorf("a forged version 2: %v", err)
	}
}

// Whoever edits the rest of a lot does not lose what its rules say of days and times.
func TestALotIsWrittenBackWithItsRules(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	w.publish(id)
	w.rules(
		body{"day_types": []string{"holiday", "sunday"}, "from": "2027-01-01T00:00:00+08:00", "tariff": "short", "version": 1},
		body{"tariff": id, "version": 1},
	)
	before := w.config()
	read := w.get("/lots/riverside")
	if read.text("tariff.id") != id {
		t.Errorf("who comes now gets %v", read.at("tariff"))
	}
	update := body{"capacity": 7}
	for _, k := range []string{"config_number", "kind", "name", "tz", "currency", "lanes", "tariffs", "rules", "policy"} {
		update[k] = read.at(k)
	}
	update["booths"] = []body{
		{"id": "booth-a", "name": body{"zh": "入口岗亭", "en": "Entry booth"}, "voter": true}, {"id": "booth-b", "name": body{"zh": "出口岗亭", "en": "Exit booth"}},
	}
	w.do(lottest.Admin, http.MethodPut, "/lots/riverside", update, 200)
	after := w.config()
	if after.Capacity != 7 || after.Number != before.Number+1 || len(after.Rules) != 2 || !after.Rules[0].From.Equal(before.Rules[0].From) || len(after.Rules[0].DayTypes) != 2 {
		t.Errorf("before %+v, after %+v", before.Rules, after.Rules)
	}
}
