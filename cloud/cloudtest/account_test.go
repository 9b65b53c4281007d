package cloudtest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lotkeeper/cloud/cloudtest"
	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/platform/scope"
)

func awaitReady(t *testing.T, s *cloudtest.Server, c *cloudtest.Client) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		resp, err := c.HTTP.Get(s.Ops + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if last = resp.Status; resp.StatusCode == 200 {
			return
		}
	}
	t.Fatalf("not ready: %s", last)
}

func signIn(t *testing.T, c *cloudtest.Client, name, password string) cloudtest.Response {
	t.Helper()
	return c.Send(t, "POST", "/api/v1/sign-in", map[string]string{"name": name, "password": password})
}

func TestSignOutEndsTheSignInAndItsWebsocket(t *testing.T) {
	s := cloudtest.Start(t)
	c := s.SignIn(t, s.Operator(t, "One"), account.RoleSeat)
	ws := c.Live(t)
	if err := ws.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c.Do(t, "POST", "/api/v1/sign-out", []byte(`{}`), nil)
	var closed *websocket.CloseError
	if _, _, err := ws.ReadMessage(); !errors.As(err, &closed) || closed.Code != websocket.ClosePolicyViolation {
		t.Errorf("the websocket: %v, want a policy close", err)
	}
	if r := c.Send(t, "GET", "/api/v1/me", nil); r.Code() != "sign_in.required" {
		t.Errorf("after sign-out: %d %s", r.Status, r.Body)
	}
}

// Fifty guesses at once get five looks at the password; then even the right one must wait.
func TestParallelGuessesAreLockedOut(t *testing.T) {
	s := cloudtest.Start(t)
	u := s.User(t, s.Operator(t, "One"), account.RoleAdmin)
	var looked, locked atomic.Int32
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := s.App.Accounts.SignIn(context.Background(), u.Name, "guess number x", "test", account.By{Actor: "anonymous", Address: "10.0.0." + string(rune('a'+i))})
			switch {
			case errors.Is(err, account.ErrCredentials):
				looked.Add(1)
			case errors.Is(err, account.ErrLocked):
				locked.Add(1)
			default:
				t.Errorf("guess: %v", err)
			}
		})
	}
	wg.Wait()
	if looked.Load() != 5 || locked.Load() != 45 {
		t.Errorf("%d guesses looked at, %d locked out; want 5 and 45", looked.Load(), locked.Load())
	}
	r := signIn(t, s.Client(t), u.Name, cloudtest.Password)
	if r.Code() != "sign_in.locked" || r.Header.Get("Retry-After") == "" {
		t.Errorf("the right password in the lock: %d %s, Retry-After %q", r.Status, r.Body, r.Header.Get("Retry-After"))
	}
}

func TestSignInTellsNothing(t *testing.T) {
	s := cloudtest.Start(t)
	u := s.User(t, s.Operator(t, "One"), account.RoleAdmin)
	c := s.Client(t)
	unknown, wrong := signIn(t, c, "no such person", "wrong password"), signIn(t, c, u.Name, "wrong password")
	cut := func(r cloudtest.Response) string {
		before, _, _ := strings.Cut(string(r.Body), `"request_id"`)
		return before
	}
	if unknown.Status != http.StatusUnauthorized || cut(unknown) != cut(wrong) {
		t.Errorf("can be told apart:\n%s\n%s", unknown.Body, wrong.Body)
	}
	if r := signIn(t, c, strings.ToUpper(u.Name), cloudtest.Password); r.Status != 200 {
		t.Errorf("the name in capitals: %d %s", r.Status, r.Body)
	}
	var hash string
	if err := s.App.DB.Gorm(t.Context()).Raw(`SELECT password_hash FROM users WHERE id = ?`, string(u.ID)).Scan(&hash).Error; err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %s, %v", hash, err)
	}
}

