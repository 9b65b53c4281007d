package cloudtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/internal/account"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// tariffThings gives the tenant test tariffs, calendars and a rehearsal: path to what it asks, by operation id, so that what
// is done to one does not hinder what is done to another.
func tariffThings(t *testing.T, s *cloudtest.Server, c *cloudtest.Client) map[string]string {
	t.Helper()
	s.Lot(t, c.User.Operator.ID, "tenant-second")
	fresh := func(kind string) string {
		var made struct{ ID string }
		c.Do(t, "POST", "/api/v1/"+kind, map[string]any{"name": map[string]string{"zh": "甲", "en": "A"}}, &made)
		return "/api/v1/" + kind + "/" + made.ID
	}
	published := fresh("tariffs")
	c.Do(t, "POST", published+"/publish", map[string]any{"number": 1, "accept_warnings": true}, nil)
	out := map[string]string{
		"get-tariff": published, "get-tariff-version": published + "/versions/1", "copy-tariff": published + "/copy", "apply-tariff": published + "/apply",
		"write-tariff-draft": published + "/draft", "discard-tariff-draft": fresh("tariffs") + "/draft?number=1", "publish-tariff": fresh("tariffs") + "/publish",
		"archive-tariff": fresh("tariffs") + "/archive", "unarchive-tariff": fresh("tariffs") + "/unarchive",
		"get-lot-rules": "/api/v1/lots/tenant-lot/rules", "set-lot-rules": "/api/v1/lots/tenant-lot/rules",
	}
	calendar := fresh("calendars")
	for id, end := range map[string]string{
		"get-calendar": "", "save-calendar": "", "get-calendar-version": "/versions/1", "assign-calendar": "/assign", "unarchive-calendar": "/unarchive",
	} {
		out[id] = calendar + end
	}
	for id, end := range map[string]string{"archive-calendar": "/archive", "import-calendar": "/import", "import-holidays": "/holidays"} {
		out[id] = fresh("calendars") + end
	}
	var made struct{ ID, State string }
	c.Do(t, "POST", "/api/v1/rehearsals", map[string]any{"tariff": strings.TrimPrefix(published, "/api/v1/tariffs/"), "lots": []string{"tenant-lot"}}, &made)
	rehearsal := "/api/v1/rehearsals/" + made.ID
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); made.State != "done"; c.Do(t, "GET", rehearsal, nil, &made) {
		if <-tick.C; time.Now().After(deadline) {
			t.Fatalf("the rehearsal is %s", made.State)
		}
	}
	// Not done any more, so that it can be cancelled however fast workers are.
	if _, err := s.App.DB.SQL().ExecContext(t.Context(), `UPDATE rehearsals SET state = 'waiting', ended_at = NULL WHERE id = $1`, made.ID); err != nil {
		t.Fatal(err)
	}
	out["get-rehearsal"], out["cancel-rehearsal"] = rehearsal, rehearsal+"/cancel"
	return out
}

// tariffBodies are what the tenant test sends, by operation id.
var tariffBodies = map[string]string{
	"apply-tariff": `{"version":1,"lots":["tenant-second"]}`, "copy-tariff": `{}`, "publish-tariff": `{"number":1,"accept_warnings":true}`,
	"write-tariff-draft": `{"number":2,"text":"{}"}`, "set-lot-rules": `{"config_number":1,"rules":[{"tariff":"short","version":1}]}`,
	"assign-calendar": `{"lots":["tenant-second"]}`, "save-calendar": `{"base":1}`, "import-calendar": `{"base":1,"csv":"2026-10-01,holiday"}`,
	"import-holidays": `{"base":1,"years":[2026]}`,
}

// A tariff goes from a draft to the booth that bills by it.
func TestATariffReachesTheBooth(t *testing.T) {
	s := cloudtest.Start(t)
	op := s.Operator(t, "One")
	admin := s.SignIn(t, op, account.RoleAdmin)
	s.Lot(t, op, "riverside")
	awaitReady(t, s, admin)
	e := enroll(t, admin, s.Client(t), "riverside", "riverside-a")
	_, heard := e.connect(t)

	var made struct{ ID string }
	admin.Do(t, "POST", "/api/v1/tariffs", map[string]any{"name": map[string]string{"zh": "甲", "en": "A"}}, &made)
	path := "/api/v1/tariffs/" + made.ID
	admin.Do(t, "POST", path+"/publish", map[string]any{"number": 1, "accept_warnings": true}, nil)
	began := time.Now()
	admin.Do(t, "PUT", "/api/v1/lots/riverside/rules", map[string]any{"config_number": 1, "rules": []any{map[string]any{"tariff": made.ID, "version": 1}}}, nil)
	newest := func(number uint64) wire.Config {
		var c wire.Config
		await(t, e, heard, wire.ConfigDown, func(x wire.Signed) bool {
			var err error
			c, err = wire.OpenConfig(x, e.ConfigKey)
			return err == nil && c.Number == number
		})
		return c
	}
	c := newest(2)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the booth had it after %s", took)
	}
	if ref, ok := c.TariffFor("small", time.Now()); !ok || ref != (fact.TariffRef{ID: made.ID, Version: 1}) {
		t.Errorf("new stays get %v", ref)
	}
	var calendar struct{ ID string }
	admin.Do(t, "POST", "/api/v1/calendars", map[string]any{"name": map[string]string{"zh": "日历", "en": "Days"}, "days": []any{map[string]string{"date": "2026-12-25", "type": "holiday"}}}, &calendar)
	admin.Do(t, "POST", "/api/v1/calendars/"+calendar.ID+"/assign", map[string]any{"lots": []string{"riverside"}}, nil)
	if c = newest(3); c.Calendar.ID != calendar.ID || len(c.Calendar.Dates) != 1 {
		t.Errorf("the booth goes by %v", c.Calendar)
	}
	if r := admin.Send(t, "GET", path, nil); r.Status != http.StatusOK || !strings.Contains(string(r.Body), `"lot":"riverside"`) {
		t.Errorf("the tariff does not tell its lot: %s", r.Body)
	}
}
