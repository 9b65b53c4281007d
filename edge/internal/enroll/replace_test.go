package enroll_test

import (
	"context"
	"strings"
	"testing"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/edge/internal/enroll/enrolltest"
)

// A box in another's place knows it for ever: it must not found a group by itself, and says so at its first start.
func TestReplaceIsRemembered(t *testing.T) {
	a := enrolltest.New(t)
	who := [2]string{"riverside", "booth-a"}
	s := cloud(t, a, map[string][2]string{"one": who, "two": who, "three": who, "four": who})
	ctx, dir := context.Background(), t.TempDir()
	id, err := enroll.Replace(ctx, nil, s.URL, "one", dir)
	if err != nil || !id.Replacement {
		t.Fatalf("replace: %+v, %v", id, err)
	}
	if got, err := enroll.Load(dir); err != nil || !got.Replacement {
		t.Errorf("loaded %+v, %v", got, err)
	}
	if again, err := enroll.Enroll(ctx, nil, s.URL, "two", dir); err != nil || !again.Replacement || !again.Key.Equal(id.Key) {
		t.Errorf("enrolled again: %+v, %v", again, err)
	}
	if _, err := enroll.Replace(ctx, nil, s.URL, "three", dir); err == nil || !strings.Contains(err.Error(), "empty one") {
		t.Errorf("replace over an identity: %v", err)
	}
	if first, err := enroll.Enroll(ctx, nil, s.URL, "four", t.TempDir()); err != nil || first.Replacement {
		t.Errorf("a new booth: %+v, %v", first, err)
	}
	said := a.Booth("riverside", "booth-a", func(r *enroll.Response) { r.Replaces = true })
	if !said.Replacement {
		t.Error("the cloud's word that another box was there is lost")
	}
}
