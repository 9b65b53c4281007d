package tariff_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/wire"
)

func date(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestEverySaveIsTheNextVersion(t *testing.T) {
	w := newWorld(t)
	id := w.calendar()
	in := body{
		"base": 1, "note": "a feast", "weekdays": body{"friday": "friday-prayer"},
		"days": []body{{"date": "2026-12-25", "type": "holiday", "note": "Christmas"}, {"date": "2026-01-01", "type": "holiday"}},
	}
	for range 2 { // the same again saves nothing
		got, _ := w.do(lottest.Admin, http.MethodPut, "/calendars/"+id, in, 200)
		if got.text("latest") != "2" || got.text("document.days.0.date") != "2026-01-01" || got.text("document.days.1.note") != "Christmas" || got.text("document.weekdays.friday") != "friday-prayer" || got.len("versions") != 2 {
			t.Errorf("saved %v", got)
		}
	}
	in["days"] = []body{}
	if _, code := w.do(lottest.Admin, http.MethodPut, "/calendars/"+id, in, 409); code != "calendar.changed" {
		t.Errorf("a change on an old version: %s", code)
	}
	if got := w.get("/calendars/" + id + "/versions/1"); got.len("days") != 0 {
		t.Errorf("version 1 is %v", got)
	}
	if _, code := w.do(lottest.Admin, http.MethodGet, "/calendars/"+id+"/versions/9", nil, 404); code != "calendar.no_version" {
		t.Errorf("version 9: %s", code)
	}
	for _, sql := range []string{`UPDATE calendar_versions SET document = '{}'`, `DELETE FROM calendar_versions`} {
		if _, err := w.DB.SQL().ExecContext(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'calendar.save' AND before->>'version' = '1' AND after->>'version' = '2'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
	for name, bad := range map[string]body{
		"no such day":      {"base": 2, "days": []body{{"date": "2026-02-30", "type": "holiday"}}},
		"twice":            {"base": 2, "days": []body{{"date": "2026-02-03", "type": "holiday"}, {"date": "2026-02-03", "type": "workday"}}},
		"no type":          {"base": 2, "days": []body{{"date": "2026-02-03", "type": ""}}},
		"a weekday's name": {"base": 2, "days": []body{{"date": "2026-02-03", "type": "Monday"}}},
		"a weekday called": {"base": 2, "weekdays": body{"monday": "two words"}},
	} {
		if _, code := w.do(lottest.Admin, http.MethodPut, "/calendars/"+id, bad, 422); code != "calendar.invalid" {
			t.Errorf("%s: %s", name, code)
		}
	}
	for range 2 {
		if got := w.post("/calendars/"+id+"/archive", nil); got.text("archived") != "true" {
			t.Errorf("archived %v", got)
		}
	}
	if _, code := w.do(lottest.Admin, http.MethodPost, "/calendars/"+id+"/assign", body{"lots": []string{"riverside"}}, 409); code != "calendar.archived" {
		t.Errorf("assigning it: %s", code)
	}
	if a, b := w.get("/calendars"), w.get("/calendars?archived=true"); a.text("total") != "0" || b.text("total") != "1" {
		t.Errorf("in use %v, out of use %v", a, b)
	}
	w.post("/calendars/"+id+"/unarchive", nil)
}

func TestDatesFromCSVAllOrNone(t *testing.T) {
	w := newWorld(t)
	id := w.calendar()
	bad := "date,type,note\n2026-05-01,holiday\n2026-13-01,holiday\n2026-05-02\n\n2026-05-03,mon day,x\n2026-05-01,workday\n2026-05-04,sunday,a,b\n"
	status, text, _ := w.server.Raw(lottest.Admin, http.MethodPost, "/api/v1/calendars/"+id+"/import", body{"base": 1, "csv": bad})
	if status != 422 || !strings.Contains(string(text), `"calendar.import"`) {
		t.Fatalf("a file with mistakes: %d %s", status, text)
	}
	for line, wrong := range map[string]bool{"2": false, "3": true, "4": true, "6": true, "7": true, "8": true} {
		if got := strings.Contains(string(text), `"where":"line `+line+`"`); got != wrong {
			t.Errorf("line %s named: %v, want %v, in %s", line, got, wrong, text)
		}
	}
	if !strings.Contains(string(text), "stands in line 2 already") {
		t.Errorf("a date that stands twice: %s", text)
	}
	for _, broken := range []string{"", "date,type\n", "2026-05-01,\"holi\nday"} {
		if _, code := w.do(lottest.Admin, http.MethodPost, "/calendars/"+id+"/import", body{"base": 1, "csv": broken}, 422); code != "calendar.import" {
			t.Errorf("%q: %s", broken, code)
		}
	}
	if got := w.get("/calendars/" + id); got.text("latest") != "1" {
		t.Errorf("something was imported: %v", got)
	}
	good := "\uFEFF日期,类型,备注\r\n2026-05-01,holiday_long,\"Labour Day, the first\"\r\n# a remark\r\n2026-05-09, workday\r\n"
	got := w.post("/calendars/"+id+"/import", body{"base": 1, "csv": good})
	if got.text("latest") != "2" || got.len("document.days") != 2 || got.text("document.days.0.note") != "Labour Day, the first" || got.text("document.days.1.type") != "workday" {
		t.Errorf("imported %v", got)
	}
	got = w.post("/calendars/"+id+"/import", body{"base": 2, "csv": "2026-06-01,holiday"})
	if got.len("document.days") != 3 {
		t.Errorf("added %v", got)
	}
	if got = w.post("/calendars/"+id+"/import", body{"base": 3, "csv": "2026-06-01,holiday", "replace": true}); got.len("document.days") != 1 || got.text("latest") != "4" {
		t.Errorf("replaced %v", got)
	}
}

// The acceptance of holidays: 10 June 2024 was Dragon Boat, a Monday.
func TestPublicHolidaysOfChina(t *testing.T) {
	w := newWorld(t)
	id := w.calendar()
	got := w.post("/calendars/"+id+"/holidays", body{"base": 1, "years": []int{2024, 2025, 2026}})
	if got.text("latest") != "2" {
		t.Fatalf("imported %v", got)
	}
	w.post("/calendars/"+id+"/assign", body{"lots": []string{"riverside"}})
	cal := w.config().Calendar
	if cal.ID != id || cal.Version != 2 {
		t.Fatalf("the lot goes by %s version %d", cal.ID, cal.Version)
	}
	for day, want := range map[string]string{
		"2024-06-10": "holiday", "2024-06-09": "weekend", "2024-06-11": "workday", // Dragon Boat borders on a weekend
		"2024-02-04": "workday", "2024-02-09": "workday", "2024-02-10": "holiday_long", "2024-02-17": "holiday_long", "2024-02-18": "workday",
		"2024-09-14": "workday", "2024-09-17": "holiday", "2024-10-07": "holiday_long", "2024-10-12": "workday",
		"2025-01-01": "holiday", "2025-01-26": "workday", "2025-01-28": "holiday_long", "2025-06-02": "holiday", "2025-10-08": "holiday_long", "2025-10-11": "workday",
		"2026-01-03": "holiday", "2026-01-04": "workday", "2026-02-23": "holiday_long", "2026-02-28": "workday", "2026-05-05": "holiday_long",
		"2026-09-25": "holiday", "2026-09-20": "workday", "2026-10-08": "workday",
	} {
		if is := cal.DayType(date(day)); is != want {
			t.Errorf("%s is %s, want %s", day, is, want)
		}
	}
	days := map[int]int{}
	for d := range cal.Dates {
		days[d.Year]++
	}
	// Days off as the notices count them (in 2024 without two weekends that holidays border on), and days of work.
	for year, want := range map[int]int{2024: 28 + 8, 2025: 28 + 5, 2026: 33 + 6} {
		if days[year] != want {
			t.Errorf("%d has %d dates, want %d", year, days[year], want)
		}
	}
	if _, code := w.do(lottest.Admin, http.MethodPost, "/calendars/"+id+"/holidays", body{"base": 2, "years": []int{2026, 2031}}, 422); code != "calendar.import" {
		t.Errorf("a year that nobody announced: %s", code)
	}
	// Once more is no new version, and a rule for holidays works in the lot.
	if got := w.post("/calendars/"+id+"/holidays", body{"base": 1, "years": []int{2025}}); got.text("latest") != "2" {
		t.Errorf("again: %v", got)
	}
	feast := w.tariff(perHour(900))
	w.publish(feast)
	w.rules(body{"day_types": []string{"holiday_long"}, "tariff": feast, "version": 1}, body{"tariff": "short", "version": 1})
	c := w.config()
	for at, want := range map[string]string{"2026-09-30T23:59:59+08:00": "short", "2026-10-01T00:00:00+08:00": feast} {
		entered, err := time.Parse(time.RFC3339, at)
		lottest.Must(t, err)
		if ref, _ := c.TariffFor("small", entered); ref.ID != want {
			t.Errorf("who comes at %s gets %s, want %s", at, ref.ID, want)
		}
	}
}

func TestACalendarReachesItsLots(t *testing.T) {
	w := newWorld(t)
	id := w.calendar()
	w.Broker.On("booth-a", wire.ConfigDown)
	for i := range 2 {
		got := w.post("/calendars/"+id+"/assign", body{"lots": []string{"riverside"}})
		if got.at("applied.0.changed") != (i == 0) || got.text("applied.0.config_number") != "2" {
			t.Errorf("time %d: %v", i+1, got)
		}
	}
	if sent := w.Broker.On("booth-a", wire.ConfigDown); len(sent) != 1 {
		t.Errorf("the booth was sent %d configurations", len(sent))
	}
	if got := w.get("/calendars/" + id); got.text("lots.0.lot") != "riverside" || got.text("lots.0.version") != "1" {
		t.Errorf("used by %v", got.at("lots"))
	}
	if got := w.get("/lots/riverside/rules"); got.text("calendar") != id || got.text("calendar_version") != "1" {
		t.Errorf("rules tell %v", got)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE action = 'lot.calendar' AND subject = 'lot:riverside' AND before->>'calendar' = '' AND after->>'calendar' = $1`, id); n != 1 {
		t.Errorf("%d audit rows", n)
	}
	w.do(lottest.OneLot, http.MethodPost, "/calendars/"+id+"/assign", body{"lots": []string{"riverside"}}, 404)
}

func TestYearsWithoutDatesAreWarnedOf(t *testing.T) {
	w := newWorld(t) // its clock stands in November 2026
	id := w.calendar()
	warnings := func() string { return w.get("/calendars/" + id).text("warnings") }
	if got := warnings(); !strings.Contains(got, "2026") || !strings.Contains(got, "2027") {
		t.Errorf("of an empty calendar: %s", got)
	}
	w.post("/calendars/"+id+"/holidays", body{"base": 1, "years": []int{2026}})
	if got := warnings(); strings.Contains(got, "2026") || !strings.Contains(got, "no dates in 2027") {
		t.Errorf("in November without the next year: %s", got)
	}
	if got := w.get("/calendars").text("items.0.warnings.0.zh"); !strings.Contains(got, "2027") {
		t.Errorf("in the list: %s", got)
	}
	w.post("/calendars/"+id+"/import", body{"base": 2, "csv": "2027-01-01,holiday"})
	if got := warnings(); got != "[]" {
		t.Errorf("with both years: %s", got)
	}
	w.Pass(365 * 24 * time.Hour) // November 2027
	if got := warnings(); strings.Contains(got, "2027") || !strings.Contains(got, "2028") {
		t.Errorf("a year later: %s", got)
	}
	w.Pass(200 * 24 * time.Hour) // May 2028: the next year is not announced yet
	if got := warnings(); !strings.Contains(got, "2028") || strings.Contains(got, "2029") {
		t.Errorf("in May: %s", got)
	}
}
