package lot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/shared/wire"
)

// The people at the booths are part of the signed configuration, with hashes of their codes, which nobody reads back.
func TestStaff(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	s := w.Serve(w.Lots.Register)
	read := func() map[string]any {
		t.Helper()
		var v map[string]any
		if status, code := s.Do(lottest.Admin, http.MethodGet, "/api/v1/lots/riverside", nil, &v); status != 200 {
			t.Fatalf("read: %d %s", status, code)
		}
		return v
	}
	put := func(staff any) (int, string) {
		t.Helper()
		v := read()
		in := map[string]any{}
		for _, k := range []string{"config_number", "kind", "name", "tz", "currency", "capacity", "lanes", "rules", "policy"} {
			if x, ok := v[k]; ok {
				in[k] = x
			}
		}
		in["booths"] = lottest.Spec(t, "booth").Booths
		if staff != nil {
			in["staff"] = staff
		}
		return s.Do(lottest.Admin, http.MethodPut, "/api/v1/lots/riverside", in, nil)
	}
	config := func() wire.Config {
		t.Helper()
		c, err := w.Lots.Config(t.Context(), system, "riverside")
		lottest.Must(t, err)
		return c
	}
	matches := func(code string) bool {
		t.Helper()
		ok, err := argon2id.ComparePasswordAndHash(code, config().Staff[0].Hash)
		return err == nil && ok
	}
	if status, code := put([]any{map[string]any{"name": "wang", "rights": []string{"open", "cash"}, "code": "let-me-in"}}); status != 200 {
		t.Fatalf("a new person: %d %s", status, code)
	}
	if c := config(); len(c.Staff) != 1 || c.Staff[0].Name != "wang" || len(c.Staff[0].Rights) != 2 || !matches("let-me-in") {
		t.Fatalf("staff %+v", c.Staff)
	}
	if shown := read()["staff"]; strings.Contains(fmt.Sprint(shown), "argon2id") || !strings.Contains(fmt.Sprint(shown), `wang`) {
		t.Errorf("the API tells %s", fmt.Sprint(shown))
	}
	if status, _ := put(nil); status != 200 || len(config().Staff) != 1 {
		t.Errorf("a change that says nothing of staff: %d, staff %+v", status, config().Staff)
	}
	if status, _ := put([]any{map[string]any{"name": "wang", "rights": []string{"relieve"}}}); status != 200 || !matches("let-me-in") || config().Staff[0].Rights[0] != wire.MayRelieve {
		t.Errorf("other rights, the same code: %d, staff %+v", status, config().Staff)
	}
	if status, _ := put([]any{map[string]any{"name": "wang", "rights": []string{}, "code": "let-me-in-2"}}); status != 200 || matches("let-me-in") || !matches("let-me-in-2") {
		t.Errorf("a new code: %d", status)
	}
	for name, in := range map[string]any{
		"a new person without a code": map[string]any{"name": "li", "rights": []string{}},
		"a code that is too short":    map[string]any{"name": "li", "rights": []string{}, "code": "12345"},
		"a right that there is not":   map[string]any{"name": "li", "rights": []string{"fly"}, "code": "let-me-in"},
		"no name":                     map[string]any{"name": "", "rights": []string{}, "code": "let-me-in"},
	} {
		if status, code := put([]any{in}); status != 422 || code != lot.ErrInvalid.Code {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	if status, _ := put([]any{}); status != 200 || len(config().Staff) != 0 {
		t.Errorf("nobody: %d, staff %+v", status, config().Staff)
	}
}
