package tariff_test

import (
	"net/http"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/lot/lottest"
)

func TestADraftIsWrittenAndThrownAway(t *testing.T) {
	w := newWorld(t)
	made, _ := w.do(lottest.Admin, http.MethodPost, "/tariffs", body{"name": body{"zh": "新", "en": "New"}}, 201)
	id := made.text("id")
	if !strings.HasPrefix(id, "trf-") || made.text("number") != "1" || made.text("latest") != "0" || made.len("versions") != 0 || !strings.Contains(made.text("draft.text"), `"New"`) {
		t.Fatalf("made %v", made)
	}
	broken := "{ not JSON yet"
	got := w.write(id, broken)
	if got.text("draft.text") != broken || got.text("number") != "2" || got.text("name.en") != "New" {
		t.Errorf("a draft may be wrong, and is kept as it is: %v", got)
	}
	got = w.write(id, perHour(500))
	if got.text("name.zh") != "按小时" || got.text("draft.by") != "user:usr_admin" {
		t.Errorf("the name is the draft's: %v", got)
	}
	list := w.get("/tariffs?q=hour")
	if list.text("total") != "1" || list.text("items.0.has_draft") != "true" || list.text("items.0.id") != id {
		t.Errorf("list %v", list)
	}
	if list := w.get("/tariffs?q=nothing"); list.text("total") != "0" {
		t.Errorf("list %v", list)
	}
	got, _ = w.do(lottest.Admin, http.MethodDelete, "/tariffs/"+id+"/draft?number=3", nil, 200)
	if got.at("draft") != nil || got.text("number") != "4" {
		t.Errorf("after discarding %v", got)
	}
	if got, _ = w.do(lottest.Admin, http.MethodDelete, "/tariffs/"+id+"/draft?number=3", nil, 200); got.text("number") != "4" {
		t.Errorf("discarding again changed something: %v", got)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE subject = $1`, "tariff:"+id); n != 4 {
		t.Errorf("%d audit rows, want 4: made, written twice, discarded", n)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'tariff.draft' AND before->>'draft_sha256' <> after->>'draft_sha256' AND actor = 'user:usr_admin'`); n != 2 {
		t.Errorf("%d rows tell of the drafts before and after, want 2", n)
	}
}

func TestTwoWritersDoNotUndoEachOther(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	in := body{"number": 1, "text": perHour(600)}
	w.do(lottest.Admin, http.MethodPut, "/tariffs/"+id+"/draft", in, 200)
	if got, _ := w.do(lottest.Admin, http.MethodPut, "/tariffs/"+id+"/draft", in, 200); got.text("number") != "2" {
		t.Errorf("the same request again counted: %v", got)
	}
	in["text"] = perHour(700)
	if _, code := w.do(lottest.Admin, http.MethodPut, "/tariffs/"+id+"/draft", in, 409); code != "tariff.changed" {
		t.Errorf("a change on an old number: %s", code)
	}
	if _, code := w.do(lottest.Admin, http.MethodDelete, "/tariffs/"+id+"/draft?number=1", nil, 409); code != "tariff.changed" {
		t.Errorf("discarding on an old number: %s", code)
	}
	if got := w.get("/tariffs/" + id); !strings.Contains(got.text("draft.text"), "600") {
		t.Errorf("the first writer's text is gone: %v", got)
	}
}

