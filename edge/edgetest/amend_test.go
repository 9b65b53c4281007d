package edgetest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	. "lotkeeper/edge/edgetest"
	"lotkeeper/shared/session"
)

// TestAmendmentsReachEveryBooth: an entry that no camera saw is added at one booth while the car is held at another's exit,
// which then knows what to ask; and a stay that is voided at one booth is owed nowhere.
func TestAmendmentsReachEveryBooth(t *testing.T) {
	l := Start(t, Plan{})
	a, b := l.Booths["booth-a"], l.Booths["booth-b"]
	token := a.SignIn()
	said := func(path string, body map[string]any) (out map[string]string) {
		t.Helper()
		code, doc := a.Do("POST", path, token, body)
		if code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, code, doc)
		}
		must(t, json.Unmarshal(doc, &out))
		return out
	}
	l.Arrive("exit-1", Car(t, "粤B12345"))
	Until(t, 5*time.Second, "the exit knows no entry", func() bool { return b.Live("exit-1").Reason == "no_entry" })
	entry := map[string]any{"dir": "entry", "at": time.Now().Add(-90 * time.Minute).UTC(), "plate": "粤B12345", "reason": "the camera was dark"}
	added := said("/api/visits", entry)
	Until(t, 5*time.Second, "the exit asks for money", func() bool { return b.Live("exit-1").Due == 1000 })
	if s := one(t, b, "粤B12345", inside); s.ID.String() != added["fact"] || s.Entry.Basis != session.Told {
		t.Errorf("session %+v", s)
	}
	if code, out := a.Do("POST", "/api/visits", token, entry); code != http.StatusUnprocessableEntity {
		t.Errorf("the same entry again: %d %s", code, out)
	}
	if code, out := b.Do("POST", "/api/lanes/exit-1/open", b.SignIn(), map[string]any{"token": b.Live("exit-1").Token, "reason": "queue"}); code != http.StatusOK {
		t.Fatalf("open: %d %s", code, out)
	}
	l.Cross("exit-1")
	owes := one(t, b, "粤B12345", left)
	if owes.Money.Debt != 1000 {
		t.Fatalf("money %+v", owes.Money)
	}
	one(t, a, "粤B12345", left)
	said("/api/sessions/"+owes.ID.String()+"/void", map[string]any{"reason": "it was a delivery"})
	for _, x := range []*Booth{a, b} {
		if s := one(t, x, "粤B12345", func(s session.Session) bool { return s.Void != nil }); s.Money.Debt != 0 || s.Money.Gross != 0 {
			t.Errorf("booth %s: money %+v", x.ID, s.Money)
		}
	}
	for path, want := range map[string]int{
		"/api/sessions/" + owes.ID.String() + "/void":  http.StatusUnprocessableEntity, // twice
		"/api/sessions/abcdefghijklmnop.77/void":       http.StatusNotFound,
		"/api/sessions/" + owes.ID.String() + "/split": http.StatusUnprocessableEntity,
		"/api/sessions/nonsense/merge":                 http.StatusNotFound,
	} {
		if code, out := a.Do("POST", path, token, map[string]any{"reason": "x"}); code != want {
			t.Errorf("%s: %d %s, want %d", path, code, out, want)
		}
	}
	if code, _ := a.Do("POST", "/api/sessions/"+owes.ID.String()+"/void", "", map[string]any{"reason": "x"}); code != http.StatusUnauthorized {
		t.Errorf("without signing in: %d", code)
	}
}
