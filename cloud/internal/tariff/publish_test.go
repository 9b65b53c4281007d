package tariff_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

func TestADraftBecomesVersionsThatNobodyChanges(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	got := w.publish(id, body{"note": "the beginning"})
	if got.text("version.version") != "1" || got.text("same") != "false" || got.text("version.by") != "user:usr_admin" || got.text("version.note") != "the beginning" {
		t.Fatalf("published %v", got)
	}
	after := w.get("/tariffs/" + id)
	if after.at("draft") != nil || after.text("latest") != "1" || after.text("number") != "2" {
		t.Errorf("after publishing %v", after)
	}
	w.write(id, strings.Replace(perHour(600), `{`, `{"id":"mine","version":77,`, 1))
	if got := w.publish(id); got.text("version.version") != "2" {
		t.Errorf("the document's own number counted: %v", got)
	}
	v := w.get("/tariffs/" + id + "/versions/2")
	if v.text("document.id") != id || v.text("document.version") != "2" || v.text("document.plans.0.bands.0.steps.0.price") != "600" || !strings.Contains(v.text("explain.zh"), "6.00") || v.text("explain.en") == "" {
		t.Errorf("version 2 is %v", v)
	}
	if got := w.get("/tariffs/" + id); got.len("versions") != 2 || got.text("versions.0.version") != "2" || got.text("versions.1.note") != "the beginning" {
		t.Errorf("versions %v", got.at("versions"))
	}
	if _, code := w.do(lottest.Admin, http.MethodGet, "/tariffs/"+id+"/versions/3", nil, 404); code != "tariff.no_version" {
		t.Errorf("version 3: %s", code)
	}
	for _, sql := range []string{`UPDATE library_versions SET note = 'x'`, `DELETE FROM library_versions`, `TRUNCATE library_versions CASCADE`} {
		if _, err := w.DB.SQL().ExecContext(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'tariff.publish' AND (after->>'version')::int = (before->>'latest')::int + 1`); n != 2 {
		t.Errorf("%d rows tell of the publishing, want 2", n)
	}
}

func TestPublishingAgainPublishesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	in := body{"number": 1, "accept_warnings": true}
	for i := range 3 {
		if got := w.post("/tariffs/"+id+"/publish", in); got.text("version.version") != "1" || got.at("same") != (i > 0) {
			t.Errorf("time %d: %v", i+1, got)
		}
	}
	// A draft that says what the latest version says makes no other, however it is written.
	w.write(id, strings.ReplaceAll(perHour(500), ",", " ,\n "))
	if got := w.publish(id); got.text("version.version") != "1" || got.text("same") != "true" {
		t.Errorf("an unchanged tariff: %v", got)
	}
	if n := w.Count(`SELECT count(*) FROM library_versions`); n != 1 {
		t.Errorf("%d versions, want 1", n)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'tariff.publish'`); n != 1 {
		t.Errorf("%d audit rows, want 1", n)
	}
	in["number"] = 99
	if _, code := w.do(lottest.Admin, http.MethodPost, "/tariffs/"+id+"/publish", in, 409); code != "tariff.changed" {
		t.Errorf("a number that never was: %s", code)
	}
	in["number"] = 2
	w.do(lottest.Admin, http.MethodDelete, "/tariffs/"+id+"/draft?number=3", nil, 200)
	in["number"] = 4
	if _, code := w.do(lottest.Admin, http.MethodPost, "/tariffs/"+id+"/publish", in, 409); code != "tariff.no_draft" {
		t.Errorf("without a draft: %s", code)
	}
}

func TestWhatIsWrongIsNotPublished(t *testing.T) {
	w := newWorld(t)
	broken := strings.Replace(strings.Replace(perHour(500), `"unit":3600`, `"unit":-1`, 1), `"currency":"CNY"`, `"currency":"yuan","colour":1`, 1)
	for name, tc := range map[string]struct {
		text, code string
		places     []string
	}{
		"not JSON":          {`{"name":"x"`, "tariff.invalid", []string{"document"}},
		"not an object":     {`[]`, "tariff.invalid", []string{"document"}},
		"wrong in 3 places": {broken, "tariff.invalid", []string{"document.plans[0].bands[0].steps[0].unit", "document.currency", "document.colour"}},
	} {
		id := w.tariff(perHour(500))
		w.write(id, tc.text)
		status, text, _ := w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/tariffs/"+id+"/publish", body{"number": 2, "accept_warnings": true})
		if status != 422 || !strings.Contains(string(text), tc.code) {
			t.Errorf("%s: %d %s", name, status, text)
		}
		for _, place := range tc.places {
			if !strings.Contains(string(text), `"where":"`+place+`"`) {
				t.Errorf("%s: %s is not named in %s", name, place, text)
			}
		}
	}
	if n := w.Count(`SELECT count(*) FROM library_versions`); n != 0 {
		t.Errorf("%d versions", n)
	}
}

// library makes the lot riverside use version 1 of a tariff of the library for all its stays.
func (w *world) library(cents int) string {
	w.T.Helper()
	id := w.tariff(perHour(cents))
	w.publish(id)
	w.rules(body{"tariff": id, "version": 1})
	return id
}

// rules gives riverside rules.
func (w *world) rules(rules ...body) reply {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodPut, "/lots/riverside/rules", body{
		"config_number": w.get("/lots/riverside/rules").at("config_number"), "rules": rules,
	}, 200)
	return got
}