func TestCopyAndArchive(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	w.publish(id)
	copied, _ := w.do(lottest.Admin, http.MethodPost, "/tariffs/"+id+"/copy", body{"name": body{"zh": "副本", "en": "Copy"}}, 201)
	if copied.text("id") == id || copied.text("latest") != "0" || copied.text("name.en") != "Copy" || strings.Contains(copied.text("draft.text"), id) {
		t.Errorf("copy %v", copied)
	}
	if got := w.publish(copied.text("id")); got.text("version.version") != "1" {
		t.Errorf("a copy is published: %v", got)
	}
	for range 2 {
		if got := w.post("/tariffs/"+id+"/archive", nil); got.text("archived") != "true" || got.text("number") != "3" {
			t.Errorf("archived %v", got)
		}
	}
	if a, b := w.get("/tariffs"), w.get("/tariffs?archived=true"); a.text("total") != "1" || b.text("items.0.id") != id {
		t.Errorf("in use %v, out of use %v", a, b)
	}
	for path, in := range map[string]body{
		"/tariffs/" + id + "/apply":   {"version": 1, "lots": []string{"riverside"}},
		"/tariffs/" + id + "/publish": {"number": 3},
	} {
		if _, code := w.do(lottest.Admin, http.MethodPost, path, in, 409); code != "tariff.archived" {
			t.Errorf("%s of an archived tariff: %s", path, code)
		}
	}
	if _, code := w.do(lottest.Admin, http.MethodPut, "/tariffs/"+id+"/draft", body{"number": 3, "text": perHour(1)}, 409); code != "tariff.archived" {
		t.Errorf("writing an archived tariff: %s", code)
	}
	if got := w.post("/tariffs/"+id+"/unarchive", nil); got.text("archived") != "false" {
		t.Errorf("unarchived %v", got)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, in := range map[string]body{
		"no name to be found":   {"text": "{}"},
		"one language":          {"name": body{"zh": "新", "en": ""}},
		"a name of blanks":      {"name": body{"zh": "新", "en": "  "}},
		"a character that is 0": {"name": body{"zh": "新", "en": "x"}, "text": "a\x00b"},
		"only blanks":           {"name": body{"zh": "新", "en": "x"}, "text": "   "},
		"far too long":          {"name": body{"zh": "新", "en": "x"}, "text": strings.Repeat("x", 300_000)},
	} {
		if _, code := w.do(lottest.Admin, http.MethodPost, "/tariffs", in, 422); code == "" {
			t.Errorf("%s: no code", name)
		}
	}
	if n := w.Count(`SELECT count(*) FROM library_tariffs`); n != 0 {
		t.Errorf("%d tariffs were made", n)
	}
}

func TestAnotherOperatorsTariffsAreNotFound(t *testing.T) {
	w := newWorld(t)
	id := w.tariff(perHour(500))
	w.publish(id)
	w.write(id, perHour(600))
	cal := w.calendar()
	for path, in := range map[string]any{
		"GET /tariffs/" + id:                        nil,
		"GET /tariffs/" + id + "/versions/1":        nil,
		"PUT /tariffs/" + id + "/draft":             body{"number": 3, "text": "{}"},
		"DELETE /tariffs/" + id + "/draft?number=3": nil,
		"POST /tariffs/" + id + "/publish":          body{"number": 3},
		"POST /tariffs/" + id + "/apply":            body{"version": 1, "lots": []string{"riverside"}},
		"POST /tariffs/" + id + "/copy":             body{},
		"POST /tariffs/" + id + "/archive":          nil,
		"POST /tariffs/" + id + "/unarchive":        nil,
		"POST /tariff-checks/explain":               body{"tariff": id},
		"POST /tariff-checks/lint":                  body{"text": perHour(1), "calendar": body{"id": cal}},
		"POST /rehearsals":                          body{"tariff": id, "lots": []string{"riverside"}},
		"GET /calendars/" + cal:                     nil,
		"GET /calendars/" + cal + "/versions/1":     nil,
		"PUT /calendars/" + cal:                     body{"base": 1},
		"POST /calendars/" + cal + "/import":        body{"base": 1, "csv": "2026-01-01,holiday"},
		"POST /calendars/" + cal + "/holidays":      body{"base": 1, "years": []int{2026}},
		"POST /calendars/" + cal + "/assign":        body{"lots": []string{"riverside"}},
		"POST /calendars/" + cal + "/archive":       nil,
		"POST /calendars/" + cal + "/unarchive":     nil,
		"GET /lots/riverside/rules":                 nil,
		"PUT /lots/riverside/rules":                 body{"config_number": 1, "rules": []body{{"tariff": id, "version": 1}}},
	} {
		method, path, _ := strings.Cut(path, " ")
		w.do(lottest.Foreign, method, path, in, 404)
		w.do(lottest.Anonymous, method, path, in, 401)
		if status, _, _ := w.server.Raw(lottest.Seat, method, "/api/v1"+path, in); status != 403 {
			t.Errorf("%s %s without the permission: %d", method, path, status)
		}
	}
	for _, path := range []string{"/tariffs", "/calendars", "/rehearsals"} {
		if got, _ := w.do(lottest.Foreign, http.MethodGet, path, nil, 200); got.text("total") != "0" {
			t.Errorf("%s shows another operator's: %v", path, got)
		}
	}
}