func TestOneAddressCannotTryForEver(t *testing.T) {
	s := cloudtest.Start(t)
	c := s.Client(t)
	for range 60 {
		if r := signIn(t, c, "nobody at all", "some password"); r.Code() == "sign_in.too_often" {
			if r.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("sixty tries from one address and no end")
}

func TestChangesEndSignInsAndAreAudited(t *testing.T) {
	s := cloudtest.Start(t)
	one := s.Operator(t, "One")
	admin := s.SignIn(t, one, account.RoleAdmin)
	change := func(c *cloudtest.Client, path, method string, body any) {
		admin.Do(t, method, "/api/v1/users/"+string(c.User.ID)+path, body, nil)
	}
	for name, do := range map[string]func(*cloudtest.Client){
		"disabled":   func(c *cloudtest.Client) { change(c, "", "PATCH", map[string]any{"disabled": true}) },
		"other role": func(c *cloudtest.Client) { change(c, "", "PATCH", map[string]any{"role": "admin"}) },
		"fewer lots": func(c *cloudtest.Client) {
			change(c, "", "PATCH", map[string]any{"all_lots": false, "lots": []string{"x"}})
		},
		"password reset": func(c *cloudtest.Client) {
			change(c, "/password", "POST", map[string]any{"password": "a new long one"})
		},
	} {
		c := s.SignIn(t, one, account.RoleSeat)
		do(c)
		if r := c.Send(t, "GET", "/api/v1/me", nil); r.Status != http.StatusUnauthorized {
			t.Errorf("%s: the sign-in lives on: %d", name, r.Status)
		}
		var log struct {
			Records []struct{ Action, Actor string }
		}
		admin.Do(t, "GET", "/api/v1/audit?subject=user:"+string(c.User.ID), nil, &log)
		if len(log.Records) < 3 || log.Records[0].Actor != "user:"+string(admin.User.ID) || !strings.HasPrefix(log.Records[0].Action, "user.") {
			t.Errorf("%s: audit = %+v", name, log.Records)
		}
	}
	renamed := s.SignIn(t, one, account.RoleSeat)
	change(renamed, "", "PATCH", map[string]any{"full_name": "Li Lei"})
	if r := renamed.Send(t, "GET", "/api/v1/me", nil); r.Status != 200 || !strings.Contains(string(r.Body), "Li Lei") {
		t.Errorf("a new full name: %d %s", r.Status, r.Body)
	}
	if r := admin.Send(t, "PATCH", "/api/v1/users/"+string(admin.User.ID), map[string]any{"disabled": true}); r.Code() != "account.self" {
		t.Errorf("disabling oneself: %d %s", r.Status, r.Body)
	}
}

func TestPasswordChangeKeepsThisSignInAndEndsTheOthers(t *testing.T) {
	s := cloudtest.Start(t)
	here := s.SignIn(t, s.Operator(t, "One"), account.RoleSeat)
	there := s.Client(t)
	if r := signIn(t, there, here.User.Name, cloudtest.Password); r.Status != 200 {
		t.Fatalf("second sign-in: %s", r.Body)
	}
	if r := here.Send(t, "POST", "/api/v1/me/password", map[string]string{"old": "not this one", "new": "a much better one"}); r.Code() != "password.old_wrong" {
		t.Errorf("wrong old password: %d %s", r.Status, r.Body)
	}
	for _, weak := range []string{"aaaaaaaaaaaa", "0123456789"} {
		if r := here.Send(t, "POST", "/api/v1/me/password", map[string]string{"old": cloudtest.Password, "new": weak}); r.Code() != "password.weak" {
			t.Errorf("%s: %d %s", weak, r.Status, r.Body)
		}
	}
	here.Do(t, "POST", "/api/v1/me/password", map[string]string{"old": cloudtest.Password, "new": "a much better one"}, nil)
	if r := here.Send(t, "GET", "/api/v1/me", nil); r.Status != 200 {
		t.Errorf("here: %d", r.Status)
	}
	if r := there.Send(t, "GET", "/api/v1/me", nil); r.Status != http.StatusUnauthorized {
		t.Errorf("there: %d", r.Status)
	}
}

func TestCreateUser(t *testing.T) {
	s := cloudtest.Start(t)
	admin := s.SignIn(t, s.Operator(t, "One"), account.RoleAdmin)
	body := func(name, role, password string) map[string]any {
		return map[string]any{"name": name, "role": role, "password": password, "all_lots": true}
	}
	admin.Do(t, "POST", "/api/v1/users", body("zhang-san", "seat", "a good long one"), nil)
	for name, tc := range map[string]struct {
		body any
		code string
	}{
		"taken":        {body("ZHANG-SAN", "seat", "a good long one"), "account.name_taken"},
		"spaces":       {body("zhang san", "seat", "a good long one"), "account.invalid"},
		"unknown role": {body("li-si", "root", "a good long one"), "request.invalid"},
		"short":        {body("li-si", "seat", "short"), "request.invalid"},
		"all and some": {map[string]any{"name": "li-si", "role": "seat", "password": "a good long one", "all_lots": true, "lots": []string{"a"}}, "account.invalid"},
	} {
		if r := admin.Send(t, "POST", "/api/v1/users", tc.body); r.Code() != tc.code {
			t.Errorf("%s: %d %s, want %s", name, r.Status, r.Body, tc.code)
		}
	}
	c := s.Client(t)
	r := signIn(t, c, "zhang-san", "a good long one")
	if r.Status != 200 || !strings.Contains(string(r.Body), `"must_change":true`) {
		t.Errorf("sign in: %d %s", r.Status, r.Body)
	}
}

func TestLiveTopicsAreRefusedWithoutARule(t *testing.T) {
	s := cloudtest.Start(t)
	ws := s.SignIn(t, s.Operator(t, "One"), account.RoleAdmin).Live(t)
	if err := ws.WriteJSON(map[string][]string{"subscribe": {"unknown/1", "plain"}}); err != nil {
		t.Fatal(err)
	}
	var answer map[string][]string
	if err := ws.ReadJSON(&answer); err != nil || len(answer["refused"]) != 2 {
		t.Errorf("answer = %v, %v", answer, err)
	}
}

func TestRecheckFollowsTheDatabase(t *testing.T) {
	s := cloudtest.Start(t)
	u := s.User(t, s.Operator(t, "One"), account.RoleSeat)
	done, err := s.App.Accounts.SignIn(t.Context(), u.Name, cloudtest.Password, "test", account.By{Actor: "anonymous", Address: "a"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.App.Accounts.Authenticate(t.Context(), done.Token)
	if err != nil {
		t.Fatal(err)
	}
	if p.User() != u.ID || p.Scope().Operator() != u.Operator.ID || !p.May("session.read") || p.May("user.write") {
		t.Errorf("principal = %+v of %+v", p, u)
	}
	if err := s.App.Accounts.Recheck(t.Context(), p); err != nil {
		t.Errorf("a good sign-in: %v", err)
	}
	disabled := true
	if _, err := s.App.Accounts.Update(t.Context(), scope.System("test"), account.By{Actor: "system:test"}, u.ID, account.Change{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if err := s.App.Accounts.Recheck(t.Context(), p); !errors.Is(err, account.ErrSignedOut) {
		t.Errorf("of a disabled user: %v", err)
	}
	for _, token := range []string{"", "x", done.Token + "A", strings.Repeat("A", 43)} {
		if _, err := s.App.Accounts.Authenticate(t.Context(), token); !errors.Is(err, account.ErrSignedOut) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}