// config is what the booths of riverside have.
func (w *world) config() wire.Config {
	w.T.Helper()
	c, err := w.Lots.Config(w.T.Context(), scope.System("test"), "riverside")
	lottest.Must(w.T, err)
	return c
}

func TestPublishingMovesLotsToTheNewVersion(t *testing.T) {
	w := newWorld(t)
	id := w.library(500)
	w.write(id, perHour(600))
	w.Broker.On("booth-a", wire.ConfigDown)
	number := w.get("/tariffs/" + id).at("number")
	for i := range 2 {
		got := w.post("/tariffs/"+id+"/publish", body{"number": number, "accept_warnings": true, "apply_to": []string{"riverside"}})
		if got.text("version.version") != "2" || got.text("applied.0.lot") != "riverside" || got.text("applied.0.rules") != "1" || got.at("applied.0.changed") != (i == 0) {
			t.Errorf("time %d: %v", i+1, got)
		}
	}
	c := w.config()
	if ref, _ := c.TariffFor("small", w.Now()); ref != (fact.TariffRef{ID: id, Version: 2}) || c.Number != 3 {
		t.Errorf("new stays get %v by configuration %d", ref, c.Number)
	}
	if _, has := c.Tariff(fact.TariffRef{ID: id, Version: 1}); !has {
		t.Error("open stays are pinned to version 1, and it is gone")
	}
	if sent := w.Broker.On("booth-a", wire.ConfigDown); len(sent) != 1 {
		t.Errorf("the booth was sent %d configurations, want 1", len(sent))
	}
	if got := w.get("/tariffs/" + id); got.text("lots.0.lot") != "riverside" || got.text("lots.0.version") != "2" {
		t.Errorf("used by %v", got.at("lots"))
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'lot.rules' AND subject = 'lot:riverside'
		AND before->'rules'->0->'tariff'->>'version' = '1' AND after->'rules'->0->'tariff'->>'version' = '2'`); n != 1 {
		t.Errorf("%d rows tell of rules before and after, want 1", n)
	}
	// Back to the old version, twice.
	for i := range 2 {
		if got := w.post("/tariffs/"+id+"/apply", body{"version": 1, "lots": []string{"riverside", "riverside"}}); got.len("applied") != 1 || got.at("applied.0.changed") != (i == 0) {
			t.Errorf("applying version 1, time %d: %v", i+1, got)
		}
	}
	c = w.config()
	if ref, _ := c.TariffFor("", w.Now()); ref.Version != 1 {
		t.Errorf("new stays get version %d", ref.Version)
	}
}

func TestAllLotsOrNone(t *testing.T) {
	w := newWorld(t)
	id := w.library(500)
	w.write(id, perHour(600))
	if _, code := w.do(lottest.Admin, http.MethodPost, "/tariffs/"+id+"/publish", body{
		"number": w.get("/tariffs/" + id).at("number"), "accept_warnings": true, "apply_to": []string{"riverside", "zebra"},
	}, 404); code != "lot.not_found" {
		t.Errorf("a lot that does not exist: %s", code)
	}
	if got := w.get("/tariffs/" + id); got.text("latest") != "1" || w.config().Number != 2 {
		t.Errorf("half of it was done: %v, configuration %d", got, w.config().Number)
	}
	// A user of another lot keeps tariffs, and does not move this lot.
	w.do(lottest.OneLot, http.MethodPost, "/tariffs/"+id+"/apply", body{"version": 1, "lots": []string{"riverside"}}, 404)
	// A lot that does not use the tariff is told so.
	other := w.tariff(perHour(1))
	w.publish(other)
	if got := w.post("/tariffs/"+other+"/apply", body{"version": 1, "lots": []string{"riverside"}}); got.text("applied.0.rules") != "0" || got.text("applied.0.changed") != "false" {
		t.Errorf("applied %v", got)
	}
}

const (
	// A second band that the first leaves nothing.
	shadowed = `{"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","bands":[
		{"id":"any","steps":[{"unit":3600,"price":500}]},{"id":"never","steps":[{"unit":3600,"price":1}]}]}]}`
	// Nights without a price.
	gap = `{"name":"x","tz":"Asia/Shanghai","currency":"CNY","plans":[{"id":"all","bands":[
		{"id":"day","from":"08:00","to":"20:00","steps":[{"unit":3600,"price":500}]}]}]}`
)

func TestErrorsAreRefusedAndWarningsAreAccepted(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(shadowed)
	status, text, _ := w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/tariffs/"+id+"/publish", body{"number": 1, "accept_warnings": true})
	if status != 422 || !strings.Contains(string(text), `"tariff.unsafe"`) || !strings.Contains(string(text), `"where":"document.plans[0].bands[1]"`) {
		t.Errorf("an error: %d %s", status, text)
	}
	id = w.tariff(gap)
	in := body{"number": 1}
	status, text, _ = w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/tariffs/"+id+"/publish", in)
	if status != 409 || !strings.Contains(string(text), `"tariff.warnings"`) || !strings.Contains(string(text), `"where":"document.plans[0].bands"`) {
		t.Errorf("a warning: %d %s", status, text)
	}
	in["accept_warnings"] = true
	got := w.post("/tariffs/"+id+"/publish", in)
	if got.text("version.accepted.0.code") != "gap" || got.text("findings.0.level") != "warning" {
		t.Errorf("accepted %v", got)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'tariff.publish' AND after->'accepted'->0->>'code' = 'gap'`); n != 1 {
		t.Error("the audit log does not tell what was accepted")
	}
}

func TestManyPublishersMakeOneVersion(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	var all sync.WaitGroup
	answers := make(chan string, 8)
	for range 8 {
		all.Go(func() {
			_, text, _ := w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/tariffs/"+id+"/publish", body{"number": 1, "accept_warnings": true})
			answers <- string(text)
		})
	}
	all.Wait()
	close(answers)
	for a := range answers {
		if !strings.Contains(a, `"version":1`) {
			t.Errorf("one was told %s", a)
		}
	}
	if n := w.Count(`SELECT count(*) FROM library_versions`); n != 1 {
		t.Errorf("%d versions", n)
	}
}
