package cloudtest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/scope"
)

type operation struct {
	ID         string           `json:"operationId"`
	Permission scope.Permission `json:"x-permission"`
	SignedIn   bool             `json:"x-signed-in"`
	Booth      bool             `json:"x-booth"`
	Public     string           `json:"x-public"`
	method     string
	path       string
}

func operations(t *testing.T, c *cloudtest.Client) []operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	c.Do(t, "GET", "/api/openapi.json", nil, &doc)
	var all []operation
	for path, item := range doc.Paths {
		for method, op := range item {
			op.method, op.path = strings.ToUpper(method), path
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Every operation against nobody, each role and another tenant. The checks come before any validation, so an empty
// body tells enough: refused is 401 or 403, let in is anything else.
func TestEveryOperationKeepsItsPermission(t *testing.T) {
	s := cloudtest.Start(t)
	one := s.Operator(t, "One")
	ops := operations(t, s.Client(t))
	if len(ops) < 8 {
		t.Fatalf("only %d operations in the document", len(ops))
	}
	callers := map[string]struct {
		new  func() *cloudtest.Client
		role account.Role
	}{
		"nobody": {func() *cloudtest.Client { return s.Client(t) }, ""},
	}
	for _, role := range account.Roles() {
		c := s.SignIn(t, one, role)
		callers[string(role)] = struct {
			new  func() *cloudtest.Client
			role account.Role
		}{func() *cloudtest.Client { return c }, role}
	}
	for _, op := range ops {
		declared := 0
		for _, is := range []bool{op.Permission != "", op.SignedIn, op.Booth, op.Public != ""} {
			if is {
				declared++
			}
		}
		if declared != 1 {
			t.Errorf("%s declares %d kinds of access, want 1", op.ID, declared)
		}
		if op.Permission != "" && !slices.Contains(permission.All(), op.Permission) {
			t.Errorf("%s needs %q, which is not in permission.All", op.ID, op.Permission)
		}
		if op.ID == "sign-out" {
			continue // it would end the caller; TestSignOut has it
		}
		for name, caller := range callers {
			want := op.Public != "" || (caller.role != "" && (op.SignedIn || slices.Contains(caller.role.Permissions(), op.Permission)))
			path := strings.NewReplacer("{", "", "}", "").Replace(op.path)
			r := caller.new().Send(t, op.method, path, []byte(`{}`), "Idempotency-Key: battery-0001")
			refused := r.Code() == "sign_in.required" || r.Code() == "permission.denied" || r.Code() == "booth.certificate_required"
			if refused == want {
				t.Errorf("%s as %s: %d %s, want let in = %v", op.ID, name, r.Status, r.Code(), want)
			}
			if r.Status >= 500 {
				t.Errorf("%s as %s: %d %s", op.ID, name, r.Status, r.Body)
			}
		}
	}
}

// What belongs to one tenant does not exist for another.
func TestOtherTenantSeesNothing(t *testing.T) {
	s := cloudtest.Start(t)
	mine := s.SignIn(t, s.Operator(t, "One"), account.RoleAdmin)
	theirs := s.SignIn(t, s.Operator(t, "Two"), account.RoleAdmin)
	target := string(s.User(t, mine.User.Operator.ID, account.RoleSeat).ID)
	paths := lotThings(t, s, mine)
	paths["/api/v1/users/{id}"], paths["/api/v1/users/{id}/password"] = "/api/v1/users/"+target, "/api/v1/users/"+target+"/password"
	bodies := map[string]string{"update-lot": updateLot, "update-user": `{"full_name":"x"}`, "reset-password": `{"password":"another good one"}`}
	maps.Copy(paths, tariffThings(t, s, mine))
	maps.Copy(bodies, tariffBodies)
	maps.Copy(paths, rightThings(t, mine))
	bodies["update-right"] = `{"version":1,"kind":"permit","plates":[{"text":"粤B54321"}]}`
	for _, op := range operations(t, mine) {
		if op.Permission == "" || !strings.Contains(op.path, "{") {
			continue
		}
		path, has := paths[op.ID]
		if !has {
			path, has = paths[op.path]
		}
		if !has {
			t.Errorf("%s %s has no row here: give paths something of the first tenant's", op.method, op.path)
			continue
		}
		body := bodies[op.ID]
		r := theirs.Send(t, op.method, path, []byte(body))
		if r.Status != http.StatusNotFound {
			t.Errorf("%s across tenants: %d %s, want 404", op.ID, r.Status, r.Body)
		}
		// The same request by its owner works, so the 404 above was the tenant's doing.
		if r := mine.Send(t, op.method, path, []byte(body)); r.Status >= 300 {
			t.Errorf("%s by its own tenant: %d %s", op.ID, r.Status, r.Body)
		}
	}
	for _, path := range []string{"/api/v1/users", "/api/v1/audit?limit=200"} {
		r := theirs.Send(t, "GET", path, nil)
		if r.Status != 200 || strings.Contains(string(r.Body), target) {
			t.Errorf("%s shows the other tenant: %s", path, r.Body)
		}
		if r := mine.Send(t, "GET", path, nil); !strings.Contains(string(r.Body), target) {
			t.Errorf("%s does not show its own: %s", path, r.Body)
		}
	}
}

// Routes that are not in the document are listed here, one by one.
func TestRawRoutesAreKnown(t *testing.T) {
	s := cloudtest.Start(t)
	documented := map[string]bool{}
	for _, op := range operations(t, s.Client(t)) {
		documented[op.method+" "+strings.NewReplacer("{", ":", "}", "").Replace(op.path)] = true
	}
	raw := map[string]bool{}
	for _, r := range s.App.API.Routes() {
		raw[r.Method+" "+r.Path] = true
	}
	for _, served := range s.App.API.Served() {
		if documented[served] == raw[served] {
			t.Errorf("%s: in the document %v, a declared raw route %v; want exactly one", served, documented[served], raw[served])
		}
	}
	for _, want := range []string{"GET /api/docs", "GET /api/openapi.json", "GET /api/openapi.yaml", "GET /api/v1/live"} {
		if !raw[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestReadyAndDeviceListener(t *testing.T) {
	s := cloudtest.Start(t)
	c := s.Client(t)
	awaitReady(t, s, c)
	device := &http.Client{Transport: &http.Transport{TLSClientConfig: s.BoothTLS(t, "lot-1", "booth-1")}}
	defer device.CloseIdleConnections()
	resp, err := device.Get(s.Devices + "/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("device listener: %d", resp.StatusCode)
	}
	stranger := &http.Client{Transport: &http.Transport{}}
	if resp, err := stranger.Get(s.Devices + "/api/openapi.json"); err == nil {
		_ = resp.Body.Close()
		t.Error("the device listener has a certificate that the world trusts")
	}
}

func TestLotsOfScopeReachTheSignIn(t *testing.T) {
	s := cloudtest.Start(t)
	c := s.SignIn(t, s.Operator(t, "One"), account.RoleSeat, "lot-b", "lot-a")
	var me struct {
		User struct {
			AllLots bool     `json:"all_lots"`
			Lots    []id.Lot `json:"lots"`
		} `json:"user"`
	}
	c.Do(t, "GET", "/api/v1/me", nil, &me)
	if text, _ := json.Marshal(me); string(text) != `{"user":{"all_lots":false,"lots":["lot-a","lot-b"]}}` {
		t.Errorf("me = %s", text)
	}
}
