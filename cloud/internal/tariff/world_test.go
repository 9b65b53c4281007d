package tariff_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/job"
	"lotkeeper/cloud/internal/tariff"
)

// world is the lot riverside of op_a with a library of tariffs.
type world struct {
	*lottest.World
	tariffs *tariff.Service
	server  *lottest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: lottest.New(t)}
	jobs, err := job.New(w.DB, job.NewSet(), job.Config{Logger: w.Log})
	lottest.Must(t, err)
	w.tariffs, err = tariff.New(tariff.Options{DB: w.DB, Audit: w.Audit, Lots: w.Lots, Jobs: jobs, Now: w.Now, Log: w.Log})
	lottest.Must(t, err)
	w.Riverside()
	w.server = w.Serve(w.Lots.Register, w.tariffs.Register)
	return w
}

// do asks as somebody and wants a status; it returns the answer, and of a problem its code.
func (w *world) do(who lottest.Who, method, path string, in any, want int) (got reply, code string) {
	w.T.Helper()
	status, text, _ := w.server.Raw(who, method, "/api/v1"+path, in)
	if status != want {
		w.T.Fatalf("%s %s as %q: %d %s, want %d", method, path, who, status, text, want)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &got); err != nil {
			w.T.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	code, _ = got["code"].(string)
	return got, code
}

func (w *world) get(path string) reply {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodGet, path, nil, 200)
	return got
}

func (w *world) post(path string, in any) reply {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodPost, path, in, 200)
	return got
}

// reply is an answer, read by paths such as "draft.text" and "versions.0.version".
type reply map[string]any

func (r reply) at(path string) any {
	var v any = map[string]any(r)
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) text(path string) string { return fmt.Sprint(r.at(path)) }

func (r reply) len(path string) int {
	all, _ := r.at(path).([]any)
	return len(all)
}

// body is a request.
type body = map[string]any

// perHour is a tariff of so much for each hour begun, as people write it: without id and version.
func perHour(cents int) string {
	return fmt.Sprintf(`{"name":{"zh":"按小时","en":"By the hour"},"tz":"Asia/Shanghai","currency":"CNY",
	"plans":[{"id":"all","bands":[{"id":"any","steps":[{"unit":3600,"price":%d}]}],"caps":[{"amount":%d,"window":"block","length":86400}]}]}`, cents, 10*cents)
}

// tariff makes a tariff with a draft and returns its id.
func (w *world) tariff(text string) string {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodPost, "/tariffs", body{"text": text}, 201)
	return got.text("id")
}

// publish publishes what a tariff's draft says now.
func (w *world) publish(id string, more ...body) reply {
	w.T.Helper()
	in := body{"number": w.get("/tariffs/" + id).at("number"), "accept_warnings": true}
	for _, m := range more {
		for k, v := range m {
			in[k] = v
		}
	}
	return w.post("/tariffs/"+id+"/publish", in)
}

// write makes a text the draft.
func (w *world) write(id, text string) reply {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodPut, "/tariffs/"+id+"/draft", body{"number": w.get("/tariffs/" + id).at("number"), "text": text}, 200)
	return got
}

// calendar makes an empty calendar and returns its id.
func (w *world) calendar() string {
	w.T.Helper()
	got, _ := w.do(lottest.Admin, http.MethodPost, "/calendars", body{"name": body{"zh": "节假日", "en": "Holidays"}}, 201)
	return got.text("id")
}
